# SPDX-License-Identifier: Apache-2.0
"""packaging/grub/hagent.cfg in a real GRUB: which slot it starts for each state of the environment block, and what it writes
there. The kernel is a few bytes that print their command line on the serial port and switch the emulator off."""

import os
import re
import struct
import subprocess
import tempfile
import unittest

from kit import FACTOR
from setup_packages import ensure, packages, say

PROGRAMS = {"qemu-system-i386": "qemu-system-x86", "grub-mkimage": "grub-common", "grub-editenv": "grub-common", "mke2fs": "e2fsprogs",
            "debugfs": "e2fsprogs"}
MODULES = "/usr/lib/grub/i386-pc"
FRAGMENT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "packaging", "grub", "hagent.cfg")
CORE = "biosdisk part_msdos ext2 normal configfile linux chain loadenv test boot echo sleep reboot".split()
SECTOR, START, BOOT_SECTORS, SLOT_SECTORS = 512, 2048, 8192, 2048
KERNEL_BYTES = 1 << 16

# 32-bit code at the address where a kernel begins, esi is the page of boot parameters: prints cmd_line_ptr, then isa-debug-exit.
CODE = bytes.fromhex("8bbe28020000"    # mov edi, [esi+0x228]
                     "66bafd03"        # next: mov dx, 0x3fd
                     "ec" "a820" "74fb"  # wait: in al, dx; test al, 0x20; jz wait
                     "8a07" "84c0" "7408"  # mov al, [edi]; test al, al; jz done
                     "66baf803" "ee" "47" "ebe9"  # mov dx, 0x3f8; out dx, al; inc edi; jmp next
                     "66baf400" "ee" "f4" "ebfd")  # done: mov dx, 0xf4; out dx, al; hlt; jmp


def kernel():
    """A bzImage with one sector of set-up."""
    head = bytearray(2 * SECTOR)
    head[0x1f1] = 1
    struct.pack_into("<I", head, 0x1f4, KERNEL_BYTES // 16)
    struct.pack_into("<H", head, 0x1fe, 0xaa55)
    head[0x200:0x202] = b"\xeb\x66"
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x0206)
    head[0x211] = 1  # loaded high
    struct.pack_into("<I", head, 0x214, 0x100000)
    struct.pack_into("<I", head, 0x22c, 0x37ffffff)
    struct.pack_into("<I", head, 0x238, 1023)  # of the command line
    return bytes(head) + CODE.ljust(KERNEL_BYTES, b"\x90")


def block(*lines):
    return ("# GRUB Environment Block\n" + "".join(line + "\n" for line in lines)).encode().ljust(1024, b"#")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


