"""Was it used more than it bears?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.facts import missing, open_time
from oaflib.checks.words import ns_of, plural, quantity, share, span, utc
from oaflib.records import Entry
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series, Times

_SECOND = 1_000_000_000


@dataclass(frozen=True)
class OverUsage(SeriesCheck):
    """More use than a budget allows, in any span of `per` (or in the whole window).

    Use is counted as samples (each scan logs one), as rising edges through `threshold` (each
    insertion), or as the integral over time in the variable's unit times seconds (a dose, a time
    of high voltage), where a sample holds until the next. Nothing logged is no use to count: not
    applicable. A `per` longer than the window is judged by what the window holds.

    Attributes
    ----------
    budget : what is allowed, above zero; needed.
    count : ``samples``, ``edges`` or ``integral``.
    per : ``8h``, or seconds; the whole window when left out.
    threshold : of edges; a rise from at most this to above it is one.
    warn_at : share of the budget beyond which it is a warning; 1 for none.
    """

    kind: ClassVar[str] = "over_usage"
    coarse: ClassVar[Literal["judged", "invalid", "left out"]] = "invalid"
    fault: ClassVar[Fault] = Fault.OVER_USAGE

    budget: float = 0.0
    count: Literal["samples", "edges", "integral"] = "samples"
    per: Duration | None = None
    threshold: float = 0.5
    warn_at: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("per")
        self._fraction("warn_at")
        if not (np.isfinite(self.budget) and self.budget > 0):
            raise ValueError(f"budget is {self.budget:g}; it must be above zero")
        if self.count not in ("samples", "edges", "integral"):
            raise ValueError(f"count is '{self.count}'; allowed: samples, edges, integral")
        if not np.isfinite(self.threshold):
            raise ValueError(f"threshold is {self.threshold}; it must be a number")

    def silent(self, entry: Entry, context: Context) -> Verdict:
        verdict = super().silent(entry, context)
        if entry.nan or self.count != "samples":
            return verdict
        return Verdict(Severity.NOT_APPLICABLE, "nothing was logged: there is no use to count")

    def weigh(self, series: Series, context: Context) -> Verdict:
        if self.count != "samples" and series.kind is not Kind.NUMERIC:
            reason = f"{series.name} is {series.kind}; {self.count} are counted of numbers"
            return Verdict(Severity.INVALID, reason)
        odd = missing(series) if self.count != "samples" else np.zeros(len(series), dtype=bool)
        known = series.where(~odd)
        if not len(known):
            reason = f"all of {plural(len(series), 'sample')} are NaN or infinite"
            return Verdict(Severity.INVALID, f"{reason}: use cannot be counted")
        times, uses = self._uses(known, context)
        used, since, start = _most(times, uses, self._per(context), self.budget)
        unit = {"integral": f"{series.unit} s".strip()}.get(self.count, self.count)
        words = f"{quantity(used, unit)} {self._when(start)}, allowed {quantity(self.budget)}"
        limit: dict[str, Any] = {"budget": self.budget}
        if self.per is not None:
            limit["per"] = ns_of(self.per) / _SECOND
        fine = Verdict(Severity.OK, words, used, limit, unit=unit)
        if used > self.budget:
            return fine.but(self.violated, f"used {words}", since)
        if used > self.warn_at * self.budget and self.warn_at < 1:
            part = f"{100 * used / self.budget:.3g} % of the budget used: {words}"
            return fine.but(Severity.WARNING, part, start)
        if odd.any():
            reason = f"{share(int(odd.sum()), len(series))} of the samples are NaN or infinite"
            since = int(series.time[np.argmax(odd)])
            return fine.but(Severity.INVALID, f"{reason}; without them {words}", since)
        return fine

    def _per(self, context: Context) -> int:
        whole = context.window.end_ns - context.window.start_ns
        return whole if self.per is None else min(whole, ns_of(self.per))

    def _when(self, start: int | None) -> str:
        if self.per is None or start is None:
            return "in the window"
        return f"in the {span(ns_of(self.per))} from {utc(start)}"

    def _uses(self, series: Series, context: Context) -> tuple[Times, np.ndarray[Any, Any]]:
        """When something was used, and how much."""
        if self.count == "samples":
            return series.time, np.ones(len(series))
        value = series.value.astype(np.float64, copy=False)
        if self.count == "edges":
            above = value > self.threshold
            rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
            return series.time[rises], np.ones(len(rises))
        ends = np.append(series.time, context.window.end_ns)
        lasted = np.diff(open_time(ends, context)) / _SECOND
        return series.time, value * lasted


def _most(
    times: Times, uses: np.ndarray[Any, Any], per: int, budget: float
) -> tuple[float, int | None, int | None]:
    """The largest use in any span of `per` ns, when it went over budget, and the span's start."""
    if not len(times):
        return 0.0, None, None
    total = np.concatenate([[0.0], np.cumsum(uses)])
    stop = np.searchsorted(times, times + per, side="left")
    spent = total[stop] - total[:-1]
    i = int(np.argmax(spent))
    since = None
    over = np.flatnonzero(spent > budget)
    if len(over):
        first = int(over[0])
        beyond = np.flatnonzero(total[first + 1 :] - total[first] > budget)
        since = int(times[first + int(beyond[0])])
    return float(spent[i]), since, int(times[i])
