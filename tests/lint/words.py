#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds words of unfinished work, addresses of package registries, paths of one machine, and missing first lines."""
import re

import lint

UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|\bplace" r"holder\b|\bfor" r" now\b|\bnot (?:yet )?implem" r"ented\b|\bunimplem" r"ented\b",
                        0)
REGISTRY = re.compile(r"\b(?:deb|security|snapshot|ftp|repo\d*|registry|index|files|proxy|pypi|crates|mirrors?)\."
                      r"(?:(?!example\b)[a-z0-9-]+\.)*(?:org|com|net|io)\b")
MACHINE = re.compile(r"(?<![\w.$}>*~)-])/(?:wo" r"rk|tmp/h|ro" r"ot/\.cache|ho" r"me/\w+)(?=[/\s\"'`]|$)|\.libr" r"ary/|\.mir" r"ror/")
RULES = [(UNFINISHED, "unfinished work"), (REGISTRY, "address of a package registry"), (MACHINE, "path of one machine")]
LICENSED = (".h", ".cpp", ".py", ".cmake", ".def", "CMakeLists.txt")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
BINARY = (".png", ".ico", ".gz", ".xz", ".zst", ".tar", ".bin", ".der", ".pem")


def check(tree):
    findings = []
    for path in tree.files():
        if path == "LICENSE" or path.endswith(BINARY) or "/corpus/" in path:
            continue
        text = tree.text(path)
        if path.endswith(LICENSED) and LICENCE not in "".join(text.splitlines(True)[:2]):
            findings.append(f"{path}:1: the licence line is missing")
        for rule, what in RULES:
            for found in rule.finditer(text):
                findings.append(f"{path}:{lint.line_of(text, found.start())}: {what}: {found.group()}")
    return findings


L = f"// {LICENCE}\n"
SAMPLES = [
    ("unfinished work", {"agent/a.cpp": L + "// TO" "DO: later\n// fine for" " now\n", "README.md": "a place" "holder"},
     ["README.md:1", "agent/a.cpp:2", "agent/a.cpp:3"]),
    ("six letters of a file name's pattern", {"agent/a.cpp": L + "const char* k = \"file." + "X" * 6 + "\";\n"}, []),
    ("registries", {"a/run": "one pypi." "org two deb.deb" "ian.org three deb.example four repo.example.org"}, ["pypi", "deb."]),
    ("machine paths", {"a.md": "see /wo" "rk/main and network/work/x, ./work, path/work"}, ["a.md:1"]),
    ("no licence line", {"agent/a.h": "#pragma once\n", "agent/b.h": L, "tests/run": "#!x\n", "a/c.py": "#!/x\n# " + LICENCE}, ["agent/a.h:1"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
