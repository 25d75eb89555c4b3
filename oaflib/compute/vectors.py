"""Vectors reduced: each to a number, all of a window to one, and which elements are bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from oaflib.compute.base import Numbers, OfVariable, blocks, moment_of, taken
from oaflib.compute.segments import Statistic, along_time
from oaflib.errors import ComputationError
from oaflib.records import Records
from oaflib.series import Kind, Series

Reduction = Literal[
    "mean", "median", "std", "rms", "min", "max", "sum", "argmin", "argmax", "length", "known"
]


@dataclass(frozen=True, kw_only=True)
class VectorReduced(OfVariable):
    """One number of each vector.

    Attributes
    ----------
    statistic : mean, median, std, rms, min, max or sum of the known elements; argmin, argmax, the
        element (from 0) of the smallest, largest; length; known, how many elements are.

    A vector without known elements gives NaN.
    """

    kind: ClassVar[str] = "vector"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    statistic: Reduction = "mean"

    def of(self, series: Series, records: Records) -> list[Series]:  # noqa: ARG002
        out = np.full(len(series), np.nan)
        for places, block in blocks(series):
            out[places] = across(block, self.statistic)
        plain = self.statistic in ("argmin", "argmax", "length", "known")
        return [self.series("", series.time, out, "" if plain else series.unit)]


def across(block: Numbers, statistic: str) -> Numbers:
    """The statistic of each row's known elements, [k]."""
    k, m = block.shape
    if statistic == "length":
        return np.full(k, float(m))
    there = np.isfinite(block)
    if statistic == "known":
        return np.asarray(there.sum(axis=1), dtype=np.float64)
    if not m:
        return np.full(k, np.nan)
    if statistic in ("argmin", "argmax"):
        filled = np.where(there, block, np.inf if statistic == "argmin" else -np.inf)
        place = filled.argmin(axis=1) if statistic == "argmin" else filled.argmax(axis=1)
        return np.where(there.any(axis=1), place.astype(np.float64), np.nan)
    if statistic == "rms":
        return np.asarray(np.sqrt(along_time((block**2).T, "mean")))
    return along_time(block.T, statistic)


@dataclass(frozen=True, kw_only=True)
class ElementsReduced(OfVariable):
    """Each element over the window: one vector, stamped at the window's start.

    Attributes
    ----------
    statistic : mean, median, std, min, max, sum, count, first or last of its known values.

    Where vectors change their length, those of the most frequent length count.
    """

    kind: ClassVar[str] = "elements"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    statistic: Statistic = "mean"

    def of(self, series: Series, records: Records) -> list[Series]:
        block = most_frequent(series)
        if block is None:
            return [self.series("", [], np.empty((0, 0)), series.unit)]
        unit = "" if self.statistic == "count" else series.unit
        made = along_time(block, self.statistic)[np.newaxis]
        return [self.series("", moment_of(records), made, unit)]


def most_frequent(series: Series) -> Numbers | None:
    """The vectors of the most frequent length, [k, m]; None when there is no vector."""
    best: Numbers | None = None
    for _, block in blocks(series):
        if block.shape[1] and (best is None or len(block) > len(best)):
            best = block
    return best


