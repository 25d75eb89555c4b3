"""What OAF remembers between runs: one SQLite database, ``runs/state.sqlite``.

Write-ahead log, full sync, local disk: right after a kill at any instant. What is published can be
made again from the reports; what is here and nowhere else is which mail has left.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path

from oaflib.errors import ConfigurationError, StateError
from oaflib.folders import make, sync

VERSION = 1
_BUSY_SECONDS = 30.0

#: File systems on which two hosts may write: WAL needs memory that both see.
NETWORK = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs4", "panfs", "smb2", "smb3", "smbfs"),
        *("fuse.ceph", "fuse.eosd", "fuse.eosxd", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
    }
)

_SCHEMA = """
CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (
    task TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    window_end INTEGER NOT NULL,
    label TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    severity TEXT NOT NULL,
    place TEXT NOT NULL,
    detail TEXT NOT NULL,
    started INTEGER,
    ended INTEGER,
    PRIMARY KEY (task, window_start, window_end)
) WITHOUT ROWID;
CREATE INDEX run_by_status ON run (status, window_end);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    message BLOB,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'handed', 'sent', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    copies INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL,
    due INTEGER NOT NULL,
    tried INTEGER,
    ended INTEGER,
    reply TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_by_state ON outbox (state, due, id);
"""


class RunStatus(StrEnum):
    """How far a run has come."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    EXECUTED = "EXECUTED"
    PUBLISHED = "PUBLISHED"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class RunRow:
    """One run: a task over a window, and how far it came.

    `window_start`, `window_end`, `started` and `ended` are int64 ns UTC. `place` is where its page
    is, relative to the repository; `detail` what went wrong, or any text the caller keeps.
    """

    task: str
    window_start: int
    window_end: int
    label: str = ""
    status: RunStatus = RunStatus.PENDING
    attempt: int = 1
    severity: str = ""
    place: str = ""
    detail: str = ""
    started: int | None = None
    ended: int | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """(task, window start, window end)."""
        return (self.task, self.window_start, self.window_end)


_RUN_COLUMNS = ", ".join(entry.name for entry in fields(RunRow))
_RUN_PLACES = ", ".join("?" for _ in fields(RunRow))


