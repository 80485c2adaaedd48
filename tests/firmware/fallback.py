# SPDX-License-Identifier: Apache-2.0
"""Slots on trial that cannot work: GRUB's countdown, the kernel's panic=1 and the watchdog bring the old slot back, without any agent's help."""

from dataclasses import dataclass

import disk
import firmware
import grub

SECONDS = 900   # until the old slot's init is back; 25 to 50 on an idle machine
TRIES = 2


@dataclass(frozen=True)
class Broken:
    variant: str
    about: str
    left: int            # tries, when the old slot is back
    note: str = ""       # of the initramfs on the data partition
    console: str = ""    # what the old slot's start shows
    watchdog: int = 0    # resets by it, at least


STORIES = [
    Broken("panics", "init of the new slot ends: the kernel panics", left=0, console="init: kept: Kernel panic - not syncing: Attempted to kill init"),
    Broken("no-agent", "no agent in the new slot: the watchdog", left=0, watchdog=TRIES,
           note="there is no agent at /usr/sbin/hagent that can be run"),
    Broken("no-kernel", "no kernel in the new slot: GRUB takes the other one at once", left=TRIES - 1,
           console="hagent.missing=kernel"),
    Broken("no-init", "no init in the new slot", left=0, note="there is no init at /sbin/init"),
    Broken("no-shell", "the new slot's init cannot be executed", left=0),
]
QUICK = STORIES[:3]


def back(device):
    text = device.text()
    return "init: version 1.0" in text and "hagent.slot=A hagent.trial= " in text


def play_one(station, findings, story):
    block = grub.block(hagent_slot="A", hagent_trial="B", hagent_tries=str(TRIES), hagent_generation="1")
    path = station.make_disk("fallback.img", {"A": station.image("1.0"), "B": station.image("2.0", story.variant)}, block)
    with station.power_on(path) as device:
        device.wait(lambda: back(device), SECONDS, f"slot A ({story.about})")
        seconds, watchdog = device.seconds(), len(device.events("WATCHDOG"))
    found = grub.variables(disk.read_at(path, firmware.block_place(path), grub.BLOCK_BYTES)) or {}
    note = disk.file_text(path, disk.DATA, "/hagent/trial.note")
    good = found.get("hagent_slot") == "A" and found.get("hagent_tries") == str(story.left) and watchdog >= story.watchdog and note == story.note
    good = good and story.console in device.text()
    findings.check(f"{story.about}: slot A is back", good, f"note: '{note}'; after {seconds:.0f} s, {watchdog} resets by the watchdog, tries left: "
                   f"{found.get('hagent_tries')}")


def play(station, findings, full=True):
    for story in STORIES if full else QUICK:
        play_one(station, findings, story)
