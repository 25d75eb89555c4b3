"""Which variables are of the same make: told by name, unit and kind, with nothing to configure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from oaflib.series import Variable

# a place in a machine: a cell and side, a beam, a number (A6R4, 16L3, B1, 2203)
_PLACE = re.compile(r"[A-Z]?\d+[A-Z]?\d*")
_MANY = 6  # members of a family that stands by itself
_ALIKE = 3  # letters with which two words of one make begin

T = TypeVar("T")
Family = tuple[tuple[str, ...], str, str]


@lru_cache(maxsize=32_768)  # several checks ask it of the same thousands of variables
def family(variable: Variable) -> Family:
    """What siblings have in common: the name without numbers and places, the unit, the kind."""
    words = re.split(r"([^A-Za-z0-9]+)", variable.name)
    plain = ["#" if _PLACE.fullmatch(word) else re.sub(r"\d+", "#", word) for word in words]
    return tuple(plain), variable.unit, str(variable.kind)


def families(variables: Iterable[Variable]) -> list[list[str]]:
    """Names of siblings, families and names in order.

    A family of a few joins a large one whose name differs in a single word that begins alike: two
    ``BPMH`` among a hundred ``BPME`` are their siblings.
    """
    found: dict[Family, list[str]] = {}
    for variable in variables:
        found.setdefault(family(variable), []).append(variable.name)
    large = [key for key, names in found.items() if len(names) >= _MANY]
    for key in [key for key, names in found.items() if len(names) < _MANY]:
        akin = [other for other in large if _akin(key, other)]
        if akin:
            found[max(akin, key=lambda other: len(found[other]))] += found.pop(key)
    return list(found.values())


class Others(Generic[T]):
    """All notes of a family but one's own; gone through only where that is needed.

    A list for each of thousands of siblings would take longer than judging them.
    """

    def __init__(self, family: Sequence[T], own: int) -> None:
        self._family = family
        self._own = own

    def __len__(self) -> int:
        return len(self._family) - 1

    def __iter__(self) -> Iterator[T]:
        yield from self._family[: self._own]
        yield from self._family[self._own + 1 :]


def _akin(few: Family, many: Family) -> bool:
    if few[1:] != many[1:] or len(few[0]) != len(many[0]):
        return False
    unlike = [(a, b) for a, b in zip(few[0], many[0], strict=True) if a != b]
    if len(unlike) != 1:
        return False
    a, b = unlike[0]
    return len(a) == len(b) and a[:_ALIKE] == b[:_ALIKE] and a[:_ALIKE].isalpha() and len(a) > 3
