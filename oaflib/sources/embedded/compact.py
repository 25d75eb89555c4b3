"""Keeping the store tidy: many files of a day into one, and days that are no longer kept.

Each step is one transaction of the manifest. Files that are no longer part of the store stay on the
disk for a grace, for readers that have begun with them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from oaflib.series import Kind
from oaflib.sources.embedded.files import Piece, StoreFile
from oaflib.sources.embedded.lake import Lake
from oaflib.sources.embedded.manifest import Manifest
from oaflib.sources.embedded.merge import merged
from oaflib.sources.embedded.workshop import Workshop, sweep
from oaflib.window import nanoseconds

GRACE = timedelta(hours=1)
_LARGEST = 2_000_000_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Compaction:
    """How to compact: from `fewest` files of a kind and day on, into files of at most `largest`
    bytes, and how long the old files stay."""

    fewest: int = 2
    largest: int = _LARGEST
    grace: timedelta = GRACE


@dataclass(frozen=True)
class Tidied:
    """What was done: files merged, made, and removed from the disk."""

    merged: int = 0
    made: int = 0
    removed: int = 0


class _Overtaken(Exception):
    """Another process has compacted or removed these files meanwhile."""


def compact(lake: Lake, at: datetime, how: Compaction | None = None) -> Tidied:
    """Merge the small files of each kind and day; `at` is now.

    Readers and writers go on meanwhile. What is read does not change.

    Raises
    ------
    SourceUnavailable
        The store cannot be read or written; what was merged before that stays.
    """
    how = how or Compaction()
    manifest = lake.writable()
    sweep(lake.folder, manifest)
    count = made = 0
    for kind, day in _crowded(manifest, how.fewest):
        files = _small(_files(lake, manifest, kind, day), how)
        if not files:
            continue
        try:
            _replace(lake, manifest, files, at)
        except (_Overtaken, FileNotFoundError):
            continue
        count += len(files)
        made += 1
    return Tidied(count, made, clean(lake, at, how.grace))


def forget(lake: Lake, before: date, at: datetime, kinds: Iterable[Kind] = tuple(Kind)) -> int:
    """Drop the samples of UTC days before `before`, of some kinds; how many files that were.

    The files go with the next `clean` after the grace. Variables stay known. What was ingested
    and lies before can be ingested again.
    """
    day = (before - _EPOCH).days
    dropped = 0
    with lake.writable().transaction() as db:
        for kind in kinds:
            ids = db.execute(
                "SELECT id FROM file WHERE kind = ? AND day < ? AND retired IS NULL",
                (str(kind), day),
            ).fetchall()
            _retire(db, [row[0] for row in ids], at)
            dropped += len(ids)
        db.execute("DELETE FROM batch WHERE last < ?", (day,))
    return dropped


def clean(lake: Lake, at: datetime, grace: timedelta = GRACE) -> int:
    """Remove from the disk the files that left the store more than `grace` before `at`."""
    manifest = lake.writable()
    query = "SELECT id, path FROM file WHERE retired IS NOT NULL AND retired <= ?"
    old = manifest.rows(query, (nanoseconds(at - grace),))
    for _, path in old:
        (lake.folder / path).unlink(missing_ok=True)
    with manifest.transaction() as db:
        db.executemany("DELETE FROM file WHERE id = ?", [(number,) for number, _ in old])
    return len(old)


def _crowded(manifest: Manifest, fewest: int) -> list[tuple[Kind, int]]:
    found = manifest.rows(
        "SELECT kind, day FROM file WHERE retired IS NULL GROUP BY kind, day "
        "HAVING count(*) >= ? ORDER BY day, kind",
        (max(2, fewest),),
    )
    return [(Kind(kind), day) for kind, day in found]


def _files(lake: Lake, manifest: Manifest, kind: Kind, day: int) -> dict[int, StoreFile]:
    """The files of a kind and day by their number, in the order they came."""
    about = manifest.rows(
        "SELECT id, path, bytes FROM file WHERE kind = ? AND day = ? AND retired IS NULL "
        "ORDER BY id",
        (str(kind), day),
    )
    files = {}
    for number, path, nbytes in about:
        rows = manifest.rows(
            "SELECT v.name, p.grp, p.skip, p.rows, p.start, p.stop FROM piece p "
            "JOIN variable v ON v.id = p.variable WHERE p.file = ? ORDER BY v.name",
            (number,),
        )
        pieces = tuple(Piece(*row) for row in rows)
        files[number] = StoreFile(lake.folder / path, kind, day, pieces, nbytes)
    return files


def _small(files: dict[int, StoreFile], how: Compaction) -> dict[int, StoreFile]:
    """As many of the smallest files as make one of the largest allowed; none when too few."""
    chosen, total = set(), 0
    for number, file in sorted(files.items(), key=lambda entry: entry[1].nbytes):
        total += file.nbytes
        if total > how.largest:
            break
        chosen.add(number)
    if len(chosen) < max(2, how.fewest):
        return {}
    return {number: file for number, file in files.items() if number in chosen}


def _replace(lake: Lake, manifest: Manifest, files: dict[int, StoreFile], at: datetime) -> None:
    with Workshop(lake.folder) as workshop:
        whole, _ = merged(list(files.values()), workshop.fresh())
        places = workshop.place([whole])
        with manifest.transaction() as db:
            marks = ", ".join("?" for _ in files)
            (live,) = db.execute(
                f"SELECT count(*) FROM file WHERE retired IS NULL AND id IN ({marks})",
                list(files),
            ).fetchone()
            if live < len(files):
                raise _Overtaken
            _retire(db, list(files), at)
            numbers = manifest.numbers([piece.name for piece in whole.pieces])
            manifest.put_file(places[whole], whole, numbers)


def _retire(db: sqlite3.Connection, numbers: Iterable[int], at: datetime) -> None:
    rows = [(number,) for number in numbers]
    db.executemany("DELETE FROM piece WHERE file = ?", rows)
    when = nanoseconds(at)
    db.executemany("UPDATE file SET retired = ? WHERE id = ?", [(when, *row) for row in rows])
