"""Large questions in several: by variables and by time, before asking and when refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from oaflib.errors import QueryRefused
from oaflib.series import Series, Variable
from oaflib.sources.connection import Connection
from oaflib.window import Window, moment

Answer = tuple[Variable, list[Series] | QueryRefused]
_MOST = 200  # variables asked of the source at once


def asked_for(
    connection: Connection,
    variables: Sequence[Variable],
    window: Window,
    points: Mapping[str, int],
) -> Iterator[Answer]:
    """Each variable with its pieces, or with the refusal that was left of it.

    `points` says how many each has, as far as known: a question is about so many variables as have
    ``request`` points together, and about a part of the window where one alone has more. A refused
    question is halved, by variables, then by time, down to the span ``least``.

    Raises
    ------
    SpentSeconds, SourceUnavailable
        Of the variables not yet yielded nothing is known.
    """
    for group in _groups(variables, points, connection.budget.request):
        connection.spent()
        if len(group) == 1:
            yield group[0], _alone(connection, group[0], window, points.get(group[0].name, 0))
        else:
            yield from _together(connection, group, window)


def spans_of(window: Window, count: int) -> Iterator[Window]:
    """The window in `count` parts of about equal length, to the microsecond."""
    width = (window.end_ns - window.start_ns) / count
    cuts = [moment(window.start_ns + round(width * i)) for i in range(1, count)]
    for start, end in zip([window.start, *cuts], [*cuts, window.end], strict=True):
        if start < end:
            yield replace(window, start=start, end=end)


def _groups(
    variables: Sequence[Variable], points: Mapping[str, int], most: int
) -> Iterator[list[Variable]]:
    group: list[Variable] = []
    held = 0
    for variable in variables:
        size = points.get(variable.name, 0)
        if group and (len(group) >= _MOST or held + size > most):
            yield group
            group, held = [], 0
        group.append(variable)
        held += size
    if group:
        yield group


def _together(
    connection: Connection, group: Sequence[Variable], window: Window
) -> Iterator[Answer]:
    """A refused group is halved until one variable is left."""
    left = {variable.name: variable for variable in group}
    try:
        for name, pieces in groupby(connection.read(group, window), key=lambda piece: piece.name):
            whole = list(pieces)  # before the pop: a refusal here must leave the variable to ask
            # pop: a variable that comes twice, or was never asked for, is the source's mistake
            yield left.pop(name), whole
        for variable in left.values():
            yield variable, []
    except QueryRefused:
        rest = list(left.values())
        if len(rest) == 1:
            yield rest[0], _alone(connection, rest[0], window, 0)
            return
        half = len(rest) // 2
        yield from _together(connection, rest[:half], window)
        yield from _together(connection, rest[half:], window)


def _alone(
    connection: Connection, variable: Variable, window: Window, points: int
) -> list[Series] | QueryRefused:
    """One variable, in as many parts as its points need; each halved when refused."""
    try:
        return list(streamed(connection, variable, window, points))
    except QueryRefused as refusal:
        return refusal


def streamed(
    connection: Connection, variable: Variable, window: Window, points: int
) -> Iterator[Series]:
    """The pieces of one variable, asked for in parts, in order of time.

    Raises
    ------
    QueryRefused
        Also for the span ``least`` of its time.
    """
    for part in spans_of(window, max(1, -(-points // connection.budget.request))):
        yield from _halved(connection, variable, part)


def _halved(connection: Connection, variable: Variable, window: Window) -> Iterator[Series]:
    try:
        yield from list(connection.read([variable], window))
    except QueryRefused as refusal:
        if window.duration <= connection.budget.least:
            raise QueryRefused(
                f"{refusal} (also for {window.duration.total_seconds():g} s of its time)"
            ) from refusal
        connection.spent()
        for half in spans_of(window, 2):
            yield from _halved(connection, variable, half)
