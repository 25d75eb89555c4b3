"""Did the logging stop for too long?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.facts import intervals
from oaflib.checks.words import ns_of, plural, span, utc
from oaflib.report import Fault, Severity
from oaflib.series import Series, Times

_SECOND = 1_000_000_000
_FEW = 20  # samples below which a cadence says little


@dataclass(frozen=True)
class Gap(SeriesCheck):
    """No sample for longer than `max_gap`: between samples, at the start or at the end.

    A late start and an early end of the window (with a gate: of each time it was open) are gaps
    too. Without `max_gap` the variable's own cadence decides: ten times its usual step (or three
    times a step that one in a hundred exceeds), and never less than 1 % of the window. A variable
    logged too rarely or too irregularly to have a cadence is then not applicable.

    Attributes
    ----------
    max_gap : ``10min``, or seconds.
    """

    kind: ClassVar[str] = "gap"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True

    max_gap: Duration | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("max_gap")

    def weigh(self, series: Series, context: Context) -> Verdict:
        steps = np.diff(series.time)
        if self.max_gap is not None:
            limit = ns_of(self.max_gap)
        else:
            learnt = own_limit(steps, context)
            if learnt is None:
                return Verdict(
                    Severity.NOT_APPLICABLE,
                    f"{plural(len(series), 'sample')} at no steady cadence: a gap cannot be told; "
                    "give max_gap if there should be one",
                )
            limit = learnt
        longest = _longest(series.time, steps, context)
        fine = Verdict(
            Severity.OK,
            f"longest gap {span(longest)}, allowed {span(limit)}",
            found=longest / _SECOND,
            limit={"max_gap": limit / _SECOND},
            unit="s",
        )
        if longest <= limit:
            return fine
        start, stop = intervals(series.time, context)
        length = stop - start
        over = length > limit
        worst = int(np.argmax(length))
        origin = ""
        if self.max_gap is None:
            usual = int(np.percentile(steps, 50))
            origin = f", for a variable usually logged every {span(usual)}"
        first = int(start[over][0])
        where = _where(int(start[worst]), int(stop[worst]), series.time)
        reason = f"no sample for {span(longest)} {where}, allowed {span(limit)}{origin}"
        if over.sum() > 1:
            total = span(int(length[over].sum()))
            reason += f"; {over.sum()} such gaps, {total} together"
        return fine.but(self.violated, reason, first)


def own_limit(steps: Times, context: Context) -> int | None:
    """The longest gap to expect where samples are `steps` (ns) apart; None without a cadence."""
    if len(steps) < _FEW:
        return None
    whole = context.window.end_ns - context.window.start_ns
    one_percent = whole // 100
    if steps.max() <= whole // 1000:  # whatever the usual step is, one percent is more
        return one_percent
    usual, rare = np.percentile(steps, [50, 99])
    if rare > 20 * usual and rare > 0.001 * whole:
        return None
    return int(max(10 * usual, 3 * rare, one_percent))


def _longest(time: Times, steps: Times, context: Context) -> int:
    """The longest of `intervals`, ns; without a gate, which is nearly always, by less work."""
    if context.gate is not None:
        start, stop = intervals(time, context)
        return int((stop - start).max())
    window = context.window
    edges = int(time[0]) - window.start_ns, window.end_ns - int(time[-1])
    return max(*edges, int(steps.max(initial=0)))


def _where(start: int, stop: int, time: Times) -> str:
    if start < time[0]:
        return f"until {utc(stop)}, the start of the logging"
    if stop > time[-1]:
        return f"since {utc(start)}, when the logging ended"
    return f"from {utc(start)} to {utc(stop)}"
