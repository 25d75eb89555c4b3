"""A small project that mornings are held in: real commands, a real mail server, a visitor."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

import nbformat
import numpy as np
from mailserver import Mailbox, serving
from project import ROOT, MadeProject, made_project

from oaflib.series import Kind, Series
from oaflib.window import calendar_day

BEAM = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
FIRST = date(2026, 1, 5)
ZONE = "Europe/Zurich"
DATASETS = ("B1", "B2")
ALARMING = "B2"  # every second day: a NEW alarm, then a CLEARED one
_RUN_DAILY = ROOT / "run_daily.py"

#: The shortest template that is a report all the same.
SHORT = (
    "import oaflib as oaf\n"
    "study = oaf.open_study(dataset, start, end, source, run, name=name, low_res=low_res)\n"
    "records = oaf.extract(study)",
    "outcomes = oaf.check(study, records)",
    "oaf.conclude(study, oaf.statistics(records), outcomes)",
)
_PARAMETERS = (
    'dataset = ""\nstart = ""\nend = ""\nsource = "LDB"\ndefault_plots = True\n'
    'expert_code = "None"\nlow_res = False\nname = ""\nrun = ""'
)


@dataclass
class Scene:
    """A project with two datasets, one of which alarms every second day, and its mail server."""

    made: MadeProject
    mailbox: Mailbox
    port: int
    env: dict[str, str] = field(default_factory=dict)
    length: float = 10.0  # seconds that a morning takes

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.made.root

    @property
    def publish(self) -> Path:
        """The report repository."""
        return self.root / "publish"

    @property
    def state(self) -> Path:
        """The database of what is remembered."""
        return self.root / "runs/state.sqlite"

    def start(self, *words: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """``run_daily.py`` with those words, in a session of its own; `before` stands in front."""
        log = (self.root / "said.txt").open("ab")
        with log:
            return subprocess.Popen(
                [*before, sys.executable, str(_RUN_DAILY), "--root", str(self.root), *words],
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def morning(self, day: date, *more: str, seconds: float = 600) -> int:
        """A morning held to its end: its exit code."""
        running = self.start("--day", str(day), *more)
        try:
            return running.wait(seconds)
        except subprocess.TimeoutExpired:
            kill(running, whole=True)
            return -1

    def copies(self, since: int = 0) -> int:
        """Mails that arrived once more, of those after the `since`-th."""
        taken = [(str(mail["Message-ID"]), to) for to, mail in self.mailbox.taken]
        return sum(one in taken[: since + place] for place, one in enumerate(taken[since:]))

    def said(self) -> str:
        """All that the mornings said so far."""
        return (self.root / "said.txt").read_text(errors="replace")

    def template(self, name: str, *cells: str) -> None:
        """A template of those cells, after the usual parameters."""
        write_notebook(self.root / f"notebooks/templates/{name}.ipynb", cells)

    def settle(self, text: str) -> None:
        """More of the site file."""
        with (self.root / "config/site.toml").open("a") as file:
            file.write(text)

    def report(self, dataset: str, day: date) -> dict[str, object]:
        """A published report."""
        path = self.made.report("BCT", dataset, str(day)) / "report.json"
        found: dict[str, object] = json.loads(path.read_bytes())
        return found


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """A notebook with a tagged parameters cell and the given code."""
    made = [nbformat.v4.new_code_cell(_PARAMETERS, metadata={"tags": ["parameters"]})]
    for number, source in enumerate(cells, 1):
        made.append(nbformat.v4.new_markdown_cell(f"## Step {number}"))
        made.append(nbformat.v4.new_code_cell(source))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)


def days(count: int) -> list[date]:
    """The scene's days."""
    return [FIRST + timedelta(days=number) for number in range(count)]


