"""Statistics of a variable from its pieces, without holding them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from oaflib.report import Statistics
from oaflib.series import Series, Variable
from oaflib.sources.embedded.files import joined, ordered, unique


class Reduction:
    """The statistics of one NUMERIC variable, whose pieces come one by one.

    Pieces that follow each other in time are summed up and forgotten; those that overlap are held
    together, for a sample in both counts once.
    """

    def __init__(self, variable: Variable) -> None:
        self._variable = variable
        self._unit = variable.unit
        self._held: list[Series] = []
        self._until = 0
        self._count = self._good = self._nan = self._inf = self._repeated = 0
        self._mean = self._squares = 0.0
        self._low, self._high = math.inf, -math.inf
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] | None = None

    def add(self, piece: Series) -> None:
        """Take the next piece; pieces come in order of their first time."""
        if not len(piece):
            return
        self._unit = piece.unit
        if self._held and piece.time[0] > self._until:
            self._settle()
        self._held.append(piece)
        self._until = max(self._until, int(piece.time[-1]))

    def statistics(self) -> Statistics:
        """What all pieces say; min, max, mean and std are None without a finite sample."""
        self._settle()
        some = self._good > 0
        return Statistics(
            variable=self._variable.name,
            kind=str(self._variable.kind),
            unit=self._unit,
            count=self._count,
            min=self._low if some else None,
            max=self._high if some else None,
            mean=self._mean if some else None,
            std=math.sqrt(self._squares / self._good) if some else None,
            first=self._first[1] if self._first else None,
            last=self._last[1] if self._last else None,
            first_time=self._first[0] if self._first else None,
            last_time=self._last[0] if self._last else None,
            nan=self._nan,
            inf=self._inf,
            duplicates=self._repeated,
            title=self._variable.title,
        )

    def _settle(self) -> None:
        if not self._held:
            return
        time = np.concatenate([piece.time for piece in self._held])
        value = joined([piece.value for piece in self._held], self._variable.kind)
        time, value = ordered(time, value)
        keep = unique(time, value)
        self._repeated += len(time) - int(keep.sum())
        time, numbers = time[keep], np.asarray(value[keep], dtype=np.float64)
        self._held, self._until = [], 0
        self._count += len(time)
        self._first = self._first or (int(time[0]), float(numbers[0]))
        self._last = int(time[-1]), float(numbers[-1])
        self._nan += int(np.isnan(numbers).sum())
        self._inf += int(np.isinf(numbers).sum())
        good = numbers[np.isfinite(numbers)]
        if len(good):
            self._combine(good)

    def _combine(self, good: NDArray[np.float64]) -> None:
        """Chan's update: mean and squared deviations of two parts together."""
        mean, count = float(good.mean()), len(good)
        total = self._good + count
        step = mean - self._mean
        self._squares += float(((good - mean) ** 2).sum()) + step**2 * self._good * count / total
        self._mean += step * count / total
        self._good = total
        self._low = min(self._low, float(good.min()))
        self._high = max(self._high, float(good.max()))
