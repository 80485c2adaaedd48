#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of what needs no emulator: environment blocks, the record of writes and its replay, the judge, image packages."""

import os
import random
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import firmware  # noqa: F401  (it finds the lab's modules)
import disk
import grub
import image_package
import initramfs
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


if __name__ == "__main__":
    unittest.main()
