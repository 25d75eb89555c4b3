"""What a run may use, and how what it started is found and ended."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from oaflib.run.request import Request

_OPEN_FILES = 4096
_THREADS = 512  # that a run's processes may start beyond one each
_LOOK = 1.0  # seconds between two looks at a run: each reads a little of every process
_MEASURE = 5.0  # and between two measurements of its folder


def confine(request: Request) -> None:
    """Bound this process and all it starts; what is already lower stays lower.

    The number of processes counts for the whole user, and not for root: it stops a flood of them,
    and `Watch` counts those of the run.
    """
    for what, bound in (
        (resource.RLIMIT_AS, request.memory),
        (resource.RLIMIT_FSIZE, request.files),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, _tasks() + request.processes + _THREADS),
        (resource.RLIMIT_CORE, 0),
    ):
        _set(what, bound, bound)
    # SIGXCPU first, whose name says why; five seconds later the end.
    _set(resource.RLIMIT_CPU, request.cpu_seconds, request.cpu_seconds + 5)


def _set(what: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(what)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(what, (soft, hard))


def _tasks() -> int:
    """The threads of the whole machine now."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, ValueError, IndexError):
        return 4096


def size(count: float) -> str:
    """``25 MB``: a number of bytes as the site file writes it."""
    for name in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {name}"
        count /= 1000
    return f"{count:.3g} GB"


@dataclass
class Watch:
    """Looks at a run from outside, for what no limit of the system bounds.

    Attributes
    ----------
    broken : the limit that was broken, with its name on it; empty so far.
    """

    request: Request
    broken: str = ""
    _looked: float = 0.0
    _measured: float = 0.0

    def look(self) -> str:
        """`broken`, after another look when it is time for one."""
        now = time.monotonic()
        if not self.broken and now - self._looked >= _LOOK:
            count = len(started_by(self.request.token))
            if count > self.request.processes:
                self.broken = f"processes limit of {self.request.processes}: there were {count}"
            self._looked = time.monotonic()
        if not self.broken and self.request.role == "expert" and now - self._measured >= _MEASURE:
            used = used_by(self.request.folder)
            if used > self.request.files:
                self.broken = f"files limit of {size(self.request.files)}: {size(used)} were kept"
            self._measured = time.monotonic()
        return self.broken


def used_by(folder: Path) -> int:
    """The bytes that the files in `folder` take on the disk."""
    total = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(inner, name)).st_blocks * 512  # noqa: PTH118
            except OSError:
                continue  # gone meanwhile
    return total


def mark_of(token: str) -> str:
    """The environment variable that all processes of a run carry, those of its expert code too."""
    return f"OAF_RUN_{token}"


def started_by(token: str) -> list[int]:
    """The living processes whose environment carries the run's token."""
    mark = mark_of(token).encode() + b"=1"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or another user's
    return found


def end_all(token: str, seconds: float = 5.0) -> int:
    """Kill every process the run left behind, in whatever session; how many there were.

    All are stopped before any is killed, so that none can start another meanwhile.
    """
    until = time.monotonic() + seconds
    killed: set[int] = set()
    while (left := started_by(token)) and time.monotonic() < until:
        if len(left) > 8:
            _signal(left, signal.SIGSTOP)
            left = started_by(token)
        killed |= _signal(left, signal.SIGKILL)
        time.sleep(0.05)
    return len(killed)


def runner_mark() -> str:
    """What says of a run's processes who started it: process ID and its time of start."""
    return f"{os.getpid()}:{_started_at(os.getpid())}"


def _started_at(pid: int) -> str:
    """When a process started, in ticks since boot; empty when it is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def reap(root: Path) -> int:
    """Kill what runs of the project in `root` left behind whose runner is gone; how many.

    A morning that was killed cannot end them, and what hangs in C or left its session lives on.
    """
    place = f"OAF_ROOT={root}".encode()
    left = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        runners = [word for word in words if word.startswith(b"OAF_RUNNER=")]
        if place in words and runners:
            pid, _, began = runners[0].partition(b"=")[2].decode("ascii", "replace").partition(":")
            if not pid.isdigit() or not began or _started_at(int(pid)) != began:
                left.append(int(entry.name))
    return len(_signal(left, signal.SIGKILL))


def ask(token: str, module: str) -> None:
    """SIGTERM to the run's process that executes `module`, wherever it hides."""
    for pid in started_by(token):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in words:
            _signal([pid], signal.SIGTERM)


def _signal(pids: list[int], number: int) -> set[int]:
    reached = set()
    for pid in pids:
        try:
            os.kill(pid, number)
            reached.add(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return reached
