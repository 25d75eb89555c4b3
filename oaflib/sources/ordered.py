"""The pieces of a variable as one series: in order of time, cut to the window, each sample once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oaflib.records import Entry, State, count_odd
from oaflib.series import Kind, Rows, Series, Values, Variable, nothing, stack, value_bytes
from oaflib.window import Window, moment


def normalise(variable: Variable, pieces: Iterable[Series], window: Window) -> tuple[Series, Entry]:
    """One series of `pieces`: in order of time, cut to the window, exact duplicates removed."""
    pieces = list(pieces)
    kept = [piece for piece in pieces if len(piece)]
    if not kept:
        return nothing(variable), Entry(variable, State.EMPTY)
    units = tuple(dict.fromkeys(piece.unit for piece in kept))
    last = max(kept, key=lambda piece: int(piece.time[-1]))
    variable = replace(variable, unit=last.unit)
    time = kept[0].time if len(kept) == 1 else np.concatenate([piece.time for piece in kept])
    value = _concatenate([piece.value for piece in kept], variable.kind)
    ascending = bool((time[1:] > time[:-1]).all())
    unordered = 0 if ascending else int(np.count_nonzero(time[1:] < time[:-1]))
    if unordered:
        order = np.argsort(time, kind="stable")
        time, value = time[order], value[order]
    first, stop = np.searchsorted(time, [window.start_ns, window.end_ns])
    whole = not unordered and stop - first == len(time)
    time, value = time[first:stop], value[first:stop]
    duplicates = conflicts = 0
    if not ascending:
        repeated, conflicts = _repeated(time, value)
        duplicates = int(repeated.sum())
        if duplicates:
            time, value = time[~repeated], value[~repeated]
    lies: tuple[Rows, ...] = ()
    if whole and not duplicates and all(piece.lies for piece in kept):
        lies = tuple(rows for piece in kept for rows in piece.lies)
    about = (variable.name, variable.kind, variable.unit)
    series = Series(*about, time, value, variable.title, lies)
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


def joined(variable: Variable, parts: Sequence[tuple[Series, Entry]]) -> tuple[Series, Entry]:
    """One series of spans that follow each other, each normalised; what was counted adds up."""
    if len(parts) == 1:
        return parts[0]
    entries = [entry for _, entry in parts]
    series, entry = normalise(variable, [series for series, _ in parts if len(series)], _ALWAYS)
    units = [unit for entry in entries for unit in entry.units or _unit_of(entry)]
    several = tuple(dict.fromkeys(units))

    def total(name: str) -> int:
        return sum(getattr(entry, name) for entry in entries)

    return series, replace(
        entry,
        duplicates=total("duplicates"),
        conflicts=total("conflicts"),
        unordered=total("unordered"),
        invalid=total("invalid"),
        warned=total("warned"),
        disconnects=total("disconnects"),
        note=next((entry.note for entry in reversed(entries) if entry.note), ""),
        units=several if len(several) > 1 else (),
        before=entries[0].before,
    )


_ALWAYS = Window(moment(-(2**62)), moment(2**62), "UTC")


def _unit_of(entry: Entry) -> tuple[str, ...]:
    return (entry.variable.unit,) if entry.count else ()


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
