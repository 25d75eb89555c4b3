"""The points an ageing check judges: history and today, cut into periods. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oaflib.checks.ageing_shift import FEW, SIDE, resolution, robust
from oaflib.checks.words import span, utc
from oaflib.config.interventions import Intervention
from oaflib.series import Times
from oaflib.trend import DAY, Trend

Floats = NDArray[np.float64]
_HOLE = 20  # usual steps that a pause lasts, at least
_SHORTEST_HOLE = 0.5  # days
_ABSURD = 1e150  # beyond it squares overflow; no instrument says so


@dataclass(frozen=True, eq=False)
class Points:
    """Values over time: one period, or several still to be cut.

    `time` is int64[n] ns UTC, ascending; `value` float64[n], finite; `weight` the samples behind
    each. `begun` says why the period began where it did; empty: there is no history before.
    """

    time: Times
    value: Floats
    unit: str = ""
    begun: str = ""
    units: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.time)

    @property
    def days(self) -> Floats:
        """Days since the first point."""
        return (self.time - self.time[0]) / DAY if len(self) else np.empty(0)

    def since(self, first: int, why: str) -> Points:
        """The points from index `first` on, as a period that began because of `why`."""
        units = None if self.units is None else self.units[first:]
        return replace(
            self, time=self.time[first:], value=self.value[first:], units=units, begun=why
        )


def points_of(trend: Trend, value: Floats) -> Points:
    """The points of a trend, with `value` of each; those without a usable value left out."""
    good = np.abs(value) < _ABSURD  # NaN is not
    return Points(trend.time[good], value[good], trend.unit, units=trend.units[good])


def with_today(points: Points, time: int, value: float, unit: str) -> Points:
    """`points` and one of today, unless there is one of today already or it is unusable."""
    if not abs(value) < _ABSURD or (len(points) and points.time[-1] >= time):
        return points
    units = np.empty(0, dtype=object) if points.units is None else points.units
    return replace(
        points,
        time=np.append(points.time, np.int64(time)),
        value=np.append(points.value, value),
        unit=unit or points.unit,
        units=np.append(units, np.array([unit], dtype=object)),
    )


def latest_period(points: Points, done: Sequence[Intervention]) -> Points:
    """The points since the last thing that began a new period.

    That is an intervention, another unit, or a pause after which the level is another one.
    """
    if not len(points):
        return points
    for entry in reversed(done):
        first = int(np.searchsorted(points.time, entry.time, side="left"))
        if 0 < first < len(points):
            points = points.since(first, str(entry))
            break
        if first == len(points):
            return points.since(first, str(entry))
    if points.units is not None:
        other = np.flatnonzero(points.units != points.units[-1])
        if len(other):
            old, new = points.units[other[-1]], points.units[-1]
            points = points.since(int(other[-1]) + 1, f"the unit became '{new}', was '{old}'")
    return after_pause(points)


def after_pause(points: Points) -> Points:
    """The points since the last long pause that changed the level; all where there was none."""
    if len(points) < FEW:
        return points
    gaps = np.diff(points.time)
    usual = float(np.median(gaps))
    long = np.flatnonzero(gaps >= max(_HOLE * usual, _SHORTEST_HOLE * DAY))
    for i in long[::-1]:
        before = points.value[max(0, i + 1 - 2 * SIDE) : i + 1]
        after = points.value[i + 1 : i + 1 + 2 * SIDE]
        if len(before) < 3:
            continue
        scale = max(robust(before), robust(after), resolution(points.value))
        if abs(np.median(after) - np.median(before)) > 4 * scale:
            pause = span(float(gaps[i]))
            return points.since(int(i) + 1, f"a pause of {pause} until {utc(points.time[i + 1])}")
    return points
