# SPDX-License-Identifier: Apache-2.0
"""Real files for the demonstration: a Debian kernel package and busybox, kept in the user's cache for offline runs.

The i386 packages are preferred (the device class is 32-bit x86). They are looked up through a private copy of
the package lists, so the machine's own architectures and lists stay as they are; when that index is out of step,
the machine's own architecture is taken.
"""

import json
import os
import re
import shutil
import subprocess

from services import LabError
from setup_packages import download, private_options, say, update

MIB = 1 << 20
TOTAL_BYTES = 66 * MIB      # all files of the demonstration together, at least
SMALL_MODULES = 12          # modules of SMALL_FOLDERS come first, then the biggest of BIG_FOLDERS until TOTAL_BYTES
MAX_TREE_FILES = 44         # hawkBit takes 50 artifacts in a module; five more files belong to the package
SMALL_FOLDERS = ("drivers/hid", "drivers/net/usb")
BIG_FOLDERS = ("fs", "drivers/usb", "drivers/ata", "net")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "hagent", "lab")
    os.makedirs(folder, exist_ok=True)
    return folder


def _dependency(options, package):
    """The package that `package` (a meta package) depends on first."""
    shown = subprocess.run(["apt-cache", *options, "show", "--no-all-versions", package], capture_output=True, text=True, check=False)
    match = re.search(r"^Depends: (linux-image-\S+)", shown.stdout, re.M)
    if not match:
        raise LabError(f"the package lists know no kernel for {package}")
    return match[1]


def _download(folder, architecture, meta):
    options = private_options(os.path.join(folder, f"apt-{architecture}"), architecture)
    update(options)
    kernel = _dependency(options, meta)
    target = os.path.join(folder, "packages.part")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    say(f"lab: downloading {kernel} and busybox-static ({architecture}) for the demonstration")
    download([kernel, "busybox-static"], target, options)
    files = sorted(os.listdir(target))
    found = {"kernel": next(name for name in files if name.startswith("linux-image")),
             "busybox": next(name for name in files if name.startswith("busybox")), "architecture": architecture}
    with open(os.path.join(target, "packages.json"), "w", encoding="ascii") as file:
        json.dump(found, file)
    return target


def debian_packages():
    """{"kernel","busybox": paths of .deb files, "architecture"}; downloaded once, then taken from the cache."""
    folder = cache_folder()
    kept = os.path.join(folder, "packages")
    if not os.path.exists(os.path.join(kept, "packages.json")):
        own = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
        choices = [("i386", "linux-image-686"), (own, f"linux-image-{own}")]
        for n, (architecture, meta) in enumerate(choices):
            try:
                target = _download(folder, architecture, meta)
                break
            except LabError as error:
                if n + 1 == len(choices):
                    raise
                say(f"lab: {error}\nlab: taking {own} packages instead")
        shutil.rmtree(kept, ignore_errors=True)
        os.rename(target, kept)
    with open(os.path.join(kept, "packages.json"), encoding="ascii") as file:
        found = json.load(file)
    return {**found, **{key: os.path.join(kept, found[key]) for key in ("kernel", "busybox")}}


def unpack(deb, folder):
    """The content of a package below `folder`, which it returns; unpacked once."""
    if not os.path.isdir(folder):
        part = f"{folder}.part{os.getpid()}"
        subprocess.run(["dpkg-deb", "-x", deb, part], check=True)
        try:
            os.rename(part, folder)
        except OSError:  # another run was faster
            shutil.rmtree(part)
    return folder


def _files(base, *folders):
    for folder in folders:
        for path, _, names in sorted(os.walk(os.path.join(base, folder))):
            for name in sorted(names):
                full = os.path.join(path, name)
                if os.path.isfile(full) and not os.path.islink(full):
                    yield full


def payload():
    """(big, tree): the path of the big file, and {path inside the tree: source path} of the small ones.

    Both together hold at least TOTAL_BYTES.
    """
    packages = debian_packages()
    kernel = unpack(packages["kernel"], packages["kernel"] + ".files")
    busybox = unpack(packages["busybox"], packages["busybox"] + ".files")
    tree = {os.path.join("busybox", os.path.relpath(path, busybox)): path for path in _files(busybox, "bin", "usr/share/doc")}
    tree.update({os.path.relpath(path, kernel): path for path in _files(kernel, "boot", "usr/share/doc")})
    modules_root = next(os.path.join(kernel, "lib/modules", name, "kernel") for name in os.listdir(os.path.join(kernel, "lib/modules")))
    modules = list(_files(modules_root, *SMALL_FOLDERS))[:SMALL_MODULES]
    total = os.path.getsize(packages["kernel"]) + sum(map(os.path.getsize, list(tree.values()) + modules))
    for path in sorted(_files(modules_root, *BIG_FOLDERS), key=lambda name: (-os.path.getsize(name), name)):
        if total >= TOTAL_BYTES:
            break
        modules.append(path)
        total += os.path.getsize(path)
    tree.update({os.path.join("modules", os.path.relpath(path, modules_root)): path for path in modules})
    if total < TOTAL_BYTES or len(tree) > MAX_TREE_FILES:
        raise LabError(f"the Debian packages in {cache_folder()} hold {len(tree)} files of {total} bytes, which do not suit; remove that folder and try again")
    return packages["kernel"], tree