class Disk:
    """One boot partition and two slots; each slot has a file `init` unless it is not whole."""

    def __init__(self, folder, environment, whole="AB", kernels="AB", settings=""):
        self.path = os.path.join(folder, "disk.img")
        boot = os.path.join(folder, "boot")
        os.makedirs(os.path.join(boot, "grub"))
        for slot in kernels:
            with open(os.path.join(boot, f"kernel-{slot}"), "wb") as file:
                file.write(kernel())
        with open(FRAGMENT, "rb") as source, open(os.path.join(boot, "grub", "hagent.cfg"), "wb") as copy:
            copy.write(source.read())
        with open(os.path.join(boot, "grub", "grub.cfg"), "w", encoding="ascii") as file:
            for key, slot, number in (("a", "A", 2), ("b", "B", 3)):
                file.write(f"set hagent_{key}={slot}\nset hagent_{key}_kernel=(hd0,msdos1)/kernel-{slot}\n"
                           f'set hagent_{key}_args="root=/dev/vda{number} quiet"\nset hagent_{key}_probe=(hd0,msdos{number})/init\n')
            file.write(settings + "source $prefix/hagent.cfg\n")
        if environment is not None:
            with open(os.path.join(boot, "grub", "grubenv"), "wb") as file:
                file.write(environment)
        with open(self.path, "wb") as disk:
            disk.truncate((START + BOOT_SECTORS + 2 * SLOT_SECTORS) * SECTOR)
        self.put(0, self.loader(folder))
        self.file_system(START, BOOT_SECTORS, boot, "ext2")
        for number, slot in enumerate("AB"):
            root = os.path.join(folder, f"root-{slot}")
            os.makedirs(root)
            if slot in whole:
                open(os.path.join(root, "init"), "wb").close()
            self.file_system(START + BOOT_SECTORS + number * SLOT_SECTORS, SLOT_SECTORS, root, "ext4")
            if slot not in whole:
                self.put(START + BOOT_SECTORS + number * SLOT_SECTORS, b"not whole".ljust(4096, b"\0"))

    def put(self, sector, data):
        with open(self.path, "r+b") as disk:
            disk.seek(sector * SECTOR)
            disk.write(data)

    def file_system(self, start, sectors, folder, kind):
        run("mke2fs", "-q", "-F", "-t", kind, "-b", "1024", "-m", "0", "-E", f"offset={start * SECTOR}", "-d", folder, self.path, f"{sectors // 2}k")

    @staticmethod
    def loader(folder):
        core = os.path.join(folder, "core.img")
        run("grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/grub", *CORE)
        with open(os.path.join(MODULES, "boot.img"), "rb") as file:
            first = bytearray(file.read(440).ljust(SECTOR, b"\0"))
        for number, (start, sectors) in enumerate(((START, BOOT_SECTORS), (START + BOOT_SECTORS, SLOT_SECTORS),
                                                   (START + BOOT_SECTORS + SLOT_SECTORS, SLOT_SECTORS))):
            struct.pack_into("<B3sB3sII", first, 446 + 16 * number, 0x80 if number == 0 else 0, b"\0\0\0", 0x83, b"\0\0\0", start, sectors)
        first[510:512] = b"\x55\xaa"
        with open(core, "rb") as file:
            return bytes(first) + file.read()

    def start(self, read_only=False):
        """The command line of the kernel that GRUB starts, as a dict; None when it starts none."""
        said = subprocess.run(["qemu-system-i386", "-machine", "pc", "-accel", "tcg", "-m", "64", "-display", "none", "-serial", "stdio", "-monitor", "none",
                               "-no-user-config", "-nodefaults", "-vga", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
                               "-drive", f"file={self.path},format=raw,if=virtio" + (",readonly=on" if read_only else "")],
                              check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=30 * FACTOR).stdout.decode("latin-1")
        found = re.search(r"BOOT_IMAGE=\S+ (.*)", said)
        return dict(word.partition("=")[::2] for word in found.group(1).split()) if found else None

    def environment(self):
        return run("debugfs", "-R", "cat /grub/grubenv", f"{self.path}?offset={START * SECTOR}")


