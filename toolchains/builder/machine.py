# SPDX-License-Identifier: Apache-2.0
"""What a preset needs from the machine's package manager, and its installation."""
import os
import shutil
import tempfile

from .common import Failure, output_of, run, say

BASE = ["cmake", "ninja-build", "gcc", "g++", "libc6-dev", "make", "patch", "tar", "xz-utils", "bzip2", "dpkg-dev",
        "ca-certificates", "debian-archive-keyring", "ccache"]

BY_TARGET = {
    "native": [],
    "linux-i686": ["g++-multilib"],
    "linux-i686-musl": ["python3-venv"],
    "win-x86_64": ["g++-mingw-w64-x86-64-posix"],
    "win-i686": ["g++-mingw-w64-i686-posix"],
}

CLANG = ["clang-14", "libclang-rt-14-dev", "lld-14", "llvm-14"]
BY_PRESET = {"dev": CLANG, "asan-ubsan": CLANG, "tsan": CLANG, "fuzz": CLANG}

FOR_TESTS = {"dev": ["clang-format-14", "clang-tidy-14"], "win-x86_64": ["wine64"]}  # by preset


def needed(presets, targets, with_tests):
    names = list(BASE)
    for target in targets:
        names += BY_TARGET[target]
    for preset in presets:
        names += BY_PRESET.get(preset, []) + (FOR_TESTS.get(preset, []) if with_tests else [])
    return list(dict.fromkeys(names))


def missing(names):
    listing = output_of(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"])
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def install(names):
    """Installs the packages that are not there; asks the package manager nothing when all are."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-query") is None:
        say("this machine has no apt-get: make sure that it has " + " ".join(names))
        return
    absent = missing(names)
    if not absent:
        return
    if os.geteuid() != 0:
        raise Failure("these packages are missing: " + " ".join(absent) + ". Install them as root with apt-get, then run this again.")
    say("installing: " + " ".join(absent))
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with tempfile.NamedTemporaryFile(prefix="hagent-apt-", suffix=".log", delete=False) as log:
        run(["apt-get", "-q", "update"], log=log.name, env=quiet)
        run(["apt-get", "-q", "-y", "--no-install-recommends", "install", *absent], log=log.name, env=quiet)
    os.unlink(log.name)
