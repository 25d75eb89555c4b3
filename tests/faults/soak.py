"""Many mornings in one project: nothing grows that should not, and what is old goes.

The mornings are ``oaf daily`` with its mail, publishing, retention and copies, all in one process
and with another clock; only what a notebook concludes with is made without a kernel.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mailserver import Mailbox, serving
from project import made_project

from faults.tried import Tried

FIRST = date(2026, 1, 5)
KEPT = {"records": 4, "runs": 8, "pages": 12, "mails": 8}  # days
FULL, QUICK = (200, 6), (48, 3)  # mornings, tasks
DEVICES = 4  # of a dataset
MEMORY = 16e6  # bytes that a process may hold more, and be called flat


@dataclass(frozen=True)
class Look:
    """What was there after a morning: bytes, counts, and the CPU seconds it took."""

    memory: int
    descriptors: int
    left: int  # temporary files
    runs: int
    run_bytes: int
    whole_pages: int
    mails: int  # of which the text is kept
    state: int
    copies: int
    seconds: float


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """A storm of alarms; then many mornings. Each project has a process of its own."""
    yield _storm(folder / "storm", 100_000 if full else 20_000)
    days, tasks = FULL if full else QUICK
    days, tasks = int(os.environ.get("OAF_DAYS", days)), int(os.environ.get("OAF_TASKS", tasks))
    with serving(Mailbox()) as server:
        looks = _held(folder / "long", server.port, days, tasks)
    yield _told(looks, days, tasks)


def _storm(root: Path, alarms: int) -> Tried:
    """So many alarms at once, and the same ones the day after."""
    mailbox = Mailbox()
    readers = [f"reader{number}" for number in range(20)]
    with serving(mailbox, data_size_limit=2**26) as server:
        looks = _held(root, server.port, 2, 1, " ".join(readers), alarms)
    wrong = [] if len(looks) == 2 else [f"{len(looks)} of 2 mornings were held"]
    mails = [mail for to, mail in mailbox.taken if to.startswith("reader")]
    for day, said in ((FIRST, f"{alarms} NEW"), (FIRST + timedelta(days=1), "ongoing")):
        told = [str(mail["Subject"]) for mail in mails if str(day) in str(mail["Subject"])]
        if len(told) != len(readers) or any(said not in subject for subject in told):
            wrong.append(f"{day}: {len(told)} mails to {len(readers)} readers: {told[:1]}")
        if "NEW" not in said and any("NEW" in subject for subject in told):
            wrong.append(f"{day}: NEW again: {told[:1]}")
    largest = max((len(mail.as_bytes()) for mail in mails), default=0)
    if largest > 256_000:
        wrong.append(f"a mail has {largest} bytes")
    lost = 2 * len(readers) - len(mails)
    cpu = max((look.seconds for look in looks), default=0.0)
    note = (
        f"one mail a reader and day, at most {largest / 1000:.0f} kB; a morning's CPU {cpu:.1f} s"
    )
    return Tried(
        f"{alarms:,} alarms, the same ones a day later, 20 readers", 2, 2 if not wrong else 0,
        max(lost, 0), max(-lost, 0), 0.0, note, wrong,
    )  # fmt: skip


def _held(
    root: Path, port: int, days: int, tasks: int, readers: str = "jdoe", devices: int = DEVICES
) -> list[Look]:
    made = made_project(_made(root))
    names = [f"B{number}" for number in range(tasks)]
    made.tasks(*(f"BCT,LDB,{name},{readers},TRUE,TRUE,None,daily,day," for name in names))
    for name in names:
        made.dataset(f"BCT_{name}", f'variables = ["{name}:X"]\n')
    keep = "".join(f"{key} = {value}\n" for key, value in KEPT.items())
    site = root / "config/site.toml"
    mail = f'[mail]\nserver = "127.0.0.1"\nport = {port}\nsecurity = "plain"\n'
    site.write_text(site.read_text().replace("[mail]\n", mail) + f"\n[keep]\n{keep}")
    ended = subprocess.run(
        [sys.executable, "-m", "faults.soak", str(root), str(days), str(devices)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TMPDIR": str(_made(root / "temporary")),
        },
    )
    if ended.returncode:
        raise RuntimeError(f"the soak ended with {ended.returncode}:\n{ended.stderr[-4000:]}")
    return [Look(**json.loads(line[1:])) for line in ended.stdout.splitlines() if line[:1] == "="]


def _told(looks: list[Look], days: int, tasks: int) -> Tried:
    """The last quarter against the second: by then all that is kept for days has its number."""
    wrong = [] if len(looks) == days else [f"{len(looks)} of {days} mornings were held"]
    early, late = looks[days // 4 : days // 2], looks[-(days // 4) :]
    for name, room in (("memory", MEMORY), ("descriptors", 0), ("left", 0), ("copies", 0)):
        before, after = (max(getattr(look, name) for look in part) for part in (early, late))
        if after > before + room:
            wrong.append(f"{name} grew from {before} to {after}")
    for name in ("run_bytes", "runs", "whole_pages", "mails"):
        before, after = (max(getattr(look, name) for look in part) for part in (early, late))
        if after > 1.02 * before + 1:
            wrong.append(f"{name} grew from {before} to {after}")
    for name, most in (("runs", KEPT["runs"] + 1), ("whole_pages", KEPT["pages"] + 2)):
        if (found := max(getattr(look, name) for look in late)) > most * tasks:
            wrong.append(f"{found} {name}, of {tasks} tasks, where {most} days may be kept")
    if looks[-1].left:
        wrong.append(f"{looks[-1].left} temporary files were left")
    added = (looks[-1].state - looks[days // 2].state) / (days - days // 2 - 1) / tasks
    cpu = [sum(look.seconds for look in part) / len(part) for part in (early, late)]
    note = (
        f"{looks[-1].memory / 1e6:.0f} MB and {looks[-1].descriptors} descriptors at the end, "
        f"{looks[-1].runs} runs, {looks[-1].whole_pages} whole pages; the state grows by "
        f"{added:.0f} bytes a report; a morning's CPU {cpu[0]:.2f} s early, {cpu[1]:.2f} s late"
    )
    tried = days * tasks
    what = f"{days} mornings of {tasks} reports in one project"
    return Tried(what, tried, tried if not wrong else 0, 0, 0, 0.0, note, wrong)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Concluding:
    """A crew whose runs conclude at once.

    Every third day the first device of a dataset alarms; where there are many, all do each day.
    """

    def __init__(self, moment: datetime, devices: int) -> None:
        self.moment, self.devices = moment, devices

    def __enter__(self) -> Concluding:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, project: Any, assignment: Any, window: Any) -> Future[Any]:
        """See `Crew.submit`."""
        from faults.concluded import concluded
        from oaflib.report import Fault, Outcome, Severity

        storm = self.devices > DEVICES
        bad = (self.moment.toordinal() + len(assignment.dataset)) % 3 == 0
        outcomes = [
            Outcome(
                "range", Fault.BREAKAGE, f"D{number}", f"D{number}:X",
                Severity.ALARM if storm or (bad and not number) else Severity.OK, reason="said",
            )
            for number in range(self.devices)
        ]  # fmt: skip
        future = concluded(project, assignment, window, outcomes, self.moment)
        folder = future.result().folder
        records = _made(folder / "records")
        (records / "a.parquet").write_bytes(bytes(20_000))
        then = self.moment.timestamp()
        for path in (folder / "report.json", folder):
            os.utime(path, (then, then))
        return future


def main() -> None:
    """The mornings, in this process: a line of JSON after each."""
    import oaflib.cli.commands
    import oaflib.cli.mornings
    from oaflib.cli import main as oaf

    root, days, devices = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for number in range(days):
        day = FIRST + timedelta(days=number)
        moment = datetime(day.year, day.month, day.day, 7, tzinfo=UTC) + timedelta(days=1)
        oaflib.cli.commands.now = oaflib.cli.mornings.now = lambda moment=moment: moment  # type: ignore[assignment]
        oaflib.cli.mornings.crew_of = lambda *_, moment=moment: Concluding(moment, devices)  # type: ignore[assignment]
        began = time.process_time()
        code = oaf(["daily", "--root", str(root), "--trust-clock"])
        if code:
            raise RuntimeError(f"the morning after {day} left with {code}")
        took = time.process_time() - began
        for path in root.glob(f"publish/reports/*/*/{day}/report.json"):
            os.utime(path, (moment.timestamp(), moment.timestamp()))
        print("=" + json.dumps(asdict(_look(root, took))), flush=True)


def _look(root: Path, seconds: float) -> Look:
    with sqlite3.connect(root / "runs/state.sqlite") as db:
        (mails,) = db.execute("SELECT count(*) FROM outbox WHERE message IS NOT NULL").fetchone()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    runs = [path for path in root.glob("runs/reports/*/*") if path.is_dir()]
    hidden = [
        path
        for path in root.rglob(".*")
        if path.is_file() and path.name not in (".lock", ".htaccess", ".gitignore")
    ]
    status = Path("/proc/self/status").read_text()
    return Look(
        memory=1024 * int(status.partition("VmRSS:")[2].split()[0]),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        left=len(hidden) + len(list((root / "temporary").iterdir())),
        runs=len(runs),
        run_bytes=sum(path.stat().st_size for run in runs for path in run.rglob("*")),
        whole_pages=len(list(root.glob("publish/reports/*/*/*/notebook.ipynb"))),
        mails=mails,
        state=pages * size,
        copies=len(list(root.glob("runs/backup/*"))),
        seconds=seconds,
    )


if __name__ == "__main__":
    main()
