"""Statistics for every cycle, beam mode or fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oaflib.compute.base import OfVariable, numbers, taken
from oaflib.compute.segments import Statistic, reduced
from oaflib.errors import ComputationError
from oaflib.expression import open_intervals
from oaflib.records import Records
from oaflib.series import Kind, Series, Times

Intervals = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Grouped(OfVariable):
    """One statistic of a variable for every interval in which another keeps its value.

    Attributes
    ----------
    by : the variable that says which: beam mode (text), fill or cycle number. Without it, every
        interval in which the gate is open is one group.
    only : values of `by`; groups of other values are left out.
    each_sample : every sample of `by` begins a group, also one of the same value: cycles.
    statistics : mean, median, std, min, max, sum, count, first or last of the known samples; of
        several, each is a variable ``name.mean`` and so on.

    Stamped at the group's start. The first group begins with the window and the last ends with it:
    they may be parts. A group without a known sample is NaN (a count of 0).
    Vectors element by element.
    """

    kind: ClassVar[str] = "group"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    by: str = ""
    only: tuple[str | float, ...] = ()
    each_sample: bool = False
    statistics: tuple[Statistic, ...] = ("mean",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.statistics or len(set(self.statistics)) < len(self.statistics):
            raise ValueError("statistics is empty, or names one twice")
        if not self.by and not self.gate.strip():
            raise ValueError("by is missing: which variable says what belongs together?")
        if self.only and not self.by:
            raise ValueError("only is of no use without 'by'")

    @property
    def made_names(self) -> tuple[str, ...]:
        if len(self.statistics) == 1:
            return (self.name,)
        return tuple(f"{self.name}.{statistic}" for statistic in self.statistics)

    @property
    def inputs_named(self) -> tuple[str, ...]:
        return super().inputs_named + ((self.by,) if self.by and "{" not in self.by else ())

    def of(self, series: Series, records: Records) -> list[Series]:
        if series.ragged:
            raise ComputationError(f"the vectors of {self.variable} change their length")
        groups = self._groups(records)
        cuts = np.searchsorted(series.time, groups, side="left")
        value = numbers(series) if len(series) else np.empty(0)
        made = []
        for statistic in self.statistics:
            part = statistic if len(self.statistics) > 1 else ""
            unit = "" if statistic == "count" else series.unit
            each = reduced(value, cuts[:, 0], cuts[:, 1], statistic)
            made.append(self.series(part, groups[:, 0], each, unit))
        return made

    def _groups(self, records: Records) -> Intervals:
        if not self.by:
            return open_intervals(self.gate, records).open
        by = taken(records, self.by, (Kind.TEXTUAL, Kind.NUMERIC))
        groups, values = intervals_of(
            by, records.window.start_ns, records.window.end_ns, each_sample=self.each_sample
        )
        if not self.only:
            return groups
        strange = [
            value for value in self.only if isinstance(value, str) != (by.kind is Kind.TEXTUAL)
        ]
        if strange:
            raise ComputationError(f"{self.by} is {by.kind}; it is never {strange[0]!r}")
        wanted = {value if isinstance(value, str) else float(value) for value in self.only}
        keep = np.array([value in wanted for value in values], dtype=bool)
        return np.asarray(groups[keep], dtype=np.int64)


def intervals_of(
    series: Series, start: int, end: int, *, each_sample: bool = False
) -> tuple[Intervals, list[Any]]:
    """The intervals of ``[start, end)`` in which `series` keeps a known value, and the values.

    The last sample before `start` says what held at `start`. Where the value is unknown (a missing
    text, NaN) there is no interval.
    """
    first = max(0, int(np.searchsorted(series.time, start, side="right")) - 1)
    stop = int(np.searchsorted(series.time, end, side="left"))
    time: Times = np.maximum(series.time[first:stop], start)
    values: list[Any] = [
        value
        if isinstance(value, str)
        else None
        if value is None or value != value
        else float(value)
        for value in series.value[first:stop].tolist()
    ]
    keep = [
        i
        for i, value in enumerate(values)
        if i == 0 or value != values[i - 1] or (each_sample and value is not None)
    ]
    starts = time[keep]
    intervals = np.stack([starts, np.append(starts[1:], end)[: len(starts)]], axis=1)
    known = [i for i, k in enumerate(keep) if values[k] is not None and intervals[i, 1] > starts[i]]
    return intervals[known].reshape(-1, 2), [values[keep[i]] for i in known]


def _known(value: Any) -> str | float | None:
    """A text or a number; None for what is unknown."""
    if isinstance(value, str):
        return value
    return float(value) if isinstance(value, (int, float)) and value == value else None
