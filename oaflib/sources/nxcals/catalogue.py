"""What a lake in the NXCALS layout says of itself: variables, entities, their fields over time.

The tables and their columns are those that `oaflib.testing.nxcals_lake` writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.series import Kind, Variable
from oaflib.sources.base import Fill, Snapshot
from oaflib.sources.like import matches, regex_of
from oaflib.sources.nxcals.session import Session

Rows = list[dict[str, Any]]

_WHOLE = 300_000  # variables up to which the table is fetched once, else each pattern is asked
_SPAN = "begins bigint, ends bigint"
TABLES = {
    "variables": "variable string, system string, kind string, unit string, title string, "
    f"dtype string, field string, entity_id bigint, {_SPAN}",
    "entities": "system string, device string, property string, partition string, schema string, "
    f"entity_id bigint, {_SPAN}",
    "schemas": "system string, partition string, schema string, "
    "fields array<struct<name: string, type: string>>",
    "groups": "name string, owner string, description string, visibility string, label string, "
    "variables array<string>",
    "fills": f"number bigint, {_SPAN}, "
    "modes array<struct<mode: string, begins: bigint, ends: bigint>>",
}


@dataclass(frozen=True)
class Place:
    """Where a variable's samples were in ``[begins, ends)``: a field of an entity, in `folder`.

    `type` is the field's in Spark's words.
    """

    entity: int
    folder: str
    field: str
    type: str
    begins: int
    ends: int


@dataclass(frozen=True)
class Listed:
    """A variable, the array's own type (``u2``; empty: as stored), and its places."""

    variable: Variable
    dtype: str
    places: tuple[Place, ...]


