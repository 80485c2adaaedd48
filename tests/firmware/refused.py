# SPDX-License-Identifier: Apache-2.0
"""Signed packages that lie, given to one device that runs: refused before anything is written where that can be told, else given up
before the switch. Nothing is restarted, and the next image is taken."""

import gzip
import hashlib
import os
import shutil
from dataclasses import dataclass, replace

import disk
import image_package
from story import Story, check_good

BOMB = gzip.compress(bytes(64 << 20), 9, mtime=0)


@dataclass(frozen=True)
class Lie:
    about: str
    reason: str               # what the report has to say
    choices: object           # of image_package.build(), by the device's old chunks
    written: bool = False     # it is found out while the slot is written


def first_new(chunks, old):
    """Number of the first of two neighbours that have to be fetched."""
    return next(number for number in range(len(chunks) - 1) if not {chunks[number].sha256, chunks[number + 1].sha256} & old)


def table(change):
    """A table in which `change(chunks, number)` has replaced some of them."""
    def choices(old):
        def text(chunks):
            chunks = list(chunks)
            change(chunks, first_new(chunks, old))
            return image_package.table_of(chunks)
        return {"table": text}
    return choices


def begins_elsewhere(chunks, number):
    chunks[number] = replace(chunks[number], offset=chunks[number].offset + 1)


def is_too_long(chunks, number):
    chunks[number] = replace(chunks[number], bytes=2 * image_package.CHUNK_BYTES)


def ends_too_early(chunks, number):
    first, second = chunks[number:number + 2]
    chunks[number:number + 2] = replace(first, bytes=first.bytes - 9), replace(second, offset=second.offset - 9, bytes=second.bytes + 9)


def has_another_digest(chunks, number):
    chunks[number] = replace(chunks[number], sha256=hashlib.sha256(b"another").hexdigest())


def bomb(old):
    return {"compress": lambda number, data: gzip.compress(data, 6, mtime=0) if hashlib.sha256(data).hexdigest() in old else BOMB}


LIES = [
    Lie("truncated, and signed as it is", r"ends behind the end of root\.img\.gz", lambda old: {"cut": 1000}),
    Lie("for other hardware", r"made for other hardware", lambda old: {"platforms": ["another board"]}),
    Lie("its table: a chunk begins elsewhere", r"the chunk begins at \d+, the one before it ends at", table(begins_elsewhere)),
    Lie("its table: a chunk is too long", r"bytes cannot hold this chunk", table(is_too_long)),
    Lie("its table: a chunk ends too early", r"not what its signed table says.*chunk \d+", table(ends_too_early), written=True),
    Lie("its table: another digest", r"not what its signed table says.*chunk \d+", table(has_another_digest), written=True),
    Lie("a chunk of 64 MiB of zeros", r"not what its signed table says.*chunk \d+", bomb, written=True),
]
TOO_LARGE = Lie("larger than the slot", r"larger than the slot's device", lambda old: {})


def larger_than_slot(station, version):
    path = station.path("large.img")
    shutil.copy(station.image(version), path)
    os.truncate(path, disk.SLOTS["B"].bytes + image_package.CHUNK_BYTES)
    return path


def slot_b(path):
    return hashlib.sha256(disk.read_at(path, disk.SLOTS["B"].offset, disk.SLOTS["B"].bytes)).hexdigest()


def check(findings, story, lie, before):
    block = story.wait_end()
    reason = story.telling(lie.reason)
    findings.check(f"{lie.about}: refused with its reason", story.station.state(story.action) == "error" and reason,
                   f"{story.seconds:.0f} s; {reason or story.told()[-900:]}")
    untouched = slot_b(story.path) == before and block == story.before
    marked = block["hagent_tries"] == "-B" and disk.read_at(story.path, disk.SLOTS["B"].offset, 6) == b"hagent"
    findings.check(f"{lie.about}: {'slot B is marked as not whole' if lie.written else 'nothing was written'}", marked if lie.written else untouched,
                   str(block))
    findings.check(f"{lie.about}: reported once", story.station.final_reports(story.action) == 1)


def play(station, findings, full=True):
    path = station.make_disk()
    old = {chunk.sha256 for chunk in image_package.pack(station.image("1.0"), os.devnull)}
    with station.power_on(path) as device:
        station.wait_check_in()
        for number, lie in enumerate([TOO_LARGE, *LIES]):
            version, before = f"2.{number}", slot_b(path)
            raw = larger_than_slot(station, version) if lie is TOO_LARGE else None
            check(findings, Story(station, path, version, raw=raw, **lie.choices(old)), lie, before)
        findings.check("the device was not restarted", device.text().count("init: version ") == 1 and not device.events("RESET"))
        check_good(findings, Story(station, path, "3.0"))