class GrubFragment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ensure(PROGRAMS)
        if not os.path.exists(os.path.join(MODULES, "boot.img")):
            packages.install(["grub-pc-bin"], say)

    def disk(self, environment, **options):
        folder = tempfile.TemporaryDirectory(prefix="hagent-grub-")
        self.addCleanup(folder.cleanup)
        return Disk(folder.name, environment, **options)

    def started(self, environment, **options):
        """Slot, trial and block after the start."""
        read_only = options.pop("read_only", False)
        disk = self.disk(environment, **options)
        line = disk.start(read_only)
        self.assertIsNotNone(line, "GRUB started nothing")
        self.missing = line["hagent.missing"]
        return line["hagent.slot"], line["hagent.trial"], disk.environment() if environment is not None else None

    def test_states_of_the_block(self):
        ours = ("hagent_slot=A", "hagent_trial=B")
        for what, lines, slot, trial, tries in (
                ("fresh", (), "A", "", None),
                ("A is chosen", ("hagent_slot=A", "hagent_trial=", "hagent_tries="), "A", "", ""),
                ("B is chosen", ("hagent_slot=B", "hagent_trial=", "hagent_tries="), "B", "", ""),
                ("a slot that is not whole is marked", ("hagent_slot=A", "hagent_trial=", "hagent_tries=-B"), "A", "", "-B"),
                ("three starts left", (*ours, "hagent_tries=3", "hagent_generation=12345678"), "B", "B", "2"),
                ("two left", (*ours, "hagent_tries=2"), "B", "B", "1"),
                ("one left", (*ours, "hagent_tries=1"), "B", "B", "0"),
                ("none left", (*ours, "hagent_tries=0"), "A", "", "0"),
                ("no number", (*ours, "hagent_tries="), "A", "", ""),
                ("a number that is too large", (*ours, "hagent_tries=7"), "A", "", "7"),
                ("an unknown trial", ("hagent_slot=B", "hagent_trial=C", "hagent_tries=3"), "B", "", "3"),
                ("an unknown slot", ("hagent_slot=C", "hagent_trial=", "hagent_tries="), "A", "", ""),
                ("A on trial", ("hagent_slot=B", "hagent_trial=A", "hagent_tries=3"), "A", "A", "2"),
        ):
            with self.subTest(what):
                before = block(*lines)
                started, on_trial, after = self.started(before)
                self.assertEqual((started, on_trial), (slot, trial))
                if tries is not None:
                    self.assertIn(f"hagent_tries={tries}\n".encode(), after)
                changed = [at for at in range(1024) if before[at] != after[at]]
                self.assertLessEqual(len(changed), 1, "GRUB changes one digit, or nothing")

    def test_the_kernel_is_told(self):
        line = self.disk(block("hagent_slot=A", "hagent_trial=B", "hagent_tries=3", "hagent_generation=12345678")).start()
        self.assertEqual(line, {"root": "/dev/vda3", "quiet": "", "hagent.slot": "B", "hagent.trial": "B", "hagent.generation": "12345678",
                                "hagent.missing": ""})

    def test_a_trial_runs_out(self):
        disk = self.disk(block("hagent_slot=A", "hagent_trial=B", "hagent_tries=3"))
        self.assertEqual([disk.start()["hagent.slot"] for _ in range(5)], ["B", "B", "B", "A", "A"])

    def test_damaged_blocks(self):
        good = block("hagent_slot=B", "hagent_trial=", "hagent_tries=")
        for what, environment in (("zeroed", b"\0" * 1024), ("empty", b""), ("missing", None), ("no header", good[1:] + b"#"),
                                  ("second sector zeroed", good[:512] + b"\0" * 512)):
            with self.subTest(what):
                slot, trial, _ = self.started(environment)
                self.assertIn(slot, "AB" if what == "second sector zeroed" else "A")
                self.assertEqual(trial, "")

    def test_a_block_that_cannot_be_written_means_no_trial(self):
        self.assertEqual(self.started(block("hagent_slot=A", "hagent_trial=B", "hagent_tries=3"), read_only=True)[:2], ("A", ""))

    def test_a_slot_that_is_not_whole_is_not_started_whatever_the_block_says(self):
        for what, environment, whole, slot in (("chosen", block("hagent_slot=B"), "A", "B"), ("by default", b"\0" * 1024, "B", "A"),
                                               ("on trial", block("hagent_slot=A", "hagent_trial=B", "hagent_tries=3"), "A", "B")):
            with self.subTest(what):
                started, trial, _ = self.started(environment, whole=whole)
                self.assertNotEqual(started, slot)
                self.assertEqual((trial, self.missing), ("", "probe"))

    def test_a_kernel_that_cannot_be_loaded_gives_way(self):
        for environment, kernels in ((block("hagent_slot=A", "hagent_trial=B", "hagent_tries=3"), "A"), (block("hagent_slot=A"), "B"),
                                     (block("hagent_slot=B"), "A")):
            started, trial, _ = self.started(environment, kernels=kernels)
            self.assertEqual((started, trial, self.missing), (kernels, "", "kernel"))
        missing = "set hagent_b_initrd=(hd0,msdos1)/no-such-file\n"  # and the kernel before it is let go of again
        self.assertEqual(self.started(block("hagent_slot=B"), settings=missing)[:2], ("A", ""))
        self.assertEqual(self.missing, "initrd")

    def test_never_a_prompt(self):
        self.assertIsNone(self.disk(block("hagent_slot=A"), kernels="").start())  # it restarted: the emulator has ended

    def test_other_programs_write_the_same_block(self):
        folder = tempfile.TemporaryDirectory(prefix="hagent-grub-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "grubenv")
        run("grub-editenv", path, "create")
        run("grub-editenv", path, "set", "hagent_slot=A", "hagent_trial=B", "hagent_tries=1", "saved_entry=Debian")
        with open(path, "rb") as file:
            self.assertEqual(self.started(file.read())[:2], ("B", "B"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
