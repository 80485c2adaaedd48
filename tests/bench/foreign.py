# SPDX-License-Identifier: Apache-2.0
"""Debian's i386 programs beside the machine's own: unpacked into a folder and run through their own loader, never installed."""

import glob
import os
import shlex
import shutil

from demo_payload import cache_folder, unpack
from services import LabError
from setup_packages import download_with_dependencies, private_options, say, update

ARCHITECTURE = "i386"
LIBRARIES = ("lib/i386-linux-gnu", "usr/lib/i386-linux-gnu")
FOLDERS = ("usr/bin", "bin", "usr/sbin", "sbin")


def tree(packages):
    """The folder that holds these packages and all that they need; fetched once, then taken from the cache."""
    base = cache_folder()
    kept = os.path.join(base, f"{ARCHITECTURE}-{'-'.join(sorted(packages))}")
    if os.path.isdir(kept):
        return kept
    lists = os.path.join(base, f"apt-{ARCHITECTURE}")
    options = private_options(lists, ARCHITECTURE)
    update(options)
    say(f"bench: downloading {' '.join(packages)} ({ARCHITECTURE}) with what they need")
    download_with_dependencies(packages, options)
    part = f"{kept}.part{os.getpid()}"
    for deb in glob.glob(os.path.join(lists, "apt-cache", "archives", "*.deb")):
        shutil.copytree(unpack(deb, deb + ".files"), part, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(deb + ".files")
    os.rename(part, kept)
    return kept


def command(root, name):
    """The shell words that run a program of the tree."""
    found = next((path for path in (os.path.join(root, folder, name) for folder in FOLDERS) if os.path.exists(path)), None)
    if not found:
        raise LabError(f"{root} holds no {name}")
    libraries = ":".join(os.path.join(root, folder) for folder in LIBRARIES)
    return shlex.join([os.path.join(root, "lib", "ld-linux.so.2"), "--library-path", libraries, found])
