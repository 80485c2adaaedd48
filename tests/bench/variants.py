# SPDX-License-Identifier: Apache-2.0
"""hagent as in build/release, linked once more for what cannot be seen in the shipped program."""

import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def named(root):
    """With the names of its functions, for perf; None with a word why not."""
    return build(root, "bench-profile", "")


def masked(root):
    """Without knowing of the processor's SHA extensions; None with a word why not."""
    stand_in = os.path.join(root, "build", "bench-masked.o")
    if not ran(root, ["cc", "-c", "-O2", os.path.join(HERE, "masked.c"), "-o", stand_in]):
        return None
    return build(root, "bench-masked", f"-s -Wl,--wrap=_ZN6hagent5trust18has_sha_extensionsEv {stand_in}")


def build(root, name, linker_flags):
    folder = os.path.join(root, "build", name)
    if not os.path.exists(os.path.join(root, "build", "release", "CMakeCache.txt")):
        print("  build/release is not there (`toolchains/build release`)")
        return None
    configured = ran(root, ["cmake", "--preset", "release", "-B", folder, f"-DCMAKE_EXE_LINKER_FLAGS_MINSIZEREL={linker_flags}", "--log-level=WARNING"])
    if not configured or not ran(root, ["cmake", "--build", folder, "--target", "hagent", "-j", str(os.cpu_count() or 2), "--", "--quiet"]):
        return None
    return os.path.join(folder, "hagent")


def ran(root, command):
    good = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False).returncode == 0
    if not good:
        print(f"  `{' '.join(command)}` failed")
    return good
