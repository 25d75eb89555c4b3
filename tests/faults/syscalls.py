"""The end, or an error, at every system call that writes: publishing, telling and mailing.

What a morning's main thread does after a run has ended is where something could be lost, so it is
there that each call is hit (strace's fault injection): the morning starts from a report that was
executed, is killed or refused at the k-th call, and is then held once more without a fault. Of
those that are killed each must have been: a point that was not reached is not tried.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faults.invariants import look
from faults.scene import Scene, days, elapsed, kill, scene
from faults.tried import Tried, budget
from faults.warm import Warm

NAME = "B2"  # the dataset that alarms on the second day
BENCHES = 2  # points tried at once
KILLS = (
    *("rename", "fsync", "fdatasync", "pwrite64", "write", "symlink", "unlink", "mkdir"),
    *("ftruncate", "sendto", "rmdir", "unlinkat"),
)
ERRORS = (
    *(("write", "ENOSPC"), ("write", "EIO"), ("pwrite64", "ENOSPC"), ("pwrite64", "EIO")),
    *(("fsync", "EIO"), ("fdatasync", "EIO"), ("rename", "EROFS"), ("rename", "ENOSPC")),
    *(("mkdir", "EROFS"), ("mkdir", "ENOSPC"), ("symlink", "EROFS"), ("unlink", "EROFS")),
    *(("sendto", "EPIPE"), ("sendto", "ECONNRESET")),
)


@dataclass
class Count:
    """What came of one kind of fault."""

    points: int = 0
    tried: int = 0
    bad: int = 0
    lost: int = 0
    copies: int = 0
    worst: float = 0.0
    violations: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Where points are tried one after the other: a scene, how it was before, and its mornings."""

    place: Scene
    base: Path
    warm: Warm
    words: list[str]

    def morning(self, tracer: Sequence[str] = ()) -> int:
        """The second day's, its exit code."""
        running = self.warm.start(*self.words, tracer=tracer)
        try:
            return running.wait()
        except subprocess.TimeoutExpired:
            kill(running, whole=True)
            return -1


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """All points when full and the time allows, else some of each kind, drawn at random."""
    if shutil.which("strace") is None:
        yield Tried("skipped: strace is not installed", 0, 0)
        return
    until = time.monotonic() + budget(7200.0 if full else 240.0)
    with ExitStack() as stack, ThreadPoolExecutor(BENCHES if full else 1) as pool:
        places = [folder / str(number) for number in range(BENCHES if full else 1)]
        benches = list(pool.map(lambda place: stack.enter_context(_bench(place)), places))
        census = _census(benches[0])
        kinds: list[tuple[str, str]] = [(call, "") for call in KILLS if census.get(call)]
        kinds += [(call, error) for call, error in ERRORS if census.get(call)]
        counts = {kind: Count(census[kind[0]]) for kind in kinds}
        drawn, one_at_a_time = _drawn(counts, 10**6 if full else 2), threading.Lock()

        def work(bench: Bench) -> None:
            while time.monotonic() < until:
                with one_at_a_time:
                    point = next(drawn, None)
                if point is None:
                    return
                _hit(bench, point, counts[point[0], point[1]])

        list(pool.map(work, benches))
    for (call, error), count in counts.items():
        yield Tried(
            f"{call}: {error or 'killed'}",
            count.tried,
            count.tried - count.bad,
            count.lost,
            count.copies,
            count.worst,
            f"of {count.points} points",
            count.violations,
        )


def _drawn(counts: dict[tuple[str, str], Count], most: int) -> Iterator[tuple[str, str, int]]:
    """Points at random, one of each kind in turn: when the time is over all had their share."""
    dice = random.Random(int(os.environ.get("OAF_SEED", "8")))
    left = {kind: dice.sample(range(1, n + 1), n) for kind, n in _sizes(counts).items()}
    for turn in range(min(most, max(map(len, left.values())))):
        for (call, error), numbers in left.items():
            if turn < len(numbers):
                yield call, error, numbers[turn]


