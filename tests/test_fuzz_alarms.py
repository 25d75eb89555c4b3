"""The life of alarms at random: mornings, kills, full disks, mail away, silences, edits.

Everything but the notebook is real: state, publishing, outbox. A model of a few lines says what
each report must be marked with, and that every report is told to its reader exactly once.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from faults.concluded import concluded
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from project import HEADER, made_project

from oaflib.config.project import load_project
from oaflib.daily.due import due, morning_of
from oaflib.daily.morning import Desk, hold
from oaflib.daily.telling import Teller, base_of, rules_of, settings_of
from oaflib.inform.outbox import letters
from oaflib.inform.send import flush
from oaflib.inform.transport import Unreachable
from oaflib.publish import site_of
from oaflib.report import Fault, Outcome, Severity
from oaflib.run.runner import Run
from oaflib.state import State
from oaflib.study.words import history_of

ZONE = "Europe/Zurich"
FIRST = date(2026, 10, 22)  # the 25th has 25 hours
DEVICES = ("BCT.A", "BCT.B")


class Killed(BaseException):
    """The process is gone: nothing after this instant happens."""


@dataclass
class Wire:
    """A mail server: what it took, and whether it is there."""

    away: bool = False
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, recipient: str, mail: bytes, handing: Any) -> str:
        if self.away:
            raise Unreachable("nobody is there")
        handing()
        self.taken[recipient, str(message_from_bytes(mail)["Message-ID"])] += 1
        return "250 taken"


@dataclass
class Model:
    """What should be: who is alarming now, and the marks of each day's report."""

    open: set[str] = field(default_factory=set)
    marks: dict[date, dict[str, str | None]] = field(default_factory=dict)
    silenced: dict[date, set[str]] = field(default_factory=dict)

    def morning(self, day: date, alarming: frozenset[str]) -> None:
        self.marks[day] = {
            name: ("ONGOING" if name in self.open else "NEW")
            if name in alarming
            else ("CLEARED" if name in self.open else None)
            for name in DEVICES
        }
        self.open = set(alarming)


alarms = st.frozensets(st.sampled_from(DEVICES))


