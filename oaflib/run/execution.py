"""One execution of a notebook in processes of its own, and why it did not end well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from oaflib.errors import TemplateError
from oaflib.run import limits, nursery
from oaflib.run.environment import common, of_run
from oaflib.run.isolation import disarm
from oaflib.run.nursery import Forked, NurseryLost
from oaflib.run.preflight import read_notebook
from oaflib.run.request import AT, FAILURE, LOG, NOTEBOOK, Request

Process = subprocess.Popen[bytes] | Forked
_CHILD = "oaflib.run.child"
_GRACE = 10.0  # seconds between asking a run to end and ending it
_LOOK = 0.5  # seconds between two looks at a run
_NO_MEMORY = ("MemoryError", "_ArrayMemoryError", "ArrowMemoryError")


def execute(request: Request, cage: Sequence[str] = ()) -> str:
    """Run the request in a process of its own; an empty text, or why it did not end well.

    `cage` is the command in front of it that gives it a place of its own, if any. Without one, and
    unless it is expert code, the process and its kernel are forked from this process's nursery.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    path = request.save()
    try:
        if cage or request.role == "expert":
            raise NurseryLost("its process is to be a fresh one")
        code, broken = _attempt(request, partial(_forked, request, path))
    except NurseryLost:
        for trace in (AT, FAILURE, NOTEBOOK):
            (request.folder / trace).unlink(missing_ok=True)
        code, broken = _attempt(request, partial(_started, request, path, cage))
    if broken:
        return f"{broken}{_where(request)}"
    failure = request.folder / FAILURE
    if failure.exists():
        return _sentence(json.loads(failure.read_bytes()), request)
    if code:
        return f"the run's process ended with {_exit(code)}; its log says: {_tail(request)}"
    return ""


def _attempt(request: Request, start: Callable[[int], Process]) -> tuple[int, str]:
    """The exit code of the run's process, and the limit for which it was ended, if it was.

    Raises
    ------
    NurseryLost
        It could not be forked, or went down with the nursery: nothing can be said of the run.
    """
    with (request.folder / LOG).open("wb") as log:
        child = start(log.fileno())
        try:
            code, broken = _wait(child, request)
        finally:
            limits.end_all(request.token)
            if request.role == "expert":
                disarm(request.folder)
            if isinstance(child, Forked):
                child.close()
    if isinstance(child, Forked) and child.lost:
        raise NurseryLost("the preloaded process died, and the run with it")
    return code, broken


def _forked(request: Request, path: Path, log: int) -> Forked:
    return nursery.standing(common(request.root)).fork(
        f"{_CHILD}:main",
        [_CHILD, str(path)],
        env=_environment(request),
        cwd=request.folder,
        output=(log, log),
        channel=True,
    )


def _started(request: Request, path: Path, cage: Sequence[str], log: int) -> Process:
    return subprocess.Popen(
        [*cage, sys.executable, "-m", _CHILD, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=request.folder,
        env=_environment(request),
        start_new_session=True,
    )


def _environment(request: Request) -> dict[str, str]:
    mark = limits.mark_of(request.token)
    made = of_run(request.root, request.folder, request.token, mark, request.keeps)
    return {**made, "OAF_RUNNER": limits.runner_mark()}


def _wait(child: Process, request: Request) -> tuple[int, str]:
    """The child's exit code, and the limit for which it was ended, if it was."""
    until = time.monotonic() + request.seconds
    watch = limits.Watch(request)
    broken = ""
    while not broken:
        try:
            return child.wait(_LOOK), ""
        except subprocess.TimeoutExpired:
            broken = watch.look()
        if not broken and time.monotonic() > until:
            broken = f"the run was ended after {request.seconds:g} s, its whole time"
            _ask(child, request)
            with suppress(subprocess.TimeoutExpired):
                return child.wait(_GRACE), broken
    limits.end_all(request.token, 1.0)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait(), broken


def _ask(child: Process, request: Request) -> None:
    """SIGTERM to papermill: it saves the notebook, which shows how far the run came."""
    if isinstance(child, Forked):
        child.terminate()
    else:
        limits.ask(request.token, _CHILD)  # the child is the cage


def _sentence(failure: dict[str, str], request: Request) -> str:
    """Why papermill did not end well, with the cell's title; a broken limit by its name."""
    where = _where(request)
    name, message = failure["name"], failure["message"]
    if failure["kind"] == "limit":
        return f"{message}{where}"
    if name in _NO_MEMORY:
        return f"memory limit of {limits.size(request.memory)}: {name}: {message}{where}"
    if name == "OSError" and message.startswith("[Errno 27]"):
        return f"files limit of {limits.size(request.files)}: {name}: {message}{where}"
    if failure["kind"] == "cell error":
        return f"{name}: {message}{where}"
    if failure["kind"] == "cell timeout":
        return f"a cell took longer than {request.cell_seconds:g} s{where}"
    if failure["kind"] == "kernel died":
        return f"{_death(message, request)}{where}"
    return f"{name}: {message}"


def _death(cause: str, request: Request) -> str:
    """What a kernel died of, as far as its process tells."""
    if cause == "SIGXCPU":
        return f"cpu_seconds limit of {request.cpu_seconds}: the kernel was ended"
    words = {
        "SIGKILL": "SIGKILL: killed, perhaps because the machine was out of memory",
        "SIGSEGV": "SIGSEGV: it crashed",
        "SIGABRT": "SIGABRT: it gave up, perhaps for lack of memory",
    }
    return f"the kernel died ({words.get(cause, cause) or 'killed, out of memory, or crashed'})"


def _where(request: Request) -> str:
    """The cell that was at work last, as the template's author counts, and the title above it."""
    try:
        at = int((request.folder / AT).read_text())
        cells = read_notebook(request.template).cells
    except (OSError, ValueError, TemplateError):
        return ""
    tagged = [i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", [])]
    if tagged and at == tagged[0] + 1:
        return ", in the parameters"
    if tagged and at > tagged[0]:
        at -= 1  # papermill put a cell of its own behind the parameters
    titles = [cell.source for cell in cells[:at] if cell.cell_type == "markdown"]
    title = titles[-1].strip().splitlines()[0].strip("# ") if titles and titles[-1].strip() else ""
    return f", in cell {at + 1}" + (f" '{title}'" if title else "")


def _exit(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _tail(request: Request) -> str:
    text = (request.folder / LOG).read_text(errors="replace").strip()
    return text.splitlines()[-1][:500] if text else "nothing"
