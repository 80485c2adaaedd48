# SPDX-License-Identifier: Apache-2.0
"""Images from the manager to their end: a good one by HTTP and by FTP, and those that must come back, each with its reason."""

import re
from dataclasses import dataclass

from findings import human
from manager_api import FINAL_STATES
from station import CHECK_IN_S

SECONDS = 900        # for a whole story; a good one takes 30 to 40 on an idle machine


@dataclass(frozen=True)
class Bad:
    """An image that must not stay. `reason` is what the report has to say."""
    variant: str
    about: str
    reason: str
    full: bool = True    # only with --full


BAD = [
    Bad("unhealthy", "its health program fails", r"health program .*display does not answer", full=False),
    Bad("panics", "its init ends: the kernel panics", r"all its starts are used up; its kernel said .Kernel panic - not syncing: Attempted to kill init"),
    Bad("no-init", "it has no init", r"its initramfs said .there is no init at /sbin/init"),
    Bad("no-agent", "it has no agent: the watchdog", r"its initramfs said .there is no agent at /usr/sbin/hagent"),
    Bad("no-kernel", "it has no kernel: GRUB takes the other slot", r"1 of 2 starts.*the boot loader could not load its kernel"),
    Bad("no-network", "it does not reach the manager", r"check-in: no manager answered within 120 s"),
    Bad("hangs", "its agent stops when it checks in", r"its agent came up \d times?, and the machine restarted before it could confirm"),
    Bad("waits", "its health program does not end: the deadline", r"health program /usr/libexec/health ended not in time"),
]


class Story:
    """One image given to a device that runs."""

    def __init__(self, station, path, version, variant="good", via="http", **choices):
        self.station, self.path, self.version, self.via = station, path, version, via
        self.before, self._wire = station.variables(path), self._bytes_so_far(station, via)
        self.package, reference = station.publish_image(version, variant, via, **choices)
        self.action = station.assign(reference)

    @staticmethod
    def _bytes_so_far(station, via):
        return station.proxies[via].bytes_to_client("data" if via == "ftp" else None)

    def wire(self):
        """Bytes that the server of the image has sent since the assignment."""
        return self._bytes_so_far(self.station, self.via) - self._wire

    def ended(self):
        return self.station.state(self.action) in FINAL_STATES

    def wait_end(self):
        """Waits for the report; what the boot loader's block said at that moment."""
        device = self.station.machine
        began = device.seconds()
        device.wait(self.ended, SECONDS, f"the report on image {self.version}")
        self.seconds = device.seconds() - began
        return self.station.variables(self.path)

    def messages(self):
        """What the device told of it, one after the other."""
        return [text for entry in self.station.history(self.action) for text in entry["messages"]]

    def told(self):
        """All of it in one text."""
        return " | ".join(self.messages())

    def telling(self, reason):
        """The message that has the reason; None: there is none."""
        return next((text for text in self.messages() if re.search(reason, text)), None)

    def slots(self):
        old = self.before["hagent_slot"]
        return old, "B" if old == "A" else "A"


def check_good(findings, story):
    device, (old, new) = story.station.machine, story.slots()
    block = story.wait_end()
    findings.check(f"image {story.version} by {story.via}: success", story.station.state(story.action) == "finished",
                   f"{story.seconds:.0f} s, {human(story.wire())} on the wire for {human(story.package.stored_bytes)}; {story.told()[-200:]}")
    findings.check(f"image {story.version}: reported only when slot {new} was confirmed",
                   block["hagent_slot"] == new and not block["hagent_trial"], str(block))
    findings.check(f"image {story.version}: it runs, and was restarted into on trial", f"hagent: slot {new} is on trial, the watchdog counts" in device.text()
                   and f"init: version {story.version}," in device.text())
    findings.check(f"image {story.version}: reported once", story.station.final_reports(story.action) == 1)


def check_bad(findings, story, bad):
    old, _ = story.slots()
    block = story.wait_end()
    findings.check(f"{bad.about}: back in slot {old}", story.station.state(story.action) == "error" and block["hagent_slot"] == old
                   and not block["hagent_trial"], f"{story.seconds:.0f} s, {block}")
    reason = story.telling(bad.reason)
    findings.check(f"{bad.about}: the reason is told", reason, reason or story.told()[-900:])
    findings.check(f"{bad.about}: reported once", story.station.final_reports(story.action) == 1)


def play(station, findings, full=True):
    path = station.make_disk()
    findings.say("       A device in an emulator: GRUB, slots A and B, a partition for data; its manager and two servers are on this machine's loopback.")
    with station.power_on(path) as device:
        station.wait_check_in()
        findings.check("the device started and checked in", True, f"{device.seconds():.1f} s from power on")
        check_good(findings, Story(station, path, "2.0"))
        check_good(findings, Story(station, path, "3.0", via="ftp"))
        for number, bad in enumerate(BAD):
            if full or not bad.full:
                check_bad(findings, Story(station, path, f"4.{number}", bad.variant), bad)
        checked = station.check_ins()
        device.wait(lambda: station.check_ins() > checked, CHECK_IN_S, "a check-in after all this")
