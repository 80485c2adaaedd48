# SPDX-License-Identifier: Apache-2.0
"""GRUB against every state of its environment block: which slot is started, and what stands in the block afterwards."""

import re
from dataclasses import dataclass

import disk
import firmware
import grub
import machine
from services import LabError

SECONDS = 60  # for one start up to the kernel's first line; it takes half a second on an idle machine


@dataclass(frozen=True)
class Row:
    """`after`: the variables that must stand in the block then; None: the block is as it was."""
    name: str
    block: bytes
    slot: str
    trial: str = ""
    after: dict = None
    read_only: bool = False


def block(slot="A", trial="", tries="", generation="7", **more):
    return grub.block(hagent_slot=slot, hagent_trial=trial, hagent_tries=tries, hagent_generation=generation, **more)


def torn(data, sector):
    """The block with one of its two sectors lost."""
    return data[:512] + bytes(512) if sector else bytes(512) + data[512:]


ROWS = [
    Row("slot A, no trial", block(), "A"),
    Row("slot B, no trial", block("B"), "B"),
    Row("trial of B, three tries", block("A", "B", "3"), "B", "B", {"hagent_slot": "A", "hagent_trial": "B", "hagent_tries": "2"}),
    Row("trial of B, two tries", block("A", "B", "2"), "B", "B", {"hagent_tries": "1"}),
    Row("trial of B, last try", block("A", "B", "1"), "B", "B", {"hagent_tries": "0"}),
    Row("trial of B, none left", block("A", "B", "0"), "A"),
    Row("trial of A from B", block("B", "A", "2"), "A", "A", {"hagent_slot": "B", "hagent_tries": "1"}),
    Row("tries that nobody writes", block("A", "B", "7"), "A"),
    Row("tries that are no number", block("A", "B", "x y"), "A"),
    Row("trial without tries", block("A", "B"), "A"),
    Row("trial of an unknown slot", block("A", "C", "2"), "A"),
    Row("unknown slot", block("C"), "A"),
    Row("slot with blanks and quotes", block("B\" 'x"), "A"),
    Row("block of zeros", bytes(grub.BLOCK_BYTES), "A"),
    Row("first sector lost", torn(block("B", "A", "2"), 0), "A"),
    Row("second sector lost", torn(block("A", "B", "2"), 1), "A"),
    Row("empty block", grub.block(), "A"),
    Row("foreign variables first", grub.block(saved_entry="0", hagent_slot="B", hagent_trial="A", hagent_tries="3"), "A", "A",
        {"saved_entry": "0", "hagent_slot": "B", "hagent_tries": "2"}),
    Row("foreign variables behind", block("B", next_entry="2"), "B"),
    Row("a disk that cannot be written", block("A", "B", "2"), "A", read_only=True),
]


def same_apart_from_tries(before, after):
    """A trial is counted by one digit for one digit: nothing else moves, so one sector changes."""
    return len(before) == len(after) and sum(one != other for one, other in zip(before, after)) == 1


def judge(row, words, after):
    """What is wrong, empty: nothing."""
    told = {name: value for name, _, value in (word.partition("=") for word in words) if name.startswith("hagent.")}
    if (told.get("hagent.slot"), told.get("hagent.trial")) != (row.slot, row.trial):
        return f"GRUB started {words}, wanted {(row.slot, row.trial)}"
    if row.after is None:
        return "" if after == row.block else "the block has changed"
    found = grub.variables(after) or {}
    wrong = {name: found.get(name) for name, value in row.after.items() if found.get(name) != value}
    if wrong:
        return f"the block says {wrong}, wanted {row.after}"
    return "" if same_apart_from_tries(row.block, after) else "more than the digit has changed"


def start(station, path, row):
    """Power on until GRUB would start the kernel; the words of its command line."""
    drive = ["-drive", f"file={path},format=raw,if=virtio{',read-only=on' if row.read_only else ''}"]
    with machine.Machine(station.services, station.folder, path, firmware=station.parts.emulator, drive=drive) as device:
        device.wait_text(grub.SHOWN_END, SECONDS)
        return re.findall(rf"{grub.SHOWN}(\S*)", device.text())


def play(station, findings, full=True):
    path = station.make_disk("table.img", show=True)
    place = firmware.block_place(path)
    bad = []
    for row in ROWS:
        disk.write_at(path, place, row.block)
        try:
            wrong = judge(row, start(station, path, row), disk.read_at(path, place, grub.BLOCK_BYTES))
        except LabError as error:
            wrong = str(error)
        if wrong:
            bad.append(f"{row.name}: {wrong}")
    findings.check(f"GRUB starts the right slot in each of {len(ROWS)} states of its block", not bad, "; ".join(bad)[:2000])
