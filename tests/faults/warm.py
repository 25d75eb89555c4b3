"""Mornings without their imports: each forked from a process that has held one before.

A fault at every system call needs a thousand mornings, and so do kills; the longest part of a short
one is that Python starts, and there nothing is written. What is forked is the same program, in a
session of its own. It waits at its first line, so that a tracer sees it from there on.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LONGEST = 300.0  # seconds


@dataclass
class Forked:
    """A morning that was forked, like a `subprocess.Popen` as far as that is needed."""

    pid: int
    answer: Callable[[float], int]
    tracer: subprocess.Popen[bytes] | None = None
    code: int | None = None

    def wait(self, timeout: float = LONGEST) -> int:
        """Its exit code, negative for a signal; `subprocess.TimeoutExpired` if it goes on."""
        if self.code is None:
            self.code = self.answer(timeout)
            if self.tracer:
                self.tracer.wait(LONGEST)
        return self.code


class Warm:
    """A process to fork mornings from; a context manager.

    Parameters
    ----------
    root : a project whose mornings are held.
    words : those of the morning that is held first, and after which all that is needed is there.
    """

    def __init__(self, root: Path, words: Sequence[str]) -> None:
        self.log = root / "said.txt"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.warm", *words],
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if self._answer(LONGEST):
            raise RuntimeError(f"the first morning failed; see {self.log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, *words: str, tracer: Sequence[str] = ()) -> Forked:
        """A morning with those words, beside it a `tracer` (strace and its options).

        One at a time: the next when this one has ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()
        pid = self._answer(LONGEST)
        traced = None
        if tracer:
            traced = subprocess.Popen([*tracer, "-p", str(pid)])
            _wait_until_traced(pid)
        self._process.stdin.write(b"\n")  # it waits for this
        self._process.stdin.flush()
        return Forked(pid, self._answer, traced)

    def _answer(self, seconds: float) -> int:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired("a forked morning", seconds)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"no morning can be forked; see {self.log}")
        return int(line)


def _wait_until_traced(pid: int) -> None:
    until = time.monotonic() + 60
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        if time.monotonic() > until:
            raise TimeoutError(f"process {pid} cannot be traced")
        time.sleep(0.001)
    time.sleep(0.01)  # the tracer says how it wants to trace


def main() -> None:
    """Hold a morning, then fork one for each line of standard input."""
    from oaflib.run import thumbnails

    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    thumbnails._drawn = _drawn
    answers.write(b"%d\n" % _held(sys.argv[1:]))
    for line in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            os.setsid()
            os.read(0, 1)
            os._exit(_held(json.loads(line)))
        answers.write(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        answers.write(b"%d\n" % os.waitstatus_to_exitcode(status))


def _held(words: Sequence[str]) -> int:
    from oaflib.cli import main as oaf

    try:
        return oaf(["daily", *words])
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        with suppress(OSError):
            sys.stdout.flush()


_PICTURES: dict[str, bytes] = {}


def _drawn(folder: Path) -> None:
    """Another process draws the pictures of a mail; here a forked one, and they stay the same."""
    from oaflib.run import thumbnails

    pid = os.fork()
    if not pid:
        with suppress(BaseException):
            for name, data in _PICTURES.items():
                (folder / "thumbnails" / name).write_bytes(data)
            if not _PICTURES:
                thumbnails.main(folder)
        os._exit(0)
    os.waitpid(pid, 0)
    for path in (folder / "thumbnails").glob("*.png"):
        _PICTURES[path.name] = path.read_bytes()


if __name__ == "__main__":
    main()
