"""Where an axis has its ticks, and what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from oaflib.numeral import compact
from oaflib.window import Window, moment, nanoseconds

_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DAY = 86_400
_STEPS = [
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200),
    *(_DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 91 * _DAY, 365 * _DAY),
]
_BELOW = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]


@dataclass(frozen=True)
class Ticks:
    """Where ticks are, what each says, and the power of ten they are to be multiplied with."""

    at: tuple[float, ...]
    labels: tuple[str, ...]
    exponent: int = 0

    def unit(self, unit: str) -> str:
        """The axis' unit with the power of ten: ``10¹⁴ charges``."""
        if not self.exponent:
            return unit
        return f"×{power_of_ten(self.exponent)} {unit}".rstrip()


def power_of_ten(exponent: int) -> str:
    """``10¹⁴``; 1 and 10 as they are."""
    if exponent in (0, 1):
        return "10" if exponent else "1"
    return f"10{str(exponent).translate(_SUPER)}"


def padded(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """A range a little larger than ``[low, high]``; one around it where they are equal.

    Both finite; the answer is finite too.
    """
    top = math.ldexp(1, 1022)
    low, high = max(-top, min(top, low)), max(-top, min(top, high))
    wide = apart(low, high)
    if wide != (low, high):
        return wide
    room = (high / 2 - low / 2) * 2 * share
    return max(-top, low - room), min(top, high + room)


def apart(low: float, high: float) -> tuple[float, float]:
    """The same two numbers; a range around them where they are too close to be an axis."""
    size = max(abs(low), abs(high))
    if size < 1e-290:
        return low - 1.0, high + 1.0
    if high / 2 - low / 2 <= size * 1e-13:
        return low - size * 0.05, high + size * 0.05
    return low, high


def step_of(low: float, high: float, most: int) -> float:
    """The least of 1, 2, 5 × 10ⁿ that cuts ``[low, high]`` into at most `most` parts."""
    rough = high / most - low / most
    power = math.floor(math.log10(rough))
    for _ in range(2):
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            if step >= rough * 0.999999:
                return step
        power += 1
    return 10.0**power


def value_ticks(low: float, high: float, most: int = 5, whole: bool = False) -> Ticks:
    """Ticks of an axis of numbers from `low` to `high`, about `most` of them, at least two.

    The labels have as many digits as tell them apart, never an offset to be added. `whole`: only at
    whole numbers.
    """
    step = step_of(low, high, most)
    while math.floor(high / step) - math.ceil(low / step) < 1 and most < 12:
        most += 1
        step = step_of(low, high, most)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > 3 * most or not abs(first) < 2**53:  # beyond what floats tell apart
        at = [low, high]
    else:
        at = [n * step for n in range(first, last + 1)]
    size = max(abs(low), abs(high))
    exponent = math.floor(math.log10(size)) if size else 0
    if -4 <= exponent <= 4:
        exponent = 0
    power = math.floor(math.log10(step) + 1e-9)
    digits = max(0, min(15, exponent - power))
    labels = []
    for value in at:
        scaled = value / 10.0**exponent if exponent > -300 else value * 10.0**-exponent
        text = f"{scaled:.{digits}f}"
        labels.append("0" if float(text) == 0 else text.replace("-", "−"))
    return Ticks(tuple(at), tuple(labels), exponent)


def number(value: float, digits: int = 5) -> str:
    """A number as people write it: ``1.98×10¹⁴``, ``0.031``."""
    return compact(value, digits)


def time_ticks(window: Window, most: int = 8) -> Ticks:
    """Ticks of a window's time axis in its zone; `at` is in ns UTC.

    They stand at whole local times, also on days of 23 and 25 hours.
    """
    zone = ZoneInfo(window.zone)
    seconds = (window.end_ns - window.start_ns) / 1e9
    if seconds <= 2:
        return _short(window, most)
    step = next((s for s in _STEPS if seconds / s <= most), _STEPS[-1])
    at = _days(window, step // _DAY, zone) if step >= _DAY else _within(window, step, zone)
    labels = [_said(instant, step) for instant in at]
    if step < _DAY:
        labels = _told_apart(at, labels)
    return Ticks(tuple(float(nanoseconds(instant)) for instant in at), tuple(labels))


def time_label(window: Window) -> str:
    """What the axis is: zone, day or days, and the hours of a day that has not 24."""
    zone = ZoneInfo(window.zone)
    start = window.start.astimezone(zone)
    end = (window.end - timedelta(microseconds=1)).astimezone(zone)
    text = f"{start.day} {start:%b %Y}"
    if end.date() != start.date():
        text += f" – {end.day} {end:%b %Y}"
    shift = (end.utcoffset() or timedelta()) - (start.utcoffset() or timedelta())
    if shift and window.duration < timedelta(days=30):
        way = "put forward" if shift > timedelta() else "put back"
        text += f" · clocks {way} ({start.tzname()} → {end.tzname()})"
    return f"{text} · {window.zone}"


def local(ns: int, zone: str) -> str:
    """An instant as the clock on the wall showed it: ``22 Nov 07:31:05``."""
    there = moment(ns).astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%b %H:%M:%S}"


def _within(window: Window, step: int, zone: ZoneInfo) -> list[datetime]:
    # walk UTC in steps no zone's offset cuts unevenly, and keep the whole local times
    stride = math.gcd(step, 900)
    first = -(-window.start_ns // (stride * 10**9)) * stride
    found = []
    for second in range(first, -(-window.end_ns // 10**9), stride):
        instant = moment(second * 10**9).astimezone(zone)
        clock = instant.hour * 3600 + instant.minute * 60 + instant.second
        if clock % step == 0:
            found.append(instant)
    return found


def _days(window: Window, days: int, zone: ZoneInfo) -> list[datetime]:
    day = window.start.astimezone(zone).date()
    found: list[datetime] = []
    while True:
        instant = datetime(day.year, day.month, day.day, tzinfo=zone)
        ns = nanoseconds(instant)
        if ns >= window.end_ns:
            return found
        if ns >= window.start_ns and (days < 30 or day.day == 1):
            found.append(instant)
        if days >= 365:
            day = day.replace(year=day.year + days // 365, month=1, day=1)
        elif days >= 30:
            months = day.month - 1 + days // 30
            day = day.replace(year=day.year + months // 12, month=months % 12 + 1, day=1)
        else:
            day += timedelta(days=days)


def _said(instant: datetime, step: int) -> str:
    if step >= 365 * _DAY:
        return f"{instant:%Y}"
    if step >= 30 * _DAY:
        return f"{instant:%b %Y}"
    if step >= _DAY:
        return f"{instant.day} {instant:%b}"
    return f"{instant:%H:%M:%S}" if step < 60 else f"{instant:%H:%M}"


def _told_apart(at: Sequence[datetime], labels: list[str]) -> list[str]:
    """The zone's name beside an hour that a day has twice; the day's at a midnight within."""
    keys = [(instant.date(), label) for instant, label in zip(at, labels, strict=True)]
    told = []
    for i, instant in enumerate(at):
        if keys.count(keys[i]) > 1:
            told.append(f"{labels[i]} {instant.tzname()}")
        elif i and instant.date() != at[i - 1].date() and instant.hour == instant.minute == 0:
            told.append(f"{instant.day} {instant:%b}")
        else:
            told.append(labels[i])
    return told


def _short(window: Window, most: int) -> Ticks:
    """Ticks of a window of two seconds or less: milliseconds after its start, or fractions."""
    span = window.end_ns - window.start_ns
    ticks = value_ticks(0.0, span / 1e6, most)
    at = tuple(window.start_ns + value * 1e6 for value in ticks.at)
    return Ticks(at, tuple(f"{label} ms" for label in ticks.labels))
