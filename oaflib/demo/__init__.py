"""The demo machine: two weeks of a made-up accelerator that newcomers see first.

Everything is generated from the calendar day and the variable's name, so any day can be made by
itself and is always the same; faults are planted, documented, and counted back from the last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from oaflib.demo.day import COUNT, LAST, ZONE, Day, days_ending
from oaflib.demo.faults import PlantedFault, planted
from oaflib.demo.project import SavedQuery, project_files, saved_queries, write_project

if TYPE_CHECKING:
    from oaflib.series import Series

__all__ = [
    "COUNT",
    "LAST",
    "ZONE",
    "PlantedFault",
    "SavedQuery",
    "days",
    "faults",
    "generate",
    "project_files",
    "snapshots",
    "write_project",
    "years",
]


def days(last: date = LAST, count: int = COUNT) -> list[date]:
    """The demo's calendar days, the oldest first, ending with `last`."""
    return days_ending(last, count)


def faults(last: date = LAST) -> tuple[PlantedFault, ...]:
    """What is planted in the demo that ends on `last`."""
    return planted(last)


def snapshots() -> tuple[SavedQuery, ...]:
    """The queries saved in the demo's logging system."""
    return saved_queries()


def years(last: date = LAST) -> bytes:
    """The years before the demo as a spreadsheet: ``timestamp,variable,value,unit``, gzipped.

    What wears and its healthy neighbours, a value a day, from March 2024 until the day before
    `last`.
    """
    from oaflib.demo.past import table

    return table(last)


def generate(day: date, last: date = LAST) -> Iterator[Series]:
    """Every variable of the demo machine on one calendar day of Europe/Zurich.

    One series a variable, but two for a variable whose unit changed during the day; an empty one
    for a variable that logged nothing. `last` only decides where the planted faults lie.

    Raises
    ------
    ValueError
        A day before the machine was commissioned.
    """
    from oaflib.demo import bbq, bct, blm, bpm, bsra, bsrt, btv, bws, context, injectors
    from oaflib.demo.machine import timeline

    today = Day.of(day, last)
    machine = timeline(today)
    yield from context.series(today, machine)
    yield from injectors.series(today)
    for family in (bct, bws, bpm, blm, bsra, bsrt, btv, bbq):
        yield from family.series(today, machine)
