"""Series as Arrow tables: the one layout on disk, in the store's files and in a run's records.

Columns: ``variable`` string, ``time`` int64 ns UTC, ``value`` by kind, and for images ``rows``,
``columns`` and ``dtype`` beside the pixels' bytes in C order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from oaflib.series import Kind, Series, Values, Variable, empty_values, stack

_NAME = pa.dictionary(pa.int32(), pa.string())
_VALUE = {
    Kind.NUMERIC: pa.float64(),
    Kind.VECTORNUMERIC: pa.large_list(pa.float64()),
    Kind.MATRIXNUMERIC: pa.large_binary(),
    Kind.TEXTUAL: pa.large_string(),
    Kind.VECTORSTRING: pa.large_list(pa.large_string()),
}
_PARQUET: dict[str, Any] = {
    "column_encoding": {"time": "DELTA_BINARY_PACKED"},
    "store_schema": False,
    "write_page_index": True,
}
_DISTINCT = 16_384  # values in a row group, beyond which they are written as they are


def parquet(kind: Kind, *, mixed: bool = False) -> dict[str, Any]:
    """How that kind is written: options of ``pyarrow.parquet.ParquetWriter``.

    Ordered times as deltas, all by zstd but numbers: by LZ4, with a dictionary of the values that a
    reading of a few digits takes. A tenth larger than by zstd, and read in half the time. Row
    groups of `mixed` variables have no such dictionary: it would take half of the time to write and
    save nothing. No BYTE_STREAM_SPLIT: Spark 4.1 cannot read it.
    """
    if kind is not Kind.NUMERIC:
        zstd = {"compression": "zstd", "compression_level": 1}
        return {**_PARQUET, **zstd, "use_dictionary": ["variable"]}
    lz4 = {
        "compression": {"variable": "zstd", "time": "zstd", "value": "lz4"},
        "compression_level": {"variable": 1, "time": 1},
    }
    if mixed:
        return {**_PARQUET, **lz4, "use_dictionary": ["variable"]}
    limit = {"dictionary_pagesize_limit": 8 * _DISTINCT}
    return {**_PARQUET, **lz4, "use_dictionary": ["variable", "value"], **limit}


def schema(kind: Kind) -> pa.Schema:
    """The columns of that kind, as they are written; a reader finds ``variable`` a plain string."""
    # Dictionary only in memory: on disk there is no Arrow schema, so readers prune by name.
    columns = [("variable", _NAME), ("time", pa.int64()), ("value", _VALUE[kind])]
    if kind is Kind.MATRIXNUMERIC:
        columns += [("rows", pa.int32()), ("columns", pa.int32()), ("dtype", pa.string())]
    return pa.schema(columns)


def empty(schema: pa.Schema) -> pa.Table:
    """A table without rows; Arrow's own ``empty_table`` imports pandas."""
    return pa.Table.from_batches([], schema)


def columns(kind: Kind) -> list[str]:
    """The columns to read of a file of that kind when the variable is known."""
    return [name for name in schema(kind).names if name != "variable"]


def table(series: Series) -> pa.Table:
    """The series as a table of `schema(series.kind)`."""
    index = array(np.zeros(len(series), dtype=np.int32))
    names = pa.DictionaryArray.from_arrays(index, _text(series.name))
    times = array(series.time)
    columns: list[pa.Array]
    if series.kind is Kind.MATRIXNUMERIC:
        images = [np.ascontiguousarray(image) for image in series.value]
        columns = [
            pa.array([image.tobytes() for image in images], pa.large_binary()),
            pa.array([image.shape[0] for image in images], pa.int32()),
            pa.array([image.shape[1] for image in images], pa.int32()),
            pa.array([image.dtype.str for image in images], pa.string()),
        ]
    elif series.kind is Kind.VECTORNUMERIC:
        columns = [_lists(series.value)]
    elif series.kind is Kind.VECTORSTRING:
        columns = [_texts([list(row) for row in series.value], _VALUE[series.kind])]
    elif series.kind is Kind.NUMERIC:
        columns = [array(np.asarray(series.value, dtype=np.float64))]
    else:
        columns = [_texts(series.value, _VALUE[series.kind])]
    return pa.Table.from_arrays([names, times, *columns], schema=schema(series.kind))


def _text(text: str) -> pa.Array:
    """One text; `_texts` would import pandas, as all does that looks at Python's objects."""
    data = text.encode("utf-8", "replace")
    ends = np.array([0, len(data)], dtype=np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(data))


def _texts(values: Any, kind: pa.DataType) -> pa.Array:
    """Texts, or lists of them; halves of characters, which JSON may bring, as question marks."""
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_whole(value) for value in values], kind)


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


_PLAIN = {pa.int32(): np.int32, pa.int64(): np.int64, pa.float64(): np.float64}


def numbers(column: Any) -> NDArray[Any]:
    """A column of numbers as an array; a view of its memory where it lies in one piece.

    Not by ``to_numpy``, which imports pandas: 0.4 s of processor time in every process.
    """
    dtype = _PLAIN.get(column.type)
    if dtype is None or column.null_count:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    width = np.dtype(dtype).itemsize
    pieces = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * width)
        for chunk in chunks
        if len(chunk)
    ]
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.empty(0, dtype)


def array(values: NDArray[Any]) -> pa.Array:
    """An array of int32, int64 or float64 as Arrow's, without a copy; nor by way of pandas."""
    kind = next(kind for kind, dtype in _PLAIN.items() if values.dtype == dtype)
    memory = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind, len(values), [None, memory])


