"""What checks on history share: their points, their forecast, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from oaflib.checks.ageing_elements import by_element, element_rows
from oaflib.checks.ageing_forecast import Quest, forecast
from oaflib.checks.ageing_points import Points, latest_period, points_of, with_today
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.checks.facts import missing
from oaflib.config.interventions import Intervention
from oaflib.numeral import spelt
from oaflib.records import Entry, State
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series
from oaflib.trend import Floats, Trend, trend_of


@dataclass(frozen=True)
class AgeingCheck(SeriesCheck):
    """A check on history: `weigh_points` is all it must have, and `of`.

    Attributes
    ----------
    of : which statistic of each window.
    horizon : days ahead that a forecast looks.
    """

    fault: ClassVar[Fault] = Fault.AGEING
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    def judge_series(self, series: Series, entry: Entry, context: Context) -> Outcome:
        """The outcome on the variable's history and today; also where nothing was logged today."""
        variable = entry.variable
        past = past_of(context, variable.name)
        if not len(past) and (verdict := self.unable(entry, context)):
            return self.outcome(variable, verdict)
        gate = context.gate
        if gate is not None:
            series = series.where(gate.mask(series.time)) if len(series) else series
        verdict = self.weigh_history(past, series, context)
        if entry.state in (State.ABSENT, State.FAILED):
            verdict = self.unable(entry, context) or verdict
        outcome = self.outcome(variable, verdict)
        if isinstance(verdict, Judged):
            outcome = replace(outcome, forecast=verdict.forecast, members=verdict.members)
        return outcome

    def weigh(self, series: Series, context: Context) -> Verdict:
        """The verdict on history and the samples of today."""
        return self.weigh_history(past_of(context, series.name), series, context)

    def weigh_history(self, past: Trend, series: Series, context: Context) -> Verdict:
        """The verdict on the points of the past and today's samples (perhaps none).

        Of a vector element by element, where the reports hold that statistic of each.
        """
        of: str = getattr(self, "of", "mean")
        if series.kind is Kind.VECTORNUMERIC:
            found = element_rows(past, series, context.window, of)
            if found is not None:
                time, rows = found
                units = past.units
                if len(units) < len(time):
                    units = np.append(units, np.array([series.unit], dtype=object))
                done = done_to(context, series.name)
                return by_element(series.name, time, rows, units, done, self.weigh_points)
        return self.weigh_points(self.period(past, series, context, of))

    def weigh_points(self, points: Points) -> Judged:
        """The verdict on the points of one period."""
        raise NotImplementedError

    def period(self, past: Trend, series: Series, context: Context, of: str) -> Points:
        """The points of statistic `of`, with today's, since the present period began."""
        points = points_of(past, statistic(past, of))
        points = today(points, past, series, context, of)
        return latest_period(points, done_to(context, series.name))


Statistic = Literal["mean", "min", "max", "std", "first", "last", "count", "range"]


def statistic(trend: Trend, of: str) -> Floats:
    """One statistic of each window, float64[n]."""
    if of == "range":
        return trend.max - trend.min
    if of == "sum":
        return np.asarray(trend.mean * trend.count, dtype=np.float64)
    return np.asarray(getattr(trend, of), dtype=np.float64)


def statistic_of(series: Series, of: str) -> float:
    """That statistic of samples; NaN where there is no finite one."""
    if of == "count":
        return float(len(series))
    if not len(series):
        return float("nan")
    good = series.where(~missing(series))
    if series.kind is not Kind.NUMERIC:
        parts = [np.ravel(sample) for sample in good.value]
        flat = np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
    else:
        flat = good.value.astype(np.float64)
    if not len(flat):
        return float("nan")
    if of in ("first", "last"):
        return float(flat[0 if of == "first" else -1])
    if of == "range":
        return float(flat.max() - flat.min())
    if of in ("min", "max", "mean", "std", "sum"):
        return float(getattr(flat, of)())
    raise ValueError(f"no statistic is called {of}")


def today(points: Points, past: Trend, series: Series, context: Context, of: str) -> Points:
    """`points` and the one of this window, where history has none of it."""
    window = context.window
    if not len(series) or (len(past) and past.end[-1] > window.start_ns):
        return points
    middle = (window.start_ns + window.end_ns) // 2
    return with_today(points, middle, statistic_of(series, of), series.unit)


def past_of(context: Context, variable: str) -> Trend:
    """The variable's trend before this window; empty where there is no history."""
    if context.past is None:
        return trend_of(variable, np.empty(0, np.int64), np.empty(0))
    return context.past.trend(variable)


def done_to(context: Context, variable: str) -> tuple[Intervention, ...]:
    """What was done to the variable's device so far, in order of time."""
    return () if context.past is None else tuple(context.past.interventions(variable))


def nearest(
    points: Points,
    low: float | None,
    high: float | None,
    horizon: float,
    fitted: Points | None = None,
) -> dict[str, Any] | None:
    """The forecast of whichever limit is crossed first; None without limits.

    `fitted` are the points to extrapolate from: `points` by default.
    """
    found = []
    for limit, upward in ((low, False), (high, True)):
        if limit is None:
            continue
        said = forecast(_quest(points, limit, upward, horizon))
        if fitted is not None and said["state"] != "crossed":
            said = forecast(_quest(fitted, limit, upward, horizon))
        found.append(said)
    order = ("crossed", "crosses", "cannot tell", "not within horizon")
    found.sort(key=lambda one: (order.index(one["state"]), one["date"] or "9999"))
    return found[0] if found else None


def _quest(points: Points, limit: float, upward: bool, horizon: float) -> Quest:
    begin = int(points.time[0]) if len(points) else 0
    return Quest(points.days, points.value, limit, upward, begin, horizon)


def foreseen(said: Mapping[str, Any], violated: Severity) -> Severity:
    """How bad a forecast is: crossed is a violation, crossing within the horizon a warning."""
    state = said["state"]
    if state == "crossed":
        return violated
    return Severity.WARNING if state == "crosses" else Severity.OK


def told(said: Mapping[str, Any]) -> str:
    """A forecast in words."""
    if said["state"] == "crossed":
        return f"beyond the limit since {said['date']}"
    if said["state"] == "crosses":
        until = f"and {said['latest']}" if said["latest"] else "and no end that can be told"
        span = f"between {said['earliest']} {until}"
        if said["earliest"] == said["latest"]:
            span = "on that day"
        return f"will cross the limit about {said['date']} (90 %: {span})"
    note = f": {said['note']}" if said["note"] else ""
    if said["state"] == "not within horizon":
        return f"does not cross the limit within {said['horizon_days']:g} days{note}"
    return f"when it crosses the limit cannot be told{note}"


def began(points: Points) -> str:
    """Since when a period lasts, in words; empty for one without a beginning."""
    return f" since {points.begun}" if points.begun else ""


def amount(value: float, unit: str) -> str:
    """A number with its unit, to four digits."""
    return f"{spelt(value, 4)} {unit}".rstrip()


def limits(low: float | None, high: float | None) -> dict[str, float]:
    """Limits as an outcome has them."""
    both = {"low": low, "high": high}
    return {name: value for name, value in both.items() if value is not None}