class Catalogue:
    """The catalogue of one system in the lake at the address `lake`.

    Raises
    ------
    SourceUnavailable
        There is no lake, or its catalogue lacks a table.
    """

    def __init__(
        self, session: Session, lake: str, system: str, aliases: Mapping[str, Sequence[str]]
    ) -> None:
        self._session, self._lake, self._system = session, lake, system
        self._aliases = aliases
        self._known: dict[str, Listed] = {}
        self._fields: dict[str, dict[str, str]] = {}
        self._schemas: dict[int, Rows] = {}
        self._entities: Rows = []
        self._all: dict[str, Rows] | None = None

    def enter(self) -> None:
        """Learn schemas and entities, and the variables where they are not too many."""
        for row in self._own("schemas"):
            fields = {field["name"]: field["type"] for field in row["fields"]}
            self._fields[f"{row['partition']}/{row['schema']}"] = fields
        self._entities = self._own("entities")
        for row in self._entities:
            self._schemas.setdefault(row["entity_id"], []).append(row)
        few = self._own("variables")
        if len(few) <= _WHOLE:
            self._all = {}
            for row in few:
                self._all.setdefault(row["variable"], []).append(row)

    def ddl(self, folder: str) -> str:
        """The columns of the files of `folder`, as Spark is told them."""
        fields = self._fields[folder]
        own = "nxcals_entity_id bigint, nxcals_timestamp bigint"
        return ", ".join([own, *(f"{quoted(name)} {kind}" for name, kind in fields.items())])

    def find(self, pattern: str) -> list[Listed]:
        """The variables, or fields of entities (``DEVICE/Property#field``), that match."""
        found = self._of_entities(pattern) if "#" in pattern else self._of_variables(pattern)
        for entry in found:
            self._known[entry.variable.name] = entry
        return sorted(found, key=lambda entry: entry.variable.name)

    def known(self, variables: Sequence[Variable]) -> list[Listed]:
        """What is known of `variables`; those that went meanwhile are left out."""
        for variable in variables:
            if variable.name not in self._known:
                self.find(variable.name)
        return [self._known[v.name] for v in variables if v.name in self._known]

    def snapshots(self, pattern: str, owner: str) -> list[Snapshot]:
        """The public groups with the label SNAPSHOT that match."""
        condition = "label = 'SNAPSHOT' and visibility = 'PUBLIC'"
        rows = self._table("groups", condition)
        return [
            Snapshot(row["name"], tuple(row["variables"] or ()), row["description"] or "")
            for row in sorted(rows, key=lambda row: (row["name"], row["owner"]))
            if matches(pattern, row["name"]) and owner in ("", row["owner"])
        ]

    def fills(self, start: int, end: int) -> list[Fill]:
        """The fills that overlap ``[start, end)``."""
        rows = self._table("fills", f"begins < {end} and ends > {start}")
        return [
            Fill(
                row["number"],
                row["begins"],
                row["ends"],
                tuple((one["mode"], one["begins"], one["ends"]) for one in row["modes"] or ()),
            )
            for row in sorted(rows, key=lambda row: row["begins"])
        ]

    def _of_variables(self, pattern: str) -> list[Listed]:
        if self._all is None:
            condition = f"variable rlike {text('^(?s:' + regex_of(pattern) + ')$')}"
            if "%" not in pattern:
                condition = f"variable = {text(pattern)}"
            rows = self._table("variables", f"system = {text(self._system)} and {condition}")
        elif "%" in pattern:
            names = (name for name in self._all if matches(pattern, name))
            rows = [row for name in names for row in self._all[name]]
        else:
            rows = self._all.get(pattern, [])
        grouped: dict[str, Rows] = {}
        for row in rows:
            grouped.setdefault(row["variable"], []).append(row)
        return [self._listed(name, rows) for name, rows in grouped.items()]

    def _listed(self, name: str, rows: Rows) -> Listed:
        last = max(rows, key=lambda row: int(row["ends"]))
        variable = Variable(name, Kind(last["kind"]), last["unit"] or "", last["title"] or "")
        places = [
            place
            for row in rows
            for place in self._places(row["entity_id"], row["field"])
            for place in _within(place, row["begins"], row["ends"])
        ]
        return Listed(variable, last["dtype"] or "", tuple(places))

    def _of_entities(self, pattern: str) -> list[Listed]:
        found: dict[str, Listed] = {}
        for row in self._entities:
            prefix = f"{row['device']}/{row['property']}#"
            fields = self._fields[f"{row['partition']}/{row['schema']}"]
            for field in (*fields, *self._aliases):
                name = prefix + field
                if name not in found and matches(pattern, name):
                    places = tuple(self._places(row["entity_id"], field))
                    if places:
                        found[name] = Listed(self._entity_variable(name, places), "", places)
        return list(found.values())

    def _entity_variable(self, name: str, places: Sequence[Place]) -> Variable:
        """A field's kind by its type; whether an array is an image only its samples say."""
        kind = kind_of(places[-1].type)
        if kind is Kind.VECTORNUMERIC and self._is_image(places[-1]):
            kind = Kind.MATRIXNUMERIC
        return Variable(name, kind)

    def _is_image(self, place: Place) -> bool:
        files = f"{self._lake}/data/{self._system}/{place.folder}/*"
        frame = self._session.parquet(files, self.ddl(place.folder))
        if frame is None:
            return False
        column = f"{quoted(place.field)}.dimensions"
        frame = frame.where(f"nxcals_entity_id = {place.entity} and {column} is not null")
        rows = self._rows(frame.selectExpr(f"{column} as dimensions").limit(1))
        return bool(rows) and sum(size > 1 for size in rows[0]["dimensions"]) > 1

    def _places(self, entity: int, field: str) -> Iterator[Place]:
        """The schemas in which an entity had that field, or one of its other names."""
        for row in self._schemas.get(entity, []):
            folder = f"{row['partition']}/{row['schema']}"
            for name in (field, *self._aliases.get(field, ())):
                if name in self._fields[folder]:
                    kind = self._fields[folder][name]
                    yield Place(entity, folder, name, kind, row["begins"], row["ends"])
                    break

    def _own(self, name: str) -> Rows:
        """The rows of this system, not many more than `_WHOLE`.

        Without Spark where the lake is a folder here: a query costs some tenths of a second.
        """
        file = Path(unquote(urlparse(self._lake).path)) / "catalogue" / f"{name}.parquet"
        if not self._lake.startswith("file:") or not file.exists():
            frame = self._frame(name).where(f"system = {text(self._system)}")
            return self._rows(frame.limit(_WHOLE + 1))
        try:
            rows = pq.read_table(file, filters=[("system", "=", self._system)])
        except (pa.ArrowException, OSError, KeyError) as error:
            raise SourceUnavailable(f"{file} cannot be read: {error}") from error
        found: Rows = rows.slice(0, _WHOLE + 1).to_pylist()
        return found

    def _table(self, name: str, condition: str) -> Rows:
        return self._rows(self._frame(name).where(condition))

    def _frame(self, name: str) -> Any:
        path = f"{self._lake}/catalogue/{name}.parquet"
        try:
            frame = self._session.parquet(path, TABLES[name])
        except QueryRefused as error:
            raise SourceUnavailable(f"the lake {self._lake} cannot be read: {error}") from error
        if frame is None:
            raise SourceUnavailable(f"there is no lake in the NXCALS layout: {path} is missing")
        return frame

    def _rows(self, frame: Any) -> Rows:
        found: Rows = self._session.table(frame).to_pylist()
        return found


def kind_of(type_name: str) -> Kind:
    """The kind of a field of that Spark type; an image is a vector until its samples are seen."""
    if type_name.startswith("struct<elements"):
        return Kind.VECTORSTRING if "array<string>" in type_name else Kind.VECTORNUMERIC
    return Kind.TEXTUAL if type_name == "string" else Kind.NUMERIC


def quoted(name: str) -> str:
    """A column's name in Spark's SQL, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text in Spark's SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _within(place: Place, begins: int, ends: int) -> Iterator[Place]:
    begins, ends = max(place.begins, begins), min(place.ends, ends)
    if begins < ends:
        yield Place(place.entity, place.folder, place.field, place.type, begins, ends)
