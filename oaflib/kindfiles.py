"""The Parquet files that a records folder has of its own: one a kind, written series by series."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.series import Kind, Rows, Series, value_bytes

_ROWS = {Kind.NUMERIC: 1_000_000, Kind.TEXTUAL: 1_000_000}


class KindFiles:
    """Files in `folder` whose names begin with `prefix`; to be closed before they are read."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._folder = folder
        self._prefix = prefix
        self._writers: dict[Kind, pq.ParquetWriter] = {}
        self._groups: dict[Kind, int] = {}

    def close(self) -> None:
        """Write their ends."""
        for writer in self._writers.values():
            writer.close()

    def add(self, series: Series) -> tuple[Rows, ...]:
        """Write the samples into the file of their kind; where they lie then."""
        kind = series.kind
        if not len(series):
            return ()
        own = Path(f"{self._prefix}{kind.lower()}.parquet")
        if kind not in self._writers:
            layout = columnar.parquet(kind)
            file = pq.ParquetWriter(self._folder / own, columnar.schema(kind), **layout)
            self._writers[kind] = file
            self._groups[kind] = 0
        begun = self._groups[kind]
        step = _ROWS.get(kind) or max(1, _ROWS[Kind.NUMERIC] // max(1, _width(series)))
        for first in range(0, len(series), step):
            rows = columnar.table(series.where(slice(first, first + step)))
            self._writers[kind].write_table(rows, row_group_size=step)
            self._groups[kind] += 1
        return (Rows(own, begun, 0, len(series)),)


def _width(series: Series) -> int:
    """Elements in a sample, about."""
    return max(1, value_bytes(series) // (8 * max(1, len(series))))
