"""Mornings started at once, a lock whose holder was killed, and orphans that live on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from faults.invariants import look
from faults.scene import Scene, days, elapsed, left_after, left_of, scene
from faults.tried import Tried


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Ten at once, several times; then a holder killed and orphans stopped."""
    rounds, many = (20, 10) if full else (1, 4)
    with scene(folder, rounds + 5) as place:
        yield _together(place, rounds, many)
        yield _orphans(place, rounds, "forked")
        place.env["OAF_FORK"] = "no"
        yield _orphans(place, rounds + 1, "ordinary")


def _together(place: Scene, rounds: int, many: int) -> Tried:
    wrong: list[str] = []
    worked = refused = lost = copies = bad = 0
    worst = 0.0
    for number in range(rounds):
        made = days(number + 1)
        began = time.monotonic()
        running = [place.start("--day", str(made[-1])) for _ in range(many)]
        codes = [process.wait(900) for process in running]
        worst = max(worst, elapsed(began))
        worked += codes.count(0)
        refused += codes.count(3)
        found = look(place, made)
        said = [f"round {number}: {one}" for one in found.violations]
        if set(codes) - {0, 3} or not codes.count(0):
            said.append(f"round {number}: exit codes {sorted(codes)}")
        wrong += said
        bad += bool(said)
        lost, copies = found.lost, found.copies
    note = f"{many} at a time: {worked} worked or found it done, {refused} left with 3"
    what = "mornings started at once"
    tried = rounds * many
    return Tried(what, tried, tried - bad * many, lost, copies, worst, note, wrong)


def _orphans(place: Scene, number: int, kind: str) -> Tried:
    """The holder of the lock is killed while its runs are stopped: the next is not kept waiting."""
    made = days(number + 1)
    running = place.start("--day", str(made[-1]))
    stopped: list[int] = []
    until = time.monotonic() + 120
    while not stopped and time.monotonic() < until and running.poll() is None:
        stopped = left_of(place.root)
        time.sleep(0.05)
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    alive = len(left_of(place.root))
    began = time.monotonic()
    code = place.morning(made[-1])
    took = elapsed(began)
    wrong = [] if stopped else ["nothing was running yet: the fault was not tried"]
    wrong += [f"exit code {code}"] if code else []
    wrong += [f"{pid} lives on" for pid in left_after(place.root)]
    found = look(place, [made[-1]])
    wrong += found.violations
    return Tried(
        f"the holder of the lock killed, its {kind} runs stopped",
        1,
        int(not wrong),
        found.lost,
        found.copies,
        took,
        f"{len(stopped)} processes were stopped, {alive} outlived it",
        wrong,
    )
