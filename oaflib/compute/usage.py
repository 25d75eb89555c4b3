"""How much a device was used: counted and integrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oaflib.compute.base import Numbers, OfVariable, moment_of, taken
from oaflib.errors import ComputationError
from oaflib.expression import open_intervals
from oaflib.expression.align import Signal, signal_of
from oaflib.expression.value import Sort
from oaflib.records import Records
from oaflib.series import Kind, Series, Times

_SECOND = 1e9


@dataclass(frozen=True, kw_only=True)
class Usage(OfVariable):
    """How often, how long or how much, in the window; one number stamped at its start.

    Attributes
    ----------
    measure : ``samples`` logged; ``edges``, how often it rose above the threshold (or took the
        value); ``time``, the seconds it was above (or had the value); ``integral`` of the value
        over time, in its unit times seconds.
    threshold : of numbers, for edges and time.
    value : of texts, for edges and time: the status that counts, ``'IN'``.
    running : the sum so far at every sample instead of one number.

    A sample holds as in expressions: a silent device is not in use. What the last sample before
    the window said counts for the time, and is no edge. Vectors and images: samples only.
    """

    kind: ClassVar[str] = "usage"
    takes: ClassVar[tuple[Kind, ...]] = tuple(Kind)

    measure: Literal["samples", "edges", "time", "integral"] = "samples"
    threshold: float | None = None
    value: str = ""
    running: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.measure in ("edges", "time"):
            if (self.threshold is None) == (self.value == ""):
                raise ValueError(
                    f"threshold (of numbers) or value (of texts) is needed for '{self.measure}'"
                )
        elif self.threshold is not None or self.value:
            raise ValueError(f"threshold and value are of no use for '{self.measure}'")

    def make(self, records: Records) -> list[Series]:
        series = taken(records, self.variable, self.takes)
        if self.measure == "samples":
            series = self.gated(series, records)
            return self._made(records, series.time, np.ones(len(series)), "")
        wanted = Kind.TEXTUAL if self.value else Kind.NUMERIC
        if series.kind is not wanted:
            raise ComputationError(f"{self.variable} is {series.kind}; this takes {wanted}")
        signal = signal_of(series)
        start, end = records.window.start_ns, records.window.end_ns
        first = max(0, int(np.searchsorted(signal.time, start, side="right")) - 1)
        stop = int(np.searchsorted(signal.time, end, side="left"))
        time, until = signal.time[first:stop], np.minimum(signal.until[first:stop], end)
        if self.gate.strip():
            gate = open_intervals(self.gate, records)
            inside, seconds = gate.mask(time), _overlap(gate.open, np.maximum(time, start), until)
        else:
            inside = time >= start
            seconds = np.maximum(0, until - np.maximum(time, start)) / _SECOND
        if self.measure == "integral":
            amount = np.nan_to_num(signal.value[first:stop]) * seconds
            unit = f"{series.unit} s" if series.unit else ""
            return self._made(records, np.maximum(time, start), amount, unit)
        on = self._on(signal)[first:stop]
        if self.measure == "time":
            return self._made(records, np.maximum(time, start), on * seconds, "s")
        rising = np.append(False, on[1:] & ~on[:-1])[: len(on)] & inside
        return self._made(records, np.maximum(time, start), rising.astype(float), "")

    def _on(self, signal: Signal) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if signal.sort is Sort.TEXT:
            return np.asarray(signal.value == self.value, dtype=bool)
        return np.asarray(signal.value > self.threshold, dtype=bool)

    def _made(self, records: Records, time: Times, amount: Numbers, unit: str) -> list[Series]:
        if self.running:
            return [self.series("", time, np.cumsum(amount), unit)]
        return [self.series("", moment_of(records), [float(amount.sum())], unit)]


def _overlap(intervals: Times, time: Times, until: Times) -> Numbers:
    """Seconds of each ``[time, until)`` that lie in the intervals, which are in order."""
    lengths = intervals[:, 1] - intervals[:, 0]
    before = np.append(0, np.cumsum(lengths))

    def open_until(moment: Times) -> Numbers:
        place = np.searchsorted(intervals[:, 0], moment, side="right") - 1
        inside = np.where(place >= 0, place, 0)
        if not len(intervals):
            return np.zeros(len(moment))
        part = np.clip(moment - intervals[inside, 0], 0, lengths[inside])
        return np.asarray(np.where(place >= 0, before[inside] + part, 0))

    return np.maximum(0, open_until(until) - open_until(time)) / _SECOND
