"""One variable over the years: the statistics of its windows, in columns."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.series import Times, device_of

Floats = NDArray[np.float64]
DAY = 86_400_000_000_000  # ns


@dataclass(frozen=True, eq=False)
class Trend:
    """The history of one variable, a point a window, in order of time. Arrays are read-only.

    Attributes
    ----------
    variable : the name asked for; older names of it are joined under this one.
    unit : of the last point; empty when there is no point.
    start, end : int64[n], the windows in ns UTC; equal for imported points.
    count : int64[n], samples in each window.
    min, max, mean, std, first, last : float64[n]; NaN where there is none.
    units : object[n] of str, the unit of each point.
    imported : bool[n], whether a point came from a file instead of a report.
    elements, spreads : float64[n, m], mean and standard deviation of each element of a vector; NaN
        where there is none. None when no point has elements.
    """

    variable: str
    unit: str
    start: Times
    end: Times
    count: Times
    min: Floats
    max: Floats
    mean: Floats
    std: Floats
    first: Floats
    last: Floats
    units: NDArray[np.object_]
    imported: NDArray[np.bool_]
    elements: Floats | None = None
    spreads: Floats | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value: Any = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                if len(value) != len(self.start):
                    raise ValueError(
                        f"{self.variable}: {len(value)} of {entry.name}, {len(self.start)} windows"
                    )
                value = value.view()
                value.flags.writeable = False
                object.__setattr__(self, entry.name, value)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def device(self) -> str:
        """The device that logs it."""
        return device_of(self.variable)

    @property
    def time(self) -> Times:
        """The middle of each window, int64 ns UTC."""
        return self.start + (self.end - self.start) // 2

    @property
    def days(self) -> Floats:
        """The middle of each window, in days since the first."""
        middle = self.time
        return (middle - middle[0]) / DAY if len(middle) else np.empty(0)

    def where(self, keep: NDArray[Any] | slice) -> Trend:
        """The points that `keep` selects (mask, indices or slice)."""
        cut = {
            entry.name: getattr(self, entry.name)[keep]
            for entry in fields(self)
            if isinstance(getattr(self, entry.name), np.ndarray)
        }
        units = cut["units"]
        return replace(self, **cut, unit=str(units[-1]) if len(units) else "")


def nothing(variable: str) -> Trend:
    """The trend of a variable nothing is known of."""
    trend = copy(_nothing())  # `replace` would look at the arrays again, of thousands of variables
    object.__setattr__(trend, "variable", variable)
    return trend


@cache
def _nothing() -> Trend:
    return trend_of("", np.empty(0, np.int64), np.empty(0))


def trend_of(variable: str, time: Times, value: Floats, unit: str = "") -> Trend:
    """A trend of single points in order of time: for tests, and for experts trying things."""
    value = np.asarray(value, dtype=np.float64)
    nan = np.full(len(value), np.nan)
    return Trend(
        *(variable, unit if len(value) else "", np.asarray(time, np.int64), np.asarray(time)),
        np.ones(len(value), np.int64),
        *(value, value, value, nan, value, value),
        np.full(len(value), unit, dtype=object),
        np.zeros(len(value), dtype=bool),
    )


def curve_names(variable: str, reference: str) -> dict[str, str]:
    """What history calls a day's calibration curve of `variable` against `reference`.

    ``slope``, ``offset`` and ``residual``, each a NUMERIC variable with one point a window.
    """
    pair = f"{variable} against {reference}"
    return {part: f"{pair}.{part}" for part in ("slope", "offset", "residual")}
