"""The calibration curve of an instrument against a reference, and how it leaves it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oaflib.checks.ageing_points import Floats, Points
from oaflib.checks.ageing_shift import SIDE, Step, robust, steps

_VARIES = 0.02  # of its level that the reference must vary for slope and offset to be told apart
_HOME = 0.35  # share of a deviation that may be left after a reset


@dataclass(frozen=True)
class Curve:
    """reading = `offset` + `slope` · reference; `residual` is the robust scatter about it.

    `offset_known`: whether the reference varied enough to tell an offset from a slope.
    """

    slope: float
    offset: float
    residual: float
    count: int
    offset_known: bool = True

    def reference_of(self, reading: Floats) -> Floats:
        """What the reference would say where the instrument says `reading`."""
        return np.asarray((reading - self.offset) / self.slope)


def curve_of(reference: Floats, reading: Floats) -> Curve | None:
    """The robust straight line through pairs; None without a usable pair.

    A reference that hardly varies gives the ratio alone, with offset 0.
    """
    from scipy.stats import theilslopes

    good = np.isfinite(reference) & np.isfinite(reading)
    x, y = reference[good], reading[good]
    if not len(x):
        return None
    if len(x) > 1000:  # as many slopes as pairs of points
        keep = np.linspace(0, len(x) - 1, 1000).astype(int)
        x, y = x[keep], y[keep]
    level = float(np.median(np.abs(x)))
    if len(x) >= 5 and robust(x) > _VARIES * level:
        found = theilslopes(y, x)
        slope, offset = float(found.slope), float(found.intercept)
        if slope != 0:
            return Curve(slope, offset, robust(y - offset - slope * x), len(x))
    beyond = np.abs(x) > 1e-3 * level if level else np.zeros(len(x), dtype=bool)
    if not beyond.any():
        return Curve(1.0, float(np.median(y - x)), robust(y - x), len(x), False)
    slope = float(np.median(y[beyond] / x[beyond]))
    if slope == 0:
        return None
    return Curve(slope, 0.0, robust(y - slope * x), len(x), False)


def resets(points: Points) -> list[Step]:
    """The steps of a deviation that bring it back towards zero, in order of time."""
    found = steps(points.value)
    return [step for step in found if abs(step.after) < _HOME * abs(step.before)]


def since_reset(points: Points) -> tuple[Points, int]:
    """The points since the last reset, and how many resets there were."""
    found = resets(points)
    if not found:
        return points, 0
    last = found[-1]
    when = np.datetime_as_string(points.time[last.index].astype("datetime64[ns]"), unit="D")
    return points.since(last.index, f"it was recalibrated, by its looks ({when})"), len(found)


def away(points: Points) -> Step | None:
    """The last step of a deviation that took it away from zero and that still holds."""
    for step in reversed(steps(points.value)):
        now = float(np.median(points.value[max(step.index, len(points) - SIDE) :]))
        if abs(step.after) > abs(step.before) and abs(now) > 0.5 * abs(step.after):
            return step
    return None
