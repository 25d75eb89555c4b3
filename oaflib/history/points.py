"""The points of one variable: rows of its windows to a trend."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from oaflib.columnar import array, kept, numbers
from oaflib.history.rows import TREND, floats, matrix, texts, unified
from oaflib.history.shelf import latest
from oaflib.series import Times
from oaflib.trend import DAY, Floats, Trend
from oaflib.window import Window

NUMBERS = ("min", "max", "mean", "std", "first", "last")
COUNTED = ("start", "end", "made", "variable", "count")
DATED = ("start", "end", "made", "variable", "unit", "count")
_STANDARD = (20 * DAY // 24, 28 * DAY // 24)  # a calendar day lasts 23 to 25 hours


def trend_of_rows(variable: str, rows: pa.Table) -> Trend:
    """The trend that the rows of a variable's windows make: those with a sample."""
    rows = _windows(kept(rows, numbers(rows["count"]) > 0))
    units = texts(rows, "unit")
    return Trend(
        variable,
        str(units[-1]) if len(units) else "",
        start=numbers(rows["start"]),
        end=numbers(rows["end"]),
        count=numbers(rows["count"]),
        **{name: floats(rows, name) for name in NUMBERS},
        units=units,
        imported=np.zeros(rows.num_rows, dtype=bool),
        elements=matrix(rows, "element_mean"),
        spreads=matrix(rows, "element_std"),
    )


def counts_of_rows(parts: Sequence[pa.Table], window: Window) -> Times:
    """The samples of each of a variable's windows that ended before `window` did: int64[n]."""
    if not parts:
        return np.zeros(0, np.int64)
    rows = unified(list(parts))
    start, end = numbers(rows["start"]), numbers(rows["end"])
    earlier = (end <= window.end_ns) & ~((start == window.start_ns) & (end == window.end_ns))
    return numbers(_windows(kept(rows, earlier))["count"])


def _windows(rows: pa.Table) -> pa.Table:
    """The latest row of each window, of windows that do not overlap."""
    start, end = numbers(rows["start"]), numbers(rows["end"])
    order = latest(start, end, numbers(rows["made"])).astype(np.int64)
    rows, start, end = rows.take(array(order)), start[order], end[order]
    return rows.take(array(np.array(_apart(start, end), dtype=np.int64)))


def by_variable(rows: pa.Table) -> dict[str, pa.Table]:
    """The rows of each variable, in their order."""
    if not rows.num_rows:
        return {}
    rows = rows.combine_chunks()
    column = rows["variable"].chunk(0)
    codes = numbers(column.indices)
    order = np.argsort(codes, kind="stable")
    rows = rows.take(array(order.astype(np.int64)))
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    bounds = [0, *cuts.tolist(), len(order)]
    names = column.dictionary.to_pylist()
    return {
        names[codes[order[first]]]: rows.slice(first, stop - first)
        for first, stop in pairwise(bounds)
    }


def last_units(rows: pa.Table, window: Window, since: int) -> dict[str, str]:
    """The unit of the last point that each variable's trend has before the end of `window`.

    `rows` are all windows that began at `since` or later. Left out is every variable of which they
    do not tell it for sure: whose last window is no day, has no unit, or may overlap another.
    """
    start, end = numbers(rows["start"]), numbers(rows["end"])
    length = end - start
    days = (numbers(rows["count"]) > 0) & (length >= _STANDARD[0]) & (length <= _STANDARD[1])
    rows = kept(rows, days)
    start, end, made = (numbers(rows[name]) for name in DATED[:3])
    early = (end <= window.end_ns) & ~((start == window.start_ns) & (end == window.end_ns))
    names, units = texts(rows, "variable"), texts(rows, "unit")
    before: dict[str, tuple[int, int]] = {}  # the window before, and until when those before reach
    reach: dict[str, int] = {}
    found: dict[str, str] = {}
    for i in np.lexsort((made, end, start)):
        name, at = names[i], (int(start[i]), int(end[i]))
        known = before.get(name, (since, since + _STANDARD[1]))
        if known != at:  # of the same window the one made last counts
            reach[name] = max(reach.get(name, known[1]), known[1])
        before[name] = at
        if early[i]:
            found[name] = units[i] if reach[name] <= at[0] else ""
    return {name: unit for name, unit in found.items() if unit}


def _apart(start: Times, end: Times) -> list[int]:
    """Indices of windows that do not overlap: days first, then the shortest."""
    length = end - start
    days = (length >= _STANDARD[0]) & (length <= _STANDARD[1])
    if len(start) and bool(days.any()):
        first = np.flatnonzero(days)
        if len(first) == len(start) and (start[1:] >= end[:-1]).all():
            return [int(i) for i in first]
        # other windows fill what no day covers, and online windows of days to come do not
        return sorted(_greedy(start, end, [*first]))
    if (start[1:] >= end[:-1]).all():
        return list(range(len(start)))
    return sorted(_greedy(start, end, list(np.lexsort((start, length)))))


def _greedy(start: Times, end: Times, order: Sequence[int]) -> Iterator[int]:
    begun: list[int] = []
    ended: list[int] = []
    for i in order:
        at = bisect.bisect_left(begun, start[i])
        if at < len(begun) and begun[at] < end[i]:
            continue
        if at and ended[at - 1] > start[i]:
            continue
        begun.insert(at, int(start[i]))
        ended.insert(at, int(end[i]))
        yield int(i)


def joined(own: Trend, brought: Trend) -> Trend:
    """Reports and imports in order of time; where both know a time, the report."""
    at = np.searchsorted(own.start, brought.start, side="right") - 1
    covered = (at >= 0) & (brought.start < own.end[np.maximum(at, 0)]) if len(own) else None
    if covered is not None:
        brought = brought.where(~covered)
    parts = [trend for trend in (own, brought) if len(trend)]
    width = max((t.elements.shape[1] for t in parts if t.elements is not None), default=0)
    columns = {
        name: np.concatenate([getattr(trend, name) for trend in parts])
        for name in (*TREND[1:3], *TREND[6:13], "units", "imported")
    }
    order = np.argsort(columns["start"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    units = columns["units"]
    return Trend(
        own.variable,
        str(units[-1]),
        **columns,
        elements=_stacked([t.elements for t in parts], parts, width, order),
        spreads=_stacked([t.spreads for t in parts], parts, width, order),
    )


def _stacked(
    found: list[Floats | None], parts: list[Trend], width: int, order: NDArray[np.intp]
) -> Floats | None:
    if not width:
        return None
    rows = []
    for one, trend in zip(found, parts, strict=True):
        block = np.full((len(trend), width), np.nan)
        if one is not None:
            block[:, : one.shape[1]] = one
        rows.append(block)
    return np.concatenate(rows)[order]
