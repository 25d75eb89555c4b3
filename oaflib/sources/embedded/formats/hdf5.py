"""HDF5: one group a variable, with the datasets ``time`` and ``value``.

The group's path is the variable's name (``/LHC.BCTDC.A6R4.B1:BEAM_INTENSITY``), or its attribute
``name`` is; its attributes ``unit`` and ``title`` are the variable's. ``time`` is int64[n], ns UTC.
``value`` is number[n] (NUMERIC), text[n] (TEXTUAL), number[n, m] or number[n] of variable length
(VECTORNUMERIC), text[n, m] (VECTORSTRING), or number[n, rows, columns] (MATRIXNUMERIC). Images that
change their size: pixels of variable length, and the datasets ``rows`` and ``columns`` beside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from oaflib.errors import IngestError, OafError
from oaflib.series import Kind, Series, Values, stack
from oaflib.sources.embedded.intake import Intake

_BYTES = 32_000_000


def read(path: Path, intake: Intake) -> None:
    """Hand every sample of the file to `intake`, some at a time.

    Raises
    ------
    IngestError
        No variable in it, a group that is not one, or a damaged file.
    """
    try:
        with h5py.File(path, "r") as file:
            groups: list[Any] = []
            file.visititems(lambda _, node: _collect(node, groups))
            if not groups:
                raise IngestError(
                    f"{path} holds no variable: no group has the datasets 'time' and 'value'"
                )
            for group in groups:
                _take(path, group, intake)
    except OafError:
        raise
    except Exception as error:  # h5py raises whatever the byte at fault makes it
        raise IngestError(f"{path} cannot be read as HDF5: {error}") from error


def _collect(node: Any, groups: list[Any]) -> None:
    if isinstance(node, h5py.Group) and {"time", "value"} <= set(node):
        groups.append(node)


def _take(path: Path, group: Any, intake: Intake) -> None:
    where = f"{path}: {group.name}"
    time, value = group["time"], group["value"]
    if time.dtype != np.int64 or time.ndim != 1:
        raise IngestError(
            f"{where}/time is {time.dtype}{list(time.shape)}; it must be int64[n], ns UTC"
        )
    if not value.ndim or len(value) != len(time):
        raise IngestError(f"{where} has {len(time)} times, and values of shape {value.shape}")
    kind = _kind(where, group)
    try:
        name = intake.name(_text(group, "name") or group.name.lstrip("/"))
    except ValueError as error:
        raise IngestError(f"{where}: {error}") from None
    known = intake.batch.kind_of(name)
    if known not in (None, kind):
        raise IngestError(f"{where} is {kind}, but {name} is {known} in the store")
    unit, title = (_text(group, key) for key in ("unit", "title"))
    step = max(1, _BYTES // max(8, value.dtype.itemsize * int(np.prod(value.shape[1:]))))
    if value.dtype.kind == "O":
        step = min(step, 10_000)
    for first in range(0, len(time), step):
        part = slice(first, first + step)
        samples = _samples(where, group, kind, part)
        intake.batch.add(Series(name, kind, unit, time[part], samples, title))


def _text(group: Any, key: str) -> str:
    """An attribute of the group as text; '' when it has none."""
    value = group.attrs.get(key, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _kind(where: str, group: Any) -> Kind:
    value = group["value"]
    vector = h5py.check_vlen_dtype(value.dtype)
    if h5py.check_string_dtype(value.dtype) and value.ndim in (1, 2):
        return Kind.TEXTUAL if value.ndim == 1 else Kind.VECTORSTRING
    if vector is not None and np.dtype(vector).kind in "iufb" and value.ndim == 1:
        images = {"rows", "columns"} <= set(group)
        return Kind.MATRIXNUMERIC if images else Kind.VECTORNUMERIC
    if value.dtype.kind in "iufb" and value.ndim in (1, 2, 3):
        return (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC)[value.ndim - 1]
    raise IngestError(
        f"{where}/value is {value.dtype} of {value.ndim} dimensions; allowed are numbers of 1 to 3 "
        "dimensions, or of variable length, and texts of 1 or 2"
    )


def _samples(where: str, group: Any, kind: Kind, part: slice) -> Values:
    value = group["value"]
    if kind is Kind.TEXTUAL:
        return np.asarray(value.asstr()[part], dtype=object)
    if kind is Kind.VECTORSTRING:
        rows = value.asstr()[part]
        out = np.empty(len(rows), dtype=object)
        for i, row in enumerate(rows):
            out[i] = np.array(row, dtype=object)
        return out
    raw = value[part]
    if kind is Kind.NUMERIC or (kind is Kind.VECTORNUMERIC and raw.dtype != object):
        return np.asarray(raw, dtype=np.float64)
    if kind is Kind.VECTORNUMERIC:
        return stack([np.asarray(row, dtype=np.float64) for row in raw], ndim=1)
    if raw.dtype != object:
        return np.asarray(raw)
    shapes = zip(group["rows"][part], group["columns"][part], strict=True)
    try:
        return stack([row.reshape(shape) for row, shape in zip(raw, shapes, strict=True)], ndim=2)
    except ValueError as error:
        raise IngestError(f"{where}: an image is not of its rows and columns: {error}") from None
