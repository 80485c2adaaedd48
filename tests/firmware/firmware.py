# SPDX-License-Identifier: Apache-2.0
"""Builds the device: packages, parts from Debian, images of slots, the whole disk. What takes time is kept below build/."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(PROJECT, "tests", "lab"), os.path.join(PROJECT, "toolchains")]

import demo_payload  # noqa: E402
import disk  # noqa: E402
import grub  # noqa: E402
import initramfs  # noqa: E402
import slot  # noqa: E402
from builder import packages  # noqa: E402
from builder.common import Failure  # noqa: E402
from services import LabError  # noqa: E402
from setup_packages import SERVERS, ensure, say  # noqa: E402

PACKAGES = ["qemu-system-x86", "grub-common", "grub-pc-bin", "e2fsprogs"]
CACHE = os.path.join(PROJECT, "build", "firmware")
PACKAGING = os.path.join(PROJECT, "packaging")
PRESET = "linux-i686-musl"


class Unavailable(LabError):
    """This machine cannot have the emulator."""


@dataclass(frozen=True)
class Parts:
    kernel: str
    busybox: str
    initramfs: bytes
    agent: str
    emulator: str


def set_up():
    """Installs what is missing; Unavailable when it cannot be had."""
    install(PACKAGES)
    ensure(SERVERS)
    os.makedirs(CACHE, exist_ok=True)


def install(names):
    """The packages, or Unavailable."""
    try:
        packages.install(names, say)
    except Failure as failure:
        raise Unavailable(str(failure)) from failure


def agent_binary():
    """The static agent: HAGENT_BUILD's when that is an i386 program, else the preset's, which is built when it is not there."""
    built = os.path.join(PROJECT, "build", PRESET, "hagent")
    named = os.environ.get("HAGENT_FIRMWARE_AGENT") or os.environ.get("HAGENT_BUILD") or ""
    for path in (named, os.path.join(named, "hagent"), built):
        if os.path.isfile(path) and is_static_i386(path):
            return os.path.abspath(path)
    say(f"firmware: building the agent (./toolchains/build {PRESET})")
    if subprocess.run([os.path.join(PROJECT, "toolchains", "build"), PRESET], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise LabError(f"./toolchains/build {PRESET} failed")
    return built


def is_static_i386(path):
    head = disk.read_at(path, 0, 4096)
    return head[:6] == b"\x7fELF\x01\x01" and head[18:20] == b"\x03\x00" and b"/lib/ld-linux" not in head


def parts():
    """The parts of every slot, from Debian's packages and our own tree."""
    found = demo_payload.debian_packages()
    kernel = demo_payload.unpack(found["kernel"], found["kernel"] + ".files")
    busybox = os.path.join(demo_payload.unpack(found["busybox"], found["busybox"] + ".files"), "bin", "busybox")
    boot = os.path.join(kernel, "boot")
    image = next(os.path.join(boot, name) for name in sorted(os.listdir(boot)) if name.startswith("vmlinuz"))
    archive = initramfs.build(busybox, os.path.join(kernel, "lib", "modules"), os.path.join(PACKAGING, "initramfs", "hagent-watchdog"))
    emulator = "qemu-system-i386" if found["architecture"] == "i386" else "qemu-system-x86_64"
    return Parts(image, busybox, archive, agent_binary(), emulator)


def boot_image(folder, block=None, show=False):
    """The boot partition: GRUB's configuration, packaging's fragment, the environment block."""
    root = os.path.join(folder, "boot")
    shutil.rmtree(root, ignore_errors=True)
    slot.write(root, "grub/grub.cfg", grub.configuration(show), 0o644)
    shutil.copy(os.path.join(PACKAGING, "grub", "hagent.cfg"), os.path.join(root, "grub"))
    slot.write(root, "grub/grubenv", block or grub.block(hagent_slot="A", hagent_trial="", hagent_tries="", hagent_generation="1"), 0o644)
    return disk.file_system(os.path.join(folder, "boot.img"), "ext2", disk.BOOT.bytes, root, "boot")


def data_image(folder, files):
    """The data partition with `files` {name: (text, mode)}."""
    root = os.path.join(folder, "data")
    shutil.rmtree(root, ignore_errors=True)
    for name, (text, mode) in files.items():
        slot.write(root, name, text, mode)
    os.makedirs(os.path.join(root, "hagent"), mode=0o700, exist_ok=True)
    return disk.file_system(os.path.join(folder, "data.img"), "ext4", disk.DATA.bytes, root, "data")


def block_place(disk_path):
    """Offset of the environment block on a disk."""
    boot = disk_path + ".boot"
    with open(boot, "wb") as file:
        file.write(disk.read_at(disk_path, disk.BOOT.offset, disk.BOOT.bytes))
    try:
        return disk.BOOT.offset + disk.file_place(boot, "/grub/grubenv")
    finally:
        os.unlink(boot)
