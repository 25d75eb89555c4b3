"""Cells of SQL tables: times as one of several conventions, values as samples of a kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from oaflib.series import Kind, Values, stack
from oaflib.sources.embedded.times import Reader, of_datetime
from oaflib.sources.quality import INVALID_TEXT
from oaflib.window import moment

_STEPS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


class BadCell(Exception):
    """A value that is none of its kind, at `place` of those given."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Times:
    """How a column writes times.

    Attributes
    ----------
    format : ``timestamp``, ``ns``, ``us``, ``ms`` or ``s``. zone : of timestamps without one.
    stored : what the column holds: ``aware`` or ``naive`` timestamps, ``text``, or ``number``.
    """

    format: str
    zone: str = ""
    stored: str = "number"

    def of_column(self, column_type: Any, *, texts: bool) -> Times:
        """The same for a column of that SQLAlchemy type; `texts`: whatever it is called."""
        if self.format != "timestamp":
            return self
        name = type(column_type).__name__.upper()
        if getattr(column_type, "timezone", False):
            return replace(self, stored="aware")
        texts = texts or any(word in name for word in ("CHAR", "TEXT", "STRING", "NULL"))
        return replace(self, stored="text" if texts else "naive")

    @property
    def exact(self) -> bool:
        """Whether `bounds` mean exactly what was asked."""
        return self.stored in ("number", "aware")

    @property
    def ordered(self) -> bool:
        """Whether the database's order is that of time."""
        return self.stored != "text"

    def bounds(self, start: int, stop: int) -> tuple[Any, Any]:
        """What the column is compared with, for ``[start, stop)``; wider where it must be."""
        if self.format != "timestamp":
            step = _STEPS[self.format]
            return start // step, -(-stop // step)
        # Microseconds, rounded up: what lies between two of them does not exist here.
        first, last = (moment(-(-ns // 1000) * 1000) for ns in (start, stop))
        if self.stored == "aware":
            return first, last
        if self.stored == "text":
            return f"{first - timedelta(days=1):%Y-%m-%d}", f"{last + timedelta(days=2):%Y-%m-%d}"
        zone = ZoneInfo(self.zone or "UTC")
        hours = timedelta(hours=3)  # more than any clock change
        return (
            (first - hours).astimezone(zone).replace(tzinfo=None),
            (last + hours).astimezone(zone).replace(tzinfo=None),
        )

    def time(self, cell: Any) -> int:
        """A cell as int64 ns UTC.

        Raises
        ------
        ValueError, TypeError
            It is none, or lacks a zone.
        """
        if self.format != "timestamp":
            return self._number(cell)
        zone = ZoneInfo(self.zone) if self.zone else None
        if isinstance(cell, datetime):
            if cell.tzinfo is None and zone is None:
                raise ValueError(f'{cell} has no zone; write the column\'s, as zone = "UTC"')
            return of_datetime(cell.astimezone(UTC) if cell.tzinfo else cell, zone)
        if not isinstance(cell, str):
            raise ValueError(f"{cell!r} is no timestamp; is time_format ns, us, ms or s?")
        return Reader(zone).time(cell)

    def _number(self, cell: Any) -> int:
        step = _STEPS[self.format]
        if isinstance(cell, str):
            cell = Decimal(cell)
        if isinstance(cell, int) or (isinstance(cell, Decimal) and cell.is_finite()):
            ns = int(cell * step)
        elif isinstance(cell, float):
            # A double holds microseconds of this century, not nanoseconds.
            ns = round(cell * step / 1000) * 1000 if step > 1 else int(cell)
        else:
            raise ValueError(f"{cell!r} is no number of {self.format}; is time_format right?")
        if not -(2**63) <= ns < 2**63:
            raise ValueError(f"{cell} {self.format} is outside the years 1677 to 2262")
        return ns


def values_of(kind: Kind, cells: Sequence[Any]) -> Values:
    """Cells as samples; NULL is NaN, ``(invalid)`` or an empty vector.

    Raises
    ------
    BadCell
        One that is none of that kind.
    """
    made: list[Any] = []
    for place, cell in enumerate(cells):
        try:
            made.append(_sample(kind, cell))
        except (ValueError, TypeError, ArithmeticError) as error:
            raise BadCell(place, f"{str(cell)[:60]!r} is not {kind}: {error}") from None
    if kind is Kind.NUMERIC:
        return np.array(made, np.float64)
    if kind is Kind.VECTORNUMERIC:
        return stack(made, ndim=1)
    whole = np.empty(len(made), object)
    for place, sample in enumerate(made):
        whole[place] = sample
    return whole


def _sample(kind: Kind, cell: Any) -> Any:
    if kind is Kind.NUMERIC:
        return np.nan if cell is None else float(cell)
    if kind is Kind.TEXTUAL:
        if isinstance(cell, bytes | memoryview):
            return bytes(cell).decode("utf-8", "replace")
        return INVALID_TEXT if cell is None else str(cell)
    rows = json.loads(cell) if isinstance(cell, str | bytes) else cell
    if rows is None:
        empty: list[Any] = []
        rows = empty if kind is Kind.VECTORNUMERIC else [INVALID_TEXT]
    if not isinstance(rows, list | tuple):
        raise ValueError("it is no list")
    if kind is Kind.VECTORSTRING:
        return np.array(["" if one is None else str(one) for one in rows], object)
    vector = np.array([np.nan if one is None else one for one in rows], np.float64)
    if vector.ndim != 1:
        raise ValueError("it is a list of lists")
    return vector
