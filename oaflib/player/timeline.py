"""When each outcome would have appeared: the changes of severity as a window goes by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from oaflib.checks import Check, GroupCheck, SeriesCheck
from oaflib.player.judge import Cell, Judge, Verdicts
from oaflib.report import Outcome, Severity

_FINE = 1_000_000_000  # ns: how exactly a change is dated
_STEPS = 48
_LEAST = 60_000_000_000
_HEAVY = 2_000_000_000  # bytes of records judged in all, about, above which steps are longer


@dataclass(frozen=True)
class Event:
    """A cell changes: from `time` (int64 ns UTC) on its outcome is `outcome`, as it was then.

    `was` is the severity before; None the first time.
    """

    time: int
    cell: Cell
    outcome: Outcome
    was: Severity | None

    @property
    def told(self) -> bool:
        """Whether it is worth an alarm in the list: a warning, an alarm, or cannot be judged."""
        return self.outcome.severity.alarming or self.outcome.severity is Severity.WARNING


@dataclass(frozen=True)
class Timeline:
    """All changes of a window, in order of time.

    `times` are the instants (int64 ns UTC) at which everything was judged, as an online view would
    that refreshes so often; a change between two of them is dated to the second. What came and went
    again between two of them is not in here.
    """

    times: tuple[int, ...]
    events: tuple[Event, ...]

    @property
    def alarms(self) -> tuple[Event, ...]:
        """The events worth telling, in order of time, the worst first of those at one time."""
        return tuple(
            sorted(
                (event for event in self.events if event.told),
                key=lambda e: (e.time, -e.outcome.severity.urgency, e.cell),
            )
        )

    def at(self, time: int) -> dict[Cell, Event]:
        """The last event of each cell up to and with `time`."""
        stop = bisect_right(self.events, time, key=lambda event: event.time)
        return {event.cell: event for event in self.events[:stop]}

    def with_check(self, number: int, events: Iterable[Event]) -> Timeline:
        """This timeline with the events of one check in place of those it had."""
        others = [event for event in self.events if event.cell.check != number]
        return Timeline(self.times, ordered([*others, *events]))


def ordered(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events in order of time, then of cells."""
    return tuple(sorted(events, key=lambda event: (event.time, event.cell)))


def instants(judge: Judge, every: int = 0) -> tuple[int, ...]:
    """When to judge: each `every` ns and at the end; 0: so that it takes seconds.

    That is a 48th of the window, a minute at least, and longer steps for heavy records.
    """
    window = judge.records.window
    length = window.end_ns - window.start_ns
    if not every:
        size = sum(e.nbytes + 8 * e.count for e in judge.records.entries.values())
        steps = min(_STEPS, max(8, int(2 * _HEAVY / max(1, size))))
        every = max(length // steps, min(_LEAST, length))
    every = every // _FINE * _FINE or every
    times = list(range(window.start_ns + every, window.end_ns, every))
    if times and window.end_ns - times[-1] < every // 2:
        times.pop()
    return (*times, window.end_ns)


def timeline(
    judge: Judge,
    times: Sequence[int],
    checks: Sequence[Check] = (),
    *,
    numbers: Sequence[int] = (),
    progress: Callable[[float], None] | None = None,
) -> Timeline:
    """The timeline of all checks, or of those numbered, as judged at `times` and in between.

    `checks` are judged in place of the dataset's: one with another limit among them. `progress` is
    told the part that is done.
    """
    checks = tuple(checks or judge.checks)
    events: list[Event] = []
    before: Verdicts = {}
    earlier = 0
    for done, time in enumerate(times, 1):
        verdicts = judge.verdicts(time, numbers, checks)
        for cell, outcome in verdicts.items():
            was = before.get(cell)
            if was is None:
                events.append(Event(time, cell, outcome, None))
            elif was.severity is not outcome.severity:
                events += _between(judge, checks, cell, (earlier, was), (time, outcome))
        before, earlier = verdicts, time
        if progress is not None:
            progress(done / len(times))
    return Timeline(tuple(times), ordered(events))


Dated = tuple[int, Outcome]


def _between(
    judge: Judge, checks: Sequence[Check], cell: Cell, first: Dated, last: Dated
) -> Iterator[Event]:
    """The changes of one cell between two instants at which it was judged."""
    yield from _halved(partial(_judged, judge, *_alone(checks, cell), cell), cell, first, last)


def _halved(
    judged: Callable[[int], Outcome | None], cell: Cell, first: Dated, last: Dated
) -> Iterator[Event]:
    if first[1].severity is last[1].severity:
        return
    if last[0] - first[0] <= _FINE:
        yield Event(last[0], cell, last[1], first[1].severity)
        return
    middle = first[0] + (last[0] - first[0]) // (2 * _FINE) * _FINE or first[0] + _FINE
    if middle <= first[0]:
        middle = first[0] + (last[0] - first[0]) // 2
    found = judged(middle)
    if found is None:  # the cell has another name then
        yield Event(last[0], cell, last[1], first[1].severity)
        return
    yield from _halved(judged, cell, first, (middle, found))
    yield from _halved(judged, cell, (middle, found), last)


def _alone(checks: Sequence[Check], cell: Cell) -> tuple[Sequence[Check], int]:
    """The checks with that of the cell on its one variable, where it judges each by itself."""
    check = checks[cell.check]
    if isinstance(check, GroupCheck) or not isinstance(check, SeriesCheck) or not cell.variable:
        return checks, cell.check
    try:
        one = replace(check, variables=(cell.variable,))
    except (TypeError, ValueError):
        return checks, cell.check
    return [*checks[: cell.check], one, *checks[cell.check + 1 :]], cell.check


def _judged(
    judge: Judge, checks: Sequence[Check], number: int, cell: Cell, time: int
) -> Outcome | None:
    return judge.verdicts(time, [number], checks).get(cell)
