"""What the functions of the table do, on arrays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.expression.align import Base, Signal
from oaflib.expression.units import DIMENSIONLESS, SECOND, Unit, raised, times
from oaflib.expression.value import (
    UNKNOWN,
    Array,
    Sort,
    Value,
    as_numbers,
    both,
    known,
    number,
)
from oaflib.series import Times

_SECOND = 1_000_000_000
_REDUCTIONS: dict[str, Callable[[Array], Any]] = {
    "mean": np.mean,
    "median": np.median,
    "std": np.std,
    "sum": np.sum,
    "min": np.min,
    "max": np.max,
}
POINTWISE = ("abs", "sign", "round", "sqrt", "exp", "log", "log10")
ELEMENTS = ("element", "element_mean", "element_std", "element_min", "element_max", "element_sum",
            "element_count")  # fmt: skip


def pointwise(name: str, value: Value, decimals: int = 0) -> Value:
    """A function of one number at each time."""

    data = as_numbers(value)
    if name == "abs":
        return number(np.abs(data), value.unit)
    if name == "round":
        return number(np.round(data, decimals), value.unit)
    if name == "sqrt":
        return number(np.sqrt(data), raised(value.unit, Fraction(1, 2)))
    made = {"sign": np.sign, "exp": np.exp, "log": np.log, "log10": np.log10}[name](data)
    return number(made, DIMENSIONLESS)


def extreme(name: str, values: list[Value]) -> Value:
    """The smallest or largest of several numbers at each time; unknown when one is."""
    choose = np.minimum if name == "min" else np.maximum
    data = as_numbers(values[0])
    unit = values[0].unit
    for value in values[1:]:
        data = choose(*both(data, as_numbers(value)))
        unit = unit if unit is not None else value.unit
    return number(data, unit)


def statistic(name: str, value: Value, percent: float = 0.0) -> Value:
    """One number of all known samples; unknown when there is none, but a count of 0."""
    if name == "count":
        if value.sort is Sort.TRUTH:
            return number(np.float64(np.count_nonzero(value.data == 1)), DIMENSIONLESS)
        return number(np.float64(np.count_nonzero(known(value))), DIMENSIONLESS)
    if value.sort is Sort.TEXT:
        there = value.data[known(value)]
        chosen = (there[0] if name == "first" else there[-1]) if there.size else None
        scalar = np.empty((), dtype=object)
        scalar[()] = chosen
        return Value(Sort.TEXT, scalar)
    data = as_numbers(value)
    data = data[~np.isnan(data)]
    if not data.size:
        return number(np.float64(0.0 if name == "sum" else np.nan), value.unit)
    made: Any
    if name == "percentile":
        made = np.percentile(data, percent)
    elif name in ("first", "last"):
        made = data.flat[0 if name == "first" else -1]
    else:
        made = _REDUCTIONS[name](data)
    return number(np.asarray(made), value.unit)


def time_share(name: str, value: Value, base: Base) -> Value:
    """Share of the time of `base` with a value known, or a truth true; [n] or constant."""
    length = (base.until - base.time).astype(np.float64)
    there: NDArray[np.bool_] = known(value)
    if value.data.ndim == 2:
        there = np.asarray(there.any(axis=1))
    if name == "coverage":
        whole, part = length.sum(), length[there].sum()
    else:
        whole, part = length[there].sum(), length[value.data == 1].sum()
    return number(np.float64(part / whole if whole else np.nan), DIMENSIONLESS)


def change(name: str, value: Value, base: Base) -> Value:
    """Difference to the sample before, or that per second; unknown across a silence."""
    data = as_numbers(value)
    out = np.full(data.shape, np.nan)
    out[1:] = np.diff(data, axis=0)
    silent = np.append(True, base.until[:-1] < base.time[1:])[: data.shape[0]]
    out[silent] = np.nan
    if name == "diff":
        return number(out, value.unit)
    seconds = np.append(np.nan, np.diff(base.time) / _SECOND)[: data.shape[0]]
    seconds[seconds == 0] = np.nan
    out = out / (seconds[:, np.newaxis] if out.ndim == 2 else seconds)
    return number(out, times(value.unit, raised(SECOND, Fraction(-1))))


def rolling(name: str, value: Value, time: Times, length: int) -> Value:
    """A statistic of the known samples of ``(t - length, t]`` at each time; numbers, [n]."""
    import pandas as pd

    data = pd.Series(as_numbers(value), index=pd.to_datetime(time))
    window = data.rolling(pd.Timedelta(length, "ns"), min_periods=1)
    if name == "std":
        made = window.std(ddof=0)
    else:
        made = {"mean": window.mean, "median": window.median, "min": window.min,
                "max": window.max}[name]()  # fmt: skip
    return number(made.to_numpy(), value.unit)


def elements(name: str, value: Value, index: int = 0) -> Value:
    """One number of each vector, of its known elements; unknown when there is none."""
    data = as_numbers(value)
    n, width = data.shape
    if name == "element":
        inside = 0 <= index < width
        return number(data[:, index] if inside else np.full(n, np.nan), value.unit)
    there = ~np.isnan(data)
    count = there.sum(axis=1)
    if name == "element_count":
        return number(count, DIMENSIONLESS)
    if not width:
        return number(np.full(n, np.nan), value.unit)
    count = np.where(count, count, np.nan)
    total = np.where(there, data, 0.0).sum(axis=1)
    unit: Unit | None = value.unit
    if name == "element_sum":
        return number(np.where(np.isnan(count), np.nan, total), unit)
    if name == "element_mean":
        return number(total / count, unit)
    if name == "element_std":
        off = np.where(there, data - (total / count)[:, np.newaxis], 0.0)
        return number(np.sqrt((off**2).sum(axis=1) / count), unit)
    if name == "element_min":
        return number(np.where(there, data, np.inf).min(axis=1), unit)
    return number(np.where(there, data, -np.inf).max(axis=1), unit)


def lasting(value: Value, base: Base, length: int) -> Signal:
    """Steps of 'true for at least `length` ns', out of a truth on a base without gaps."""
    state: NDArray[np.int8] = np.broadcast_to(value.data, base.time.shape)
    changes = np.flatnonzero(np.append(True, state[1:] != state[:-1]))[: state.size]
    time, state = base.time[changes], state[changes]
    stop = np.append(time[1:], base.until[-1:])
    long_enough = (state == 1) & (stop - time > length)
    # A run of truth is false (not yet) at its start, and true once it has lasted.
    edges = np.concatenate([time, time[long_enough] + np.int64(length)])
    states = np.concatenate([np.where(state == 1, 0, state), np.ones(long_enough.sum(), np.int8)])
    order = np.argsort(edges, kind="stable")
    edges, states = edges[order], states[order].astype(np.int8)
    until = np.append(edges[1:], base.until[-1:])
    return Signal("lasting", Sort.TRUTH, None, edges, until, states)


def chosen(condition: Array, left: Value, right: Value) -> Array:
    """`left` where `condition` is true, `right` where false, unknown where unknown."""
    width = max(condition.ndim, left.data.ndim, right.data.ndim)
    parts = [_spread(part, width) for part in (condition, left.data, right.data)]
    unknown: Any = {Sort.NUMBER: np.nan, Sort.TRUTH: UNKNOWN, Sort.TEXT: None}[left.sort]
    made = np.where(parts[0] == 1, parts[1], np.where(parts[0] == 0, parts[2], unknown))
    return np.asarray(made, dtype=left.data.dtype)


def _spread(data: Array, ndim: int) -> Array:
    return data[:, np.newaxis] if ndim == 2 and data.ndim == 1 else data
