"""Gates: when a condition held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.expression.evaluate import Frame, evaluate
from oaflib.expression.grammar import Expression, compile_expression
from oaflib.expression.names import bind, notes
from oaflib.expression.value import Sort
from oaflib.records import Records
from oaflib.series import Series, Times

Intervals = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GateIntervals:
    """When a gate was open, and when nobody knows.

    Attributes
    ----------
    text : the gate's expression; empty for no gate, which is always open.
    start, end : the window, int64 ns UTC.
    open : int64[n, 2], half-open, in order, not touching: the condition is true.
    unknown : int64[m, 2], likewise: it cannot be told. The rest of the window it is false.
    notes : a sentence for each input of which nothing is known in the window.
    """

    text: str
    start: int
    end: int
    open: Intervals
    unknown: Intervals
    notes: tuple[str, ...] = ()

    def mask(self, time: Times) -> NDArray[np.bool_]:
        """Which of `time` (int64 ns UTC, any order) lie where the gate is open; bool[n]."""
        return _inside(self.open, time)

    def unknown_mask(self, time: Times) -> NDArray[np.bool_]:
        """Which of `time` lie where it cannot be told; bool[n]."""
        return _inside(self.unknown, time)

    def select(self, series: Series) -> Series:
        """The samples of `series` taken while the gate was open."""
        return series.where(self.mask(series.time))

    @property
    def total(self) -> int:
        """For how long it was open, in ns."""
        return int((self.open[:, 1] - self.open[:, 0]).sum())

    @property
    def total_unknown(self) -> int:
        """For how long it cannot be told, in ns."""
        return int((self.unknown[:, 1] - self.unknown[:, 0]).sum())

    @property
    def always(self) -> bool:
        """Whether it was open for the whole window."""
        return self.total == self.end - self.start

    @property
    def never(self) -> bool:
        """Whether it is known to have been closed for the whole window."""
        return not len(self.open) and not len(self.unknown)

    @property
    def undecided(self) -> bool:
        """Whether it was never open as far as is known, but for some time nobody knows."""
        return not len(self.open) and bool(len(self.unknown))


def open_intervals(
    gate: str | Expression, records: Records, inputs: Mapping[str, str] | None = None
) -> GateIntervals:
    """When `gate` held in the window of `records`; no text, always.

    Samples before the window say what held at its start; without one, what held before the first
    sample is unknown. A variable that is absent, silent or failed makes it unknown, never true.

    Raises
    ------
    ExpressionError
        Not in the language, not a condition, or a name that no one variable of the records has.
    """
    window = records.window
    start, end = window.start_ns, window.end_ns
    if isinstance(gate, str):
        if not gate.strip():
            whole = np.array([[start, end]], dtype=np.int64)
            return GateIntervals("", start, end, whole, whole[:0])
        gate = compile_expression(gate)
    series = bind(gate, records, inputs)
    found = evaluate(gate, series, Frame(start, end, "union"))
    if found.sort is not Sort.TRUTH or found.value.ndim != 1:
        what = f"a {found.sort}" if found.value.ndim == 1 else "a vector of them"
        raise gate.error(None, f"a gate is one condition, not {what}", "BMODE == 'STABLE', A > 0")
    silent = notes(records, (entry.name for entry in series.values()))
    return GateIntervals(gate.text, start, end, _runs(found, 1), _runs(found, -1), silent)


def _runs(found: Any, state: int) -> Intervals:
    """The maximal intervals in which the truth is `state`."""
    inside = np.concatenate([[False], found.value == state, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
    if not len(edges):
        return np.empty((0, 2), dtype=np.int64)
    return np.stack([found.time[edges[:, 0]], found.until[edges[:, 1] - 1]], axis=1)


def _inside(intervals: Intervals, time: Times) -> NDArray[np.bool_]:
    time = np.asarray(time, dtype=np.int64)
    index = np.searchsorted(intervals[:, 0], time, side="right") - 1
    if not len(intervals):
        return np.zeros(time.shape, dtype=bool)
    return np.asarray((index >= 0) & (time < intervals[index, 1]))
