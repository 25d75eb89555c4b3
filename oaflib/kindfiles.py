"""The Parquet files that a records folder has of its own: one a kind, written series by series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.series import Kind, Rows, Series, value_bytes

SHARE = 4  # a source's file is kept when a fourth of its rows is recorded; else those are copied
_ROWS = {Kind.NUMERIC: 1_000_000, Kind.TEXTUAL: 1_000_000}
_MIXED = 32_768  # rows of a row group of several variables


class KindFiles:
    """Files in `folder` whose names begin with `prefix`; to be closed before they are read.

    `mixed`: short series of numbers share row groups, which takes a fourth of the time to write.
    """

    def __init__(self, folder: Path, prefix: str = "", *, mixed: bool = False) -> None:
        self._folder = folder
        self._prefix = prefix
        self._mixed = mixed
        self._writers: dict[Kind, pq.ParquetWriter] = {}
        self._groups: dict[Kind, int] = {}
        self._waiting: list[pa.Table] = []  # for a row group of their own
        self._rows = 0  # of these

    def close(self) -> None:
        """Write their ends."""
        self._write_waiting()
        for writer in self._writers.values():
            writer.close()

    def add(self, series: Series) -> tuple[Rows, ...]:
        """Write the samples into the file of their kind; where they lie then."""
        kind = series.kind
        if not len(series):
            return ()
        own = Path(f"{self._prefix}{kind.lower()}.parquet")
        if kind not in self._writers:
            layout = columnar.parquet(kind, mixed=self._mixed)
            file = pq.ParquetWriter(self._folder / own, columnar.schema(kind), **layout)
            self._writers[kind] = file
            self._groups[kind] = 0
        if self._mixed and kind is Kind.NUMERIC:
            if self._rows + len(series) > _MIXED:
                self._write_waiting()
            if len(series) <= _MIXED:
                place = Rows(own, self._groups[kind], self._rows, len(series))
                self._waiting.append(columnar.table(series))
                self._rows += len(series)
                return (place,)
        begun = self._groups[kind]
        step = _ROWS.get(kind) or max(1, _ROWS[Kind.NUMERIC] // max(1, _width(series)))
        for first in range(0, len(series), step):
            rows = columnar.table(series.where(slice(first, first + step)))
            self._writers[kind].write_table(rows, row_group_size=step)
            self._groups[kind] += 1
        return (Rows(own, begun, 0, len(series)),)

    def _write_waiting(self) -> None:
        if self._waiting:
            rows = pa.concat_tables(self._waiting).unify_dictionaries().combine_chunks()
            self._writers[Kind.NUMERIC].write_table(rows, row_group_size=_MIXED)
            self._groups[Kind.NUMERIC] += 1
            self._waiting, self._rows = [], 0


def placed(series: Series, copies: KindFiles, folder: Path) -> Series:
    """Without its samples, where it says in which files they lie.

    What is little of the variable's rows in a file is written into `copies`, in `folder`, and lies
    there: nobody need keep the file for it.
    """
    if not series.lies:
        return series
    lies: list[Rows] = []
    first = 0
    for rows in series.lies:
        if SHARE * rows.count < rows.whole:
            part = series.where(slice(first, first + rows.count))
            lies += [replace(own, path=folder / own.path) for own in copies.add(part)]
        else:
            lies.append(rows)
        first += rows.count
    return replace(series, time=series.time[:0], value=series.value[:0], lies=tuple(lies))


def _width(series: Series) -> int:
    """Elements in a sample, about."""
    return max(1, value_bytes(series) // (8 * max(1, len(series))))
