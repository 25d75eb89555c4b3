"""What was asked of a logging system; owners of databases want to know."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from operator import add, sub


@dataclass
class Asked:
    """Counts since the source was entered: queries (repeated ones too), rows, bytes, seconds."""

    queries: int = 0
    rows: int = 0
    nbytes: int = 0
    seconds: float = 0.0

    def plus(self, other: Asked) -> Asked:
        """Both together."""
        return Asked(*map(add, astuple(self), astuple(other)))

    def minus(self, other: Asked) -> Asked:
        """What was asked since it was `other`."""
        return Asked(*map(sub, astuple(self), astuple(other)))
