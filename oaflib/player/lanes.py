"""What is drawn of each variable: the envelope of its samples, or the states of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.checks import Check
from oaflib.checks.room import selected
from oaflib.player.limits import LINES
from oaflib.plots.envelope import envelope
from oaflib.records import Records, State
from oaflib.series import Kind, Series

COLUMNS = 4_096
_MOST_BYTES = 2_000_000_000  # of a variable, beyond which it is not drawn
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lane:
    """One variable over the window.

    Attributes
    ----------
    low, high : float32[COLUMNS], least and greatest value in each column of the window; NaN where
        there is none. Of vectors and images over all elements.
    states : of a text, (seconds from the start, to, text) of each stretch.
    limits : (number of the check, key) of each limit to draw.
    absent : why there is nothing, in words.
    """

    name: str
    title: str
    unit: str
    low: Floats32 | None = None
    high: Floats32 | None = None
    states: tuple[tuple[float, float, str], ...] = ()
    limits: tuple[tuple[int, str], ...] = ()
    absent: str = ""

    def document(self) -> dict[str, Any]:
        """Plain JSON values; the envelope goes beside, as bytes."""
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "kind": "states" if self.states else ("line" if self.low is not None else "nothing"),
            "states": [list(state) for state in self.states],
            "limits": [list(limit) for limit in self.limits],
            "absent": self.absent,
        }


def lanes(records: Records, checks: Sequence[Check], names: Sequence[str] = ()) -> tuple[Lane, ...]:
    """A lane for each of `names` (empty: every variable), in the order of the records."""
    lines: dict[str, list[tuple[int, str]]] = {}
    for number, check in enumerate(checks):
        keys = [key for key in LINES if isinstance(getattr(check, key, None), (int, float))]
        if keys:
            for name in selected(check, records.entries)[0]:
                lines.setdefault(name, []).extend((number, key) for key in keys)
    return tuple(
        lane(records, name, tuple(lines.get(name, ())))
        for name in (names or list(records))
        if name in records
    )


def lane(records: Records, name: str, limits: tuple[tuple[int, str], ...] = ()) -> Lane:
    """The lane of one variable."""
    entry = records.entries[name]
    head = (name, entry.variable.title, entry.variable.unit)
    if entry.state is not State.LOGGED:
        words = {State.EMPTY: "nothing logged", State.ABSENT: "no such variable"}
        return Lane(*head, absent=words.get(entry.state, "the request failed"))
    if entry.nbytes > _MOST_BYTES:
        return Lane(*head, absent=f"{entry.nbytes / 1e9:.0f} GB: too much to draw here")
    series = records[name]
    start, end = records.window.start_ns, records.window.end_ns
    if series.kind is Kind.TEXTUAL:
        return Lane(*head, states=_states(series, start, end))
    if not series.kind.numeric:
        return Lane(*head, absent=f"{len(series)} lists of texts")
    low, high = _extremes(series)
    first = envelope(series.time, low, start, end, COLUMNS)
    second = first if high is low else envelope(series.time, high, start, end, COLUMNS)
    return Lane(
        *head,
        low=_spread(first.column, first.low),
        high=_spread(second.column, second.high),
        limits=limits,
    )


def _spread(column: NDArray[np.int64], value: NDArray[np.float64]) -> Floats32:
    whole = np.full(COLUMNS, np.nan, np.float32)
    with np.errstate(over="ignore"):
        whole[column] = value
    return whole


def _extremes(series: Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest element of each sample; the same array for numbers."""
    value: Any = series.value
    if value.ndim == 1 and value.dtype != object:
        plain = value.astype(np.float64, copy=False)
        return plain, plain
    if value.dtype == object:
        pairs = [_reach(np.asarray(sample, np.float64)) for sample in value]
        return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    flat = value.reshape(len(value), -1)
    if not flat.shape[1]:
        nothing = np.full(len(value), np.nan)
        return nothing, nothing
    return (
        np.fmin.reduce(flat, axis=1).astype(np.float64),
        np.fmax.reduce(flat, axis=1).astype(np.float64),
    )


def _reach(sample: NDArray[np.float64]) -> tuple[float, float]:
    finite = sample[np.isfinite(sample)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)


def _states(series: Series, start: int, end: int) -> tuple[tuple[float, float, str], ...]:
    """The stretches of one text, at most a thousand: beyond, short ones join the one before."""
    value: Any = series.value
    changes = np.flatnonzero(np.append(True, value[1:] != value[:-1]))
    bounds = np.append(series.time[changes], end)
    found = [
        ((int(a) - start) / 1e9, (int(b) - start) / 1e9, str(value[i]))
        for i, a, b in zip(changes, bounds[:-1], bounds[1:], strict=True)
    ]
    if len(found) > 1_000:
        least = (end - start) / 1e9 / 1_000
        kept = [found[0]]
        for state in found[1:]:
            if state[0] - kept[-1][0] >= least:
                kept[-1] = (kept[-1][0], state[0], kept[-1][2])
                kept.append(state)
        found = [*kept[:-1], (kept[-1][0], (end - start) / 1e9, kept[-1][2])]
    return tuple(found)
