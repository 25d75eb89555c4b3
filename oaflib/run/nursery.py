"""A preloaded process that forks others, so that imports are paid once and not by every process.

`standing` gives the nursery of this process, started when first asked for. It ends with this
process, however that ends, and takes with it what it forked. Each forked process is one of its own:
own session, environment, folder, limits and streams, as if it had been started by `subprocess`.

Orders go over a socket to the preloaded process (`oaflib.run.preloaded`), each with the standard
streams and the end of a line of its own: on it come the process ID and, in the end, the exit code;
hanging up ends the process.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oaflib.errors import OafError

PLACEHOLDER = "OAF_RUN_" + "0" * 32
"""Stands in the preloaded process's environment where a forked one gets the mark of its run."""
_PATIENCE = 60.0  # seconds for the first answer; the imports are under way meanwhile
_LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]


class NurseryLost(OafError):
    """The preloaded process is not there, cannot fork here, or died: start an ordinary one."""


class Forked:
    """A process that a nursery forked; asked and told as `subprocess.Popen` is.

    `lost` says that the nursery died under it, and it with the nursery.
    """

    stdin = stdout = stderr = None

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._said = b""
        self.returncode: int | None = None
        self.lost = False
        self.pid = int(self._answer(_PATIENCE)["pid"])

    def fileno(self) -> int:
        """Readable when it has ended."""
        return self._line.fileno()

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""
        if self.returncode is None:
            self._ended(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal.

        Raises
        ------
        subprocess.TimeoutExpired
            It lives on after `timeout` seconds.
        """
        if self.returncode is None:
            self._ended(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """To it alone; nothing when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Hang up: if it still lives, it and its process group are killed."""
        self._line.close()

    def __del__(self) -> None:
        self._line.close()

    def _ended(self, timeout: float | None) -> None:
        try:
            self.returncode = int(self._answer(timeout)["code"])
        except TimeoutError:
            return
        except NurseryLost:
            self.lost, self.returncode = True, -signal.SIGKILL
        self._line.close()

    def _answer(self, timeout: float | None) -> dict[str, Any]:
        until = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._said:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self._line], [], [], left)[0]:
                raise TimeoutError
            piece = self._line.recv(4096)
            if not piece:
                raise NurseryLost("the preloaded process died")
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NurseryLost(str(answer["error"]))
        return answer


class Nursery:
    """The way to a preloaded process; for any thread of one process."""

    def __init__(
        self,
        channel: socket.socket,
        env: Mapping[str, str],
        server: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self._channel = channel
        self._server = server
        self.env = dict(env)
        self.owner = os.getpid()

    @classmethod
    def started(cls, load: str, env: Mapping[str, str]) -> Nursery:
        """A new one in the environment `env`; it imports what is ``lean``, or the ``whole``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server = subprocess.Popen(
                [sys.executable, "-m", "oaflib.run.preloaded", str(theirs.fileno()), load],
                env={**env, PLACEHOLDER: "1"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return cls(ours, env, server)

    @property
    def pid(self) -> int | None:
        """Of the preloaded process; None in a process that it forked."""
        return self._server.pid if self._server else None

    @property
    def alive(self) -> bool:
        """Whether orders can still be given."""
        if self.owner != os.getpid() or (self._server and self._server.poll() is not None):
            return False
        return not select.select([self._channel], [], [], 0)[0]  # it never speaks, but hangs up

    def fork(
        self,
        call: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        output: tuple[int, int],
        channel: bool = False,
        of: str = "branch",
    ) -> Forked:
        """A process that calls `call` (``module:function``) with ``sys.argv`` as given.

        `env` must agree with the nursery's own on what counts when a process starts. It takes over
        this process's limits, priority, processors and umask. `output` are the file
        descriptors of its standard output and error. With `channel` it can give orders itself.
        `of` the ``branch`` it has papermill and nbconvert; of the ``trunk`` what kernels need.

        Raises
        ------
        NurseryLost
            No process was forked.
        """
        order = {
            "call": call,
            "argv": list(argv),
            "env": dict(env),
            "cwd": str(cwd),
            "channel": channel,
            "of": of,
            "limits": {name: resource.getrlimit(getattr(resource, name)) for name in _LIMITS},
            "priority": os.getpriority(os.PRIO_PROCESS, 0),
            "processors": sorted(os.sched_getaffinity(0)),
            "umask": _umask(),
        }
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                fds = [*output, theirs.fileno()]
                socket.send_fds(self._channel, [json.dumps(order).encode()], fds)
            return Forked(ours)
        except (OSError, TimeoutError, ValueError) as error:
            ours.close()
            raise NurseryLost(f"the preloaded process cannot be used: {error!r}") from error
        except NurseryLost:
            ours.close()
            raise

    def close(self) -> None:
        """End the preloaded process and what it forked."""
        self._channel.close()
        if self._server and self.owner == os.getpid():
            self._server.wait()


_lock = threading.Lock()
_standing: Nursery | None = None
_failed = 0


def standing(env: Mapping[str, str], load: str = "lean") -> Nursery:
    """The nursery of this process; started if there is none yet, or it died.

    Raises
    ------
    NurseryLost
        Here it cannot work: ``OAF_FORK=no`` says so, or it died three times.
    """
    global _standing, _failed
    with _lock:
        if _standing is not None and _standing.alive:
            return _standing
        if os.environ.get("OAF_FORK") == "no" or not hasattr(os, "pidfd_open") or _failed > 2:
            raise NurseryLost("nothing is forked here")
        if _standing is not None:
            _failed += _standing.owner == os.getpid()
            _standing.close()
        try:
            _standing = Nursery.started(load, env)
        except OSError as error:
            raise NurseryLost(f"no preloaded process: {error}") from error
        return _standing


@atexit.register
def _over() -> None:
    if _standing is not None:
        _standing.close()


def living() -> Nursery | None:
    """The nursery of this process if it has one that can be ordered; none is started."""
    return _standing if _standing is not None and _standing.alive else None


def inherited() -> bool:
    """Whether this process was forked, and can order others."""
    return _standing is not None and _standing.owner == os.getpid() and _standing.pid is None


def inherit(channel: socket.socket) -> None:
    """In a forked process: orders go to the process that forked it."""
    global _standing, _failed
    _standing, _failed = Nursery(channel, os.environ), 0


def forget() -> None:
    """In a forked process: the nursery of whoever ordered it is not this one's."""
    global _standing
    _standing = None


def _umask() -> int:
    """This process's umask, without setting it: other threads create files meanwhile."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022
