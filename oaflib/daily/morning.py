"""The morning: every due report made, published and told, each fault kept to its task.

State on disk is right after a kill at any instant. A report goes through EXECUTED (its
``report.json`` is in the run's folder), PUBLISHED (its page is in the repository) and DONE (its
alarms and mails are in one transaction with that word); the next morning finishes what was left.

Each report is put into its folder when it comes. The views of all datasets cost more the more there
are, so they are made for several reports at once, and these are told then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
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
from oaflib.daily.telling import Teller, Told
from oaflib.errors import HistoryError, OafError, ReportError
from oaflib.history import History
from oaflib.inform.sheet import Picture
from oaflib.publish import Shelved, Site, put_away, show
from oaflib.report import Change, Report
from oaflib.run.crew import Crew
from oaflib.run.request import NOTEBOOK
from oaflib.run.runner import Run, body_of, failed_report, run_folder
from oaflib.run.thumbnails import thumbnails
from oaflib.sources.open import serving
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import nanoseconds

_LONGEST_DAY = timedelta(hours=25)
ATTEMPTS = 3  # mornings on which a broken report is tried again
_VIEWS = 0.1  # of the time, at most, goes into the views of all datasets
_LOOK = 1.0  # seconds after which reports are told though no other comes
OWED = "owed/"  # what the state remembers of reports that a digest has yet to tell
UNTOLD = "untold/"  # and of new alarms that nobody was to be told of
UNJOINED = "unjoined/"  # and of statistics that the history could not take


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
class _Waiting:
    """A report in its folder that is yet to be shown and told.

    `entry` is its row, EXECUTED; `alarms` what is to be remembered of it; `news` whether anybody
    hears of it.
    """

    due: Due
    run: Run
    entry: RunRow
    changed: Changes
    alarms: AlarmState
    shelved: Shelved
    news: bool

    def done(self, failure: str, notes: tuple[str, ...] = ()) -> Done:
        """What the morning says of it."""
        return Done(
            self.due, self.changed.report, self.changed, self.run.seconds, failure, notes=notes
        )


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
    """Have the `wanted` reports made by `crew`; publish and tell them as they come.

    What is there already is left alone, unless `again`. Reports on more than a day look back on
    the history of the others, so they wait for these.
    """
    progress.started(len(wanted))
    done: list[Done] = []

    def ended(some: Sequence[Done]) -> None:
        done.extend(some)
        for one in some:
            progress.ended(one)

    _join(desk)
    left = []
    for due in wanted:
        row = desk.state.run(*due.key)
        if row and not again and (row.status is RunStatus.DONE or given_up(row)):
            ended([Done(due, None, failure=row.detail, kept=True)])
        else:
            left.append((due, row))
    with serving(desk.project, (due.task.source for due, _ in left)):
        for wave in (False, True):
            some = [pair for pair in left if (pair[0].window.duration > _LONGEST_DAY) == wave]
            waiting: list[_Waiting] = []
            resting = 0.0  # until then the views are left as they are
            for runs in _runs(desk, some, crew):
                for due, row, run in runs:
                    shelved = _shelved(desk, due, row, run)
                    if isinstance(shelved, Done):
                        ended([shelved])
                    else:
                        waiting.append(shelved)
                began = time.monotonic()
                if waiting and began >= resting:
                    ended(_told(desk, waiting))
                    waiting = []
                    resting = began + (time.monotonic() - began) / _VIEWS
            if waiting:
                ended(_told(desk, waiting))
    return Morning(tuple(done))


def given_up(row: RunRow) -> bool:
    """Whether a broken report is not tried again."""
    return row.status is RunStatus.FAILED and row.attempt >= ATTEMPTS


def _runs(
    desk: Desk, wanted: Sequence[tuple[Due, RunRow | None]], crew: Crew
) -> Iterator[list[tuple[Due, RunRow | None, Run]]]:
    """Each with its run, as they end; what an earlier morning executed is taken up.

    An empty list says that none ended for a while.
    """
    waiting: dict[Future[Run], tuple[Due, RunRow | None]] = {}
    try:
        for due, row in wanted:
            run = _executed(desk.project, due, row)
            if run:
                yield [(due, row, run)]
            else:
                future = crew.submit(desk.project, due.assignment, due.window)
                waiting[future] = (due, row)
        while waiting:
            ended, _ = wait(waiting, _LOOK, FIRST_COMPLETED)
            those = [(waiting.pop(future), future) for future in ended]
            yield [(due, row, _result(desk.project, due, one)) for (due, row), one in those]
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
    """The run that an earlier morning executed and did not finish telling, where it is whole."""
    if row is None or row.status not in (RunStatus.EXECUTED, RunStatus.PUBLISHED):
        return None
    folder = run_folder(project, due.task.id, due.window)
    try:
        report = documents.read((folder / "report.json").read_bytes())
        if report.finished:
            json.loads((folder / NOTEBOOK).read_bytes())
    except (OSError, ValueError, ReportError):
        return None
    if report.window.key != due.window.key:
        return None
    return Run(report, folder, 0.0, "" if report.finished else report.outcomes[0].reason)


def _shelved(desk: Desk, due: Due, row: RunRow | None, run: Run) -> _Waiting | Done:
    """Put one run's report into its folder; done with if that cannot be."""
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
    alarms, changed = changing.advance(remembered, run.report, desk.project.site.alarms)
    changed = silencing.apply(changed, desk.project.silences)
    try:
        body = body_of(run, desk.project.site.trusted.notebooks)
        shelved = put_away(changed.report, body, desk.project.publish, desk.site)
    except Exception as error:  # a page template's mistake too: a fault stays inside its task
        failure = _unpublished(desk, entry, error)
        return Done(due, changed.report, changed, run.seconds, failure)
    news = (attempt == 1 or not run.failure) and not desk.teller.rules.silent
    return _Waiting(due, replace(run, body=None), entry, changed, alarms, shelved, news)


