"""A lake in the NXCALS layout, made from any series: what `kind = "nxcals"` reads without CERN.

::

    lake/
      data/<system>/<partition>/<schema>/<YYYY-MM-DD>/*.parquet    days are those of UTC
      catalogue/variables.parquet  entities.parquet  schemas.parquet  groups.parquet  fills.parquet

A row of data is what one entity published at once: ``nxcals_entity_id``, ``nxcals_timestamp``
(int64 ns UTC) and a column a field, null where it was not published. Arrays are structs of
``elements`` and ``dimensions``. A variable is a field of an entity, for a span of time.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oaflib.series import Kind, Series, Times
from oaflib.sources.base import Fill, Snapshot
from oaflib.window import moment

FOREVER = 2**63 - 1
_DAY = 86_400 * 10**9
_ELEMENTS = {
    "i1": ("int", pa.int32()), "u1": ("int", pa.int32()), "i2": ("int", pa.int32()),
    "u2": ("int", pa.int32()), "i4": ("int", pa.int32()), "u4": ("bigint", pa.int64()),
    "i8": ("bigint", pa.int64()), "f4": ("float", pa.float32()), "f8": ("double", pa.float64()),
}  # fmt: skip
_TEXT = ("string", pa.string())


@dataclass(frozen=True)
class Column:
    """A field's type: in Spark's words, in Arrow's, and the array's own type in numpy's."""

    ddl: str
    arrow: Any
    dtype: str = ""


def column_of(kind: Kind, dtype: np.dtype[Any]) -> Column:
    """The type of a field that holds samples of that kind and numpy type."""
    if kind is Kind.NUMERIC:
        return Column("double", pa.float64())
    if kind is Kind.TEXTUAL:
        return Column(*_TEXT)
    texts = kind is Kind.VECTORSTRING
    name = dtype.str[1:]
    ddl, arrow = _TEXT if texts else _ELEMENTS[name]
    struct = pa.struct([("elements", pa.list_(arrow)), ("dimensions", pa.list_(pa.int32()))])
    return Column(
        f"struct<elements:array<{ddl}>,dimensions:array<int>>", struct, "" if texts else name
    )


@dataclass
class _Entity:
    number: int
    keys: dict[str, str]
    schemas: dict[str, tuple[int, int]] = field(default_factory=dict)


