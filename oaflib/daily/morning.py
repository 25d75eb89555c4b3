"""The morning: every due report made, published and told, each fault kept to its task.

State on disk is right after a kill at any instant. A report goes through EXECUTED (its
``report.json`` is in the run's folder), PUBLISHED (its page is in the repository) and DONE (its
alarms and mails are in one transaction with that word); the next morning finishes what was left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from oaflib import changes as changing
from oaflib import report as documents
from oaflib import silences as silencing
from oaflib.changes import AlarmState, Changes
from oaflib.config.project import Project
from oaflib.config.tasks import Task
from oaflib.daily.due import Due
from oaflib.daily.telling import Teller
from oaflib.errors import OafError, ReportError
from oaflib.history import History
from oaflib.inform.sheet import Picture
from oaflib.publish import Site, place
from oaflib.report import Change, Report
from oaflib.run.crew import Crew
from oaflib.run.runner import Run, body_of, failed_report, run_folder
from oaflib.run.thumbnails import thumbnails
from oaflib.sources.open import serving
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import nanoseconds

_LONGEST_DAY = timedelta(hours=25)
ATTEMPTS = 3  # mornings on which a broken report is tried again
OWED = "owed/"  # what the state remembers of reports that a digest has yet to tell
UNTOLD = "untold/"  # and of new alarms that nobody was to be told of


class Progress(Protocol):
    """Who is told how the morning goes."""

    def started(self, count: int) -> None:
        """So many reports are due."""

    def ended(self, done: Done) -> None:
        """One more is there."""


@dataclass(frozen=True)
class Done:
    """One report of the morning.

    `failure` is a sentence when it could not be made. `kept` says it was there already.
    """

    due: Due
    report: Report | None
    changes: Changes | None = None
    seconds: float = 0.0
    failure: str = ""
    kept: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Morning:
    """All of it."""

    done: tuple[Done, ...] = field(default=())

    @property
    def failed(self) -> tuple[Done, ...]:
        """The reports that could not be made."""
        return tuple(done for done in self.done if done.failure)


@dataclass(frozen=True)
class Desk:
    """What a morning works with.

    `late` says that its reports are caught up: they are told in one digest, and owed until then.
    """

    project: Project
    state: State
    site: Site
    teller: Teller
    history: History
    now: Callable[[], datetime]
    late: bool = False


def hold(
    desk: Desk, wanted: Sequence[Due], crew: Crew, progress: Progress, *, again: bool = False
) -> Morning:
    """Have the `wanted` reports made by `crew`; publish and tell each as it comes.

    What is there already is left alone, unless `again`. Reports on more than a day look back on
    the history of the others, so they wait for these.
    """
    progress.started(len(wanted))
    done = []
    left = []
    for due in wanted:
        row = desk.state.run(*due.key)
        if row and not again and (row.status is RunStatus.DONE or given_up(row)):
            kept = Done(due, None, failure=row.detail, kept=True)
            done.append(kept)
            progress.ended(kept)
        else:
            left.append((due, row))
    with serving(desk.project, (due.task.source for due, _ in left)):
        for wave in (False, True):
            some = [pair for pair in left if (pair[0].window.duration > _LONGEST_DAY) == wave]
            for due, row, run in _runs(desk, some, crew):
                ended = _finish(desk, due, row, run)
                done.append(ended)
                progress.ended(ended)
    return Morning(tuple(done))


def given_up(row: RunRow) -> bool:
    """Whether a broken report is not tried again."""
    return row.status is RunStatus.FAILED and row.attempt >= ATTEMPTS


def _runs(
    desk: Desk, wanted: Sequence[tuple[Due, RunRow | None]], crew: Crew
) -> Iterator[tuple[Due, RunRow | None, Run]]:
    """Each with its run, as they end; what an earlier morning executed is taken up."""
    waiting: dict[Future[Run], tuple[Due, RunRow | None]] = {}
    try:
        for due, row in wanted:
            run = _executed(desk.project, due, row)
            if run:
                yield due, row, run
            else:
                future = crew.submit(desk.project, due.assignment, due.window)
                waiting[future] = (due, row)
        while waiting:
            ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                due, row = waiting.pop(future)
                yield due, row, _result(desk.project, due, future)
    finally:
        for future in waiting:  # nobody takes them any more: the state cannot be written
            future.cancel()


def _result(project: Project, due: Due, future: Future[Run]) -> Run:
    """The run; an error of our own becomes a failed report like any other."""
    try:
        return future.result()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        report = failed_report(project, due.assignment, due.window, reason)
        return Run(report, run_folder(project, due.task.id, due.window), 0.0, reason)


def _executed(project: Project, due: Due, row: RunRow | None) -> Run | None:
    """The run that an earlier morning executed and did not finish telling."""
    if row is None or row.status not in (RunStatus.EXECUTED, RunStatus.PUBLISHED):
        return None
    folder = run_folder(project, due.task.id, due.window)
    try:
        report = documents.read((folder / "report.json").read_bytes())
    except (OSError, ReportError):
        return None
    if report.window.key != due.window.key:
        return None
    return Run(report, folder, 0.0, "" if report.finished else report.outcomes[0].reason)


def _finish(desk: Desk, due: Due, row: RunRow | None, run: Run) -> Done:
    """Publish and tell one run."""
    attempt = (row.attempt + 1) if row and row.status is RunStatus.FAILED else 1
    entry = RunRow(
        *due.key,
        label=due.window.label,
        status=RunStatus.EXECUTED,
        attempt=attempt,
        severity=str(run.report.severity),
        detail=run.failure,
        ended=nanoseconds(desk.now()),
    )
    desk.state.put_run(entry)
    remembered = _remembered(desk.state, due)
    state, changed = changing.advance(remembered, run.report, desk.project.site.alarms)
    changed = silencing.apply(changed, desk.project.silences)
    try:
        folder = place(
            changed.report,
            body_of(run, desk.project.site.trusted.notebooks),
            desk.project.publish,
            desk.site,
        )
    except Exception as error:  # a page template's mistake too: a fault stays inside its task
        failure = f"the page could not be published: {type(error).__name__}: {error}"
        desk.state.put_run(replace(entry, detail=failure))
        return Done(due, changed.report, changed, run.seconds, failure)
    notes: tuple[str, ...] = ()
    try:
        desk.history.append(changed.report)
    except (OafError, OSError) as error:  # an index: `oaf history rebuild` makes it again
        notes = (f"its statistics did not join the history: {error}",)
    mails = []
    news = (attempt == 1 or not run.failure) and not desk.teller.rules.silent
    later = news and (desk.late or desk.teller.defers(changed.report))
    if news and not desk.late:
        pictures = partial(_pictures, run, changed.report)
        mails = desk.teller.of_report(due.task, changed, attempt, pictures)
    with desk.state.transaction():
        status = RunStatus.FAILED if run.failure else RunStatus.DONE
        desk.state.put_run(replace(entry, status=status, place=_relative(folder, desk)))
        desk.state.keep(_memory(due), state.write())
        if later:
            desk.state.keep(note(OWED, due.key), "")
        elif not mails and changed.marked(Change.NEW):
            desk.state.keep(note(UNTOLD, due.key), "")
        desk.teller.post(mails)
    return Done(due, changed.report, changed, run.seconds, run.failure, notes=notes)


def note(what: str, key: tuple[str, int, int]) -> str:
    """Under which key the state remembers `OWED` or `UNTOLD` of a run."""
    return what + "/".join(str(part) for part in key)


def _pictures(run: Run, report: Report) -> tuple[Picture, ...]:
    """Of the new alarms; a mail without is better than no mail."""
    try:
        return thumbnails(run.folder, report)
    except Exception:  # whatever a picture can do wrong
        return ()


def told_of(
    project: Project, state: State, wanted: Sequence[Due], done: Sequence[Done] = ()
) -> list[tuple[Task, Changes]]:
    """What each of the `wanted` reports says; of those not among `done` what is published.

    Reports that are not there are left out.
    """
    made = {one.due.key: one.changes for one in done}
    told = []
    for due in wanted:
        changed = made.get(due.key) or _changes_kept(project, state, due)
        if changed is not None:
            told.append((due.task, changed))
    return told


def _changes_kept(project: Project, state: State, due: Due) -> Changes | None:
    """What a report that is there already changed; None when it is not to be read."""
    row = state.run(*due.key)
    if row is None or not row.place:
        return None
    try:
        report = documents.read((place_of(project, row) / "report.json").read_bytes())
    except (OSError, ReportError):
        return None
    _, changed = changing.advance(_remembered(state, due), report)
    return silencing.apply(changed, project.silences)


def _relative(folder: Path, desk: Desk) -> str:
    return str(folder.relative_to(desk.project.publish))


def place_of(project: Project, row: RunRow) -> Path:
    """The folder of a run's page."""
    return project.publish / row.place


def _remembered(state: State, due: Due) -> AlarmState:
    text = state.value(_memory(due))
    return AlarmState.read(text) if text else AlarmState(due.task.id)


def _memory(due: Due) -> str:
    """A dataset reported by the day and by the quarter of an hour has two memories."""
    return f"alarms/{due.task.id}/{due.task.window}"
