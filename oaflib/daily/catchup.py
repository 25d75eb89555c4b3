"""What the mornings that did not happen left undone, and how it is told: one digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, takewhile
from zoneinfo import ZoneInfo

from oaflib import report as documents
from oaflib import silences
from oaflib.changes import Changes
from oaflib.config.project import Project
from oaflib.config.tasks import Task
from oaflib.daily.due import Due, due, morning_of
from oaflib.daily.morning import OWED, Done, given_up, note, noted, place_of
from oaflib.daily.telling import Owed
from oaflib.errors import ReportError
from oaflib.inform.texts import counted
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import Window

WINDOWS = 24  # windows shorter than a day that are caught up, at most
_DAY = timedelta(hours=23)  # the shortest there is
_ALIKE = 0.2  # by how much windows of one rule differ in length: days of 23 and 25 hours


@dataclass(frozen=True)
class Missed:
    """The reports that earlier mornings should have made: a list for each, the oldest first.

    `beyond` counts the days before them that are missing too and stay so.
    """

    mornings: tuple[tuple[Due, ...], ...] = ()
    beyond: int = 0

    @property
    def count(self) -> int:
        """How many reports."""
        return sum(len(morning) for morning in self.mornings)

    @property
    def label(self) -> str:
        """``2026-11-19 to 2026-11-21``."""
        labels = [one.window.label for morning in self.mornings for one in morning]
        return spelt(labels)

    @property
    def verb(self) -> str:
        """``was`` of a single day."""
        return "were" if " to " in self.label else "was"


def spelt(labels: Iterable[str]) -> str:
    """The first and the last of some labels."""
    known = sorted(labels)
    if not known:
        return ""
    return known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def missed(
    tasks: Sequence[Task], state: State, at: datetime, days: int, schedule: str = ""
) -> Missed:
    """What is missing before the morning at `at`, of the last `days` days.

    A report is missing when its task was reported before and this window was not, or broke on fewer
    mornings than it is tried. Of windows shorter than a day only those since the task's last one
    are looked at, `WINDOWS` at most, and none for tasks that look at the moment of the morning.
    """
    if days < 1:
        return Missed()
    rows = _by_task(state.runs())
    made = {row.key: row for row in chain.from_iterable(rows.values())}
    if schedule == "hourly":
        return _gaps(tasks, rows, at, days)
    mornings = []
    zone = str(at.tzinfo)
    beyond = 0
    today = at.astimezone(ZoneInfo(zone)).date()
    step = 7 if schedule == "weekly" else 1  # a line of cron of its own, on any day of the week
    for back in reversed(range(step, days + 31, step)):
        wanted = due(tasks, morning_of(today - timedelta(days=back + 1), zone), schedule)
        left = tuple(
            one for one in wanted if _missing(one, made.get(one.key), rows.get(one.task.id, []))
        )
        if left and back > days:
            beyond += 1
        elif left:
            mornings.append(left)
    return Missed(tuple(mornings), beyond)


def _missing(one: Due, made: RunRow | None, rows: Sequence[RunRow]) -> bool:
    """Whether it is, by its own row (None: there is none) and by those of its task, in order."""
    if one.window.duration < _DAY:
        return False  # it looks at the moment of the morning, which is over
    if made is not None:
        return not (made.status is RunStatus.DONE or given_up(made))
    end = one.window.end_ns
    return any(_alike(row, one.window) for row in takewhile(lambda row: row.window_end < end, rows))


def _gaps(tasks: Sequence[Task], rows: dict[str, list[RunRow]], at: datetime, days: int) -> Missed:
    """The windows between the last one made and now, as long as those of the rule."""
    found = []
    beyond = 0
    for one in due(tasks, at, "hourly"):
        length = one.window.duration
        made = [row for row in rows.get(one.task.id, []) if _alike(row, one.window)]
        if not made or length >= _DAY:
            continue
        last = max(row.window_end for row in made)
        window = one.window
        back: list[Due] = []
        while window.start_ns - (window.end_ns - window.start_ns) >= last:
            window = Window(window.start - length, window.start, window.zone)
            if len(back) == WINDOWS or window.end < at - timedelta(days=days):
                beyond += 1
                break
            back.append(Due(one.task, window))
        found += back
    ordered = sorted(found, key=lambda one: one.window.end_ns)
    return Missed(tuple((one,) for one in ordered), beyond)


def _alike(row: RunRow, window: Window) -> bool:
    length = window.end_ns - window.start_ns
    return abs(row.window_end - row.window_start - length) <= _ALIKE * length


def _by_task(rows: Iterable[RunRow]) -> dict[str, list[RunRow]]:
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        found.setdefault(row.task, []).append(row)
    return found


def owed(
    project: Project,
    state: State,
    done: Sequence[Done],
    today: Sequence[tuple[Task, Changes]] = (),
) -> Owed:
    """What no digest told yet, and the keys under which the state remembers that.

    That is what was caught up (`done`), what this morning made (`today`), and what an earlier one
    made that was killed before its digest: of that the published report says what it found.
    """
    made = {note(OWED, one.due.key): one.changes for one in done}
    ours = {note(OWED, _key(changes)): (task, changes) for task, changes in today}
    tasks = {task.id: task for task in reversed(project.tasks)}
    told, keys = [], []
    for key, run in noted(state, OWED):
        keys.append(key)
        if key in ours:
            continue
        changed = made.get(key) or _published(project, run)
        if run is not None and changed is not None and run.task in tasks:
            told.append((tasks[run.task], changed))
    told.sort(key=lambda entry: entry[1].report.window.end_ns)
    labels = spelt(changes.report.window.label for _, changes in told)
    return Owed(labels, told, keys, [ours[key] for key in ours if key in keys])


def _key(changes: Changes) -> tuple[str, int, int]:
    report = changes.report
    return (report.id, report.window.start_ns, report.window.end_ns)


def _published(project: Project, row: RunRow | None) -> Changes | None:
    if row is None or not row.place:
        return None
    try:
        report = documents.read((place_of(project, row) / "report.json").read_bytes())
    except (OSError, ReportError):
        return None
    return silences.apply(Changes(report), project.silences)


def sentences(missing: Missed, done: Sequence[Done], at: datetime) -> list[str]:
    """What the operator is told of it."""
    said = []
    if done:
        failed = [one for one in done if one.failure]
        words = f"Caught up: {missing.label} {missing.verb} missed or broke, "
        words += counted(len(done), "report")
        if failed:
            words += f", {len(failed)} of them failed ({failed[0].due.task.id}: "
            words += f"{failed[0].failure[:200]})"
        said.append(words + ".")
    if missing.beyond:
        said.append(
            f"Days before {missing.label or at.date()} are missing too and were not made (the "
            "bound is [daily] catch_up in site.toml); oaf daily --from DAY makes them."
        )
    return said
