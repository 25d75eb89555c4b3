"""How often which value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.compute.base import OfVariable, moment_of, rows
from oaflib.records import Records
from oaflib.series import Kind, Series


@dataclass(frozen=True, kw_only=True)
class Histogram(OfVariable):
    """Counts of the known values of the window (of all elements of vectors and images).

    Attributes
    ----------
    bins : how many, 1 to 10000.
    low, high : the first bin's begin and the last one's end; without them the smallest and largest
        value. Values outside are not counted.

    Makes ``name.counts`` and ``name.edges`` (one more than bins), one vector each, stamped at the
    window's start; without a known value, no sample.
    """

    kind: ClassVar[str] = "histogram"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC)
    parts: ClassVar[tuple[str, ...]] = ("counts", "edges")

    bins: int = 50
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.bins <= 10_000:
            raise ValueError(f"bins cannot be {self.bins}; 1 to 10000")
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise ValueError("high is not above low")

    def of(self, series: Series, records: Records) -> list[Series]:
        low, high = self.low, self.high
        if low is None or high is None:
            least, most = np.inf, -np.inf
            for row in rows(series):
                if np.isfinite(row).any():
                    least, most = min(least, np.nanmin(row)), max(most, np.nanmax(row))
            low = low if low is not None else least
            high = high if high is not None else most
        if not len(series) or not np.isfinite(high - low):
            return [self.series(part, [], np.empty((0, 0))) for part in self.parts]
        if high <= low:  # one value only: a bin around it
            low, high = low - 0.5, low + 0.5
        edges = np.linspace(low, high, self.bins + 1)
        counts = np.zeros(self.bins)
        if series.kind is Kind.NUMERIC:
            counts += np.histogram(series.value[np.isfinite(series.value)], edges)[0]
        else:
            for row in rows(series):
                counts += np.histogram(row[np.isfinite(row)], edges)[0]
        time = moment_of(records)
        return [
            self.series("counts", time, counts[np.newaxis]),
            self.series("edges", time, edges[np.newaxis], series.unit),
        ]