@contextmanager
def scene(root: Path, count: int = 4, datasets: Sequence[str] = DATASETS) -> Iterator[Scene]:
    """A project in `root` with data of `count` days; its mail server runs while it is open."""
    root.mkdir(parents=True, exist_ok=True)
    made = made_project(root)
    for template in (root / "notebooks/templates").glob("*.ipynb"):
        template.unlink()
    mailbox = Mailbox()
    with serving(mailbox) as server:
        found = Scene(made, mailbox, server.port)
        found.template("short", *SHORT)
        found.template("generic", *SHORT)
        mail = f'[mail]\nserver = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"\n'
        site = root / "config/site.toml"
        site.write_text(site.read_text().replace("[mail]\n", mail))
        made.tasks(*(f"BCT,LDB,{name},jdoe,TRUE,TRUE,None,daily,day,short" for name in datasets))
        for name in datasets:
            high = 1.5e14 if name == ALARMING else 1e15
            check = f'[[check]]\nkind = "range"\nhigh = {high:.0f}\nseverity = "alarm"\n'
            made.dataset(f"BCT_{name}", f'title = "Beam"\nvariables = ["{BEAM}"]\n{check}')
        made.fill(*(_day(number) for number in range(count)))
        yield found


def _day(number: int) -> Series:
    window = calendar_day(FIRST + timedelta(days=number), ZONE)
    step = (window.end_ns - window.start_ns) // 144
    noise = np.random.default_rng(number).standard_normal(144)
    value = 1e14 * (1 + number % 2) + 1e11 * noise
    return Series(BEAM, Kind.NUMERIC, "charges", window.start_ns + step * np.arange(144), value)


def alarms_on(number: int) -> bool:
    """Whether the alarming dataset alarms on the scene's day of that number."""
    return number % 2 == 1


def family(pid: int) -> list[int]:
    """A process and everything that descends from it, in whatever session."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                words = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(words[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


class Running(Protocol):
    """A morning that goes on."""

    pid: int

    def wait(self, timeout: float = ...) -> int:
        """Its exit code; `subprocess.TimeoutExpired` if it goes on."""


def kill(process: Running, *, whole: bool) -> None:
    """SIGKILL to a morning's process group; with `whole` to all its descendants at one instant."""
    if whole:
        victims = family(process.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def left_of(root: Path) -> list[int]:
    """The processes of runs of the project in `root` that are alive: by environment, or place."""
    mark, inside = f"OAF_ROOT={root}".encode(), f"{root}/"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "environ").read_bytes().split(b"\0")
                runs = mark in words and any(word.startswith(b"OAF_RUNNER=") for word in words)
                if runs or str((entry / "cwd").readlink()).startswith(inside):
                    found.append(int(entry.name))
    return found


def left_after(root: Path, seconds: float = 5.0) -> list[int]:
    """Those still alive after so long."""
    until = time.monotonic() + seconds
    while (found := left_of(root)) and time.monotonic() < until:
        time.sleep(0.25)
    return found


@dataclass
class Visitor:
    """Reads the repository all the while, as a browser or a program would.

    `read` counts documents, `torn` says which were cut and `missing` which had been there and are
    not any more.
    """

    publish: Path
    read: int = 0
    torn: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    _known: set[Path] = field(default_factory=set)

    def round(self) -> None:
        """Each page and document that there is, and each that there was."""
        found = {*self.publish.glob("*.html"), *self.publish.glob("index.json")}
        found |= {*self.publish.glob("RECENT*/*.html"), *self.publish.glob("RECENT/*/report.json")}
        for pattern in ("*/*/index.html", "*/*/*/index.html", "*/*/*/report.json"):
            found.update(
                path
                for path in self.publish.glob(f"reports/{pattern}")
                if not any(part.startswith(".") for part in path.parts[len(self.publish.parts) :])
            )
        for path in found | self._known:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                if path in self._known:
                    self.missing.append(str(path))
                continue
            self._known.add(path)
            self.read += 1
            if path.suffix == ".html" and not data.rstrip().endswith(b"</html>"):
                self.torn.append(str(path))
            if path.suffix == ".json":
                try:
                    json.loads(data)
                except ValueError:
                    self.torn.append(str(path))


@contextmanager
def visited(publish: Path, pause: float = 0.2) -> Iterator[Visitor]:
    """A visitor at work in a thread of its own."""
    visitor, stop = Visitor(publish), threading.Event()

    def work() -> None:
        while not stop.wait(pause):
            visitor.round()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield visitor
    finally:
        stop.set()
        thread.join()


def wiped(root: Path) -> None:
    """Take a scene's folder away."""
    shutil.rmtree(root, ignore_errors=True)


def elapsed(began: float) -> float:
    """Seconds since `began`."""
    return time.monotonic() - began
