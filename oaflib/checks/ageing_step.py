"""Did the level of a reading jump?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.checks.ageing import AgeingCheck, Statistic, amount, began
from oaflib.checks.ageing_points import Points
from oaflib.checks.ageing_shift import FEW, SIDE, baseline_of, material, steps
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.words import plural, utc
from oaflib.report import Fault, Severity
from oaflib.series import Kind


@dataclass(frozen=True)
class Step(AgeingCheck):
    """A sudden, lasting change of the level from one window to the next.

    A jump between two windows that three later ones confirm and that stands out among all changes
    of the level since the last intervention, change of unit, or pause. It stays a finding until an
    intervention is written in the ledger, or the level comes back. A jump back to the `expected`
    value, or to the level of the baseline, is told as a recalibration, not as a fault.

    Attributes
    ----------
    expected : what the statistic should be; by default the level of the baseline.
    of : ``mean``, ``std``, ``min``, ``max``, ``range``, ``first``, ``last`` or ``count`` of each
        window.
    percent : a step of less, in percent of the level, is not worth a word.
    """

    kind: ClassVar[str] = "step"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC)

    expected: float | None = None
    of: Statistic = "mean"
    percent: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("percent")

    def weigh_points(self, points: Points) -> Judged:
        """The verdict on the points of one period."""
        limit = {} if self.expected is None else {"expected": self.expected}
        if len(points) < FEW + 1:
            many = plural(len(points), "window")
            return Judged(
                Severity.NOT_APPLICABLE,
                f"{many} of history{began(points)}: too few to tell a step",
                limit=limit,
            )
        value, unit = points.value, points.unit
        base = baseline_of(value[: max(FEW, len(value) // 3)])
        home = base.level if self.expected is None else self.expected
        least = max(self.percent / 100 * max(abs(home), abs(base.level)), 3 * base.scatter)
        found = [step for step in steps(value) if abs(step.size) >= least]
        if not found:
            level = amount(float(np.median(value[-SIDE:])), unit)
            many = plural(len(value), "window")
            return Judged(Severity.OK, f"no step in {many}{began(points)}; at {level}", limit=limit)
        last = found[-1]
        when = utc(points.time[last.index])
        jump = f"from {amount(last.before, unit)} to {amount(last.after, unit)} at {when}"
        now = float(np.median(value[max(last.index, len(value) - SIDE) :]))
        if abs(last.after - home) < 0.35 * abs(last.before - home):
            reason = f"back at {amount(now, unit)}: reset {jump}, as by a recalibration"
            return Judged(Severity.OK, reason, now, limit, int(points.time[last.index]))
        back = abs(now - last.before) < 0.35 * abs(last.size) or (
            abs(now - home) < max(material(base, 0.0), 0.2 * abs(last.size))
        )
        if back:
            return Judged(Severity.OK, f"came back after a step {jump}", now, limit)
        more = f"; {plural(len(found) - 1, 'earlier step')}" if len(found) > 1 else ""
        return Judged(
            self.violated,
            f"step {jump}, {last.score:.0f} times the usual change{more}",
            now,
            limit,
            int(points.time[last.index]),
        )
