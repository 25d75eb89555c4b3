"""A variable against another, or against itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oaflib.compute.base import (
    Numbers,
    OfVariable,
    numbers,
    taken,
)
from oaflib.compute.segments import along_time, reduced
from oaflib.errors import ComputationError
from oaflib.expression.align import Base, signal_of
from oaflib.records import Records
from oaflib.series import Kind, Series


@dataclass(frozen=True, kw_only=True)
class Relative(OfVariable):
    """A variable relative to a reference, at the variable's own times.

    Attributes
    ----------
    reference : another variable, held from sample to sample; or a number.
    baseline : instead of a reference: its own first sample, mean or median of the window.
    measure : ``ratio`` v/r; ``difference`` v - r; ``percent`` 100 v/r; ``deviation`` 100 (v-r)/r.

    Vectors element by element, against a vector of the same length or a number a time. Where the
    reference is zero or unknown the result is NaN.
    """

    kind: ClassVar[str] = "relative"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    reference: str | float = ""
    baseline: Literal["", "first", "mean", "median"] = ""
    measure: Literal["ratio", "difference", "percent", "deviation"] = "ratio"

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.reference == "") == (self.baseline == ""):
            raise ValueError("reference or baseline is needed, and only one of them")

    @property
    def inputs_named(self) -> tuple[str, ...]:
        other = (self.reference,) if isinstance(self.reference, str) and self.reference else ()
        return super().inputs_named + (other if not self.pattern else ())

    def of(self, series: Series, records: Records) -> list[Series]:
        value = signal_of(series).value if series.ragged else numbers(series)
        reference, unit = self._reference(series, value, records)
        if value.ndim == 2 and reference.ndim == 1:
            reference = reference[:, np.newaxis]
        if value.ndim == 1 and reference.ndim == 2:
            raise ComputationError(f"{self.variable} is one number, {self.reference} a vector")
        if value.ndim == 2 and reference.shape[1] not in (1, value.shape[1]):
            raise ComputationError(
                f"{self.variable} has vectors of {value.shape[1]} elements, the reference of "
                f"{reference.shape[1]}"
            )
        if self.measure == "difference":
            if series.unit and unit and series.unit != unit:
                raise ComputationError(
                    f"{self.variable} is in {series.unit}, its reference in {unit}: no difference"
                )
            return [self.series("", series.time, value - reference, series.unit or unit)]
        below = np.where(reference == 0, np.nan, reference)
        if self.measure == "ratio":
            alike = not series.unit or not unit or series.unit == unit
            spelled = "" if alike else f"{series.unit}/{unit}"
            return [self.series("", series.time, value / below, spelled)]
        above = value if self.measure == "percent" else value - reference
        return [self.series("", series.time, 100 * above / below, "%")]

    def _reference(self, series: Series, value: Numbers, records: Records) -> tuple[Numbers, str]:
        """The reference at each sample, [n] or [n, m], and its unit."""
        if isinstance(self.reference, (int, float)):
            return np.full(len(series), float(self.reference)), series.unit
        if self.reference:
            other = taken(records, self.reference, self.takes)
            held = signal_of(other).at(Base(series.time, series.time))
            return held.data, other.unit
        if value.ndim == 2:
            one = along_time(value, self.baseline)[np.newaxis]
            return np.broadcast_to(one, value.shape), series.unit
        whole = reduced(value, np.array([0]), np.array([len(value)]), self.baseline or "mean")
        return np.broadcast_to(whole, value.shape), series.unit


@dataclass(frozen=True, kw_only=True)
class Selected(OfVariable):
    """A variable limited to the time in which the gate is open; of any kind.

    For instance the abort-gap population in stable beams: ``gate = "BMODE == 'STABLE'"``.
    """

    kind: ClassVar[str] = "selected"
    takes: ClassVar[tuple[Kind, ...]] = tuple(Kind)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.gate.strip():
            raise ValueError("gate is missing: what should it be limited to?")

    def of(self, series: Series, records: Records) -> list[Series]:  # noqa: ARG002
        unit, title = self.unit or series.unit, self.title or series.title
        return [Series(self.name, series.kind, unit, series.time, series.value, title)]
