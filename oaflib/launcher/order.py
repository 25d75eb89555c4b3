"""An order: which report is wanted, as a person says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from oaflib.config.project import Project
from oaflib.errors import ConfigurationError, OafError
from oaflib.publish import place, site_of
from oaflib.run.preflight import read_notebook
from oaflib.run.request import AT
from oaflib.run.runner import Assignment, Run, assigned, body_of, chosen, run_folder, run_report
from oaflib.sources.base import KeepsSnapshots
from oaflib.sources.open import open_source, serving
from oaflib.window import (
    Window,
    between,
    calendar_day,
    last,
    parse_duration,
    parse_instant,
    yesterday,
)

PREFIX = "BI_"


@dataclass(frozen=True)
class Order:
    """One report.

    Attributes
    ----------
    dataset : ``<INST>_<dataset>``, or a snapshot of the source, ``BI_<INST>_<dataset>``.
    when : a day (``2026-11-22``), a length up to now (``15min``), or start and end with ``/``
        between them, ISO 8601 with zone; empty: yesterday.
    source : a name of ``[sources]``; empty: the task table's.
    """

    dataset: str
    when: str = ""
    source: str = ""
    low_res: bool = False
    expert_code: str = ""
    template: str = ""
    name: str = ""


@dataclass(frozen=True)
class Made:
    """A report that was made: its run, and its folder in the repository."""

    run: Run
    folder: Path


def assignment_of(order: Order, project: Project) -> Assignment:
    """How the order is to be run: as its task says, and as the order does.

    Raises
    ------
    ConfigurationError
        No such dataset or source.
    """
    made = assigned(project, order.dataset.removeprefix(PREFIX), order.source)
    made = chosen(project, made, order.template, order.expert_code)
    return replace(made, low_res=order.low_res, name=order.name)


def window_of(order: Order, zone: str, now: datetime) -> Window:
    """When: see `Order`.

    Raises
    ------
    ConfigurationError
        Not a time.
    """
    text = order.when.strip()
    try:
        if not text:
            found = yesterday(now, zone)
        elif "/" in text:
            start, _, end = text.partition("/")
            begin = parse_instant(start.strip()).astimezone(UTC)
            found = between(begin, parse_instant(end.strip()).astimezone(UTC), zone)
        elif text[-1].isalpha():
            found = last(parse_duration(text), now.replace(second=0, microsecond=0), zone)
        else:
            found = calendar_day(date.fromisoformat(text), zone)
    except ValueError as error:
        raise ConfigurationError(
            f"when: {error}; write a day (2026-11-22), a length up to now (15min), or start/end "
            "with their zone (2026-11-22T08:00Z/2026-11-22T10:00Z)"
        ) from None
    return replace(found, label=order.name) if order.name else found


def make(order: Order, project: Project, now: datetime) -> Made:
    """Make the report that would have been made, and publish it; nobody is mailed.

    What goes wrong inside the run is in its report.
    """
    assignment = assignment_of(order, project)
    window = window_of(order, project.site.zone, now)
    with serving(project, [assignment.source]):
        run = run_report(project, assignment, window)
    return Made(run, place(run.report, body_of(run), project.publish, site_of(project)))


def progress_of(order: Order, project: Project, now: datetime) -> Callable[[], float]:
    """What tells how far the order's run is, from 0 to 1, by the cell at work."""
    assignment = assignment_of(order, project)
    window = window_of(order, project.site.zone, now)
    at = run_folder(project, assignment.dataset, window) / AT
    template = project.template(assignment.dataset, assignment.template)
    cells = max(1, len(read_notebook(template).cells))

    def progress() -> float:
        try:
            return min(1.0, int(at.read_text()) / cells)
        except (OSError, ValueError):
            return 0.0

    return progress


def datasets_of(project: Project) -> list[str]:
    """What can be reported: the datasets of tasks and files, then the sources' own snapshots.

    A source that does not answer has none to offer.
    """
    known = list(dict.fromkeys([*(task.id for task in project.tasks), *sorted(project.datasets)]))
    saved: list[str] = []
    for name in project.site.sources:
        try:
            with open_source(project, name) as source:
                if isinstance(source, KeepsSnapshots):
                    saved += [query.name for query in source.snapshots(f"{PREFIX}%")]
        except OafError:
            continue
    fresh = [name for name in dict.fromkeys(saved) if name.removeprefix(PREFIX) not in known]
    return [*known, *fresh]
