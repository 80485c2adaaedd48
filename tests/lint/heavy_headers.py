#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps headers out of shipped code that cost hundreds of kilobytes in a static binary, or several for each type they are used with."""
import lint

HEAVY = {"iostream", "filesystem", "regex", "fstream", "sstream", "iomanip", "istream", "ostream", "locale"}
# What each new type costs 2 to 4 KiB, where std::vector and std::map cost less than half and do as well for what is held here.
INSTEAD = {"deque": "std::vector", "unordered_map": "std::map or a sorted std::vector", "unordered_set": "std::set or a sorted std::vector"}


def check(tree):
    found = [(path, line, name) for path in tree.files("agent", "platform", ends=lint.CPP)
             for line, kind, name in tree.includes(path) if kind == "<"]
    return ([f"{path}:{line}: <{name}> is too heavy for shipped code" for path, line, name in found if name in HEAVY]
            + [f"{path}:{line}: <{name}> is large for each type: take {INSTEAD[name]}" for path, line, name in found if name in INSTEAD])


SAMPLES = [
    ("each of the heavy ones", {"agent/log/a.cpp": "#include <iostream>\n#  include <filesystem>\n", "platform/win32/a.h": "#include <regex>\n"},
     ["a.cpp:1", "a.cpp:2", "a.h:1"]),
    ("containers that are large for each type", {"agent/log/a.h": "#include <deque>\n", "platform/posix/a.cpp": "#include <unordered_map>\n"},
     ["a.h:1", "a.cpp:1"]),
    ("others, comments and tests", {"agent/log/a.cpp": "#include <string>\n// #include <iostream>\n", "tests/unit/a_test.cpp": "#include <filesystem>\n"}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
