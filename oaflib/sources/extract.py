"""Extract: what a dataset asks for, from its source, into the run's records on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.errors import ConfigurationError, QueryRefused
from oaflib.expression import compile_expression, field_of
from oaflib.records import (
    Entry,
    Records,
    RecordsWriter,
    State,
    count_odd,
    open_records,
    value_bytes,
)
from oaflib.series import Kind, Series, Values, Variable, nothing, stack
from oaflib.sources.base import KeepsSnapshots, KnowsLast, Source
from oaflib.window import Window

_BATCH = 200  # variables asked of the source at once


@dataclass(frozen=True)
class Selection:
    """What a dataset's names stand for in a source: variables found, and names it does not know."""

    variables: tuple[Variable, ...]
    absent: Mapping[str, str]


def extract(dataset: Dataset, window: Window, source: Source, folder: Path) -> Records:
    """Write the dataset's records of `window` into `folder` and open them.

    Every variable asked for is a key. Series are in order of time, without exact duplicates; NaN
    and infinities stay and are counted.

    Raises
    ------
    SourceUnavailable
        The source does not answer: nothing is known, so nothing is concluded.
    ConfigurationError
        The dataset names no variables, and the source keeps no snapshot for it.
    """
    selection = select(dataset, source)
    with RecordsWriter(folder, window, type(source).__name__) as records:
        for name, reason in selection.absent.items():
            records.missing(Entry(Variable(name), State.ABSENT, reason=reason))
        for first in range(0, len(selection.variables), _BATCH):
            batch = selection.variables[first : first + _BATCH]
            before = _before(source, batch, window)
            for variable, pieces in _pieces(source, batch, window):
                if isinstance(pieces, QueryRefused):
                    entry = Entry(variable, State.FAILED, reason=str(pieces))
                    records.missing(entry)
                    continue
                series, entry = normalise(variable, pieces, window)
                records.add(series, replace(entry, before=before.get(variable.name)))
    return open_records(folder)


def select(dataset: Dataset, source: Source) -> Selection:
    """The variables a dataset asks for, each once, in the dataset's order.

    Raises
    ------
    ConfigurationError
        No variables named, and no snapshot of that name in the source.
    """
    found: dict[str, Variable] = {}
    absent: dict[str, str] = {}
    for choice in _choices(dataset, source):
        matches = source.find(choice.name)
        if not matches:
            pattern = "%" in choice.name
            absent[choice.name] = (
                f"no variable matches '{choice.name}'"
                if pattern
                else "the source has no such variable"
            )
        for variable in matches:
            title = choice.title or variable.title
            found.setdefault(variable.name, replace(variable, title=title))
    for variable in _for_gates(dataset, list(found), source):
        found.setdefault(variable.name, variable)
    return Selection(tuple(found.values()), absent)


def _for_gates(dataset: Dataset, names: Sequence[str], source: Source) -> Iterator[Variable]:
    """What gates name and the dataset does not list: the one variable of that name or field.

    ``BMODE`` is the field of ``HX:BMODE``. A name that no variable has, or several, is left to the
    gate, which says so.
    """
    parts = (*dataset.computations, *dataset.checks, *dataset.plots)
    for gate in dict.fromkeys(getattr(part, "gate", "") for part in parts):
        if not gate:
            continue
        expression = compile_expression(gate)
        for name in expression.names:
            if name in names or name in map(field_of, names):
                continue
            found = source.find(name if name in expression.quoted else f"%:{name}")
            if len(found) == 1:
                yield found[0]


def normalise(variable: Variable, pieces: Iterable[Series], window: Window) -> tuple[Series, Entry]:
    """One series of `pieces`: in order of time, cut to the window, exact duplicates removed."""
    pieces = list(pieces)
    kept = [piece for piece in pieces if len(piece)]
    if not kept:
        return nothing(variable), Entry(variable, State.EMPTY)
    units = tuple(dict.fromkeys(piece.unit for piece in kept))
    last = max(kept, key=lambda piece: int(piece.time[-1]))
    variable = replace(variable, unit=last.unit)
    time = np.concatenate([piece.time for piece in kept])
    value = _concatenate([piece.value for piece in kept], variable.kind)
    unordered = int(np.count_nonzero(np.diff(time) < 0))
    if unordered:
        order = np.argsort(time, kind="stable")
        time, value = time[order], value[order]
    first, stop = np.searchsorted(time, [window.start_ns, window.end_ns])
    time, value = time[first:stop], value[first:stop]
    repeated, conflicts = _repeated(time, value)
    duplicates = int(repeated.sum())
    if duplicates:
        time, value = time[~repeated], value[~repeated]
    series = Series(variable.name, variable.kind, variable.unit, time, value, variable.title)
    nan, inf = count_odd(series)
    return series, Entry(
        variable,
        State.LOGGED if len(series) else State.EMPTY,
        count=len(series),
        nan=nan,
        inf=inf,
        duplicates=duplicates,
        conflicts=conflicts,
        unordered=unordered,
        nbytes=value_bytes(series),
        units=units if len(units) > 1 else (),
    )


