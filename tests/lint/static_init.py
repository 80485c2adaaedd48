#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds code that would run before main in the agent's libraries: constants are constexpr, nothing else is global."""
import glob
import os
import re
import subprocess

import lint

BEFORE_MAIN = re.compile(r"\b(?:_GLOBAL__(?:sub_)?I_\w*|__cxx_global_var_init\w*)")
OBJECT = re.compile(r"^(\S+\.o):$")


def libraries(build):
    return sorted(path for top in ("agent", "platform") for path in glob.glob(os.path.join(build, top, "**", "libhagent_*.a"), recursive=True))


def initialisers(listing):
    """(object, symbol) of each initialiser that a listing of nm shows."""
    found, member = [], "?"
    for line in listing.splitlines():
        if name := OBJECT.match(line):
            member = name.group(1)
        elif symbol := BEFORE_MAIN.search(line):
            found.append((member, symbol.group()))
    return found


def check(tree):
    if tree.exists("listing"):  # a sample
        return [f"{member}: {symbol}" for member, symbol in initialisers(tree.text("listing"))]
    if not (archives := libraries(tree.build)):
        return [f"{tree.build or '--build'}: no libhagent_*.a there; build first"]
    findings = []
    for archive in archives:
        done = subprocess.run(["nm", archive], capture_output=True, text=True, check=False)
        if done.returncode:
            findings.append(f"{archive}: nm says: {done.stderr.strip()}")
        findings += [f"{os.path.basename(archive)}({member}): {symbol} runs before main" for member, symbol in initialisers(done.stdout)]
    return findings


SAMPLES = [
    ("an initialiser", {"listing": "\na.cpp.o:\n0000 T _Z1fv\n\nb.cpp.o:\n0010 t _GLOBAL__sub_I_b.cpp\n"}, ["b.cpp.o: _GLOBAL__sub_I_b"]),
    ("none", {"listing": "\na.cpp.o:\n0000 T _Z1fv\n"}, []),
    ("nothing built", {"other": ""}, ["build first"]),
]

if __name__ == "__main__":
    lint.main(__doc__, check, SAMPLES)
