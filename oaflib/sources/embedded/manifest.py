"""The store's manifest: one SQLite database that says which files are the store, and what is where.

Write-ahead log, full sync, local disk. A file is part of the store from the commit that names it,
all files of a batch in the same commit; so a reader sees a batch whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from oaflib.errors import IngestError, SourceUnavailable
from oaflib.series import Kind, Variable
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded.files import DAY_NS, Piece, StoreFile
from oaflib.sources.embedded.units import Span
from oaflib.state import NETWORK, file_system
from oaflib.window import Window, moment

FORMAT = "oaf-store/1"
_BUSY_SECONDS = 60.0
_AT_ONCE = 500  # values in one question
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE variable (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    title TEXT NOT NULL
);
CREATE TABLE unit (
    variable INTEGER NOT NULL REFERENCES variable,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (variable, start)
) WITHOUT ROWID;
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    content TEXT UNIQUE,
    samples INTEGER NOT NULL,
    last INTEGER
);
CREATE INDEX batch_by_origin ON batch (origin);
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    day INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    retired INTEGER
);
CREATE INDEX file_by_day ON file (kind, day);
CREATE TABLE piece (
    variable INTEGER NOT NULL REFERENCES variable,
    day INTEGER NOT NULL,
    file INTEGER NOT NULL REFERENCES file,
    grp INTEGER NOT NULL,
    skip INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (variable, day, file)
) WITHOUT ROWID;
CREATE INDEX piece_by_file ON piece (file);
CREATE TABLE snapshot (
    name TEXT PRIMARY KEY,
    variables TEXT NOT NULL,
    description TEXT NOT NULL,
    start INTEGER,
    stop INTEGER,
    zone TEXT,
    label TEXT
) WITHOUT ROWID;
"""
_PIECES = (
    "SELECT f.path, p.grp, p.skip, p.rows, p.start, p.stop FROM piece p "
    "JOIN file f ON f.id = p.file WHERE p.variable = (SELECT id FROM variable WHERE name = ?) "
)


@dataclass(frozen=True)
class Located:
    """A piece of one variable, and the file (relative to the store) that holds it."""

    path: str
    piece: Piece


