"""One dataset's history on disk: a file for each late window, a block for each past quarter.

``variables.json`` names what there is. ``windows/<label>.parquet`` is one report's statistics.
``blocks/2026Q4.parquet`` holds the windows that began in that quarter, sorted by variable. A
window's own file counts before what a block says of it, so a re-run replaces its day at once. Files
appear whole (written beside, synced, renamed); one lock for writers, none for readers.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from oaflib.columnar import empty, kept, numbers, words
from oaflib.errors import HistoryError
from oaflib.folders import make, sync
from oaflib.history.rows import SCHEMA, Stamp, unified
from oaflib.series import Times
from oaflib.window import moment

LOOSE = 32  # windows of a quarter in files of their own, before they join its block
_GROUP = 8_192
_AGAIN = 5
_NAMES = "variables.json"
_META = b"oaf.window"
_PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "store_schema": True}


class Shelf:
    """The history of one dataset in `folder`; made when first written to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.windows = folder / "windows"
        self.blocks = folder / "blocks"

    def put(self, stamp: Stamp, rows: pa.Table) -> None:
        """Make `rows` all that is known of the window; what was known is replaced."""
        with self._locked():
            self._know(rows)
            path = self.windows / f"{quote(stamp.label, safe='')}.parquet"
            place(path, rows, {_META: f"{stamp.start} {stamp.end}".encode()})
            quarter = quarter_of(stamp.start)
            loose = [path for path in _listed(self.windows) if _quarter_of_file(path) == quarter]
            if len(loose) > LOOSE:
                self._join(quarter, loose)

    def fill(self, rows: pa.Table) -> None:
        """Put many windows' `rows` into the blocks of their quarters; of an empty shelf."""
        with self._locked():
            self._know(rows)
            quarters = [quarter_of(ns) for ns in rows["start"].to_pylist()]
            for quarter in sorted(set(quarters)):
                _place_block(
                    self.blocks / f"{quarter}.parquet",
                    _ordered(kept(rows, np.array([one == quarter for one in quarters]))),
                )

    def join(self) -> None:
        """Move all windows into the blocks of their quarters."""
        with self._locked():
            quarters: dict[str, list[Path]] = {}
            for path in _listed(self.windows):
                quarters.setdefault(_quarter_of_file(path), []).append(path)
            for quarter, loose in quarters.items():
                self._join(quarter, loose)

    def read(
        self,
        columns: Sequence[str],
        names: Sequence[str] | None = None,
        label: str | None = None,
        span: tuple[int, int] | None = None,
    ) -> pa.Table:
        """The rows of some variables (None: all), of one label or of windows that begin in `span`.

        Raises
        ------
        HistoryError
            A file is damaged.
        """
        columns = list(dict.fromkeys((*columns, "variable", "label", "start")))
        for _ in range(_AGAIN):
            # a writer may join a window into its block meanwhile
            with suppress(FileNotFoundError):
                return self._read(columns, names, label, span)
        with self._locked():  # one that never rests waits for its reader
            return self._read(columns, names, label, span)

    def names(self) -> frozenset[str]:
        """Every variable that ever was in the history of the dataset."""
        path = self.folder / _NAMES
        try:
            about = path.stat()
            return _names_in(path, (about.st_ino, about.st_mtime_ns, about.st_size))
        except FileNotFoundError:
            return frozenset()
        except ValueError as error:
            raise HistoryError(f"{self.folder / _NAMES} is damaged: {error}; rebuild it") from error

    def _know(self, rows: pa.Table) -> None:
        known = self.names()
        new = set(rows["variable"].to_pylist()) - known
        if new:  # before its window: who finds no name here need not look further
            renewed(self.folder / _NAMES, json.dumps(sorted(known | new)))

    def labels(self) -> list[str]:
        """Every window there is, sorted; of files that say which they hold only that is read."""
        for _ in range(_AGAIN):
            with suppress(FileNotFoundError):
                return self._labels()
        with self._locked():
            return self._labels()

    def _labels(self) -> list[str]:
        late = {_label_of(path): _meta(path).num_rows for path in _listed(self.windows)}
        found = {label for label, rows in late.items() if rows}
        for path in _listed(self.blocks):
            said = _labels_of(path)
            if said is None:
                said = set(_rows(path, ["label"], None)["label"].to_pylist())
            found |= said - late.keys()
        return sorted(found)

    def _read(
        self,
        columns: list[str],
        names: Sequence[str] | None,
        label: str | None,
        span: tuple[int, int] | None,
    ) -> pa.Table:
        loose = _listed(self.windows)
        late = [_label_of(path) for path in loose]
        quarters = (
            None if span is None else (quarter_of(span[0]), quarter_of(max(span[0], span[1] - 1)))
        )
        found = []
        if label is not None and label in late:
            return _rows(self.windows / f"{quote(label, safe='')}.parquet", columns, names)
        if label is None:
            found = [_rows(path, columns, names) for path in loose]
        for path in _listed(self.blocks):
            if quarters is not None and not quarters[0] <= path.stem <= quarters[1]:
                continue
            if label is not None and not _may_hold(path, label):
                continue
            rows = _rows(path, columns, names)
            if label is not None:
                rows = rows.filter(among(rows["label"], [label]))
            elif late:
                rows = rows.filter(_others(rows["label"], late))
            found.append(rows)
        rows = unified(found) if found else empty(SCHEMA).select(columns)
        if span is not None:
            start = numbers(rows["start"])
            rows = kept(rows, (start >= span[0]) & (start < span[1]))
        return rows

    def _join(self, quarter: str, loose: Sequence[Path]) -> None:
        path = self.blocks / f"{quarter}.parquet"
        parts = [_rows(one, SCHEMA.names, None) for one in loose]
        if path.exists():
            old = _rows(path, SCHEMA.names, None)
            late = [_label_of(one) for one in loose]
            parts.append(old.filter(_others(old["label"], late)))
        _place_block(path, _ordered(unified(parts)))
        self._forget({_label_of(one) for one in loose}, path)
        for one in loose:
            one.unlink()

    def _forget(self, labels: set[str], but: Path) -> None:
        """Take windows out of other blocks: a name given to one window, then to another."""
        for path in _listed(self.blocks):
            if path == but or not any(_may_hold(path, label) for label in labels):
                continue
            rows = _rows(path, SCHEMA.names, None)
            _place_block(path, rows.filter(_others(rows["label"], sorted(labels))))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make(self.windows)
        make(self.blocks)
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def quarter_of(ns: int) -> str:
    """``2026Q4``: the quarter of an instant, in UTC."""
    when = moment(ns).astimezone(UTC)
    return f"{when.year:04}Q{(when.month + 2) // 3}"


