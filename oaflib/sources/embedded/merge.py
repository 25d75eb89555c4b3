"""Many sorted files of one kind and day into one, in bounded memory.

Variables are taken in order of name, as many at once as fit; each file's rows of them lie together,
so a file is read once from its beginning to its end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from oaflib import columnar
from oaflib.series import Kind, Rows
from oaflib.sources.embedded.files import (
    Piece,
    SortedWriter,
    StoreFile,
    unique,
)
from oaflib.stored import opened, tables

_BYTES = 32_000_000
_FILES = (
    32  # merged at once: more would make each one's part of a chunk smaller than its row groups
)


Codes = NDArray[np.intp]


class _Input:
    """An open file, what is in it, and how much each row group holds."""

    def __init__(self, file: StoreFile) -> None:
        self.path = file.path
        self.parquet = opened(file.path)
        self.pieces = file.pieces
        self.names = [piece.name for piece in file.pieces]
        about = self.parquet.metadata
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        self._groups = [(group.num_rows, group.total_byte_size) for group in groups]

    def weight(self, piece: Piece) -> float:
        """Bytes of the rows of `piece`, about."""
        total, group, first, left = 0.0, piece.group, piece.skip, piece.rows
        while left > 0:
            rows, nbytes = self._groups[group]
            here = min(rows - first, left)
            total += nbytes * here / rows
            group, first, left = group + 1, 0, left - here
        return total


def merged(files: Sequence[StoreFile], path: Path, *, once: bool = False) -> tuple[StoreFile, int]:
    """One file at `path` with the samples of `files`, all of one kind and day.

    Samples of the same time keep the order of `files`. With `once`, exact repetitions are left
    out; returned is how many.
    """
    repeated = 0
    tier, made = list(files), 0
    while len(tier) > _FILES:
        above = []
        for first in range(0, len(tier), _FILES):
            made += 1
            part, fewer = _merged(
                tier[first : first + _FILES], path.with_suffix(f".{made}.parquet"), once
            )
            above.append(part)
            repeated += fewer
        _remove(set(tier) - set(files))
        tier = above
    whole, fewer = _merged(tier, path, once)
    _remove(set(tier) - set(files))
    return whole, repeated + fewer


def _remove(files: set[StoreFile]) -> None:
    for file in files:
        file.path.unlink()


def _merged(files: Sequence[StoreFile], path: Path, once: bool) -> tuple[StoreFile, int]:
    kind, day = files[0].kind, files[0].day
    inputs = [_Input(file) for file in files]
    repeated = 0
    with SortedWriter(path, kind, day) as writer:
        for names, heavy in _chunks(inputs):
            parts = _slices(inputs, names[0], kind) if heavy else [_whole(inputs, names, kind)]
            for rows, codes in parts:
                rows, codes = _sorted(rows, codes)
                if once:
                    keep = _once(rows, codes, kind)
                    repeated += len(codes) - int(keep.sum())
                    rows, codes = rows.filter(pa.array(keep)), codes[keep]
                counts = np.bincount(codes, minlength=len(names)).tolist()
                writer.add_rows(list(zip(names, counts, strict=True)), rows)
    return writer.file(), repeated


def _chunks(inputs: Sequence[_Input]) -> Iterator[tuple[list[str], bool]]:
    """All names in order, as many together as fit; a name too heavy by itself comes alone."""
    weights: dict[str, float] = defaultdict(float)
    for entry in inputs:
        for piece in entry.pieces:
            weights[piece.name] += entry.weight(piece)
    chunk: list[str] = []
    total = 0.0
    for name in sorted(weights):
        if chunk and total + weights[name] > _BYTES:
            yield chunk, False
            chunk, total = [], 0.0
        if weights[name] > _BYTES:
            yield [name], True
            continue
        chunk.append(name)
        total += weights[name]
    if chunk:
        yield chunk, False


def _whole(inputs: Sequence[_Input], names: list[str], kind: Kind) -> tuple[pa.Table, Codes]:
    """All rows of these variables, and which of `names` each is of."""
    places = {name: i for i, name in enumerate(names)}
    parts: list[pa.Table] = []
    codes = []
    for entry in inputs:
        pieces = entry.pieces[
            bisect_left(entry.names, names[0]) : bisect_right(entry.names, names[-1])
        ]
        if not pieces:
            continue
        rows = [piece.rows for piece in pieces]
        together = Rows(entry.path, pieces[0].group, pieces[0].skip, sum(rows))
        parts += [part for part, _ in tables(entry.parquet, together, columnar.columns(kind))]
        codes.append(np.repeat([places[piece.name] for piece in pieces], rows))
    return _joined(parts), np.concatenate(codes)


def _slices(inputs: Sequence[_Input], name: str, kind: Kind) -> Iterator[tuple[pa.Table, Codes]]:
    """The rows of one heavy variable, some of its time at once."""
    found = [
        (entry, entry.pieces[place])
        for entry in inputs
        for place in [bisect_left(entry.names, name)]
        if place < len(entry.names) and entry.names[place] == name
    ]
    start = min(piece.start for _, piece in found)
    stop = max(piece.stop for _, piece in found) + 1
    total = sum(entry.weight(piece) for entry, piece in found)
    count = min(stop - start, int(total // _BYTES) + 1)
    edges = [start + (stop - start) * i // count for i in range(count + 1)]
    for window in zip(edges[:-1], edges[1:], strict=True):  # noqa: RUF007
        parts = [
            part
            for entry, piece in found
            if piece.start < window[1] and piece.stop >= window[0]
            for part, _ in tables(
                entry.parquet, piece.lying(entry.path), columnar.columns(kind), window
            )
        ]
        if parts:
            rows = _joined(parts)
            yield rows, np.zeros(rows.num_rows, dtype=np.intp)


def _joined(parts: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts).combine_chunks()


def _sorted(rows: pa.Table, codes: Codes) -> tuple[pa.Table, Codes]:
    """The rows by code and time; those of one code and time in the order they came."""
    small = codes.astype(np.uint16) if codes.max() < 2**16 else codes  # 16 bits: radix sort
    order = np.argsort(small, kind="stable")
    time, ordered = rows["time"].to_numpy()[order], codes[order]
    if ((time[1:] < time[:-1]) & (ordered[1:] == ordered[:-1])).any():
        order = np.lexsort((rows["time"].to_numpy(), codes))
    if (order[1:] > order[:-1]).all():
        return rows, codes
    return rows.take(pa.array(order)), codes[order]


def _once(rows: pa.Table, codes: Codes, kind: Kind) -> NDArray[np.bool_]:
    """Which of the sorted rows are not exact repetitions."""
    time = rows["time"].to_numpy()
    keep = np.ones(len(time), dtype=bool)
    same = (time[1:] == time[:-1]) & (codes[1:] == codes[:-1])
    for code in np.unique(codes[1:][same]).tolist():
        first, stop = np.searchsorted(codes, [code, code + 1])
        part = rows.slice(int(first), int(stop - first))
        keep[first:stop] = unique(time[first:stop], columnar.values(part, kind))
    return keep
