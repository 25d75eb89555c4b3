"""What a notebook can do to its kernel, its run and its neighbours: each becomes a report."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from faults.scene import BEAM, SHORT, Scene, days, left_after, scene, write_notebook
from faults.tried import Tried
from oaflib.run import limits

SECONDS = 12  # limit of a run's whole time here
GRACE = 10.0  # that it may take to end it

_LIMITS = """
[limits]
seconds = {whole}
cell_seconds = {whole}
memory = "3GB"
cpu_seconds = 60
output = "2MB"
processes = 40
files = "20MB"
[limits.expert]
seconds = {expert}
cell_seconds = {expert}
memory = "3GB"
output = "2MB"
processes = 40
files = "20MB"
"""
_GLUE = "import scrapbook\nscrapbook.glue('oaf-report', {'token': %s, 'report': {}})"
_OLD = (
    "import json, pathlib\n"
    "old = pathlib.Path(run).resolve()\n"
    "root = next(p for p in old.parents if (p / 'config').is_dir())\n"
    "token = json.loads((root / 'runs/reports/BCT_first/2026-01-05/request.json').read_text())\n"
    "import scrapbook\nscrapbook.glue('oaf-report', {'token': token['token'], 'report': {}})"
)
DATASET = f'title = "Beam"\nvariables = ["{BEAM}"]\n[[check]]\nkind = "range"\nhigh = 1e15\n'


@dataclass(frozen=True)
class Evil:
    """What a cell does, and the words that its report must say; no words: a report as any."""

    name: str
    code: str
    says: str = ""
    concludes: bool = False
    hangs: bool = False
    goes_on: bool = True  # to the cell that concludes
    slow: bool = False


EVILS = (
    Evil("raises", "1 / 0", "ZeroDivisionError"),
    Evil("killed", "import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    Evil("segfault", "import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    Evil("memory", "x = bytearray(4_000_000_000)", "memory limit"),
    Evil("in-C", "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", "", hangs=True),
    Evil(
        "ignores",
        "import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n    try: time.sleep(60)\n    except BaseException: pass",
        "",
        hangs=True,
    ),
    Evil("stopped", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "", hangs=True),
    Evil("burns", "while True: pass", "", hangs=True),
    Evil(
        "children",
        "import subprocess\nfor _ in range(3):\n"
        "    subprocess.Popen(['setsid', 'sh', '-c', 'sleep 600 & sleep 600'])",
        concludes=True,
    ),
    Evil("endless", "while True: print('x' * 1000, flush=True)", "output limit"),
    Evil("one-print", "print('x' * 200_000_000)", "output limit"),
    Evil("flushes", "for n in range(20_000): print(n, flush=True)", concludes=True, slow=True),
    Evil("exit", "import os; os._exit(0)", "exit code 0"),
    Evil("leaves", "import sys; sys.exit(0)", "never concluded"),
    Evil("sockets", "import os, time\nos.closerange(3, 512)\ntime.sleep(600)", "", hangs=True),
    Evil("forged", _GLUE % "'x'", "another run, or a forged one", goes_on=False),
    Evil("old-scrap", _OLD, "another run, or a forged one", goes_on=False),
    Evil("silent", "x = 1", "never concluded", goes_on=False),
    Evil("parent", "import os, time; os.kill(os.getppid(), 9); time.sleep(60)", " "),
    Evil("flood", "import subprocess\nfor _ in range(80): subprocess.Popen(['sleep', '600'])\n"
         "import time; time.sleep(60)", "processes limit"),
    Evil("big-file", "open('big', 'wb').write(bytes(30_000_000))", "files limit"),
    Evil("no-folder", "import os, shutil\nshutil.rmtree(os.getcwd())", " "),
)  # fmt: skip
QUICK = ("old-scrap", "parent")
EXPERTS = ("killed", "segfault", "in-C", "stopped", "children", "endless", "exit", "leaves")


@dataclass
class Watcher:
    """Sees when each run began and ended, and what of it lives five seconds later."""

    root: Path
    ended: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Once."""
        for folder in self.root.glob("runs/reports/*/*"):
            name = folder.parent.name.partition("_")[2]
            with suppress(OSError, ValueError, KeyError):
                document = json.loads((folder / "request.json").read_bytes())
                self.tokens[name] = document["token"]
                self.began.setdefault(name, time.monotonic())
            if (folder / "report.json").exists():
                self.ended.setdefault(name, time.monotonic())
        for name, at in self.ended.items():
            if name not in self.left and time.monotonic() - at > 5 and name in self.tokens:
                self.left[name] = len(limits.started_by(self.tokens[name]))

    def took(self, name: str) -> float:
        """Seconds between a run's begin and its report."""
        return self.ended.get(name, time.monotonic()) - self.began.get(name, 0.0)


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Two mornings, one report after the other: each does its worst, the last is as any."""
    if not full:
        yield from _morning(folder, [evil for evil in EVILS if evil.name in QUICK], (), 60)
        return
    yield from _morning(folder, [evil for evil in EVILS if not evil.slow], (), SECONDS)
    slow = [evil for evil in EVILS if evil.slow]
    experts = [evil for evil in EVILS if evil.name in EXPERTS]
    yield from _morning(folder.with_name("experts"), slow, experts, 10 * SECONDS)


def _morning(
    folder: Path, evils: Sequence[Evil], experts: Sequence[Evil], seconds: int
) -> Iterator[Tried]:
    """A morning whose runs may take `seconds`, expert code `SECONDS`."""
    names = ["first", *(evil.name for evil in evils), "last"]
    with scene(folder, 1, names) as place:
        for evil in evils:
            place.template(evil.name, *SHORT[:2], evil.code, *(SHORT[2:] if evil.goes_on else ()))
        place.template("expert", *SHORT[:2], "outcomes += oaf.expert(study, expert_code)", SHORT[2])
        rows = [_row(name, name if name not in ("first", "last") else "short") for name in names]
        for evil in experts:
            write_notebook(place.root / f"notebooks/experts/{evil.name}.ipynb", [evil.code])
            place.made.dataset(f"BCT_x-{evil.name}", DATASET)
            rows.insert(-1, _row(f"x-{evil.name}", "expert", evil.name))
        for name in names:
            place.made.dataset(f"BCT_{name}", DATASET)
        place.made.tasks(*rows)
        place.settle(_LIMITS.format(whole=seconds, expert=SECONDS))
        watcher = _held(place)
        for evil in evils:
            yield _judged(place, evil, watcher)
        for evil in experts:
            yield _judged_expert(place, evil, watcher)
        yield _neighbours(place, watcher)


def _row(name: str, template: str, code: str = "None") -> str:
    return f"BCT,LDB,{name},jdoe,TRUE,TRUE,{code},daily,day,{template}"


def _held(place: Scene) -> Watcher:
    watcher, stop = Watcher(place.root), threading.Event()

    def work() -> None:
        while not stop.wait(0.3):
            watcher.look()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        place.morning(days(1)[0], "--jobs", "1", seconds=1800)
        time.sleep(6)
    finally:
        stop.set()
        thread.join()
    watcher.look()
    return watcher


def _judged(place: Scene, evil: Evil, watcher: Watcher) -> Tried:
    wrong: list[str] = []
    reason = "no report"
    lost = 0
    try:
        report = place.report(evil.name, days(1)[0])
        outcomes = report["outcomes"]
        assert isinstance(outcomes, list)
        reason = outcomes[0]["reason"] if outcomes else ""
        if evil.concludes and report["finished"] is not True:
            wrong.append(f"{evil.name} should have passed: {reason}")
        if not evil.concludes and (report["finished"] or report["severity"] != "INVALID"):
            wrong.append(f"{evil.name} is called {report['severity']}: {reason}")
        if evil.says.strip() not in reason:
            wrong.append(f"{evil.name} should say '{evil.says}' and says: {reason}")
    except (OSError, ValueError) as error:
        lost = 1
        wrong.append(f"{evil.name} has no report: {error}")
    wrong += _ended(evil, evil.name, watcher)
    took = watcher.took(evil.name)
    note = "passes" if evil.concludes else reason.removeprefix("No report could be made: ")[:90]
    return Tried(f"a cell: {evil.name}", 1, int(not wrong), lost, 0, took, note, wrong)


def _ended(evil: Evil, name: str, watcher: Watcher) -> list[str]:
    wrong = []
    if evil.hangs and watcher.took(name) > SECONDS + GRACE + (20 if name != evil.name else 0):
        wrong.append(f"{name} took {watcher.took(name):.0f} s, limit {SECONDS} s")
    if watcher.left.get(name, 0):
        wrong.append(f"{name} left {watcher.left[name]} processes")
    return wrong


def _judged_expert(place: Scene, evil: Evil, watcher: Watcher) -> Tried:
    name = f"x-{evil.name}"
    wrong: list[str] = []
    reason, lost = "no report", 0
    try:
        report = place.report(name, days(1)[0])
        outcomes = report["outcomes"]
        assert isinstance(outcomes, list)
        said = [one["reason"] for one in outcomes if one["severity"] == "INVALID"]
        reason = said[0] if said else "nothing"
        if report["finished"] is not True or not said:
            wrong.append(f"{name}: finished {report['finished']}, said {said}")
        if not any(one["check"] == "range" and one["severity"] == "OK" for one in outcomes):
            wrong.append(f"{name}: the standard part is gone")
    except (OSError, ValueError) as error:
        lost = 1
        wrong.append(f"{name} has no report: {error}")
    wrong += _ended(evil, name, watcher)
    took = watcher.took(name)
    return Tried(f"expert code: {evil.name}", 1, int(not wrong), lost, 0, took, reason[:90], wrong)


def _neighbours(place: Scene, watcher: Watcher) -> Tried:
    """The report before and the one after are as ever, each reader was told, nothing is left."""
    wrong = []
    for name in ("first", "last"):
        report = place.report(name, days(1)[0])
        if report["finished"] is not True or report["severity"] != "OK":
            wrong.append(f"{name}: {report['severity']}")
    told: Sequence[str] = [mail["Subject"] for to, mail in place.mailbox.taken if "jdoe" in to]
    tasks = (place.root / "config/tasks.csv").read_text().splitlines()[1:]
    for row in tasks:
        name = row.split(",")[2]
        if sum(f" {name} " in subject for subject in told) != 1:
            wrong.append(f"{name} was not told once")
    left = left_after(place.root)
    if left:
        wrong.append(f"{len(left)} processes are left")
    order = sorted(watcher.ended, key=lambda name: watcher.ended[name])
    gaps = [watcher.began[after] - watcher.ended[before] for before, after in pairwise(order)]
    return Tried(
        "the tasks beside them, and the mails of all",
        len(tasks),
        len(tasks) if not wrong else 0,
        0,
        0,
        max(gaps, default=0.0),
        "worst: from one report to the begin of the next run",
        wrong,
    )
