# SPDX-License-Identifier: Apache-2.0
"""The initramfs: busybox, a dozen modules, the watchdog's fragment from packaging, and an init that hands over to the slot."""

import os
import re
import stat

import disk
import efi_disk
from services import LabError

MODULES = ("virtio_pci", "virtio_net", "virtio_blk", "crc32c_generic", "ext4")  # crc32c_generic: ext4 asks for it by no symbol
EFI_VARIABLES = "efivarfs"  # loaded where EFI firmware has started the kernel
WATCHDOG = "i6300esb"  # loaded by the fragment, when there is a trial
# What a kernel says when it panics stays in memory over a restart, at a place that grub.py keeps free.
CRASHES_AT, CRASHES_BYTES = 0xC00000, 128 << 10
CRASHES, CRASHES_PLACE = "ramoops", f"mem_address={CRASHES_AT:#x} mem_size={CRASHES_BYTES} record_size=32768"
HEARTBEAT_S, LONGEST_S = 24, 240   # of the watchdog: on an idle machine, and at most
APPLETS = ("sh", "mount", "umount", "insmod", "sleep", "echo", "cat", "chroot", "switch_root", "reboot", "mkdir", "grep", "od", "tr")

INIT = """#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in {modules}; do insmod /lib/$module.ko; done
if [ -d /sys/firmware/efi ]; then
  insmod /lib/{efi_variables}.ko
  mount -t efivarfs efivarfs /sys/firmware/efi/efivars
  hagent_state={efi_state}
else
  insmod /lib/{crashes}.ko {crashes_place}
  hagent_state={state}
fi
hagent_watchdog_module="/lib/{watchdog}.ko heartbeat={heartbeat} nowayout=0"
hagent_state_dir=hagent
. /hagent-watchdog
for word in $(cat /proc/cmdline); do
  case "$word" in root=*) root="${{word#root=}}" ;; esac
done
waited=0
while [ ! -b "$root" ] && [ $waited -lt 50 ]; do sleep 0.1; waited=$((waited + 1)); done
if ! mount -t ext2 -o ro "$root" /root; then
  hagent_note "there is no root at $root"
  reboot -f
fi
hagent_look_at_root /root
for folder in dev proc sys; do mount --move /$folder /root/$folder; done
exec switch_root /root /sbin/init
"""


class Archive:
    """A cpio archive in the form "newc"."""

    def __init__(self):
        self._parts, self._count = [], 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self._count += 1
        fields = (self._count, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % value for value in fields) + name.encode() + b"\0"
        self._parts += [head.ljust((len(head) + 3) // 4 * 4, b"\0"), data.ljust((len(data) + 3) // 4 * 4, b"\0")]

    def folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def node(self, name, major, minor):
        self.add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self._parts)


def heartbeat_s():
    """The emulator has its share of a busy host only, the watchdog goes by the clock: it gets the time that the agent needs to come up."""
    return int(min(LONGEST_S, HEARTBEAT_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))))


def module_files(modules_folder):
    """{name: path} of every module below a folder; names as the kernel has them."""
    return {name[:-3].replace("-", "_"): os.path.join(folder, name) for folder, _, names in os.walk(modules_folder) for name in names if name.endswith(".ko")}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def needs(module):
    """Names of the modules that this one, given as bytes, takes symbols from: that differs between releases of a kernel."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in found[1].decode().split(",") if name] if found else []


def in_order(wanted, known):
    """The modules among `wanted` and those that they need, {name: bytes}, each behind what it needs; what is not `known` is built in."""
    order = {}

    def take(name):
        if name in known and name not in order:
            module = read(known[name])
            for needed in needs(module):
                take(needed)
            order[name] = module

    for name in wanted:
        take(name)
    return order


def build(busybox, modules_folder, watchdog_fragment):
    """The archive as bytes."""
    known = module_files(modules_folder)
    archive = Archive()
    for folder in ("bin", "dev", "lib", "proc", "root", "sys"):
        archive.folder(folder)
    archive.node("dev/console", 5, 1)
    archive.node("dev/null", 1, 3)
    archive.file("bin/busybox", read(busybox), 0o755)
    for applet in APPLETS:
        archive.link(f"bin/{applet}", "busybox")
    later = (EFI_VARIABLES, WATCHDOG, CRASHES)
    if missing := {"virtio_blk", "ext4", *later} - set(known):
        raise LabError(f"the kernel's modules below {modules_folder} are not those that the device needs: {', '.join(sorted(missing))}")
    modules = in_order((*MODULES, *later), known)
    for name, module in modules.items():
        archive.file(f"lib/{name}.ko", module)
    archive.file("hagent-watchdog", read(watchdog_fragment))
    archive.file("init", INIT.format(modules=" ".join(name for name in modules if name not in later), efi_variables=EFI_VARIABLES,
                                     watchdog=WATCHDOG, heartbeat=heartbeat_s(), crashes=CRASHES, crashes_place=CRASHES_PLACE,
                                     state=disk.DATA.device, efi_state=efi_disk.DATA.device).encode(), 0o755)
    return archive.bytes()
