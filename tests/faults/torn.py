"""Files below ``runs/`` that are torn or gone, though the disk had promised to keep them.

Of what two mornings left, once with the second's report told and once when it was only executed,
some files are cut, filled with zeros wholly or in part, or taken away: of runs, of the history and
of the copies, not the state itself, which is put back by hand. The next morning must miss nothing.
What `oaf fsck` still finds must be gone when the line that it says was typed.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

from faults.disk_model import BLOCK
from faults.invariants import look
from faults.scene import ZONE, Scene, days, elapsed, scene
from faults.syscalls import NAME, prepare, restore
from faults.tried import Tried, budget
from faults.warm import Warm
from oaflib.config.project import load_project
from oaflib.fsck import fsck
from oaflib.fsck.finding import Finding
from oaflib.window import calendar_day

MOST = 4  # files torn at once
_TYPED = re.compile(r"Type: oaf (.*)$")


@dataclass
class Count:
    """What came of one kind of project."""

    tried: int = 0
    bad: int = 0
    files: int = 0
    lost: int = 0
    copies: int = 0
    cured: int = 0
    worst: float = 0.0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Before:
    """How a project was: aside, with the mails that had left; which day's morning is next."""

    what: str
    base: Path
    mails: tuple[tuple[str, EmailMessage], ...]
    day: int


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """So many times of either kind, or as often as the time allows."""
    many, until = 200 if full else 6, time.monotonic() + budget(1800.0 if full else 60.0)
    dice = random.Random(int(os.environ.get("OAF_SEED", "8")))
    with scene(folder / "site", 3, [NAME]) as place:
        befores = list(_befores(place, folder))
        with Warm(place.root, _words(place, 2)) as warm:
            counts = [Count() for _ in befores]
            for _ in range(many):
                for before, count in zip(befores, counts, strict=True):
                    if time.monotonic() < until:
                        _torn(place, warm, before, count, dice)
    for before, count in zip(befores, counts, strict=True):
        yield Tried(
            f"files of runs/ torn or gone, {before.what}",
            count.tried,
            count.tried - count.bad,
            count.lost,
            count.copies,
            count.worst,
            f"{count.files} files; {count.cured} lines typed that `oaf fsck` said",
            count.violations,
        )


def _befores(place: Scene, folder: Path) -> Iterator[Before]:
    """The report of the second day executed and no more; then told."""
    executed, told = folder / "executed", folder / "told"
    prepare(place, executed)
    first = str(days(1)[0])
    mails = tuple(one for one in place.mailbox.taken if first in one[1]["Subject"])
    yield Before("a report executed and not told", executed, mails, 1)
    for name in ("runs", "publish"):
        shutil.copytree(place.root / name, told / name, symlinks=True)
    yield Before("all told", told, tuple(place.mailbox.taken), 2)


def _torn(place: Scene, warm: Warm, before: Before, count: Count, dice: random.Random) -> None:
    restore(place, before.base)
    place.mailbox.taken[:] = before.mails
    done = [_tear(path, place.root, dice) for path in _drawn(place.root, dice)]
    began = time.monotonic()
    code = warm.start(*_words(place, before.day)).wait()
    made = days(before.day + 1)
    found = look(place, made, [NAME])
    wrong = [] if not code else [f"exit code {code}"]
    wrong += found.violations[: found.lost]
    for line in {typed for one in _found(place, made[-1]) if (typed := _TYPED.search(one.cure))}:
        words = [sys.executable, "-m", "oaflib.cli", *shlex.split(line[1])]
        ended = subprocess.run(
            [*words, "--root", str(place.root)], capture_output=True, text=True, check=False
        )
        count.cured += 1
        wrong += [f"oaf {line[1]}: {ended.stderr[-500:]}"] if ended.returncode else []
    wrong += [str(one) for one in _found(place, made[-1])]
    count.tried += 1
    count.files += len(done)
    count.bad += bool(wrong)
    count.lost += found.lost
    count.copies += found.copies
    count.worst = max(count.worst, elapsed(began))
    count.violations += [f"{', '.join(done)}: {one}" for one in wrong]
    print(f"  {before.what}: {', '.join(done)}: {wrong}", flush=True)


def _words(place: Scene, number: int) -> list[str]:
    return ["--root", str(place.root), "--day", str(days(3)[number])]


def _found(place: Scene, day: date) -> list[Finding]:
    """What the checker says, but for copies, of which the next morning writes another."""
    after = calendar_day(day, ZONE).end + timedelta(hours=9)
    findings = fsck(load_project(place.root), after, None).findings
    return [one for one in findings if "writes another" not in one.cure]


def _drawn(root: Path, dice: random.Random) -> list[Path]:
    """Some files; of each kind of name as many, for most are of the same kind."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted((root / "runs").rglob("*")):
        if path.is_file() and path.parts[len(root.parts) + 1] in ("reports", "history", "backup"):
            kinds.setdefault(re.sub(r"\d+", "", path.name), []).append(path)
    names = dice.sample(sorted(kinds), dice.randint(1, MOST))
    return [dice.choice(kinds[name]) for name in names]


def _tear(path: Path, root: Path, dice: random.Random) -> str:
    """Do to a file what a disk may; in words."""
    data = path.read_bytes()
    path.unlink()  # other names of it, in the source's store, stay whole
    way = dice.choice(("gone", "cut", "empty", "zeros", "holes"))
    if way == "cut":
        path.write_bytes(data[: dice.randrange(max(1, len(data)))])
    elif way == "empty":
        path.write_bytes(b"")
    elif way == "zeros":
        path.write_bytes(bytes(len(data)))
    elif way == "holes":
        starts = range(0, len(data), BLOCK)
        held = [data[at : at + BLOCK] for at in starts]
        path.write_bytes(b"".join(dice.choice((one, bytes(len(one)))) for one in held))
    return f"{path.relative_to(root)} {way}"