def _told(desk: Desk, waiting: Sequence[_Waiting]) -> list[Done]:
    """Show what waits in the views of all datasets, and tell it, in one transaction."""
    try:
        show([one.shelved for one in waiting], desk.project.publish, desk.site)
    except Exception as error:
        if len(waiting) > 1:  # whose fault it is, each alone will show
            return [done for one in waiting for done in _told(desk, [one])]
        return [waiting[0].done(_unpublished(desk, waiting[0].entry, error))]
    done = []
    unjoined = []
    mails: list[list[Told]] = []
    for one in waiting:
        notes: tuple[str, ...] = ()
        try:
            desk.history.append(one.changed.report)
        except (OafError, OSError) as error:
            notes = (f"its statistics join the history with the next morning: {error}",)
            unjoined.append(note(UNJOINED, one.due.key))
        done.append(one.done(one.run.failure, notes))
        mails.append(_mails(desk, one) if one.news and not desk.late else [])
    with desk.state.transaction():
        for one, its in zip(waiting, mails, strict=True):
            status = RunStatus.FAILED if one.run.failure else RunStatus.DONE
            place = str(one.shelved.folder.relative_to(desk.project.publish))
            desk.state.put_run(replace(one.entry, status=status, place=place))
            desk.state.keep(_memory(one.due), one.alarms.write())
            if one.news and (desk.late or desk.teller.defers(one.changed.report)):
                desk.state.keep(note(OWED, one.due.key), "")
            elif not its and one.changed.marked(Change.NEW):
                desk.state.keep(note(UNTOLD, one.due.key), "")
            desk.teller.post(its)
        for key in unjoined:
            desk.state.keep(key, "")
    return done


def note(what: str, key: tuple[str, int, int]) -> str:
    """Under which key the state remembers `OWED`, `UNTOLD` or `UNJOINED` of a run."""
    return what + "/".join(str(part) for part in key)


def noted(state: State, what: str) -> Iterator[tuple[str, RunRow | None]]:
    """What `note` wrote, each with its run."""
    for row in state.rows("SELECT key FROM kv WHERE key LIKE ?", (f"{what}%",)):
        task, start, end = str(row["key"]).removeprefix(what).rsplit("/", 2)
        yield str(row["key"]), state.run(task, int(start), int(end))


def _join(desk: Desk) -> None:
    """Have the statistics join the history that an earlier morning could not bring there.

    A damaged history is made again from the reports, which has them all.
    """
    for key, row in list(noted(desk.state, UNJOINED)):
        try:
            if row is not None:
                path = place_of(desk.project, row) / "report.json"
                report = documents.read(path.read_bytes())
                try:
                    desk.history.append(report)
                except HistoryError:
                    desk.history.rebuild(desk.project.publish)
        except (OafError, OSError):
            continue  # the next morning tries again
        desk.state.keep(key, None)


def _unpublished(desk: Desk, entry: RunRow, error: Exception) -> str:
    """Remember why a report waits for the next morning; the sentence."""
    failure = f"the page could not be published: {type(error).__name__}: {error}"
    desk.state.put_run(replace(entry, detail=failure))
    return failure


def _mails(desk: Desk, one: _Waiting) -> list[Told]:
    pictures = partial(_pictures, one.run, one.changed.report)
    return desk.teller.of_report(one.due.task, one.changed, one.entry.attempt, pictures)


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
    _, changed = changing.advance(_remembered(state, due), report, project.site.alarms)
    return silencing.apply(changed, project.silences)


def place_of(project: Project, row: RunRow) -> Path:
    """The folder of a run's page."""
    return project.publish / row.place


def _remembered(state: State, due: Due) -> AlarmState:
    """A memory that cannot be read is begun anew: its alarms are NEW once more, and are told."""
    text = state.value(_memory(due))
    with suppress(ReportError):
        if text:
            return AlarmState.read(text)
    return AlarmState(due.task.id)


def _memory(due: Due) -> str:
    """A dataset reported by the day and by the quarter of an hour has two memories."""
    return f"alarms/{due.task.id}/{due.task.window}"
