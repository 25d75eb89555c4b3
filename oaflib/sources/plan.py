"""Before reading: how much there is, and what of it is beyond the report's budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oaflib.errors import QueryRefused
from oaflib.records import Entry
from oaflib.series import Kind, Variable
from oaflib.sources.coarsen import COARSENED
from oaflib.sources.connection import Connection
from oaflib.window import Window

_BATCH = 200
_WIDE = 100_000  # elements a vector might have, as long as nobody knows


@dataclass(frozen=True)
class Plan:
    """What is read in full, at low resolution, and not at all.

    Attributes
    ----------
    points : of each variable whose number is known; see `Budget.points`.
    low : names of those read at low resolution. refused : names of those not read, and why.
    """

    points: Mapping[str, int] = field(default_factory=dict)
    low: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)

    def in_full(self, variable: Variable) -> bool:
        """Whether all samples of it are read, and their number is known."""
        name = variable.name
        return name in self.points and name not in self.low and name not in self.refused


def planned(
    connection: Connection,
    variables: Sequence[Variable],
    window: Window,
    known: Mapping[str, int],
) -> Plan:
    """The plan for `variables`; those whose points are not `known` are counted by the source.

    Raises
    ------
    SourceUnavailable
        It does not answer.
    """
    unknown = [variable for variable in variables if variable.name not in known]
    points = {**known, **(counted(connection, unknown, window) if unknown else {})}
    return within(connection, variables, points)


def within(
    connection: Connection, variables: Sequence[Variable], points: Mapping[str, int]
) -> Plan:
    """The plan by these `points`: the largest variables go first, until the rest fits."""
    budget = connection.budget
    left = sum(points.values())
    low: set[str] = set()
    refused: dict[str, str] = {}
    largest = sorted(variables, key=lambda variable: -points.get(variable.name, 0))
    for can_coarsen in (True, False):
        for variable in largest:
            size = points.get(variable.name, 0)
            coarse = variable.kind in COARSENED
            if left <= budget.points or coarse is not can_coarsen:
                continue
            if coarse and size <= 2 * budget.buckets:
                continue  # would be no smaller
            left -= size
            if coarse and budget.over == "coarsen":
                low.add(variable.name)
            else:
                refused[variable.name] = beyond(connection, variable, size)
    return Plan(points, frozenset(low), refused)


def beyond(connection: Connection, variable: Variable, points: int) -> str:
    """Why a variable was not read."""
    place = f"[sources.{connection.place.name}.budget]"
    why = "" if variable.kind in COARSENED else f", and {variable.kind} has no low resolution"
    return (
        f"not read: {points:,} points are beyond the {connection.budget.points:,} that this report "
        f"may ask of {connection.place.name}{why}; ask for less, or raise points in {place} or in "
        "the dataset's [budget]"
    )


def counted(
    connection: Connection, variables: Sequence[Variable], window: Window
) -> dict[str, int]:
    """The points of the variables that the source can count cheaply.

    By a bound where that is within the budget already. A vector's samples count by the size of the
    last one before the window, where that matters and the source knows it.
    """
    kinds = getattr(connection.source, "counted", tuple(Kind))
    cheap = [variable for variable in variables if variable.kind in kinds]
    points = _widened(connection, cheap, window, connection.bound(cheap, window))
    if points and sum(points.values()) <= connection.budget.points:
        return points
    points = {}
    for first in range(0, len(cheap), _BATCH):
        try:
            points |= connection.count(cheap[first : first + _BATCH], window)
        except QueryRefused:
            continue  # too much even to count: read one by one, as those nobody can count
    return _widened(connection, cheap, window, points)


def _widened(
    connection: Connection,
    variables: Sequence[Variable],
    window: Window,
    samples: Mapping[str, int],
) -> dict[str, int]:
    """`samples` as points: those of vectors times the size of the last one before the window."""
    points = dict(samples)
    vectors = [
        variable
        for variable in variables
        if variable.kind is Kind.VECTORNUMERIC and points.get(variable.name)
    ]
    most = sum(points[variable.name] for variable in vectors) * _WIDE
    if not vectors or sum(points.values()) + most <= connection.budget.points:
        return points
    try:
        last = connection.last_before(vectors, window.start_ns)
    except QueryRefused:
        return points
    for name, series in last.items():
        if len(series):
            points[name] *= max(1, len(series.value[-1]))
    return points


def weight(entry: Entry) -> int:
    """The points of a variable that was read."""
    if entry.variable.kind is Kind.VECTORNUMERIC:
        return max(entry.count, entry.nbytes // 8)
    return entry.count
