"""Parquet, long or wide.

Long: columns ``variable``, ``timestamp`` (or ``time``) and ``value``, perhaps ``unit``; images as
bytes beside ``rows``, ``columns`` and ``dtype``, as the store writes them. Wide: a time column and
one column a variable; an empty cell is no sample. Times are timestamps, or int64 ns UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oaflib.errors import IngestError
from oaflib.series import Kind, Series, Times
from oaflib.sources.embedded.formats.cells import cells, kind_of_type
from oaflib.sources.embedded.intake import Intake

_CELLS = 2_000_000
_TIMES = ("timestamp", "time", "timestamp_utc", "time_utc")
_LONG = {"variable", "value", "unit", "rows", "columns", "dtype"}


def read(path: Path, intake: Intake) -> None:
    """Hand every sample of the file to `intake`, some rows at a time.

    Raises
    ------
    IngestError
        No table of samples, or a damaged file.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            time = _time_column(path, schema)
            long = {"variable", "value"} <= set(schema.names)
            check = _check_long if long else _check_wide
            check(path, schema, time)
            size = max(1000, _CELLS // len(schema.names))
            first = 1
            for rows in file.iter_batches(batch_size=size):
                take = _long if long else _wide
                take(pa.table(rows), time, intake, first)
                first += rows.num_rows
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # names are bytes there
        raise IngestError(f"{path} cannot be read as Parquet: {error}") from error


def _time_column(path: Path, schema: pa.Schema) -> str:
    found = [name for name in schema.names if name.lower() in _TIMES]
    if len(found) != 1:
        raise IngestError(
            f"{path} has {len(found) or 'no'} time columns; exactly one column must be called "
            f"{' or '.join(_TIMES)}. Its columns: {', '.join(schema.names[:20])}"
        )
    kind = schema.field(found[0]).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_integer(kind)):
        raise IngestError(
            f"{path}: the column {found[0]} is {kind}; times must be timestamps, or int64 "
            "nanoseconds since 1970 UTC"
        )
    return str(found[0])


def _check_long(path: Path, schema: pa.Schema, time: str) -> None:
    strange = [name for name in schema.names if name not in _LONG and name != time]
    if strange:
        raise IngestError(
            f"{path}: '{strange[0]}' is no column of a long table; they are {time}, variable, "
            "value, and perhaps unit"
        )
    _check_types(path, schema, ["value"])


def _check_wide(path: Path, schema: pa.Schema, time: str) -> None:
    names = [name for name in schema.names if name != time]
    if not names:
        raise IngestError(f"{path} has a time column and nothing else")
    if len(set(names)) < len(names):
        raise IngestError(f"{path} has several columns of one name; each is a variable")
    _check_types(path, schema, names)


def _check_types(path: Path, schema: pa.Schema, names: list[str]) -> None:
    for name in names:
        kind = schema.field(name).type
        if kind_of_type(kind) is None:
            raise IngestError(
                f"{path}: the column {name} is {kind}; allowed are numbers, texts, lists of "
                "either, and lists of lists of numbers"
            )


def _long(rows: pa.Table, time: str, intake: Intake, first: int) -> None:
    images = pa.types.is_large_binary(rows["value"].type) or pa.types.is_binary(rows["value"].type)
    kind = Kind.MATRIXNUMERIC if images else kind_of_type(rows["value"].type)
    assert kind is not None
    times, good = _times(rows[time], time, intake, first)
    for column, what in (("variable", "variable"), ("value", "value")):
        for row in np.flatnonzero(good & rows[column].is_null().to_numpy()):
            intake.refuse(first + int(row), f"there is no {what}", "row")
        good &= rows[column].is_valid().to_numpy()
    names = pc.dictionary_encode(rows["variable"].cast(pa.string())).unify_dictionaries()
    whole = names.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    codes = whole.indices.fill_null(-1).to_numpy()
    for which, name in enumerate(whole.dictionary.to_pylist()):
        mine = np.flatnonzero(good & (codes == which))
        if not len(mine) or not _agrees(name, kind, intake, first + int(mine[0]), len(mine)):
            continue
        part = rows.take(pa.array(mine))
        series = Series(intake.name(name), kind, "", times[mine], cells(part, kind))
        if "unit" in rows.column_names:
            units, which_unit = np.unique(
                np.array([unit or "" for unit in part["unit"].to_pylist()], dtype=object),
                return_inverse=True,
            )
            intake.add_with_units(series, list(units), which_unit)
        else:
            intake.batch.add(series)


def _wide(rows: pa.Table, time: str, intake: Intake, first: int) -> None:
    times, good = _times(rows[time], time, intake, first)
    for name in rows.column_names:
        if name == time:
            continue
        kind = kind_of_type(rows[name].type)
        mine = np.flatnonzero(good & rows[name].is_valid().to_numpy())
        device = intake.path.name.split(".")[0]
        assert kind is not None
        if not _agrees(name, kind, intake, first, len(mine), device):
            continue
        value = cells(pa.table({"value": rows[name].take(pa.array(mine))}), kind)
        intake.batch.add(Series(intake.name(name, device), kind, "", times[mine], value))


def _agrees(name: str, kind: Kind, intake: Intake, row: int, count: int, device: str = "") -> bool:
    """Whether these samples can be taken; says why not."""
    try:
        known = intake.batch.kind_of(intake.name(name, device))
    except ValueError as error:
        intake.refuse(row, str(error), "row", max(1, count))
        return False
    if known not in (None, kind):
        intake.refuse(row, f"{name} is {known} and cannot become {kind}", "row", max(1, count))
        return False
    return True


def _times(column: Any, name: str, intake: Intake, first: int) -> tuple[Times, Any]:
    """Int64 ns UTC, and which of them are times."""
    good = column.is_valid().to_numpy().copy()
    for row in np.flatnonzero(~good):
        intake.refuse(first + int(row), "there is no time", "row")
    if pa.types.is_timestamp(column.type):
        column = _utc(column, name, intake)
    return column.cast(pa.int64()).fill_null(0).to_numpy(), good


def _utc(column: Any, name: str, intake: Intake) -> Any:
    zone = intake.times.zone.key if intake.times.zone else ""
    if column.type.tz is None:
        zone = "UTC" if name.lower().endswith("_utc") else zone
        if not zone:
            raise IngestError(
                f"{intake.path}: the times of the column {name} have no zone; name it with --zone"
            )
        try:
            column = pc.assume_timezone(column, zone)
        except pa.ArrowInvalid as error:
            raise IngestError(
                f"{intake.path}: a time of the column {name} comes twice in {zone} or does not "
                f"exist, for the clocks changed: {error}"
            ) from error
    return column.cast(pa.timestamp("ns", "UTC"))
