# SPDX-License-Identifier: Apache-2.0
"""The device's disk: a partition table and file systems, written into a plain file without mounting anything."""

import os
import struct
import subprocess
from dataclasses import dataclass

from services import LabError
from setup_packages import program

SECTOR = 512
MIB = 1 << 20
SIGNATURE = 0x68616731  # of this disk in its partition table


@dataclass(frozen=True)
class Partition:
    number: int
    offset: int
    bytes: int

    @property
    def device(self):
        return f"/dev/vda{self.number}"


BOOT = Partition(1, 1 * MIB, 4 * MIB)        # ext2: GRUB's configuration and environment block, which no image renews
SLOTS = {"A": Partition(2, 5 * MIB, 20 * MIB), "B": Partition(3, 25 * MIB, 20 * MIB)}
DATA = Partition(4, 45 * MIB, 24 * MIB)      # ext4: configuration and state of the device
BYTES = 69 * MIB


def partition_table(partitions):
    """The bytes 440-511 of a disk: Linux partitions, the first one marked as the one to start from."""
    entries = b"".join(struct.pack("<B3sB3sII", 0x80 if part.number == 1 else 0, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff",
                                   part.offset // SECTOR, part.bytes // SECTOR) for part in partitions)
    return struct.pack("<IH", SIGNATURE, 0) + entries.ljust(64, b"\0") + b"\x55\xaa"


def write_at(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def read_at(path, offset, count):
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(count)


def file_system(path, kind, size, folder, label):
    """A file that holds a file system with the content of a folder."""
    with open(path, "wb") as file:
        file.truncate(size)
    # Its superblock fills two sectors: after a cut between them, no kernel mounts one with a check sum over both.
    options = ["-J", "size=4", "-O", "^metadata_csum"] if kind == "ext4" else []
    done = subprocess.run([program("mke2fs"), "-q", "-F", "-t", kind, "-b", "4096", "-m", "0", "-L", label, "-d", folder, *options,
                           "-E", "root_owner=0:0", path], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"mke2fs cannot make {label}: {done.stderr.strip()}")
    return path


def put_image(disk, partition, image):
    """Copies an image into its partition, holes left out."""
    if os.path.getsize(image) > partition.bytes:
        raise LabError(f"{image} is larger than partition {partition.number}")
    with open(image, "rb") as source, open(disk, "r+b") as target:
        offset = partition.offset
        while block := source.read(MIB):
            if block.strip(b"\0"):
                target.seek(offset)
                target.write(block)
            offset += len(block)


def make(path, first_sectors, images):
    """A disk: `first_sectors` is the boot loader in front of the first partition, `images` {partition: path}."""
    if len(first_sectors) > BOOT.offset:
        raise LabError(f"the boot loader has {len(first_sectors)} bytes, {BOOT.offset} are in front of the first partition")
    with open(path, "wb") as file:
        file.truncate(BYTES)
        file.write(first_sectors)
        file.seek(440)
        file.write(partition_table([BOOT, *SLOTS.values(), DATA]))
    for partition, image in images.items():
        put_image(path, partition, image)
    return path


def file_text(disk, partition, name):
    """What a file of a partition says, without its last line end; empty: there is none."""
    image = f"{disk}.{partition.number}"
    with open(image, "wb") as file:
        file.write(read_at(disk, partition.offset, partition.bytes))
    try:
        return subprocess.run([program("debugfs"), "-R", f"cat {name}", image], capture_output=True, text=True, check=False).stdout.strip()
    finally:
        os.unlink(image)


def file_place(image, name):
    """Offset of a file's only block inside an ext2 image: the place that a boot loader overwrites."""
    done = subprocess.run([program("debugfs"), "-R", f"blocks {name}", image], capture_output=True, text=True, check=False)
    blocks = done.stdout.split()
    if len(blocks) != 1:
        raise LabError(f"{name} in {image} should have one block: {done.stdout} {done.stderr}")
    return int(blocks[0]) * 4096
