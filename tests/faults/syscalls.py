"""The end, or an error, at every system call that writes: publishing, telling and mailing.

What a morning's main thread does after a run has ended is where something could be lost, so it is
there that each call is hit (strace's fault injection): the morning starts from a report that was
executed, is killed or refused at the k-th call, and is then held once more without a fault.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faults.invariants import look
from faults.scene import Scene, days, elapsed, scene
from faults.tried import Tried, budget

NAME = "B2"  # the dataset that alarms on the second day
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


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """All points when full and the time allows, else some of each kind, drawn at random."""
    if shutil.which("strace") is None:
        yield Tried("skipped: strace is not installed", 0, 0)
        return
    until = time.monotonic() + budget(7200.0 if full else 240.0)
    with scene(folder, 2, [NAME]) as place:
        base = folder.with_name("base")
        _prepare(place, base)
        census = _census(place, base)
        kinds: list[tuple[str, str]] = [(call, "") for call in KILLS if census.get(call)]
        kinds += [(call, error) for call, error in ERRORS if census.get(call)]
        counts = {kind: Count(census[kind[0]]) for kind in kinds}
        for call, error, number in _drawn(counts, 10**6 if full else 2):
            if time.monotonic() > until:
                break
            _hit(place, base, (call, error, number), counts[call, error])
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


def _prepare(place: Scene, base: Path) -> None:
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


def _restore(place: Scene, base: Path) -> None:
    for name in ("runs", "publish"):
        shutil.rmtree(place.root / name, ignore_errors=True)
        shutil.copytree(base / name, place.root / name, symlinks=True)


def _census(place: Scene, base: Path) -> dict[str, int]:
    """How often the main thread makes each call."""
    _restore(place, base)
    log = place.root / "calls.txt"
    calls = ",".join(KILLS)
    running = place.start(
        "--day", str(days(2)[1]), before=["strace", "-qq", "-o", str(log), "-e", f"trace={calls}"]
    )
    running.wait(600)
    found: dict[str, int] = {}
    for line in log.read_text(errors="replace").splitlines():
        name = re.match(r"\w+", line)
        if name:
            found[name[0]] = found.get(name[0], 0) + 1
    log.unlink()
    return found


def _hit(place: Scene, base: Path, point: tuple[str, str, int], count: Count) -> None:
    """One fault, then a morning without."""
    call, error, number = point
    _restore(place, base)
    # The first day's mails left before this.
    place.mailbox.taken[:] = [
        one for one in place.mailbox.taken if str(days(2)[0]) in one[1]["Subject"]
    ]
    fault = f"error={error}" if error else "signal=SIGKILL"
    words = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    words += ["-e", f"inject={call}:{fault}:when={number}"]
    began = time.monotonic()
    running = place.start("--day", str(days(2)[1]), before=words)
    with suppress(subprocess.TimeoutExpired):
        running.wait(300)
    code = place.morning(days(2)[1])
    # A mail that was not taken, or may have been, waits five minutes for its next try.
    flushed = _flushed(place) if code == 0 else 0
    count.tried += 1
    count.worst = max(count.worst, elapsed(began))
    found = look(place, days(2), [NAME])
    said = [f"{call} {number} {error}: {one}" for one in found.violations]
    if code or flushed:
        said.append(f"{call} {number} {error}: exit codes {running.returncode}, {code}, {flushed}")
    count.violations += said
    count.bad += bool(said)
    count.lost += found.lost
    count.copies += found.copies
    print(f"  {call} {number} {error}: {found.copies} copies, {said}", flush=True)


def _flushed(place: Scene) -> int:
    """The outbox sent, as if the time to wait were over."""
    with sqlite3.connect(place.state) as db:
        waiting = db.execute("UPDATE outbox SET due = 0 WHERE state = 'queued'").rowcount
    db.close()
    return place.morning(days(2)[1]) if waiting else 0
