"""All computations of a dataset, in order, each failure kept to its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oaflib.errors import OafError
from oaflib.records import Entry, Records, State
from oaflib.series import Series, Variable


@dataclass(frozen=True)
class Trouble:
    """A computed variable that could not be made, and why, in one sentence."""

    name: str
    reason: str


def run_computations(
    computations: Iterable[Any], records: Records
) -> tuple[Records, list[Trouble]]:
    """The records with what `computations` make beside them, and what could not be made.

    In order, so that a later one may use what an earlier one made. A variable that could not be
    made is there all the same, empty and FAILED with the reason: never missing, never fine.
    """
    troubles: list[Trouble] = []
    for computation in computations:
        for one in _expanded(computation, records, troubles):
            names = tuple(getattr(one, "made_names", ())) or (str(getattr(one, "name", "")),)
            try:
                with np.errstate(all="ignore"):  # what overflows becomes NaN
                    made = _checked(one.compute(records), records)
            except Exception as error:
                reason = _reason(error)
                troubles += [Trouble(name, reason) for name in names]
                records = _failed(records, names, reason)
                continue
            records = records.with_series(made)
            _explain_empty(one, made, records)
    return records, troubles


def _expanded(computation: Any, records: Records, troubles: list[Trouble]) -> Sequence[Any]:
    """The computation for each variable it is for; a plug-in without patterns is itself."""
    if not hasattr(computation, "expanded"):
        return [computation]
    try:
        return list(computation.expanded(records))
    except Exception as error:
        troubles.append(Trouble(computation.name, _reason(error)))
        return []


def _checked(made: Any, records: Records) -> list[Series]:
    """What a computation returned, when it is what it should be."""
    series = list(made)
    for one in series:
        if not isinstance(one, Series):
            raise TypeError(f"it returned a {type(one).__name__}, not a list of Series")
        if one.name in records:
            what = "computed" if records.entries[one.name].computed else "logged"
            raise ValueError(f"'{one.name}' is a {what} variable already; choose another name")
    names = [one.name for one in series]
    if len(set(names)) < len(names):
        raise ValueError(f"it made one name twice: {', '.join(names)}")
    return series


def _failed(records: Records, names: Sequence[str], reason: str) -> Records:
    """The records with `names` as FAILED, where they are not something else already."""
    failed = records.with_series([])
    for name in names:
        if name and name not in failed.entries:
            entry = Entry(Variable(name), State.FAILED, reason=reason, computed=True)
            failed.entries[name] = entry
    return failed


def _explain_empty(computation: Any, made: Sequence[Series], records: Records) -> None:
    """Say of an empty variable why it is: an input that was not logged."""
    silent = [
        name
        for name in getattr(computation, "inputs_named", ())
        if name in records and records.entries[name].state is State.EMPTY
    ]
    if not silent:
        return
    for one in made:
        if not len(one):
            entry = records.entries[one.name]
            reason = f"computed from {', '.join(silent)}, which was not logged"
            records.entries[one.name] = replace(entry, reason=reason)


def _reason(error: Exception) -> str:
    if isinstance(error, (OafError, ValueError)):
        return str(error)
    if isinstance(error, MemoryError):
        return "too large for the memory"
    return f"it failed with {type(error).__name__}: {error}"
