"""The whole of ``run_daily.py`` killed at random instants, and started again until it is done."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from faults.invariants import look
from faults.scene import (
    DATASETS,
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

MOST = 8  # kills of one morning, before it may go to its end
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
        with scene(folder, ROUND + 1) as place, visited(place.publish) as visitor:
            for number in range(ROUND + 1):
                if count.killed >= wanted or time.monotonic() > until:
                    break
                _morning(place, number, count, dice, wanted)
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


def _morning(place: Scene, number: int, count: Count, dice: random.Random, wanted: int) -> None:
    """One day: killed some times, then held to its end, then everything looked at."""
    made = days(number + 1)
    before = len(place.mailbox.taken)
    for _ in range(dice.randint(1, MOST) if number else 0):
        if count.killed >= wanted:
            break
        running = place.start("--day", str(made[-1]))
        try:
            running.wait(dice.uniform(0.02, 1.0) * place.length)
            break  # it was done before
        except subprocess.TimeoutExpired:
            kill(running, whole=count.killed % 2 == 1)
            count.killed += 1
    began = time.monotonic()
    code = place.morning(made[-1])
    place.length = elapsed(began) if not number else 0.7 * place.length + 0.3 * elapsed(began)
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
