# SPDX-License-Identifier: Apache-2.0
"""The disk of a device that EFI firmware starts: a GPT, and slots of two parts. The kernel lies on a FAT partition, where firmware finds it."""

import os
import struct
import subprocess
import uuid
import zlib
from dataclasses import dataclass

import disk
from services import LabError
from setup_packages import program

DATA_TYPE = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // disk.SECTOR


@dataclass(frozen=True)
class Partition(disk.Partition):
    @property
    def first_sector(self):
        return self.offset // disk.SECTOR

    @property
    def sectors(self):
        return self.bytes // disk.SECTOR

    @property
    def guid(self):
        return uuid.uuid5(uuid.NAMESPACE_OID, f"hagent {self.number}").bytes_le


MIB = disk.MIB
SLOTS = {"A": {"boot": Partition(1, 1 * MIB, 12 * MIB), "root": Partition(2, 13 * MIB, 8 * MIB)},
         "B": {"boot": Partition(3, 21 * MIB, 12 * MIB), "root": Partition(4, 33 * MIB, 8 * MIB)}}
DATA = Partition(5, 41 * MIB, 24 * MIB)
BYTES = 66 * MIB
PARTITIONS = [*(part for parts in SLOTS.values() for part in parts.values()), DATA]


def _header(place, other, entries_at, entries):
    """Of the table at sector `place`; the other one lies at `other`."""
    def fields(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, place, other, 2 + TABLE_SECTORS,
                           BYTES // disk.SECTOR - TABLE_SECTORS - 2, uuid.uuid5(uuid.NAMESPACE_OID, "hagent").bytes_le, entries_at,
                           ENTRIES, ENTRY_BYTES, zlib.crc32(entries))
    return fields(zlib.crc32(fields(0))).ljust(disk.SECTOR, b"\0")


def tables():
    """(the first sectors of the disk, the last ones)."""
    entries = b"".join(struct.pack("<16s16sQQQ72s", DATA_TYPE, part.guid, part.first_sector, part.first_sector + part.sectors - 1, 0,
                                   f"hagent {part.number}".encode("utf-16-le")) for part in PARTITIONS).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    last = BYTES // disk.SECTOR - 1
    protective = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, last).ljust(64, b"\0") + b"\x55\xaa"
    return (protective + _header(1, last, 2, entries) + entries,
            entries + _header(last, 1, last - TABLE_SECTORS, entries))


def fat(path, size, files):
    """A FAT file system with `files` {name: bytes} in its root."""
    with open(path, "wb") as file:
        file.truncate(size)
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "SOURCE_DATE_EPOCH": "1700000000"}

    def mtool(*command, data=None):
        done = subprocess.run([program(command[0]), "-i", path, *command[1:]], input=data, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise LabError(f"{command[0]} in {path}: {done.stderr.decode(errors='replace').strip()}")
    mtool("mformat", "-T", str(size // disk.SECTOR), "-h", "64", "-s", "32", "-N", "68616731", "::")
    for name, data in files.items():
        mtool("mcopy", "-", f"::{name}", data=data)
    return path


def make(path, images):
    """A disk with `images` {partition: path}."""
    first, last = tables()
    with open(path, "wb") as file:
        file.truncate(BYTES)
        file.write(first)
        file.seek(BYTES - len(last))
        file.write(last)
    for partition, image in images.items():
        disk.put_image(path, partition, image)
    return path
