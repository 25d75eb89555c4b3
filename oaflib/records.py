"""A run's records: what was extracted, on disk, read one series at a time.

A folder with ``records.json`` (every variable asked for, and what came of it) and Parquet files:
one a kind with what was written here, and hard links to unchanging files of the source that hold
the samples already. The kept folder is the snapshot that replays, whatever becomes of the source.
"""

from __future__ import annotations

import json
import os
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.errors import RecordsError
from oaflib.kindfiles import SHARE, KindFiles
from oaflib.report import Statistics
from oaflib.series import Kind, Rows, Series, Variable, nothing, value_bytes
from oaflib.shares import spread
from oaflib.stored import opened, tables
from oaflib.window import Window, instant, parse_instant

SCHEMA = "oaf-records/2"
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)
_CACHE_BYTES = 256_000_000
_MANY = 200  # variables that are worth a process


class State(StrEnum):
    """What came of asking for a variable."""

    LOGGED = "logged"  # there are samples
    EMPTY = "empty"  # the source knows the variable; nothing was logged in the window
    ABSENT = "absent"  # the source knows no such variable
    FAILED = "failed"  # the request failed; nothing is known


@dataclass(frozen=True)
class Entry:
    """One variable of the records: what it is, and what came of asking for it.

    `nan` and `inf` count samples that hold one; `duplicates` the exact duplicates removed;
    `conflicts` samples of one time with different values (all kept but the last is what counts).
    `computed` marks what `[[compute]]` made. `units` lists the units met when there are several.
    `before` is the last sample (int64 ns UTC, value) before the window, where the source knows it:
    what an on-change variable was when the window began. `lies` is where in the folder's files the
    samples are.

    `invalid` and `warned` count samples that the logging system itself calls so, `disconnects` lost
    connections, `note` its last word on them. Where `resolution` (ns) is not 0 the variable came at
    low resolution: its samples are the least and the greatest of parts of the window that long,
    `reduced` the true numbers over all samples (fields of `Statistics`), and `Records.mean` their
    means.
    """

    variable: Variable
    state: State
    count: int = 0
    nan: int = 0
    inf: int = 0
    duplicates: int = 0
    conflicts: int = 0
    unordered: int = 0
    reason: str = ""
    lies: tuple[Rows, ...] = ()
    nbytes: int = 0
    computed: bool = False
    units: tuple[str, ...] = ()
    before: tuple[int, float | str] | None = None
    invalid: int = 0
    warned: int = 0
    disconnects: int = 0
    note: str = ""
    resolution: int = 0
    reduced: Mapping[str, Any] | None = None
    means: tuple[Rows, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        document = dict(vars(self))  # `asdict` copies what is below, too
        document["variable"] = {**vars(self.variable), "kind": str(self.variable.kind)}
        for key in ("lies", "means"):
            places: tuple[Rows, ...] = getattr(self, key)
            document[key] = [[str(r.path), r.group, r.skip, r.count] for r in places]
        if self.before and isinstance(self.before[1], float) and not np.isfinite(self.before[1]):
            document["before"] = None  # says nothing, and is not JSON
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Entry:
        """The entry that `document` says."""
        variable = document["variable"]
        return cls(
            **{
                **document,
                "variable": Variable(**{**variable, "kind": Kind(variable["kind"])}),
                "state": State(document["state"]),
                "lies": _places(document["lies"]),
                "means": _places(document["means"]),
                "units": tuple(document["units"]),
                "before": tuple(document["before"]) if document["before"] else None,
            }
        )


def _places(rows: Iterable[Sequence[Any]]) -> tuple[Rows, ...]:
    return tuple(Rows(Path(path), *where) for path, *where in rows)


class Records(Mapping[str, Series]):
    """Variable name to series. Every variable asked for is a key; nothing logged = empty series.

    Series are read from disk when asked for; the last ones stay in memory up to 256 MB.
    """

    def __init__(
        self,
        window: Window,
        entries: Mapping[str, Entry],
        folder: Path | None = None,
        made: Mapping[str, Series] | None = None,
        source: str = "",
    ) -> None:
        self.window = window
        self.entries = dict(entries)
        self.folder = folder
        self.source = source
        self.asked: Mapping[str, Any] = {}  # of the source, for these records
        self.troubles: tuple[Any, ...] = ()
        self.past: Any = None  # history up to the window, where plots should look back
        self.summaries: Mapping[str, Statistics] = {}  # found early, as the series passed by
        self.seen: Mapping[Any, Mapping[str, Any]] = {}  # likewise by checks: check, variable
        self._made = dict(made or {})
        self._files: dict[Path, pq.ParquetFile] = {}
        self._cache: OrderedDict[str, Series] = OrderedDict()
        self._cached = 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries  # a Mapping's own would read the series

    def __getitem__(self, name: str) -> Series:
        if name in self._made:
            return self._made[name]
        if name in self._cache:
            self._cache.move_to_end(name)
            return self._cache[name]
        series = self._read(self.entries[name])
        nbytes = series.time.nbytes + self.entries[name].nbytes
        if nbytes <= _CACHE_BYTES:
            self._cache[name] = series
            self._cached += nbytes
            while self._cached > _CACHE_BYTES:
                old, _ = self._cache.popitem(last=False)
                self._cached -= 8 * self.entries[old].count + self.entries[old].nbytes
        return series

    def with_series(self, made: list[Series], *, computed: bool = True) -> Records:
        """These records and `made` beside them, in memory."""
        entries = dict(self.entries)
        for series in made:
            entries[series.name] = replace(entry_of(series), computed=computed)
        records = Records(self.window, entries, self.folder, self._made, self.source)
        records._made.update({series.name: series for series in made})
        records.past, records.summaries, records.seen = self.past, self.summaries, self.seen
        records.asked = self.asked
        return records

    @property
    def coarse(self) -> tuple[str, ...]:
        """The variables that came at low resolution."""
        return tuple(name for name, entry in self.entries.items() if entry.resolution)

    def mean(self, name: str) -> Series:
        """The means of a variable that came at low resolution; of another, its samples."""
        entry = self.entries[name]
        return self._read(entry, entry.means) if entry.resolution and entry.means else self[name]

    def _read(self, entry: Entry, lies: tuple[Rows, ...] | None = None) -> Series:
        lies = entry.lies if lies is None else lies
        if not lies:
            return nothing(entry.variable)
        if self.folder is None:
            raise RecordsError(f"{entry.variable.name} has rows but the records have no folder")
        columns = columnar.columns(entry.variable.kind)
        parts: list[pa.Table] = []
        for rows in lies:
            path = self.folder / rows.path
            try:
                if path not in self._files:
                    self._files[path] = opened(path)
                parts += [part for part, _ in tables(self._files[path], rows, columns)]
            except (OSError, pa.ArrowException, IndexError) as error:
                raise RecordsError(
                    f"{path} cannot be read for {entry.variable.name}: {error}; extract again"
                ) from error
        return columnar.series(pa.concat_tables(parts), entry.variable)


class RecordsWriter:
    """Writes a records folder; it becomes readable only when complete.

    Use as a context manager; `add` each series once, `missing` each variable without one.
    """

    def __init__(self, folder: Path, window: Window, source: str = "") -> None:
        self.folder = folder
        self.window = window
        self.source = source
        self.asked: Mapping[str, Any] = {}  # what it cost, kept beside
        self._entries: dict[str, Entry] = {}
        self._own = KindFiles(folder)
        self._links: dict[Path, Path | None] = {}  # a source's file to its name in the folder

    def __enter__(self) -> RecordsWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "records.json").unlink(missing_ok=True)
        for stale in self.folder.glob("*-*.parquet"):  # linked or copied
            stale.unlink()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._copy_small_shares()
        finally:
            self._own.close()
        if error is not None:
            return
        document = {
            "schema": SCHEMA,
            "source": self.source,
            "asked": dict(self.asked),
            "window": {
                "start": instant(self.window.start),
                "end": instant(self.window.end),
                "zone": self.window.zone,
                "label": self.window.label,
            },
            "variables": [entry.document() for entry in self._entries.values()],
        }
        path = self.folder / "records.json"
        beside = path.with_suffix(".json.tmp")
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(document, ensure_ascii=False, allow_nan=False))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def add(self, series: Series, entry: Entry, mean: Series | None = None) -> None:
        """Keep `series`, in order of time; `entry` says what was counted on the way.

        Where its samples lie in files that never change these are linked, not written again.
        `mean` holds the means of one that came at low resolution.
        """
        lies = tuple(found for rows in series.lies if (found := self._linked(rows)))
        if len(lies) < len(series.lies) or not lies:
            lies = self._own.add(series)
        means = self._own.add(mean) if mean is not None else ()
        self._entries[series.name] = replace(entry, lies=lies, means=means)

    def links(self, series: Series) -> bool:
        """Whether the files in which its samples lie can be linked."""
        return all(self._linked(rows) for rows in series.lies)

    def arrange(self, names: Iterable[str]) -> None:
        """Put the entries into the order of `names`."""
        self._entries = {name: self._entries[name] for name in names}

    def missing(self, entry: Entry) -> None:
        """Note a variable without a series: absent, or its request failed."""
        self._entries[entry.variable.name] = entry

    def _linked(self, rows: Rows) -> Rows | None:
        """The same rows in the folder's link to their file; None where there can be none.

        Rows of a file of the folder itself are there already.
        """
        if rows.path.parent == self.folder:
            return replace(rows, path=Path(rows.path.name))
        if rows.path not in self._links:
            name = Path(f"linked-{len(self._links)}.parquet")
            try:
                os.link(rows.path, self.folder / name)
                self._links[rows.path] = name
            except OSError:  # another disk, a system without links, or the file has gone
                self._links[rows.path] = None
        path = self._links[rows.path]
        return replace(rows, path=path, whole=0) if path else None

    def _copy_small_shares(self) -> None:
        """Write what lies in a linked file of which little is recorded, and let go of the file.

        Else a few variables would keep a whole day of the source on the disk.
        """
        taken: Counter[Path] = Counter()
        for entry in self._entries.values():
            taken.update({rows.path: rows.count for rows in entry.lies})
        small = frozenset(
            path
            for path in filter(None, self._links.values())
            if SHARE * taken[path] < opened(self.folder / path).metadata.num_rows
        )
        found = [
            entry
            for entry in self._entries.values()
            if any(rows.path in small for rows in entry.lies)
        ]
        processes = min(len(os.sched_getaffinity(0)), len(found) // _MANY)
        if processes < 2:
            self._lie(_copied(self.folder, small, self._own, found))
        else:
            shares = [(f"copied-rest-{i}-", found[i::processes]) for i in range(processes)]
            work = partial(_copied_apart, self.folder, small)
            for share, copied in spread(work, shares, processes):
                self._lie(work(share) if copied is None else copied)
        used = {rows.path.name for entry in self._entries.values() for rows in entry.lies}
        for path in self.folder.glob("*-*.parquet"):
            if path.name not in used:
                path.unlink()

    def _lie(self, copied: Mapping[str, tuple[Rows, ...]]) -> None:
        for name, lies in copied.items():
            self._entries[name] = replace(self._entries[name], lies=lies)


def _copied_apart(
    folder: Path, small: Set[Path], share: tuple[str, Sequence[Entry]]
) -> dict[str, tuple[Rows, ...]]:
    """As `_copied`, into files whose names begin with the first of `share`."""
    prefix, entries = share
    own = KindFiles(folder, prefix, mixed=True)
    copied = _copied(folder, small, own, entries)
    own.close()
    return copied


def _copied(
    folder: Path, small: Set[Path], own: KindFiles, entries: Sequence[Entry]
) -> dict[str, tuple[Rows, ...]]:
    """Where the samples of the entries lie, those copied into `own` that lay in `small` files."""
    files = {path: opened(folder / path) for path in small}
    found = {}
    for entry in entries:
        columns = columnar.columns(entry.variable.kind)
        lies: list[Rows] = []
        for rows in entry.lies:
            if rows.path not in small:
                lies.append(rows)
                continue
            for part, _ in tables(files[rows.path], rows, columns):
                lies += own.add(columnar.series(part, entry.variable))
        found[entry.variable.name] = tuple(lies)
    return found


def open_records(folder: Path) -> Records:
    """The records kept in `folder`.

    Raises
    ------
    RecordsError
        No complete records there, or of another version.
    """
    path = folder / "records.json"
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != SCHEMA:
            raise RecordsError(f"{path} is {document['schema']}, not {SCHEMA}")
        window = document["window"]
        records = Records(
            Window(
                parse_instant(window["start"]),
                parse_instant(window["end"]),
                window["zone"],
                window["label"],
            ),
            {entry.variable.name: entry for entry in map(Entry.of, document["variables"])},
            folder,
            source=document["source"],
        )
        records.asked = document.get("asked", {})
    except FileNotFoundError:
        raise RecordsError(f"no records in {folder}: the extraction did not end") from None
    except _UNREADABLE as error:
        raise RecordsError(f"{path} cannot be read: {error!r}") from error
    return records


def records_of(series: list[Series], window: Window, absent: tuple[str, ...] = ()) -> Records:
    """Records in memory, of made series: for tests, and for experts trying things."""
    entries = {entry.name: entry_of(entry) for entry in series}
    for name in absent:
        entries[name] = Entry(Variable(name), State.ABSENT, reason="no such variable")
    return Records(window, entries, made={entry.name: entry for entry in series})


def entry_of(series: Series) -> Entry:
    """What the records say of `series`."""
    nan, inf = count_odd(series)
    return Entry(
        Variable(series.name, series.kind, series.unit, series.title),
        State.LOGGED if len(series) else State.EMPTY,
        count=len(series),
        nan=nan,
        inf=inf,
        nbytes=value_bytes(series),
    )


def count_odd(series: Series) -> tuple[int, int]:
    """How many samples hold a NaN, and how many an infinity."""
    if not series.kind.numeric or not len(series):
        return 0, 0
    if series.value.dtype == object:
        samples = [sample for sample in series.value if sample.dtype.kind == "f"]
        return (
            sum(bool(np.isnan(sample).any()) for sample in samples),
            sum(bool(np.isinf(sample).any()) for sample in samples),
        )
    if series.value.dtype.kind != "f" or np.isfinite(series.value).all():
        return 0, 0
    flat = series.value.reshape(len(series), -1)
    return int(np.isnan(flat).any(axis=1).sum()), int(np.isinf(flat).any(axis=1).sum())
