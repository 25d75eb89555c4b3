"""How much of its life is used up?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oaflib.checks.ageing import AgeingCheck, amount, began, foreseen, nearest, told
from oaflib.checks.ageing_points import Points
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.base import Context, Verdict
from oaflib.checks.words import plural
from oaflib.report import Severity
from oaflib.series import Kind, Series
from oaflib.trend import Trend


@dataclass(frozen=True)
class Wear(AgeingCheck):
    """Usage against a budget: how much is used since the last intervention, and when it is spent.

    Usage is the increase of a logged counter (where it falls it was reset, and counts on from
    there), or the number of samples, each one operation, or the sum of the samples.

    Attributes
    ----------
    budget : the usage that the device stands, in the counter's unit.
    count : ``counter``, ``samples`` or ``sum``.
    warning : share of the budget from which on there is a warning.
    used : what was used before history begins; of a device without an intervention.
    horizon : days ahead that the forecast looks.
    """

    kind: ClassVar[str] = "wear"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    budget: float = 0.0
    count: Literal["counter", "samples", "sum"] = "counter"
    warning: float = 0.9
    used: float = 0.0
    horizon: float = 365.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("used", "horizon")
        self._fraction("warning")
        if not self.budget > 0:
            raise ValueError(f"budget is {self.budget}; say how much usage the device stands")

    def weigh_history(self, past: Trend, series: Series, context: Context) -> Verdict:
        return self.weigh_points(self._usage(past, series, context))

    def weigh_points(self, points: Points) -> Judged:
        """The verdict on the usage so far, a value a window, of one period."""
        limit = {"high": self.budget}
        if not len(points):
            return Judged(Severity.NOT_APPLICABLE, f"no usage known yet{began(points)}", 0.0, limit)
        said = nearest(points, None, self.budget, self.horizon)
        assert said is not None
        total = float(points.value[-1])
        severity = foreseen(said, self.violated)
        if total >= self.warning * self.budget:
            severity = max(severity, Severity.WARNING, key=lambda one: one.rank)
        if total >= self.budget:
            severity = self.violated
        part = f"{100 * total / self.budget:.3g} %"
        many = plural(len(points), "window")
        reason = (
            f"{amount(total, points.unit)} of {amount(self.budget, points.unit)} used ({part}) "
            f"over {many}{began(points)}; {told(said)}"
        )
        since = None
        if total >= self.budget:
            since = int(points.time[int(np.argmax(points.value >= self.budget))])
        return Judged(severity, reason, total, limit, since, None, said)

    def _usage(self, past: Trend, series: Series, context: Context) -> Points:
        """The usage at the end of each window of the present period, from its beginning on."""
        of = {"counter": "last", "samples": "count", "sum": "sum"}[self.count]
        points = self.period(past, series, context, of)
        if not len(points):
            return points
        began_here = self.used if not points.begun else 0.0
        if self.count == "counter":
            value = points.value
            grown = np.diff(value, prepend=value[0])
            grown = np.where(grown < 0, np.maximum(value, 0.0), grown)
            total = began_here + np.cumsum(grown)
        else:
            total = began_here + np.cumsum(points.value)
        return Points(points.time, total, points.unit, points.begun)
