"""The player of a snapshot: a cursor in its time, and what the checks would have said there."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oaflib.config.project import DATASETS, find_root, load_site_only
from oaflib.errors import ConfigurationError, OafError, RecordsError
from oaflib.numeral import spelt
from oaflib.player import edit
from oaflib.player.explain import Explanation, explain
from oaflib.player.judge import Judge
from oaflib.player.lanes import lanes
from oaflib.player.limits import Value, changed, differences, limits_of, number_of
from oaflib.player.scene import Scene, events_document
from oaflib.player.tables import Alarms, Limits, WhatIf
from oaflib.player.timeline import Event, Timeline, instants, timeline
from oaflib.player.transport import Transport
from oaflib.records import open_records
from oaflib.snapshot import Shelf
from oaflib.study.study import RECORDS, REQUEST, Study, open_study
from oaflib.study.views import Outcomes
from oaflib.study.words import extract
from oaflib.window import moment, nanoseconds, parse_duration, parse_instant

if TYPE_CHECKING:
    from oaflib.player.screen import Screen


def replay(snapshot: str = "", every: str = "") -> Player:
    """The player of a snapshot: its name, or the path of a folder or ``.zip``.

    Parameters
    ----------
    snapshot : empty is the one saved last; the screen lets one choose another. The folder of a
        report's run (``runs/reports/…``) plays that report's records.
    every : how often everything is judged on the way, as an online view that refreshes so often
        (``1min``); empty: so that it takes a few seconds.

    Raises
    ------
    SnapshotError
        There is none, or it is not as it was saved.
    """
    try:
        shelf = Shelf.of(load_site_only(find_root()).runs)
    except ConfigurationError:  # a snapshot opens where there is no project, too
        shelf = Shelf.of(Path(tempfile.mkdtemp(prefix="oaf-replay-")))
    if snapshot and (folder := _run_folder(snapshot)):
        return Player(_study_of_run(folder), every=every, shelf=shelf)
    what = snapshot or shelf.latest()
    return Player(_study(shelf, what), every=every, shelf=shelf)


def _run_folder(what: str) -> Path | None:
    """The folder of a run, as its executed notebook names it; None when it is none."""
    try:
        folder = find_root() / what
    except ConfigurationError:
        folder = Path(what)
    return folder if (folder / REQUEST).is_file() else None


def _study_of_run(folder: Path) -> Study:
    """The study of a run whose records are kept."""
    try:
        given = json.loads((folder / REQUEST).read_bytes())["parameters"]
        open_records(folder / RECORDS)
    except (ValueError, KeyError, RecordsError) as error:
        raise ConfigurationError(
            f"{folder} keeps no records any more ({error}): 'oaf run' makes the report again"
        ) from error
    what = (given["dataset"], given["start"], given["end"], given["source"])
    return open_study(*what, str(folder), name=given.get("name", ""))


def _study(shelf: Shelf, what: str) -> Study:
    opened = shelf.open(what)
    return opened.study(shelf.folder.parent / "replay" / opened.manifest.name)


class Player:
    """Plays a study: a dataset over a window whose records are there.

    The cursor stands in the window; `alarms` are those that had appeared by then, and `outcomes`
    what a report of the window up to the cursor would say. Shown in a notebook it is a screen with
    the same controls; all of them work from code as well, with or without a browser.

    `clock` tells seconds; what plays moves by it.
    """

    def __init__(
        self,
        study: Study,
        every: str = "",
        clock: Callable[[], float] = time.monotonic,
        shelf: Shelf | None = None,
    ) -> None:
        self._every = parse_duration(every) // timedelta(microseconds=1) * 1_000 if every else 0
        self._shelf = shelf
        self._screen: Screen | None = None
        self._load(study, clock)

    def _load(self, study: Study, clock: Callable[[], float]) -> None:
        self.study = study
        self.judge = Judge(study, extract(study))
        self.window = self.judge.records.window
        self._saved = timeline(self.judge, instants(self.judge, self._every))
        self.timeline: Timeline = self._saved
        self.checks = list(self.judge.checks)
        length = (self.window.end_ns - self.window.start_ns) / 1e9
        self.transport = Transport(length, clock)

    def open(self, snapshot: str) -> None:
        """Play another snapshot, in the same screen."""
        if self._shelf is None:
            raise ConfigurationError("this player has no project to take another snapshot from")
        self._load(_study(self._shelf, snapshot), self.transport.clock)
        if self._screen is not None:
            self._screen.show(self.scene())
            self._sync()

    # The cursor

    @property
    def cursor(self) -> datetime:
        """Where the cursor is, in the site's zone; set it to a time, ISO 8601, or a timedelta."""
        from oaflib.window import zone_named

        return moment(self._ns).astimezone(zone_named(self.window.zone))

    @cursor.setter
    def cursor(self, when: datetime | str | timedelta) -> None:
        self.seek(when)

    @property
    def playing(self) -> bool:
        """Whether the cursor moves."""
        return self.transport.at < self.transport.length and self.transport.playing

    def play(self, speed: float | None = None) -> None:
        """Let the cursor move, `speed` (1 to 1000) seconds of the window a second."""
        self.transport.play(speed)
        self._sync()

    def pause(self) -> None:
        """Stop the cursor where it is."""
        self.transport.pause()
        self._sync()

    def seek(self, when: datetime | str | timedelta) -> None:
        """Put the cursor at a time, or so long after the window's start; outside: at its ends."""
        if isinstance(when, str):
            when = parse_instant(when)
        if isinstance(when, timedelta):
            at = when.total_seconds()
        else:
            at = (nanoseconds(when) - self.window.start_ns) / 1e9
        self.transport.seek(at)
        self._sync()

    def step(self, count: int = 1) -> None:
        """Go `count` refreshes on (back when negative), and pause."""
        times = (self.window.start_ns, *self.timeline.times)
        if count > 0:
            ahead = [time for time in times if time > self._ns]
            self._go((ahead[:count] or times)[-1])
        elif count < 0:
            behind = [time for time in times if time < self._ns]
            self._go((behind[count:] or times)[0])

    def next_alarm(self) -> Event | None:
        """Go to where the next alarm appears, and pause; None when there is none any more."""
        return self._jump(next((e for e in self.timeline.alarms if e.time > self._ns), None))

    def previous_alarm(self) -> Event | None:
        """Go back to where the last alarm before the cursor appeared, and pause."""
        earlier = [event for event in self.timeline.alarms if event.time < self._ns]
        return self._jump(earlier[-1] if earlier else None)

    # What the checks say

    @property
    def alarms(self) -> Alarms:
        """The warnings, alarms and what could not be judged that had appeared by the cursor."""
        now = self._ns
        return Alarms([e for e in self.timeline.alarms if e.time <= now], self.window)

    @property
    def outcomes(self) -> Outcomes:
        """What a report of the window up to the cursor says: judged now, exactly.

        Empty when the cursor is at the very start.
        """
        if self._ns <= self.window.start_ns:
            return Outcomes()
        return Outcomes(self.judge.outcomes(self._ns, self.checks), self.window.zone)

    def explain(self, alarm: int | Event = -1) -> Explanation:
        """Why an alarm appeared: one of `alarms`, or its number there (the last one)."""
        if not isinstance(alarm, Event):
            alarms = self.alarms
            if not -len(alarms) <= alarm < len(alarms):
                raise ConfigurationError(f"no alarm {alarm}: {len(alarms)} have appeared so far")
            alarm = alarms[alarm]
        return explain(alarm, self.checks[alarm.cell.check], self.judge.records)

    # Limits

    @property
    def limits(self) -> Limits:
        """The limits of the checks, as they are and as they were saved."""
        return Limits(limits_of(self.checks, self.judge.records, self.judge.checks))

    def set_limit(self, check: int | str, key: str, value: Value) -> WhatIf:
        """Judge the whole window by another limit; what would have happened.

        Parameters
        ----------
        check : its name on the page, or its number in `checks`.
        key : the limit, as in the dataset's file: ``high``. value : a number, or ``5min``.

        Raises
        ------
        ConfigurationError
            No such check or limit, or not a value it can have.
        """
        what_if = self._set_limit(check, key, value)
        self._show()
        return what_if

    def reset_limits(self) -> None:
        """All limits as they were saved."""
        self.checks, self.timeline = list(self.judge.checks), self._saved
        self._show()

    def diff(self, path: str | Path = "") -> str:
        """The changed limits as a unified diff of the dataset's file; empty without a change."""
        target, before = self._file(path)
        return edit.diff(before, self._rewritten(before, target), f"{DATASETS}/{target.name}")

    def save_limits(self, path: str | Path = "") -> Path:
        """Write the changed limits into a dataset's file (empty: the project's own); its path.

        Only the limits change: comments, order and all the rest stay. A file that is not there is
        made of the snapshot's.

        Raises
        ------
        ConfigurationError
            A changed check is not in the file any more, or it would be wrong.
        """
        target, before = self._file(path)
        text = self._rewritten(before, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
        return target

    # The screen

    def scene(self) -> Scene:
        """What a screen shows of it."""
        records = self.judge.records
        return Scene(
            self.window,
            f"{self.study.dataset.title or self.study.dataset.id}",
            lanes(records, self.checks),
            self.checks,
            self.timeline,
            self.limits,
            self._choices(),
        )

    def _choices(self) -> tuple[str, ...]:
        """The snapshots to choose from, the one that plays first."""
        now = self.window.label
        names = self._shelf.names() if self._shelf is not None else []
        return (now, *(name for name in names if name != now))

    @property
    def screen(self) -> Screen:
        """The widget; every cell that shows it shows the same one."""
        if self._screen is None:
            from oaflib.player.screen import Screen

            screen = Screen(
                self.scene(), cursor=self.transport.at, speed=self.transport.speed, mode="replay"
            )
            for question in ("alarm", "limit", "reset", "diff", "save", "open"):
                screen.answer(question, getattr(self, f"_ask_{question}"))
            screen.observe(self._moved, names=["cursor", "playing", "speed"])
            self._screen = screen
            self._sync()
        return self._screen

    def __repr__(self) -> str:
        state = f"playing {self.transport.speed:g}×" if self.playing else "paused"
        return (
            f"{self.study.dataset.id} {self.window.label} at {self.cursor:%Y-%m-%d %H:%M:%S} "
            f"({state}); {len(self.alarms)} of {len(self.timeline.alarms)} alarms have appeared"
        )

    def _repr_mimebundle_(self, **_: Any) -> Any:
        bundle = self.screen._repr_mimebundle_()
        shown: dict[str, Any] = dict(bundle or {}) if not isinstance(bundle, tuple) else bundle[0]
        return {**shown, "text/plain": repr(self)}

    @property
    def _ns(self) -> int:
        return self.window.start_ns + round(self.transport.at * 1e6) * 1_000  # as windows are cut

    def _go(self, ns: int) -> None:
        self.transport.pause()
        self.transport.seek((ns - self.window.start_ns) / 1e9)
        self._sync()

    def _jump(self, event: Event | None) -> Event | None:
        if event is not None:
            self._go(event.time)
        return event

    def _set_limit(self, check: int | str, key: str, value: Value) -> WhatIf:
        number = number_of(self.checks, check)
        checks = list(self.checks)
        checks[number] = changed(checks[number], key, value)
        if checks[number] == self.judge.checks[number]:
            events = [e for e in self._saved.events if e.cell.check == number]
        else:
            found = timeline(self.judge, self._saved.times, checks, numbers=[number])
            events = list(found.events)
        self.checks = checks
        self.timeline = self.timeline.with_check(number, events)
        limit = next(one for one in self.limits if one.check == number and one.key == key)
        return WhatIf(limit, self._of(self._saved, number), self._of(self.timeline, number))

    def _at_end(self, number: int, key: str, value: float) -> str:
        """What the whole window says with that limit: at once, while when is still to be judged."""
        checks = list(self.checks)
        checks[number] = changed(checks[number_of(checks, number)], key, value)
        said = self.judge.verdicts(self.window.end_ns, [number], checks).values()
        wrong = [outcome for outcome in said if outcome.severity.alarming]
        names = ", ".join(outcome.variable for outcome in wrong[:3])
        label = checks[number].label
        return f"{label}: {key} = {spelt(value)}: {len(wrong)} in alarm at the end {names}…"

    def _of(self, line: Timeline, number: int) -> Alarms:
        return Alarms([e for e in line.alarms if e.cell.check == number], self.window)

    def _file(self, path: str | Path) -> tuple[Path, str]:
        """The dataset's file to change, and what it says now."""
        dataset = self.study.dataset
        target = Path(path) if path else find_root() / DATASETS
        if target.name != f"{dataset.id}.toml":
            target = target / f"{dataset.id}.toml"
        if target.exists():
            return target, target.read_text(encoding="utf-8-sig")
        kept = dataset.file
        return target, kept.read_text(encoding="utf-8-sig") if kept and kept.exists() else ""

    def _rewritten(self, before: str, target: Path) -> str:
        changes = differences(self.checks, self.judge.checks)
        return edit.rewritten(before, self.judge.checks, changes, target)

    # What the browser asks

    def _sync(self) -> None:
        """Tell the screen where the cursor is."""
        if self._screen is not None:
            transport = self.transport
            with self._screen.hold_sync():
                self._screen.cursor = transport.at
                self._screen.speed = transport.speed
                self._screen.playing = transport.playing

    def _moved(self, change: Any) -> None:
        """The browser moved the cursor, or this did."""
        screen, transport = self.screen, self.transport
        if change["name"] == "speed":
            transport.seek(transport.at)
            transport.speed = min(max(1.0, screen.speed), 1000.0)
        elif change["name"] == "playing":
            transport.seek(screen.cursor)
            transport.playing = screen.playing
        elif abs(screen.cursor - transport.at) > 1e-6:
            transport.seek(screen.cursor)

    def _show(self) -> None:
        """Tell the screen of other alarms and limits."""
        if self._screen is not None:
            self._screen._scene = self.scene()
            self._screen.tell("events", **self._judged())

    def _judged(self) -> dict[str, Any]:
        limits = [limit.document() for limit in self.limits]
        return {"limits": limits, **events_document(self.timeline, self.checks, self.window)}

    def _ask_alarm(self, asked: Mapping[str, Any]) -> None:
        alarms = self.timeline.alarms
        number = int(asked.get("alarm", -1))
        if 0 <= number < len(alarms):
            self.screen.tell("alarm", alarm=number, **self.explain(alarms[number]).document())

    def _ask_limit(self, asked: Mapping[str, Any]) -> None:
        try:
            number, key, value = int(asked["check"]), str(asked["key"]), float(asked["value"])
            self.screen.tell("at once", text=self._at_end(number, key, value))
            what_if = self._set_limit(number, key, value)
        except (OafError, KeyError, ValueError, TypeError) as error:
            self.screen.tell("note", text=str(error), wrong=True)
            return
        self._show()
        self.screen.tell("note", text=str(what_if), wrong=False)

    def _ask_reset(self, _: Mapping[str, Any]) -> None:
        self.reset_limits()
        self.screen.tell("note", text="All limits are as they were saved.", wrong=False)

    def _ask_diff(self, _: Mapping[str, Any]) -> None:
        try:
            text = self.diff() or "No limit is changed."
        except (OafError, OSError) as error:
            text = str(error)
        self.screen.tell("diff", text=text)

    def _ask_open(self, asked: Mapping[str, Any]) -> None:
        try:
            self.open(str(asked.get("snapshot", "")))
        except OafError as error:
            self.screen.tell("note", text=str(error), wrong=True)

    def _ask_save(self, _: Mapping[str, Any]) -> None:
        try:
            text = f"Written: {self.save_limits()}"
        except (OafError, OSError) as error:
            text = str(error)
        self.screen.tell("diff", text=text)
