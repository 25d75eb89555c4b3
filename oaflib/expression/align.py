"""A common base of times: series as steps that hold from one sample to the next.

A sample holds until the next one, but a steadily logged number no longer than five of its own
intervals: when its device falls silent, its value becomes unknown and does not stay for ever.
Texts, and numbers logged on change, hold until the next sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oaflib.expression.units import Unit, unit_of
from oaflib.expression.value import Array, Sort, Value, unknown_like
from oaflib.series import Kind, Series, Times, Values

FOREVER = np.int64(2**62)
INTERVALS_HELD = 5
_STEADY_SAMPLES = 10
_CELLS = 100_000_000


@dataclass(frozen=True, eq=False)
class Base:
    """Times at which an expression is evaluated; the result of each holds until ``until``."""

    time: Times
    until: Times


@dataclass(frozen=True, eq=False)
class Signal:
    """Steps: ``value[i]`` holds in ``[time[i], until[i])``; unknown elsewhere."""

    name: str
    sort: Sort
    unit: Unit | None
    time: Times
    until: Times
    value: Array

    def at(self, base: Base) -> Value:
        """Its value at each time of `base`."""
        if base.time is self.time:
            return Value(self.sort, self.value, self.unit)
        if self.value.ndim == 2 and base.time.size * self.value.shape[1] > _CELLS:
            raise OverflowError(
                f"{self.name} has vectors of {self.value.shape[1]} elements, too many to repeat at "
                f"{base.time.size} times; reduce them with element_mean, element, ..."
            )
        if not self.time.size:
            shape = (base.time.size, *self.value.shape[1:])
            empty = np.full(shape, unknown_like(self.sort), dtype=self.value.dtype)
            return Value(self.sort, empty, self.unit)
        index = np.searchsorted(self.time, base.time, side="right") - 1
        before = index < 0
        index[before] = 0
        data = self.value[index]
        stale = before | (base.time >= self.until[index])
        if stale.any():
            data[stale] = unknown_like(self.sort)
        return Value(self.sort, data, self.unit)


def signal_of(series: Series, max_hold: int | None = None) -> Signal:
    """The steps of `series`; `max_hold` in ns instead of the default.

    Infinite and missing samples are unknown. Vectors of different lengths are filled with unknown
    elements up to the longest. Out of order, the samples are sorted; of several samples of one
    time the last counts where values are held.

    Raises
    ------
    ValueError
        A kind that has no place in an expression.
    """
    if series.kind not in (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.TEXTUAL):
        raise ValueError(
            f"{series.name} is {series.kind}; an expression takes NUMERIC, VECTORNUMERIC and "
            "TEXTUAL variables: reduce it by a computation first"
        )
    time = series.time
    value: Values = series.value
    if time.size > 1 and (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        time, value = time[order], value[order]
    if series.kind is Kind.TEXTUAL:
        texts = np.fromiter((isinstance(entry, str) for entry in value), bool, len(value))
        if not texts.all():
            value = np.where(texts, value, np.array(None, dtype=object))
        sort, data = Sort.TEXT, np.asarray(value, dtype=object)
    else:
        sort, data = Sort.NUMBER, _numbers(series.kind, value)
    unit = unit_of(series.unit) if sort is Sort.NUMBER else None
    if max_hold is None and sort is Sort.NUMBER:
        max_hold = longest_hold(time)
    return Signal(series.name, sort, unit, time, _until(time, max_hold), data)


def longest_hold(time: Times) -> int | None:
    """How long a sample of a steadily logged series holds, in ns; None for one logged on change.

    Steady: ten samples or more, and nine of ten intervals within three medians.
    """
    if time.size < _STEADY_SAMPLES:
        return None
    # Of a long series ten thousand intervals tell as much as all.
    places = np.arange(0, time.size - 1, max(1, time.size // 10_000))
    steps = time[places + 1] - time[places]
    median = float(np.median(steps))
    if median <= 0 or float(np.percentile(steps, 90)) > 3 * median:
        return None
    return int(INTERVALS_HELD * median)


def finest(signals: Sequence[Signal], start: int, end: int) -> Base:
    """The times in ``[start, end)`` of the signal with most of them; of the first when equal."""
    best = Base(np.empty(0, np.int64), np.empty(0, np.int64))
    for signal in signals:
        first, stop = np.searchsorted(signal.time, [start, end], side="left")
        if stop - first > best.time.size:
            if stop - first == signal.time.size:
                best = Base(signal.time, signal.until)
            else:
                best = Base(signal.time[first:stop], signal.until[first:stop])
    return best


def union(signals: Sequence[Signal], start: int, end: int) -> Base:
    """`start`, and every time in ``[start, end)`` at which one of the signals changes or ends."""
    edges = [np.array([start], dtype=np.int64)]
    for signal in signals:
        ends = signal.until[:-1][signal.until[:-1] < signal.time[1:]]
        edges += [signal.time, ends, signal.until[-1:]]
    time = np.unique(np.concatenate(edges))
    time = time[(time >= start) & (time < end)]
    return Base(time, np.append(time[1:], np.int64(end)))


def _until(time: Times, max_hold: int | None) -> Times:
    until = np.append(time[1:], FOREVER) if time.size else time
    if max_hold is not None:
        until = np.minimum(until, time + np.int64(max_hold))
    return until


def _numbers(kind: Kind, value: Values) -> NDArray[np.float64]:
    if kind is Kind.VECTORNUMERIC and (value.dtype == object or value.ndim != 2):
        rows = [np.asarray(row, dtype=np.float64).ravel() for row in value]
        width = max((row.size for row in rows), default=0)
        if width * len(rows) > _CELLS:
            raise ValueError(f"{len(rows)} vectors of up to {width} elements are too many")
        data = np.full((len(rows), width), np.nan)
        for filled, row in zip(data, rows, strict=True):
            filled[: row.size] = row
    else:
        data = np.asarray(value, dtype=np.float64)
    finite = np.isfinite(data)
    return data if finite.all() else np.where(finite, data, np.nan)
