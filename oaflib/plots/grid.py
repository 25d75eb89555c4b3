"""Blocks: vectors and images reduced to what a picture can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oaflib.plots.envelope import Floats, breaks, edges, percentiles
from oaflib.series import Series, Times
from oaflib.window import Window


@dataclass(frozen=True, eq=False)
class Grid:
    """A vector over time, in blocks.

    Attributes
    ----------
    mean : float64[rows, columns], of the finite elements of each block; NaN where there is none.
        Row 0 holds the first elements, column 0 the first samples.
    low, high : float64[elements], of each element over the window; NaN where never finite.
    last : float64, the last sample.
    last_time : int64 ns UTC of it.
    elements : of the longest sample.
    lengths : (int64 ns UTC, length) where the length changed; the first sample first.
    infinite : how many elements were infinite.
    """

    mean: Floats
    low: Floats
    high: Floats
    last: Floats
    last_time: int
    elements: int
    lengths: tuple[tuple[int, int], ...]
    infinite: int


def grid(series: Series, window: Window, rows: int, columns: int) -> Grid:
    """A VECTORNUMERIC series over `columns` blocks of time and up to `rows` blocks of elements.

    `series` has a sample or more in the window, and one of them has an element or more.
    """
    series = series.between(window.start_ns, window.end_ns)
    lengths = _lengths(series)
    elements = max(length for _, length in lengths)
    rows = min(rows, elements)
    cuts = np.searchsorted(series.time, edges(window.start_ns, window.end_ns, columns))
    mean = np.full((rows, columns), np.nan)
    low, high = np.full(elements, np.inf), np.full(elements, -np.inf)
    infinite = 0
    starts = np.arange(rows) * elements // rows
    for column in np.flatnonzero(cuts[1:] > cuts[:-1]):
        block, odd = _block(series, int(cuts[column]), int(cuts[column + 1]), elements)
        infinite += odd
        good = np.isfinite(block)
        if good.all():
            np.minimum(low, block.min(axis=0), out=low)
            np.maximum(high, block.max(axis=0), out=high)
            with np.errstate(over="ignore"):
                total = block.sum(axis=0)
            count = np.full(elements, float(len(block)))
        else:
            np.minimum(low, np.where(good, block, np.inf).min(axis=0), out=low)
            np.maximum(high, np.where(good, block, -np.inf).max(axis=0), out=high)
            with np.errstate(over="ignore"):
                total = np.where(good, block, 0).sum(axis=0)
            count = good.sum(axis=0).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            sums, counts = np.add.reduceat(total, starts), np.add.reduceat(count, starts)
            mean[:, column] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    _hold(mean, series, window)
    never = np.isinf(low)
    low[never], high[never] = np.nan, np.nan
    last = np.asarray(series.value[-1], dtype=np.float64).ravel()
    return Grid(mean, low, high, last, int(series.time[-1]), elements, lengths, infinite)


def _hold(mean: Floats, series: Series, window: Window) -> None:
    """Stretch blocks over the empty ones after them: to the next sample of a regular series, else
    as far as can be seen.
    """
    columns = mean.shape[1]
    gap = breaks(series.time, 1.5)
    width = (window.end_ns - window.start_ns) / columns
    reach = int(np.ceil(gap / width)) if gap else max(1, columns // 70)
    empty = np.isnan(mean).all(axis=0)
    last = np.maximum.accumulate(np.where(empty, -1, np.arange(columns)))
    at = np.flatnonzero(empty & (last >= 0) & (np.arange(columns) - last < reach))
    mean[:, at] = mean[:, last[at]]


def _block(series: Series, first: int, stop: int, elements: int) -> tuple[Floats, int]:
    """Samples as float64[n, elements], shorter ones filled with NaN; and how many are infinite."""
    value = series.value[first:stop]
    if value.dtype != object:
        block = value.astype(np.float64, copy=False)
    else:
        block = np.full((len(value), elements), np.nan)
        for i, sample in enumerate(value):
            block[i, : len(sample)] = sample
    odd = int(np.isinf(block).sum())
    return (np.where(np.isinf(block), np.nan, block) if odd else block), odd


def _lengths(series: Series) -> tuple[tuple[int, int], ...]:
    if series.value.dtype != object:
        return ((int(series.time[0]), int(series.value.shape[1])),)
    length = np.array([len(sample) for sample in series.value])
    at = np.concatenate([[0], np.flatnonzero(length[1:] != length[:-1]) + 1])
    return tuple((int(series.time[i]), int(length[i])) for i in at)


def reduced(image: NDArray[np.generic], rows: int, columns: int) -> Floats:
    """An image as means of blocks, at most `rows` × `columns`; infinities left out, NaN if all."""
    found = np.asarray(image, dtype=np.float64)
    rows, columns = min(rows, found.shape[0]), min(columns, found.shape[1])
    starts = [
        np.arange(n) * size // n for n, size in zip((rows, columns), found.shape, strict=True)
    ]
    good = np.isfinite(found)
    with np.errstate(over="ignore", invalid="ignore"):
        total = _sums(found if good.all() else np.where(good, found, 0), starts)
        count = _sums(good.astype(np.float64), starts)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sums(values: Floats, starts: Sequence[NDArray[np.intp]]) -> Floats:
    across = np.add.reduceat(values, starts[1], axis=1)
    return np.asarray(np.add.reduceat(across, starts[0], axis=0), dtype=np.float64)


@dataclass(frozen=True)
class Scale:
    """Which values a map's colours stand for."""

    low: float
    high: float
    diverging: bool
    clipped_low: bool
    clipped_high: bool


def scale_of(values: Floats, tail: float = 0.5, fence: float = 8.0) -> Scale | None:
    """Colours for `values`: all but `tail` percent at either end, and without the few that lie far
    from all others; around zero where they have both signs. None when no value is finite.

    `fence`: how far, in widths of the middle half; zero: none is too far.
    """
    good = values[np.isfinite(values)]
    if not len(good):
        return None
    low, high = percentiles(good, (tail, 100 - tail))
    least, most = float(good.min()), float(good.max())
    # a dead monitor at -8 mm must not hide what a hundred others do within 0.1 mm
    first, third = percentiles(good, (25, 75))
    fence *= third - first
    far = (good < first - fence) | (good > third + fence)
    if fence > 0 and 0 < far.mean() <= 0.06:
        near = good[~far]
        low, high = max(low, float(near.min())), min(high, float(near.max()))
    # a tail close by is no reason to clip
    if least >= low - 0.3 * (high - low):
        low = least
    if most <= high + 0.3 * (high - low):
        high = most
    diverging = low < 0 < high and min(-low, high) > 0.2 * max(-low, high)
    if diverging:
        high = max(-low, high)
        low = -high
    if low == high:
        room = abs(low) * 0.05 or 1.0
        low, high = low - room, high + room
    return Scale(low, high, diverging, least < low, most > high)


def when_changed(lengths: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(int64 ns UTC, length before, length after) of each change."""
    return [(time, before, after) for (_, before), (time, after) in pairwise(lengths)]


def at_times(times: Times, wanted: Times) -> NDArray[np.intp]:
    """For each wanted time the index of the last of `times` not after it; -1 before the first."""
    return np.searchsorted(times, wanted, side="right") - 1
