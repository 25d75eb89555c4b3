"""One calendar day of the demo machine: its time, its dice, its slow drifts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.series import Kind, Series, Times, Values
from oaflib.window import calendar_day

ZONE = "Europe/Zurich"
LAST = date(2026, 11, 22)
COUNT = 14
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """A calendar day of the demo machine, as seen from the demo's `last` day.

    `start` and `stop` are its half-open bounds in int64 ns UTC: 23, 24 or 25 hours apart. `last`
    only decides where the planted faults lie; a healthy variable does not depend on it.
    """

    calendar: date
    last: date
    start: int
    stop: int

    @classmethod
    def of(cls, day: date, last: date) -> Day:
        """The day cut by the calendar of the machine's zone."""
        window = calendar_day(day, ZONE)
        return cls(day, last, window.start_ns, window.end_ns)

    def dice(self, name: str) -> np.random.Generator:
        """Random numbers that belong to `name` on this day."""
        return dice(name, self.calendar.toordinal())

    def ticks(self, period: float, device: str) -> Times:
        """Times every `period` seconds, shifted by the device's own phase, in whole ms.

        The grid starts in 1970, so the days of one device join without a seam.
        """
        step = round(period * SECOND)
        phase = zlib.crc32(device.encode()) % (step // 1_000_000) * 1_000_000
        first = -((phase - self.start) // step) * step + phase
        return np.arange(first, self.stop, step, dtype=np.int64)

    def inside(self, time: Times) -> NDArray[np.bool_]:
        """Which of `time` fall on this day."""
        return np.asarray((time >= self.start) & (time < self.stop))


def dice(name: str, number: int = 0) -> np.random.Generator:
    """Random numbers that belong to `name` and `number`, the same at every call."""
    seed = np.random.SeedSequence([zlib.crc32(name.encode()), number])
    return np.random.Generator(np.random.SFC64(seed))


def days_ending(last: date, count: int = COUNT) -> list[date]:
    """The `count` calendar days that end with `last`, the oldest first."""
    if count < 1:
        raise ValueError(f"count is {count}; the demo has at least 1 day")
    return [last - timedelta(days=count - 1 - i) for i in range(count)]


def wander(name: str, time: Times, hours: float) -> Floats:
    """A slow drift with a standard deviation of about 1 and a time scale of `hours`.

    A sum of sines of absolute time, so it joins across midnight without knowing the day before.
    """
    draw = dice(f"wander {name}")
    pace = np.exp(draw.uniform(np.log(0.12), np.log(4.0), 9))
    weight = 1 / np.sqrt(pace)
    phase = draw.uniform(0, 2 * np.pi, 9)
    seconds = (time - 1_700_000_000 * SECOND) / SECOND
    out = np.zeros(len(time))
    for i in range(9):
        out += weight[i] * np.sin(2 * np.pi * pace[i] / (hours * 3_600) * seconds + phase[i])
    return np.asarray(out * np.sqrt(2 / (weight**2).sum()))


def rounded(values: Floats, step: float) -> Floats:
    """`values` in whole steps of the instrument's resolution."""
    return np.asarray(np.round(values / step) * step)


def scalar(name: str, unit: str, time: Times, value: Floats, title: str = "") -> Series:
    """A NUMERIC series."""
    return Series(name, Kind.NUMERIC, unit, time, np.asarray(value, dtype=np.float64), title)


def vectors(name: str, unit: str, time: Times, value: Values, title: str = "") -> Series:
    """A VECTORNUMERIC series of [n, m] or of object[n]."""
    if value.dtype != object:
        value = value.astype(np.float64, copy=False)
    return Series(name, Kind.VECTORNUMERIC, unit, time, value, title)


def texts(name: str, time: Times, value: list[str] | Values, title: str = "") -> Series:
    """A TEXTUAL series."""
    return Series(name, Kind.TEXTUAL, "", time, np.asarray(value, dtype=object), title)


def ragged(samples: Sequence[NDArray[Any]]) -> Values:
    """Samples of different sizes as object[n]; always object, so the shape never depends on n."""
    out = np.empty(len(samples), dtype=object)
    for i, sample in enumerate(samples):
        out[i] = sample
    return out
