"""What experts already have in spreadsheets: long tables of points, marked as imported.

A value is a number, or a vector as a JSON list: its mean and its elements are kept.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.errors import HistoryError
from oaflib.history.rows import matrix
from oaflib.history.shelf import among, place
from oaflib.trend import Floats, Trend
from oaflib.window import nanoseconds, zone_named

_COLUMNS = ("timestamp", "variable", "value", "unit")
_NAMED = 20  # wrong lines named, beyond which they are counted
Point = tuple[int, str, float, str, list[float] | None]


def take(folder: Path, path: Path, zone: str = "") -> int:
    """Bring the points of `path` into `folder`; how many there are. See `History.import_file`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}") from error
    lines = _sheet(data, path) if path.suffix.lower() == ".xlsx" else _csv(data, path)
    points = _points(lines, path, zone_named(zone) if zone else None)
    points.sort(key=lambda point: (point[1], point[0]))
    columns = list(zip(*points, strict=True)) if points else [()] * 5
    rows = pa.table(
        {
            "variable": pa.array(columns[1], pa.string()),
            "time": pa.array(columns[0], pa.int64()),
            "value": pa.array(columns[2], pa.float64()),
            "unit": pa.array(columns[3], pa.string()),
            "elements": pa.array(columns[4], pa.list_(pa.float64())),
        }
    )
    digest = hashlib.sha256(data).hexdigest()[:24]
    place(folder / f"{digest}.parquet", rows, {b"oaf.file": path.name.encode()})
    return len(points)


def names(folder: Path) -> list[str]:
    """The variables that were imported."""
    found: set[str] = set()
    for path in sorted(folder.glob("*.parquet")):
        found |= set(_read(path, ["variable"])["variable"].unique().to_pylist())
    return sorted(found)


def copy(folder: Path, target: Path, wanted: Sequence[str]) -> None:
    """Put the points of the variables `wanted` into `target`, file by file."""
    for path in sorted(folder.glob("*.parquet")):
        rows = _read(path, ["variable", "time", "value", "unit"])
        rows = rows.filter(among(rows["variable"], wanted))
        if rows.num_rows:
            place(target / path.name, rows, {})


def trends(
    folder: Path, wanted: Mapping[str, Sequence[str]], span: tuple[int, int]
) -> dict[str, Trend]:
    """The imported points of variables, each by all its names, in ``[first, stop)`` of ns UTC.

    Those of which there are some.
    """
    every = sorted(set(chain.from_iterable(wanted.values())))
    parts = []
    for path in sorted(folder.glob("*.parquet")):
        rows = _read(path, ["variable", "time", "value", "unit", "elements"])
        parts.append(rows.filter(among(rows["variable"], every)))
    rows = pa.concat_tables(parts, promote_options="default") if parts else None
    if rows is None or not rows.num_rows:
        return {}
    found = {}
    for variable, names in wanted.items():
        own = rows.filter(among(rows["variable"], names))
        if own.num_rows and len(points := _trend(variable, own, span)):
            found[variable] = points
    return found


def _trend(variable: str, rows: pa.Table, span: tuple[int, int]) -> Trend:
    time = columnar.numbers(rows["time"])
    order = np.argsort(time, kind="stable")
    order = order[np.append(np.diff(time[order]) > 0, True)]
    order = order[(time[order] >= span[0]) & (time[order] < span[1])]
    rows = rows.take(columnar.array(order.astype(np.int64)))
    time = columnar.numbers(rows["time"])
    value = columnar.floats(rows["value"])
    units = columnar.texts(rows["unit"])
    elements = matrix(rows, "elements") if "elements" in rows.column_names else None
    low, high = _extremes(value, elements)
    return Trend(
        *(variable, str(units[-1]) if len(units) else "", time, time),
        np.ones(len(time), dtype=np.int64),
        *(low, high, value, np.full(len(time), np.nan), value, value),
        units,
        np.ones(len(time), dtype=bool),
        elements=elements,
    )


def _extremes(value: Floats, elements: Floats | None) -> tuple[Floats, Floats]:
    """Least and greatest of each point: of its elements, where it has some."""
    if elements is None:
        return value, value
    known = np.isfinite(elements)
    low = np.where(known, elements, np.inf).min(axis=1)
    high = np.where(known, elements, -np.inf).max(axis=1)
    some = known.any(axis=1)
    return np.where(some, low, value), np.where(some, high, value)


