"""Plain facts of a series that several checks start from: odd samples, cadence, runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.checks.base import Context
from oaflib.checks.ranks import median, percentiles
from oaflib.series import Kind, Series, Times

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
_ENOUGH = 10_000  # values from which a median is estimated; twice as many at most
_SIGMA = 1.4826  # median absolute deviation to standard deviation, for a normal law


@dataclass(frozen=True)
class Runs:
    """Consecutive samples that are alike: `first` and `stop` (exclusive) indices of each run."""

    first: NDArray[np.intp]
    stop: NDArray[np.intp]

    @property
    def length(self) -> NDArray[np.intp]:
        """Samples in each run."""
        return self.stop - self.first

    def mask(self, count: int) -> Mask:
        """Which of `count` samples lie in one of the runs."""
        steps = np.zeros(count + 1, dtype=np.int64)
        np.add.at(steps, self.first, 1)
        np.add.at(steps, self.stop, -1)
        return np.asarray(np.cumsum(steps[:-1]) > 0)


def runs_where(mask: Mask) -> Runs:
    """The runs of consecutive true samples."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return Runs(edges[::2], edges[1::2])


def missing(series: Series) -> Mask:
    """Which samples hold no usable value: NaN or infinite (any element), or a text that is None."""
    if series.kind is Kind.NUMERIC:
        return np.asarray(~np.isfinite(series.value.astype(np.float64, copy=False)))
    if series.kind is Kind.TEXTUAL:
        return np.fromiter((text is None for text in series.value), bool, len(series))
    if series.kind is Kind.VECTORSTRING:
        return np.array([any(text is None for text in row) for row in series.value], dtype=bool)
    if series.value.dtype == object:
        return np.array([not np.isfinite(sample).all() for sample in series.value], dtype=bool)
    if series.value.dtype.kind != "f":
        return np.zeros(len(series), dtype=bool)
    return np.asarray(~np.isfinite(series.value).all(axis=tuple(range(1, series.value.ndim))))


def unchanged(series: Series, tolerance: float = 0.0) -> Mask:
    """Whether each sample but the first is like the one before; bool[n - 1].

    Numbers are alike within `tolerance`; vectors and images in every element and in their shape.
    """
    value: Any = series.value
    if len(series) < 2:
        return np.zeros(0, dtype=bool)
    if series.kind is Kind.TEXTUAL:
        return np.asarray(value[1:] == value[:-1], dtype=bool)
    if series.kind is Kind.VECTORSTRING:
        tolerance = 0.0
    if value.dtype == object:
        return np.array([_alike(a, b, tolerance) for a, b in pairwise(value)])
    if value.ndim == 1:
        if not tolerance:
            return np.asarray(value[1:] == value[:-1])
        return np.asarray(np.abs(np.diff(value)) <= tolerance)
    # one sample at a time: a day of images does not fit twice in memory
    if value[0].size > 4096:
        pairs = pairwise(value)
        return np.array([_alike(a, b, tolerance) for a, b in pairs])
    axes = tuple(range(1, value.ndim))
    if not tolerance:
        return np.asarray((value[1:] == value[:-1]).all(axis=axes))
    steps = np.subtract(value[1:], value[:-1], dtype=np.float64)  # unsigned pixels would wrap
    return np.asarray((np.abs(steps) <= tolerance).all(axis=axes))


def _alike(a: Any, b: Any, tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    if not tolerance:
        return bool(np.array_equal(a, b))
    return bool((np.abs(np.subtract(a, b, dtype=np.float64)) <= tolerance).all())


def intervals(time: Times, context: Context) -> tuple[Times, Times]:
    """Where no sample was, within the time that counts: starts and stops, int64 ns UTC.

    From the beginning of each open span to its first sample, between samples, and from the last
    sample to its end.
    """
    start, stop = context.open_spans()
    if context.gate is None:
        return np.concatenate([start, time]), np.concatenate([time, stop])
    inside = np.searchsorted(start, time, side="right") - 1
    keep = inside >= 0
    keep[keep] = time[keep] < stop[inside[keep]]
    marks = np.concatenate([start, time[keep], stop])
    # a span's start comes before its samples, its samples before its stop
    order = np.lexsort((np.repeat([0, 1, 2], [len(start), int(keep.sum()), len(stop)]), marks))
    marks = marks[order]
    is_stop = np.concatenate(
        [np.zeros(len(start) + int(keep.sum()), dtype=bool), np.ones(len(stop), dtype=bool)]
    )[order]
    begins = ~is_stop[:-1]
    return marks[:-1][begins], marks[1:][begins]


def cadence(time: Times) -> int | None:
    """The usual time from one sample to the next in ns; None for fewer than 10 samples."""
    if len(time) < 10:
        return None
    return int(median(thinned(np.diff(time))))


def thinned(values: Any) -> Any:
    """At most 20,000 of `values`, evenly taken: enough to estimate a median."""
    # an odd step does not fall in with what happens every second or tenth sample
    step = max(1, len(values) // _ENOUGH)
    return values[:: step + 1 - step % 2] if step > 1 else values


def spread(values: Floats) -> float:
    """Robust standard deviation: of the median absolute deviation, else of the central 90 %.

    Zero only when nearly all values are equal.
    """
    if not len(values):
        return 0.0
    values = thinned(values)
    found = _SIGMA * median(np.abs(values - median(values)))
    if found > 0:
        return found
    low, high = percentiles(values, [5, 95])
    return float(high - low) / 3.29


def held(time: Times, context: Context) -> int:
    """How long the last sample is taken to hold: the cadence, within the window; ns."""
    left = context.window.end_ns - int(time[-1])
    return max(0, min(left, cadence(time) or 0))


def open_time(time: Times, context: Context) -> Times:
    """How much of the time that counts is over at each `time`; ns."""
    start, stop = context.open_spans()
    done = np.concatenate([[0], np.cumsum(stop - start)])
    index = np.searchsorted(start, time, side="right") - 1
    inside = np.maximum(index, 0)
    partial = np.minimum(time, stop[inside]) - start[inside]
    return np.where(index < 0, 0, done[inside] + partial)