class Life(RuleBasedStateMachine):
    """Mornings of one dataset; also the crew that makes their runs."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="oaf-life-"))
        self.made = made_project(self.root)
        self.made.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
        self.made.dataset("BCT_B1", 'variables = ["BCT.A:X"]\n')
        self.day = FIRST - timedelta(days=1)
        self.clock = datetime(2026, 10, 23, 7, 0, tzinfo=UTC)
        self.truth: frozenset[str] = frozenset()
        self.wire, self.model = Wire(), Model()
        self.silences: dict[str, tuple[date, date | None]] = {}
        self.was_away = False

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    @rule(alarming=alarms, off=st.sampled_from([0, 0, 0, 2]))
    def morning(self, alarming: frozenset[str], off: int) -> None:
        self._next(alarming, off)
        self._hold()

    @rule(alarming=alarms, instant=st.integers(1, 60))
    def killed_morning(self, alarming: frozenset[str], instant: int) -> None:
        self._next(alarming, 0)
        self._hold(instant)
        self._hold()

    @rule(alarming=alarms, instant=st.integers(1, 60))
    def full_disk(self, alarming: frozenset[str], instant: int) -> None:
        self._next(alarming, 0)
        self._hold(instant, full=True)
        self._hold()

    @precondition(lambda self: self.model.marks)
    @rule(again=st.booleans())
    def same_morning_again(self, again: bool) -> None:
        self._hold(again=again)

    @rule(away=st.booleans())
    def mail_server(self, away: bool) -> None:
        self.wire.away = away
        self.was_away = self.was_away or away

    @rule()
    def time_passes(self) -> None:
        self.clock += timedelta(hours=5)
        self._flush()

    @rule(device=st.sampled_from(DEVICES), days=st.integers(1, 3), acknowledge=st.booleans())
    def silence(self, device: str, days: int, acknowledge: bool) -> None:
        start = self.day + timedelta(days=1)
        if acknowledge:
            start = self.day
        until = None if acknowledge else start + timedelta(days=days)
        if device in self.silences:
            return
        self.silences[device] = (start, until)
        path = self.root / "config/silences.csv"
        lines = path.read_text() if path.exists() else "device,check,from,until,reason,author\n"
        path.write_text(f"{lines}{device},,{start},{until or 'cleared'},known,jdoe\n")

    @rule(title=st.text("abc <&'", min_size=1, max_size=8), other=st.booleans())
    def edit_configuration(self, title: str, other: bool) -> None:
        self.made.dataset("BCT_B1", f'title = {json.dumps(title)}\nvariables = ["BCT.A:X"]\n')
        row = "BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,"
        self.made.tasks(*([row] if other else [row, ""]), header=HEADER)

    @invariant()
    def reports_are_marked_as_the_model_says(self) -> None:
        for day, marks in getattr(self, "model", Model()).marks.items():
            path = self.made.report("BCT", "B1", str(day)) / "report.json"
            found = json.loads(path.read_bytes())["outcomes"]
            assert {one["device"]: one.get("change") for one in found} == marks, day
            silenced = {one["device"] for one in found if one.get("silenced")}
            assert silenced == self.model.silenced[day], day

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not getattr(self, "model", Model()).marks:
            return
        with State(self.root / "runs/state.sqlite") as state:
            rows = letters(state)
            assert len(state.runs()) == len(self.model.marks)
        told = Counter(one.subject.split(": ")[0] for one in rows if "jdoe" in one.recipient)
        assert told == Counter(f"[OAF] BCT B1 {day}" for day in self.model.marks)
        for one in rows:
            count = self.wire.taken[one.recipient, one.message_id]
            assert count == (one.state == "sent"), (one, count)
            given_up = one.state == "dead" and one.reply.startswith("not taken in 5 days")
            assert one.state in ("sent", "queued") or (given_up and self.was_away), one

    def _next(self, alarming: frozenset[str], off: int) -> None:
        self.day += timedelta(days=1 + off)
        self.clock = max(self.clock, morning_of(self.day, ZONE)) + timedelta(minutes=1)
        self.truth = alarming
        before = dict(self.model.marks)
        self.onset = {
            name: self.onset[name] if before and name in self.model.open else self.day
            for name in alarming
        }
        self.model.morning(self.day, alarming)
        self._silenced()

    onset: dict[str, date] = {}  # noqa: RUF012

    def _silenced(self) -> None:
        """Whom the silences cover on this day; an acknowledgement only what was there."""
        held = set()
        for device, (start, until) in self.silences.items():
            if device in self.truth and (
                self.onset[device] <= start if until is None else start <= self.day <= until
            ):
                held.add(device)
        self.model.silenced[self.day] = held

    def _hold(self, instant: int = 0, again: bool = False, full: bool = False) -> None:
        """A morning; killed at the `instant`-th fsync, or from there on the disk is `full`."""
        project = load_project(self.root)
        if again:
            self._silenced()
        left = instant
        fsync = os.fsync

        def counted(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if full and left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if left == 0:
                raise Killed
            fsync(descriptor)

        os.fsync = counted if instant else fsync
        try:
            with State(self.root / "runs/state.sqlite") as state:
                rules = rules_of(project)
                teller = Teller(
                    state, settings_of(project), base_of(project), lambda: self.clock, rules
                )
                desk = Desk(
                    project, state, site_of(project), teller, history_of(project),
                    lambda: self.clock,
                )  # fmt: skip
                wanted = due(project.tasks, morning_of(self.day, ZONE))
                hold(desk, wanted, self, Quiet(), again=again)
        except Killed:
            return
        finally:
            os.fsync = fsync
        self._flush()

    def _flush(self) -> None:
        if (self.root / "runs/state.sqlite").exists():
            with State(self.root / "runs/state.sqlite") as state:
                flush(state, self.wire, self.clock)

    def submit(self, project: Any, assignment: Any, window: Any) -> Future[Run]:
        """What a notebook would conclude with."""
        outcomes = [
            Outcome(
                "range", Fault.BREAKAGE, name, f"{name}:X",
                Severity.ALARM if name in self.truth else Severity.OK, reason="<b>bad</b>",
            )
            for name in DEVICES
        ]  # fmt: skip
        return concluded(project, assignment, window, outcomes, self.clock)


class Quiet:
    """Nobody is told how it goes."""

    def started(self, count: int) -> None:
        pass

    def ended(self, done: Any) -> None:
        pass


#: Of every run; a few short ones here, thousands of longer ones by ``make faults ONLY=stories``.
SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)

TestLife = Life.TestCase
TestLife.settings = settings(SETTINGS, max_examples=4, stateful_step_count=8)
