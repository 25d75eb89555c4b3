"""What OAF remembers: the state and its copies, the history, the snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from oaflib.changes import AlarmState
from oaflib.errors import HistoryError, ReportError, SnapshotError, StateError
from oaflib.fsck.finding import Finding, Look
from oaflib.fsck.runs import Told
from oaflib.inform.texts import some_of
from oaflib.snapshot.shelf import Shelf
from oaflib.snapshot.snapshot import open_folder
from oaflib.state import State
from oaflib.study.words import history_of

_DISK = "a damaged disk"
_RESTORE = "Put back the newest of runs/backup/ (docs/operation.md, Back-up and restore)"
_REBUILD = "Type: oaf history rebuild"


def state_found(look: Look, state: State) -> Iterator[Finding]:
    """The database, what it remembers of alarms, and its newest copy."""
    path = look.project.runs / "state.sqlite"
    for said in integrity(state, whole=look.whole):
        yield Finding("state", str(path), said, _DISK, _RESTORE)
    if path.stat().st_mode & 0o007:
        cause, cure = "rights changed by hand", f"Type: chmod o= {path}"
        yield Finding("state", str(path), "may be read by everybody; it holds mails", cause, cure)
    for row in state.rows("SELECT key, value FROM kv WHERE key LIKE 'alarms/%'"):
        look.seen["alarm memories"] += 1
        try:
            AlarmState.read(row["value"])
        except ReportError as error:
            cure = "The next report of the dataset calls its alarms NEW again; or: restore"
            yield Finding("state", str(row["key"]), f"cannot be read: {error}", _DISK, cure)
    copies = sorted((look.project.runs / "backup").glob("*.sqlite"))
    for copy in copies if look.whole else copies[-1:]:
        look.seen["copies"] += 1
        try:
            with closing(State(copy, read_only=True)) as kept:
                faults = integrity(kept, whole=look.whole)
        except StateError as error:
            faults = [str(error)]
        for said in faults:
            cure = "Nothing to do: the next morning writes another"
            yield Finding("state", str(copy), said, _DISK, cure)


def integrity(state: State, *, whole: bool) -> list[str]:
    """What SQLite says of the database file; nothing when it is sound."""
    check = "integrity_check" if whole else "quick_check"
    try:
        said = [str(row[0]) for row in state.rows(f"PRAGMA {check}")]
    except StateError as error:
        return [str(error)]
    return [] if said == ["ok"] else said[:3]


def history_found(look: Look, told: Iterable[Told]) -> Iterator[Finding]:
    """Whether the statistics of each concluded report are in the history."""
    history = history_of(look.project)
    wanted: dict[str, list[str]] = {}
    for one in told:
        if one.measured:
            wanted.setdefault(one.row.task, []).append(one.label)
    for dataset, labels in wanted.items():
        look.seen["histories"] += 1
        try:
            known = set(history.labels(dataset))
            if labels[-1] in known:
                history.day(dataset, labels[-1])
        except (HistoryError, OSError) as error:
            yield Finding("history", dataset, str(error), _DISK, _REBUILD)
            continue
        if lost := [label for label in labels if label not in known]:
            what = f"lacks the statistics of {some_of(lost)}"
            yield Finding("history", dataset, what, "a disk that was full", _REBUILD)


def snapshots_found(look: Look) -> Iterator[Finding]:
    """Each snapshot kept as a folder, every file against its SHA-256."""
    shelf = Shelf.of(look.project.runs)
    for name in shelf.names() if look.whole else ():
        place = shelf.folder / name
        look.seen["snapshots"] += 1
        try:
            if Path(place).is_dir():
                open_folder(place)
            else:
                shelf.manifest(name)
        except SnapshotError as error:
            yield Finding("snapshot", name, str(error), _DISK, "Take it from your back-up")