class State:
    """The open database; a context manager, for one thread of one process.

    Parameters
    ----------
    path : the database file; made, with its folder, when absent.
    network : allow a network file system, at the price of the slower rollback journal.
    read_only : only look; nothing is made, and nobody is kept waiting.

    Raises
    ------
    ConfigurationError
        `path` is on a network file system and `network` is False.
    StateError
        Damaged, not a database, locked for 30 s, out of reach, or of a newer OAF.
    """

    def __init__(self, path: Path | str, *, network: bool = False, read_only: bool = False) -> None:
        self.path = Path(path).absolute()
        if read_only:
            self._db = self._looked_at()
            return
        try:
            self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            _private(self.path)
        except OSError as error:
            raise StateError(f"the folder of the state database cannot be made: {error}") from error
        kind = file_system(self.path.parent)
        if kind in NETWORK and not network:
            raise ConfigurationError(
                f"the state database {self.path} would be on a network file system ({kind}), where "
                "SQLite can lose what it promised; put 'runs' on a local disk, or allow it in "
                "site.toml"
            )
        self._db = self._opened("DELETE" if kind in NETWORK else "WAL")

    def _opened(self, journal: str) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise StateError(f"the state database {self.path} cannot be opened: {error}") from error
        try:
            db.row_factory = sqlite3.Row
            db.execute(f"PRAGMA journal_mode = {journal}")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            # One writer at a time makes the tables, else looks at the version.
            db.execute("BEGIN IMMEDIATE")
            self._check_version(db)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            db.close()
            raise StateError(_diagnosis(self.path, error)) from error
        except BaseException:
            db.close()
            raise
        return db

    def _looked_at(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        except sqlite3.Error as error:
            raise StateError(f"the state database {self.path} cannot be opened: {error}") from error
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA query_only = ON")
            self._check_version(db)
        except sqlite3.Error as error:
            db.close()
            raise StateError(_diagnosis(self.path, error)) from error
        except BaseException:
            db.close()
            raise
        return db

    def _check_version(self, db: sqlite3.Connection) -> None:
        tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'kv'").fetchone()[0]
        if not tables and not _is_read_only(db):
            for statement in filter(str.strip, _SCHEMA.split(";")):
                db.execute(statement)
            db.execute("INSERT INTO kv VALUES ('schema_version', ?)", (str(VERSION),))
            return
        known = "SELECT value FROM kv WHERE key = 'schema_version'"
        row = db.execute(known).fetchone() if tables else None
        if row is None or row[0] != str(VERSION):
            found = "none" if row is None else repr(row[0])
            raise StateError(
                f"the state database {self.path} has schema version {found}, this OAF knows "
                f"{VERSION}: it was written by another version of OAF, or is not OAF's"
            )

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; twice is fine."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block, durably, or nothing of it; a block inside a block joins the outer one.

        Raises
        ------
        StateError
            The disk is full, the file damaged or locked.
        """
        if self._db.in_transaction:
            yield self._db
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._roll_back()
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise StateError(_diagnosis(self.path, error)) from error

    def _roll_back(self) -> None:
        """Undo what is open; SQLite has done so by itself after some errors (disk full)."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """What a SELECT gives, read at once."""
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StateError(_diagnosis(self.path, error)) from error

    def value(self, key: str) -> str | None:
        """The text kept under `key`; None when there is none."""
        found = self.rows("SELECT value FROM kv WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def keep(self, key: str, value: str | None) -> None:
        """Keep a text under `key`; None forgets it."""
        if key == "schema_version":
            raise ValueError("'schema_version' is the database's own; choose another key")
        with self.transaction() as db:
            if value is None:
                db.execute("DELETE FROM kv WHERE key = ?", (key,))
            else:
                db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, value))

    def put_run(self, run: RunRow) -> None:
        """Write a run's row, over the one with its key."""
        with self.transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO run ({_RUN_COLUMNS}) VALUES ({_RUN_PLACES})", astuple(run)
            )

    def run(self, task: str, window_start: int, window_end: int) -> RunRow | None:
        """The run with that key, or None."""
        found = self.rows(
            f"SELECT {_RUN_COLUMNS} FROM run "
            "WHERE task = ? AND window_start = ? AND window_end = ?",
            (task, window_start, window_end),
        )
        return _run_of(found[0]) if found else None

    def runs(self, *statuses: RunStatus, since: int = 0) -> list[RunRow]:
        """Runs in those statuses (all when none is named) whose window ends at `since` ns or later.

        In the order of their windows' ends, then of their tasks.
        """
        wanted = statuses or tuple(RunStatus)
        marks = ", ".join("?" for _ in wanted)
        found = self.rows(
            f"SELECT {_RUN_COLUMNS} FROM run WHERE status IN ({marks}) AND window_end >= ? "
            "ORDER BY window_end, task",
            (*wanted, since),
        )
        return [_run_of(row) for row in found]

    def backup(self, folder: Path, name: str, keep: int = 14) -> Path:
        """A consistent copy ``<folder>/<name>.sqlite``, written beside and renamed in.

        Of the copies in `folder` the `keep` last by name stay.
        """
        make(folder)
        final = folder / f"{name}.sqlite"
        partial = folder / f".{name}.sqlite.tmp"
        partial.unlink(missing_ok=True)
        _private(partial)
        self.rows("VACUUM INTO ?", (str(partial),))
        partial.replace(final)
        sync(folder)
        for old in sorted(folder.glob("*.sqlite"))[:-keep]:
            old.unlink()
        return final


def _private(path: Path) -> None:
    """Make `path` when it is not there; nobody outside its group may read it: it holds mails.

    SQLite gives its other files the same rights.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
    mode = path.stat().st_mode
    if mode & 0o007 and path.stat().st_uid == os.geteuid():
        path.chmod(mode & 0o770)


def _is_read_only(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA query_only").fetchone()[0])


def file_system(path: Path) -> str:
    """The kind of file system `path` is on, as Linux calls it (``nfs4``); '' if unknown."""
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return mounted(str(path.resolve()), text)


def mounted(path: str, mountinfo: str) -> str:
    """The file system that holds the absolute `path`, by the lines of ``/proc/self/mountinfo``."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        words = before.split(" ")
        if not separator or len(words) < 5:
            continue
        point = words[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on the same point the later one hides the earlier.
        if inside and len(point) >= len(best):
            best, kind = point, after.split(" ")[0]
    return kind


def _run_of(row: sqlite3.Row) -> RunRow:
    values = dict(row)
    values["status"] = RunStatus(values["status"])
    return RunRow(**values)


def _diagnosis(path: Path, error: sqlite3.Error) -> str:
    """One sentence on a failure of SQLite, with what to do."""
    code = getattr(error, "sqlite_errorname", "") or ""
    advice = "see the folder's rights and the disk"
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        advice = "move it away and take the last copy from its backups, or start without"
    elif code.startswith("SQLITE_FULL"):
        advice = "the disk is full; nothing of this step was written"
    elif code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        advice = f"another process has held it for {_BUSY_SECONDS:g} s"
    elif code.startswith("SQLITE_READONLY"):
        advice = "it cannot be written to"
    return f"the state database {path}: {error}; {advice}"
