# SPDX-License-Identifier: Apache-2.0
"""The record of every write that reached the disk (QEMU's blklogwrites), and disks as a power cut would have left them.

A drive may lose whatever was written after the last flush, in any combination: a cut keeps all that was flushed and a random
part of the rest, sector by sector.
"""

import bisect
import contextlib
import struct
from dataclasses import dataclass

from services import LabError

SECTOR = 512
MAGIC = 0x6A736677736872
SUPER, ENTRY = struct.Struct("<QQQI"), struct.Struct("<QQQQ")
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


@dataclass(frozen=True)
class Write:
    offset: int        # on the disk
    bytes: int
    flags: int
    data_at: int       # in the log


class WriteLog:
    """`entries` in the order in which the disk got them."""

    def __init__(self, path):
        self._file = open(path, "rb")
        try:
            self.entries = list(self._read())
        except BaseException:
            self.close()
            raise
        self.flushes = [number for number, entry in enumerate(self.entries) if entry.flags & FLUSH]

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _read(self):
        head = self._file.read(SECTOR)
        if len(head) < SUPER.size:
            raise LabError("the record of writes is empty")
        magic, version, count, sector = SUPER.unpack_from(head)
        if magic != MAGIC or version != 1 or sector != SECTOR:
            raise LabError(f"this is no record of writes: magic {magic:x}, version {version}, sectors of {sector} bytes")
        at = SECTOR
        for _ in range(count):
            self._file.seek(at)
            first, sectors, flags, _ = ENTRY.unpack_from(self._file.read(SECTOR))
            at += SECTOR
            yield Write(first * SECTOR, sectors * SECTOR, flags, at)
            if not flags & DISCARD:
                at += sectors * SECTOR

    def data(self, entry):
        if entry.flags & DISCARD:
            return bytes(entry.bytes)
        self._file.seek(entry.data_at)
        return self._file.read(entry.bytes)

    def safe_until(self, cut):
        """Entries before this number are on the disk for certain when the power goes before entry `cut`."""
        place = bisect.bisect_left(self.flushes, cut)
        return self.flushes[place - 1] if place else 0


class Replay:
    """A disk in memory that goes through the cuts in rising order: what is safe is applied once, what is not for one look."""

    def __init__(self, log, base):
        self.log, self._safe = log, 0
        with open(base, "rb") as file:
            self.disk = bytearray(file.read())

    @contextlib.contextmanager
    def cut(self, before, keep):
        """The disk after a power cut before this entry; `keep()` is asked for each sector that was not flushed. No way back."""
        safe = max(self._safe, self.log.safe_until(before))
        for entry in self.log.entries[self._safe:safe]:
            self._put(entry.offset, self.log.data(entry))
        self._safe, undo = safe, []
        for entry in self.log.entries[safe:before]:
            data = self.log.data(entry)
            for at in range(0, entry.bytes, SECTOR):
                if entry.flags & FUA or keep():
                    offset = entry.offset + at
                    undo.append((offset, bytes(self.disk[offset:offset + SECTOR])))
                    self._put(offset, data[at:at + SECTOR])
        try:
            yield self.disk
        finally:
            for offset, data in reversed(undo):
                self._put(offset, data)

    def _put(self, offset, data):
        self.disk[offset:offset + len(data)] = data


def keeping(random, share):
    """A rule for Replay: each sector survives with this probability."""
    return lambda: random.random() < share


def drive(disk, log):
    """Options of QEMU for a disk whose writes are recorded; the record is made here."""
    open(log, "wb").close()
    return ["-blockdev", f"driver=file,node-name=disk,filename={disk}", "-blockdev", f"driver=file,node-name=log,filename={log}",
            "-blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512,log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=logged"]
