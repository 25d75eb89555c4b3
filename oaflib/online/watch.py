"""A dataset watched while it is logged: a report again and again, until the watch ends.

Each look runs the dataset's template as the morning does, over a window that slides with the clock
or grows from a start. What it shows is at ``publish/ONLINE/<INST>_<dataset>/``; the repository's
own lists do not speak of it before the watch ends and leaves an ordinary report.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from threading import Event

from oaflib import changes as changing
from oaflib.changes import AlarmState, Changes
from oaflib.config.project import Project
from oaflib.errors import RecordsError
from oaflib.online.freshness import Freshness
from oaflib.online.frozen import freeze
from oaflib.online.span import Span
from oaflib.publish import Online, Site, place_online
from oaflib.records import open_records
from oaflib.report import Change
from oaflib.run.request import AT
from oaflib.run.runner import Assignment, Places, Run, body_of, failed_report, run_report
from oaflib.window import Window

Tell = Callable[[str], None]
Post = Callable[[Changes, Window], None]


@dataclass(frozen=True)
class Watch:
    """What is watched, and how.

    Attributes
    ----------
    span : the window, that slides or grows.
    every : between two looks.
    until : when the watch ends by itself; None: when it is told to.
    name : what its report is called at the end; empty: as its window.
    mail_every : at least so long between two mails.
    """

    assignment: Assignment
    span: Span
    every: timedelta = timedelta(seconds=60)
    until: datetime | None = None
    name: str = ""
    mail_every: timedelta = timedelta(minutes=15)


@dataclass
class Watcher:
    """A watch at work.

    `now` is asked for the time; `tell` gets a line for whoever sits at the terminal; `post` is
    given what is to be mailed, at most once in `watch.mail_every`.
    """

    project: Project
    site: Site
    watch: Watch
    now: Callable[[], datetime]
    tell: Tell
    post: Post | None = None
    _state: AlarmState = field(init=False)
    _shown: tuple[Run, Changes] | None = field(init=False, default=None)
    _fresh: Freshness = field(init=False, default_factory=Freshness)
    _mailed: datetime | None = field(init=False, default=None)
    _untold: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._state = AlarmState(self.watch.assignment.dataset)
        room = self.project.runs / "online" / self.watch.assignment.dataset
        # two, in turns: what is shown stays whole while the next look is at work
        self._rooms = cycle((room / "1", room / "2"))

    def go(self, stop: Event) -> Path | None:
        """Look until `stop` is set or the watch is over; the report's folder that it leaves.

        None when not a single look came to an end.
        """
        pending: Future[Run] | None = None
        with ThreadPoolExecutor(max_workers=1) as pool:
            while not self._over(stop):
                began = self.now()
                if pending is None:
                    window = self.watch.span.window(began, self.site.zone)
                    asked, folder = began, next(self._rooms)
                    pending = pool.submit(
                        run_report, self.project, self.watch.assignment, window, Places(folder)
                    )
                if self._ended(pending, stop, self._left(began)):
                    self._look(pending.result())
                    pending = None
                elif not stop.is_set():
                    self._stalled(window, folder, (self.now() - asked).total_seconds())
                stop.wait(self._left(began))
            if pending is not None:
                self.tell("waiting for the look that is under way")
                self._look(pending.result())
        return self._freeze()

    def _over(self, stop: Event) -> bool:
        return stop.is_set() or (self.watch.until is not None and self.now() >= self.watch.until)

    def _left(self, began: datetime) -> float:
        """Seconds of the period that began then."""
        return max(0.0, (began + self.watch.every - self.now()).total_seconds())

    def _ended(self, pending: Future[Run], stop: Event, seconds: float) -> bool:
        """Wait for the look, until the period is over or the watch is told to stop."""
        step = 0.2
        while seconds > 0 and not stop.is_set():
            if wait([pending], min(step, seconds)).done:
                return True
            seconds -= step
        return pending.done()

    def _look(self, run: Run) -> None:
        """Show what a look found."""
        self._state, changes = changing.advance(self._state, run.report, self.project.site.alarms)
        trouble = self._trouble(run)
        self._shown = (run, changes)
        self._show(trouble)
        new = [outcome for outcome in changes.report.outcomes if outcome.change is Change.NEW]
        for outcome in new:
            self.tell(f"NEW {outcome.device or outcome.variable}: {outcome.reason}")
        self._mail(changes, {outcome.identity for outcome in new})

    def _trouble(self, run: Run) -> str:
        """Why what a look found is not of now; empty when it is."""
        if run.failure:
            return f"the look at {run.report.window.end.isoformat()} failed: {run.failure}"
        silent = [outcome for outcome in run.report.outcomes if outcome.check == "source"]
        if silent:
            return silent[0].reason
        try:
            records = open_records(run.folder / "records")
        except RecordsError as error:
            return str(error)
        return self._fresh.trouble(records, self.watch.assignment.source, self.watch.every)

    def _stalled(self, window: Window, folder: Path, seconds: float) -> None:
        """A whole period without an answer: the source's fault, or the notebook's."""
        if not (folder / AT).exists():
            trouble = f"the notebook has not begun after {seconds:.0f} s"
        elif not (folder / "records" / "records.json").exists():
            trouble = f"{self.watch.assignment.source} has not answered for {seconds:.0f} s"
        else:
            trouble = f"the notebook is still at work after {seconds:.0f} s"
        if self._shown is None:
            report = failed_report(self.project, self.watch.assignment, window, trouble)
            self._shown = (Run(report, folder.with_name("none"), 0.0, trouble), Changes(report))
        else:
            trouble += "; what is shown is older"
        self._show(trouble)

    def _show(self, trouble: str, frozen: str = "", *, ended: bool = False) -> None:
        assert self._shown is not None
        run, changes = self._shown
        online = Online(
            at=self.now(),
            span=str(self.watch.span),
            every=self.watch.every,
            newest=self._fresh.newest,
            trouble=trouble,
            ended=ended,
            frozen=frozen,
        )
        try:
            place_online(changes.report, body_of(run), self.project.publish, self.site, online)
        except OSError as error:  # a full disk: the watch goes on, and the next page may fit
            self.tell(f"the page could not be written: {error}")
        counts = ", ".join(f"{n} {word}" for word, n in run.report.counts.items() if n)
        lag = "" if online.lag is None else f", newest sample {online.lag:.0f} s old"
        found = "" if run.failure else f"  {counts}{lag}"
        self.tell(f"{online.at:%H:%M:%S} UTC{found}  {trouble}".rstrip())

    def _mail(self, changes: Changes, new: set[str]) -> None:
        """Mail what became an alarm since the last mail and still is one."""
        if self.post is None:
            return
        alarming = {outcome.identity for outcome in changes.report.alarms}
        self._untold = (self._untold | new) & alarming
        at = self.now()
        if not self._untold or (self._mailed and at - self._mailed < self.watch.mail_every):
            return
        marked = [
            replace(outcome, change=Change.NEW) if outcome.identity in self._untold else outcome
            for outcome in changes.report.outcomes
        ]
        self.post(
            replace(changes, report=changes.report.with_outcomes(marked)), changes.report.window
        )
        self._mailed, self._untold = at, set()

    def _freeze(self) -> Path | None:
        """The report of the whole watch, in its place among the others."""
        if self._shown is None:
            return None
        window = self.watch.span.whole(self.now(), self.site.zone, self.watch.name)
        assignment = replace(self.watch.assignment, name=self.watch.name)
        frozen = freeze(self.project, self.site, assignment, window, self.now)
        self.tell(frozen.trouble or f"The snapshot is called {frozen.snapshot}")
        self._show("", frozen.folder.relative_to(self.project.publish).as_posix(), ended=True)
        shutil.rmtree(self._shown[0].folder.parent, ignore_errors=True)
        return frozen.folder
