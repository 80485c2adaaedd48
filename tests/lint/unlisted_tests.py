#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds what the build forgets: tests, fuzz targets and sources that are compiled nowhere, Python tests that ctest never runs."""
import json
import os
import re

import lint

FOREIGN = ("win32", "musl")  # folders of targets that this build is not for: their files have to be named in a CMakeLists.txt


def compiled(tree):
    """Paths, relative to the root, that the build compiles; None when the build folder has no list of them."""
    listing = os.path.join(tree.build, "compile_commands.json")
    if not os.path.exists(listing):
        return None
    with open(listing, encoding="utf-8") as file:
        entries = json.load(file)
    root = os.path.realpath(tree.root)
    return {os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), root).replace(os.sep, "/") for entry in entries}


def named(tree, path):
    """True when a CMakeLists.txt beside or above the file names it, or globs its folder."""
    folder, name = os.path.split(path)
    above = folder
    while above:
        listing = f"{above}/CMakeLists.txt"
        if tree.exists(listing):
            text = tree.text(listing)
            if name in text or re.search(r"\$\{system\}/\*\.cpp|\*_test\." + re.escape(name.rpartition(".")[2]), text):
                return True
        above = os.path.dirname(above)
    return False


def check(tree):
    built = compiled(tree)
    if built is None:
        return [f"{tree.build or '--build'}: no compile_commands.json there; configure the build folder first"]
    findings = []
    for path in tree.files("agent", "platform", "tests", ends=(".cpp",)):
        if path in built or path.startswith("tests/lint/"):
            continue
        if not (set(path.split("/")) & set(FOREIGN) and named(tree, path)):
            findings.append(f"{path}: no target of the build compiles it")
    for path in tree.files("tests/integration", "tests/setup", ends=("_test.py",)):
        if not named(tree, path):
            findings.append(f"{path}: no CMakeLists.txt lists it")
    for path in tree.files("tests/fuzz", ends=("fuzz.cpp",)):
        corpus = os.path.dirname(path) + "/corpus/"
        if not tree.files(corpus):
            findings.append(f"{path}: there is no {corpus} beside it with at least one file")
    return findings


def listing(*paths):
    return {"compile_commands.json": json.dumps([{"directory": "/", "file": path} for path in paths])}


def sampled(tree):
    """The check over a sample, whose compile_commands.json names files relative to the sample's root."""
    path = os.path.join(tree.root, "compile_commands.json")
    if os.path.exists(path):
        entries = json.loads(tree.text(path))
        with open(path, "w", encoding="utf-8") as file:
            json.dump([{**entry, "directory": tree.root} for entry in entries], file)
    return check(tree)


T = "tests/unit/log/a_test.cpp"
SAMPLES = [
    ("no list of compiled files", {T: ""}, ["configure the build folder"]),
    ("a listed test", {T: "", **listing(T)}, []),
    ("a forgotten test", {T: "", "tests/unit/log/b_test.cpp": "", **listing(T)}, ["b_test.cpp: no target"]),
    ("a forgotten source", {"agent/log/a.cpp": "", **listing()}, ["agent/log/a.cpp"]),
    ("another system, named", {"platform/win32/a.cpp": "", "platform/CMakeLists.txt": "win32/a.cpp", **listing()}, []),
    ("another system, not named", {"platform/win32/a.cpp": "", "platform/CMakeLists.txt": "b.cpp", **listing()}, ["win32/a.cpp"]),
    ("a fuzz target that is not built", {"tests/fuzz/x/fuzz.cpp": "", "tests/fuzz/x/corpus/a": "", **listing()}, ["x/fuzz.cpp"]),
    ("a fuzz target without corpus", {"tests/fuzz/x/fuzz.cpp": "", **listing("tests/fuzz/x/fuzz.cpp")}, ["corpus"]),
    ("a Python test", {"tests/integration/a_test.py": "", "tests/integration/CMakeLists.txt": "b_test.py", **listing()}, ["a_test.py"]),
]

if __name__ == "__main__":
    import sys
    lint.main(__doc__, sampled if "--self-test" in sys.argv else check, SAMPLES)
