"""A lake in the NXCALS layout as a frame of samples, in plain Spark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from oaflib.series import Variable
from oaflib.sources.base import Fill, Snapshot
from oaflib.sources.nxcals.catalogue import Catalogue, Listed, Place, quoted, text
from oaflib.sources.nxcals.session import Session
from oaflib.window import Window, moment

COLUMNS = ("nxcals_value", "nxcals_timestamp", "nxcals_variable_name", "nxcals_entity_id")
_PLAIN = 40  # days up to which they are named one by one


class LakeAccess:
    """Variables and their samples in the lake at the address `lake`."""

    def __init__(
        self, session: Session, lake: str, system: str, aliases: Mapping[str, Sequence[str]]
    ) -> None:
        self._session, self._lake, self._system = session, lake, system
        self.catalogue = Catalogue(session, lake, system, aliases)
        self.catalogue.enter()

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; ``DEVICE/Property#field`` is a field of an entity."""
        return [entry.variable for entry in self.catalogue.find(pattern)]

    def groups(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        """The known ones of `variables`, in groups of one type: a query has one."""
        grouped: dict[str, list[Variable]] = defaultdict(list)
        named = {variable.name: variable for variable in variables}
        for entry in self.catalogue.known(variables):
            types = dict.fromkeys(_cast(place.type) for place in entry.places)
            grouped[", ".join(types)].append(named[entry.variable.name])
        return list(grouped.values())

    def dtypes(self, variables: Sequence[Variable]) -> dict[str, str]:
        """The arrays' own types in numpy's words, where the catalogue keeps them."""
        return {entry.variable.name: entry.dtype for entry in self.catalogue.known(variables)}

    def rows(self, variables: Sequence[Variable], start: int, end: int) -> Any | None:
        """The samples of variables of one type as a frame of `COLUMNS`; None: there are none.

        A field's null is no sample.
        """
        wanted = _by_folder(self.catalogue.known(variables), start, end)
        kinds = [_cast(place.type) for places in wanted.values() for _, place in places]
        target = _common(list(dict.fromkeys(kinds)))
        frames = [
            frame
            for folder, places in wanted.items()
            for frame in self._folder((folder, target), places, (start, end))
        ]
        if not frames:
            return None
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.unionByName(frame)
        return whole

    def snapshots(self, pattern: str, owner: str) -> list[Snapshot]:
        """See `KeepsSnapshots.snapshots`."""
        return self.catalogue.snapshots(pattern, owner)

    def fills(self, window: Window) -> list[Fill]:
        """See `KnowsFills.fills`."""
        return self.catalogue.fills(window.start_ns, window.end_ns)

    def _folder(
        self,
        asked: tuple[str, str],
        places: Sequence[tuple[str, Place]],
        span: tuple[int, int],
    ) -> Iterator[Any]:
        """The samples of the files of one schema: `asked` is its folder, and the type wanted."""
        folder, target = asked
        path = f"{self._lake}/data/{self._system}/{folder}/{_days(*span)}"
        frame = self._session.parquet(path, self.catalogue.ddl(folder))
        if frame is None:
            return
        entities = sorted({place.entity for _, place in places})
        frame = frame.where(
            f"nxcals_timestamp >= {span[0]} and nxcals_timestamp < {span[1]} "
            f"and nxcals_entity_id in ({', '.join(map(str, entities))})"
        )
        fields = list(dict.fromkeys(place.field for _, place in places))
        pairs = [
            f"named_struct('f', {number}, 'v', cast({quoted(name)} as {target}))"
            for number, name in enumerate(fields)
        ]
        frame = frame.selectExpr(
            "nxcals_entity_id", "nxcals_timestamp", f"inline(array({', '.join(pairs)}))"
        ).where("v is not null")
        if len(places) == 1:
            name, place = places[0]
            frame = frame.where(
                f"nxcals_timestamp >= {place.begins} and nxcals_timestamp < {place.ends}"
            ).selectExpr(
                "v as nxcals_value", "nxcals_timestamp", f"{text(name)} as nxcals_variable_name",
                "nxcals_entity_id",
            )  # fmt: skip
            yield frame
            return
        numbers = {name: number for number, name in enumerate(fields)}
        names = self._session.frame(_names(places, numbers)).hint("broadcast")
        joined = frame.join(
            names,
            self._session.expr("nxcals_entity_id = e and f = g and nxcals_timestamp >= b "
                               "and nxcals_timestamp < c"),
        )  # fmt: skip
        yield joined.selectExpr(
            "v as nxcals_value", "nxcals_timestamp", "n as nxcals_variable_name",
            "nxcals_entity_id",
        )  # fmt: skip


def _by_folder(
    listed: Sequence[Listed], start: int, end: int
) -> dict[str, list[tuple[str, Place]]]:
    """(variable, place) of all places within the window, by folder."""
    wanted: dict[str, list[tuple[str, Place]]] = defaultdict(list)
    for entry in listed:
        for place in entry.places:
            if place.begins < end and place.ends > start:
                wanted[place.folder].append((entry.variable.name, place))
    return wanted


def _names(places: Sequence[tuple[str, Place]], numbers: Mapping[str, int]) -> pa.Table:
    """Entity, number of the field, variable, and the span in which they belong together."""
    return pa.table(
        {
            "e": pa.array([place.entity for _, place in places], pa.int64()),
            "g": pa.array([numbers[place.field] for _, place in places], pa.int32()),
            "n": pa.array([name for name, _ in places], pa.string()),
            "b": pa.array([place.begins for _, place in places], pa.int64()),
            "c": pa.array([place.ends for _, place in places], pa.int64()),
        }
    )


def _cast(type_name: str) -> str:
    """The type a field is asked in: numbers of any width, and switches, are one type."""
    if type_name == "string" or type_name.startswith("struct"):
        return type_name
    return "double"


def _common(types: Sequence[str]) -> str:
    """The one type that holds all of them, for a field whose type changed."""
    if len(types) <= 1:
        return types[0] if types else "double"
    arrays = all(name.startswith("struct<elements") for name in types)
    texts = any("string" in name for name in types)
    element = "string" if texts else "double"
    return f"struct<elements:array<{element}>,dimensions:array<int>>" if arrays else element


def _days(start: int, end: int) -> str:
    """The days (of UTC) a span touches, as a glob of folders; longer ones by whole months."""
    first = moment(start).date()
    last = moment(end - 1).date()
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    if len(days) <= _PLAIN:
        names = [f"{day:%Y-%m-%d}" for day in days]
    else:
        names = list(dict.fromkeys(f"{day:%Y-%m}-*" for day in days))
    return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
