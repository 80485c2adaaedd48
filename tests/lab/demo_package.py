# SPDX-License-Identifier: Apache-2.0
"""Builds the script packages of the lab: the demonstration and its broken variants, signed with keys made on the spot."""

import hashlib
import json
import os
import shutil
import subprocess

import demo_payload
from services import LabError
from setup_packages import program

BIG = "fw/linux-image.deb"
TREE = "tree"
SUMS = "tree/SHA256SUMS"
SMALL = "small/kernel.config"
CONFIG, OLD, CONFIG_LINE = "etc/device.conf", "old/previous-image", "firmware=linux-image.deb"
WAIT_PROGRAM, FAIL_PROGRAM, GO_FILE, STARTS_FILE = "tools/wait-for-file", "tools/fail", "tools/go", "tools/starts"
FAIL_CODE = 3

HEAD = """[Version]
Number={name}
Description={description}
OS=SLX
Category=Other Packages

[Script]
CO "SLX"
"""
DEMO = HEAD + """CF "{root}" "128M"
SF "<regroot>/{big}" "{root}/{big}"
XC "<regroot>/{tree}" "{root}/{tree}"
EX "/usr/bin/sha256sum --check --quiet {root}/{sums}" "+r" "300"
AL "{root}/{config}" "{line}"
DF "{root}/{old}"
RB "5"
"""
FAILING = HEAD + """SF "<regroot>/{small}" "{root}/{small}"
EX "{root}/{fail}" "+" "60"
AL "{root}/{config}" "{line}"
DF "{root}/{old}"
"""
WAITING = HEAD + """SF "<regroot>/{big}" "{root}/{big}"
EX "{root}/{wait} {root}/{go} {root}/{starts}" "+r" "300"
AL "{root}/{config}" "{line}"
"""
DOWNLOAD = HEAD + """CF "{root}" "128M"
SF "<regroot>/{big}" "{root}/{big}"
AL "{root}/{config}" "{line}"
"""
SCRIPTS = {"demo": DEMO, "failing": FAILING, "waiting": WAITING, "download": DOWNLOAD}

PROGRAMS = {
    WAIT_PROGRAM: '#!/bin/sh\necho started >> "$2"\nn=0\nwhile [ ! -e "$1" ]; do\n'
                  '  n=$((n + 1)); [ $n -gt 2400 ] && exit 9\n  sleep 0.1\ndone\necho went on\n',
    FAIL_PROGRAM: f'#!/bin/sh\necho "the flash part answers with a wrong id" >&2\nexit {FAIL_CODE}\n',
}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_device_root(root):
    """The private tree that plays the device's disk: a config file, an old file, two small programs."""
    for path, text in {CONFIG: "name=lab device\nlog=on\n", OLD: "an image of last year\n", **PROGRAMS}.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="ascii") as file:
            file.write(text)
        if path in PROGRAMS:
            os.chmod(full, 0o755)


def snapshot(root):
    """{path: digest} of every file below `root`: two equal snapshots mean that nothing was changed there."""
    return {os.path.relpath(os.path.join(folder, name), root): digest(os.path.join(folder, name))
            for folder, _, names in os.walk(root) for name in names}


