"""Which variables are of the same make: told by name, unit and kind, with nothing to configure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oaflib.series import Variable

# a place in a machine: a cell and side, a beam, a number (A6R4, 16L3, B1, 2203)
_PLACE = re.compile(r"[A-Z]?\d+[A-Z]?\d*")


def family(variable: Variable) -> str:
    """What siblings have in common: the name without numbers and places, the unit, the kind."""
    words = re.split(r"([^A-Za-z0-9]+)", variable.name)
    plain = ["#" if _PLACE.fullmatch(word) else re.sub(r"\d+", "#", word) for word in words]
    return f"{''.join(plain)}|{variable.unit}|{variable.kind}"


def families(variables: Iterable[Variable]) -> dict[str, list[str]]:
    """Names by family, in order."""
    found: dict[str, list[str]] = {}
    for variable in variables:
        found.setdefault(family(variable), []).append(variable.name)
    return found
