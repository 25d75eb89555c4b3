"""Reading the rows of one variable where they lie in a Parquet file of `columnar`'s layout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.series import Rows

_READ_BYTES = 128_000_000
_HELD_BYTES = 1_000_000
_END = b"PAR1"
Held = dict[tuple[Path, int], pa.Table]  # row groups that were read whole, by file and number


def opened(path: Path) -> pq.ParquetFile:
    """The open file; it stays readable when it is unlinked meanwhile.

    Not mapped into memory: what was read would count as memory of this process.

    Raises
    ------
    FileNotFoundError, OSError, pyarrow.ArrowException
        It is gone, or not a Parquet file.
    """
    return pq.ParquetFile(path)


def ended(path: Path) -> bool:
    """Whether a file has a Parquet file's end: what is written last, and lost when it is torn."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_END)))
        return file.read() == _END


def tables(
    file: pq.ParquetFile,
    rows: Rows,
    columns: Sequence[str],
    window: tuple[int, int] | None = None,
    held: Held | None = None,
) -> Iterator[tuple[pa.Table, Rows]]:
    """`rows`, or those of them with times in the half-open `window`, and where each part lies.

    128 MB at a time. A row group that is `held` is taken from there, and not read again.
    """
    run: list[_Part] = []
    nbytes = 0
    for part in _parts(file, rows):
        about = file.metadata.row_group(part.group)
        if window and not _overlaps(about.column(1).statistics, window):
            continue
        if run and nbytes + about.total_byte_size > _READ_BYTES:
            yield from _read(file, rows, run, (columns, window, held))
            run, nbytes = [], 0
        run.append(part)
        nbytes += about.total_byte_size
    if run:
        yield from _read(file, rows, run, (columns, window, held))


@dataclass(frozen=True)
class _Part:
    """Rows `first` to `end` of a row group."""

    group: int
    first: int
    end: int


def _parts(file: pq.ParquetFile, rows: Rows) -> Iterator[_Part]:
    """The row groups that hold `rows`, and which rows of them."""
    group, first, left = rows.group, rows.skip, rows.count
    while left > 0:
        end = min(file.metadata.row_group(group).num_rows, first + left)
        yield _Part(group, first, end)
        left -= end - first
        group, first = group + 1, 0


def last_before(
    file: pq.ParquetFile, rows: Rows, columns: Sequence[str], time: int, held: Held
) -> pa.Table | None:
    """The last of `rows` before `time`, if any; `held` is given its row group if it is small."""
    for part in reversed(list(_parts(file, rows))):
        times = file.metadata.row_group(part.group).column(1).statistics
        if not _overlaps(times, (np.iinfo(np.int64).min, time)):
            continue
        read = file.read_row_group(part.group, columns=columns, use_threads=False)
        inside = columnar.numbers(read["time"])[part.first : part.end]
        before = int(np.searchsorted(inside, time, side="left"))
        if before:
            if read.nbytes <= _HELD_BYTES:
                held[rows.path, part.group] = read
            return read.slice(part.first + before - 1, 1)
    return None


def _overlaps(times: Any, window: tuple[int, int]) -> bool:
    if times is None or not times.has_min_max:
        return True
    return bool(times.max >= window[0] and times.min < window[1])


def _read(
    file: pq.ParquetFile,
    rows: Rows,
    run: list[_Part],
    wanted: tuple[Sequence[str], tuple[int, int] | None, Held | None],
) -> Iterator[tuple[pa.Table, Rows]]:
    """The rows of a run of row groups; only the first and the last hold others before and after."""
    columns, window, held = wanted
    groups = [part.group for part in run]
    read = held.pop((rows.path, groups[0]), None) if held and len(groups) == 1 else None
    if read is None:
        read = file.read_row_groups(groups, columns=columns, use_threads=False)
    behind = read.num_rows - file.metadata.row_group(run[-1].group).num_rows + run[-1].end
    first, stop = run[0].first, behind
    if window is not None:
        inside = columnar.numbers(read["time"])[first:stop]
        before, end = np.searchsorted(inside, window, side="left")
        first, stop = first + int(before), first + int(end)
    if stop > first:
        yield (
            read.slice(first, stop - first),
            replace(rows, group=run[0].group, skip=first, count=stop - first),
        )
