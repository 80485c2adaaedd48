#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the size of a shipped binary beside the goal of its target, and fails when it is above the limit, both from
packaging/size_limits.txt. While the goal is not reached the limit keeps the way to it from growing longer. Where the link says what
each module and library takes (toolchains/module_sizes.py), that is printed too, with its change against the same file."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "toolchains"))
sys.dont_write_bytecode = True
import module_sizes  # noqa: E402

LIMITS = "packaging/size_limits.txt"


def row_of(target, text):
    """(limit, goal) in bytes that the table has for a target; None when it has none."""
    for line in text.splitlines():
        fields = line.split("#")[0].split()
        if fields and fields[0] == target:
            return int(fields[1]), int(fields[2])
    return None


def verdict(target, size, text):
    """(passed, sentence)"""
    row = row_of(target, text)
    if row is None:
        return False, f"{LIMITS} has no line for {target}"
    limit, goal = row
    aim = "the goal is reached" if size <= goal else f"GOAL NOT REACHED: {size - goal} bytes above {goal}"
    return size <= limit, f"{target}: {size} bytes, {size / 2**20:.3f} MiB, of {limit} allowed ({100 * size / limit:.1f} %); {aim}"


def self_test():
    table = "# comment\na 100 50 # why\nb 7 7\n"
    assert verdict("a", 100, table)[0] and not verdict("a", 101, table)[0] and not verdict("c", 1, table)[0]
    assert "GOAL NOT REACHED: 1 bytes" in verdict("a", 51, table)[1] and "goal is reached" in verdict("a", 50, table)[1]
    modules_test()
    print("size.py: 11 samples as expected")


SAMPLE_MAP = """     VMA      LMA     Size Align Out     In      Symbol
     530      530      123    16 .rodata
     530      530       23     1         <internal>:(.rodata.str1.1)
    1000     1000     1000    16 .text
    1000     1000       10     2         /tmp/a.lto.o:(.text._ZN6hagent7session3runEv)
    1000     1000        1     1                 hagent::session::run()
    1010     1010       20     2         /tmp/a.lto.o:(.text._ZNSt6vectorIN6hagent7session3JobEE9push_backEv.llvm.12)
    1030     1030        8     2         /tmp/a.lto.o:(.text._ZNSt6vectorIiE9push_backEv)
    1040     1040       30     4         /lib/libc.a(open.o):(.text.open)
    2000     2000      100     4 .bss
    2000     2000      100     4         /tmp/a.lto.o:(.bss.buffer)
"""


def modules_test():
    known = {"_ZN6hagent7session3runEv": {"session"}, "_ZNSt6vectorIN6hagent7session3JobEE9push_backEv": {"manager", "session"},
             "_ZNSt6vectorIiE9push_backEv": {"manager", "base"}, "": {"manager", "session", "base"}}
    table = module_sizes.sizes(SAMPLE_MAP, known, 0x200)
    assert table == {"texts": 0x23, "session": 0x30, "shared": 8, "libc": 0x30, "rest": 0x200 - 0x8B}, table
    noted = module_sizes.noted("a", "a 100 50\na/session 40\nab/session 7\na/old 5 # why\n")
    assert noted == {"session": 40, "old": 5}
    assert [line.split() for line in module_sizes.changes({"session": 48}, noted)] == [["session", "48", "+8"], ["old", "0", "-5"]]
    assert module_sizes.updated("a", {"x": 1}, "# words\na 9 8\na/old 5\nb/old 6\n") == "# words\na 9 8\nb/old 6\na/x 1\n"
    assert module_sizes.module_of("agent/x/libhagent_x.a") == "x" and module_sizes.module_of("/lib/libmbedx509.a") == "mbedtls"


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    if len(arguments) != 3:
        print("usage: size.py TARGET BINARY LIMITS, or --self-test", file=sys.stderr)
        return 2
    target, binary, limits = arguments
    with open(limits, encoding="utf-8") as file:
        text = file.read()
    passed, sentence = verdict(target, os.path.getsize(binary), text)
    print(sentence)
    if os.path.exists(f"{binary}.sizes"):
        print("\n".join(module_sizes.changes(module_sizes.read(f"{binary}.sizes"), module_sizes.noted(target, text))))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
