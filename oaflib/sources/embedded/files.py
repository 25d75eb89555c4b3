"""One Parquet file of the store: one kind, one UTC day, sorted by variable and time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from oaflib import columnar
from oaflib.series import Kind, Rows, Series, Times, Values, empty_values

DAY_NS = 86_400 * 10**9
# A row group holds many small variables, or part of a large one: small enough that a variable or an
# hour of it is read in a millisecond, large enough that the footer stays small.
_GROUP_ROWS = 32_768
_GROUP_BYTES = 4_000_000


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

    def lying(self, path: Path) -> Rows:
        """Where it lies in the file at `path`."""
        return Rows(path, self.group, self.skip, self.rows, self.rows)


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
        self._writer = pq.ParquetWriter(path, schema, **columnar.parquet(kind))
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
        step = max(1, min(_GROUP_ROWS, int(_GROUP_BYTES / width)))
        begun = at = 0
        for name, count in names:
            end = at + count
            while at < end:
                more = min(step, end - at)
                if self._rows and (
                    self._rows + more > _GROUP_ROWS or self._bytes + more * width > _GROUP_BYTES
                ):
                    self._flush(rows.slice(begun, at - begun))
                    begun = at
                self._note(name, more, int(time[at]), int(time[at + more - 1]))
                self._bytes += more * width
                at += more
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
