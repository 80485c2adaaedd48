#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the samples beside it with the machine's gzip, xz and zstd: samples/make.py. They are kept, so that tests need no program."""
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
WORDS = ["the", "of", "slot", "chunk", "and", "image", "is", "written", "to", "boot", "once", "more,", "", "then", "it\n"]
PROGRAMS = {
    "plain.gz": ["gzip", "-n", "-9"],
    "fast.gz": ["gzip", "-n", "-1"],
    "plain.xz": ["xz", "-6"],
    "large-dictionary.xz": ["xz", "-9e", "--check=none"],
    "sha256.xz": ["xz", "-0", "--check=sha256"],
    "x86.xz": ["xz", "--x86", "--lzma2=preset=6,dict=256KiB"],
    "delta.xz": ["xz", "--delta=dist=4", "--lzma2=preset=6"],
    "plain.zst": ["zstd", "-q", "-9"],
    "ultra.zst": ["zstd", "-q", "--ultra", "-22", "--long=27"],
    "no-check.zst": ["zstd", "-q", "-3", "--no-check"],
}


def words():
    """The 6,000 bytes that decode_test.cpp makes too."""
    out, seed = "", 1
    while len(out) < 6000:
        seed = (seed * 1103515245 + 12345) % (1 << 31)
        out += WORDS[(seed >> 16) % len(WORDS)] + " "
    return out[:6000].encode()


def main():
    raw = words()
    for name, argv in PROGRAMS.items():
        (FOLDER / name).write_bytes(subprocess.run([*argv, "-c"], input=raw, stdout=subprocess.PIPE, check=True).stdout)
    named = FOLDER / "words.txt"
    named.write_bytes(raw)
    subprocess.run(["gzip", "-f", "-k", named], check=True)
    (FOLDER / "words.txt.gz").rename(FOLDER / "named.gz")
    subprocess.run(["zstd", "-q", "-f", "-9", named, "-o", FOLDER / "with-size.zst"], check=True)
    named.unlink()


if __name__ == "__main__":
    main()