class Key:
    """A P-256 key pair: NAME-private.pem below `folder`, and public() to place it among the trusted keys."""

    def __init__(self, folder, name):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.name, self.private = name, os.path.join(folder, f"{name}-private.pem")
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.private)
        os.chmod(self.private, 0o600)

    def trust_in(self, keys_dir):
        os.makedirs(keys_dir, mode=0o755, exist_ok=True)
        self._openssl("pkey", "-in", self.private, "-pubout", "-out", os.path.join(keys_dir, f"{self.name}.pem"))

    def sign(self, path, signature):
        self._openssl("dgst", "-sha256", "-sign", self.private, "-out", signature, path)

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run([program("openssl"), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


class Package:
    """A package folder. Files it names may live elsewhere (repositories) once deploy() has moved them."""

    def __init__(self, folder, name, entry):
        self.folder, self.name, self.entry = folder, name, entry
        self.files, self.wire_bytes = [], 0  # as in a manifest; what has to come through the lab's data proxy

    @property
    def total(self):
        return sum(item["bytes"] for item in self.files)

    def listed(self):
        """What the folder holds now, in the form of a manifest's "files"."""
        found = [os.path.join(folder, name) for folder, _, names in os.walk(self.folder) for name in names]
        return [{"path": os.path.relpath(path, self.folder), "bytes": os.path.getsize(path), "sha256": digest(path)} for path in sorted(found)]

    def path(self, relative):
        return os.path.join(self.folder, relative)

    def manifest(self):
        with open(self.path("manifest.json"), encoding="utf-8") as file:
            return json.load(file)

    def head_files(self):
        """Artifact names of what the manager itself must hold when the payload lives in repositories."""
        return ["manifest.json", "manifest.sig", self.entry]

    def change_one_byte(self, relative):
        """Flips one bit in the middle of a file that is signed already."""
        with open(self.path(relative), "r+b") as file:
            file.seek(os.path.getsize(self.path(relative)) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))

    def deploy(self, relative, repository):
        """Moves a file or folder of the package into a server's folder, under the package's name."""
        target = os.path.join(repository, self.name, relative)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.move(self.path(relative), target)


class Builder:
    """Makes packages for one device root. `sign(folder, arguments)` runs the signing tool."""

    def __init__(self, folder, device_root, sign):
        self.folder, self.device_root, self.sign, self.serial = folder, device_root, sign, 0

    def build(self, kind, name, key=None, *, sources=None, repositories=(), version="1.0.0.0"):
        """`kind` is one of SCRIPTS; `sources` maps a package path to the URL it has of its own; without a key nothing is signed."""
        package = Package(os.path.join(self.folder, name), name, f"{name}.rsp")
        shutil.rmtree(package.folder, ignore_errors=True)
        os.makedirs(package.folder)
        big, tree = demo_payload.payload()
        if kind in ("demo", "waiting", "download"):
            self._copy(big, package.path(BIG))
        if kind == "demo":
            for path, source in tree.items():
                self._copy(source, package.path(os.path.join(TREE, path)))
            self._write_sums(package)
        if kind == "failing":
            self._copy(next(source for path, source in tree.items() if "boot/config" in path), package.path(SMALL))
        with open(package.path(package.entry), "w", encoding="ascii") as file:
            file.write(SCRIPTS[kind].format(
                name=name, description=f"Lab package '{kind}'", root=self.device_root, big=BIG, tree=TREE, sums=SUMS,
                config=CONFIG, line=CONFIG_LINE, old=OLD, small=SMALL, wait=WAIT_PROGRAM, go=GO_FILE, starts=STARTS_FILE,
                fail=FAIL_PROGRAM))
        if key is None:
            return package
        self.serial += 1
        arguments = ["--key", key.private, "--kind", "script", "--entry", package.entry, "--package", name,
                     "--version", version, "--serial", str(self.serial), "--os", "SLX"]
        for url in repositories:
            arguments += ["--repository", url]
        for path, url in (sources or {}).items():
            arguments += ["--file-source", f"{path}={url}"]
        self.sign(package.folder, arguments)
        for written in ("manifest.json", "manifest.sig"):
            if not os.path.exists(package.path(written)):
                raise LabError(f"signing {package.folder} made no {written}")
        return package

    @staticmethod
    def _copy(source, target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)

    def _write_sums(self, package):
        """The list that the script's checksum step reads on the device: the tree and the big file at their device paths."""
        lines = []
        for folder, _, names in sorted(os.walk(package.folder)):
            for name in sorted(names):
                full = os.path.join(folder, name)
                lines.append(f"{digest(full)}  {self.device_root}/{os.path.relpath(full, package.folder)}\n")
        with open(package.path(SUMS), "w", encoding="ascii") as file:
            file.writelines(lines)
