"""From a set of logged points in Java to times and samples in numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from oaflib.series import Kind, Times, Values, empty_values, stack

FUNDAMENTAL = "FUNDAMENTAL"
# The API's types of data. A fundamental has times only: its value is 1 whenever it occurred.
TYPES = {
    "NUMERIC": Kind.NUMERIC,
    "VECTORNUMERIC": Kind.VECTORNUMERIC,
    "TEXTUAL": Kind.TEXTUAL,
    "MATRIXNUMERIC": Kind.MATRIXNUMERIC,
    "VECTORSTRING": Kind.VECTORSTRING,
    "NUMERICSTATUS": Kind.NUMERIC,
    FUNDAMENTAL: Kind.NUMERIC,
}
_WHOLE = 65_536


class Converter(Protocol):
    """Times (int64 ns UTC) and samples (as `Series.value`) of a set of points of one type.

    A null among single numbers is NaN; other samples that are null are left out.
    """

    def __call__(self, points: Any, type_name: str) -> tuple[Times, Values]: ...


class InBulk:
    """By the Java helper: one call and a few arrays, whatever the number of points."""

    def __init__(self, helper: Any, point: Any) -> None:
        self._bulk = helper(point.class_)

    def __call__(self, points: Any, type_name: str) -> tuple[Times, Values]:
        if type_name == FUNDAMENTAL:
            time = np.array(self._bulk.times(points).time, dtype=np.int64)
            return time, np.ones(len(time))
        kind = TYPES[type_name]
        batch = getattr(self._bulk, _CALLS[kind])(points)
        time = np.array(batch.time, dtype=np.int64)
        return time, _READERS[kind](batch) if len(time) else empty_values(kind)


class PointByPoint:
    """Without the helper: several calls into Java for each point."""

    def __init__(self, jpype: Any, point: Any) -> None:
        self._wrong = (
            jpype.JClass("java.lang.NoSuchMethodException"),
            jpype.JClass("java.lang.ArithmeticException"),
        )
        self._may_be_null = hasattr(point, "isNullValue")

    def __call__(self, points: Any, type_name: str) -> tuple[Times, Values]:
        if type_name == FUNDAMENTAL:
            stamps = [nanoseconds(point.getStamp()) for point in points]
            return np.array(stamps, dtype=np.int64), np.ones(len(stamps))
        kind = TYPES[type_name]
        times: list[int] = []
        samples: list[Any] = []
        for point, value in self._values(points, kind):
            if value is None and kind is not Kind.NUMERIC:
                continue
            times.append(nanoseconds(point.getStamp()))
            samples.append(_SAMPLES[kind](value))
        time = np.array(times, dtype=np.int64)
        if not times:
            return time, empty_values(kind)
        if kind is Kind.NUMERIC:
            return time, np.array(samples, dtype=np.float64)
        if kind in (Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC):
            if kind is Kind.MATRIXNUMERIC:
                samples = _alike(samples)
            return time, stack(samples, ndim=1 if kind is Kind.VECTORNUMERIC else 2)
        return time, _objects(samples)

    def _values(self, points: Any, kind: Kind) -> Iterator[tuple[Any, Any]]:
        one, other = _GETTERS[kind]
        for point in points:
            if self._may_be_null and point.isNullValue():
                yield point, None
                continue
            try:
                yield point, getattr(point, one)()
            except self._wrong:
                one, other = other, one  # a variable is of one type for long stretches
                yield point, getattr(point, one)()


def nanoseconds(stamp: Any) -> int:
    """A ``java.sql.Timestamp`` in int64 ns UTC.

    ``getTime`` holds the milliseconds since 1970 and ``getNanos`` the whole fraction of the second;
    neither knows of a zone, as its text does.
    """
    return int(stamp.getTime()) // 1_000 * 1_000_000_000 + int(stamp.getNanos())


def _numbers(batch: Any) -> Values:
    return np.array(batch.value, dtype=np.float64)


def _vectors(batch: Any) -> Values:
    flat = np.array(batch.value, dtype=np.float64)
    length = np.array(batch.length, dtype=np.int64)
    if (length == length[0]).all() and length[0]:
        return flat.reshape(len(length), int(length[0]))
    return _objects(_cut(flat, length))


def _images(batch: Any) -> Values:
    whole = batch.value is None
    flat = np.array(batch.whole) if whole else np.array(batch.value, dtype=np.float64)
    if whole:
        flat = _narrow(flat.astype(np.int64, copy=False))
    rows = np.array(batch.length, dtype=np.int64)
    columns = np.array(batch.columns, dtype=np.int64)
    images = [
        pixels.reshape(int(high), int(wide))
        for pixels, high, wide in zip(_cut(flat, rows * columns), rows, columns, strict=True)
    ]
    if (rows == rows[0]).all() and (columns == columns[0]).all():
        return flat.reshape(len(rows), int(rows[0]), int(columns[0]))
    return stack(images, ndim=2)


def _texts(batch: Any) -> Values:
    return _dictionary(batch)[np.array(batch.which, dtype=np.int64)]


def _text_vectors(batch: Any) -> Values:
    flat = _dictionary(batch)[np.array(batch.which, dtype=np.int64)]
    return _objects(_cut(flat, np.array(batch.length, dtype=np.int64)))


def _dictionary(batch: Any) -> Values:
    return np.array([str(text) for text in batch.text], dtype=object)


def _cut(flat: Values, length: NDArray[np.int64]) -> list[Values]:
    return np.split(flat, np.cumsum(length)[:-1])


def _objects(samples: list[Values]) -> Values:
    value = np.empty(len(samples), dtype=object)
    for i, sample in enumerate(samples):
        value[i] = sample
    return value


def _narrow(pixels: Values) -> Values:
    """Whole pixels as uint16 where they fit: Java knows a camera's numbers only as long."""
    if pixels.size and int(pixels.min()) >= 0 and int(pixels.max()) < _WHOLE:
        return pixels.astype(np.uint16)
    return pixels


