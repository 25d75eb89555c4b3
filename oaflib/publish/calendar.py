"""A dataset's years as calendars, one cell a day."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date

from oaflib.publish.shelf import Shelf
from oaflib.publish.words import MONTHS


@dataclass(frozen=True)
class Day:
    """One day: its mark, and whether a page of the month lists it."""

    date: date
    mark: str

    @property
    def month(self) -> str:
        """``2026-11``."""
        return f"{self.date:%Y-%m}"


@dataclass(frozen=True)
class Month:
    """One month: its weeks from Monday, None outside the month."""

    name: str
    key: str
    weeks: tuple[tuple[Day | None, ...], ...]


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
    marks = [
        day.mark for month in months for week in month.weeks for day in week if day is not None
    ]
    return Year(
        year,
        months,
        sum(mark != "none" for mark in marks),
        sum(mark in ("alarm", "invalid", "failed") for mark in marks),
    )


def _month(shelf: Shelf, year: int, number: int) -> Month:
    weeks = tuple(
        tuple(
            Day(day, shelf.mark(day.isoformat())) if day.month == number else None for day in week
        )
        for week in calendar.Calendar().monthdatescalendar(year, number)
    )
    return Month(MONTHS[number - 1], f"{year}-{number:02d}", weeks)
