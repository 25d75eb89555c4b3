"""What was asked of a logging system; owners of databases want to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Asked:
    """Counts since the source was entered: queries (repeated ones too), rows, bytes, seconds."""

    queries: int = 0
    rows: int = 0
    nbytes: int = 0
    seconds: float = 0.0