def floats(column: Any) -> NDArray[np.float64]:
    """A column of float64 or int64 as float64[n], NaN where there is none; nor by way of pandas."""
    pieces = []
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if not len(chunk):
            continue
        known, memory = chunk.buffers()
        dtype = np.dtype(_PLAIN[chunk.type])
        values = np.frombuffer(memory, dtype, len(chunk), chunk.offset * dtype.itemsize)
        values = values.astype(np.float64)
        if known is not None and chunk.null_count:
            bits = np.unpackbits(np.frombuffer(known, np.uint8), bitorder="little")
            values[bits[chunk.offset : chunk.offset + len(chunk)] == 0] = np.nan
        pieces.append(values)
    return np.concatenate(pieces) if pieces else np.empty(0)


def texts(column: Any) -> NDArray[np.object_]:
    """A column of texts, plain or by dictionary, as object[n] of str; nor by way of pandas."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    out = np.empty(len(column), dtype=object)
    out[:] = column.to_pylist()
    return out


def words(values: Sequence[str | None]) -> pa.Array:
    """Texts as Arrow's strings; nor by way of pandas, which ``pa.array`` of a list imports."""
    encoded = [(value or "").encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError("texts of more than 2 GB in one array")
    known = _known([value is not None for value in values])
    memory = [known, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), memory)


def coded(values: Sequence[str | None]) -> pa.Array:
    """Texts as Arrow's strings by dictionary, as ``dictionary_encode`` makes of them."""
    place = {value: i for i, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    codes = numerals([None if v is None else place[v] for v in values], pa.int32())
    return pa.DictionaryArray.from_arrays(codes, words(list(place)))


def numerals(values: Sequence[float | None], kind: pa.DataType) -> pa.Array:
    """Numbers as an Arrow array of int32, int64 or float64, null where None or NaN."""
    known = [value is not None and value == value for value in values]
    plain = [value if there else 0 for value, there in zip(values, known, strict=True)]
    memory = pa.py_buffer(np.array(plain, dtype=_PLAIN[kind]))
    return pa.Array.from_buffers(kind, len(plain), [_known(known), memory])


def vectors(values: Sequence[Sequence[float | None] | None]) -> pa.Array:
    """Lists of numbers, with None where one is not known, as Arrow's; nor by way of pandas."""
    ends = np.cumsum([0, *(len(value or ()) for value in values)], dtype=np.int64)
    known = _known([value is not None for value in values])
    flat = numerals([number for value in values for number in value or ()], pa.float64())
    return pa.Array.from_buffers(
        pa.large_list(pa.float64()), len(values), [known, pa.py_buffer(ends)], children=[flat]
    )


def _known(there: Sequence[bool]) -> pa.Buffer | None:
    """Arrow's bitmap of what is not null; None when all is there."""
    return None if all(there) else pa.py_buffer(np.packbits(there, bitorder="little"))


def kept(rows: pa.Table, keep: NDArray[np.bool_]) -> pa.Table:
    """The rows that the mask keeps; nor by way of pandas, as comparing with a number goes."""
    return rows if keep.all() else rows.take(array(np.flatnonzero(keep).astype(np.int64)))


def series(rows: pa.Table, variable: Variable) -> Series:
    """The series that `rows`, all of one variable, hold; in the order of the rows."""
    time = numbers(rows["time"])
    return Series(
        variable.name,
        variable.kind,
        variable.unit,
        time,
        values(rows, variable.kind),
        variable.title,
    )


def values(rows: pa.Table, kind: Kind) -> Values:
    """The samples of `rows`, as `Series.value` has them."""
    column = rows["value"]
    if rows.num_rows == 0:
        return empty_values(kind)
    if kind is Kind.NUMERIC:
        return numbers(column)
    if kind is Kind.TEXTUAL:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    if kind is Kind.VECTORNUMERIC:
        return _vectors(column.combine_chunks())
    if kind is Kind.VECTORSTRING:
        return stack_texts(column.to_pylist())
    shapes = zip(rows["rows"].to_pylist(), rows["columns"].to_pylist(), strict=True)
    return stack(
        [
            np.frombuffer(pixels.as_py(), dtype=dtype).reshape(shape)
            for pixels, dtype, shape in zip(column, rows["dtype"].to_pylist(), shapes, strict=True)
        ],
        ndim=2,
    )


def stack_texts(rows: list[list[str]]) -> Values:
    """Lists of texts as object[n] of object arrays."""
    out = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        out[i] = np.array(row, dtype=object)
    return out


def _lists(value: Values) -> pa.Array:
    """Vectors as a large_list array, in one block when they all have the same length."""
    if value.ndim == 2:
        n, m = value.shape
        offsets = np.arange(n + 1, dtype=np.int64) * m
        flat = np.ascontiguousarray(value, dtype=np.float64).ravel()
    else:
        lengths = [len(row) for row in value]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = [np.asarray(row, dtype=np.float64) for row in value]
        flat = np.concatenate(rows) if rows else np.empty(0)
    return pa.LargeListArray.from_arrays(array(offsets), array(flat))


def _vectors(lists: Any) -> Values:
    """A large_list array as [n, m], or as object[n] where lengths differ."""
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks)
    offsets = numbers(lists.offsets)
    flat = numbers(lists.values)
    lengths = np.diff(offsets)
    if (lengths == lengths[0]).all():
        return flat[offsets[0] : offsets[-1]].reshape(len(lengths), int(lengths[0]))
    out = np.empty(len(lengths), dtype=object)
    for i in range(len(lengths)):
        out[i] = flat[offsets[i] : offsets[i + 1]]
    return out
