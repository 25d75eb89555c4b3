"""A dataset's years as calendars, one cell a day.

The cells are written here: there are seven hundred to a page, and a template takes half its time
for them.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass

from markupsafe import Markup

from oaflib.publish.shelf import Shelf
from oaflib.publish.words import MONTHS, NAMES, SYMBOLS


@dataclass(frozen=True)
class Month:
    """One month: a row of cells a week, from Monday, empty outside the month."""

    name: str
    key: str
    rows: Markup


@dataclass(frozen=True)
class Year:
    """One year's months that hold reports, and how many days were alarming."""

    year: int
    months: tuple[Month, ...]
    days: int
    alarming: int


def calendars(shelf: Shelf, most: int = 2) -> tuple[Year, ...]:
    """The latest `most` years with reports, the latest first."""
    years = sorted({int(name[:4]) for name in shelf.months}, reverse=True)[:most]
    return tuple(_year(shelf, year) for year in years)


def _year(shelf: Shelf, year: int) -> Year:
    names = [f"{year}-{number:02d}" for number in range(1, 13)]
    kept = [name for name in names if name in shelf.months]
    first, final = int(kept[0][5:]), int(kept[-1][5:])
    months = tuple(_month(shelf, year, number) for number in range(first, final + 1))
    marks = [shelf.mark(f"{name}-{day:02d}") for name in kept for day in range(1, 32)]
    return Year(
        year,
        months,
        sum(mark != "none" for mark in marks),
        sum(mark in ("alarm", "invalid", "failed") for mark in marks),
    )


def _month(shelf: Shelf, year: int, number: int) -> Month:
    key = f"{year}-{number:02d}"
    weeks = calendar.monthcalendar(year, number)
    rows = ("".join(_cell(shelf, key, day) for day in week) for week in weeks)
    return Month(
        MONTHS[number - 1],
        key,
        Markup("".join(f"<tr>{row}</tr>" for row in rows)),
    )


def _cell(shelf: Shelf, month: str, number: int) -> str:
    """A day of a month; 0 is outside of it."""
    if not number:
        return "<td></td>"
    day = f"{month}-{number:02d}"
    mark = shelf.mark(day)
    if mark == "none":
        return f'<td class="none">{number}</td>'
    return (
        f'<td class="{mark}"><a href="{month}.html#d{day}" title="{day}: {NAMES[mark]}">{number}'
        f'<span class="sym" aria-hidden="true">{SYMBOLS[mark]}</span>'
        f'<span class="said"> {NAMES[mark]}</span></a></td>'
    )
