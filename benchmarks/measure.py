"""What the benches share: a figure with its aim, and what a command and all it starts cost."""

from __future__ import annotations

import ctypes
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_EVERY = 0.05  # seconds between two looks at the memory
_RARE = 50  # times as long between them as one takes: large processes stand still meanwhile


@dataclass(frozen=True)
class Figure:
    """One row of the table: `value` in `unit`, which should reach `reach` (None: only told).

    `most` says that the figure should stay below. `note` is for the reader: what was compared,
    the medians of both sides.
    """

    what: str
    value: float
    unit: str = "×"
    reach: float | None = None
    most: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the aim is met; None without an aim."""
        if self.reach is None:
            return None
        return self.value <= self.reach if self.most else self.value >= self.reach


@dataclass(frozen=True)
class Cost:
    """Of a command and all processes it started: processor and wall seconds, peak memory.

    `peak` is the largest sum (MB) of the proportional set sizes of all of them at one instant:
    what they share is counted once. `largest` is the largest of any single one of them.
    """

    cpu: float
    wall: float
    peak: float
    largest: float


def cost(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run `command` to its end and count everything that it and its descendants used.

    Processes that outlive it are waited for (they become children of this one), so a kernel or a
    server that a command leaves behind is on its bill.

    Raises
    ------
    RuntimeError
        It failed; with the end of what it said.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        watch = _Watch(running.pid)
        said = running.communicate()[0]
        wall = time.perf_counter() - began
        watch.stop()
    _reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}: {said[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, watch.peak, watch.largest)


def pairs(
    one: Callable[[], Cost], other: Callable[[], Cost], times: int
) -> tuple[list[Cost], list[Cost]]:
    """Both, side by side `times` times, first the one and then the other first."""
    ones, others = [], []
    for number in range(times):
        if number % 2:
            others.append(other())
            ones.append(one())
        else:
            ones.append(one())
            others.append(other())
    return ones, others


def ratio(top: Sequence[float], bottom: Sequence[float]) -> float:
    """The median of the pairs' ratios."""
    return statistics.median(a / b for a, b in zip(top, bottom, strict=True))


def middle(values: Sequence[float]) -> float:
    """Their median."""
    return statistics.median(values)


class _Watch:
    """Looks at the memory of a process and its descendants until told to stop."""

    def __init__(self, pid: int) -> None:
        self.peak = self.largest = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        pause = _EVERY
        while not self._over.wait(pause):
            began = time.perf_counter()
            sizes = [_proportional(pid) for pid in _descendants(self._pid)]
            pause = max(_EVERY, _RARE * (time.perf_counter() - began))
            self.peak = max(self.peak, sum(sizes))
            self.largest = max([self.largest, *sizes])


def _descendants(pid: int) -> list[int]:
    """The process and all below it, also those that lost their parent and came to us."""
    found, look = [], [pid, *(child for child in _children(os.getpid()) if child != pid)]
    while look:
        each = look.pop()
        found.append(each)
        look += _children(each)
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []


def _proportional(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in text.splitlines() if "Pss:" in line), 0.0)


def _reap() -> None:
    """Wait for what the command left behind; a minute at most."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)
        except ChildProcessError:
            return
