"""The whole of a morning killed at random instants, and started again until it is done.

Every fourth morning is ``run_daily.py`` as cron starts it; the others are forked from a process
that has its imports, so that the instants fall where something is written.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from faults.invariants import look
from faults.scene import (
    DATASETS,
    Running,
    Scene,
    Visitor,
    days,
    elapsed,
    kill,
    left_after,
    scene,
    visited,
    wiped,
)
from faults.tried import Tried, budget
from faults.warm import Warm

MOST = 8  # kills of one morning, before it may go to its end
WHOLE = 4  # one morning of so many starts as cron does it, the others are forked
ROUND = 15  # mornings in one project; then a new one, so that looking at everything stays cheap


@dataclass
class Count:
    """What came of the kills so far."""

    killed: int = 0
    bad: int = 0
    mornings: int = 0
    mails: int = 0
    reads: int = 0
    left: int = 0
    lost: int = 0
    copies: int = 0
    worst: float = 0.0
    violations: list[str] = field(default_factory=list)


def kills(full: bool) -> int:
    """How many: ``OAF_KILLS``, else a thousand, or a dozen."""
    return int(os.environ.get("OAF_KILLS", "1000" if full else "12"))


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Every morning is killed up to eight times; every second kill takes all its descendants."""
    wanted, until = kills(full), time.monotonic() + budget(3600.0 if full else 600.0)
    count = Count()
    dice = random.Random(int(os.environ.get("OAF_SEED", "8")))
    while count.killed < wanted and time.monotonic() < until:
        with (
            scene(folder, ROUND + 1) as place,
            visited(place.publish) as visitor,
            Warm(place.root, _words(place, days(1)[0])) as warm,
        ):
            for number in range(1, ROUND + 1):
                if count.killed >= wanted or time.monotonic() > until:
                    break
                start = place.start if number % WHOLE == 0 else warm.start
                _morning(place, start, days(number + 1), count, dice)
            count.mails += len(place.mailbox.taken)
            _seen(visitor, count)
        wiped(folder)
    yield Tried(
        "run_daily killed at a random instant, started again",
        count.killed,
        count.killed - count.bad,
        count.lost,
        count.copies,
        count.worst,
        f"{count.mornings} mornings of {len(DATASETS)} reports, {count.mails} mails; "
        f"{count.reads:,} reads beside them, none torn or missing; "
        f"{count.left} times a process was left",
        count.violations,
    )


def _words(place: Scene, day: date) -> list[str]:
    return ["--root", str(place.root), "--day", str(day)]


def _morning(
    place: Scene,
    start: Callable[..., Running],
    made: list[date],
    count: Count,
    dice: random.Random,
) -> None:
    """One day: killed some times, then held to its end, then everything looked at."""
    before = len(place.mailbox.taken)
    for _ in range(dice.randint(1, MOST)):
        running = start(*_words(place, made[-1]))
        try:
            running.wait(dice.uniform(0.02, 1.0) * place.length)
            break  # it was done before
        except subprocess.TimeoutExpired:
            kill(running, whole=count.killed % 2 == 1)
            count.killed += 1
    began = time.monotonic()
    code = start(*_words(place, made[-1])).wait(600)
    place.length = 0.7 * place.length + 0.3 * elapsed(began)
    count.mornings += 1
    count.worst = max(count.worst, elapsed(began))
    count.left += bool(left_after(place.root))
    found = look(place, made)
    new = [one for one in found.violations if one not in count.violations]
    new += [f"{made[-1]}: exit code {code}"] if code else []
    count.violations += new
    count.bad += bool(new)
    count.lost += found.lost
    count.copies += place.copies(before)
    print(f"  {count.killed} kills, {made[-1]}, {count.copies} copies, {new}", flush=True)


def _seen(visitor: Visitor, count: Count) -> None:
    count.reads += visitor.read
    wrong = [f"torn: {path}" for path in visitor.torn]
    wrong += [f"missing: {path}" for path in visitor.missing]
    count.violations += wrong
    count.bad += bool(wrong)
