"""Which reports are due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from oaflib.config.tasks import Task
from oaflib.config.words import quoted
from oaflib.errors import ConfigurationError
from oaflib.run.runner import Assignment
from oaflib.window import Window, calendar_day, of_rule

_MONDAY = 0


@dataclass(frozen=True)
class Due:
    """One task over one window; `fresh`: the source is asked also for what was kept of it."""

    task: Task
    window: Window
    fresh: bool = False

    @property
    def key(self) -> tuple[str, int, int]:
        """The report's identity: (dataset and schedule's rule, window start, window end)."""
        return (self.task.id, self.window.start_ns, self.window.end_ns)

    @property
    def assignment(self) -> Assignment:
        """How its report is made."""
        task = self.task
        return Assignment(
            task.id,
            task.source,
            default_plots=task.default_plots,
            expert_code=task.expert_code,
            template=task.template,
            fresh=self.fresh,
        )


def due(tasks: Iterable[Task], at: datetime, schedule: str = "", only: str = "") -> list[Due]:
    """The reports due at `at`, in the table's order.

    Without `schedule`: daily tasks, and on Mondays the weekly ones. `only` is a shell pattern on
    ``<INST>_<dataset>``. A task's window ends at or before `at`, in the zone that `at` carries.

    Raises
    ------
    ConfigurationError
        No task at all is like `only`.
    """
    every = [task for task in tasks if fnmatchcase(task.id, only or "*")]
    if only and not every:
        raise ConfigurationError(f"no task of the task table is like {quoted(only)}")
    zone = str(at.tzinfo)
    wanted = {schedule} if schedule else {"daily"}
    if not schedule and at.weekday() == _MONDAY:
        wanted.add("weekly")
    return [Due(task, of_rule(task.window, at, zone)) for task in every if task.schedule in wanted]


def morning_of(day: date, zone: str) -> datetime:
    """The moment from which `day` is yesterday: its end, local midnight."""
    return calendar_day(day, zone).end.astimezone(ZoneInfo(zone))
