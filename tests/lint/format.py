#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds one style: C++ files are as clang-format leaves them, and no line outside tables has more than 120 characters."""
import os
import re
import shutil
import subprocess

import lint

LINE_CHARACTERS = 120
FORMATTERS = ("clang-format-14", "clang-format")
FORMATTER_VERSION = 14  # another version lays some lines out otherwise
VENDOR_SHAPES = ("toolchains/mbedtls_config.h",)  # laid out as the library's own file, so that the two can be compared


def formatter():
    """The formatter of the wanted version, None when the machine lacks it."""
    for name in FORMATTERS:
        if path := shutil.which(name):
            said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if (found := re.search(r"version (\d+)\.", said)) and int(found.group(1)) == FORMATTER_VERSION:
                return path
    return None


def long_lines(text):
    """Numbers of the lines that are too long. The insides of literals do not count, nor do tables (clang-format off to on)."""
    found, table = [], False
    shown = lint.literals_emptied(text).splitlines()
    for number, (line, bare) in enumerate(zip(text.splitlines(), shown), 1):
        if marker := re.search(r"// clang-format (off|on)", line):
            table = marker.group(1) == "off"
        elif len(bare) > LINE_CHARACTERS and not table:
            found.append(number)
    return found


def unformatted(root, paths, program):
    """(path, line) of the first place in each file that the formatter would change."""
    done = subprocess.run([program, f"--style=file:{lint.ROOT}/.clang-format", "--dry-run", *paths], cwd=root, capture_output=True, text=True, check=False)
    first = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: warning: code should be clang-formatted", done.stderr, re.MULTILINE):
        first.setdefault(path, int(line))
    if done.returncode or (done.stderr and not first):
        raise SystemExit(f"format.py: {program} ended with {done.returncode}:\n{done.stderr}")
    return sorted(first.items())


def check(tree):
    program = formatter()
    if program is None:
        return [f"clang-format {FORMATTER_VERSION} is not installed: ./toolchains/build --deps-only --with tests dev brings it"]
    paths = [path for path in tree.files("agent", "platform", "tests", "toolchains", ends=lint.CPP) if path not in VENDOR_SHAPES]
    findings = [f"{path}:{line}: not as clang-format leaves it; run {os.path.basename(program)} -i {path}"
                for path, line in unformatted(tree.root, paths, program)]
    for path in paths:
        findings += [f"{path}:{number}: more than {LINE_CHARACTERS} characters" for number in long_lines(tree.text(path))]
    return findings


SAMPLES = [
    ("a formatted file", {"agent/log/a.cpp": "int f() { return 1; }\n"}, []),
    ("an unformatted one", {"agent/log/a.cpp": "int f() { return 1; }\nint  g();\n"}, ["agent/log/a.cpp:2: not as"]),
    ("a long comment", {"agent/log/a.cpp": "// " + "word " * 30 + "end\n"}, ["agent/log/a.cpp:1: more than"]),
    ("a long row of a table", {"agent/log/a.cpp": "// clang-format off\n// " + "word " * 30 + "end\n// clang-format on\n"}, []),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
