"""One Parquet file of the store: one kind, one UTC day, sorted by variable and time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
        schema = columnar.schema(kind)
        self._rows_schema = schema.remove(schema.get_field_index("variable"))
        self._writer = pq.ParquetWriter(path, schema, **columnar.PARQUET)
        self._pending: list[pa.Table] = []
        self._names: list[tuple[str, int]] = []
        self._rows = 0
        self._bytes = 0.0
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

    def add(self, names: Sequence[tuple[str, int]], time: Times, value: Values) -> None:
        """Samples of some variables, one after the other; `names` say how many each has."""
        rows = columnar.table(Series("", self.kind, "", time, value))
        self.add_rows(names, rows.drop_columns("variable"))

    def add_rows(self, names: Sequence[tuple[str, int]], rows: pa.Table) -> None:
        """As `add`, of rows as `tables` gives them; the last variable may go on with the next."""
        rows = rows.cast(self._rows_schema)  # a file does not say that its texts may be large
        time = rows["time"].to_numpy()
        width = rows.nbytes / max(1, rows.num_rows)
        step = max(1, min(_LARGEST_ROWS, int(_LARGEST_BYTES / width)))
        begun = at = 0
        for name, count in names:
            end = at + count
            while at < end:
                more = min(step, end - at)
                if self._rows and (
                    self._rows + more > _LARGEST_ROWS or self._bytes + more * width > _LARGEST_BYTES
                ):
                    self._flush(rows.slice(begun, at - begun))
                    begun = at
                self._note(name, more, int(time[at]), int(time[at + more - 1]))
                self._bytes += more * width
                at += more
                if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
                    self._flush(rows.slice(begun, at - begun))
                    begun = at
        self._pending.append(rows.slice(begun, at - begun))

    def file(self) -> StoreFile:
        """What was written; only after the context is left."""
        return StoreFile(
            self.path, self.kind, self.day, tuple(self._pieces), self.path.stat().st_size
        )

    def _note(self, name: str, count: int, start: int, stop: int) -> None:
        """Remember where samples come to lie."""
        if self._pieces and self._pieces[-1].name == name:
            last = self._pieces[-1]
            self._pieces[-1] = replace(last, rows=last.rows + count, stop=stop)
        else:
            self._pieces.append(Piece(name, self._group, self._rows, count, start, stop))
        self._names.append((name, count))
        self._rows += count

    def _flush(self, rows: pa.Table | None = None) -> None:
        """Write what is pending, and `rows`, as one row group."""
        pending = self._pending if rows is None else [*self._pending, rows]
        if self._rows:
            names, counts = zip(*self._names, strict=True)
            which = np.repeat(np.arange(len(names), dtype=np.int32), counts)
            column = pa.DictionaryArray.from_arrays(pa.array(which), pa.array(names, pa.string()))
            whole = pa.concat_tables(pending)
            whole = whole.add_column(0, self._writer.schema.field(0), column)
            self._writer.write_table(whole, row_group_size=self._rows)
            self._group += 1
        self._pending, self._names, self._rows, self._bytes = [], [], 0, 0.0


def opened(path: Path) -> pq.ParquetFile:
    """The file, mapped into memory; it stays readable when it is unlinked meanwhile.

    Raises
    ------
    FileNotFoundError, OSError, pyarrow.ArrowException
        It is gone, or not a Parquet file.
    """
    return pq.ParquetFile(path, memory_map=True)


def tables(
    file: pq.ParquetFile,
    piece: Piece,
    columns: Sequence[str],
    window: tuple[int, int] | None = None,
) -> Iterator[pa.Table]:
    """The rows of `piece`, or those with times in the half-open `window`; 128 MB at a time."""
    run: list[_Rows] = []
    nbytes = 0
    for rows in _groups(file, piece):
        about = file.metadata.row_group(rows.group)
        if window and not _overlaps(about.column(1).statistics, window):
            continue
        if run and nbytes + about.total_byte_size > _READ_BYTES:
            yield from _read(file, run, columns, window)
            run, nbytes = [], 0
        run.append(rows)
        nbytes += about.total_byte_size
    if run:
        yield from _read(file, run, columns, window)


@dataclass(frozen=True)
class _Rows:
    """Rows `first` to `end` of a row group."""

    group: int
    first: int
    end: int


def _groups(file: pq.ParquetFile, piece: Piece) -> Iterator[_Rows]:
    """The row groups that hold `piece`, and which rows of them."""
    group, first, left = piece.group, piece.skip, piece.rows
    while left > 0:
        end = min(file.metadata.row_group(group).num_rows, first + left)
        yield _Rows(group, first, end)
        left -= end - first
        group, first = group + 1, 0


def _overlaps(times: Any, window: tuple[int, int]) -> bool:
    if times is None or not times.has_min_max:
        return True
    return bool(times.max >= window[0] and times.min < window[1])


def _read(
    file: pq.ParquetFile,
    run: list[_Rows],
    columns: Sequence[str],
    window: tuple[int, int] | None,
) -> Iterator[pa.Table]:
    """The rows of a run of row groups; only the first and the last hold others before and after."""
    rows = file.read_row_groups([entry.group for entry in run], columns=columns, use_threads=False)
    behind = rows.num_rows - file.metadata.row_group(run[-1].group).num_rows + run[-1].end
    rows = rows.slice(run[0].first, behind - run[0].first)
    if window is not None:
        first, stop = np.searchsorted(rows["time"].to_numpy(), window, side="left")
        rows = rows.slice(int(first), int(stop - first))
    if rows.num_rows:
        yield rows


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
