#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the bytes of the static musl program are: module_sizes.py update TARGET SIZES LIMITS writes what SIZES (made by link_musl.py)
says into LIMITS (packaging/size_limits.txt).

The linker's map has one line for each function and constant that is left. The C and C++ libraries come as objects, so their lines
name the library. Everything else is one object to the linker, the program optimised as a whole; there the name of the function or
constant is looked up in the archives it was linked from. A function that was put in place of its call counts where it was put. One
that several of our modules have (templates, inline functions) counts for the module that its name mentions first; "shared" are those
that mention none. "texts" are the constant strings, which the linker keeps once for all. "rest" is what has no line: headers, tables
of the loader, gaps. The lines add up to the size of the file.
"""
import collections
import os
import re
import subprocess
import sys

ROW = re.compile(r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ (\S+| {8}(?! )(.*):\(([^()]*)\))$")
OURS = re.compile(r"6hagent\d+([a-z_]+?)(?=\d|E|[A-Z])")
EMPTY_IN_FILE = (".bss", ".tbss", ".relro_padding")
LIBRARIES = {"libcurl": "libcurl", "libmbedtls": "mbedtls", "libmbedx509": "mbedtls", "libmbedcrypto": "mbedtls", "libc": "libc",
             "libzigc": "libc", "libcompiler_rt": "libc", "libc++": "libc++", "libc++abi": "libc++", "libunwind": "libc++"}


def module_of(path):
    """Name of the line for what comes from an archive; objects of their own belong to the program."""
    name = os.path.basename(path).removesuffix(".a")
    return "agent" if path.endswith(".o") else LIBRARIES.get(name, name.removeprefix("libhagent_"))


def owners(files):
    """{symbol: names of the lines it may count for} of the archives and objects that are linked."""
    found = collections.defaultdict(set)
    for file in files:
        listed = subprocess.run(["nm", "--defined-only", "--format=posix", file], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            if " " in line:
                found[line.split(" ", 1)[0]].add(module_of(file))
    found[""] = {module_of(file) for file in files}
    return found


def symbol_of(section):
    """The function or constant that a section of the whole program holds; empty when it has no name."""
    name = re.sub(r"^\.(text|rodata|data\.rel\.ro|data)\.((unlikely|startup)\.)?", "", section)
    name = re.sub(r"^\.L(__const\.|switch\.table\.|str\.?)?", "", name)
    return re.sub(r"(\.(llvm\.)?\d+|\.cold|\.isra|\.part)+$", "", name)


def line_of(file, section, known):
    """Name of the line that a piece of the map counts for."""
    if file == "<internal>":
        return "texts" if ".str" in section or section == ".rodata" else "rest"
    inside = re.match(r"(.*\.a)\(", file)
    if inside:
        return module_of(inside.group(1))
    if not file.endswith(".lto.o"):
        return "libc"  # the start files
    if re.search(r"\.(str|cst)\d", section):
        return "texts"
    symbol = symbol_of(section)
    names = known.get(symbol) or known.get(symbol.split(".")[0]) or known[""]
    if len(names) == 1:
        return next(iter(names))
    return next((name for name in OURS.findall(symbol) if name in names), "shared")


def sizes(map_text, known, file_bytes):
    """{line: bytes}, which add up to the size of the file."""
    out = collections.Counter()
    counted = False
    for line in map_text.splitlines():
        row = ROW.match(line)
        if row and row.group(3) is None:
            counted = row.group(2).startswith(".") and row.group(2) not in EMPTY_IN_FILE
        elif row and counted:
            out[line_of(row.group(3), row.group(4), known)] += int(row.group(1), 16)
    out["rest"] += file_bytes - sum(out.values())
    return dict(out)


def account(map_path, files, output):
    """Writes OUTPUT.sizes; returns its table."""
    with open(map_path, encoding="utf-8", errors="replace") as file:
        table = sizes(file.read(), owners(files), os.path.getsize(output))
    with open(f"{output}.sizes", "w", encoding="utf-8") as file:
        file.writelines(f"{name} {table[name]}\n" for name in sorted(table))
    return table


def read(path):
    """The table of an OUTPUT.sizes."""
    with open(path, encoding="utf-8") as file:
        return {name: int(size) for name, size in (line.split() for line in file)}


def noted(target, limits_text):
    """The table that packaging/size_limits.txt has for a target."""
    rows = [line.split("#")[0].split() for line in limits_text.splitlines()]
    return {row[0].split("/", 1)[1]: int(row[1]) for row in rows if row and row[0].startswith(f"{target}/")}


def changes(table, before):
    """Lines for people: each name with its bytes and how many more or fewer they are than noted."""
    names = sorted(set(table) | set(before), key=lambda name: -table.get(name, 0))
    return [f"  {name:10} {table.get(name, 0):8} {table.get(name, 0) - before.get(name, 0):+8}" for name in names]


def updated(target, table, limits_text):
    """The limits with the table in place of what they had."""
    kept = [line for line in limits_text.splitlines() if not line.startswith(f"{target}/")]
    return "\n".join(kept + [f"{target}/{name} {table[name]}" for name in sorted(table)]) + "\n"


def main(arguments):
    if len(arguments) != 4 or arguments[0] != "update":
        print(__doc__, file=sys.stderr)
        return 2
    _, target, table, limits = arguments
    with open(limits, encoding="utf-8") as file:
        text = updated(target, read(table), file.read())
    with open(limits, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
