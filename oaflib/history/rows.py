"""The rows of history: a window's statistics as a table, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from oaflib import columnar
from oaflib.report import Report, Statistics
from oaflib.trend import Floats
from oaflib.window import nanoseconds

_NAME = pa.dictionary(pa.int32(), pa.string())
_FLOATS = pa.large_list(pa.float64())
SCHEMA = pa.schema(
    [
        ("variable", _NAME),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("label", _NAME),
        ("made", pa.int64()),
        ("place", pa.int32()),
        ("kind", _NAME),
        ("unit", _NAME),
        ("count", pa.int64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("mean", pa.float64()),
        ("std", pa.float64()),
        ("first", pa.float64()),
        ("last", pa.float64()),
        ("first_text", pa.string()),
        ("last_text", pa.string()),
        ("first_time", pa.int64()),
        ("last_time", pa.int64()),
        ("nan", pa.int64()),
        ("inf", pa.int64()),
        ("duplicates", pa.int64()),
        ("title", _NAME),
        ("shape", _NAME),
        ("element_mean", _FLOATS),
        ("element_std", _FLOATS),
    ]
)
PLAIN: tuple[str, ...] = (
    "kind",
    "unit",
    "count",
    "min",
    "max",
    "mean",
    "std",
    "first_time",
    "last_time",
)
PLAIN += ("nan", "inf", "duplicates", "title", "shape")
TREND: tuple[str, ...] = ("variable", "start", "end", "label", "made", "unit", "count")
TREND += ("min", "max", "mean", "std", "first", "last", "element_mean", "element_std")


@dataclass(frozen=True)
class Stamp:
    """Which window of a dataset, and when its report was made: times in int64 ns UTC."""

    start: int
    end: int
    label: str
    made: int

    @classmethod
    def of(cls, report: Report) -> Stamp:
        """The stamp of a report."""
        window = report.window
        return cls(window.start_ns, window.end_ns, window.label, nanoseconds(report.made_at))


def table(stamp: Stamp, statistics: Iterable[Statistics]) -> pa.Table:
    """The statistics of one window, a row each, sorted by variable."""
    entries = sorted(enumerate(statistics), key=lambda pair: (pair[1].variable, pair[0]))
    columns: dict[str, list[Any]] = {
        name: [getattr(entry, name) for _, entry in entries] for name in PLAIN
    }
    columns["variable"] = [entry.variable for _, entry in entries]
    columns["place"] = [place for place, _ in entries]
    for name in ("start", "end", "label", "made"):
        columns[name] = [getattr(stamp, name)] * len(entries)
    for name in ("first", "last"):
        found = [getattr(entry, name) for _, entry in entries]
        columns[f"{name}_text"] = [x if isinstance(x, str) else None for x in found]
        columns[name] = [None if isinstance(x, str) else x for x in found]
    for name in ("mean", "std"):
        columns[f"element_{name}"] = [(entry.elements or {}).get(name) for _, entry in entries]
    return pa.Table.from_arrays([_array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return columnar.coded(values)
    if pa.types.is_string(kind):
        return columnar.words(values)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return columnar.numerals(values, kind)
    if all(value is None for value in values):
        return pa.nulls(len(values), kind)
    return columnar.vectors(values)


def statistics(rows: pa.Table) -> list[Statistics]:
    """The statistics that `rows` of one window hold, in the order of the report."""
    rows = rows.sort_by("place")
    known = [rows[name].to_pylist() for name in ("variable", *PLAIN)]
    ends = []
    for name in ("first", "last"):
        pairs = zip(rows[name].to_pylist(), rows[f"{name}_text"].to_pylist(), strict=True)
        ends.append([number if text is None else text for number, text in pairs])
    elements = _elements(rows)
    names = ("variable", *PLAIN, "first", "last", "elements")
    columns = zip(*known, *ends, elements, strict=True)
    return [Statistics(**dict(zip(names, row, strict=True))) for row in columns]


def _elements(rows: pa.Table) -> list[dict[str, tuple[float | None, ...]] | None]:
    """``mean`` and ``std`` of the elements of each row; None where it has none."""
    both = {name: rows[f"element_{name}"] for name in ("mean", "std")}
    if all(column.null_count == rows.num_rows for column in both.values()):
        return [None] * rows.num_rows
    lists = {name: column.to_pylist() for name, column in both.items()}
    return [
        {name: tuple(lists[name][i]) for name in lists if lists[name][i] is not None} or None
        for i in range(rows.num_rows)
    ]


def texts(rows: pa.Table, name: str) -> Any:
    """A column of texts as object[n]."""
    return columnar.texts(rows[name])


def floats(rows: pa.Table, name: str) -> Floats:
    """A column of numbers as float64[n], NaN where there is none."""
    return columnar.floats(rows[name])


def matrix(rows: pa.Table, name: str) -> Floats | None:
    """A column of lists as float64[n, m], short ones filled with NaN; None without any list."""
    if rows[name].null_count == rows.num_rows:  # of a number: years of nothing to look at
        return None
    lists = rows[name].to_pylist()
    width = max((len(row) for row in lists if row is not None), default=0)
    if not width:
        return None
    out = np.full((len(lists), width), np.nan)
    for i, row in enumerate(lists):
        if row is not None:
            out[i, : len(row)] = [np.nan if x is None else x for x in row]
    return out


def empty() -> pa.Table:
    """No row."""
    return columnar.empty(SCHEMA)


def unified(rows: Mapping[str, pa.Table] | list[pa.Table]) -> pa.Table:
    """Several tables as one, with one dictionary a column."""
    tables = list(rows.values()) if isinstance(rows, Mapping) else rows
    if not tables:
        return empty()
    return pa.concat_tables(tables).unify_dictionaries()
