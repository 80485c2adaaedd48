#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the law of includes: down, inside the own folder, or along one of the listed edges between siblings."""
import lint

LAYERS = {
    "agent": 7,  # with agent/verbs
    "agent/manager": 6, "agent/status": 6, "agent/rpc": 6,
    "agent/session": 5,
    "agent/script": 4, "agent/software": 4, "agent/image": 4, "agent/upgrade": 4,
    "agent/work": 3.75,
    "agent/transfer": 3.5, "agent/http": 3.5,  # above trust, below what kinds of work share
    "agent/boot": 3.25,  # reads the settings of slots
    "agent/config": 3, "agent/journal": 3, "agent/trust": 3, "agent/loop": 3,
    "agent/config": 3, "agent/decode": 3, "agent/journal": 3, "agent/trust": 3, "agent/loop": 3,
    "agent/log": 2,
    "platform": 1,
    "agent/base": 0, "agent/errors": 0,
}
KINDS = ("agent/script", "agent/software", "agent/image", "agent/upgrade")
UNSEEN = {("agent/session", kind) for kind in KINDS}  # below, and yet not to be seen: sessions know work, never a kind of it
PARTS_OF = {"agent/verbs": "agent"}
SYSTEMS = ("platform/posix", "platform/win32")
SEEN_BY_SYSTEMS = ("platform", "agent/base", "agent/errors")
EDGES = {
    ("agent/base", "agent/errors"),
    ("agent/software", "agent/script"),  # control scripts
}


def folder_of(path):
    folder = "/".join(path.split("/")[:-1][:2])
    return PARTS_OF.get(folder, folder)


def refusal(source, target):
    """Why a file in `source` may not include one in `target`; empty when it may."""
    if source == target:
        return ""
    if target in SYSTEMS:
        return "nothing includes an implementation of the platform"
    if source in SYSTEMS:
        return "" if target in SEEN_BY_SYSTEMS else "an implementation of the platform sees platform/*.h, base and errors only"
    if (source, target) in UNSEEN:
        return f"{source} knows no kind of work, only agent/work"
    if LAYERS[target] < LAYERS[source] or (source, target) in EDGES:
        return ""
    same = LAYERS[target] == LAYERS[source]
    return f"{source} and {target} are both in layer {LAYERS[source]}" if same else f"layer {LAYERS[source]} may not see layer {LAYERS[target]}"


def check(tree):
    findings, used = [], set()
    known = set(LAYERS) | set(SYSTEMS)
    for path in tree.files("agent", "platform", ends=(".h", ".cpp", ".def", ".inc")):
        source = folder_of(path)
        if source not in known:
            findings.append(f"{path}: the folder {source} has no layer in tests/lint/layers.py")
            continue
        for line, kind, name in tree.includes(path):
            target = folder_of(name)
            if kind == "<":
                continue
            if not tree.exists(name) or "/" not in name or ".." in name:
                findings.append(f'{path}:{line}: "{name}" is no path from the root of the repository')
                continue
            if target not in known:
                findings.append(f'{path}:{line}: "{name}" lies in no layer')
                continue
            used.add((source, target))
            if reason := refusal(source, target):
                findings.append(f'{path}:{line}: includes "{name}": {reason}')
    for source, target in sorted(EDGES - used):
        if tree.exists(source) and tree.exists(target):
            findings.append(f"tests/lint/layers.py: the edge {source} -> {target} is not used any more; take it off the list")
    return findings


def include(name):
    return f'#include "{name}"\n'


EMPTY = {"agent/base/text.h": "", "agent/log/log.h": "", "agent/status/page.h": "", "agent/http/server.h": "", "platform/files.h": "",
         "platform/posix/fd.h": ""}
SAMPLES = [
    ("downwards is fine", {**EMPTY, "agent/status/api.h": include("agent/http/server.h") + include("platform/files.h")}, []),
    ("upwards", {**EMPTY, "agent/log/log.cpp": "\n" + include("agent/status/page.h")}, ["agent/log/log.cpp:2"]),
    ("an include in a comment is none", {**EMPTY, "agent/log/log.cpp": "/*\n" + include("agent/status/page.h") + "*/"}, []),
    ("siblings", {**EMPTY, "agent/trust/a.h": "", "agent/journal/b.cpp": include("agent/trust/a.h")}, ["both in layer 3"]),
    ("implementation from outside", {**EMPTY, "agent/log/log.cpp": include("platform/posix/fd.h")}, ["nothing includes"]),
    ("implementation seeing the log", {**EMPTY, "platform/posix/a.cpp": include("agent/log/log.h")}, ["sees platform/*.h"]),
    ("not from the root", {**EMPTY, "agent/log/log.cpp": include("log.h")}, ["no path from the root"]),
    ("the composition root sees all, its own verbs too",
     {**EMPTY, "agent/verbs/run.h": "", "agent/verbs/a.cpp": include("agent/status/page.h"), "agent/agent.cpp": include("agent/verbs/run.h")}, []),
    ("a session that knows scripts", {**EMPTY, "agent/script/a.h": "", "agent/session/origin/b.cpp": include("agent/script/a.h")}, ["knows no kind"]),
    ("unknown folder", {**EMPTY, "agent/extra/a.cpp": ""}, ["has no layer"]),
    ("a listed edge that is used", {"agent/errors/id.h": "", "agent/base/a.h": include("agent/errors/id.h")}, []),
    ("a listed edge that is not used", {"agent/errors/id.h": "", "agent/base/a.h": ""}, ["not used any more"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