class Manifest:
    """The open manifest of one store, for one thread of one process.

    Raises
    ------
    SourceUnavailable
        No store there (unless `create`), on a network file system, damaged, locked, or of
        another version.
    """

    def __init__(self, folder: Path, *, create: bool = False, read_only: bool = False) -> None:
        self.path = folder / "manifest.sqlite"
        if create:
            _found(folder)
        elif not self.path.exists():
            raise SourceUnavailable(
                f"there is no store in {folder}; 'oaf ingest FILE' or 'oaf demo' makes one"
            )
        mode = "ro" if read_only else "rwc" if create else "rw"
        address = f"file:{quote(str(self.path.absolute()))}?mode={mode}"
        try:
            self._db = sqlite3.connect(
                address,
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise SourceUnavailable(_diagnosis(self.path, error)) from error
        try:
            self._prepare(create, read_only)
        except sqlite3.Error as error:
            self._db.close()
            raise SourceUnavailable(_diagnosis(self.path, error)) from error
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, create: bool, read_only: bool) -> None:
        db = self._db
        if not read_only:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
        if create:
            db.execute("BEGIN IMMEDIATE")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
            db.execute("COMMIT")
        row = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if row is None or row[0] != FORMAT:
            raise SourceUnavailable(
                f"{self.path} is {row[0] if row else 'of no known format'}, and this OAF knows "
                f"{FORMAT}: another version wrote it"
            )

    def close(self) -> None:
        """Let go of the database; twice is fine."""
        self._db.close()

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """All of the block, durably, or nothing of it; for reading, one state of the store.

        Raises
        ------
        sqlite3.IntegrityError
            What the block wrote contradicts what another writer has committed.
        SourceUnavailable
            The disk is full, the database damaged or locked.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise SourceUnavailable(_diagnosis(self.path, error)) from error

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a SELECT gives, read at once."""
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise SourceUnavailable(_diagnosis(self.path, error)) from error

    def variables(self, pattern: str) -> list[Variable]:
        """The variables whose whole name matches, sorted; ``%`` is any characters."""
        found = self.rows(
            "SELECT name, kind, unit, title FROM variable WHERE name GLOB ? ORDER BY name",
            (_glob(pattern),),
        )
        return [Variable(name, Kind(kind), unit, title) for name, kind, unit, title in found]

    def holds(self, origin: str) -> bool:
        """Whether a batch of that origin, or of that content, is in the store."""
        query = "SELECT 1 FROM batch WHERE origin = ? OR content = ? LIMIT 1"
        return bool(self.rows(query, (origin, origin)))

    def located(self, name: str, window: tuple[int, int]) -> list[Located]:
        """The pieces of a variable that overlap the half-open window, in order of time."""
        found = self.rows(
            _PIECES + "AND p.day BETWEEN ? AND ? AND p.stop >= ? AND p.start < ? "
            "ORDER BY p.start, p.file",
            (name, window[0] // DAY_NS, (window[1] - 1) // DAY_NS, *window),
        )
        return [Located(path, Piece(name, *about)) for path, *about in found]

    def backwards(self, name: str, time: int) -> list[Located]:
        """The pieces of a variable that begin before `time`, the latest end first."""
        found = self.rows(
            _PIECES + "AND p.day <= ? AND p.start < ? ORDER BY min(p.stop, ?) DESC, p.file",
            (name, (time - 1) // DAY_NS, time, time - 1),
        )
        return [Located(path, Piece(name, *about)) for path, *about in found]

    def kind_of(self, name: str) -> Kind | None:
        """The kind of a variable; None when there is none of that name."""
        found = self.rows("SELECT kind FROM variable WHERE name = ?", (name,))
        return Kind(found[0][0]) if found else None

    def numbers(self, names: Sequence[str]) -> dict[str, int]:
        """The numbers of known variables, by name."""
        return dict(self._of_many("SELECT name, id FROM variable WHERE name IN ({})", names))

    def spans(self, name: str) -> list[Span]:
        """The history of a variable's unit, in order of time."""
        found = self.rows(
            "SELECT start, stop, unit FROM unit WHERE variable = "
            "(SELECT id FROM variable WHERE name = ?) ORDER BY start",
            (name,),
        )
        return [Span(*row) for row in found]

    def histories(self, numbers: Iterable[int]) -> dict[int, list[Span]]:
        """The histories of the units of several variables, by their number."""
        histories: dict[int, list[Span]] = {number: [] for number in numbers}
        query = (
            "SELECT variable, start, stop, unit FROM unit WHERE variable IN ({}) "
            "ORDER BY variable, start"
        )
        for number, *span in self._of_many(query, list(histories)):
            histories[number].append(Span(*span))
        return histories

    def put_histories(self, changed: Mapping[int, tuple[list[Span], list[Span]]]) -> None:
        """Write histories anew, given as before and after; inside a transaction."""
        longer = []
        for number, (before, after) in changed.items():
            # Nearly always the last span has only become longer.
            if before and before == [*after[:-1], replace(after[-1], stop=before[-1].stop)]:
                longer.append((after[-1].stop, number, after[-1].start))
                continue
            rows = [(number, span.start, span.stop, span.unit) for span in after]
            self._db.execute("DELETE FROM unit WHERE variable = ?", (number,))
            self._db.executemany("INSERT INTO unit VALUES (?, ?, ?, ?)", rows)
            self._db.execute("UPDATE variable SET unit = ? WHERE id = ?", (after[-1].unit, number))
        self._db.executemany("UPDATE unit SET stop = ? WHERE variable = ? AND start = ?", longer)

    def put_variables(self, variables: Mapping[str, Variable]) -> dict[str, int]:
        """The numbers of variables, new or known, by name; a title given anew counts.

        Raises
        ------
        IngestError
            One has another kind.
        """
        query = "SELECT name, id, kind, title, unit FROM variable WHERE name IN ({})"
        known = {name: about for name, *about in self._of_many(query, list(variables))}
        numbers = {}
        for name, variable in variables.items():
            if name not in known:
                made = self._db.execute(
                    "INSERT INTO variable (name, kind, unit, title) VALUES (?, ?, ?, ?)",
                    (name, str(variable.kind), variable.unit, variable.title),
                )
                numbers[name] = int(made.lastrowid or 0)
                continue
            number, kind, title, unit = known[name]
            refuse_other_kind(name, Kind(kind), variable.kind)
            now = (variable.title or title, unit or variable.unit)
            if now != (title, unit):
                self._db.execute(
                    "UPDATE variable SET title = ?, unit = ? WHERE id = ?", (*now, number)
                )
            numbers[name] = number
        return numbers

    def _of_many(self, query: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        """The rows of a query with ``IN ({})`` for any number of values."""
        for first in range(0, len(values), _AT_ONCE):
            part = values[first : first + _AT_ONCE]
            yield from self.rows(query.format(", ".join("?" for _ in part)), part)

    def put_file(self, path: str, file: StoreFile, numbers: Mapping[str, int]) -> None:
        """Name a file and its pieces; inside a transaction."""
        made = self._db.execute(
            "INSERT INTO file (path, kind, day, rows, bytes) VALUES (?, ?, ?, ?, ?)",
            (path, str(file.kind), file.day, file.rows, file.nbytes),
        )
        self._db.executemany(
            "INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(numbers[piece.name], file.day, made.lastrowid, piece.group, piece.skip),
                    *(piece.rows, piece.start, piece.stop),
                )
                for piece in file.pieces
            ],
        )

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """Save a snapshot, in the place of one of the same name."""
        window = snapshot.window
        when: tuple[Any, ...] = (None,) * 4
        if window:
            when = (window.start_ns, window.end_ns, window.zone, window.label)
        with self.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?, ?, ?, ?)",
                (snapshot.name, json.dumps(snapshot.variables), snapshot.description, *when),
            )

    def snapshots(self, pattern: str) -> list[Snapshot]:
        """The snapshots whose name matches, sorted."""
        query = "SELECT * FROM snapshot WHERE name GLOB ? ORDER BY name"
        return [_snapshot(*row) for row in self.rows(query, (_glob(pattern),))]


