"""The process beside a morning that keeps its Spark Connect server: ``python -m …nxcals.broker``.

Its standard input says on one line what to start; when that ends, the morning has, and so does the
server. The kernel of the operating system ends the server should the broker be killed itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
_STARTED = re.compile(r"Spark Connect server started at:.*?:(\d+)\s*$")
_FAULT = re.compile(r"\b\w*(Exception|Error)\b|^Invalid ")
_PARENT_DIES = 1  # PR_SET_PDEATHSIG


def main() -> int:
    """Start what standard input says, and end it when that ends."""
    task = json.loads(sys.stdin.readline())
    from oaflib.sources.nxcals.server import write

    file = Path(task["file"])
    about = {"broker": os.getpid()}
    try:
        server = start(task)
    except (ImportError, OSError) as error:
        write(file, {**about, "failed": str(error)})
        sys.stdin.read()
        return 1
    watcher = threading.Thread(target=_watch, args=(server, task, file, about), daemon=True)
    watcher.start()
    sys.stdin.read()
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    file.unlink(missing_ok=True)
    return 0


def start(task: dict[str, Any]) -> subprocess.Popen[str]:
    """The server's process, on a free port of this machine alone."""
    import pyspark

    home = Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)
    settings = {
        "spark.ui.enabled": "false",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        **task["spark"],
    }
    if task["master"].startswith(("local", "spark://127.", "spark://localhost")):
        settings.setdefault("spark.driver.host", "127.0.0.1")
        settings.setdefault("spark.driver.bindAddress", "127.0.0.1")
    words = [str(home / "bin" / "spark-submit"), "--master", task["master"], "--class", _CLASS]
    for key, value in settings.items():
        words += ["--conf", f"{key}={value}"]
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": task["token"],
    }
    return subprocess.Popen(
        [*words, "spark-internal"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        preexec_fn=partial(_end_with_parent, os.getpid()),
    )


def _watch(
    server: subprocess.Popen[str], task: dict[str, Any], file: Path, about: dict[str, Any]
) -> None:
    """Pass on the server's words, and say in the file where it is, or why it is not."""
    from oaflib.sources.nxcals.server import write

    fault = ""
    assert server.stdout is not None
    for line in server.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        if not fault and _FAULT.search(line):
            fault = line.strip()
        if found := _STARTED.search(line):
            address = f"sc://localhost:{found[1]}"
            write(file, {**about, "address": address, "token": task["token"]})
    code = server.wait()
    write(file, {**about, "failed": f"its server ended with code {code}: {fault[:300]}"})


def _end_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGTERM)
    if os.getppid() != parent:  # it died before it could be said
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
