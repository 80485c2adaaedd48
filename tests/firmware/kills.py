# SPDX-License-Identifier: Apache-2.0
"""The plug is pulled at random moments of download, write, switch and confirm, against the lab manager: old or new, reported once."""

import re

import disk
import image_package
from judge import Judge
from story import SECONDS, Story

QUICK, FULL = 6, 50
SPAN = (0.4, 4.0)       # moments of the cuts, in times from power on to the first check-in


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


class Fetched:
    """What of an image goes over the wire a second time though the device had it."""

    def __init__(self, proxy):
        self._proxy, self._seen = proxy, 0

    def ranges(self):
        """Those that were asked for since the last call."""
        texts = self._proxy.ranges_of(image_package.IMAGE)
        fresh, self._seen = texts[self._seen:], len(texts)
        return [(int(first), int(last)) for text in fresh for first, last in re.findall(r"bytes=(\d+)-(\d+)", text)]


def again(package, ranges, held):
    """Chunks that were held already and asked for once more."""
    return [number for number in held for first, last in ranges
            if package.chunks[number].offset >= first and package.chunks[number].offset + package.chunks[number].bytes - 1 <= last]


class Game:
    """One device, its plug, and what was seen."""

    def __init__(self, station, cuts):
        self.station, self.left, self.done = station, cuts, 0
        self.path = station.make_disk()
        self.judge = Judge({"1.0": content_of(station.image("1.0"))}, station.block_at(self.path))
        self.fetched = Fetched(station.proxies["http"])
        self.wrong, self.twice, self.again, self.moments, self.ends = [], [], [], [], []
        with station.power_on(self.path):
            self.pace = station.wait_check_in()

    def life(self, story):
        """Power on until the report, or until the plug is pulled."""
        until = self.station.random.uniform(*SPAN) * self.pace
        with self.station.power_on(self.path) as device:
            device.wait(lambda: story.ended() or (self.left > 0 and device.seconds() > until), SECONDS, "the cut, or the report")
            ended, seconds = story.ended(), device.seconds()
        if not ended:
            self.left, self.done = self.left - 1, self.done + 1
            self.moments.append(round(seconds, 1))

    def play(self, version):
        """One image from its assignment to its report, however many cuts that takes."""
        story, held = Story(self.station, self.path, version), set()
        self.judge.images = {**dict(list(self.judge.images.items())[-2:]), version: content_of(self.station.image(version))}
        part = disk.SLOTS[story.slots()[1]]
        while not story.ended():
            self.life(story)
            content = content_of(self.path)
            if why := self.judge.look(content)[0]:
                self.wrong.append(f"cut {self.done} after {self.moments[-1:]} s: {why}")
            self.again.append(len(again(story.package, self.fetched.ranges(), held)))
            held = image_package.present(story.package, content[part.offset:part.offset + part.bytes])
        self.check_end(story)

    def check_end(self, story):
        """New and told as a success, or old and told as a failure: cuts may use up the tries of a trial."""
        block, state = self.station.variables(self.path), self.station.state(story.action)
        old, new = story.slots()
        self.ends.append(state)
        if (state, block["hagent_slot"]) not in (("finished", new), ("error", old)) or self.station.final_reports(story.action) != 1:
            self.twice.append(f"{story.version}: {state}, {self.station.final_reports(story.action)} reports, {block}; {story.told()[-300:]}")


def play(station, findings, full=True):
    game, version = Game(station, FULL if full else QUICK), 1
    while game.left:
        version += 1
        game.play(f"{version}.0")
    findings.fact("moments", game.moments)
    findings.check(f"{game.done} power cuts at random moments, {version - 1} images: always old or new", not game.wrong, "; ".join(game.wrong[:3]))
    findings.check("each was reported once, and as it is", not game.twice, "; ".join(game.twice[:3]) or ", ".join(game.ends))
    findings.check("at most one chunk is fetched again for a cut", max(game.again) <= 1, str(game.again))