def refuse_other_kind(name: str, known: Kind, given: Kind) -> None:
    """Hold a variable to the kind it has.

    Raises
    ------
    IngestError
        It is another one.
    """
    if known is not given:
        raise IngestError(
            f"{name} is {known} in the store and cannot become {given}: a variable keeps its kind. "
            "Give the new one another name"
        )


def _found(folder: Path) -> None:
    """Make the store's folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceUnavailable(f"the store's folder {folder} cannot be made: {error}") from error
    kind = file_system(folder)
    if kind in NETWORK:
        raise SourceUnavailable(
            f"the store {folder} would be on a network file system ({kind}), where SQLite can lose "
            "what it promised; put it on a local disk"
        )


def _glob(pattern: str) -> str:
    """A ``%`` pattern as SQLite's GLOB, in which ``*``, ``?`` and ``[`` would mean something."""
    return "".join({"%": "*", "*": "[*]", "?": "[?]", "[": "[[]"}.get(c, c) for c in pattern)


def _snapshot(
    name: str, variables: str, description: str, start: int | None, *when: Any
) -> Snapshot:
    window = None
    if start is not None:
        stop, zone, label = when
        window = Window(moment(start), moment(stop), zone, label)
    return Snapshot(name, tuple(json.loads(variables)), description, window)


def _diagnosis(path: Path, error: sqlite3.Error) -> str:
    """One sentence on a failure of SQLite, with what to do."""
    code = getattr(error, "sqlite_errorname", "") or ""
    advice = "see the folder's rights and the disk"
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        advice = "it is damaged: restore it from a copy, or ingest the files anew"
    elif code.startswith("SQLITE_FULL"):
        advice = "the disk is full; nothing of this batch is in the store"
    elif code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        advice = f"another process has held it for {_BUSY_SECONDS:g} s"
    elif code.startswith("SQLITE_READONLY"):
        advice = "it cannot be written to"
    elif "no such table" in str(error):
        advice = "it is not the manifest of a store"
    return f"the store's manifest {path}: {error}; {advice}"