def _read(path: Path, columns: list[str]) -> pa.Table:
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            there = set(file.schema_arrow.names)  # files of old know no elements
            return file.read(columns=[name for name in columns if name in there])
    except (OSError, pa.ArrowException) as error:
        raise HistoryError(f"{path} is damaged ({error}); delete it and import again") from error


def _points(
    lines: Iterator[tuple[int, list[object]]], path: Path, zone: ZoneInfo | None
) -> list[Point]:
    header: list[str] | None = None
    points: list[Point] = []
    wrong: list[str] = []
    for number, cells in lines:
        if not any(cell not in (None, "") for cell in cells) or str(cells[0]).startswith("#"):
            continue
        if header is None:
            header = _header(cells, path)
            continue
        row = dict(zip(header, cells, strict=False))
        try:
            points.append(_point(row, zone))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if header is None:
        raise HistoryError(f"{path} is empty; its first line must be timestamp,variable,value,unit")
    if wrong:
        more = f"\n… and {len(wrong) - _NAMED} lines more" if len(wrong) > _NAMED else ""
        raise HistoryError(f"{path} was not taken:\n" + "\n".join(wrong[:_NAMED]) + more)
    return points


def _header(cells: list[object], path: Path) -> list[str]:
    found = [str(cell or "").strip().lower() for cell in cells]
    lacking = [name for name in _COLUMNS[:3] if name not in found]
    strange = [name for name in found if name and name not in _COLUMNS]
    if lacking or strange or len(set(found)) < len(found):
        raise HistoryError(
            f"{path}: the first line is '{','.join(found)[:200]}'; it must be "
            "timestamp,variable,value or timestamp,variable,value,unit, in any order"
        )
    return found


def _point(row: dict[str, object], zone: ZoneInfo | None) -> Point:
    variable = str(row.get("variable") or "").strip()
    if not variable or not variable.isprintable():
        raise ValueError("the variable's name is empty or holds what cannot be printed")
    unit = str(row.get("unit") or "").strip()
    text = str(row.get("value") if row.get("value") is not None else "").strip()
    time = _instant(row.get("timestamp"), zone)
    if text.startswith("["):
        elements = _vector(text, variable)
        return time, variable, math.fsum(elements) / len(elements), unit, elements
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"the value '{text[:40]}' of {variable} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"the value of {variable} is {text}; leave the line out instead")
    return time, variable, value, unit, None


def _vector(text: str, variable: str) -> list[float]:
    """The elements of a vector, written as a JSON list of finite numbers."""
    try:
        found = json.loads(text)
        elements = [float(one) for one in found if not isinstance(one, (bool, str, list))]
    except (ValueError, TypeError, RecursionError):
        elements, found = [], None
    if not elements or len(elements) != len(found or ()) or not all(map(math.isfinite, elements)):
        raise ValueError(
            f"the value '{text[:40]}' of {variable} is not a list of numbers, as [0.98, 1.02]"
        )
    return elements


def _instant(given: object, zone: ZoneInfo | None) -> int:
    text = str(given or "").strip()
    if text.isdecimal() and len(text) >= 15:
        return int(text)
    try:
        when = given if isinstance(given, datetime) else datetime.fromisoformat(text)
        if when.tzinfo is None:
            if zone is None:
                raise ValueError
            when = when.replace(tzinfo=zone)
        return nanoseconds(when.astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(
            f"the timestamp '{text[:40]}' is not a time with a zone (2026-11-23T06:00:00Z) nor "
            "nanoseconds since 1970 UTC"
        ) from None


def _csv(data: bytes, path: Path) -> Iterator[tuple[int, list[object]]]:
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path} cannot be read: {error}; save it as 'CSV UTF-8'") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, [*cells] or [""]
    except csv.Error as error:
        raise HistoryError(f"{path}: line {reader.line_num}: {error}") from error


def _sheet(data: bytes, path: Path) -> Iterator[tuple[int, list[object]]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = list(book[book.sheetnames[0]].iter_rows(values_only=True))
    except Exception as error:  # a damaged workbook makes openpyxl raise almost anything
        raise HistoryError(
            f"{path} is not a workbook that can be read ({type(error).__name__}); save it as .xlsx "
            "without a password, or as CSV"
        ) from error
    for number, cells in enumerate(rows, start=1):
        yield number, list(cells) or [""]
