"""The preloaded process: ``python -m oaflib.run.preloaded CHANNEL lean|whole``.

It imports, listens and forks on order, runs nobody's code and starts no thread: no JVM, no DuckDB,
no pool of Arrow. It ends when whoever started it hangs up, and kills what it forked; should it be
killed itself, the kernel kills them (`oaflib.run.newborn`).

Kernels are forked from the trunk. What works on notebooks, with papermill and nbconvert, is forked
from a branch of it: a process that the trunk forks once it has imported what both need. So the two
import side by side, and kernels hold nothing of papermill's. Both import one module after another
while nobody asks for anything, and before a fork what it needs.
"""

from __future__ import annotations

import gc
import json
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NoReturn

from oaflib import lean
from oaflib.run.newborn import Birth, Mark, be_born, die_with

SHARED = (
    "asyncio",
    "tornado.platform.asyncio",
    "jupyter_client",
    "zmq.asyncio",
    "numpy",
    "pyarrow.parquet",
    "oaflib.config.project",
    "oaflib.registry:offered",
    "oaflib.checks",
    "oaflib.checks.gap",
    "oaflib.checks.range",
    "oaflib.checks.stuck",
    "oaflib.checks.usage",
    "oaflib.plots",
    "oaflib.sources.open",
    "oaflib.study.words",
    "IPython",
)
"""What kernels and those who work on notebooks need; so the branch has it too."""
KERNELS = (
    "oaflib.lean:eventloops",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "tornado.queues",
    "unicodedata",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "oaflib.checks.unit",
    "oaflib.compute.statistics",
    "oaflib.history",
    "oaflib.sources.embedded.source",
    "oaflib.sources.extract",
    "oaflib.study.families",
    "oaflib.study.recalled",
    "oaflib.study.survey",
)
"""What the kernel of a report of the usual kind needs; some of it IPython imports by itself."""
COMMANDS = ("jinja2", "oaflib.run.runner")
"""What the branch needs before it forks a command that makes one report."""
NOTEBOOKS = (
    "oaflib.lean:papermill",
    "oaflib.run.engine",
    "oaflib.run.provisioner:warm",
    "ipykernel.kernelspec",
    "oaflib.run.child",
    "mistune.plugins.def_list",
    "mistune.plugins.task_lists",
    "mistune.plugins.url",
    "oaflib.lean:lexers",
    "oaflib.run.export:warm",
)
"""And before it forks what executes a notebook, or exports one."""
OFTEN = ("pyarrow.compute", "numpy.ma", "numpy.random", "oaflib.checks.defaults")
"""What many kernels need, and a single plain report does not; so from the second kernel on."""
WHOLE = (
    "ipykernel.debugger",
    "psutil",
    "pandas",
    "matplotlib",
    "matplotlib.colors",
    "matplotlib.artist",
    "matplotlib.axes",
    "matplotlib.figure",
    "matplotlib.pyplot",
)
"""What kernels of people and experts' code need besides; so not for a single report."""
_AT_START = ("PYTHON", "LD_", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_")
"""What begins like this counts when a process starts, and not later."""
_MANY = 20  # kernels after which all of it will be worth it
_PATIENCE = 5.0  # seconds for the branch to end what it forked
_MOST = 1 << 20  # bytes of an order


@dataclass
class Live:
    """A process that was forked, and the line on which its end is awaited."""

    pid: int
    line: socket.socket
    ended: int  # pidfd


@dataclass
class Preloaded:
    """The process that forks: trunk or branch. `main` is the channel whose end is its own end.

    `pending` is what it still imports, in that order: modules, or a function of one to be called.
    """

    main: socket.socket
    mark: Mark
    pending: list[str]
    failure: str = ""
    is_branch: bool = False
    kernels: int = 0
    branch: Live | None = None
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    channels: set[socket.socket] = field(default_factory=set)
    living: dict[int, Live] = field(default_factory=dict)

    def serve(self) -> None:
        """Take orders until the main channel is closed, or the branch ended."""
        self._listen(self.main)
        while True:
            for key, _ in self.selector.select(0 if self.pending else None):
                kind, of = key.data
                if kind == "ended" and of is self.branch:
                    return
                if kind == "ended":
                    self._reap(of)
                elif kind == "line":
                    self._hung_up(of)
                elif not self._order(of) and of is self.main:
                    return
            self.load(1)

    def end(self) -> None:
        """Kill all that was forked; the branch does the same, or dies with this."""
        for live in self.living.values():
            _kill(live.pid)
        if self.branch is not None:
            self.branch.line.close()
            select.select([self.branch.ended], [], [], _PATIENCE)

    def load(self, most: int) -> None:
        """Import so many of what is pending; what is broken is the end of forking, not of this.

        What is not there is left to whoever wants it.
        """
        for name in self.pending[:most]:
            del self.pending[0]
            module, _, function = name.partition(":")
            try:
                found = import_module(module)
                if function:
                    getattr(found, function)()
            except Exception as error:
                if not isinstance(error, ModuleNotFoundError) or error.name != module:
                    self.failure = f"preloading failed: {type(error).__name__}: {error}"

    def _listen(self, channel: socket.socket) -> None:
        self.channels.add(channel)
        self.selector.register(channel, selectors.EVENT_READ, ("order", channel))

    def _order(self, channel: socket.socket) -> bool:
        """Carry out one order; False when the channel was closed."""
        message, fds, _, _ = socket.recv_fds(channel, _MOST, 4)
        if not message:
            self.selector.unregister(channel)
            self.channels.discard(channel)
            channel.close()
            return False
        try:
            self._carry_out(json.loads(message), fds)
        except Exception as error:  # whoever ordered starts an ordinary process
            with suppress(OSError), socket.socket(fileno=os.dup(fds[2])) as line:
                line.sendall(_said(error=f"{type(error).__name__}: {error}"))
        finally:
            for each in fds:
                os.close(each)
        return True

    def _carry_out(self, order: dict[str, Any], fds: list[int]) -> None:
        """Fork, or have the branch fork. `fds`: output, error, line, and a way to give orders."""
        if order["channel"] and len(fds) == 3:  # orders come to the trunk
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            fds.append(theirs.detach())
            self._listen(ours)
        if order["of"] == "branch" and not self.is_branch:
            branch = self.branch or self._branched()
            socket.send_fds(branch.line, [json.dumps(order).encode()], fds)
            return
        if order["of"] == "trunk":
            self.kernels += 1
            self.pending += {2: OFTEN, _MANY: WHOLE}.get(self.kernels, ())
        self._fork(order, fds)

    def _fork(self, order: dict[str, Any], fds: list[int]) -> None:
        needed = order["call"].partition(":")[0]
        while any(name.partition(":")[0] == needed for name in self.pending):
            self.load(1)
        if self.failure:
            raise RuntimeError(self.failure)
        _agree(order["env"])
        self.mark.check(order["env"])
        parent = os.getpid()
        gc.freeze()  # so that the collector does not touch, and so copy, what is shared
        pid = os.fork()
        if pid == 0:
            channel = socket.socket(fileno=fds[3]) if order["channel"] else None
            os.close(fds[2])
            birth = Birth(order, (fds[0], fds[1]), channel, parent)
            be_born(birth, self.mark, self._forget)
        line = socket.socket(fileno=os.dup(fds[2]))
        live = Live(pid, line, os.pidfd_open(pid))
        self.living[pid] = live
        self.selector.register(live.ended, selectors.EVENT_READ, ("ended", live))
        self.selector.register(line, selectors.EVENT_READ, ("line", live))
        with suppress(OSError):  # hung up already: the selector says so next
            line.sendall(_said(pid=pid))

    def _branched(self) -> Live:
        """The branch, forked now."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            die_with(parent)
            self._forget()
            ours.close()
            grow(theirs, self.mark, self.failure)
        theirs.close()
        self.branch = Live(pid, ours, os.pidfd_open(pid))
        self.selector.register(self.branch.ended, selectors.EVENT_READ, ("ended", self.branch))
        return self.branch

    def _forget(self) -> None:
        """In the forked process: nothing of the others' stays open."""
        self.selector.close()
        for channel in self.channels:
            channel.close()
        for live in (*self.living.values(), *([self.branch] if self.branch else [])):
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


def grow(channel: socket.socket, mark: Mark, failure: str) -> NoReturn:
    """Be the branch until the trunk hangs up."""
    lean.leave_out()
    branch = Preloaded(channel, mark, [*COMMANDS, *NOTEBOOKS], failure, is_branch=True)
    branch.load(len(COMMANDS))
    _serve(branch)


def main() -> NoReturn:
    """Be the trunk until whoever started this hangs up."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    gc.disable()  # imports leave little to collect
    more = WHOLE if sys.argv[2] == "whole" else ()
    if not more:
        lean.undocumented()
    trunk = Preloaded(channel, Mark.found(), [*SHARED, *KERNELS, *more, "oaflib.run.newborn"])
    trunk.load(len(SHARED))
    _serve(trunk)


def _serve(preloaded: Preloaded) -> NoReturn:
    try:
        preloaded.serve()
    finally:
        preloaded.end()
        os._exit(0)  # the interpreter would clear away for nobody


if __name__ == "__main__":
    main()
