"""Runs: each due report made or explained (I1), none called good that never concluded (I6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from oaflib import report as documents
from oaflib import scraps
from oaflib.daily.due import Due, due, morning_of
from oaflib.daily.morning import place_of
from oaflib.errors import RecordsError, ReportError
from oaflib.fsck.finding import Finding, Look, again_of, mark_of
from oaflib.inform.compose import about
from oaflib.inform.texts import counted, some_of
from oaflib.publish.entry import Entry
from oaflib.records import open_records
from oaflib.report import Change, Report, Severity
from oaflib.run.request import FILE, NOTEBOOK
from oaflib.state import RunRow, RunStatus, State
from oaflib.stored import ended
from oaflib.window import moment

_SHORTEST_DAY = timedelta(hours=23)
_FAR = 4_000  # days: a repository's age


@dataclass(frozen=True, slots=True)
class Told:
    """A run that is over, and what else is looked at of its report as published.

    `subject` is how its mails call it, `news` how many new alarms it tells; `measured`: whether its
    statistics belong in the history.
    """

    row: RunRow
    subject: str
    label: str
    news: int
    measured: bool

    @classmethod
    def of(cls, row: RunRow, report: Report) -> Told:
        """The same of `report`, which is large, and need not be kept."""
        news = sum(one.change is Change.NEW and not one.silenced for one in report.outcomes)
        measured = report.finished and bool(report.statistics)
        return cls(row, about(report), report.window.label, news, measured)


def runs(look: Look, state: State) -> tuple[list[Told], list[Finding]]:
    """Every run of the time looked at against its page and its folder; those that have a report."""
    told: list[Told] = []
    found: list[Finding] = []
    for row in state.runs(since=look.since_ns + 1):
        if row.window_end > look.at_ns:
            continue
        look.seen["runs"] += 1
        if row.status in (RunStatus.DONE, RunStatus.FAILED):
            report = _published(look, row, found)
            if report is not None:
                told.append(Told.of(row, report))
                found += _judged(look, row, report)
                with suppress(ReportError):
                    look.listed[row.place] = mark_of(Entry.of_report(report))
        elif row.window_end < look.at_ns - _caught_up_ns(look):
            what = "was executed and never told, too long ago to be caught up"
            cause = "mornings that ended early, day after day"
            found.append(Finding("I1", _name(row), what, cause, again_of(row)))
    return told, [*found, *_missing(look, state)]


def _name(row: RunRow) -> str:
    return f"{row.task} {row.label}"


def _caught_up_ns(look: Look) -> int:
    """How long (ns) ago a report may be missing that a morning makes by itself."""
    return (look.project.site.daily.catch_up + 2) * 86_400 * 10**9


def _published(look: Look, row: RunRow, found: list[Finding]) -> Report | None:
    """The report behind a row; what speaks against it goes to `found`."""

    def finding(rule: str, what: str, cause: str) -> None:
        found.append(Finding(rule, _name(row), what, cause, again_of(row)))

    if not row.place:
        finding("I1", f"is {row.status} and has no place in the repository", "a damaged state")
        return None
    folder = place_of(look.project, row)
    try:
        report = documents.read((folder / "report.json").read_bytes())
    except FileNotFoundError:
        finding("I1", f"is made, and {row.place} is not there", "it was taken away by hand")
        return None
    except (OSError, ReportError) as error:
        finding("I4", f"its report cannot be read: {error}", "a damaged disk, or it was edited")
        return None
    if (report.id, report.window.start_ns, report.window.end_ns) != row.key:
        finding("I1", f"{row.place} holds another report ({report.window.key})", "a copy by hand")
        return None
    return report


def _judged(look: Look, row: RunRow, report: Report) -> Iterator[Finding]:
    """I6: good words only of a notebook that concluded, by the token of its own run."""
    folder = look.project.runs / "reports" / row.task / row.label
    if report.finished and not report.outcomes and report.severity is not Severity.INVALID:
        yield Finding("I6", _name(row), "judged nothing", "an edited report", again_of(row))
    if (row.status is RunStatus.DONE) != report.finished:
        word = "finished" if report.finished else "unfinished"
        what = f"is {row.status} in the state and {word} in the repository"
        yield Finding("I6", _name(row), what, "an older copy of one of the two", again_of(row))
    elif str(report.severity) != row.severity:
        what = f"is {row.severity} in the state and {report.severity} in the repository"
        yield Finding("I6", _name(row), what, "an older copy of one of the two", again_of(row))
    yield from _concluded(row, report, folder)
    if (folder / "records" / "records.json").exists():
        look.seen["records"] += 1
        yield from _records(row, folder / "records")


def _concluded(row: RunRow, report: Report, folder: Path) -> Iterator[Finding]:
    try:
        made = documents.read((folder / "report.json").read_bytes())
        token = str(json.loads((folder / FILE).read_bytes())["token"])
    except (OSError, ReportError, ValueError, KeyError, TypeError):
        return  # nothing of the run is kept
    if not report.finished or made.made_at != report.made_at:
        return  # the page is of another run of the same window
    try:
        concluded = scraps.read(folder / NOTEBOOK, token)
    except ReportError as error:
        cause = "somebody wrote into the run's folder"
        yield Finding("I6", _name(row), f"is published as finished: {error}", cause, again_of(row))
        return
    unmarked = [replace(one, change=None, silenced="") for one in report.outcomes]
    if not {one.identity for one in concluded.outcomes} <= {one.identity for one in unmarked}:
        what = "has lost outcomes that its notebook concluded with"
        yield Finding("I6", _name(row), what, "an edited report", again_of(row))


def _records(row: RunRow, folder: Path) -> Iterator[Finding]:
    cure = f"Only replays miss them. {again_of(row)}"
    try:
        records = open_records(folder)
    except RecordsError as error:
        yield Finding("records", _name(row), str(error), "a damaged disk", cure)
        return
    files = {rows.path for one in records.entries.values() for rows in (*one.lies, *one.means)}
    gone = sorted(str(path) for path in files if not (folder / path).exists())
    if gone:
        what = f"records lack {some_of(gone)}"
        yield Finding("records", _name(row), what, "files taken away by hand", cure)
    torn = sorted(str(path) for path in files if str(path) not in gone and not ended(folder / path))
    if torn:
        what = f"records are torn: {some_of(torn)}"
        yield Finding("records", _name(row), what, "a damaged disk", cure)


def _missing(look: Look, state: State) -> Iterator[Finding]:
    """I1: windows of tasks that were reported before, and nobody makes any more by himself."""
    begun = state.rows("SELECT task, min(window_end) AS first FROM run GROUP BY task")
    first = {str(row["task"]): int(row["first"]) for row in begun}
    keys = "SELECT task, window_start, window_end FROM run WHERE window_end > ?"
    there = {tuple(row) for row in state.rows(keys, (look.since_ns,))}
    tasks = [task for task in look.project.tasks if task.id in first]
    if not tasks:
        return
    zone = look.project.site.zone
    today = look.at.astimezone(ZoneInfo(zone)).date()
    oldest = max(look.since_ns, min(first.values()))
    gone: dict[str, list[Due]] = {}
    for back in range(look.project.site.daily.catch_up + 2, _FAR):
        at = morning_of(today - timedelta(days=back), zone)
        if moment(oldest) >= at:
            break
        for one in due(tasks, at):
            if one.window.duration < _SHORTEST_DAY or one.window.end_ns <= look.since_ns:
                continue
            if one.key not in there and one.window.end_ns > first[one.task.id]:
                gone.setdefault(one.task.id, []).append(one)
    for task, windows in gone.items():
        labels = sorted(one.window.label for one in windows)
        days = sorted(one.window.end.astimezone(ZoneInfo(zone)).date() for one in windows)
        span = f"--from {days[0] - timedelta(days=1)} --to {days[-1] - timedelta(days=1)}"
        what = f"{counted(len(labels), 'report')} never made: {some_of(labels)}"
        cause = "days off beyond [daily] catch_up"
        yield Finding("I1", task, what, cause, f"Type: oaf daily {span} --only {task}")
