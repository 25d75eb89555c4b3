"""A Dask cluster for tests: a scheduler and worker processes on loopback, each to be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ADDRESS = re.compile(r"Scheduler at:\s+((?:tcp|tls)://\S+)")
_SECONDS = 120


class DaskCluster:
    """The cluster; `workers` are the processes of its workers, or of their nannies."""

    def __init__(self, folder: Path, *, nanny: bool = False, protocol: str = "tcp") -> None:
        self.folder, self.nanny, self.protocol = folder, nanny, protocol
        self.address = ""
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, workers: int = 3) -> None:
        self.scheduler = self._run(
            "scheduler", "--host", f"{self.protocol}://127.0.0.1", "--port", "0", "--no-dashboard"
        )
        self.address = self._await("scheduler", _ADDRESS)
        for number in range(workers):
            self.workers.append(
                self._run(
                    f"worker-{number}", self.address, "--host", "127.0.0.1", "--nthreads", "1",
                    "--no-dashboard", "--local-directory", str(self.folder),
                    "--death-timeout", "30",
                    "--memory-limit", "0", "--nanny" if self.nanny else "--no-nanny",
                )
            )  # fmt: skip
        for number in range(workers):
            self._await(f"worker-{number}", re.compile(r"Registered to:\s+(\S+://\S+)"))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As when its machine goes: what it started outlives it, as on another machine."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None and process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()
                process.wait()

    def _run(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        program = name.partition("-")[0]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", program, *words], cwd=self.folder, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=dict(os.environ),
            )  # fmt: skip

    def _await(self, name: str, what: re.Pattern[str]) -> str:
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            text = (self.folder / f"{name}.log").read_text()
            if found := what.search(text):
                return found[1]
            time.sleep(0.2)
        raise RuntimeError(f"{name} did not start: {text}")


@contextmanager
def dask_cluster(
    folder: Path, *, workers: int = 3, nanny: bool = False, protocol: str = "tcp"
) -> Iterator[DaskCluster]:
    """A running cluster."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, nanny=nanny, protocol=protocol)
    try:
        cluster.start(workers)
        yield cluster
    finally:
        cluster.stop()
