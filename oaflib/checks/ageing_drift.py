"""Does a reading creep away from what it was?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from oaflib.checks.ageing import (
    AgeingCheck,
    Statistic,
    amount,
    began,
    foreseen,
    limits,
    nearest,
    told,
)
from oaflib.checks.ageing_forecast import slope_of
from oaflib.checks.ageing_points import Points
from oaflib.checks.ageing_shift import FEW, TIMES, Departure, departure, steps, without
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.words import plural, utc
from oaflib.report import Severity


@dataclass(frozen=True)
class Drift(AgeingCheck):
    """A reading that creeps away from its baseline, and when it will cross its limit.

    Looks at the history since the last intervention, change of unit, or pause after which the level
    was another: the first third of it, ten to sixty windows, is the baseline. Steps are taken out
    (`step` finds those); what then stays on one side adds up to a departure, and the outcome's
    `since` is where it began. A departure is a warning; a limit crossed is a violation. `found` is
    the robust slope a day. Vectors are judged element by element, where the reports hold
    that of each (``mean`` and ``std``): one outcome, the elements that drift as its members, the
    worst first.

    Attributes
    ----------
    low, high : limits of the statistic; with one of them there is a forecast.
    of : ``mean``, ``std``, ``min``, ``max``, ``range``, ``first``, ``last`` or ``count`` of each
        window.
    percent : a departure of less, in percent of the baseline, is not worth a word.
    horizon : days ahead that the forecast looks.
    """

    kind: ClassVar[str] = "drift"

    low: float | None = None
    high: float | None = None
    of: Statistic = "mean"
    percent: float = 5.0
    horizon: float = 365.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("percent", "horizon")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low is {self.low}, not below high, {self.high}")

    def weigh_points(self, points: Points) -> Judged:
        """The verdict on the points of one period."""
        limit = limits(self.low, self.high)
        if len(points) < FEW:
            said = nearest(points, self.low, self.high, self.horizon)
            many = plural(len(points), "window")
            reason = f"{many} of history{began(points)}: too few to tell a drift"
            bad = said is not None and said["state"] == "crossed"
            severity = self.violated if bad else Severity.NOT_APPLICABLE
            return Judged(severity, reason, None, limit, forecast=said)
        left, fitted = drifting(points, self.percent)
        said = nearest(points, self.low, self.high, self.horizon, fitted)
        slope = slope_of(fitted.days, fitted.value)
        found, unit = slope.value, f"{points.unit}/d" if points.unit else "/d"
        severity = Severity.OK if left is None else Severity.WARNING
        since = None if left is None else int(points.time[left.onset])
        reason = _words(points, left)
        if left is not None:
            low, high = amount(slope.low, ""), amount(slope.high, "")
            reason += f", by {amount(found, unit)} ({low} to {high})"
        if said is not None:
            severity = max(severity, foreseen(said, self.violated), key=lambda one: one.rank)
            reason += f"; {told(said)}"
        return Judged(severity, reason, found, limit, since, unit, said)


def drifting(
    points: Points, percent: float, least: float = 0.0, times: float = TIMES
) -> tuple[Departure | None, Points]:
    """The departure that holds now, and the points to extrapolate from.

    Those since the onset (all, where nothing departs), steps taken out, at the present level.
    """
    least_step = percent / 100 * abs(float(np.median(points.value)))
    jumps = [step for step in steps(points.value) if abs(step.size) >= max(least, least_step)]
    flat = without(points.value, jumps)
    left = departure(flat, percent, least, times)
    flat = flat + (points.value[-1] - flat[-1])
    first = 0 if left is None else min(left.onset, len(flat) - FEW)
    return left, replace(points, value=flat).since(first, points.begun)


def _words(points: Points, left: Departure | None) -> str:
    unit = points.unit
    if left is None:
        level = amount(float(np.median(points.value)), unit)
        return f"steady at {level} over {plural(len(points), 'window')}{began(points)}"
    change = amount(abs(left.change), unit)
    way = "above" if left.change > 0 else "below"
    base = amount(left.baseline.level, unit)
    return f"{change} {way} its baseline of {base}, drifting since {utc(points.time[left.onset])}"
