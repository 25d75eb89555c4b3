"""Variables at low resolution: the extremes and the means of parts of the window, true numbers.

By the source itself where it can; else the samples are read part by part and forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

import numpy as np

from oaflib.errors import QueryRefused
from oaflib.records import Entry, State, count_odd
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Variable, nothing, stack, value_bytes
from oaflib.sources.base import Envelopes, ReducesStatistics, Scales
from oaflib.sources.connection import Connection
from oaflib.sources.embedded.reduce import Reduction
from oaflib.sources.envelope import bucket_width, envelope_of
from oaflib.sources.split import streamed
from oaflib.window import Window, moment

_ROUND = (*(1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600), 86_400)
COARSENED = (Kind.NUMERIC, Kind.VECTORNUMERIC)


@dataclass(frozen=True)
class Coarse:
    """A variable at low resolution: its extremes, its entry, its means (None: unknown)."""

    series: Series
    entry: Entry
    mean: Series | None = None


Answer = tuple[Variable, Coarse | QueryRefused]


def coarsened(
    connection: Connection, variables: Sequence[Variable], window: Window, points: Mapping[str, int]
) -> Iterator[Answer]:
    """The variables at low resolution, each once; what the source reduces itself in one question.

    A NUMERIC variable gives the least and the greatest sample of each part; a VECTORNUMERIC one the
    least and the greatest of each element, of parts whose vectors have one length.

    Raises
    ------
    SpentSeconds, SourceUnavailable
        Of the variables not yet yielded nothing is known.
    """
    reduces = connection.offers(Envelopes) or (
        connection.offers(Scales) and connection.offers(ReducesStatistics)
    )
    together = [one for one in variables if reduces and one.kind is Kind.NUMERIC]
    if together:
        yield from _together(connection, together, window, points)
    for variable in variables:
        if variable not in together:
            yield variable, _alone(connection, variable, window, points)


def _together(
    connection: Connection, variables: Sequence[Variable], window: Window, points: Mapping[str, int]
) -> Iterator[Answer]:
    """By the source; what it refuses is halved, and read part by part in the end."""
    connection.spent()
    try:
        if connection.offers(Envelopes):
            made = _enveloped(connection, variables, window)
        else:
            made = _scaled(connection, variables, window)
    except QueryRefused:
        if len(variables) == 1:
            yield variables[0], _alone(connection, variables[0], window, points)
            return
        half = len(variables) // 2
        yield from _together(connection, variables[:half], window, points)
        yield from _together(connection, variables[half:], window, points)
        return
    yield from zip(variables, made, strict=True)


def _alone(
    connection: Connection, variable: Variable, window: Window, points: Mapping[str, int]
) -> Coarse | QueryRefused:
    connection.spent()
    try:
        return _here(connection, variable, window, points.get(variable.name, 0))
    except QueryRefused as refusal:
        return refusal


def _enveloped(
    connection: Connection, variables: Sequence[Variable], window: Window
) -> list[Coarse]:
    source = connection.source
    assert isinstance(source, Envelopes)
    buckets = connection.budget.buckets
    found = _each(connection.counted(source.envelope(variables, window, buckets)), variables)
    means: dict[str, Series] = {}
    if isinstance(source, Scales):
        bucket = _whole_seconds(window, buckets)
        means = _each(connection.counted(source.scaled(variables, window, bucket)), variables)
    numbers = _numbers(connection, variables, window)
    return [
        _made(series, means.get(name), numbers.get(name), window, buckets)
        for name, series in found.items()
    ]


def _scaled(connection: Connection, variables: Sequence[Variable], window: Window) -> list[Coarse]:
    """From a source that scales: the extremes stand at a quarter and three quarters of a part."""
    source = connection.source
    assert isinstance(source, Scales)
    buckets = connection.budget.buckets
    bucket = _whole_seconds(window, buckets)
    lows, means, highs = (
        _each(connection.counted(source.scaled(variables, window, bucket, way)), variables)
        for way in ("MIN", "AVG", "MAX")
    )
    numbers = _numbers(connection, variables, window)
    quarter = bucket // timedelta(microseconds=4) * 1000
    made = []
    for name, low in lows.items():
        high = highs[name]
        time = np.concatenate([low.time + quarter, high.time + 3 * quarter])
        order = np.argsort(time, kind="stable")
        value = np.concatenate([low.value, high.value])[order]
        inside = time[order] < window.end_ns
        series = replace(low, time=time[order][inside], value=value[inside])
        coarse = _made(series, means[name], numbers.get(name), window, buckets)
        width = bucket // timedelta(microseconds=1) * 1000
        resolution = width if len(series) else 0
        made.append(replace(coarse, entry=replace(coarse.entry, resolution=resolution)))
    return made


def _here(connection: Connection, variable: Variable, window: Window, points: int) -> Coarse:
    """From the samples, of which one part at a time is in memory."""
    buckets = connection.budget.buckets
    width = -(-bucket_width(window, buckets) // 1000) * 1000  # windows end on microseconds
    parts = max(1, -(-points // connection.budget.request))
    each = -(-buckets // parts)  # parts of the window end where buckets do
    numbers = Reduction(variable)
    lows: list[Series] = []
    means: list[Series] = []
    count = 0
    for first in range(0, buckets, each):
        span = _buckets(window, width, first, first + each)
        if span is None:
            break
        pieces = [p for p in streamed(connection, variable, span, 0) if len(p)]
        if not pieces:
            continue
        whole = _joined(variable, pieces)
        count += len(whole)
        if variable.kind is Kind.NUMERIC:
            numbers.add(whole)
            lows.append(envelope_of(whole, span, -(-(span.end_ns - span.start_ns) // width)))
            means.append(_means(whole, window.start_ns, width))
        else:
            low, mean = _elements(whole, window.start_ns, width)
            lows.append(low)
            means.append(mean)
    if not lows:
        return Coarse(nothing(variable), Entry(variable, State.EMPTY))
    found = numbers.statistics() if variable.kind is Kind.NUMERIC else None
    series = _joined(variable, lows)
    made = _made(series, _joined(variable, means), found, window, buckets)
    return replace(made, entry=_said(made.entry, connection, variable.name, count))


def _said(entry: Entry, connection: Connection, name: str, count: int) -> Entry:
    quality = connection.quality(name)
    reduced = entry.reduced or {"count": count}
    return replace(
        entry, reduced=reduced, invalid=quality.invalid, warned=quality.warned,
        disconnects=quality.disconnects, note=quality.reason,
    )  # fmt: skip


def _made(
    series: Series, mean: Series | None, numbers: Statistics | None, window: Window, buckets: int
) -> Coarse:
    variable = Variable(series.name, series.kind, series.unit, series.title)
    if not len(series):
        return Coarse(series, Entry(variable, State.EMPTY))
    nan, inf = count_odd(series)
    entry = Entry(
        variable,
        State.LOGGED,
        count=len(series),
        nan=nan if numbers is None else numbers.nan,
        inf=inf if numbers is None else numbers.inf,
        duplicates=0 if numbers is None else numbers.duplicates,
        nbytes=value_bytes(series),
        resolution=bucket_width(window, buckets),
        reduced=None if numbers is None else numbers.document(),
    )
    return Coarse(series, entry, mean)


def _numbers(
    connection: Connection, variables: Sequence[Variable], window: Window
) -> dict[str, Statistics]:
    source = connection.source
    if not isinstance(source, ReducesStatistics):
        return {}
    with connection.timed():
        return {found.variable: found for found in source.statistics(variables, window)}


def _each(answer: Iterator[Series], variables: Sequence[Variable]) -> dict[str, Series]:
    """One series of each variable, in their order."""
    pieces: dict[str, list[Series]] = {variable.name: [] for variable in variables}
    for piece in answer:
        if len(piece):
            pieces[piece.name].append(piece)
    return {
        variable.name: _joined(variable, pieces[variable.name])
        if pieces[variable.name]
        else nothing(variable)
        for variable in variables
    }


def _joined(variable: Variable, pieces: Sequence[Series]) -> Series:
    """The pieces as one series in order of time, without exact repetitions of numbers."""
    unit = pieces[-1].unit or variable.unit
    time = np.concatenate([piece.time for piece in pieces])
    if variable.kind is Kind.NUMERIC:
        value = np.concatenate([piece.value for piece in pieces])
    else:
        value = stack([sample for piece in pieces for sample in piece.value], 1)
    order = np.argsort(time, kind="stable")
    return Series(variable.name, variable.kind, unit, time[order], value[order], variable.title)


def _means(series: Series, start: int, width: int) -> Series:
    value = np.asarray(series.value, dtype=np.float64)
    good = np.isfinite(value)
    part = (series.time - start) // width
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    count = np.add.reduceat(good, starts, dtype=np.int64)
    total = np.add.reduceat(np.where(good, value, 0.0), starts)
    some = count > 0
    time = start + part[starts][some] * width + width // 2
    return replace(series, time=time, value=total[some] / count[some])


def _elements(series: Series, start: int, width: int) -> tuple[Series, Series]:
    """Least and greatest of each element a part, and the means; parts of one length of vector."""
    lengths = np.array([len(row) for row in series.value], dtype=np.int64)
    part = (series.time - start) // width
    changed = (np.diff(part, prepend=-1) != 0) | (np.diff(lengths, prepend=-1) != 0)
    cuts = [*np.flatnonzero(changed).tolist(), len(part)]
    times, rows, centres, middles = [], [], [], []
    for first, stop in pairwise(cuts):
        block = np.stack([np.asarray(row, np.float64) for row in series.value[first:stop]])
        block = np.where(np.isfinite(block), block, np.nan)
        known = ~np.isnan(block).all(axis=0)
        low, mean, high = (np.full(block.shape[1], np.nan) for _ in range(3))
        if known.any():
            low[known] = np.nanmin(block[:, known], axis=0)
            high[known] = np.nanmax(block[:, known], axis=0)
            mean[known] = np.nanmean(block[:, known], axis=0)
        times += [int(series.time[first])] + ([int(series.time[stop - 1])] * (stop - first > 1))
        rows += [low] + ([high] * (stop - first > 1))
        centres.append(int(series.time[first] + (series.time[stop - 1] - series.time[first]) // 2))
        middles.append(mean)
    extremes = replace(series, time=np.array(times, np.int64), value=stack(rows, 1))
    return extremes, replace(series, time=np.array(centres, np.int64), value=stack(middles, 1))


def _buckets(window: Window, width: int, first: int, stop: int) -> Window | None:
    """The buckets from `first` to `stop` of the window; None when they lie behind its end."""
    start = window.start_ns + first * width
    end = min(window.start_ns + stop * width, window.end_ns)
    if start >= window.end_ns:
        return None
    return replace(window, start=moment(start), end=moment(end))


def _whole_seconds(window: Window, buckets: int) -> timedelta:
    """A bucket at least as long as one of `buckets`, whose multiples meet the full hour or day.

    Systems that count buckets since 1970 then cut the window where it begins.
    """
    least = -(-bucket_width(window, buckets) // 10**9)
    return timedelta(seconds=next((s for s in _ROUND if s >= least), -(-least // 86_400) * 86_400))