def _alike(images: list[Values]) -> list[Values]:
    """Images of one type of number, as the helper makes them of one set."""
    if any(image.dtype.kind == "f" for image in images):
        return [image.astype(np.float64) for image in images]
    narrow = all(_narrow(image).dtype == np.uint16 for image in images if image.size)
    return [image.astype(np.uint16 if narrow else np.int64) for image in images]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _vector(value: Any) -> Values:
    return np.array(value, dtype=np.float64)


def _image(value: Any) -> Values:
    rows = [np.array(row) for row in value]
    return np.stack(rows) if rows else np.empty((0, 0), dtype=np.int64)


def _strings(value: Any) -> Values:
    return np.array(["" if text is None else str(text) for text in value], dtype=object)


_CALLS = {
    Kind.NUMERIC: "numbers",
    Kind.VECTORNUMERIC: "vectors",
    Kind.MATRIXNUMERIC: "images",
    Kind.TEXTUAL: "texts",
    Kind.VECTORSTRING: "textVectors",
}
_READERS: dict[Kind, Callable[[Any], Values]] = {
    Kind.NUMERIC: _numbers,
    Kind.VECTORNUMERIC: _vectors,
    Kind.MATRIXNUMERIC: _images,
    Kind.TEXTUAL: _texts,
    Kind.VECTORSTRING: _text_vectors,
}
_GETTERS = {
    Kind.NUMERIC: ("getDoubleValue", "getLongValue"),
    Kind.VECTORNUMERIC: ("getDoubleValues", "getLongValues"),
    Kind.MATRIXNUMERIC: ("getMatrixDoubleValues", "getMatrixLongValues"),
    Kind.TEXTUAL: ("getVarcharValue", "getVarcharValue"),
    Kind.VECTORSTRING: ("getStringValues", "getStringValues"),
}
_SAMPLES: dict[Kind, Callable[[Any], Any]] = {
    Kind.NUMERIC: _number,
    Kind.VECTORNUMERIC: _vector,
    Kind.MATRIXNUMERIC: _image,
    Kind.TEXTUAL: str,
    Kind.VECTORSTRING: _strings,
}
