"""What a run may use, and how what it started is found and ended."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path

from oaflib.run.request import Request

_FILE_BYTES = 4_000_000_000


def confine(request: Request) -> None:
    """Bound this process and all it starts; what is already lower stays lower."""
    for what, bound in (
        (resource.RLIMIT_AS, request.memory),
        (resource.RLIMIT_CPU, request.cpu_seconds),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            bound = min(bound, hard)
        resource.setrlimit(what, (bound, bound))


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
    """Kill every process the run left behind, in whatever session; how many there were."""
    until = time.monotonic() + seconds
    killed: set[int] = set()
    while (left := started_by(token)) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    return len(killed)