def place(path: Path, rows: pa.Table, said: dict[bytes, bytes]) -> None:
    """Put `rows` at `path`: a reader sees the old file or the new one, whole."""
    make(path.parent)
    with _whole(path) as file:
        pq.write_table(rows.replace_schema_metadata(said), file, row_group_size=_GROUP, **_PARQUET)


def renewed(path: Path, text: str) -> None:
    """Put `text` at `path`, whole."""
    with _whole(path) as file:
        file.write(text.encode())


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def _ordered(rows: pa.Table) -> pa.Table:
    import pyarrow.compute as pc  # 50 ms, and few reports ask for it

    names = rows["variable"].cast(pa.string())
    order = pc.sort_indices(
        pa.table({"variable": names, "start": rows["start"], "label": rows["label"]}),
        sort_keys=[("variable", "ascending"), ("start", "ascending")],
    )
    return rows.take(order)


def _place_block(path: Path, rows: pa.Table) -> None:
    labels = "\n".join(sorted(set(rows["label"].to_pylist())))
    place(path, rows, {b"oaf.labels": labels.encode()})


def _rows(path: Path, columns: Sequence[str], names: Sequence[str] | None) -> pa.Table:
    """The columns of the rows of some variables; whole groups are skipped by name."""
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            if names is None:
                return file.read(columns=list(columns))
            groups = _groups(file, names)
            if not groups:
                return empty(file.schema_arrow).select(list(columns))
            rows = file.read_row_groups(groups, columns=list(columns), use_threads=False)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    return rows.filter(among(rows["variable"], names))


def among(column: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    """Which texts are one of `names`; nor by way of pandas, as an array of a list goes."""
    import pyarrow.compute as pc

    return pc.is_in(column.cast(pa.string()), words(names))


def _others(column: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    """Which texts are none of `names`."""
    import pyarrow.compute as pc

    return pc.invert(among(column, names))


def _groups(file: pq.ParquetFile, names: Sequence[str]) -> list[int]:
    meta = file.metadata
    column = file.schema_arrow.names.index("variable")
    found = []
    for i in range(meta.num_row_groups):
        stats = meta.row_group(i).column(column).statistics
        known = stats is not None and stats.has_min_max
        if not known or any(stats.min <= name <= stats.max for name in names):
            found.append(i)
    return found


def _may_hold(path: Path, label: str) -> bool:
    said = _labels_of(path)
    return said is None or label in said


def _labels_of(path: Path) -> set[str] | None:
    """The windows that a block says it holds; None of one that does not say."""
    said = (_meta(path).metadata or {}).get(b"oaf.labels")
    return None if said is None else set(filter(None, said.decode().split("\n")))


def _meta(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> HistoryError:
    return HistoryError(
        f"{path} is damaged ({error}); make it again from the reports: oaf history rebuild"
    )


def _quarter_of_file(path: Path) -> str:
    said = (_meta(path).metadata or {}).get(_META, b"")
    return quarter_of(int(said.split()[0])) if said else "0000Q0"


def _label_of(path: Path) -> str:
    return unquote(path.stem)


def _listed(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return []
    return [folder / name for name in names if name.endswith(".parquet") and name[0] != "."]


def latest(start: Times, end: Times, made: Times) -> NDArray[np.intp]:
    """Indices in order of time, of windows that are there twice only the one made last."""
    order = np.lexsort((made, end, start))
    start, end = start[order], end[order]
    same = (np.diff(start) == 0) & (np.diff(end) == 0)
    return order[np.append(~same, True)] if len(order) else order


@lru_cache(maxsize=32)
def _names_in(path: Path, _stamp: tuple[int, int, int]) -> frozenset[str]:
    """The names a file lists; read again when it was replaced. Thousands of variables ask."""
    return frozenset(json.loads(path.read_bytes()))