class NxcalsLakeWriter:
    """Writes series into the lake `folder`; the catalogue is there when the context ends.

    Parameters
    ----------
    system : ``CMW``: a device's variables are the fields of one entity, its property
        ``Acquisition``. ``WINCCOA``: each variable is an entity of its own, its field ``value``.
    shuffle : a seed by which the rows of a file lose their order, as NXCALS promises none.
    """

    def __init__(self, folder: Path, system: str = "CMW", shuffle: int | None = None) -> None:
        self.folder, self.system = folder, system
        self._random = None if shuffle is None else np.random.default_rng(shuffle)
        self._entities: dict[str, _Entity] = {}
        self._schemas: dict[tuple[tuple[str, str], ...], str] = {}
        self._variables: dict[str, dict[str, Any]] = {}
        self._mapped: dict[str, list[tuple[int, str, int, int]]] = {}
        self._snapshots: list[Snapshot] = []
        self._fills: list[Fill] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._catalogue()

    def add(self, series: Sequence[Series]) -> None:
        """Log these series, all of an entity's fields that belong into one row in one call."""
        by_entity: dict[str, dict[str, list[Series]]] = defaultdict(lambda: defaultdict(list))
        for entry in series:
            device, field_name = self._place(entry.name)
            by_entity[device][field_name].append(entry)
        for name, fields in by_entity.items():
            self._write(name, fields)

    def mapping(self, variable: str, entity: str, field_name: str, begins: int, ends: int) -> None:
        """Say that `variable` was that field of that entity in ``[begins, ends)`` only."""
        number = self._entities[entity].number
        self._mapped.setdefault(variable, []).append((number, field_name, begins, ends))

    def variable(self, name: str, kind: Kind, unit: str = "", title: str = "") -> None:
        """Register a variable beside those that series made."""
        self._variables[name] = {"kind": str(kind), "unit": unit, "title": title, "dtype": ""}

    def snapshot(self, snapshot: Snapshot) -> None:
        """Save a query, as a public group with the label SNAPSHOT."""
        self._snapshots.append(snapshot)

    def fill(self, fill: Fill) -> None:
        """Say when the machine was filled."""
        self._fills.append(fill)

    def _place(self, name: str) -> tuple[str, str]:
        if self.system == "WINCCOA":
            return name, "value"
        device, _, field_name = name.partition(":")
        return device, field_name or "value"

    def _write(self, name: str, fields: dict[str, list[Series]]) -> None:
        columns = {}
        for field_name, parts in fields.items():
            first = parts[0]
            columns[field_name] = column_of(first.kind, _dtype(parts))
            about = {"kind": str(first.kind), "unit": parts[-1].unit, "title": first.title,
                     "dtype": columns[field_name].dtype}  # fmt: skip
            self._variables[first.name] = about
        entity = self._entity(name)
        shape = tuple(sorted((key, column.ddl) for key, column in columns.items()))
        schema = self._schemas.setdefault(shape, str(len(self._schemas) + 1))
        time, places = _rows(fields)
        if len(time):
            begins, ends = entity.schemas.get(schema, (FOREVER, 0))
            span = min(begins, int(time.min())), max(ends, int(time.max()) + 1)
            entity.schemas[schema] = span
        for field_name, parts in fields.items():
            place = (entity.number, field_name, 0, FOREVER)
            self._mapped.setdefault(parts[0].name, [place])
        table = {"nxcals_entity_id": np.full(len(time), entity.number), "nxcals_timestamp": time}
        made = pa.table(
            {**table, **{key: _cells(fields[key], column, places[key], len(time))
                         for key, column in columns.items()}}
        )  # fmt: skip
        for day, rows in _by_day(made, time):
            self._file(schema, day, rows)

    def _file(self, schema: str, day: str, rows: pa.Table) -> None:
        folder = self.folder / "data" / self.system / "1" / schema / day
        folder.mkdir(parents=True, exist_ok=True)
        if self._random is not None:
            rows = rows.take(self._random.permutation(rows.num_rows))
        pq.write_table(rows, folder / f"{uuid.uuid4()}.parquet", compression="zstd")

    def _entity(self, name: str) -> _Entity:
        if name not in self._entities:
            keys = (
                {"variable_name": name} if self.system == "WINCCOA"
                else {"device": name, "property": "Acquisition"}
            )  # fmt: skip
            self._entities[name] = _Entity(len(self._entities) + 1, keys)
        return self._entities[name]

    def _catalogue(self) -> None:
        variables = [
            {"variable": name, "system": self.system, **about,
             "entity_id": number, "field": field_name, "begins": begins, "ends": ends}
            for name, about in self._variables.items()
            for number, field_name, begins, ends in self._mapped.get(name, [])
        ]  # fmt: skip
        entities = [
            {"entity_id": entity.number, "system": self.system,
             "device": entity.keys.get("device", ""), "property": entity.keys.get("property", ""),
             "partition": "1", "schema": schema, "begins": span[0], "ends": span[1]}
            for entity in self._entities.values()
            for schema, span in entity.schemas.items()
        ]  # fmt: skip
        schemas = [
            {"system": self.system, "partition": "1", "schema": schema,
             "fields": [{"name": key, "type": ddl} for key, ddl in shape]}
            for shape, schema in self._schemas.items()
        ]  # fmt: skip
        groups = [
            {"name": one.name, "owner": "oaf", "description": one.description,
             "visibility": "PUBLIC", "label": "SNAPSHOT", "variables": list(one.variables)}
            for one in self._snapshots
        ]  # fmt: skip
        fills = [
            {"number": one.number, "begins": one.start, "ends": one.end,
             "modes": [{"mode": mode, "begins": a, "ends": b} for mode, a, b in one.modes]}
            for one in self._fills
        ]  # fmt: skip
        folder = self.folder / "catalogue"
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in (("variables", variables), ("entities", entities), ("schemas", schemas),
                           ("groups", groups), ("fills", fills)):  # fmt: skip
            table = pa.Table.from_pylist(rows, schema=CATALOGUE[name])
            pq.write_table(table, folder / f"{name}.parquet", store_schema=False)


