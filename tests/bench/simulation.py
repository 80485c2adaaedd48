# SPDX-License-Identifier: Apache-2.0
"""Shows the simulation of a fleet: builds nothing, runs the newest bench_fleet that the tests have built."""
import os
import subprocess

PRESETS = ("release", "dev")


def program(root):
    """The newest bench_fleet below build/, or None."""
    found = [os.path.join(root, "build", preset, "tests", "bench", "bench_fleet") for preset in PRESETS]
    return max(filter(os.path.exists, found), key=os.path.getmtime, default=None)


def show(root):
    """Prints the simulation and draws fleet.svg beside the program; False when there is nothing to run or it failed."""
    path = program(root)
    if path is None:
        print("\nno bench_fleet: `toolchains/build dev`, then `ninja -C build/dev bench_fleet`", flush=True)
        return False
    print(flush=True)
    return subprocess.run([path, os.path.join(os.path.dirname(path), "fleet.svg")], check=False).returncode == 0
