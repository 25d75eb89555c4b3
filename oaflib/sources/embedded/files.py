"""One Parquet file of the store: one kind, one UTC day, sorted by variable and time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from oaflib import columnar
from oaflib.series import Kind, Series, Times, Values, empty_values

DAY_NS = 86_400 * 10**9
# A row group holds many small variables, or part of a large one: small enough that one variable
# is read in milliseconds, large enough that the footer stays small.
_GROUP_ROWS = 32_768
_GROUP_BYTES = 4_000_000
_LARGEST_ROWS = 1_000_000
_LARGEST_BYTES = 16_000_000
_READ_BYTES = 128_000_000


@dataclass(frozen=True)
class Piece:
    """Where one variable is in a file: from row `skip` of row group `group` on, `rows` rows.

    `start` and `stop` are its first and last time (int64 ns UTC).
    """

    name: str
    group: int
    skip: int
    rows: int
    start: int
    stop: int


@dataclass(frozen=True)
class StoreFile:
    """A complete file and what is in it, each variable once, in order of name."""

    path: Path
    kind: Kind
    day: int
    pieces: tuple[Piece, ...]
    nbytes: int

    @property
    def rows(self) -> int:
        """Samples in all."""
        return sum(piece.rows for piece in self.pieces)


class SortedWriter:
    """Writes one file; variables must come in order of name, their samples in order of time."""

    def __init__(self, path: Path, kind: Kind, day: int) -> None:
        self.path = path
        self.kind = kind
        self.day = day
        self._writer = pq.ParquetWriter(path, columnar.schema(kind), **columnar.PARQUET)
        self._pending: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0
        self._group = 0
        self._pieces: list[Piece] = []

    def __enter__(self) -> SortedWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()
        if error is not None:
            self.path.unlink(missing_ok=True)
            return
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def add(self, name: str, time: Times, value: Values) -> None:
        """Samples of `name`; more of the same variable may follow, later in time."""
        step = _step(self.kind, value)
        for first in range(0, len(time), step):
            part = slice(first, first + step)
            self._add(name, time[part], value[part])

    def file(self) -> StoreFile:
        """What was written; only after the context is left."""
        return StoreFile(
            self.path, self.kind, self.day, tuple(self._pieces), self.path.stat().st_size
        )

    def _add(self, name: str, time: Times, value: Values) -> None:
        table = columnar.table(Series(name, self.kind, "", time, value))
        if self._rows and (
            self._rows + len(time) > _LARGEST_ROWS or self._bytes + table.nbytes > _LARGEST_BYTES
        ):
            self._flush()
        start, stop = int(time[0]), int(time[-1])
        if self._pieces and self._pieces[-1].name == name:
            last = self._pieces[-1]
            self._pieces[-1] = Piece(
                name, last.group, last.skip, last.rows + len(time), last.start, stop
            )
        else:
            self._pieces.append(Piece(name, self._group, self._rows, len(time), start, stop))
        self._pending.append(table)
        self._rows += len(time)
        self._bytes += table.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        tables = self._pending
        if len(tables) > 1:
            tables = [pa.concat_tables(tables).unify_dictionaries()]
        self._writer.write_table(tables[0], row_group_size=self._rows)
        self._group += 1
        self._pending, self._rows, self._bytes = [], 0, 0


def opened(path: Path) -> pq.ParquetFile:
    """The file, mapped into memory; it stays readable when it is unlinked meanwhile.

    Raises
    ------
    FileNotFoundError, OSError, pyarrow.ArrowException
        It is gone, or not a Parquet file.
    """
    return pq.ParquetFile(path, memory_map=True)


def tables(
    file: pq.ParquetFile, piece: Piece, columns: Sequence[str], window: tuple[int, int]
) -> Iterator[pa.Table]:
    """The rows of `piece` with times in the half-open `window`, at most 128 MB at a time."""
    run: list[tuple[int, int, int]] = []  # row group, first row, end row
    nbytes = 0
    for entry, size in _groups(file, piece, window):
        if run and nbytes + size > _READ_BYTES:
            yield from _rows(file, run, columns, window)
            run, nbytes = [], 0
        run.append(entry)
        nbytes += size
    if run:
        yield from _rows(file, run, columns, window)


def weight(file: pq.ParquetFile, piece: Piece, window: tuple[int, int]) -> int:
    """Bytes that reading `piece` in the window takes at most."""
    return sum(size for _, size in _groups(file, piece, window))


def _groups(
    file: pq.ParquetFile, piece: Piece, window: tuple[int, int]
) -> Iterator[tuple[tuple[int, int, int], int]]:
    """The row groups of `piece` that may hold times of the window, and their sizes in bytes."""
    whole = window[0] <= piece.start and piece.stop < window[1]
    group, skip, left = piece.group, piece.skip, piece.rows
    while left > 0:
        about = file.metadata.row_group(group)
        end = min(about.num_rows, skip + left)
        if whole or end == skip + piece.rows or _overlaps(about.column(1).statistics, window):
            yield (group, skip, end), about.total_byte_size
        left -= end - skip
        group, skip = group + 1, 0


def _overlaps(times: Any, window: tuple[int, int]) -> bool:
    if times is None or not times.has_min_max:
        return True
    return bool(times.max >= window[0] and times.min < window[1])


def _rows(
    file: pq.ParquetFile,
    run: list[tuple[int, int, int]],
    columns: Sequence[str],
    window: tuple[int, int],
) -> Iterator[pa.Table]:
    rows = file.read_row_groups([entry[0] for entry in run], columns=columns, use_threads=False)
    behind = rows.num_rows - file.metadata.row_group(run[-1][0]).num_rows + run[-1][2]
    rows = rows.slice(run[0][1], behind - run[0][1])
    time = rows["time"].to_numpy()
    first, stop = np.searchsorted(time, window, side="left")
    if stop > first:
        yield rows.slice(int(first), int(stop - first))


def columns_of(kind: Kind) -> list[str]:
    """The columns to read of a file of that kind; the variable is known."""
    return [name for name in columnar.schema(kind).names if name != "variable"]


def joined(values: Sequence[Values], kind: Kind) -> Values:
    """Samples one after the other, as `Series.value` has them; ragged where sizes differ."""
    if not values:
        return empty_values(kind)
    if len(values) == 1:
        return values[0]
    shapes = {value.shape[1:] for value in values}
    types = {value.dtype for value in values}
    if len(shapes) == 1 and len(types) == 1:
        return np.concatenate(values)
    every = np.empty(sum(len(value) for value in values), dtype=object)
    place = 0
    for value in values:
        for sample in value:
            every[place] = sample
            place += 1
    return every


def ordered(time: Times, value: Values) -> tuple[Times, Values]:
    """The samples in order of time; those of one time in the order they came."""
    if len(time) > 1 and (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        return time[order], value[order]
    return time, value


def unique(time: Times, value: Values) -> NDArray[np.bool_]:
    """Which of the ordered samples are not exact repetitions of an earlier one."""
    keep = np.ones(len(time), dtype=bool)
    (same,) = np.nonzero(time[1:] == time[:-1])
    if not len(same):
        return keep
    if value.dtype != object and value.ndim == 1:
        bits = np.ascontiguousarray(value).view(np.int64)  # NaN repeats NaN, -0.0 is not 0.0
        order = np.lexsort((np.arange(len(time)), bits, time))
        twin = (time[order][1:] == time[order][:-1]) & (bits[order][1:] == bits[order][:-1])
        keep[order[1:][twin]] = False
        return keep
    for later in same + 1:
        earlier = later - 1
        while earlier >= 0 and time[earlier] == time[later]:
            if keep[earlier] and _equal(value[earlier], value[later]):
                keep[later] = False
                break
            earlier -= 1
    return keep


def _equal(one: Any, other: Any) -> bool:
    numbers = isinstance(one, np.ndarray) and one.dtype.kind == "f"
    return bool(np.array_equal(one, other, equal_nan=numbers))


def _step(kind: Kind, value: Values) -> int:
    """Samples that fit a row group."""
    if kind in (Kind.NUMERIC, Kind.TEXTUAL):
        return _LARGEST_ROWS
    if value.dtype != object:
        width = max(1, value.nbytes // max(1, len(value)))
    elif kind is Kind.VECTORSTRING:
        width = max((sum(len(text) + 8 for text in row) for row in value), default=1)
    else:
        width = max((sample.nbytes for sample in value), default=1)
    return int(max(1, min(_LARGEST_ROWS, _GROUP_BYTES // max(1, width))))
