"""Medians and percentiles, to the last bit numpy's own, in less than half of the time.

numpy partitions at several places at once, and then it is slower than its own sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: Any) -> float:
    """``np.median`` of numbers in one dimension, one at least."""
    if not np.isfinite(values).all():
        return float(np.median(values))
    half = len(values) // 2
    parted = np.partition(values, half)
    upper = float(parted[half])
    return upper if len(values) % 2 else (float(parted[:half].max()) + upper) / 2


def percentiles(values: Any, at: Sequence[float]) -> NDArray[np.float64]:
    """``np.percentile`` of numbers in one dimension, one at least."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if not np.isfinite(ordered[[0, -1]]).all():  # NaN sorts to the end
        return np.asarray(np.percentile(values, at))
    place = np.true_divide(at, 100) * (len(ordered) - 1)
    first = np.floor(place).astype(np.intp)
    below, above = ordered[first], ordered[np.minimum(first + 1, len(ordered) - 1)]
    part, step = place - first, above - below
    return np.asarray(np.where(part < 0.5, below + step * part, above - step * (1 - part)))
