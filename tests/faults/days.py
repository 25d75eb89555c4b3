"""Days that are not like others, mornings that did not happen, and disks without room."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from faults.invariants import look
from faults.scene import DATASETS, FIRST, Scene, days, elapsed, scene
from faults.tried import Tried
from oaflib.publish.links import NEIGHBOURS
from oaflib.window import calendar_day

_NEIGHBOURS = re.compile(NEIGHBOURS.pattern.encode(), re.DOTALL)
ZONES = (
    *("Europe/Zurich", "UTC", "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns"),
    *("Pacific/Apia", "Asia/Kathmandu", "America/Santiago"),
)
# The command with another clock: only the command line asks what time it is.
_AT = """
import sys
from datetime import datetime
import oaflib.cli.commands, oaflib.cli.mornings
from oaflib.cli import main
from oaflib.daily import clock
moment = datetime.fromisoformat(sys.argv[1])
oaflib.cli.commands.now = oaflib.cli.mornings.now = lambda: moment
clock.is_synchronised = lambda: True
sys.exit(main(["daily", "--root", *sys.argv[2:]]))
"""


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Each kind in a project of its own."""
    yield _tiling()
    with scene(folder / "off", 20) as place:
        yield _long_and_short(place)
        yield from _off(place, (1, 3, 7) if full else (3,))
        yield _edited(place)
    with scene(folder / "broken", 6) as place:
        yield _broken(place, 5 if full else 2)
    with scene(folder / "disk", 2) as place:
        yield from _disk(place, 20 if full else 2)


def _tiling() -> Tried:
    wrong, count = [], 0
    for zone in ZONES:
        day = date(2020, 1, 1)
        end = calendar_day(day, zone).start
        while day < date(2036, 1, 1):
            window = calendar_day(day, zone)
            count += 1
            if window.start != end or not 22 <= window.duration / timedelta(hours=1) <= 26:
                wrong.append(f"{zone} {day}: {window}")
            end, day = window.end, day + timedelta(days=1)
    note = f"16 years in {len(ZONES)} zones: no gap, no overlap"
    return Tried("days tile", count, count - len(wrong), 0, 0, 0.0, note, wrong)


def _long_and_short(place: Scene) -> Tried:
    wrong = []
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        place.morning(day)
        window = place.report("B1", day)["window"]
        assert isinstance(window, dict)
        start, end = (datetime.fromisoformat(window[key]) for key in ("start", "end"))
        if end - start != timedelta(hours=hours):
            wrong.append(f"{day} lasts {end - start}")
    for name in ("runs/state.sqlite", "runs/state.sqlite-wal", "runs/state.sqlite-shm"):
        (place.root / name).unlink(missing_ok=True)  # those days are far ahead of the others
    return Tried("a day of 23 and one of 25 hours", 2, 2 - len(wrong), violations=wrong)


def _at(place: Scene, day: date, *more: str) -> int:
    """The whole morning after `day`, as cron starts it; its exit code."""
    moment = datetime(day.year, day.month, day.day, 7, tzinfo=UTC) + timedelta(days=1)
    with (place.root / "said.txt").open("ab") as log:
        words = [sys.executable, "-c", _AT, moment.isoformat(), str(place.root), *more]
        ended = subprocess.run(words, stdout=log, stderr=log, check=False, timeout=900)
    return ended.returncode


def _off(place: Scene, lengths: Sequence[int]) -> Iterator[Tried]:
    day = FIRST
    codes = [_at(place, day)]
    for length in lengths:
        began, before, said = time.monotonic(), len(place.mailbox.taken), len(place.said())
        missed = [day + timedelta(days=number) for number in range(1, length + 1)]
        day = missed[-1] + timedelta(days=1)
        codes.append(_at(place, day))
        wrong = [f"exit codes {codes}"] if set(codes) != {0} else []
        made = [
            line.split()[2].rstrip(":")
            for line in place.said()[said:].splitlines()
            if line.startswith("[") and "BCT_" in line
        ]
        if made != sorted(made) or {*map(str, [*missed, day])} != set(made):
            wrong.append(f"made in this order: {made}")
        lost = sum(
            not (place.made.report("BCT", name, str(one)) / "report.json").exists()
            for name in DATASETS
            for one in [*missed, day]
        )
        mails = [mail["Subject"] for to, mail in place.mailbox.taken[before:] if "jdoe" in to]
        late = [subject for subject in mails if " late report" in subject]
        if len(late) != 1 or len(mails) != 1 + len(DATASETS):
            wrong.append(f"told: {mails}")
        before = len(place.mailbox.taken)
        codes.append(_at(place, day))
        copies = sum("jdoe" in to for to, _ in place.mailbox.taken[before:])
        what = f"{length} days off: made once, the oldest first, one digest"
        tried = length * len(DATASETS)
        good = tried if not wrong else 0
        yield Tried(what, tried, good, lost, copies, elapsed(began), f"'{late[:1]}'", wrong)
    code = _at(place, day - timedelta(days=2))
    wrong = [] if code == 1 and "it stepped back" in place.said() else [f"exit code {code}"]
    code = _at(place, day + timedelta(days=1))
    wrong += [f"exit code {code} the day after"] if code else []
    yield Tried("the clock stepped back two days", 1, int(not wrong), violations=wrong)