def _sizes(counts: dict[tuple[str, str], Count]) -> dict[tuple[str, str], int]:
    return {kind: count.points for kind, count in counts.items()}


@contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    with scene(folder / "site", 2, [NAME]) as place:
        base = folder / "base"
        prepare(place, base)
        words = ["--root", str(place.root), "--day", str(days(2)[1])]
        restore(place, base)
        with Warm(place.root, words) as warm:
            yield Bench(place, base, warm, words)


def prepare(place: Scene, base: Path) -> None:
    """A project with one day told, and the report of the next executed and no more; kept aside."""
    first, second = days(2)
    before = base.with_name("before")
    if place.morning(first):
        raise RuntimeError(f"a morning without faults failed:\n{place.said()}")
    shutil.copytree(place.root, before, symlinks=True)
    if place.morning(second):
        raise RuntimeError(f"a morning without faults failed:\n{place.said()}")
    executed = f"runs/reports/BCT_{NAME}/{second}"
    shutil.copytree(place.root / executed, before / executed)
    with sqlite3.connect(place.state) as db:
        columns = "task, window_start, window_end, label, attempt, severity, ended"
        row = db.execute(f"SELECT {columns} FROM run WHERE label = ?", (str(second),)).fetchone()
    db.close()
    with sqlite3.connect(before / "runs/state.sqlite") as db:
        db.execute(
            f"INSERT INTO run ({columns}, status, place, detail) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'EXECUTED', '', '')",
            row,
        )
    db.close()
    before.rename(base)


def restore(place: Scene, base: Path) -> None:
    """The project's runs and repository as they were."""
    for name in ("runs", "publish"):
        shutil.rmtree(place.root / name, ignore_errors=True)
        shutil.copytree(base / name, place.root / name, symlinks=True)


def _census(bench: Bench) -> dict[str, int]:
    """How often the main thread makes each call."""
    restore(bench.place, bench.base)
    log = bench.base.with_name("calls.txt")
    calls = ",".join(KILLS)
    if bench.morning(["strace", "-qq", "-o", str(log), "-e", f"trace={calls}"]):
        raise RuntimeError(f"a morning that is only traced failed:\n{bench.place.said()}")
    names = re.findall(r"^\w+", log.read_text(errors="replace"), re.MULTILINE)
    return {name: count for name, count in Counter(names).items() if name in KILLS}


def _hit(bench: Bench, point: tuple[str, str, int], count: Count) -> None:
    """One fault, then a morning without."""
    call, error, number = point
    place = bench.place
    restore(place, bench.base)
    # The first day's mails left before this.
    place.mailbox.taken[:] = [
        one for one in place.mailbox.taken if str(days(2)[0]) in one[1]["Subject"]
    ]
    fault = f"error={error}" if error else "signal=SIGKILL"
    words = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    words += ["-e", f"inject={call}:{fault}:when={number}"]
    began = time.monotonic()
    codes = [bench.morning(words), bench.morning()]
    # A mail that was not taken, or may have been, waits five minutes for its next try.
    if not codes[-1] and hurried(place):
        codes.append(bench.morning())
    count.tried += 1
    count.worst = max(count.worst, elapsed(began))
    found = look(place, days(2), [NAME])
    said = [f"{call} {number} {error}: {one}" for one in found.violations]
    if any(codes[1:]) or (not error and codes[0] != -signal.SIGKILL):
        said.append(f"{call} {number} {error}: exit codes {codes}")
    count.violations += said
    count.bad += bool(said)
    count.lost += found.lost
    count.copies += found.copies
    print(f"  {call} {number} {error}: {codes}, {found.copies} copies, {said}", flush=True)


def hurried(place: Scene) -> int:
    """The time to wait is over for the mails in the outbox; how many there were."""
    with sqlite3.connect(place.state) as db:
        waiting = db.execute("UPDATE outbox SET due = 0 WHERE state = 'queued'").rowcount
    db.close()
    return waiting
