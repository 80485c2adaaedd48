#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the documents to the tree: every path that a README names in back quotes exists, and every function said to be in a file is."""
import re

import lint

DOCUMENTS = re.compile(r"(^|/)(README|FORMAT|CONTRIBUTING|SECURITY)\.md$")
TOPS = ("agent/", "platform/", "tests/", "toolchains/", "packaging/", ".github/")
QUOTED = re.compile(r"`([\w./-]+)`")
SAID_TO_BE_IN = re.compile(r"`(?:\w+::)*(\w+)` in `([\w./-]+\.(?:cpp|h|py))`")
MOST_HOPS = 40  # of the walk of one job in agent/README.md


def path_in(tree, document, name):
    """The path that a quoted word names, None when it is none: from the top of the tree, or from the document's folder."""
    if name.startswith(TOPS):
        return name.rstrip("/")
    folder = document.rpartition("/")[0]
    top = folder.split("/")[0]
    beside = f"{folder}/{name}" if folder else name
    return beside.rstrip("/") if "/" in name and tree.exists(f"{top}/{name.split('/')[0]}") and tree.exists(beside) else None


def check(tree):
    findings = []
    for document in tree.files(ends=(".md",)):
        if not DOCUMENTS.search(document):
            continue
        text = tree.text(document)
        for found in QUOTED.finditer(text):
            path = path_in(tree, document, found.group(1))
            if path and "NAME" not in path and not tree.exists(path):
                findings.append(f"{document}:{lint.line_of(text, found.start())}: there is no {path}")
        for found in SAID_TO_BE_IN.finditer(text):
            name, path = found.groups()
            if tree.exists(path) and not re.search(rf"\b{name}\b", tree.text(path)):
                findings.append(f"{document}:{lint.line_of(text, found.start())}: {path} has no {name}")
        hops = len(re.findall(r"^\| \d+ \| ", text, re.MULTILINE))
        if document == "agent/README.md" and hops > MOST_HOPS:
            findings.append(f"{document}: the walk of a job has {hops} hops, {MOST_HOPS} are allowed")
    return findings


SAMPLES = [
    ("a path that is there", {"agent/README.md": "see `agent/log/log.h`\n", "agent/log/log.h": ""}, []),
    ("a path that is gone", {"agent/README.md": "see `agent/log/gone.h`\n"}, ["agent/README.md:1: there is no agent/log/gone.h"]),
    ("a word that is no path", {"agent/README.md": "`and/or` `x.y` `/etc/hagent`\n"}, []),
    ("a function in its file", {"agent/README.md": "`Log::add` in `agent/log/log.h`\n", "agent/log/log.h": "void add();"}, []),
    ("a function that moved", {"agent/README.md": "`Log::add` in `agent/log/log.h`\n", "agent/log/log.h": ""}, ["agent/log/log.h has no add"]),
    ("a walk that is too long", {"agent/README.md": "".join(f"| {n} | x |\n" for n in range(1, 42))}, ["has 41 hops"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
