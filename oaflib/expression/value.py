"""Values inside an expression, and three-valued logic.

Numbers are float64 and never infinite: NaN is unknown. Truths are int8: 1 true, 0 false, -1
unknown. Texts are objects: str, or None for unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oaflib.expression.units import Unit

Array = NDArray[Any]
UNKNOWN = -1
_MISSING = np.array(None, dtype=object)


class Sort(StrEnum):
    """What a value is."""

    NUMBER = "number"
    TRUTH = "truth"
    TEXT = "text"


@dataclass(frozen=True, eq=False)
class Value:
    """One value a time ([n]), one vector a time ([n, m]), or a constant ([])."""

    sort: Sort
    data: Array
    unit: Unit | None = None

    @property
    def constant(self) -> bool:
        """The same at all times."""
        return self.data.ndim == 0


def number(data: ArrayLike, unit: Unit | None = None) -> Value:
    """A number; what is not finite becomes unknown."""
    numbers = np.asarray(data, dtype=np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        numbers = np.where(finite, numbers, np.nan)
    return Value(Sort.NUMBER, numbers, unit)


def truth(data: NDArray[np.bool_], known: NDArray[np.bool_]) -> Value:
    """A truth, unknown where not `known`."""
    return Value(Sort.TRUTH, np.where(known, data, np.int8(UNKNOWN)))


def text(data: Array) -> Value:
    """A text."""
    return Value(Sort.TEXT, np.asarray(data, dtype=object))


def known(value: Value) -> NDArray[np.bool_]:
    """Where a value is known; of its shape."""
    if value.sort is Sort.NUMBER:
        return np.asarray(~np.isnan(value.data))
    if value.sort is Sort.TRUTH:
        return np.asarray(value.data != UNKNOWN)
    return np.asarray(value.data != _MISSING).astype(bool)


def unknown_like(sort: Sort) -> Any:
    """The unknown of that sort."""
    return {Sort.NUMBER: np.nan, Sort.TRUTH: UNKNOWN, Sort.TEXT: None}[sort]


def as_numbers(value: Value) -> Array:
    """Numbers as they are; truths as 1, 0 and NaN."""
    if value.sort is Sort.TRUTH:
        return np.where(value.data == UNKNOWN, np.nan, value.data.astype(np.float64))
    return value.data


def both(left: Array, right: Array) -> tuple[Array, Array]:
    """Two values' data, with a scalar a time made to go with a vector a time."""
    if left.ndim == 1 and right.ndim == 2:
        left = left[:, np.newaxis]
    elif left.ndim == 2 and right.ndim == 1:
        right = right[:, np.newaxis]
    return left, right


def conjunction(left: Array, right: Array) -> Array:
    """Kleene's and: false wins over unknown."""
    left, right = both(left, right)
    # Where neither is false, unknown is the smaller of the two.
    return np.asarray(np.minimum(left, right) * (left != 0) * (right != 0), dtype=np.int8)


def disjunction(left: Array, right: Array) -> Array:
    """Kleene's or: true wins over unknown."""
    return negation(conjunction(negation(left), negation(right)))


def negation(data: Array) -> Array:
    """Kleene's not: unknown stays."""
    return np.where(data == UNKNOWN, data, 1 - data)
