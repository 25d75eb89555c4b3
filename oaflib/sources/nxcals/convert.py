"""Rows of Spark as samples: structs of ``{elements, dimensions}`` as vectors and images."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from oaflib.errors import QueryRefused
from oaflib.series import Kind, Series, Times, Values, Variable, stack
from oaflib.window import instant, moment


def series_of(variable: Variable, rows: Any, dtype: str = "") -> Series:
    """The samples of one variable, in the order of the rows.

    Parameters
    ----------
    rows : an Arrow table with ``nxcals_timestamp`` and ``nxcals_value``.
    dtype : of images, in numpy's words; empty: as stored.

    Raises
    ------
    QueryRefused
        What was logged is of another kind, or an image whose dimensions are not its size.
    """
    time = rows["nxcals_timestamp"].to_numpy()
    column = rows["nxcals_value"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # of no rows
        column = pa.concat_arrays(column.chunks) if column.num_chunks else column.combine_chunks()
    found = kind_of(column.type)
    if found is not _broad(variable.kind):
        raise QueryRefused(
            f"{variable.name} is {variable.kind}, but what was logged in this window is {found}"
        )
    value = _values(variable, column, time, dtype)
    return Series(variable.name, variable.kind, variable.unit, time, value, variable.title)


def kind_of(kind: Any) -> Kind:
    """The kind of samples of that Arrow type; images are vectors here."""
    if pa.types.is_struct(kind) or pa.types.is_list(kind):
        while not (_is_number(kind) or _is_text(kind)):
            kind = kind.field("elements").type if pa.types.is_struct(kind) else kind.value_type
        return Kind.VECTORSTRING if _is_text(kind) else Kind.VECTORNUMERIC
    return Kind.TEXTUAL if _is_text(kind) else Kind.NUMERIC


def _values(variable: Variable, column: Any, time: Times, dtype: str) -> Values:
    kind = variable.kind
    if kind is Kind.NUMERIC:
        numbers = column.cast(pa.float64()) if not pa.types.is_float64(column.type) else column
        return np.asarray(numbers.to_numpy(zero_copy_only=False))
    if kind is Kind.TEXTUAL:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    samples = _arrays(column, texts=kind is Kind.VECTORSTRING)
    if kind is Kind.VECTORSTRING:
        made = np.empty(len(samples), dtype=object)
        for place, sample in enumerate(samples):
            made[place] = np.array(["" if one is None else one for one in sample], dtype=object)
        return made
    if kind is Kind.VECTORNUMERIC:
        return stack([np.array(sample, np.float64) for sample in samples], ndim=1)
    sizes = column.field("dimensions").to_pylist() if pa.types.is_struct(column.type) else None
    stored = _stored(column.type)
    images = []
    for place, sample in enumerate(samples):
        shape = _shape(sizes[place] if sizes else None, len(sample))
        if shape is None:
            raise QueryRefused(
                f"{variable.name} at {instant(moment(int(time[place])))}: {len(sample)} elements "
                f"are no image of {sizes[place] if sizes else 'unknown dimensions'}"
            )
        pixels = np.asarray(sample, np.float64 if _has_null(sample) else dtype or stored)
        images.append(pixels.reshape(shape))
    return stack(images, ndim=2)


def _arrays(column: Any, *, texts: bool) -> list[Any]:
    """The elements of each row, flat, whatever they were nested in."""
    elements = column
    while pa.types.is_struct(elements.type):
        elements = elements.field("elements")
    inner = elements.type.value_type
    if not (_is_number(inner) or _is_text(inner)):  # a fault of whoever uploaded it
        return [_flat(row) for row in elements.to_pylist()]
    if texts:
        return [row or [] for row in elements.to_pylist()]
    offsets = elements.offsets.to_numpy()
    flat = elements.values.to_numpy(zero_copy_only=False)
    return [flat[a:b] for a, b in pairwise(offsets)]


def _has_null(sample: Any) -> bool:
    """Whether a pixel of it is null; beside one, those of a whole column come as floats."""
    if isinstance(sample, np.ndarray):
        return sample.dtype.kind == "f" and bool(np.isnan(sample).any())
    return None in sample


def _stored(kind: Any) -> Any:
    """The numpy type of the numbers inside, as they are stored."""
    while not _is_number(kind):
        kind = kind.field("elements").type if pa.types.is_struct(kind) else kind.value_type
    return kind.to_pandas_dtype()


def _flat(nested: Any) -> list[Any]:
    if isinstance(nested, dict):
        nested = nested["elements"]
    if not isinstance(nested, list | tuple):
        return [nested]
    return [one for part in nested for one in _flat(part)]


def _shape(dimensions: list[int] | None, size: int) -> tuple[int, int] | None:
    """Rows and columns; what is nested deeper than needed is taken off. None: they do not fit."""
    sizes = list(dimensions or [])
    while len(sizes) > 2 and 1 in sizes:
        sizes.remove(1)
    if len(sizes) == 1:
        sizes = [1, sizes[0]]
    if len(sizes) != 2 or sizes[0] * sizes[1] != size:
        return None
    return sizes[0], sizes[1]


def _broad(kind: Kind) -> Kind:
    return Kind.VECTORNUMERIC if kind is Kind.MATRIXNUMERIC else kind


def _is_number(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)
        or types.is_decimal(kind)
    )  # fmt: skip


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