@dataclass(frozen=True, kw_only=True)
class BadElements(OfVariable):
    """Elements of a vector that are dead or noisy over the window: monitors, channels, strips.

    Attributes
    ----------
    factor : noisy is what spreads that many times more than the median element.
    flat : dead is what spreads less than this in the whole window (and what is never known).

    Makes ``name.dead`` and ``name.noisy`` (how many) and ``name.flags`` (a vector: 0 good, 1 dead,
    2 noisy), stamped at the window's start. Fewer than two vectors tell nothing: NaN.
    """

    kind: ClassVar[str] = "bad_elements"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)
    parts: ClassVar[tuple[str, ...]] = ("dead", "noisy", "flags")

    factor: float = 5.0
    flat: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor <= 1 or self.flat < 0:
            raise ValueError("factor must be above 1, and flat not below 0")

    def of(self, series: Series, records: Records) -> list[Series]:
        time = moment_of(records)
        block = most_frequent(series)
        if block is None or len(block) < 2:
            nothing: Any = np.empty((0, 0))
            return [self.series("dead", time, [np.nan]), self.series("noisy", time, [np.nan]),
                    self.series("flags", [], nothing)]  # fmt: skip
        spread = along_time(block, "std")
        # The same number over and over has a spread of rounding, not of zero.
        same = along_time(block, "min") == along_time(block, "max")
        dead = ~np.isfinite(spread) | same | (spread < self.flat)
        alive = spread[~dead]
        usual = float(np.median(alive)) if alive.size else np.nan
        noisy = ~dead & (np.nan_to_num(spread) > self.factor * usual)
        flags = np.where(dead, 1.0, np.where(noisy, 2.0, 0.0))
        return [
            self.series("dead", time, [float(dead.sum())]),
            self.series("noisy", time, [float(noisy.sum())]),
            self.series("flags", time, flags[np.newaxis]),
        ]


@dataclass(frozen=True, kw_only=True)
class ProfileDistance(OfVariable):
    """How far each vector is from a reference profile.

    Attributes
    ----------
    reference : the variable that holds the reference: its last vector up to the time.
    baseline : instead: the window's own first vector, its mean or its median.
    measure : ``rms`` or ``max`` of the difference, in its unit; ``relative``, the rms difference in
        parts of the reference's rms; ``correlation``, 1 for the same shape.

    A reference of another length, or unknown elements only: NaN.
    """

    kind: ClassVar[str] = "profile_distance"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    reference: str = ""
    baseline: Literal["", "first", "mean", "median"] = ""
    measure: Literal["rms", "max", "relative", "correlation"] = "rms"

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.reference) == bool(self.baseline):
            raise ValueError("reference or baseline is needed, and only one of them")

    @property
    def inputs_named(self) -> tuple[str, ...]:
        return super().inputs_named + ((self.reference,) if self.reference else ())

    def of(self, series: Series, records: Records) -> list[Series]:
        out = np.full(len(series), np.nan)
        own = most_frequent(series) if self.baseline else None
        one = None if own is None else along_time(own, self.baseline)
        other = taken(records, self.reference, self.takes) if self.reference else None
        if other is not None and other.unit and series.unit and other.unit != series.unit:
            raise ComputationError(
                f"{self.variable} is in {series.unit}, {self.reference} in {other.unit}"
            )
        for i, sample in enumerate(series.value):
            reference = one
            if other is not None:
                j = int(np.searchsorted(other.time, series.time[i], side="right")) - 1
                reference = np.asarray(other.value[j], dtype=np.float64) if j >= 0 else None
            if reference is not None and len(reference) == len(sample):
                out[i] = distance(np.asarray(sample, dtype=np.float64), reference, self.measure)
        absolute = self.measure in ("rms", "max")
        return [self.series("", series.time, out, series.unit if absolute else "")]


def distance(sample: Numbers, reference: Numbers, measure: str) -> float:
    """The distance over the elements that both know; NaN when there is none."""
    known = np.isfinite(sample) & np.isfinite(reference)
    a, b = sample[known], reference[known]
    if not a.size:
        return float("nan")
    if measure == "max":
        return float(np.abs(a - b).max())
    if measure == "correlation":
        da, db = a - a.mean(), b - b.mean()
        scale = float(np.sqrt((da * da).sum() * (db * db).sum()))
        return float((da * db).sum() / scale) if scale > 0 else float("nan")
    rms = float(np.sqrt(((a - b) ** 2).mean()))
    if measure == "rms":
        return rms
    size = float(np.sqrt((b * b).mean()))
    return rms / size if size > 0 else float("nan")
