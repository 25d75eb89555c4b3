"""A family's table: a title, a few rows of texts, and a sentence below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from oaflib.numeral import spelt
from oaflib.study.views import table

DASH = "–"
_WIDEST = 60  # characters of a cell in text
_SHOWN = 60  # rows of a table in text


@dataclass(frozen=True)
class FamilyTable:
    """One table; `note` is what an expert needs to read it, or why it has no rows."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""

    def __repr__(self) -> str:
        lines = [self.title]
        if self.rows:
            shown = [self.head, *self.rows[:_SHOWN]]
            cells = [[cell[:_WIDEST] for cell in row] for row in shown]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            for row in cells:
                joined = "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True))
                lines.append(joined.rstrip())
            if len(self.rows) > _SHOWN:
                lines.append(f"… and {len(self.rows) - _SHOWN:,} more.")
        return "\n".join([*lines, self.note] if self.note else lines)

    def _repr_html_(self) -> str:
        shown = table(self.head, self.rows) if self.rows else ""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"<h3>{escape(self.title)}</h3>{shown}{note}"


class Family(list[FamilyTable]):
    """A family's tables, shown one after the other."""

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self))

    def _repr_html_(self) -> str:
        return "".join(entry._repr_html_() for entry in self)


def figure(value: float | None, unit: str = "", digits: int = 4) -> str:
    """A number of a table, in its unit; a dash for what is not known."""
    if value is None or math.isnan(value):
        return DASH
    whole = _whole(value) or 1_000 <= abs(value) < 1e6
    return f"{spelt(round(value) if whole else value, digits)} {unit}".rstrip()


def share(part: float, whole: float, digits: int = 1) -> str:
    """A part in percent; a dash of nothing."""
    return f"{100 * part / whole:.{digits}f} %" if whole else DASH


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return sum(values) / len(values) if len(values) else math.nan


def _whole(value: float) -> bool:
    return abs(value) < 1e6 and value == round(value)
