"""Many sorted files of one kind and day into one, a variable at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.series import Kind, Times, Values
from oaflib.sources.embedded.files import (
    Piece,
    SortedWriter,
    StoreFile,
    columns_of,
    joined,
    opened,
    ordered,
    tables,
    unique,
    weight,
)

_BYTES = 128_000_000

Found = tuple[pq.ParquetFile, Piece]


def merged(files: Sequence[StoreFile], path: Path, *, once: bool = False) -> tuple[StoreFile, int]:
    """One file at `path` with the samples of `files`, all of one kind and day.

    Samples of the same time keep the order of `files`. With `once`, exact repetitions are left
    out; returned is how many.
    """
    kind, day = files[0].kind, files[0].day
    by_name: dict[str, list[Found]] = {}
    for file in files:
        parquet = opened(file.path)
        for piece in file.pieces:
            by_name.setdefault(piece.name, []).append((parquet, piece))
    repeated = 0
    with SortedWriter(path, kind, day) as writer:
        for name in sorted(by_name):
            found = by_name[name]
            start = min(piece.start for _, piece in found)
            stop = max(piece.stop for _, piece in found)
            for time, value in _slices(found, kind, (start, stop + 1)):
                if once:
                    keep = unique(time, value)
                    repeated += len(time) - int(keep.sum())
                    time, value = time[keep], value[keep]
                writer.add(name, time, value)
    return writer.file(), repeated


def _slices(
    found: Sequence[Found], kind: Kind, window: tuple[int, int]
) -> Iterator[tuple[Times, Values]]:
    """The samples of the window in order of time, halving it until a part fits in memory."""
    middle = (window[0] + window[1]) // 2
    inside = [
        (file, piece)
        for file, piece in found
        if piece.start < window[1] and piece.stop >= window[0]
    ]
    if not inside:
        return
    if sum(weight(file, piece, window) for file, piece in inside) > _BYTES and middle > window[0]:
        yield from _slices(inside, kind, (window[0], middle))
        yield from _slices(inside, kind, (middle, window[1]))
        return
    rows = [
        part
        for file, piece in inside
        for part in tables(file, piece, columns_of(kind), window)
        if part.num_rows
    ]
    if rows:
        time = np.concatenate([part["time"].to_numpy() for part in rows])
        value = joined([columnar.values(part, kind) for part in rows], kind)
        yield ordered(time, value)
