"""TFS tables: a column ``TIME``, and one column a variable.

``TIME`` is a text ``2018_10_30@14_05_50_576000`` in UTC, whole nanoseconds (``%d``), or seconds
since 1970 UTC (``%le``). Columns of numbers become NUMERIC variables ``DEVICE:COLUMN``, where the
device is the option, or the file's name without its ending. Other columns are left out, and said.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import tfs
from numpy.typing import NDArray

from oaflib.errors import IngestError
from oaflib.series import Kind, Series
from oaflib.sources.embedded.intake import Intake
from oaflib.sources.embedded.times import Reader

_TIME = re.compile(r"(\d{4})_(\d\d)_(\d\d)@(\d\d)_(\d\d)_(\d\d)(?:_(\d{1,9}))?", re.ASCII)
_SECOND = 10**9


def read(path: Path, intake: Intake) -> None:
    """Hand every sample of the table to `intake`.

    Raises
    ------
    IngestError
        Not a TFS table, or one without TIME or numbers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns that this table does not name uniquely
            table = tfs.read(path, non_unique_behavior="raise")
    except Exception as error:  # its readers raise whatever the line at fault makes them
        raise IngestError(f"{path} cannot be read as TFS: {error!r}") from error
    if "TIME" not in table.columns:
        raise IngestError(
            f"{path} has no column TIME; its columns: {', '.join(map(str, table.columns[:20]))}"
        )
    time, good = _times(table["TIME"].to_numpy(), intake)
    device = path.name.split(".")[0]
    left = []
    for column in table.columns:
        value = table[column].to_numpy()
        if column == "TIME":
            continue
        if value.dtype.kind not in "iufb":
            left.append(str(column))
            continue
        try:
            name = intake.name(str(column), device)
        except ValueError as error:
            raise IngestError(f"{path}: the column {column}: {error}") from None
        known = intake.batch.kind_of(name)
        if known not in (None, Kind.NUMERIC):
            raise IngestError(f"{path}: {name} is {known} in the store and cannot become NUMERIC")
        numbers = np.asarray(value, dtype=np.float64)[good]
        intake.batch.add(Series(name, Kind.NUMERIC, "", time[good], numbers))
    if left:
        intake.notes.append(f"columns that are no numbers were left out: {', '.join(left)}")
    if len(left) == len(table.columns) - 1:
        raise IngestError(f"{path} has no column of numbers beside TIME")


def _times(column: Any, intake: Intake) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Int64 ns UTC, and which of them are times."""
    if column.dtype.kind in "iu":
        return column.astype(np.int64), np.ones(len(column), dtype=bool)
    if column.dtype.kind == "f":
        good = np.isfinite(column) & (np.abs(column) < 2**63 / _SECOND)
        whole = np.floor(np.where(good, column, 0.0))
        parts = np.rint((np.where(good, column, 0.0) - whole) * _SECOND)
        time = whole.astype(np.int64) * _SECOND + parts.astype(np.int64)
        for bad in np.flatnonzero(~good).tolist():
            intake.refuse(bad + 1, f"TIME is {column[bad]}", "row")
        return time, good
    time, good = np.zeros(len(column), dtype=np.int64), np.ones(len(column), dtype=bool)
    reader = Reader(ZoneInfo("UTC"))
    for row, text in enumerate(column):
        try:
            time[row] = reader.time(_iso(str(text)))
        except ValueError as error:
            good[row] = False
            intake.refuse(row + 1, str(error), "row")
    intake.times.leaps += reader.leaps
    return time, good


def _iso(text: str) -> str:
    found = _TIME.fullmatch(text.strip())
    if not found:
        return text
    year, month, day, hour, minute, second, fraction = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '0'}Z"
