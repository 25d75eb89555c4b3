"""Statistics on a fixed step, in a running window, and of the whole window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar

import numpy as np

from oaflib.compute.base import OfVariable, moment_of, numbers
from oaflib.compute.segments import STATISTICS, Statistic, along_time, reduced
from oaflib.errors import ComputationError
from oaflib.expression.functions import rolling
from oaflib.expression.value import number
from oaflib.records import Records
from oaflib.series import Kind, Series

_BINS = 2_000_000


def positive(length: timedelta) -> None:
    """Refuse no time at all."""
    if length <= timedelta(0):
        raise ValueError("is no length of time")


def in_ns(length: timedelta) -> int:
    """A length of time in nanoseconds."""
    return length // timedelta(microseconds=1) * 1000


@dataclass(frozen=True, kw_only=True)
class Resampled(OfVariable):
    """One statistic for every step of the window, stamped at the step's start.

    Attributes
    ----------
    step : the steps' length; the last one may be cut by the window's end.
    statistic : mean, median, std, min, max, sum, count, first or last of the known samples.

    Steps without a known sample are NaN (a count of 0). Vectors element by element.
    """

    kind: ClassVar[str] = "resample"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    step: Annotated[timedelta, positive]
    statistic: Statistic = "mean"

    def of(self, series: Series, records: Records) -> list[Series]:
        if series.ragged:
            raise ComputationError(f"the vectors of {self.variable} change their length")
        start, end, step = records.window.start_ns, records.window.end_ns, in_ns(self.step)
        if (end - start) // step > _BINS:
            raise ComputationError(f"the window has more than {_BINS} steps of {self.step}")
        edges = np.append(np.arange(start, end, step, dtype=np.int64), end)
        if not len(series):
            return [self.series("", [], np.empty(0), series.unit)]
        cuts = np.searchsorted(series.time, edges, side="left")
        made = reduced(numbers(series), cuts[:-1], cuts[1:], self.statistic)
        unit = "" if self.statistic == "count" else series.unit
        return [self.series("", edges[:-1], made, unit)]


@dataclass(frozen=True, kw_only=True)
class Rolling(OfVariable):
    """A statistic of the time before each sample, at the samples' own times.

    Attributes
    ----------
    length : the running window ``(t - length, t]``.
    statistic : mean, median, std, min or max.
    """

    kind: ClassVar[str] = "rolling"

    length: Annotated[timedelta, positive]
    statistic: Statistic = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statistic in ("sum", "count", "first", "last"):
            raise ValueError(
                f"statistic cannot be '{self.statistic}'; allowed: mean, median, std, min, max"
            )

    def of(self, series: Series, records: Records) -> list[Series]:  # noqa: ARG002
        made = rolling(self.statistic, number(numbers(series)), series.time, in_ns(self.length))
        return [self.series("", series.time, made.data, series.unit)]


@dataclass(frozen=True, kw_only=True)
class WindowStatistic(OfVariable):
    """One number of the whole window (or of the time the gate was open), stamped at its start.

    Attributes
    ----------
    statistic : mean, median, std, min, max, sum, count, first or last of the known samples.
    percentile : that percentile instead, 0 to 100.

    Of vectors, one vector: the statistic of each element.
    """

    kind: ClassVar[str] = "statistic"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    statistic: Statistic = "mean"
    percentile: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statistic not in STATISTICS:
            raise ValueError(f"statistic cannot be '{self.statistic}'")
        if self.percentile is not None and not 0 <= self.percentile <= 100:
            raise ValueError(f"percentile {self.percentile:g} is not between 0 and 100")

    def of(self, series: Series, records: Records) -> list[Series]:
        if series.ragged:
            raise ComputationError(f"the vectors of {self.variable} change their length")
        value = numbers(series)
        time = moment_of(records)
        unit = "" if self.statistic == "count" and self.percentile is None else series.unit
        if not len(series):
            none = 0.0 if self.statistic == "count" and self.percentile is None else np.nan
            return [self.series("", time, [none], unit)]
        made: Any
        if value.ndim == 2:
            if self.percentile is not None:
                raise ComputationError("percentiles are of numbers; take a vector's elements first")
            return [self.series("", time, along_time(value, self.statistic)[np.newaxis], unit)]
        if self.percentile is not None:
            known = value[~np.isnan(value)]
            made = [np.percentile(known, self.percentile) if known.size else np.nan]
        else:
            made = reduced(value, np.array([0]), np.array([len(value)]), self.statistic)
        return [self.series("", time, made, unit)]
