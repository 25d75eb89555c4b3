"""Is the reading as noisy as it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oaflib.checks.base import Context, Duration, SeriesCheck, Verdict
from oaflib.checks.facts import Floats, missing, spread
from oaflib.checks.words import ns_of, plural, quantity, share, span
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series, Times

_FEW = 10  # samples below which a spread says nothing


@dataclass(frozen=True)
class Noise(SeriesCheck):
    """A spread above `high`, or below `low` (a reading too quiet to be alive).

    The spread is a robust standard deviation, which single spikes do not move. Of ``steps`` it is
    that of the differences between samples over √2, blind to drifts and to slow beam; of ``level``
    that of the values themselves. With `chunk` each piece of the window is judged by itself.

    Attributes
    ----------
    low, high, warning_high : limits in the variable's unit; at least one.
    of : ``steps`` or ``level``.
    chunk : length of the pieces, ``1h``, or seconds; the whole window when left out.
    allowed_nan : share of samples that may be NaN or infinite for the rest to be judged.
    """

    kind: ClassVar[str] = "noise"
    coarse: ClassVar[Literal["judged", "invalid", "left out"]] = "invalid"
    fault: ClassVar[Fault] = Fault.AGEING
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    low: float | None = None
    high: float | None = None
    warning_high: float | None = None
    of: Literal["steps", "level"] = "steps"
    chunk: Duration | None = None
    allowed_nan: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("chunk")
        self._fraction("allowed_nan")
        self._not_negative("low", "high", "warning_high")
        if self.of not in ("steps", "level"):
            raise ValueError(f"of is '{self.of}'; allowed: steps, level")
        if self.low is None and self.high is None and self.warning_high is None:
            raise ValueError("noise has no limit; give one or more of low, high, warning_high")
        given = [v for v in (self.low, self.warning_high, self.high) if v is not None]
        if given != sorted(given):
            raise ValueError("noise limits must rise: low, warning_high, high")

    def weigh(self, series: Series, context: Context) -> Verdict:
        odd = missing(series)
        good = series.where(~odd)
        if len(good) < _FEW:
            what = plural(len(good), "finite sample")
            return Verdict(Severity.INVALID, f"{what}: too few to tell the noise, {_FEW} needed")
        starts, found = self._spreads(good, context)
        if not len(found):
            reason = f"no piece of {span(ns_of(self.chunk or 0))} holds {_FEW} samples"
            return Verdict(Severity.INVALID, f"{reason}: too few to tell the noise")
        limits = {"low": self.low, "high": self.high, "warning_high": self.warning_high}
        limit = {name: value for name, value in limits.items() if value is not None}
        unit, pieces = series.unit, ""
        if self.chunk is not None:
            pieces = f" in pieces of {span(ns_of(self.chunk))}"
        top, bottom = int(np.argmax(found)), int(np.argmin(found))
        words = f"spread {quantity(float(found[top]), unit)}{pieces}"
        fine = Verdict(Severity.OK, words, float(found[top]), limit)
        for severity, ceiling in (
            (self.violated, self.high),
            (Severity.WARNING, self.warning_high),
        ):
            if ceiling is not None and found[top] > ceiling:
                over = found > ceiling
                reason = f"noisy: {words}, allowed up to {quantity(ceiling, unit)}"
                reason += self._count(over)
                return fine.but(severity, reason, int(starts[np.argmax(over)]))
            if severity is self.violated and self.low is not None and found[bottom] < self.low:
                under = found < self.low
                value = float(found[bottom])
                reason = f"too quiet: spread {quantity(value, unit)}{pieces}"
                reason += f", at least {quantity(self.low, unit)} expected{self._count(under)}"
                return Verdict(severity, reason, value, limit, int(starts[np.argmax(under)]))
        if odd.sum() > self.allowed_nan * len(series):
            reason = f"{share(int(odd.sum()), len(series))} of the samples are NaN or infinite"
            since = int(series.time[np.argmax(odd)])
            return fine.but(Severity.INVALID, f"{reason}; of the others: {words}", since)
        return fine

    def _count(self, hits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
        if self.chunk is None:
            return ""
        return f"; {int(hits.sum())} of {plural(len(hits), 'piece')} are"

    def _spreads(self, series: Series, context: Context) -> tuple[Times, Floats]:
        value = series.value.astype(np.float64, copy=False)
        if self.chunk is None:
            return series.time[:1], np.array([self._spread(value)])
        piece = (series.time - context.window.start_ns) // ns_of(self.chunk)
        cuts = np.flatnonzero(np.diff(piece)) + 1
        bounds = np.concatenate([[0], cuts, [len(series)]])
        enough = np.flatnonzero(np.diff(bounds) >= _FEW)
        found = [self._spread(value[bounds[i] : bounds[i + 1]]) for i in enough]
        return series.time[bounds[enough]], np.array(found)

    def _spread(self, value: Floats) -> float:
        if self.of == "level":
            return spread(value)
        return spread(np.diff(value)) / float(np.sqrt(2))