def _choices(dataset: Dataset, source: Source) -> Sequence[VariableChoice]:
    if dataset.variables:
        return dataset.variables
    if not isinstance(source, KeepsSnapshots):
        raise ConfigurationError(
            f"dataset {dataset.id} names no variables, and its source keeps no snapshots"
        )
    saved = source.snapshots(dataset.snapshot)
    if not saved:
        raise ConfigurationError(
            f"dataset {dataset.id} has no file config/datasets/{dataset.id}.toml with variables, "
            f"and its source keeps no snapshot '{dataset.snapshot}'"
        )
    return [VariableChoice(name) for name in saved[0].variables]


def _pieces(
    source: Source, batch: Sequence[Variable], window: Window
) -> Iterator[tuple[Variable, list[Series] | QueryRefused]]:
    """Each variable with its pieces; a refused batch is halved until one variable is left."""
    try:
        by_name = {variable.name: variable for variable in batch}
        for name, pieces in groupby(source.read(batch, window), key=lambda piece: piece.name):
            whole = list(pieces)  # before the pop: a refusal here must leave the variable to ask
            # pop: a variable that comes twice, or was never asked for, is the source's mistake
            yield by_name.pop(name), whole
        for variable in by_name.values():
            yield variable, []
    except QueryRefused as refusal:
        left = list(by_name.values())
        if len(left) == 1:
            yield left[0], refusal
            return
        half = len(left) // 2
        yield from _pieces(source, left[:half], window)
        yield from _pieces(source, left[half:], window)


def _before(
    source: Source, batch: Sequence[Variable], window: Window
) -> dict[str, tuple[int, float | str]]:
    """The value each scalar had when the window began, from sources that know it."""
    scalars = [entry for entry in batch if entry.kind in (Kind.NUMERIC, Kind.TEXTUAL)]
    if not scalars or not isinstance(source, KnowsLast):
        return {}
    last = source.last_before(scalars, window.start_ns)
    return {
        name: (
            int(series.time[-1]),
            series.value[-1].item() if series.kind is Kind.NUMERIC else str(series.value[-1]),
        )
        for name, series in last.items()
        if len(series)
    }


def _concatenate(values: list[Values], kind: Kind) -> Values:
    if len(values) == 1:
        return values[0]
    if kind in (Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC):
        samples = [sample for value in values for sample in value]
        return stack(samples, ndim=1 if kind is Kind.VECTORNUMERIC else 2)
    return np.concatenate(values)


def _repeated(time: NDArray[np.int64], value: Values) -> tuple[NDArray[np.bool_], int]:
    """Which samples repeat an earlier one exactly, and how many differ at the same time."""
    repeated = np.zeros(len(time), dtype=bool)
    (same,) = np.nonzero(time[1:] == time[:-1])
    if not len(same):
        return repeated, 0
    if value.ndim == 1 and value.dtype != object:
        # runs of one time may hold several values: compare with each earlier one of the run
        order = np.lexsort((value, time))
        ordered_time, ordered = time[order], value[order]
        equal = (ordered[1:] == ordered[:-1]) | (np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))
        twin = (ordered_time[1:] == ordered_time[:-1]) & equal
        repeated[order[1:][twin]] = True
    else:
        for later in same + 1:
            earlier = later - 1
            while earlier >= 0 and time[earlier] == time[later] and not repeated[later]:
                repeated[later] = _equal(value[earlier], value[later])
                earlier -= 1
    return repeated, len(same) - int(repeated.sum())


def _equal(one: object, other: object) -> bool:
    numbers = isinstance(one, np.ndarray) and one.dtype.kind == "f"
    return bool(np.array_equal(one, other, equal_nan=numbers))  # type: ignore[arg-type]
