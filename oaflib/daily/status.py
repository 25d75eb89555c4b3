"""Whether the morning happened: for a person, a monitor and a watchdog. Reads, changes nothing."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from oaflib.config.project import Project
from oaflib.config.tasks import Task
from oaflib.daily.due import Due, due
from oaflib.daily.morning import given_up
from oaflib.daily.space import Space, shortages, spaces
from oaflib.errors import OafError
from oaflib.inform.outbox import standing
from oaflib.inform.texts import counted, some_of
from oaflib.run.isolation import level
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import instant, moment, nanoseconds

SCHEMA = "oaf-status/1"
_MAIL_WAITS = timedelta(minutes=30)  # three tries; longer, and somebody should look at the server
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class TaskState:
    """A due report: ``made``, ``failed``, ``missing``, or ``pending`` until it is expected."""

    task: str
    schedule: str
    label: str
    state: str
    severity: str = ""
    made_at: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Status:
    """What there is to know. Times are ISO 8601 UTC; empty: never.

    `problems` are sentences; none means that all is well. `holder` is the process at work now.
    `isolation` is what expert code runs under.
    """

    at: str
    title: str
    last_morning: str = ""
    next_due: str = ""
    tasks: tuple[TaskState, ...] = ()
    mails_waiting: int = 0
    mails_dead: int = 0
    oldest_mail: str = ""
    holder: int | None = None
    isolation: str = ""
    disks: tuple[Space, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def count(self, state: str) -> int:
        """How many due reports are in `state`."""
        return sum(task.state == state for task in self.tasks)

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        disks = [{**asdict(disk), "path": str(disk.path)} for disk in self.disks]
        return {"schema": SCHEMA, "healthy": self.healthy, **asdict(self), "disks": disks}


def status(project: Project, now: datetime, *, over: bool = False) -> Status:
    """How the project stands at `now`; what cannot be read becomes a problem, never an error.

    Until `expected_by` of the site the day's reports are pending, unless the morning is `over`.
    """
    zone = ZoneInfo(project.site.zone)
    expected = time.fromisoformat(project.site.expected_by)
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), expected, zone)
    over = over or local >= today
    judged = local if over else today - timedelta(days=1)
    problems: list[str] = []
    tasks: list[TaskState] = []
    last, waiting, dead, oldest = "", 0, 0, None
    path = project.runs / "state.sqlite"
    try:
        if not path.exists():
            raise OafError("no morning was ever held here: there is no state database")
        with closing(State(path, read_only=True)) as state:
            rows = state.runs(since=nanoseconds(now - 3 * _WEEK))
            tasks = [*_states(project.tasks, state, judged, "missing")]
            if not over:
                tasks += [
                    one
                    for one in _states(project.tasks, state, today, "pending")
                    if one.state == "pending" and one.schedule == "daily"
                ]
            tasks += _hourly(project.tasks, rows, now)
            mails = standing(state)
            waiting, dead, oldest = mails.waiting, mails.dead, mails.oldest
            text = state.value("clock")
            ends = [row.ended for row in rows if row.ended]
            at = json.loads(text)["at"] if text else max(ends, default=0)
            last = instant(moment(int(at)).replace(microsecond=0)) if at else ""
    except (OafError, ValueError, KeyError, TypeError) as error:
        problems.append(str(error))
    problems += _troubles(tasks)
    at_work = holder(project.runs / "lock")
    if at_work is not None and any(task.state == "missing" for task in tasks):
        problems.append(f"a run is still at work, or hangs: process {at_work or 'unknown'}")
    if oldest is not None and now - oldest > _MAIL_WAITS:
        problems.append(
            f"{counted(waiting, 'mail')} waiting to be sent, the oldest since "
            f"{oldest:%Y-%m-%d %H:%M %Z}"
        )
    if dead:
        problems.append(f"{counted(dead, 'mail')} could not be delivered (oaf mail --list)")
    problems += shortages(project)
    try:
        isolation = level(project).name
    except OafError as error:
        isolation = ""
        problems.append(f"expert code does not run: {error}")
    return Status(
        at=instant(now.replace(microsecond=0)),
        title=project.site.title,
        last_morning=last,
        next_due=instant(today if not over else _next(local, expected, zone)),
        tasks=tuple(tasks),
        mails_waiting=waiting,
        mails_dead=dead,
        oldest_mail=instant(oldest.replace(microsecond=0)) if oldest else "",
        isolation=isolation,
        holder=at_work,
        disks=spaces(project),
        problems=tuple(problems),
    )


def _next(local: datetime, expected: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(local.date() + timedelta(days=1), expected, zone)


def _states(tasks: Sequence[Task], state: State, at: datetime, absent: str) -> Iterator[TaskState]:
    """The daily reports of the morning at `at`, and the weekly ones of the last Monday."""
    for one in due(tasks, at, "daily"):
        yield _state(one, state.run(*one.key) or _of_that_day(state, one), absent)
    monday = at - timedelta(days=at.weekday())
    known = {row.task for row in state.runs()}
    for one in due(tasks, monday, "weekly"):
        row = state.run(*one.key) or _of_that_day(state, one)
        yield _state(
            one, row, absent if one.task.id in known else "pending"
        )  # its first is to come


def _of_that_day(state: State, one: Due) -> RunRow | None:
    """Of a task that looks at the moment of its morning: the last one of that day."""
    if one.window.duration >= timedelta(hours=23):
        return None
    since = nanoseconds(one.window.end - timedelta(hours=20))
    found = [row for row in state.runs(since=since) if row.task == one.task.id]
    return found[-1] if found else None


def _hourly(tasks: Sequence[Task], rows: Sequence[RunRow], now: datetime) -> Iterator[TaskState]:
    """Hourly tasks: missing when the last report is more than two hours old."""
    for one in due(tasks, now, "hourly"):
        length = one.window.end_ns - one.window.start_ns
        made = [
            row
            for row in rows
            if row.task == one.task.id and row.window_end - row.window_start == length
        ]
        row = max(made, key=lambda row: row.window_end, default=None)
        fresh = row is not None and row.window_end > nanoseconds(now - timedelta(hours=2))
        yield _state(one, row if fresh else None, "missing")


def _state(one: Due, row: RunRow | None, absent: str) -> TaskState:
    task = one.task
    if row is None or row.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return TaskState(task.id, task.schedule, one.window.label, absent)
    ended = instant(moment(row.ended).replace(microsecond=0)) if row.ended else ""
    word = "made" if row.status is RunStatus.DONE else "failed"
    if row.status in (RunStatus.EXECUTED, RunStatus.PUBLISHED) and not row.detail:
        word = absent  # executed, and the morning ended before it was published
    detail = row.detail + (" (not tried again)" if row.detail and given_up(row) else "")
    return TaskState(
        task.id, task.schedule, row.label or one.window.label, word, row.severity, ended, detail
    )


def _troubles(tasks: Sequence[TaskState]) -> Iterator[str]:
    for state, one, several in (
        ("missing", "is missing", "are missing"),
        ("failed", "could not be made", "could not be made"),
    ):
        found = [f"{task.task} {task.label}" for task in tasks if task.state == state]
        if found:
            words = one if len(found) == 1 else several
            yield f"{counted(len(found), 'report')} {words}: {some_of(found)}"


def holder(path: Path) -> int | None:
    """The process that holds the lock at `path`; None when nobody does."""
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0)
    except (OSError, ValueError):
        return None
    return None


def prometheus(found: Status) -> str:
    """The status in the text format that Prometheus' node exporter collects from files."""
    lines: list[str] = []

    def metric(name: str, about: str, *values: tuple[str, float]) -> None:
        lines.append(f"# HELP oaf_{name} {about}")
        lines.append(f"# TYPE oaf_{name} gauge")
        lines.extend(f"oaf_{name}{labels} {value:.15g}" for labels, value in values)

    metric("healthy", "1 when oaf status has nothing to complain of.", ("", found.healthy))
    metric("status_timestamp_seconds", "When this was written.", ("", _seconds(found.at)))
    metric(
        "last_morning_timestamp_seconds", "The last morning.", ("", _seconds(found.last_morning))
    )
    metric("next_due_timestamp_seconds", "The next morning's end.", ("", _seconds(found.next_due)))
    states = ("made", "failed", "missing", "pending")
    values = [(f'{{state="{state}"}}', float(found.count(state))) for state in states]
    metric("reports", "Due reports by state.", *values)
    each = [
        (f'{{task="{_label(task.task)}",schedule="{task.schedule}"}}', task.state == "made")
        for task in found.tasks
        if task.state != "pending"
    ]
    metric("report_made", "1 when the due report was made.", *each)
    metric("mails_waiting", "Mails waiting to be sent.", ("", found.mails_waiting))
    metric("mails_dead", "Mails that could not be delivered.", ("", found.mails_dead))
    disks = [(f'{{folder="{disk.name}"}}', float(disk.free)) for disk in found.disks]
    metric("disk_free_bytes", "Free space of a folder's disk.", *disks)
    metric("at_work", "1 while a run holds the lock.", ("", found.holder is not None))
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def written(text: str, path: Path) -> None:
    """Put `text` at `path`, readable by all: a collector sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
        beside.chmod(0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
