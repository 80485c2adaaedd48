#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of what needs no emulator: environment blocks, the record of writes and its replay, the judge, image packages."""

import os
import random
import struct
import sys
import tempfile
import unittest
import zlib

sys.dont_write_bytecode = True

import firmware  # noqa: F401  (it finds the lab's modules)
import disk
import efi_disk
import efi_store
import grub
import image_package
import initramfs
import machine
import refused
import write_log
from demo_package import Key
from judge import MAGIC, MAGIC_AT, Judge


def record(path, entries):
    """A record of writes as QEMU leaves it; `entries` [(sector, data, flags)]."""
    with open(path, "wb") as file:
        file.write(write_log.SUPER.pack(write_log.MAGIC, 1, len(entries), 512).ljust(512, b"\0"))
        for sector, data, flags in entries:
            file.write(write_log.ENTRY.pack(sector, len(data) // 512, flags, 0).ljust(512, b"\0") + data)


class WriteLogs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log, self.base = os.path.join(self.folder.name, "log"), os.path.join(self.folder.name, "base")
        with open(self.base, "wb") as file:
            file.write(bytes(4 * 512))

    def disk_at(self, entries, before, keep):
        record(self.log, entries)
        with write_log.WriteLog(self.log) as log, write_log.Replay(log, self.base).cut(before, keep) as content:
            return [content[at] for at in range(0, len(content), 512)]

    def test_what_was_flushed_is_there_and_the_rest_may_be(self):
        entries = [(0, b"a" * 512, 0), (0, b"", write_log.FLUSH), (1, b"b" * 1024, 0), (3, b"d" * 512, write_log.FUA)]
        self.assertEqual(self.disk_at(entries, 4, lambda: False), [97, 0, 0, 100])
        self.assertEqual(self.disk_at(entries, 4, lambda: True), [97, 98, 98, 100])
        answers = iter([False, True])
        self.assertEqual(self.disk_at(entries, 3, lambda: next(answers)), [97, 0, 98, 0])
        self.assertEqual(self.disk_at(entries, 1, lambda: False), [0, 0, 0, 0])  # the flush had not come

    def test_a_look_leaves_nothing_behind(self):
        record(self.log, [(0, b"a" * 512, 0), (0, b"c" * 512, 0), (1, b"b" * 512, 0)])
        with write_log.WriteLog(self.log) as log:
            replay = write_log.Replay(log, self.base)
            for before, first in ((1, "a"), (2, "c"), (3, "c")):
                with replay.cut(before, lambda: True) as content:
                    self.assertEqual(content[0], ord(first))
                self.assertEqual(replay.disk[0], 0)

    def test_what_is_no_record_is_told(self):
        with open(self.log, "wb") as file:
            file.write(b"x" * 512)
        with self.assertRaises(write_log.LabError):
            write_log.WriteLog(self.log)


class Modules(unittest.TestCase):
    def test_each_comes_behind_what_it_needs_and_what_is_built_in_is_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, depends in (("net", "ring,bus-core"), ("ring", ""), ("bus-core", "ring,of"), ("other", "")):
                with open(os.path.join(folder, name + ".ko"), "wb") as file:
                    file.write(b"ELF\0license=GPL\0depends=" + depends.replace("-", "_").encode() + b"\0name=" + name.encode())
            known = initramfs.module_files(folder)
            self.assertEqual(list(initramfs.in_order(("net", "ring", "ext4"), known)), ["ring", "bus_core", "net"])


class Judges(unittest.TestCase):
    def content(self, slot_a, slot_b, **block):
        content = bytearray(disk.BYTES)
        for name, image in (("A", slot_a), ("B", slot_b)):
            content[disk.SLOTS[name].offset:disk.SLOTS[name].offset + len(image)] = image
        content[4096:4096 + grub.BLOCK_BYTES] = grub.block(**block)
        return content

    def test_old_new_and_neither(self):
        old, new = (bytes(MAGIC_AT) + MAGIC + text for text in (b"old", b"new"))
        half, marked = bytes(MAGIC_AT) + MAGIC + b"nex", b"unfit".ljust(4096, b"\0")
        judge = Judge({"1": old, "2": new}, 4096)
        self.assertEqual(judge.look(self.content(old, new, hagent_slot="A")), ("", "1"))
        self.assertEqual(judge.look(self.content(old, new, hagent_slot="B")), ("", "2"))
        self.assertEqual(judge.look(self.content(old, new, hagent_slot="A", hagent_trial="B", hagent_tries="1")), ("", "2"))
        self.assertEqual(judge.look(self.content(old, new, hagent_slot="A", hagent_trial="B", hagent_tries="0")), ("", "1"))
        self.assertEqual(judge.look(self.content(old, marked, hagent_slot="A", hagent_trial="B", hagent_tries="1")), ("", "1"))
        self.assertIn("not whole", judge.look(self.content(old, half, hagent_slot="A", hagent_trial="B", hagent_tries="1"))[0])
        self.assertIn("not whole", judge.look(self.content(old, half, hagent_slot="B"))[0])


class Waiting(unittest.TestCase):
    def test_time_without_a_processor_does_not_count(self):
        asked, waited = [], iter([0.0, 40.0, 40.0, 40.5])

        class Process:
            pid = os.getpid()

            @staticmethod
            def running():
                return True

            @staticmethod
            def wait(condition, timeout_s, what):
                asked.append(timeout_s)
                raise machine.LabError(f"waited {timeout_s} s for {what}")

        device = machine.Machine.__new__(machine.Machine)
        device.process, device.log_path = Process, os.devnull
        self.assertGreaterEqual(device.starved_s(), 0.0)
        device.starved_s = lambda: next(waited)
        with self.assertRaises(machine.LabError):
            device.wait(lambda: False, 60, "what never comes")
        self.assertEqual(asked, [60, 40.0])


class Bytes(unittest.TestCase):
    def test_blocks(self):
        data = grub.block(hagent_slot="A", other="x=y")
        self.assertEqual((len(data), grub.variables(data)), (1024, {"hagent_slot": "A", "other": "x=y"}))
        self.assertIsNone(grub.variables(bytes(1024)))

    def test_a_partition_table_ends_with_its_mark(self):
        table = disk.partition_table([disk.BOOT, *disk.SLOTS.values(), disk.DATA])
        self.assertEqual((len(table), table[-2:]), (72, b"\x55\xaa"))

    def test_an_archive_is_aligned(self):
        archive = initramfs.Archive()
        archive.file("a", b"12345")
        self.assertEqual(len(archive.bytes()) % 4, 0)

    def test_a_package_can_be_unpacked_as_a_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = os.path.join(folder, "raw")
            with open(raw, "wb") as file:
                file.write(random.Random(1).randbytes(300_000))
            package = image_package.build(os.path.join(folder, "p"), "2.0", 1, raw, Key(os.path.join(folder, "keys"), "lab"), [])
            with image_package.gzip.open(os.path.join(package.folder, image_package.IMAGE)) as image, open(raw, "rb") as source:
                content = source.read()
                self.assertEqual(image.read(), content)
            self.assertEqual(image_package.present(package, content), {0, 1, 2})
            self.assertEqual(image_package.present(package, content[:140_000] + bytes(160_000)), {0})

            more = image_package.build(os.path.join(folder, "q"), "2.0", 1, raw, Key(os.path.join(folder, "keys"), "lab"), [], others={"boot": raw})
            self.assertEqual((more.images, more.stored_bytes), (["root.img.gz", "boot.img.gz"], 2 * package.stored_bytes))

    def test_what_is_refused_lies_in_one_place(self):
        with tempfile.TemporaryDirectory() as folder:
            raw, key = os.path.join(folder, "raw"), Key(os.path.join(folder, "keys"), "lab")
            with open(raw, "wb") as file:
                file.write(random.Random(2).randbytes(4 * image_package.CHUNK_BYTES))
            honest = image_package.build(os.path.join(folder, "honest"), "2", 1, raw, key, [])
            held = {honest.chunks[0].sha256}  # the device has the first one
            tables = set()
            for number, lie in enumerate(refused.LIES):
                package = image_package.build(os.path.join(folder, str(number)), "2", 1, raw, key, [], **lie.choices(held))
                with open(os.path.join(package.folder, image_package.table_name("root")), encoding="ascii") as file:
                    tables.add(file.read())
                self.assertEqual(package.chunks[0], honest.chunks[0], lie.about)
            self.assertEqual(len(tables), 6)  # the bomb's and four that lie; two packages have the honest one
            self.assertEqual(len(image_package.gzip.decompress(refused.BOMB)), 64 << 20)
            self.assertLess(len(refused.BOMB), image_package.CHUNK_BYTES)


class Efi(unittest.TestCase):
    @staticmethod
    def store(content=b"", size=4096):
        """A store of variables as the firmware's maker delivers it."""
        head = struct.pack("<48xH22x", 72) + efi_store.STORE_HEADER.pack(efi_store.STORE, size) + content
        return head.ljust(72 + size, b"\xff")

    def test_variables_are_added_behind_those_that_are_there(self):
        first = efi_store.with_variables(self.store(), {"BootOrder": efi_store.order(1), "Timeout": b"\5\0"})
        second = efi_store.with_variables(first, {"BootNext": efi_store.order(7)})
        self.assertEqual(efi_store.variables(second), {"BootOrder": b"\1\0", "Timeout": b"\5\0", "BootNext": b"\7\0"})
        self.assertEqual(len(second), len(self.store()))

    def test_deleted_variables_do_not_count(self):
        data = bytearray(efi_store.with_variables(self.store(), {"BootNext": efi_store.order(7)}))
        state_at = 72 + efi_store.STORE_HEADER.size + 2
        data[state_at] = efi_store.LEAVING
        self.assertEqual(efi_store.variables(data), {"BootNext": b"\7\0"})
        newer = efi_store.with_variables(bytes(data), {"BootNext": efi_store.order(8)})
        self.assertEqual(efi_store.variables(newer), {"BootNext": b"\x08\0"})
        data[state_at] &= 0xFD
        self.assertEqual(efi_store.variables(data), {})

    def test_what_is_no_store_is_told(self):
        with self.assertRaises(ValueError):
            efi_store.variables(bytes(4096))

    def test_a_load_option(self):
        option = efi_store.load_option("A", efi_disk.SLOTS["A"]["boot"], "\\k", "x=1")
        attributes, path_bytes = struct.unpack_from("<IH", option)
        self.assertEqual((attributes, option[6:10], option[-8:]), (1, b"A\0\0\0", b"x\0=\0" + b"1\0\0\0"))
        self.assertEqual(path_bytes, 42 + 10 + 4)
        self.assertTrue(efi_store.is_active(option))

    def test_both_partition_tables_are_whole_and_alike(self):
        first, last = efi_disk.tables()
        front, back = first[512:604], last[-512:-512 + 92]
        for header in (front, back):
            (crc,) = struct.unpack_from("<I", header, 16)
            self.assertEqual(crc, zlib.crc32(header[:16] + bytes(4) + header[20:]))
        self.assertEqual(first[1024:], last[:-512])
        self.assertEqual(struct.unpack_from("<QQ", front, 24), struct.unpack_from("<QQ", back, 24)[::-1])
        places = [(part.offset, part.offset + part.bytes) for part in efi_disk.PARTITIONS]
        self.assertTrue(all(before[1] <= after[0] for before, after in zip(places, places[1:])))
        self.assertLessEqual(places[-1][1], efi_disk.BYTES - len(last))


if __name__ == "__main__":
    unittest.main()
