#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps headers that cost hundreds of kilobytes in a static binary out of shipped code."""
import lint

HEAVY = {"iostream", "filesystem", "regex", "fstream", "sstream", "iomanip", "istream", "ostream", "locale"}


def check(tree):
    return [f"{path}:{line}: <{name}> is too heavy for shipped code"
            for path in tree.files("agent", "platform", ends=lint.CPP)
            for line, kind, name in tree.includes(path) if kind == "<" and name in HEAVY]


SAMPLES = [
    ("each of the heavy ones", {"agent/log/a.cpp": "#include <iostream>\n#  include <filesystem>\n", "platform/win32/a.h": "#include <regex>\n"},
     ["a.cpp:1", "a.cpp:2", "a.h:1"]),
    ("others, comments and tests", {"agent/log/a.cpp": "#include <string>\n// #include <iostream>\n", "tests/unit/a_test.cpp": "#include <filesystem>\n"}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
