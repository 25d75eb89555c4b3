"""Power that fails at every call that writes, and what a disk may then hold.

Two whole mornings are traced, the first of a project and one with an alarm, with the data of every
write. From the log a model of the disk (`faults.disk_model`) says for each point what must have
survived, and what may be lost, torn or full of zeros, by the rules of POSIX and in the order of a
journal. Each such state is judged as a reader and as SQLite would find it: no page is torn, no link
leads nowhere, the database is whole and holds what was committed, above all of the mails that have
left. Of some a disk is made, and the next morning must make everything right.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import random
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote

from faults.disk_model import BLOCK, DATA, KEPT, LOST, Change, Disk, Node, View
from faults.invariants import look
from faults.scene import Scene, days, elapsed, scene
from faults.syscalls import hurried
from faults.traced import Call, calls, tracer
from faults.tried import Tried, budget
from faults.warm import Warm

NAME = "B2"  # the dataset that alarms on the second day
STATE = "runs/state.sqlite"
_LINK = re.compile(rb' (?:href|src)="(?![a-zA-Z][a-zA-Z0-9+.-]*:|#|/)([^"?#]+)')
_TABLES = ("kv", "run", "outbox")
_FILES = (STATE, f"{STATE}-wal", f"{STATE}-shm", f"{STATE}-journal")
_RUN = re.compile(r"runs/reports/[^/]+/[^/]+/")
_REPLAYED = re.compile(r"(request\.json|(expert/)?notebook\.ipynb|records/.+)")
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True)
class Traced:
    """A morning that was traced: how the project was before and after, and which mails left."""

    what: str
    day: int
    base: Path
    after: Path
    log: Path
    before: tuple[tuple[str, EmailMessage], ...]
    mails: tuple[tuple[str, EmailMessage], ...]


@dataclass(frozen=True)
class Cut:
    """What may be on the disk: the names that survived, and what became of unsynced data."""

    chosen: tuple[Change, ...]
    data: str
    words: str

    def key(self, folder: str) -> tuple[object, ...]:
        """What of it a folder, or a file and what lies beside it, can show."""
        return (self.data, *(one.number for one in self.chosen if one.path.startswith(folder)))


@dataclass
class Count:
    """What came of a morning's cuts."""

    points: int = 0
    states: int = 0
    bad: int = 0
    databases: int = 0
    mornings: int = 0
    wrong_mornings: int = 0
    lost: int = 0
    copies: int = 0
    worst: float = 0.0
    torn: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Every point and every judgement; of the next mornings some, more of them when full."""
    if shutil.which("strace") is None:
        yield Tried("skipped: strace is not installed", 0, 0)
        return
    with ExitStack() as stack:
        if _MEMORY:  # a disk is made for each next morning: in memory that costs little
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_MEMORY))) / "site"
        place = stack.enter_context(scene(folder, 2, [NAME]))
        base = _kept(place, "base")
        warm = stack.enter_context(Warm(place.root, _words(place, 0)))
        place.mailbox.taken.clear()
        for number, what in enumerate(("the first morning", "a morning with an alarm")):
            _back(place, base)
            one = _traced(place, warm, number, what, base)
            base = one.after
            before = list(place.mailbox.taken)
            yield from _tried(place, warm, one, 150 if full else 5, budget(900.0 if full else 60.0))
            place.mailbox.taken[:] = before


def _tried(place: Scene, warm: Warm, one: Traced, mornings: int, seconds: float) -> Iterator[Tried]:
    """Judge each state at each point; of some the next morning is held."""
    _back(place, one.base)
    disk, judge, count = Disk(place.root), Judge(), Count()
    told, marks = _told(place, one, judge)
    dice = random.Random(int(os.environ.get("OAF_SEED", "8")))
    drawn = set(dice.sample(marks, min(mornings, len(marks))))
    until = time.monotonic() + seconds
    handed, writing = 0, frozenset(marks)
    for point, call in enumerate(told):
        disk.apply(call)
        if point not in writing:
            continue
        handed += _is_dot(call)
        judge.note(disk, call)
        left = one.mails[:handed]
        ways = cuts(disk, dice)
        for cut in ways:
            found = list(judge.faults(disk, cut, left))
            count.states += 1
            count.bad += bool(found)
            for fault in found:
                count.torn.setdefault(fault, f"call {point}, {cut.words}: {fault}")
        if point in drawn and time.monotonic() < until:
            cut = dice.choice(ways)
            _made(place.root, disk.view(cut.chosen), cut.data)
            place.mailbox.taken[:] = [*one.before, *left]
            said = [
                f"call {point}, {cut.words}: {word}" for word in _healed(place, warm, one, count)
            ]
            count.violations += said
            count.wrong_mornings += bool(said)
    yield Tried(
        f"power fails in {one.what}: what a reader and SQLite find",
        count.states,
        count.states - count.bad,
        note=f"after each of {len(marks)} calls; {judge.databases.opened} databases opened",
        violations=list(count.torn.values()),
    )
    yield Tried(
        f"power fails in {one.what}: the next morning",
        count.mornings,
        count.mornings - count.wrong_mornings,
        count.lost,
        count.copies,
        count.worst,
        violations=count.violations,
    )


def cuts(disk: Disk, dice: random.Random) -> list[Cut]:
    """What may be left: all names, none, all but one, some; and in order, as a journal has it."""
    pending = tuple(disk.pending)
    ways = [("no names", ()), ("all names", pending)]
    ways += [("some names", tuple(one for one in pending if dice.random() < 0.5)) for _ in range(3)]
    ways += [(f"{n} of {len(pending)} names", pending[:n]) for n in range(1, len(pending))]
    found = [Cut(names, data, f"{words}, data {data}") for words, names in ways for data in DATA]
    for one in pending:
        rest = tuple(other for other in pending if other is not one)
        found += [
            Cut(rest, data, f"all names but {one.path}, data {data}") for data in (LOST, KEPT)
        ]
    return found


class Judge:
    """What a reader and SQLite find on a disk, each different one looked at once."""

    def __init__(self) -> None:
        self.databases = Databases()
        self.whole: dict[int, bytes] = {}  # what each file holds when it is done
        self.runs: dict[str, Node] = {}  # what is below runs/reports when all is done
        self._published = self._ran = 0  # how often the repository and the runs were changed
        self._unborn: set[str] = set()  # links to pages that a first morning has yet to make
        self._known: dict[tuple[object, ...], list[str]] = {}
        self._links: dict[tuple[object, ...], list[str]] = {}

    def note(self, disk: Disk, call: Call) -> None:
        """A call was made."""
        places = [call.path(place) for place, one in enumerate(call.args) if _names(one)]
        if any(place.startswith(f"{disk.top}/publish") for place in places):
            self._published += 1
            now = dict(disk.view(disk.pending).walk("publish"))
            self._unborn |= {one for one in self._reader(now, KEPT) if "has a link" in one}
        self._ran += any(place.startswith(f"{disk.top}/runs/reports") for place in places)
        state, runs = f"{disk.top}/{STATE}", f"{disk.top}/runs"
        if any(place == runs or place.startswith(state) for place in places):
            synced = call.name in ("fsync", "fdatasync") and runs not in places
            self.databases.note(disk.view(disk.pending), synced=synced)

    def faults(self, disk: Disk, cut: Cut, mails: Sequence[tuple[str, EmailMessage]]) -> list[str]:
        """What does not hold."""
        key = (self._published, *cut.key("publish"))
        found = self._known.get(key)
        if found is None:
            view = disk.view(cut.chosen)
            found = self._known[key] = list(self._reader(dict(view.walk("publish")), cut.data))
        key = (self.databases.noted, len(mails), *cut.key(STATE))
        more = self._known.get(key)
        if more is None:
            view = disk.view(cut.chosen)
            more = self._known[key] = list(self.databases.faults(view, cut.data, mails))
        key = ("runs", self._ran, *cut.key("runs/reports"))
        runs = self._known.get(key)
        if runs is None:
            view = disk.view(cut.chosen)
            runs = self._known[key] = list(self._kept(dict(view.walk("runs/reports")), cut.data))
        return [*found, *runs, *more]

    def _kept(self, tree: dict[str, Node], data: str) -> Iterator[str]:
        """Where a run has its report it has what replays it, whole."""
        for path, node in self.runs.items():
            run = _RUN.match(path)
            report = tree.get(f"{run[0]}report.json") if run else None
            if run is None or report is None or not _REPLAYED.fullmatch(path[run.end() :]):
                continue
            if report.found(data) != self.whole[report.number] or node.kind != "file":
                continue
            there = tree.get(path)
            if there is None:
                yield f"{path} is gone, and its run's report is there"
            elif there.found(data) != self.whole[there.number]:
                yield f"{path} is torn, and its run's report is there"

    def _reader(self, tree: dict[str, Node], data: str) -> Iterator[str]:
        seen = {path: node for path, node in tree.items() if "/." not in path}
        for path, node in seen.items():
            if node.kind == "link":
                if posixpath.normpath(posixpath.join(path, "..", node.target)) not in seen:
                    yield f"{path} leads nowhere"
            elif node.kind == "file":
                held = node.found(data)
                if held != self.whole[node.number]:
                    yield f"{path} is torn: {len(held)} of {len(self.whole[node.number])} bytes"
                    continue
                if path.endswith(".html"):
                    for link in self._leads(node, held):
                        lost = f"{path} has a link that leads nowhere: {link}"
                        if lost not in self._unborn and _resolved(seen, path, link) not in seen:
                            yield lost
                if path.endswith("/manifest.json"):
                    inside = f"{posixpath.dirname(path)}/"
                    names = {one.removeprefix(inside) for one in seen if one.startswith(inside)}
                    for name in sorted({*json.loads(held)["files"]} - names):
                        yield f"{inside}{name} is gone"

    def _leads(self, node: Node, held: bytes) -> list[str]:
        key = (node.number, node.version)
        if key not in self._links:
            links = {unquote(link.decode()) for link in _LINK.findall(held)}
            self._links[key] = sorted(links)
        return self._links[key]


def _resolved(seen: dict[str, Node], path: str, link: str) -> str:
    """Where a link of a page leads, through a symbolic link on its way."""
    place = ""
    for part in posixpath.normpath(posixpath.join(posixpath.dirname(path), link)).split("/"):
        place = posixpath.join(place, part)
        node = seen.get(place)
        if node is not None and node.kind == "link":
            place = posixpath.normpath(posixpath.join(place, "..", node.target))
    return place


class Databases:
    """The state's database as SQLite finds it after the power failed."""

    def __init__(self) -> None:
        self.opened = self.noted = 0
        self._dumps: list[str] = []  # what it held, after each call
        self._safe = 0  # from which of them on one must be found

    def note(self, view: View, *, synced: bool) -> None:
        """It may have changed; `synced` says that all it holds is promised."""
        self.noted += 1
        self._dumps.append(self._read(view, KEPT)[0])
        if synced:
            self._safe = len(self._dumps) - 1

    def faults(
        self, view: View, data: str, mails: Sequence[tuple[str, EmailMessage]]
    ) -> Iterator[str]:
        """It is whole, with all that was committed, and knows of the mails that left."""
        held, letters = self._read(view, data)
        if self._dumps and held not in self._dumps[self._safe :]:
            yield f"the database is not what was committed: {held[:80]}"
        for recipient, mail in mails:
            if letters.get((str(mail["Message-ID"]), recipient)) not in ("handed", "sent"):
                yield f"the database does not know that '{mail['Subject']}' left"

    def _read(self, view: View, data: str) -> tuple[str, dict[tuple[str, str], str]]:
        files = {path: node.found(data) for path, node in view.walk("runs") if path in _FILES}
        self.opened += 1
        if STATE not in files:
            return "none", {}
        with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
            for path, held in files.items():
                Path(folder, Path(path).name).write_bytes(held)
            try:
                with closing(sqlite3.connect(Path(folder, Path(STATE).name))) as db:
                    return _dump(db)
            except sqlite3.Error as error:
                return f"broken: {error}", {}


