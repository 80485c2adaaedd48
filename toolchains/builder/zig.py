# SPDX-License-Identifier: Apache-2.0
"""The zig cross compiler: a private Python environment in the cache, and wrappers that CMake can call as compilers."""
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from .common import Failure, cache_root, locked, output_of, run, say

FLAGS = {"linux-i686-musl": "-target x86-linux-musl -mcpu=i686"}
TOOLS = {"clang": "cc", "clang++": "c++", "ar": "ar", "ranlib": "ranlib", "objcopy": "objcopy", "ld.lld": "ld.lld"}


def wrappers(target):
    """The folder of the wrappers; the target's toolchain file computes the same path."""
    return cache_root() / "zig" / target


def compiler(row):
    """Path of the pinned zig: the one on PATH if it has that version, else the one in the cache."""
    found = shutil.which("zig")
    if found and output_of([found, "version"]).strip() == row["version"]:
        return Path(found)
    venv = cache_root() / "zig" / f"venv-{row['version']}"
    return next(iter(sorted(venv.glob("lib/python*/site-packages/ziglang/zig"))), None)


def set_up(target, row):
    with locked(cache_root() / "zig" / "lock"):
        if compiler(row) is None:
            install(row)
        write_wrappers(target, compiler(row))


def install(row):
    venv = cache_root() / "zig" / f"venv-{row['version']}"
    say(f"installing the Python package {row['package']} {row['version']} (compiler for static musl) into {venv}")
    shutil.rmtree(venv, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        wanted = Path(scratch) / "requirements"
        wanted.write_text(f"{row['package']}=={row['version']} --hash=sha256:{row['sha256']}\n")
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        run([python, "-m", "venv", venv], log=log)
        try:
            run([venv / "bin" / "python", "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r",
                 wanted], log=log)
        except Failure as failure:
            shutil.rmtree(venv, ignore_errors=True)
            raise Failure(f"{failure}\nWithout that package a zig {row['version']} on PATH does as well.") from failure


def write_wrappers(target, zig):
    folder = wrappers(target)
    folder.mkdir(parents=True, exist_ok=True)
    for name, verb in TOOLS.items():
        flags = f" {FLAGS[target]}" if verb in ("cc", "c++") else ""
        text = (f'#!/bin/sh\nexport ZIG_GLOBAL_CACHE_DIR="{cache_root()}/zig/cache" ZIG_LOCAL_CACHE_DIR="{cache_root()}/zig/cache"\n'
                f'exec "{zig}" {verb}{flags} "$@"\n')
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue  # an unchanged time stamp keeps compiler caches valid
        fresh = path.with_name(f".{name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        os.replace(fresh, path)
