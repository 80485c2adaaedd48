#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each header of the agent, the platform and the fakes alone: it has to bring what it uses."""
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import lint

SELF_FLAGS = ["-std=gnu++20"]
KEPT_FLAGS = re.compile(r"-(I|W|std=|D_|stdlib=).*")
# Standard headers that are precompiled, each group on top of those before it. A header is compiled with the largest group of
# which it includes everything itself or through the headers that it names: so the group brings nothing that it does not bring.
GROUPS = (
    ("cstdint", "string", "string_view"),
    ("optional", "vector"),
    ("chrono",),
    ("cstdlib", "memory", "utility"),
    ("span",),
    ("atomic", "condition_variable", "mutex"),
    ("cstddef", "functional"),
)


def headers(tree):
    other_system = "win32" if os.name == "posix" else "posix"
    return [path for path in tree.files("agent", "platform", "tests/fakes", ends=(".h",)) if not path.startswith(f"platform/{other_system}/")]


def compiler(tree):
    """The command of the build with the flags that decide what compiles."""
    database = os.path.join(tree.build, "compile_commands.json")
    if not os.path.exists(database):
        return [shutil.which("clang++-14") or "c++", *SELF_FLAGS]
    with open(database, encoding="utf-8") as file:
        command = next(shlex.split(entry["command"]) for entry in json.load(file) if "/agent/base/" in entry["file"])
    program = next(word for word in command if re.search(r"(clang\+\+|g\+\+|c\+\+)[-0-9.]*$", word))
    return [program, *(word for word in command if KEPT_FLAGS.fullmatch(word) and word != "-Winvalid-pch")]


class Closures:
    """What each header includes, itself or through our headers."""

    def __init__(self, tree):
        self.tree = tree

    @functools.lru_cache(maxsize=None)  # noqa: B019  (lives as long as the lint)
    def of(self, path):
        """(our files with this one, standard headers)"""
        ours, standard = {path}, set()
        for _, kind, name in self.tree.includes(path):
            beside = os.path.join(os.path.dirname(path), name)
            below = next((place for place in (name, beside) if kind == '"' and self.tree.exists(place)), None)
            if below and below not in ours:
                more = self.of(below)
                ours |= more[0]
                standard |= more[1]
            elif kind == "<":
                standard.add(name)
        return frozenset(ours), frozenset(standard)

    def group(self, path):
        """How many of GROUPS it brings whole."""
        standard = self.of(path)[1]
        return next((number for number, names in enumerate(GROUPS) if not set(names) <= standard), len(GROUPS))

    def print_of(self, path, command):
        """Changes whenever the header has to be compiled again."""
        said = hashlib.sha256(repr((command, GROUPS)).encode())
        for name in sorted(self.of(path)[0]):
            said.update(name.encode() + b"\0" + self.tree.text(name).encode() + b"\0")
        return said.hexdigest()


class Compiler:
    def __init__(self, tree, folder):
        self.command, self.tree, self.folder = compiler(tree), tree, folder

    def precompile(self, count):
        """The standard headers of the first groups, for include()."""
        path = os.path.join(self.folder, f"group{count}")
        with open(path + ".h", "w", encoding="ascii") as file:
            file.writelines(f"#include <{name}>\n" for names in GROUPS[:count] for name in names)
        self.run("-x", "c++-header", path + ".h", "-o", path + ".pch")

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments], cwd=self.tree.root, capture_output=True, text=True, errors="replace", check=False)
        return done.stderr if done.returncode else ""

    def alone(self, path, count):
        """What the compiler says against a file that includes nothing else."""
        source = os.path.join(self.folder, re.sub(r"\W", "_", path) + ".cpp")
        with open(source, "w", encoding="ascii") as file:
            file.write(f'#include "{path}"\n')
        group = ["-include-pch", os.path.join(self.folder, f"group{count}.pch")] if count else []
        said = self.run("-I", self.tree.root, "-I", os.path.join(self.tree.build, "generated"), "-fsyntax-only", *group, source)
        place = re.search(r"(/\S+?:\d+):\d+: (?:fatal )?error: (.*)", said)
        return f"{path}: does not compile alone: {os.path.relpath(place.group(1), self.tree.root)}: {place.group(2)}" if place else said


def known(path):
    """The prints of the headers that compiled alone before."""
    try:
        with open(path, encoding="ascii") as file:
            return set(file.read().split())
    except OSError:
        return set()


def check(tree):
    closures, notes = Closures(tree), os.path.join(tree.build or tree.root, "headers_alone.txt")
    with tempfile.TemporaryDirectory(prefix="hagent-headers-") as folder:
        how = Compiler(tree, folder)
        prints = {path: closures.print_of(path, how.command) for path in headers(tree)}
        before = known(notes)
        wanted = {path: closures.group(path) for path, mark in prints.items() if mark not in before}
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("HAGENT_JOBS") or os.cpu_count() or 2)) as pool:
            list(pool.map(how.precompile, sorted(set(wanted.values()) - {0})))
            said = dict(zip(wanted, pool.map(how.alone, wanted, wanted.values())))
    bad = {path for path, text in said.items() if text}
    if tree.build:
        with open(notes, "w", encoding="ascii") as file:
            file.writelines(mark + "\n" for path, mark in sorted(prints.items()) if path not in bad)
    return [said[path] for path in sorted(bad)]


LEAN = "#pragma once\ninline std::string leaning() { return {}; }\n"
ALL = "".join(f"#include <{name}>\n" for names in GROUPS for name in names)
SAMPLES = [
    ("one that brings what it uses", {"agent/a.h": "#pragma once\n#include <string>\n" + LEAN[13:]}, []),
    ("one that leans on its includer", {"agent/a.h": LEAN}, ["agent/a.h: does not compile alone: agent/a.h:2: "]),
    ("one that brings everything else", {"agent/a.h": "#pragma once\n" + ALL.replace("#include <optional>\n", "").replace("#include <functional>\n", "")
                                         + "inline std::function<void()> leaning() { return {}; }\n"}, ["agent/a.h: does not compile alone: "]),
    ("one that has it from one of ours", {"agent/a.h": '#pragma once\n#include "agent/b.h"\n' + LEAN[13:], "agent/b.h": "#pragma once\n#include <string>\n"}, []),
    ("one whose helper leans", {"agent/a.h": '#pragma once\n#include <string>\n#include "agent/b.h"\n', "agent/b.h": LEAN}, ["agent/b.h: does not"]),
    ("one that brings whole groups", {"agent/a.h": "#pragma once\n" + ALL + "inline std::function<std::optional<std::string>()> f() { return {}; }\n"}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
