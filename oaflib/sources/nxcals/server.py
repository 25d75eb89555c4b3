"""One Spark Connect server for all runs of a morning, and the file by which they find it.

A classic session costs each kernel a JVM; a client of a server costs it a second. `served` starts
a broker (`broker.py`) that starts the server, watches it, and ends it when the morning's process
is gone, however it went.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oaflib.errors import SourceUnavailable
from oaflib.sources.base import SourceSettings

_PATIENCE = 30.0  # seconds in which the broker ends its server


@dataclass(frozen=True)
class Server:
    """A Spark Connect server: its `address` (``sc://host:port/;…``), and its token if any."""

    address: str
    token: str = ""

    @property
    def url(self) -> str:
        """The address with the token, which is in no message."""
        if not self.token:
            return self.address
        joint = ";" if "/;" in self.address else "/;"
        return f"{self.address}{joint}token={self.token}"

    @property
    def place(self) -> str:
        """The address in words."""
        return self.address.partition("/;")[0]


def file_of(settings: SourceSettings) -> Path:
    """Where the server of a source is said: for its owner's eyes only, for it holds the token."""
    return settings.root / "runs" / "spark" / f"{settings.name}.json"


def found_server(settings: SourceSettings, seconds: float) -> Server | None:
    """The server that a morning keeps for this source; None when there is no such morning.

    Waits up to `seconds` for one that is starting.

    Raises
    ------
    SourceUnavailable
        It could not start, or takes longer.
    """
    until = time.monotonic() + seconds
    while (said := _read(file_of(settings))) is not None and _alive(said):
        if said.get("failed"):
            raise SourceUnavailable(f"Spark could not start: {said['failed']}")
        if said.get("address"):
            return Server(said["address"], said["token"])
        if time.monotonic() > until:
            raise SourceUnavailable(f"Spark did not start within {seconds:g} s")
        time.sleep(0.2)
    return None


@contextmanager
def served(settings: SourceSettings, master: str, spark: Mapping[str, str]) -> Iterator[None]:
    """Within it there is a server of the source, or one is starting.

    Where another process keeps one already, that one is shared.
    """
    file = file_of(settings)
    said = _read(file)
    if said is not None and _alive(said):
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    task = {
        "file": str(file),
        "master": master,
        "spark": dict(spark),
        "token": secrets.token_urlsafe(24),
    }
    with (file.parent / f"{settings.name}.log").open("wb") as log:
        broker = subprocess.Popen(
            [sys.executable, "-m", "oaflib.sources.nxcals.broker"],
            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, cwd=file.parent,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        )  # fmt: skip
    assert broker.stdin is not None
    try:
        write(file, {"broker": broker.pid})
        broker.stdin.write(json.dumps(task).encode() + b"\n")
        broker.stdin.flush()
        yield
    finally:
        broker.stdin.close()  # by which the broker knows
        try:
            broker.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            broker.kill()
            broker.wait()
        file.unlink(missing_ok=True)


def write(file: Path, document: Mapping[str, Any]) -> None:
    """Write the file whole, readable by its owner alone."""
    beside = file.with_suffix(".tmp")
    beside.unlink(missing_ok=True)
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as opened:
        json.dump(document, opened)
    beside.replace(file)


def _read(file: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _alive(said: Mapping[str, Any]) -> bool:
    """Whether the broker of a file is there: a morning that was killed left only its file."""
    try:
        process = Path(f"/proc/{int(said['broker'])}")
        words = (process / "cmdline").read_bytes()
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, KeyError, ValueError, IndexError):
        return False
    # For an instant at its very beginning a process has no words yet.
    return state != "Z" and (not words or b"oaflib.sources.nxcals.broker" in words)
