"""The preloaded process: ``python -m oaflib.run.preloaded CHANNEL lean|whole``.

It imports, listens and forks on order, runs nobody's code and starts no thread: no JVM, no DuckDB,
no pool of Arrow. It ends when whoever started it hangs up, and kills what it forked; should it be
killed itself, the kernel kills them (`oaflib.run.newborn`).
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from oaflib.run.newborn import Birth, Mark, be_born

LEAN = (
    "papermill",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "psutil",
    "numpy.random",
    "tornado.platform.asyncio",
    "oaflib.run.child",
    "oaflib.run.engine",
    "oaflib.run.export",
    "oaflib.run.provisioner",
    "oaflib.checks",
    "oaflib.compute.statistics",
    "oaflib.history",
    "oaflib.plots",
    "oaflib.sources.embedded.source",
    "oaflib.sources.extract",
    "oaflib.sources.open",
    "oaflib.study.families",
    "oaflib.study.recalled",
    "oaflib.study.survey",
    "oaflib.study.words",
)
"""What a report of the usual kind needs."""
SOON = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "mistune.plugins.def_list",
    "mistune.plugins.task_lists",
    "mistune.plugins.url",
    "numpy.ma",
    "oaflib.checks.range",
    "tornado.queues",
)
"""What each kernel and export imports by itself, once there are several of them. A version that has
one of them no more does without."""
WHOLE = (*LEAN, "ipykernel.debugger", "pandas", "matplotlib.pyplot")
"""And what kernels of people and experts' code need besides; so not for a single report."""
_AT_START = ("PYTHON", "LD_", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_")
"""What begins like this counts when a process starts, and not later."""
_SEVERAL = 5  # forks after which there is more than one report
_MANY = 60  # forks after which all of it will be worth it
_MOST = 1 << 20  # bytes of an order


@dataclass
class Live:
    """A process that was forked, and the line on which its end is awaited."""

    pid: int
    line: socket.socket
    ended: int  # pidfd


@dataclass
class Preloaded:
    """The process that forks. `main` is the channel whose end is its own end."""

    main: socket.socket
    mark: Mark
    failure: str = ""
    forks: int = 0
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    channels: set[socket.socket] = field(default_factory=set)
    living: dict[int, Live] = field(default_factory=dict)

    def serve(self) -> None:
        """Take orders until the main channel is closed."""
        self._listen(self.main)
        while True:
            for key, _ in self.selector.select():
                kind, of = key.data
                if kind == "ended":
                    self._reap(of)
                elif kind == "line":
                    self._hung_up(of)
                elif not self._order(of) and of is self.main:
                    return

    def end(self) -> None:
        """Kill all that was forked."""
        for live in self.living.values():
            _kill(live.pid)

    def _listen(self, channel: socket.socket) -> None:
        self.channels.add(channel)
        self.selector.register(channel, selectors.EVENT_READ, ("order", channel))

    def _order(self, channel: socket.socket) -> bool:
        """Carry out one order; False when the channel was closed."""
        message, fds, _, _ = socket.recv_fds(channel, _MOST, 3)
        if not message:
            self.selector.unregister(channel)
            self.channels.discard(channel)
            channel.close()
            return False
        output, line = (fds[0], fds[1]), socket.socket(fileno=fds[2])
        try:
            self._fork(json.loads(message), output, line)
        except Exception as error:  # whoever ordered starts an ordinary process
            with suppress(OSError):
                line.sendall(_said(error=f"{type(error).__name__}: {error}"))
            line.close()
        finally:
            for each in output:
                os.close(each)
        self.forks += 1
        if self.forks == _SEVERAL:
            for name in SOON:
                with suppress(ImportError):
                    import_module(name)
            gc.freeze()
        if self.forks == _MANY:
            self.load(WHOLE)
        return True

    def load(self, modules: Iterable[str]) -> None:
        """Import them; what cannot be imported is the end of forking, not of this process."""
        try:
            for name in modules:
                import_module(name)
        except Exception as error:
            self.failure = f"preloading failed: {type(error).__name__}: {error}"
        gc.collect()
        gc.freeze()  # so that the collector does not touch, and so copy, what is shared

    def _fork(self, order: dict[str, Any], output: tuple[int, int], line: socket.socket) -> None:
        if self.failure:
            raise RuntimeError(self.failure)
        _agree(order["env"])
        self.mark.check(order["env"])
        ours, theirs = (
            socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if order["channel"]
            else (None, None)
        )
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            be_born(Birth(order, output, theirs, parent), self.mark, self._forget)
        if ours is not None and theirs is not None:
            theirs.close()
            self._listen(ours)
        live = Live(pid, line, os.pidfd_open(pid))
        self.living[pid] = live
        self.selector.register(live.ended, selectors.EVENT_READ, ("ended", live))
        self.selector.register(line, selectors.EVENT_READ, ("line", live))
        with suppress(OSError):  # hung up already: the selector says so next
            line.sendall(_said(pid=pid))

    def _forget(self) -> None:
        """In the forked process: nothing of the others' stays open."""
        self.selector.close()
        for channel in self.channels:
            channel.close()
        for live in self.living.values():
            live.line.close()
            os.close(live.ended)

    def _reap(self, live: Live) -> None:
        _, status = os.waitpid(live.pid, 0)
        self.selector.unregister(live.ended)
        os.close(live.ended)
        del self.living[live.pid]
        with suppress(KeyError):  # it may have hung up before
            self.selector.unregister(live.line)
        with suppress(OSError):
            live.line.sendall(_said(code=os.waitstatus_to_exitcode(status)))
        live.line.close()

    def _hung_up(self, live: Live) -> None:
        self.selector.unregister(live.line)
        _kill(live.pid)


def _agree(env: Mapping[str, str]) -> None:
    """Whether a process with that environment can be forked from this one.

    Raises
    ------
    ValueError
        A variable that is read only when a process starts differs.
    """
    for name in sorted({*env, *os.environ}):
        if name.startswith(_AT_START) and env.get(name) != os.environ.get(name):
            raise ValueError(f"{name} is not what this process was started with")


def _kill(pid: int) -> None:
    """The process and its group; it may have ended meanwhile, but is not reaped, so it is it."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _said(**answer: Any) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def main() -> int:
    """Import, then fork on order until whoever started this hangs up."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    preloaded = Preloaded(channel, Mark.found())
    gc.disable()  # imports leave little to collect
    preloaded.load(WHOLE if sys.argv[2] == "whole" else LEAN)
    if not preloaded.failure:
        sys.modules["oaflib.run.export"].warm()
    gc.freeze()
    gc.enable()
    try:
        preloaded.serve()
    finally:
        preloaded.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
