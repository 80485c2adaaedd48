# SPDX-License-Identifier: Apache-2.0
"""Maintenance windows: a quartz cron line, a duration and a time zone, as hawkBit writes them."""

import datetime
import re

FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 1, 7),
          ("year", 1970, 2199))
MONTHS = {name: n for n, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
WEEKDAYS = {name: n for n, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), 1)}
LOOK_AHEAD_DAYS = 366 * 4


def _number(text, name):
    names = MONTHS if name == "month" else WEEKDAYS if name == "weekday" else {}
    if text.upper() in names:
        return names[text.upper()]
    if not text.isdigit():
        raise ValueError(f"maintenance window: '{text}' is no {name}")
    return int(text)


def _field(text, name, low, high):
    """One cron field as a set of numbers; ranges, lists, steps and names are understood."""
    chosen = set()
    for part in text.split(","):
        part, _, step = part.partition("/")
        first, dash, last = part.partition("-")
        if part in ("*", "?"):
            start, end = low, high
        else:
            start = _number(first, name)
            end = _number(last, name) if dash else (high if step else start)
        if not low <= start <= end <= high:
            raise ValueError(f"maintenance window: {name} '{text}' is outside {low}-{high}")
        chosen.update(range(start, end + 1, int(step) if step else 1))
    return chosen


class Window:
    """One recurring window. Instants are unix seconds (UTC)."""

    def __init__(self, schedule, duration, timezone):
        parts = schedule.split()
        if len(parts) not in (6, 7):
            raise ValueError("maintenance window: the schedule needs 6 or 7 fields: second minute hour day month weekday [year]")
        parts += ["*"] * (7 - len(parts))
        self.sets = {name: _field(text, name, low, high) for text, (name, low, high) in zip(parts, FIELDS)}
        match = re.fullmatch(r"(\d{1,2}):(\d{2}):(\d{2})", duration)
        if not match:
            raise ValueError("maintenance window: the duration must look like 01:30:00")
        hours, minutes, seconds = map(int, match.groups())
        self.duration_s = hours * 3600 + minutes * 60 + seconds
        match = re.fullmatch(r"([+-])(\d{2}):(\d{2})", timezone)
        if not match:
            raise ValueError("maintenance window: the time zone must look like +01:00")
        offset = int(match[2]) * 60 + int(match[3])
        self.zone = datetime.timezone(datetime.timedelta(minutes=-offset if match[1] == "-" else offset))

    def _day_matches(self, day):
        weekday = day.isoweekday() % 7 + 1  # quartz counts from Sunday = 1
        return (day.year in self.sets["year"] and day.month in self.sets["month"] and day.day in self.sets["day"]
                and weekday in self.sets["weekday"])

    def _starts_of(self, day):
        for hour in sorted(self.sets["hour"]):
            for minute in sorted(self.sets["minute"]):
                for second in sorted(self.sets["second"]):
                    yield datetime.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self.zone).timestamp()

    def _starts(self, first_day, days):
        for n in range(days):
            day = first_day + datetime.timedelta(days=n)
            if self._day_matches(day):
                yield from self._starts_of(day)

    def is_open(self, now):
        back = self.duration_s // 86400 + 1
        first = (datetime.datetime.fromtimestamp(now, self.zone) - datetime.timedelta(days=back)).date()
        return any(start <= now < start + self.duration_s for start in self._starts(first, back + 1))

    def next_start(self, now):
        """The next opening after `now`, or None when the schedule has lapsed."""
        first = datetime.datetime.fromtimestamp(now, self.zone).date()
        return next((start for start in self._starts(first, LOOK_AHEAD_DAYS) if start > now), None)

    def lapsed(self, now):
        return not self.is_open(now) and self.next_start(now) is None


def from_dict(value):
    """A Window from {"schedule","duration","timezone"}, None from None; ValueError says what is wrong."""
    if value is None:
        return None
    return Window(value["schedule"], value["duration"], value.get("timezone", "+00:00"))
