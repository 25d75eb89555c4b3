"""Fits of profiles and of trends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

import numpy as np

from oaflib.compute.base import Numbers, OfVariable, blocks, moment_of, numbers, taken
from oaflib.compute.gaussian import fit_gaussians
from oaflib.compute.resample import in_ns, positive
from oaflib.records import Records
from oaflib.series import Kind, Series, Times
from oaflib.window import spell


@dataclass(frozen=True, kw_only=True)
class OfProfile(OfVariable):
    """Base of computations on profiles over positions.

    Attributes
    ----------
    positions : the variable that holds the positions of each profile's elements: its last sample up
        to the profile's time. A vector of another length gives no fit.
    pitch, origin : without `positions`: element i stands at ``origin + i * pitch``.
    position_unit : of pitch and origin.
    """

    takes: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    positions: str = ""
    pitch: float = 1.0
    origin: float = 0.0
    position_unit: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pitch == 0:
            raise ValueError("pitch cannot be zero")
        if self.positions and (self.pitch, self.origin) != (1.0, 0.0):
            raise ValueError("positions stands beside pitch or origin; keep one")

    @property
    def inputs_named(self) -> tuple[str, ...]:
        return super().inputs_named + ((self.positions,) if self.positions else ())

    def placed(self, time: Times, length: int, records: Records) -> tuple[Numbers, str]:
        """The positions of profiles of `length` elements at `time`, [k, length], and their unit."""
        if not self.positions:
            along = self.origin + self.pitch * np.arange(length)
            return np.broadcast_to(along, (len(time), length)), self.position_unit
        where = taken(records, self.positions, (Kind.VECTORNUMERIC,))
        unit = self.position_unit or where.unit
        places = np.full((len(time), length), np.nan)
        index = np.searchsorted(where.time, time, side="right") - 1
        for i, j in enumerate(index):
            if j >= 0 and len(where.value[j]) == length:
                places[i] = where.value[j]
        return places, unit


@dataclass(frozen=True, kw_only=True)
class GaussianProfile(OfProfile):
    """A Gaussian with an offset, fitted to every profile: wire scanners, cameras' projections.

    Makes ``name.center`` and ``name.sigma`` in the positions' unit, ``name.amplitude`` and
    ``name.offset`` in the profile's, and ``name.quality``: R², 1 for a perfect fit. Without a fit
    (too few points, flat, no peak within the positions) quality is 0 and the others NaN.
    """

    kind: ClassVar[str] = "gaussian"
    parts: ClassVar[tuple[str, ...]] = ("center", "sigma", "amplitude", "offset", "quality")

    def of(self, series: Series, records: Records) -> list[Series]:
        found = np.full((5, len(series)), np.nan)
        found[4] = 0.0
        unit = self.position_unit
        for places, block in blocks(series):
            x, unit = self.placed(series.time[places], block.shape[1], records)
            fits = fit_gaussians(x, block)
            for row, part in zip(found, self.parts, strict=True):
                row[places] = getattr(fits, part)
        units = (unit, unit, series.unit, series.unit, "")
        return [
            self.series(part, series.time, row, of)
            for part, row, of in zip(self.parts, found, units, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class StraightLine(OfProfile):
    """A straight line, fitted to numbers over time, or to every vector over its positions.

    Attributes
    ----------
    per : of numbers, the slope is the change in this time.

    Makes ``name.slope``, ``name.intercept`` (of numbers: at the window's start; of vectors: at
    position 0) and ``name.quality``, R². Fewer than two known points: NaN, and quality 0.
    """

    kind: ClassVar[str] = "line"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)
    parts: ClassVar[tuple[str, ...]] = ("slope", "intercept", "quality")

    per: Annotated[timedelta, positive] = timedelta(days=1)

    def of(self, series: Series, records: Records) -> list[Series]:
        if series.kind is Kind.NUMERIC:
            x = (series.time - records.window.start_ns) / in_ns(self.per)
            found = lines(x[np.newaxis].astype(np.float64), numbers(series)[np.newaxis])
            time, below = moment_of(records), spell(self.per).removeprefix("1")
        else:
            time, below = series.time, self.position_unit
            found = np.full((3, len(series)), np.nan)
            found[2] = 0.0
            for places, block in blocks(series):
                x, below = self.placed(series.time[places], block.shape[1], records)
                found[:, places] = lines(x, block)
        slope = f"{series.unit or '1'}/{below}" if below else series.unit
        return [
            self.series(part, time, row, of)
            for part, row, of in zip(self.parts, found, (slope, series.unit, ""), strict=True)
        ]


def lines(x: Numbers, y: Numbers) -> Numbers:
    """Slope, intercept and R² of each row's least-squares line, [3, k]; unknown points are NaN."""
    known = np.isfinite(x) & np.isfinite(y)
    count = np.maximum(known.sum(axis=1), 1)
    x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    middle, level = x.sum(axis=1) / count, y.sum(axis=1) / count
    dx = np.where(known, x - middle[:, None], 0.0)
    dy = np.where(known, y - level[:, None], 0.0)
    sxx, syy, sxy = (dx * dx).sum(axis=1), (dy * dy).sum(axis=1), (dx * dy).sum(axis=1)
    good = (known.sum(axis=1) >= 2) & (sxx > 0)
    slope = np.where(good, sxy / np.where(good, sxx, 1.0), np.nan)
    # A level line explains a constant perfectly.
    share = np.where(syy > 0, slope * sxy / np.where(syy > 0, syy, 1.0), 1.0)
    quality = np.where(good, np.clip(np.nan_to_num(share), 0, 1), 0.0)
    return np.stack([slope, level - slope * middle, quality])
