"""The envelope of a series: what a picture can show of it, without losing a spike.

A picture has a few hundred columns of pixels and a day 86,400 samples. Within a column only the
least and the greatest value can be seen, so drawing those two is drawing everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oaflib.series import Times

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Envelope:
    """Least and greatest value in each column that has a sample.

    Attributes
    ----------
    column : int64[k], increasing, within ``[0, columns)``.
    low, high, mean : float64[k], of the finite samples; NaN in a column that has none.
    count : int64[k], finite samples in the column.
    columns : how many columns the window has.
    below, above : bool[k], whether the column holds a negative or a positive infinity.
    """

    column: NDArray[np.int64]
    low: Floats
    high: Floats
    mean: Floats
    count: NDArray[np.int64]
    columns: int
    below: NDArray[np.bool_]
    above: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.column)

    @property
    def limits(self) -> tuple[float, float] | None:
        """Least and greatest finite value; None when there is none."""
        seen = ~np.isnan(self.low)
        if not seen.any():
            return None
        return float(self.low[seen].min()), float(self.high[seen].max())

    def runs(self, reach: int = 0) -> list[slice]:
        """The stretches to draw in one piece.

        Broken where a column is all NaN, and where more than `reach` columns have no sample
        (0: never broken for that).
        """
        seen = np.flatnonzero(~np.isnan(self.low))
        if not len(seen):
            return []
        broken = np.diff(seen) > 1
        if reach:
            broken |= np.diff(self.column[seen]) > reach
        cuts = np.flatnonzero(broken) + 1
        bounds = [0, *cuts.tolist(), len(seen)]
        return [slice(int(seen[a]), int(seen[b - 1]) + 1) for a, b in pairwise(bounds)]


def edges(start: int, end: int, columns: int) -> Times:
    """The `columns` + 1 bounds of the columns of ``[start, end)``, int64 ns."""
    span = end - start
    steps = np.arange(columns + 1, dtype=object) * span // columns  # exact, whatever the span
    return np.asarray(steps + start, dtype=np.int64)


def envelope(time: Times, value: Floats, start: int, end: int, columns: int) -> Envelope:
    """The envelope of the samples in ``[start, end)`` over `columns` equal columns.

    Parameters
    ----------
    time : int64[n] ns UTC, in order.
    value : float[n]; NaN is left out, infinities are noted and left out.

    Raises
    ------
    ValueError
        No columns, or an end not after the start.
    """
    if columns < 1 or end <= start:
        raise ValueError(f"no envelope of {columns} columns from {start} to {end}")
    value = np.asarray(value, dtype=np.float64)
    bounds = np.searchsorted(time, edges(start, end, columns), side="left")
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    first, stop = bounds[filled], bounds[filled + 1]
    none = np.zeros(len(filled), dtype=bool)
    if not len(filled):
        empty = np.empty(0)
        return Envelope(filled, empty, empty, empty, filled, columns, none, none)
    value = value[first[0] : stop[-1]]
    starts = first - first[0]
    low = np.minimum.reduceat(value, starts)
    high = np.maximum.reduceat(value, starts)
    count = (stop - first).astype(np.int64)
    odd = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
    with np.errstate(over="ignore", invalid="ignore"):  # sums of the largest floats
        total = np.add.reduceat(value, starts)
    mean = _means(total, count, low, high)
    if not len(odd):
        return Envelope(filled, low, high, mean, count, columns, none, none)
    below, above = none.copy(), none.copy()
    for i in odd:
        samples = value[starts[i] : starts[i] + count[i]]
        below[i] = bool((samples == -np.inf).any())
        above[i] = bool((samples == np.inf).any())
        good = samples[np.isfinite(samples)]
        count[i] = len(good)
        low[i] = high[i] = total[i] = np.nan
        if len(good):
            low[i], high[i] = good.min(), good.max()
            with np.errstate(over="ignore", invalid="ignore"):
                total[i] = good.sum()
    mean = _means(total, count, low, high)
    return Envelope(filled, low, high, mean, count, columns, below, above)


def _means(total: Floats, count: NDArray[np.int64], low: Floats, high: Floats) -> Floats:
    """Sums as means, between `low` and `high`; the middle of them where the sum overflowed."""
    with np.errstate(invalid="ignore"):
        mean = np.clip(total / np.maximum(count, 1), low, high)
        return np.where(np.isfinite(total), mean, low / 2 + high / 2)


def percentiles(values: Floats, at: Sequence[float]) -> list[float]:
    """Percentiles of finite values, also of the largest floats; there is one or more."""
    size = float(np.abs(values).max())
    if size < 1e150:
        return [float(found) for found in np.percentile(values, at)]
    return [float(found) * size for found in np.percentile(values / size, at)]


def breaks(time: Times, times: float = 20.0) -> int | None:
    """The time between samples (ns) from which a series that logs regularly has a gap.

    None for fewer than 20 samples, or where samples come irregularly (on change, per event): there
    a long silence says nothing.
    """
    if len(time) < 20:
        return None
    # a thousand steps, spread over the window, tell the cadence; all of them would take longer
    picks = np.linspace(0, len(time) - 2, min(1000, len(time) - 1)).astype(np.int64)
    steps = time[picks + 1] - time[picks]
    usual = int(np.median(steps))
    if usual <= 0 or np.mean(steps <= 2 * usual) < 0.9:
        return None
    return int(usual * times)
