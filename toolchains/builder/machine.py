# SPDX-License-Identifier: Apache-2.0
"""What a preset needs from the machine's package manager, and its installation."""
from . import packages
from .common import say

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

FOR_TESTS = {"dev": ["clang-format-14", "clang-tidy-14", "zstd"], "win-x86_64": ["wine64"]}  # by preset


def needed(presets, targets, with_tests):
    names = list(BASE)
    for target in targets:
        names += BY_TARGET[target]
    for preset in presets:
        names += BY_PRESET.get(preset, []) + (FOR_TESTS.get(preset, []) if with_tests else [])
    return list(dict.fromkeys(names))


def install(names):
    """Installs the packages that are not there; on a machine without apt-get it can only say what has to be."""
    if packages.available():
        packages.install(names)
    else:
        say("this machine has no apt-get: make sure that it has " + " ".join(names))
