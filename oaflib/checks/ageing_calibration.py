"""Does an instrument still say what its reference says?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from oaflib.checks.ageing import (
    amount,
    began,
    done_to,
    foreseen,
    nearest,
    past_of,
    today,
    told,
)
from oaflib.checks.ageing_curve import Curve, away, curve_of, since_reset
from oaflib.checks.ageing_drift import drifting
from oaflib.checks.ageing_pair import curve_statistics, day_curve, moved
from oaflib.checks.ageing_pair import paired_means as paired_means
from oaflib.checks.ageing_points import Points, latest_period, points_of
from oaflib.checks.ageing_shift import FEW
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.agreement import together
from oaflib.checks.base import Check, Context, Past, Verdict, while_open
from oaflib.checks.room import context_of, selected, tidy
from oaflib.checks.words import plural, utc
from oaflib.config.interventions import Intervention
from oaflib.records import Records, State
from oaflib.report import Fault, Outcome, Severity, Statistics
from oaflib.series import Kind, Series, Variable

_TIMES = 2.0  # scatters of a window: a reference shows small departures, given time
_BASE = (10, 60)  # windows that say what the curve was, at least and at most, of a third


@dataclass(frozen=True)
class Calibration(Check):
    """A constant that leaves its reference value, or an instrument that leaves another one.

    With a number as `reference`, each window's mean is held against it. With a variable, the
    windows' means of both make a calibration curve (slope, offset, residual): the curve of the
    first third of the period, ten to sixty windows, is what was calibrated, and each window's
    deviation from it, in the reference's unit, is what is judged. A deviation beyond `absolute` and
    `percent` is a violation; one that creeps or steps away is a warning, with a forecast of the
    day it leaves what is allowed. A step back towards the reference is a recalibration: it begins a
    new period and is told, not called a fault. So does an intervention.

    Each day's own curve is kept in the history, as ``VARIABLE against REFERENCE.slope``,
    ``.offset`` and ``.residual``; a slope, offset or residual that leaves what it was is a warning.

    Attributes
    ----------
    reference : the value it should be, or the variable of the reference instrument.
    absolute : deviation allowed, in the reference's unit.
    percent : deviation allowed, in percent of the reference.
    noticed : a deviation of less, in percent of the reference, is not worth a warning.
    horizon : days ahead that the forecast looks.
    """

    kind: ClassVar[str] = "calibration"
    fault: ClassVar[Fault] = Fault.CALIBRATION
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    reference: float | str = ""
    absolute: float | None = None
    percent: float | None = None
    noticed: float = 0.5
    horizon: float = 365.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("absolute", "percent", "noticed", "horizon")
        if self.reference == "":
            raise ValueError("calibration has no reference; give a value, or a variable's name")

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        names, outcomes = selected(self, records.entries)
        of = self.reference if isinstance(self.reference, str) else ""
        if of and of not in records:
            reason = f"the reference {of} is not among the dataset's variables"
            return [*outcomes, self.outcome(Variable(of), Verdict(Severity.INVALID, reason))]
        context = context_of(self.gate, records, past)
        for name in names:
            entry = records.entries[name]
            if name == of:
                continue
            if isinstance(context, str):
                judged = Judged(Severity.INVALID, context)
            elif entry.state in (State.ABSENT, State.FAILED):
                verdict = self.unable(entry, context)
                judged = Judged(Severity.INVALID, verdict.reason if verdict else "")
            else:
                series = while_open(tidy(records[name], records.window), context)
                if of:
                    reference = while_open(tidy(records[of], records.window), context)
                    judged = self._agreement(reference, series, context)
                else:
                    judged = self._constant(series, context)
            outcomes.append(replace(self.outcome(entry.variable, judged), forecast=judged.forecast))
        return outcomes

    def _constant(self, series: Series, context: Context) -> Judged:
        """The verdict on a constant against its reference value."""
        past = past_of(context, series.name)
        points = today(points_of(past, past.mean), past, series, context, "mean")
        value = float(self.reference)
        points = replace(points, value=points.value - value)
        return self.weigh_deviation(points, value, done_to(context, series.name))

    def weigh_deviation(
        self, points: Points, level: float, done: Sequence[Intervention] = (), curve: str = ""
    ) -> Judged:
        """The verdict on deviations over time; `level` is the reference's size."""
        points = latest_period(points, done)
        points, count = since_reset(points)
        allowed = self._allowed(level)
        limit = {} if allowed is None else {"low": -allowed, "high": allowed}
        if not len(points):
            return Judged(Severity.NOT_APPLICABLE, f"no history{began(points)}", limit=limit)
        unit, least = points.unit, self.noticed / 100 * abs(level)
        enough = len(points) >= FEW
        left, fitted = drifting(points, 0.0, least, _TIMES) if enough else (None, points)
        said = None
        if allowed is not None:
            said = nearest(points, -allowed, allowed, self.horizon, fitted)
        now = float(np.median(points.value[-5:]))
        since: int | None = None
        severity, reason = Severity.OK, f"{amount(now, unit)} off its reference{began(points)}"
        if enough:
            jumped = away(points)
            if jumped is not None and abs(jumped.size) >= least:
                severity, since = Severity.WARNING, int(points.time[jumped.index])
                reason += f"; stepped away by {amount(jumped.size, unit)} at {utc(since)}"
            elif left is not None:
                severity, since = Severity.WARNING, int(points.time[left.onset])
                reason += f"; drifting since {utc(since)}"
        else:
            reason += f"; {plural(len(points), 'window')} of history: too few to tell a drift"
        if said is not None:
            severity = max(severity, foreseen(said, self.violated), key=lambda one: one.rank)
            reason += f"; {told(said)}"
        if count > 1:
            reason += f"; {plural(count, 'reset')} in this period"
        if curve:
            reason += f"; {curve}"
        return Judged(severity, reason, now, limit, since, None, said)

    def _allowed(self, level: float) -> float | None:
        parts = [] if self.absolute is None else [self.absolute]
        parts += [] if self.percent is None else [self.percent / 100 * abs(level)]
        return max(parts) if parts else None

    def _agreement(self, reference: Series, other: Series, context: Context) -> Judged:
        """The verdict on two instruments, from their windows' means and today's samples."""
        if reference.unit and other.unit and reference.unit != other.unit:
            reason = f"{reference.name} is in {reference.unit}, this in {other.unit}"
            return Judged(Severity.INVALID, f"{reason}: they cannot be compared")
        pair, time = paired_means(past_of(context, reference.name), past_of(context, other.name))
        present = day_curve(reference, other)
        if len(reference) and len(other):
            _, a, b = together(reference, other)
            middle = (context.window.start_ns + context.window.end_ns) // 2
            if len(a) and (not len(time) or time[-1] < middle):
                pair = np.append(pair, [[np.nanmean(a), np.nanmean(b)]], axis=0)
                time = np.append(time, middle)
        good = np.isfinite(pair).all(axis=1)
        pair, time = pair[good], time[good]
        if not len(time):
            reason = f"no window in which both it and {reference.name} were logged"
            return Judged(Severity.NOT_APPLICABLE, reason)
        done = done_to(context, other.name)
        start = latest_period(Points(time, pair[:, 1] - pair[:, 0], other.unit), done)
        first = len(time) - len(start)
        base = min(len(start), max(len(start) // 3, _BASE[0]), _BASE[1])
        was = curve_of(*pair[first : first + base].T) if base else None
        if was is None:
            return Judged(Severity.NOT_APPLICABLE, f"no usable pair{began(start)}")
        deviation = was.reference_of(pair[first:, 1]) - pair[first:, 0]
        points = Points(time[first:], deviation, reference.unit, start.begun)
        level = float(np.median(np.abs(pair[first:, 0])))
        last = present or curve_of(*pair[-min(len(pair), 30) :].T)
        judged = self.weigh_deviation(points, level, (), _curves(was, last, reference.unit))
        begun = int(since_reset(points)[0].time[0])
        names = (other.name, reference.name)
        return _with(judged, moved(names, present, context, done, begun, self.noticed))


def curves_of(checks: Iterable[Check], records: Records) -> list[Statistics]:
    """The day's calibration curves of all `checks` between two instruments, as statistics.

    Pairs without a usable curve have none: their check says why.
    """
    found: dict[str, Statistics] = {}
    for check in checks:
        if not isinstance(check, Calibration) or not check.applies(records.window):
            continue
        of = check.reference if isinstance(check.reference, str) else ""
        context = context_of(check.gate, records, None)
        if of not in records or isinstance(context, str):
            continue
        for name in selected(check, records.entries)[0]:
            try:
                reference = while_open(tidy(records[of], records.window), context)
                other = while_open(tidy(records[name], records.window), context)
                curve = day_curve(reference, other) if name != of else None
            except Exception:
                continue
            if curve is not None:
                for one in curve_statistics(curve, reference, other, records.window):
                    found.setdefault(one.variable, one)
    return list(found.values())


def _with(judged: Judged, moved: Sequence[tuple[str, int]]) -> Judged:
    """`judged`, and what of the curve moved: a warning at least."""
    if not moved:
        return judged
    words = "; ".join(words for words, _ in moved)
    severity = max(judged.severity, Severity.WARNING, key=lambda one: one.rank)
    since = judged.since if judged.since is not None else min(onset for _, onset in moved)
    return replace(judged, severity=severity, since=since, reason=f"{judged.reason}; {words}")


def _curves(was: Curve, now: Curve | None, unit: str) -> str:
    if now is None:
        return ""
    words = f"slope {amount(now.slope, '')} (was {amount(was.slope, '')})"
    if now.offset_known and was.offset_known:
        words += f", offset {amount(now.offset, unit)} (was {amount(was.offset, unit)})"
    return f"{words}, residual {amount(now.residual, unit)}"
