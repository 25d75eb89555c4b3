"""One attempt at a run, by a worker that may die in it: what is made twice is made apart.

An order's folder ``runs/cluster/<order>/`` is on a file system that all workers share. Each attempt
claims a number there and works in a folder of its own; the first that is done says so in
``done.json``, and whoever comes later takes that. So an order is done once, however often it is
tried, and an order whose workers died `MOST` times is tried no more.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oaflib import report as documents
from oaflib.config.project import Project, load_site_only
from oaflib.errors import ReportError, RunError
from oaflib.run.request import NOTEBOOK
from oaflib.run.runner import (
    Assignment,
    Places,
    Run,
    beneath,
    end_left,
    failed_report,
    keep,
    run_folder,
    run_report,
    save_report,
)
from oaflib.window import Window, parse_instant

MOST = 3  # attempts whose worker died
_DONE = "done.json"
_MORE = 60.0  # seconds a run may take beyond its limit, until it is ended
_WITH_PATHS = ("request.json", "report.json", NOTEBOOK)


@dataclass(frozen=True)
class Order:
    """An assignment over a window, told to a worker; `id` is its own in this morning."""

    project: Project
    assignment: Assignment
    window: Window
    id: str

    @property
    def folder(self) -> Path:
        """Where its attempts are."""
        return self.project.runs / "cluster" / self.id

    def document(self) -> dict[str, Any]:
        """Plain JSON values, all that a worker needs."""
        window = self.window
        return {
            "root": str(self.project.root),
            "id": self.id,
            "assignment": asdict(self.assignment),
            "window": [window.start.isoformat(), window.end.isoformat(), window.zone, window.label],
            "version": version("oaflib"),
        }


def attempt(told: Mapping[str, Any]) -> dict[str, Any]:
    """Make the run of an order, unless it is done; what came of it, as plain JSON values.

    Raises
    ------
    RunError
        This worker does not see the project, or has another version of OAF.
    """
    order = _order(told)
    if done := _read(order.folder / _DONE):
        return done
    number = _claim(order.folder)
    for earlier in range(1, number):
        end_left(order.folder / str(earlier) / "run")
    folder = order.folder / str(number) / "run"
    if number > MOST:
        reason = f"each of {MOST} workers that tried it died of it, or while it ran"
        save_report(failed_report(order.project, order.assignment, order.window, reason), folder)
        return _conclude(order.folder, number, 0.0, reason)
    run = run_report(order.project, order.assignment, order.window, Places(folder))
    if run.failure and (done := _taken_over(order, number)):
        return done
    return _conclude(order.folder, number, run.seconds, run.failure)


def _taken_over(order: Order, number: int) -> dict[str, Any] | None:
    """What a later attempt makes of it, if there is one: it ended this one's run.

    So a worker that was only thought dead does not report what was done to it.
    """
    until = time.monotonic() + order.project.site.limits.seconds + _MORE
    while (order.folder / str(number + 1)).exists() and time.monotonic() < until:
        if done := _read(order.folder / _DONE):
            return done
        time.sleep(0.5)
    return None


def settle(order: Order, done: Mapping[str, Any]) -> Run:
    """Put the attempt that is done into the run's place; called by the morning alone.

    Raises
    ------
    RunError
        The folder is not there: the workers' file system is not this one.
    """
    made = order.folder / str(done["attempt"]) / "run"
    place = run_folder(order.project, order.assignment.dataset, order.window)
    for name in _WITH_PATHS:
        for path in (made / name, made / "expert" / name):
            _moved(path, made, place, order.project.root)
    if place.exists():
        end_left(place)
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        keep(made)
        made.rename(place)  # `done.json` stays: who is asked to make the run again finds it
        report = documents.read((place / "report.json").read_bytes())
    except (OSError, ReportError) as error:
        raise RunError(
            f"the worker says it is done, but its run cannot be taken from {made} ({error}): "
            "workers and morning must share the project's folder"
        ) from error
    return Run(report, place, float(done["seconds"]), str(done["failure"]))


def _order(told: Mapping[str, Any]) -> Order:
    here = version("oaflib")
    if told["version"] != here:
        raise RunError(
            f"the worker on {socket.gethostname()} has oaflib {here}, the morning "
            f"{told['version']}; install the same"
        )
    root = Path(told["root"])
    if not (root / "config" / "site.toml").is_file():
        raise RunError(
            f"the worker on {socket.gethostname()} does not see {root}; the project's folder must "
            "be on a file system that all workers share, at the same path"
        )
    start, end, zone, label = told["window"]
    window = Window(parse_instant(start), parse_instant(end), zone, label)
    return Order(load_site_only(root), Assignment(**told["assignment"]), window, told["id"])


def _claim(folder: Path) -> int:
    """The next number, this attempt's alone."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        with suppress(FileExistsError):
            (folder / str(number)).mkdir()
            return number
        number += 1


def _conclude(folder: Path, number: int, seconds: float, failure: str) -> dict[str, Any]:
    """Say that the order is done; another attempt that said so before is right."""
    done = {"attempt": number, "seconds": seconds, "failure": failure}
    beside = folder / str(number) / _DONE
    with beside.open("w") as file:
        json.dump(done, file)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(beside, folder / _DONE)
    return _read(folder / _DONE) or done


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def _moved(path: Path, made: Path, place: Path, root: Path) -> None:
    """Have a file name the run's place wherever it names the attempt's."""
    with suppress(FileNotFoundError):
        text = path.read_text(encoding="utf-8")
        new = text.replace(str(made), str(place))
        new = new.replace(beneath(made, root), beneath(place, root))
        if new != text:
            path.write_text(new, encoding="utf-8")
