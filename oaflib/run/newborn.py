"""What a forked process does first, so that it is like one freshly started."""

from __future__ import annotations

import ctypes
import gc
import os
import random
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from oaflib.run import nursery

_PR_SET_PDEATHSIG = 1
_INLINE = "module://matplotlib_inline.backend_inline"
_ANSWERED = 5.0  # seconds in which a kernel says that it shuts down


@dataclass(frozen=True)
class Birth:
    """An order, the descriptors for its output, its way to give orders, and who forks it."""

    order: Mapping[str, Any]
    output: tuple[int, int]
    channel: socket.socket | None
    parent: int


@dataclass(frozen=True)
class Mark:
    """Where in memory the environment this process was started with has the placeholder's name.

    ``/proc/PID/environ`` shows that memory, whatever was set since. A run's processes are found by
    their mark there, so a forked one writes the mark of its run over the placeholder: a name of the
    same length.
    """

    address: int

    @classmethod
    def found(cls) -> Mark:
        """Of this process; `address` is 0 when there is no placeholder."""
        after = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(after[47]), int(after[48])  # fields 50 and 51: env_start, env_end
        if not start or nursery.PLACEHOLDER not in os.environ:
            return cls(0)
        memory = b"\0" + ctypes.string_at(start, end - start)
        at = memory.find(b"\0" + nursery.PLACEHOLDER.encode() + b"=1\0")
        return cls(start + at if at >= 0 else 0)

    def check(self, env: Mapping[str, str]) -> None:
        """Whether a process with that environment can be marked.

        Raises
        ------
        ValueError
            It cannot: several marks, a name of another length, or no place for it.
        """
        names = marks(env)
        if len(names) > 1 or any(len(name) != len(nursery.PLACEHOLDER) for name in names):
            raise ValueError(f"a forked process cannot carry {', '.join(names)}")
        if names and not self.address:
            raise ValueError("no place for a run's mark")

    def write(self, env: Mapping[str, str]) -> None:
        """Put the mark of `env` where others look for it."""
        for name in marks(env):
            ctypes.memmove(self.address, name.encode("ascii"), len(name))


def marks(env: Mapping[str, str]) -> list[str]:
    """The names of runs' marks in an environment."""
    return [name for name in env if name.startswith("OAF_RUN_")]


def be_born(birth: Birth, mark: Mark, forget: Callable[[], None]) -> NoReturn:
    """Become a process of its own and call what was ordered; never returns."""
    code = 1
    try:
        _alone(birth, forget)
        _streams(birth.output)
        _bounds(birth.order)
        _environment(birth.order, mark)
        _fresh()
        if birth.channel is not None:
            nursery.inherit(birth.channel)
        else:
            nursery.forget()
        module, _, function = birth.order["call"].partition(":")
        sys.argv = list(birth.order["argv"])
        code = getattr(import_module(module), function)() or 0
    except SystemExit as leaving:
        code = _code_of(leaving)
    except BaseException:
        traceback.print_exc()
    finally:
        _leave(code)


def kernel() -> None:
    """An IPython kernel, as ``python -m ipykernel_launcher`` is one."""
    from ipykernel import kernelbase
    from ipykernel.kernelapp import IPKernelApp

    os.environ.setdefault("MPLBACKEND", _INLINE)
    if "OAF_TOKEN" in os.environ:  # a run: nobody is there to debug, and the debugger costs 0.3 s
        sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]
        vars(kernelbase)["_get_psutil"] = lambda: None  # what it started ends with the run
    _matplotlib()
    IPKernelApp.launch_instance(parent_handle=os.getppid())
    # The control thread still ends its answer to "shut down" by what the app's closing takes away;
    # each would wait for the other until the kernel is killed, seconds later.
    IPKernelApp.instance().control_thread.join(_ANSWERED)


def die_with(parent: int) -> None:
    """Be killed when the process that forked this one ends, also when it just has."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _alone(birth: Birth, forget: Callable[[], None]) -> None:
    """Own session; dies with the process that forked it; nothing of the others' open."""
    os.setsid()
    die_with(birth.parent)
    forget()
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _streams(output: tuple[int, int]) -> None:
    """Standard output and error go where they were ordered to; standard input has nothing."""
    for number, each in enumerate(output, 1):
        os.dup2(each, number)
        os.close(each)


def _bounds(order: Mapping[str, Any]) -> None:
    """What whoever ordered this process may use."""
    os.umask(order["umask"])
    os.sched_setaffinity(0, order["processors"])
    if order["priority"] > os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, order["priority"])
    for name, bounds in order["limits"].items():
        if resource.getrlimit(getattr(resource, name)) != tuple(bounds):
            resource.setrlimit(getattr(resource, name), tuple(bounds))
    os.chdir(order["cwd"])


def _environment(order: Mapping[str, Any], mark: Mark) -> None:
    env = order["env"]
    mark.write(env)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()


def _fresh() -> None:
    """Nothing random is as in a brother; matplotlib looks for its files again."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    _matplotlib()


def _matplotlib() -> None:
    """Its folders and backend are those of this environment; it may have been imported before."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return
    for name in ("get_configdir", "get_cachedir"):
        clear = getattr(getattr(matplotlib, name, None), "cache_clear", None)
        if clear is not None:
            clear()
    if os.environ.get("MPLBACKEND"):
        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


def _code_of(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return leaving.code or 0
    sys.stderr.write(f"{leaving.code}\n")
    return 1


def _leave(code: int) -> NoReturn:
    """As the interpreter ends: threads awaited, what is registered called, streams written out."""
    import atexit
    import threading

    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code & 0xFF)