def _edited(place: Scene) -> Tried:
    """The task table is saved half written while a morning runs."""
    table = place.root / "config/tasks.csv"
    good, day = table.read_text(), days(20)[18]
    running = place.start("--day", str(day))
    until = time.monotonic() + 120
    while not list(place.root.glob(f"runs/reports/*/{day}")) and time.monotonic() < until:
        time.sleep(0.05)
    table.write_text(good[: len(good) // 2] + '"')
    codes = [running.wait(600), place.morning(day)]
    table.write_text(good)
    codes.append(place.morning(day))
    wrong = [] if codes == [0, 2, 0] else [f"exit codes {codes}, not 0, 2, 0"]
    note = "the morning goes on with what it read; the next leaves with 2"
    return Tried(
        "the task table edited while running", 1, int(not wrong), note=note, violations=wrong
    )


def _broken(place: Scene, count: int) -> Tried:
    """One dataset breaks on each of some days."""
    place.template("breaks", "1 / 0")
    table = place.root / "config/tasks.csv"
    table.write_text(table.read_text() + "BCT,LDB,bad,jdoe,TRUE,TRUE,None,daily,day,breaks\n")
    place.made.dataset("BCT_bad", 'variables = ["X:Y"]\n')
    wrong: list[str] = []
    lost = 0
    for day in days(count):
        code = place.morning(day)
        if code != 1:
            wrong.append(f"{day}: exit code {code}")
        path = place.made.report("BCT", "bad", str(day))
        if not (path / "index.html").exists() or place.report("bad", day)["finished"]:
            lost += 1
        wrong += [
            f"{day}: {name} broke too"
            for name in DATASETS
            if place.report(name, day)["finished"] is not True
        ]
    note = "each day has its page, the others theirs"
    what, good = "a dataset that breaks every day", count - len(wrong)
    return Tried(what, count, good, lost, 0, 0.0, note, wrong)


def _disk(place: Scene, sizes: int) -> Iterator[Tried]:
    """The repository on a small disk that is full at another point each time, and read-only."""
    publish = place.publish
    publish.mkdir()
    if os.geteuid() or not _mount(publish, "-t", "tmpfs", "-o", "size=200M", "none"):
        yield Tried("skipped: a small disk needs the right to mount", 0, 0)
        return
    wrong: list[str] = []
    try:
        first, second = days(2)
        if place.morning(first):
            wrong.append("the first morning failed")
        room = f"reports/BCT/*/{first}/"
        old = {
            path: content
            for path in publish.glob(f"{room}**/*")
            if path.is_file() and (content := path.read_bytes())
        }
        state = place.root / "kept"
        subprocess.run(["cp", "-a", str(place.root / "runs"), str(state)], check=True)
        subprocess.run(["cp", "-a", str(publish), str(place.root / "pages")], check=True)
        used = sum(path.stat().st_size for path in publish.rglob("*") if path.is_file())
        bad = 0
        for number in range(sizes):
            free = 8192 + 400_000 * number // max(1, sizes - 1)
            said = _full(place, second, old, free)
            if number == sizes - 1:
                _mount(publish, "-o", "remount,ro")
                code = place.morning(second, "--again")
                said += [] if code == 1 else [f"read-only: exit code {code}"]
                _mount(publish, "-o", "remount,rw,size=200M")
                place.morning(second, "--again")
            found = look(place, [first, second])
            said += [one for one in found.violations if "mails on" not in one]
            wrong += [f"{free} bytes free: {one}" for one in said]
            bad += bool(said)
            _back(place, state)
        note = (
            f"{used / 1e6:.1f} MB published before, each old file the same; free: 8 kB to 400 kB; "
        )
        note += "then read-only; the operator told"
        yield Tried("the repository's disk is full", sizes, sizes - bad, 0, 0, 0.0, note, wrong)
    finally:
        subprocess.run(["umount", "-l", str(publish)], check=False)


def _full(place: Scene, day: date, old: dict[Path, bytes], free: int) -> list[str]:
    """A morning with so many bytes free, then one with room; what did not hold."""
    filler = place.publish / ".filler"
    room = os.statvfs(place.publish)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, room.f_bavail * room.f_frsize - free))
    since = len(place.mailbox.taken)
    code = place.morning(day)
    said = [] if code in (0, 1) else [f"exit code {code}"]
    said += [f"{path} {word}" for path, content in old.items() if (word := _changed(path, content))]
    told = [mail.as_string() for to, mail in place.mailbox.taken[since:] if "operator" in to]
    if code and not any("PROBLEMS" in text for text in told):
        said.append("the operator was not told")
    filler.unlink()
    code = place.morning(day)
    return said + ([f"with room again: exit code {code}"] if code else [])


def _changed(path: Path, content: bytes) -> str:
    """How an old file differs from what it was, but for its page's links to its neighbours."""
    try:
        found = path.read_bytes()
    except OSError:
        return "is gone"
    if path.name == "index.html":
        found, content = (_NEIGHBOURS.sub(b"", data) for data in (found, content))
    return "" if found == content else f"is not what it was ({len(content)} bytes)"


def _back(place: Scene, state: Path) -> None:
    """As it was after the first morning."""
    subprocess.run(["rm", "-rf", str(place.root / "runs")], check=True)
    subprocess.run(["cp", "-a", str(state), str(place.root / "runs")], check=True)
    for path in place.publish.iterdir():
        subprocess.run(["rm", "-rf", str(path)], check=True)
    subprocess.run(["cp", "-a", f"{place.root / 'pages'}/.", str(place.publish)], check=True)
    first = str(days(1)[0])
    place.mailbox.taken[:] = [one for one in place.mailbox.taken if first in one[1]["Subject"]]


def _mount(folder: Path, *words: str) -> bool:
    ended = subprocess.run(["mount", *words, str(folder)], capture_output=True, check=False)
    return ended.returncode == 0
