"""Is the value within its limits?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.excursions import Leniency, excursions, worst
from oaflib.checks.facts import Floats, Mask
from oaflib.checks.words import plural, quantity, share
from oaflib.report import Fault, Limits, Severity
from oaflib.series import Kind, Series


@dataclass(frozen=True)
class Range(SeriesCheck):
    """A value below `low` or above `high`; a warning beyond `warning_low` or `warning_high`.

    The limits themselves are allowed. Of vectors every element is held against the limits. NaN is
    never within: where no sample breaks a limit and some are NaN, the variable cannot be judged.

    Attributes
    ----------
    low, high, warning_low, warning_high : limits in the variable's unit; at least one.
    hysteresis : once outside, the value counts as outside until it is back inside by this much.
    min_duration : shorter excursions do not count: ``30s``, or seconds.
    allowed_fraction : share of samples that may be outside.
    """

    kind: ClassVar[str] = "range"
    fault: ClassVar[Fault] = Fault.CALIBRATION
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    low: float | None = None
    high: float | None = None
    warning_low: float | None = None
    warning_high: float | None = None
    hysteresis: float = 0.0
    min_duration: Duration | None = None
    allowed_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._not_negative("hysteresis")
        self._fraction("allowed_fraction")
        self._durations("min_duration")
        names = ("low", "warning_low", "warning_high", "high")
        given = [(name, getattr(self, name)) for name in names if getattr(self, name) is not None]
        if not given:
            raise ValueError(f"range has no limit; give one or more of {', '.join(names)}")
        for name, value in given:
            if not np.isfinite(value):
                raise ValueError(f"{name} is {value}; it must be a number")
        for (lower, a), (upper, b) in pairwise(given):
            if a > b:
                raise ValueError(f"{lower} = {a:g} is above {upper} = {b:g}")

    def weigh(self, series: Series, context: Context) -> Verdict:
        least, most, odd = extremes(series)
        names = ("low", "high", "warning_low", "warning_high")
        limit = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        reach = (least, most)
        for severity, pair, noun in (
            (self.violated, (self.low, self.high), ""),
            (Severity.WARNING, (self.warning_low, self.warning_high), "warning limit: "),
        ):
            found = self._broken(series, reach, pair, context)
            if found is not None:
                value, since, words = found
                return Verdict(
                    severity, f"{words}, {noun}{_allowed(*pair, series.unit)}", value, limit, since
                )
        fine = self._fine(series, reach, limit)
        count = int((odd & ~self._beyond(least, most, (self.low, self.high))).sum())
        if not count:
            return fine
        n, since = len(series), int(series.time[np.argmax(odd)])
        if count == n:
            reason = f"all of {plural(n, 'sample')} are NaN or infinite: none could be judged"
            return Verdict(Severity.INVALID, reason, None, limit, since)
        words = f"{share(count, n)} of {plural(n, 'sample')} are NaN or infinite"
        if count <= self.allowed_fraction * n:
            return fine.but(Severity.OK, f"{fine.reason}; {words}")
        reason = f"{words} and could not be judged; the others are {fine.reason}"
        return fine.but(Severity.INVALID, reason, since)

    def _fine(self, series: Series, reach: tuple[Floats, Floats], limit: Limits) -> Verdict:
        """OK, with the value nearest to a limit."""
        least, most = (edge[np.isfinite(edge)] for edge in reach)
        if not len(least) or not len(most):
            return Verdict(Severity.OK, "without a finite value", None, limit)
        bottom, top = float(least.min()), float(most.max())
        words = f"from {quantity(bottom)} to {quantity(top, series.unit)}"
        if bottom == top:
            words = f"always {quantity(top, series.unit)}"
        lows = [bottom - edge for edge in (self.low, self.warning_low) if edge is not None]
        highs = [edge - top for edge in (self.high, self.warning_high) if edge is not None]
        nearest = bottom if min(lows, default=np.inf) < min(highs, default=np.inf) else top
        given = _allowed(
            limit.get("low", limit.get("warning_low")),
            limit.get("high", limit.get("warning_high")),
            series.unit,
        )
        return Verdict(Severity.OK, f"{words}, {given}", nearest, limit)

    def _beyond(
        self, least: Floats, most: Floats, limits: tuple[float | None, float | None]
    ) -> Mask:
        low, high = limits
        bad = np.zeros(len(least), dtype=bool)
        if low is not None:
            bad |= self._latched(least < low, least >= low + self.hysteresis)
        if high is not None:
            bad |= self._latched(most > high, most <= high - self.hysteresis)
        return bad

    def _latched(self, begin: Mask, end: Mask) -> Mask:
        return latched(begin, end) if self.hysteresis and begin.any() else begin

    def _broken(
        self,
        series: Series,
        reach: tuple[Floats, Floats],
        limits: tuple[float | None, float | None],
        context: Context,
    ) -> tuple[float, int, str] | None:
        """The worst value, the first bad time, and what happened; None when nothing counts."""
        low, high = limits
        if low is None and high is None:
            return None
        known = ~np.isnan(reach[0])  # NaN samples neither begin nor end an excursion
        least, most, time = reach[0][known], reach[1][known], series.time[known]
        leniency = Leniency(self.min_duration, self.allowed_fraction)
        out = excursions(self._beyond(least, most, limits), time, leniency, context)
        if out is None:
            return None
        value, above = worst(np.concatenate([least[out.mask], most[out.mask]]), low, high)
        side = "above" if above else "below"
        words = f"{side} the limit, {quantity(value, series.unit)} at worst, {out.words}"
        return value, out.since, words


def extremes(series: Series) -> tuple[Floats, Floats, Mask]:
    """Smallest and largest number in each sample, NaN where there is none; and where one is odd.

    Odd samples hold a NaN, an infinity or nothing at all.
    """
    value = series.value
    if value.dtype == object:
        low = np.array([np.fmin.reduce(v) if len(v) else np.nan for v in value], dtype=np.float64)
        high = np.array([np.fmax.reduce(v) if len(v) else np.nan for v in value], dtype=np.float64)
        odd = np.array([not len(v) or not np.isfinite(v).all() for v in value], dtype=bool)
        return low, high, odd
    flat = value.astype(np.float64, copy=False)
    if flat.ndim == 1:
        return flat, flat, ~np.isfinite(flat)
    if flat.shape[1] == 0:
        nothing = np.full(len(flat), np.nan)
        return nothing, nothing, np.ones(len(flat), dtype=bool)
    low, high = np.fmin.reduce(flat, axis=1), np.fmax.reduce(flat, axis=1)
    return low, high, np.asarray(~np.isfinite(flat).all(axis=1))


def latched(begin: Mask, end: Mask) -> Mask:
    """True from each sample of `begin` until a sample of `end`."""
    index = np.arange(len(begin))
    last_begin = np.maximum.accumulate(np.where(begin, index, -1))
    last_end = np.maximum.accumulate(np.where(end & ~begin, index, -1))
    return np.asarray(last_begin > last_end)


def _allowed(low: float | None, high: float | None, unit: str) -> str:
    if low is None:
        return f"allowed up to {quantity(high, unit)}" if high is not None else "no limit"
    if high is None:
        return f"allowed from {quantity(low, unit)}"
    return f"allowed {quantity(low)} to {quantity(high, unit)}"
