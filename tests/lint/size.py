#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the size of a shipped binary beside the goal of its target, and fails when it is above the limit, both from
packaging/size_limits.txt. While the goal is not reached the limit keeps the way to it from growing longer."""
import os
import sys

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
    print("size.py: 5 samples as expected")


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    if len(arguments) != 3:
        print("usage: size.py TARGET BINARY LIMITS, or --self-test", file=sys.stderr)
        return 2
    target, binary, limits = arguments
    with open(limits, encoding="utf-8") as file:
        passed, sentence = verdict(target, os.path.getsize(binary), file.read())
    print(sentence)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
