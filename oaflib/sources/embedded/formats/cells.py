"""Columns of tables as samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from oaflib import columnar
from oaflib.series import Kind, Values, stack


def kind_of_type(kind: Any) -> Kind | None:
    """The kind of samples that a column of that Arrow type holds; None when it holds none.

    Numbers and truth values → NUMERIC, texts → TEXTUAL, lists → vectors, lists of lists and bytes
    (with their shape beside them) → MATRIXNUMERIC.
    """
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_large_binary(kind) or types.is_binary(kind):
        return Kind.MATRIXNUMERIC
    if _number(kind) or types.is_boolean(kind):
        return Kind.NUMERIC
    if _text(kind):
        return Kind.TEXTUAL
    if _list(kind):
        inner = kind.value_type
        if _number(inner):
            return Kind.VECTORNUMERIC
        if _text(inner):
            return Kind.VECTORSTRING
        if _list(inner) and _number(inner.value_type):
            return Kind.MATRIXNUMERIC
    return None


def cells(rows: pa.Table, kind: Kind) -> Values:
    """The column ``value``, without nulls, as `Series.value` has it.

    Raises
    ------
    pyarrow.ArrowInvalid
        Bytes that are no image of the shape beside them, or lists of lists that are none.
    """
    column = rows["value"]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kind is Kind.MATRIXNUMERIC:
        if _list(column.type):
            return _images(column)
        try:
            return columnar.values(rows, kind)
        except (ValueError, TypeError, KeyError) as error:
            raise pa.ArrowInvalid(
                f"images as bytes need their rows, columns and dtype beside them: {error}"
            ) from error
    if kind is Kind.NUMERIC and pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    wanted = columnar.schema(kind).field("value").type
    return columnar.values(pa.table({"value": column.cast(wanted, safe=False)}), kind)


def _images(column: Any) -> Values:
    leaf = column.type.value_type.value_type.to_pandas_dtype()
    images = []
    for entry in column:
        lines = entry.as_py()
        if len({len(line) for line in lines}) > 1:
            raise pa.ArrowInvalid("the rows of an image differ in length")
        images.append(np.array(lines, dtype=leaf).reshape(len(lines), -1 if lines else 0))
    return stack(images, ndim=2)


def _number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _text(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _list(kind: Any) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
