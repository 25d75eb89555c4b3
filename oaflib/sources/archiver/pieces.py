"""Chunks of the protocol to pieces of a series: the window, the unit, and what is no good."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from oaflib.errors import QueryRefused
from oaflib.series import Kind, Series, Values, Variable, stack
from oaflib.sources.archiver.wire import Chunk, kind_of
from oaflib.sources.quality import LOST_TEXT, Quality, blank
from oaflib.window import instant, moment

_INVALID = 3
_SECOND = 10**9


class Cutter:
    """Makes the pieces of one variable, in ``[start, stop)`` (int64 ns UTC), chunk by chunk.

    The appliance begins every answer with the last sample at or before its start: it is left out
    here, though a unit that it says is remembered.
    """

    def __init__(
        self, variable: Variable, window: tuple[int, int], quality: Quality, *, blanks: bool
    ) -> None:
        self.variable = variable
        self.window = window
        self.quality = quality
        self.blanks = blanks
        self.unit = variable.unit
        self.latest = window[0]

    def pieces(self, chunk: Chunk) -> Iterator[Series]:
        """The samples of the window, cut where the unit changes; none when there are none.

        Raises
        ------
        QueryRefused
            Samples of another kind than the variable's: it changed its type.
        """
        units = [(0, chunk.headers.get("EGU", self.unit))]
        units += [(at, said["EGU"]) for at, said in sorted(chunk.fields.items()) if "EGU" in said]
        self.unit = units[-1][1]
        start, stop = self.window
        inside = np.flatnonzero((chunk.time >= start) & (chunk.time < stop))
        if not len(inside):
            return
        self.latest = max(self.latest, int(chunk.time[inside[-1]]))
        values = self._values(chunk, inside)
        time = chunk.time[inside]
        bounds = [np.searchsorted(inside, at) for at, _ in units] + [len(inside)]
        marked, values = self._marked(chunk, inside, values)
        for (first, last), (_, unit) in zip(pairwise(bounds), units, strict=True):
            if last > first:
                yield self._series(time[first:last], values[first:last], unit)
        if marked:
            lost = np.array([at for at, _ in marked], np.int64)
            yield self._series(lost, self._packed([value for _, value in marked]), self.unit)

    def _series(self, time: Any, values: Values, unit: str) -> Series:
        about = self.variable
        return Series(about.name, about.kind, unit, time, values, about.title)

    def _values(self, chunk: Chunk, inside: Any) -> Values:
        kind = kind_of(chunk.type_name)
        if kind is not self.variable.kind:
            texts = self.variable.kind is Kind.VECTORSTRING
            if texts and not any(len(chunk.value[at]) for at in inside):  # JSON: [] says no type
                return self._packed([np.empty(0, object) for _ in inside])
            when = instant(moment(int(chunk.time[inside[0]])))
            raise QueryRefused(
                f"{self.variable.name} is {self.variable.kind}, but its samples from {when} on are "
                f"{chunk.type_name or 'structures'}: it changed its type, or has one that cannot "
                "be judged. Ask for a window on one side of the change"
            )
        if kind is Kind.NUMERIC:
            numbers: Values = np.asarray(chunk.value, np.float64)[inside]
            return numbers
        if kind is Kind.VECTORSTRING:
            return self._packed([np.array(chunk.value[at], object) for at in inside])
        return self._packed([chunk.value[at] for at in inside])

    def _packed(self, samples: list[Any]) -> Values:
        if self.variable.kind is Kind.NUMERIC:
            return np.array(samples, np.float64)
        if self.variable.kind is Kind.VECTORNUMERIC:
            return stack(samples, ndim=1)
        packed = np.empty(len(samples), object)
        for place, sample in enumerate(samples):
            packed[place] = sample
        return packed

    def _marked(
        self, chunk: Chunk, inside: Any, values: Values
    ) -> tuple[list[tuple[int, Any]], Values]:
        """The moments of lost connections, and the values without those that are invalid."""
        severity = chunk.severity[inside]
        bad = np.flatnonzero(severity >= _INVALID)
        self.quality.invalid += len(bad)
        self.quality.warned += int(((severity > 0) & (severity < _INVALID)).sum())
        if len(bad) and self.blanks:
            self.quality.reason = "severity INVALID"
            values = values.copy()
            for place in bad:
                values[place] = blank(self.variable.kind, values[place])
        marked = []
        for number, said in chunk.fields.items():
            at = int(chunk.time[number])
            lost = _seconds(said.get("cnxlostepsecs", ""))
            if lost is None or not self.window[0] <= at < self.window[1] or lost > at:
                continue
            self.quality.disconnects += 1
            # Lost before the window: it was so from the window's first moment.
            moment_lost = max(lost, self.window[0])
            if moment_lost < at:
                like = chunk.value[number]
                marked.append((moment_lost, blank(self.variable.kind, like, LOST_TEXT)))
        return marked, values


def _seconds(text: str) -> int | None:
    """Seconds since 1970 as text to int64 ns; None when there are none (0 says never)."""
    try:
        return int(text) * _SECOND if 0 < int(text) < 2**33 else None
    except ValueError:
        return None
