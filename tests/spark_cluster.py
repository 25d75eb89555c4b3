"""A real Spark standalone cluster for tests: a master and two workers on loopback, and no more.

They come out of pyspark's own jars, and end with the tests' process.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 120
# Short lives: the JVMs compile little, and threads of theirs are few.
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"


class Cluster:
    """The cluster; `workers` are their processes, `url` is the master's address."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.port, self.page = _free_port(), _free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        self._master: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._master = self._run("master", "org.apache.spark.deploy.master.Master",
                                 "--host", "127.0.0.1", "--port", str(self.port),
                                 "--webui-port", str(self.page))  # fmt: skip
        self.await_workers(0)
        for _ in range(2):
            self.add_worker()
        self.await_workers(2)

    def add_worker(self) -> None:
        """One more worker of one core."""
        number = len(self.workers)
        work = self.folder / f"work-{number}"
        self.workers.append(
            self._run(f"worker-{number}", "org.apache.spark.deploy.worker.Worker",
                      "--host", "127.0.0.1", "--cores", "1", "--memory", "1g",
                      "--webui-port", str(_free_port()), "--work-dir", str(work), self.url)
        )  # fmt: skip

    def said(self) -> dict[str, Any]:
        """What the master says of the cluster."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/json/", timeout=5) as answer:
            return dict(json.loads(answer.read()))

    def await_workers(self, count: int) -> None:
        """Wait until so many workers are alive."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            with suppress(OSError):
                if self.said()["aliveworkers"] >= count:
                    return
            time.sleep(0.3)
        raise RuntimeError(f"no {count} workers: {(self.folder / 'master.log').read_text()}")

    def kill_worker(self) -> None:
        """Kill a worker and its executor, as when its machine goes."""
        worker = self.workers[0]
        for pid in [*_children(worker.pid), worker.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        for process in [*self.workers, self._master]:
            if process is not None and process.poll() is None:
                process.terminate()
        for process in [*self.workers, self._master]:
            if process is not None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()

    def _run(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ, "SPARK_HOME": str(self.home), "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "192m", "SPARK_DAEMON_JAVA_OPTS": LIGHT,
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_DIRS": str(self.folder), "SPARK_LOG_DIR": str(self.folder),
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
            "SPARK_WORKER_OPTS": "-Dspark.worker.timeout=10",
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [str(self.home / "bin" / "spark-class"), *words], cwd=self.folder, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment,
                preexec_fn=_end_with_parent,
            )  # fmt: skip


@contextmanager
def spark_cluster(folder: Path) -> Iterator[Cluster]:
    """A running cluster; skips the test where there is no Java or no pyspark to run it."""
    pyspark = pytest.importorskip("pyspark")
    if not shutil.which("java"):
        pytest.skip("Java is not installed")
    cluster = Cluster(folder, Path(pyspark.__file__).parent)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    """The processes a process started, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