def _dump(db: sqlite3.Connection) -> tuple[str, dict[tuple[str, str], str]]:
    """All it holds in one word, and how each mail stands."""
    said = db.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        return f"broken: {said}", {}
    there = [name for (name,) in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
    if "outbox" not in there:
        return "none", {}
    rows = [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in _TABLES]
    mails = db.execute("SELECT message_id, recipient, state FROM outbox").fetchall()
    text = hashlib.sha256(repr((there, rows)).encode()).hexdigest()
    return text, {(one, to): state for one, to, state in mails}


def _made(root: Path, view: View, data: str) -> None:
    """Put a disk's runs and repository where the project has them."""
    for name in ("runs", "publish"):
        shutil.rmtree(root / name, ignore_errors=True)
        for path, node in view.walk(name):
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if node.kind == "folder":
                place.mkdir(exist_ok=True)
            elif node.kind == "link":
                place.symlink_to(node.target)
            else:
                place.write_bytes(node.found(data))
                place.chmod(0o640)


def _healed(place: Scene, warm: Warm, one: Traced, count: Count) -> list[str]:
    """What does not hold after one more morning."""
    began = time.monotonic()
    before = len(place.mailbox.taken)
    codes = [warm.start(*_words(place, one.day)).wait()]
    if hurried(place):  # a mail that may have been taken waits for its next try
        codes.append(warm.start(*_words(place, one.day)).wait())
    found = look(place, days(one.day + 1), [NAME])
    count.mornings += 1
    count.worst = max(count.worst, elapsed(began))
    count.lost += found.lost
    count.copies += place.copies(before)
    return [*found.violations, *(f"exit codes {codes}" for _ in codes if any(codes))][:5]


def _words(place: Scene, number: int) -> list[str]:
    return ["--root", str(place.root), "--day", str(days(2)[number])]


def _kept(place: Scene, name: str) -> Path:
    """A copy of the project's runs and repository, aside."""
    aside = place.root.with_name(name)
    for part in ("runs", "publish"):
        if (place.root / part).is_dir():
            shutil.copytree(place.root / part, aside / part, symlinks=True)
    return aside


def _back(place: Scene, aside: Path) -> None:
    for part in ("runs", "publish"):
        shutil.rmtree(place.root / part, ignore_errors=True)
        if (aside / part).is_dir():
            shutil.copytree(aside / part, place.root / part, symlinks=True)


def _traced(place: Scene, warm: Warm, number: int, what: str, base: Path) -> Traced:
    log = place.root.with_name(f"calls-{number}.txt")
    before = tuple(place.mailbox.taken)
    if warm.start(*_words(place, number), tracer=tracer(log)).wait():
        raise RuntimeError(f"a morning that is only traced failed:\n{place.said()}")
    mails = tuple(place.mailbox.taken[len(before) :])
    return Traced(what, number, base, _kept(place, f"after-{number}"), log, before, mails)


def _told(place: Scene, one: Traced, judge: Judge) -> tuple[list[Call], list[int]]:
    """All calls, and which write; with them the model must come out as the disk did."""
    disk = Disk(place.root)
    told = list(calls(one.log))
    marks = [n for n, call in enumerate(told) if disk.apply(call) or _is_dot(call)]
    judge.whole = {node.number: bytes(node.now) for node in disk.made if node.kind == "file"}
    view = disk.view(disk.pending)
    judge.runs = dict(view.walk("runs/reports"))
    for part in ("runs", "publish"):
        there = {str(path.relative_to(one.after)) for path in (one.after / part).rglob("*")}
        model = dict(view.walk(part))
        wrong = [*(there ^ model.keys())]
        wrong += [
            path
            for path in there & model.keys()
            if model[path].kind == "file" and (one.after / path).read_bytes() != model[path].now
        ]
        if wrong:
            raise RuntimeError(f"the model of the disk is wrong about {sorted(wrong)[:5]}")
    return told, marks


def _names(one: object) -> bool:
    """Whether an argument can be a path."""
    return isinstance(one, tuple) or (isinstance(one, bytes) and len(one) < BLOCK)


def _is_dot(call: Call) -> bool:
    """Whether the call hands a mail over."""
    return call.name == "sendto" and call.args[1] == b".\r\n"
