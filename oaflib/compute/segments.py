"""Statistics of consecutive runs of samples, all runs at once."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Statistic = Literal["mean", "median", "std", "min", "max", "sum", "count", "first", "last"]
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


def reduced(values: Numbers, starts: Places, stops: Places, statistic: Statistic) -> Numbers:
    """The statistic of the known samples of each ``values[start:stop]``; [k] or [k, m].

    Runs are in order and do not overlap; some may be empty. Without a known sample: NaN, a count
    of 0. Of vectors, element by element.
    """
    if values.ndim == 2:
        return _reduced_vectors(values, starts, stops, statistic)
    there = np.isfinite(values)
    if not there.all():
        kept = np.concatenate([[0], np.cumsum(there)])
        values, starts, stops = values[there], kept[starts], kept[stops]
    count = stops - starts
    if statistic == "count":
        return count.astype(np.float64)
    out = np.full(len(starts), np.nan)
    some = count > 0
    if not some.any():
        return out
    first, after, number = starts[some], stops[some], count[some]
    if statistic == "first":
        out[some] = values[first]
    elif statistic == "last":
        out[some] = values[after - 1]
    elif statistic == "median":
        out[some] = [np.median(values[a:b]) for a, b in zip(first, after, strict=True)]
    elif statistic in ("min", "max"):
        out[some] = _run(np.minimum if statistic == "min" else np.maximum, values, first, after)
    else:
        total = _run(np.add, values, first, after)
        if statistic == "sum":
            out[some] = total
        else:
            mean = total / number
            out[some] = mean
            if statistic == "std":
                # Of the differences to each run's mean, so that large offsets cost no digits.
                owner = np.repeat(np.arange(len(first)), number)
                inside = np.repeat(first - np.append(0, np.cumsum(number)[:-1]), number)
                off = values[inside + np.arange(number.sum())] - mean[owner]
                squares = np.bincount(owner, off * off, len(first))
                out[some] = np.sqrt(squares / number)
    return out


def _run(add: np.ufunc, values: Numbers, starts: Places, stops: Places) -> Numbers:
    """`add` reduced over each run; none is empty."""
    edges = np.empty(2 * len(starts), dtype=np.intp)
    edges[::2], edges[1::2] = starts, stops
    # reduceat needs every edge inside: one more element that no run holds.
    reduced_all: Numbers = add.reduceat(np.append(values, 0.0), edges)
    return reduced_all[::2]


def _reduced_vectors(values: Numbers, starts: Places, stops: Places, statistic: str) -> Numbers:
    out = np.full((len(starts), values.shape[1]), 0.0 if statistic == "count" else np.nan)
    for i, (a, b) in enumerate(zip(starts, stops, strict=True)):
        if b > a:
            out[i] = along_time(values[a:b], statistic)
    return out


def along_time(values: Numbers, statistic: str) -> Numbers:
    """The statistic of each element over all samples, of the known ones; [m]."""
    n = values.shape[0]
    there = np.isfinite(values)
    if statistic == "count":
        return np.asarray(there.sum(axis=0), dtype=np.float64)
    if not n:
        return np.full(values.shape[1], np.nan)
    if statistic in ("first", "last"):
        place = there.argmax(axis=0) if statistic == "first" else n - 1 - there[::-1].argmax(axis=0)
        picked: Any = np.take_along_axis(values, place[np.newaxis], axis=0)[0]
        return np.where(there.any(axis=0), picked, np.nan)
    functions: dict[str, Any] = {
        "mean": np.nanmean,
        "median": np.nanmedian,
        "std": np.nanstd,
        "min": np.nanmin,
        "max": np.nanmax,
        "sum": np.nansum,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an element never known gives NaN
        made = np.asarray(functions[statistic](np.where(there, values, np.nan), axis=0))
    return np.where(there.any(axis=0), made, np.nan)
