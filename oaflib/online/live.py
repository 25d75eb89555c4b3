"""A dataset watched in a notebook: what the checks say of the last minutes, again and again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from oaflib.checks import Check
from oaflib.config.project import Project, find_root, load_what_is_right
from oaflib.errors import ConfigurationError, OafError
from oaflib.online.freshness import Freshness
from oaflib.online.frozen import Frozen, freeze
from oaflib.online.span import Span
from oaflib.player.explain import Explanation, explain
from oaflib.player.judge import Cell, Judge, Verdicts
from oaflib.player.lanes import lanes
from oaflib.player.scene import Scene
from oaflib.player.tables import Alarms
from oaflib.player.timeline import Event, Timeline, ordered
from oaflib.publish import site_of
from oaflib.records import Records
from oaflib.report import Severity
from oaflib.run.runner import Assignment, assigned
from oaflib.study.study import open_study
from oaflib.study.views import Outcomes
from oaflib.study.words import extract
from oaflib.window import Window, instant, parse_duration, parse_instant, spell, zone_named

if TYPE_CHECKING:
    from oaflib.player.screen import Screen

_KEPT = 500  # changes remembered


def watch(
    dataset: str, last: str = "15min", every: str = "60s", start: str = "", source: str = ""
) -> Live:
    """A dataset looked at again and again while it is logged.

    Parameters
    ----------
    dataset : ``<INST>_<dataset>``.
    last : how far back the window reaches, which slides with the clock.
    every : between two looks.
    start : ISO 8601 with zone; the window then grows from it, and `last` does not count.
    source : a name of ``[sources]``; empty: the task table's.

    Raises
    ------
    ConfigurationError
        Not a dataset, source, duration or time.
    """
    project = load_what_is_right(find_root())
    assignment = assigned(project, dataset, source)
    try:
        began = parse_instant(start) if start else _now()
        span = Span(began.astimezone(UTC), None if start else parse_duration(last))
        period = parse_duration(every)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return Live(project, assignment, span, period)


def _now() -> datetime:
    """What a person who watches means by now."""
    return datetime.now(UTC)


class Live:
    """The last minutes of a dataset, judged as its report would judge them.

    Shown in a notebook it is a screen: trends with their limits, the matrix of devices × checks,
    the list of alarms since the watch began, and a banner. `refresh` looks once; `start` looks
    every period until `stop`. `clock` tells the time.
    """

    def __init__(
        self,
        project: Project,
        assignment: Assignment,
        span: Span,
        every: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.project = project
        self.assignment = assignment
        self.span = span
        self.every = every
        self.clock = clock
        self.trouble = "nothing was looked at yet: refresh() looks once, start() again and again"
        self.looked: datetime | None = None
        self.window: Window = span.window(clock(), project.site.zone)
        self.records: Records | None = None
        self.checks: tuple[Check, ...] = ()
        self.outcomes = Outcomes()
        self._fresh = Freshness()
        self._verdicts: Verdicts = {}
        self._events: list[Event] = []
        self._times: list[int] = []
        self._task: asyncio.Task[None] | None = None
        self._screen: Screen | None = None

    # Looking

    def refresh(self) -> Live:
        """Look once, now. A source that does not answer is said, and what was seen stays."""
        at = self.clock()
        window = self.span.window(at, self.project.site.zone)
        try:
            judge = self._judge(window)
            verdicts = judge.verdicts(window.end_ns)
            self.outcomes = Outcomes(judge.outcomes(window.end_ns), window.zone)
        except OafError as error:
            self.trouble = f"{self.assignment.source}: {error}"
        else:
            self.window, self.records, self.checks = window, judge.records, judge.checks
            self.trouble = self._fresh.trouble(judge.logged, self.assignment.source, self.every)
            self._take(verdicts)
        self.looked = at
        self._show()
        return self

    def start(self) -> Live:
        """Look now, and again every period, while the notebook does other things.

        Raises
        ------
        ConfigurationError
            There is no event loop to do so: outside a notebook say `refresh` in a loop.
        """
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "start() needs a notebook; in a script say refresh() as often as you like"
            ) from None
        self._task = loop.create_task(self._again())
        return self

    def stop(self) -> Live:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._show()
        return self

    @property
    def running(self) -> bool:
        """Whether it looks by itself."""
        return self._task is not None and not self._task.done()

    def freeze(self, name: str = "") -> Frozen:
        """Stop; make an ordinary report and a snapshot of all that was watched, called `name`."""
        self.stop()
        zone = self.project.site.zone
        window = self.span.whole(self.clock(), zone, name)
        assignment = replace(self.assignment, name=name)
        return freeze(self.project, site_of(self.project), assignment, window, self.clock)

    async def _again(self) -> None:
        while True:
            began = self.clock()
            self.refresh()
            left = (began + self.every - self.clock()).total_seconds()
            await asyncio.sleep(max(0.05, left))

    def _judge(self, window: Window) -> Judge:
        folder = self.project.runs / "online" / f"notebook_{self.assignment.dataset}"
        shutil.rmtree(folder / "records", ignore_errors=True)
        study = open_study(
            self.assignment.dataset,
            instant(window.start),
            instant(window.end),
            self.assignment.source,
            str(folder),
        )
        return Judge(study, extract(study))

    def _take(self, verdicts: Verdicts) -> None:
        """Note which cells changed."""
        end = self.window.end_ns
        for cell, outcome in verdicts.items():
            was = self._verdicts.get(cell)
            if was is None or was.severity is not outcome.severity:
                self._events.append(Event(end, cell, outcome, was.severity if was else None))
        self._verdicts = verdicts
        self._events = self._events[-_KEPT:]
        self._times.append(end)

    # What is seen

    @property
    def timeline(self) -> Timeline:
        """The changes since the watch began that the window still reaches.

        What a cell was when the window begins stands at its start.
        """
        start = self.window.start_ns
        before: dict[Cell, Event] = {e.cell: e for e in self._events if e.time < start}
        held = [replace(event, time=start) for event in before.values()]
        inside = [event for event in self._events if event.time >= start]
        times = [time for time in self._times if time >= start]
        known = [e for e in (*held, *inside) if e.cell in self._verdicts]
        return Timeline(tuple(times), ordered(known))

    @property
    def alarms(self) -> Alarms:
        """The warnings, alarms and what could not be judged, since the watch began."""
        told = [event for event in ordered(self._events) if event.told]
        return Alarms(told, self.window)

    def explain(self, alarm: int | Event = -1) -> Explanation:
        """Why an alarm appeared: one of `alarms`, or its number there (the last one)."""
        if not isinstance(alarm, Event):
            if not -len(self.alarms) <= alarm < len(self.alarms) or self.records is None:
                raise ConfigurationError(f"no alarm {alarm}: {len(self.alarms)} have appeared")
            alarm = self.alarms[alarm]
        assert self.records is not None
        return explain(alarm, self.checks[alarm.cell.check], self.records)

    @property
    def banner(self) -> dict[str, str]:
        """What must be seen first: trouble with the source, else the worst alarm; else empty."""
        if self.trouble:
            return {"severity": "INVALID", "text": self.trouble}
        bad = [outcome for outcome in self._verdicts.values() if outcome.severity.alarming]
        if not bad:
            return {}
        worst = max(bad, key=lambda outcome: outcome.severity.urgency)
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        text = f"{worst.device or worst.variable}: {worst.reason}{more}"
        return {"severity": str(worst.severity), "text": text}

    @property
    def status(self) -> str:
        """The newest sample and how old it is, when the last look was and when the next is."""
        parts = [str(self.span)]
        if self._fresh.newest is not None and self.looked is not None:
            behind = (self.looked - self._fresh.newest).total_seconds()
            parts.append(f"newest sample {self._local(self._fresh.newest)}, {behind:.0f} s old")
        if self.looked is not None:
            parts.append(f"looked at {self._local(self.looked)}")
        if self.running and self.looked is not None:
            parts.append(f"next at {self._local(self.looked + self.every)}")
        else:
            parts.append(f"stopped (start() looks every {spell(self.every)})")
        return " · ".join(parts)

    def scene(self) -> Scene:
        """What a screen shows of it."""
        dataset = self.project.dataset(self.assignment.dataset)
        shown = lanes(self.records, self.checks) if self.records is not None else ()
        return Scene(self.window, dataset.title or dataset.id, shown, self.checks, self.timeline)

    @property
    def screen(self) -> Screen:
        """The widget; every cell that shows it shows the same one."""
        if self._screen is None:
            from oaflib.player.screen import Screen

            self._screen = Screen(self.scene(), mode="live")
            self._screen.answer("alarm", self._ask_alarm)
            self._show()
        return self._screen

    def __repr__(self) -> str:
        bad = sum(outcome.severity is Severity.ALARM for outcome in self._verdicts.values())
        what = self.trouble or f"{bad} in alarm of {len(self._verdicts)} judged"
        return f"{self.assignment.dataset}: {what}; {self.status}"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        bundle = self.screen._repr_mimebundle_()
        shown: dict[str, Any] = dict(bundle or {}) if not isinstance(bundle, tuple) else bundle[0]
        return {**shown, "text/plain": repr(self)}

    def _local(self, at: datetime) -> str:
        return f"{at.astimezone(zone_named(self.project.site.zone)):%H:%M:%S}"

    def _show(self) -> None:
        if self._screen is not None:
            self._screen.show(self.scene())
            self._screen.banner, self._screen.status = self.banner, self.status

    def _ask_alarm(self, asked: Mapping[str, Any]) -> None:
        alarms = self.timeline.alarms
        number = int(asked.get("alarm", -1))
        if 0 <= number < len(alarms) and self._screen is not None:
            said = self.explain(alarms[number]).document()
            self._screen.tell("alarm", alarm=number, **said)