_SPAN = [("begins", pa.int64()), ("ends", pa.int64())]
_FIELD = pa.struct([("name", pa.string()), ("type", pa.string())])
_MODE = pa.struct([("mode", pa.string()), *_SPAN])
_WORDS = {
    "variables": ("variable", "system", "kind", "unit", "title", "dtype", "field"),
    "entities": ("system", "device", "property", "partition", "schema"),
    "schemas": ("system", "partition", "schema"),
    "groups": ("name", "owner", "description", "visibility", "label"),
    "fills": (),
}
_MORE = {
    "variables": [("entity_id", pa.int64()), *_SPAN],
    "entities": [("entity_id", pa.int64()), *_SPAN],
    "schemas": [("fields", pa.list_(_FIELD))],
    "groups": [("variables", pa.list_(pa.string()))],
    "fills": [("number", pa.int64()), *_SPAN, ("modes", pa.list_(_MODE))],
}
CATALOGUE = {
    name: pa.schema([*((word, pa.string()) for word in words), *_MORE[name]])
    for name, words in _WORDS.items()
}


def write_nxcals_lake(
    folder: Path, series: Sequence[Series], system: str = "CMW", shuffle: int | None = None
) -> None:
    """A lake that logged exactly `series`; see `NxcalsLakeWriter`."""
    with NxcalsLakeWriter(folder, system, shuffle) as lake:
        lake.add(series)


def _dtype(parts: Sequence[Series]) -> np.dtype[Any]:
    for part in parts:
        for sample in part.value[:1]:
            return np.asarray(sample).dtype
    return np.dtype("f8")


def _rows(fields: dict[str, list[Series]]) -> tuple[Times, dict[str, Any]]:
    """The times of an entity's rows, and in which row each field's samples are.

    Samples of one time share a row; the second sample of a field at one time begins another.
    """
    keys = {}
    for name, parts in fields.items():
        time = np.concatenate([part.time for part in parts])
        order = np.argsort(time, kind="stable")
        starts = np.flatnonzero(np.diff(time[order], prepend=np.int64(-1)))
        sizes = np.diff(starts, append=len(time))
        again = np.empty(len(time), np.int64)
        again[order] = np.arange(len(time)) - np.repeat(starts, sizes)
        keys[name] = np.stack([time, again], axis=1)
    every, inverse = np.unique(np.concatenate(list(keys.values())), axis=0, return_inverse=True)
    bounds = np.cumsum([0, *(len(key) for key in keys.values())])
    flat = inverse.ravel()
    places = {name: flat[a:b] for name, a, b in zip(keys, bounds, bounds[1:], strict=False)}
    return every[:, 0], places


def _cells(parts: Sequence[Series], column: Column, places: Any, count: int) -> pa.Array:
    """A field's column of `count` rows, null where it has no sample."""
    kind = parts[0].kind
    if kind is Kind.NUMERIC:
        values = np.concatenate([part.value for part in parts]).astype(np.float64)
        cells, there = np.zeros(count), np.zeros(count, dtype=bool)
        cells[places], there[places] = values, True
        return pa.array(cells, mask=~there)
    made: list[Any] = [None] * count
    samples = (sample for part in parts for sample in part.value)
    for place, sample in zip(places.tolist(), samples, strict=True):
        if kind is Kind.TEXTUAL:
            made[place] = sample
        else:
            array = np.asarray(sample)
            made[place] = {"elements": array.ravel().tolist(), "dimensions": list(array.shape)}
    return pa.array(made, column.arrow)


def _by_day(table: pa.Table, time: Times) -> Iterator[tuple[str, pa.Table]]:
    day = time // _DAY
    for number in np.unique(day).tolist():
        first, stop = np.searchsorted(day, [number, number + 1])
        yield f"{moment(number * _DAY):%Y-%m-%d}", table.slice(int(first), int(stop - first))
