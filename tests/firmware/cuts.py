# SPDX-License-Identifier: Apache-2.0
"""Power cuts of a drive that loses what was not flushed: one story is recorded, every cut of it judged, some of them started."""

import collections
import shutil

import write_log
from judge import Judge
from services import LabError
from station import CHECK_IN_S
from story import BAD, Story, check_bad, check_good

QUICK, FULL = (150, 2), (1500, 40)     # random cuts beside every flush; how many disks are started


def record(station, findings):
    """Plays a good image and one that comes back; (path of the disk as it was, path of the record, images by version)."""
    path, base, log = station.make_disk(), station.path("base.img"), station.path("writes.bin")
    shutil.copy(path, base)
    bad = BAD[0]
    with station.power_on(path, drive=write_log.drive(path, log)):
        station.wait_check_in()
        check_good(findings, Story(station, path, "2.0"))
        check_bad(findings, Story(station, path, "3.0", bad.variant), bad)
    images = {}
    for version, variant in (("1.0", "good"), ("2.0", "good"), ("3.0", bad.variant)):
        with open(station.image(version, variant), "rb") as file:
            images[version] = file.read()
    return base, log, images


def chosen_cuts(log, random, count):
    """[(entry, share of the sectors that survive)] in rising order: every flush, and random places."""
    cuts = [(number, 0.0) for number in log.flushes]
    cuts += [(random.randrange(1, len(log.entries) + 1), random.choice((0.0, 0.1, 0.5, 0.9, 1.0))) for _ in range(count)]
    return sorted(cuts)


def start(station, path, versions):
    """Why the device does not come up from this disk; empty when it does."""
    checked = station.check_ins()
    try:
        with station.power_on(path) as device:
            station.wait_check_in(checked)
            device.wait(lambda: any(f"init: version {version}," in device.text() for version in versions), CHECK_IN_S, "a known version")
    except LabError as error:
        return str(error)[-400:]
    return ""


def play(station, findings, full=True):
    count, starts = FULL if full else QUICK
    base, log_path, images = record(station, findings)
    judge = Judge(images, station.block_at(base))
    wrong, seen = [], collections.Counter()
    with write_log.WriteLog(log_path) as log:
        cuts = chosen_cuts(log, station.random, count)
        started = set(station.random.sample(range(len(cuts)), starts))
        replay, bad_starts = write_log.Replay(log, base), []
        for number, (before, share) in enumerate(cuts):
            with replay.cut(before, write_log.keeping(station.random, share)) as content:
                why, version = judge.look(content)
                seen[version] += 1
                if why:
                    wrong.append(f"cut before write {before}, share {share}: {why}")
                if number in started:
                    with open(station.path("cut.img"), "wb") as file:
                        file.write(content)
                    if why := start(station, station.path("cut.img"), images):
                        bad_starts.append(f"cut before write {before}, share {share}: {why}")
    findings.check(f"{len(cuts)} power cuts in {len(log.entries)} writes, {len(log.flushes)} flushes: the slot that starts is whole", not wrong,
                   f"versions {dict(seen)}; {'; '.join(wrong[:3])}")
    findings.check(f"{starts} of these disks were started, and checked in", not bad_starts, "; ".join(bad_starts))
    findings.check("both versions were met", seen["1.0"] and seen["2.0"], str(dict(seen)))
