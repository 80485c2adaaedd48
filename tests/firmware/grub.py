# SPDX-License-Identifier: Apache-2.0
"""GRUB of the device: its image for the first sectors, its configuration around packaging's fragment, its environment block."""

import os
import subprocess

from disk import SLOTS
from initramfs import CRASHES_AT, CRASHES_BYTES
from services import LabError
from setup_packages import program

PLATFORM = "/usr/lib/grub/i386-pc"
MODULES = "biosdisk part_msdos ext2 normal linux loadenv test echo serial terminal configfile reboot boot chain sleep".split()
# no_timer_check: on a busy host the emulated timer may seem not to work, and the kernel would panic.
ARGUMENTS = "console=ttyS0 panic=1 quiet noisapnp cryptomgr.notests no_timer_check " \
    f"memmap={CRASHES_BYTES}${CRASHES_AT:#x}"
SHOWN, SHOWN_END = "word: ", "no more words"
BLOCK_BYTES = 1024
HEADER = b"# GRUB Environment Block\n"

CONFIGURATION = """serial --unit=0 --speed=115200
terminal_output serial
{slots}
source $prefix/hagent.cfg
"""
SLOT = """set hagent_{letter}={name}
set hagent_{letter}_kernel=(hd0,msdos{number})/boot/vmlinuz
set hagent_{letter}_initrd=(hd0,msdos{number})/boot/initrd.img
set hagent_{letter}_args='root={device} {arguments}'
"""
# Where GRUB lacks the command: shows what it would start, a word a line because consoles break lines.
SHOW = f"""function linux {{
  for word in "$@"; do echo "{SHOWN}$word"; done
  echo "{SHOWN_END}"
  halt --no-apm
}}
"""


def first_sectors(folder, show=False):
    """The boot loader: what stands in front of the first partition. The partition table is not in it."""
    core = os.path.join(folder, "core.img")
    modules = [*(name for name in MODULES if name != "linux"), "halt"] if show else MODULES
    done = subprocess.run([program("grub-mkimage"), "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/grub", *modules],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"grub-mkimage: {done.stderr.strip()}")
    with open(os.path.join(PLATFORM, "boot.img"), "rb") as boot, open(core, "rb") as rest:
        return boot.read()[:440].ljust(512, b"\0") + rest.read()


def configuration(show=False):
    return (SHOW if show else "") + CONFIGURATION.format(slots="".join(SLOT.format(letter=letter, name=name, number=part.number, device=part.device, arguments=ARGUMENTS)
                                              for letter, (name, part) in zip("ab", SLOTS.items())))


def block(**variables):
    """An environment block with these variables, in the order given."""
    text = HEADER + b"".join(f"{name}={value}\n".encode() for name, value in variables.items())
    return text.ljust(BLOCK_BYTES, b"#")


def variables(data):
    """What an environment block says; None when GRUB would not take it for one."""
    if len(data) != BLOCK_BYTES or not data.startswith(HEADER):
        return None
    lines = data[len(HEADER):].decode("ascii", "replace").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
