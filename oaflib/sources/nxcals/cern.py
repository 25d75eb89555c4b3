"""CERN's own NXCALS: its services and query builders, where the package `nxcals` is installed.

Written from NXCALS' public documentation and from programs that use it; it has met a stand-in of
them only, never the service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.series import Kind, Variable
from oaflib.sources.base import Fill, Snapshot
from oaflib.sources.like import matches
from oaflib.sources.nxcals.catalogue import kind_of, quoted, text
from oaflib.sources.nxcals.options import NxcalsOptions
from oaflib.sources.nxcals.session import Session
from oaflib.window import Window

_BUILDERS = "nxcals.api.extraction.data.builders"
_KINDS = {
    "NUMERIC": Kind.NUMERIC, "TEXT": Kind.TEXTUAL, "TEXTUAL": Kind.TEXTUAL,
    "VECTOR_NUMERIC": Kind.VECTORNUMERIC, "VECTORNUMERIC": Kind.VECTORNUMERIC,
    "MATRIX_NUMERIC": Kind.MATRIXNUMERIC, "MATRIXNUMERIC": Kind.MATRIXNUMERIC,
    "VECTOR_STRING": Kind.VECTORSTRING, "VECTORSTRING": Kind.VECTORSTRING,
}  # fmt: skip
_SECOND = 10**9


class CernAccess:
    """Variables, snapshots and fills from NXCALS' services; samples from its query builders."""

    def __init__(self, session: Session, options: NxcalsOptions) -> None:
        self._session, self._options = session, options
        api = session.spark._jvm.cern.nxcals.api
        self._api = api
        self._builders = import_module(_BUILDERS)
        self._known: dict[str, Variable] = {}
        self._typed: dict[str, str] = {}

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; a field of an entity, ``DEVICE/Property#field``, by its whole name.

        Its kind is that of the last month's samples, which no catalogue tells.
        """
        if "#" in pattern:
            found = [] if "%" in pattern else self._entity(pattern)
        else:
            found = [
                variable for variable in self._like(pattern) if matches(pattern, variable.name)
            ]
        self._known.update({variable.name: variable for variable in found})
        return sorted(found, key=lambda variable: variable.name)

    def groups(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        """By kind; entities and variables whose type the service does not say each alone."""
        grouped: dict[str, list[Variable]] = defaultdict(list)
        for variable in variables:
            if variable.name not in self._known:
                self.find(variable.name)
            if variable.name in self._known:
                said = self._typed.get(variable.name, "")
                grouped[said or variable.name].append(variable)
        return list(grouped.values())

    def dtypes(self, variables: Sequence[Variable]) -> dict[str, str]:  # noqa: ARG002
        """Nothing: NXCALS keeps no other type than it stores."""
        return {}

    def rows(self, variables: Sequence[Variable], start: int, end: int) -> Any | None:
        """The samples of a group as a frame; nulls are none. NXCALS' windows hold their end."""
        names = [variable.name for variable in variables]
        with self._named(names[0]):
            if "#" in names[0]:
                frame = self._of_entity(names[0], start, end)
            else:
                query = self._builders.DataQuery.builder(self._session.spark).variables()
                query = query.system(self._options.system).nameIn(names)
                frame = query.timeWindow(start, end).build()
            if frame is None:
                return None
            columns = "nxcals_value", "nxcals_timestamp", "nxcals_variable_name", "nxcals_entity_id"
            span = f"nxcals_timestamp >= {start} and nxcals_timestamp < {end}"
            return frame.select(*columns).where(f"{span} and nxcals_value is not null")

    def snapshots(self, pattern: str, owner: str) -> list[Snapshot]:
        """See `KeepsSnapshots.snapshots`: public groups with the label SNAPSHOT."""
        with self._named("snapshots"):
            service = self._service("createGroupService")
            groups = self._api.metadata.queries.Groups
            wanted = _and(_and(groups.suchThat().label().eq("SNAPSHOT")).visibility().eq(
                self._api.domain.Visibility.PUBLIC)).name().like(pattern)  # fmt: skip
            if owner:
                wanted = _and(wanted).ownerName().eq(owner)
            found = [
                (str(group.getName()), group)
                for group in service.findAll(wanted)
                if matches(pattern, str(group.getName()))
            ]
            return [self._snapshot(service, name, group) for name, group in sorted(found)]

    def fills(self, window: Window) -> list[Fill]:
        """See `KnowsFills.fills`."""
        with self._named("fills"):
            services = self._api.custom.service.Services.newInstance()
            found = services.fillService().findFills(
                self._instant(window.start_ns), self._instant(window.end_ns)
            )
            return [
                Fill(
                    int(fill.getNumber()),
                    *_validity(fill),
                    tuple(
                        (str(mode.getBeamModeValue()), *_validity(mode))
                        for mode in fill.getBeamModes()
                    ),
                )
                for fill in found
            ]

    def _like(self, pattern: str) -> list[Variable]:
        with self._named(pattern):
            service = self._service("createVariableService")
            variables = self._api.metadata.queries.Variables
            wanted = _and(variables.suchThat().systemName().eq(self._options.system))
            found = service.findAll(wanted.variableName().like(pattern))
            return [self._variable(entry) for entry in found]

    def _variable(self, entry: Any) -> Variable:
        name, declared = str(entry.getVariableName()), entry.getDeclaredType()
        unit, title = entry.getUnit(), entry.getDescription()
        said = "" if declared is None else str(declared)
        kind = _KINDS.get(said, Kind.NUMERIC)
        self._typed[name] = said if said in _KINDS else ""
        return Variable(
            name, kind, "" if unit is None else str(unit), "" if title is None else str(title)
        )

    def _entity(self, name: str) -> list[Variable]:
        """The field of an entity as a variable, if the last month's samples have it."""
        now = int(self._session.spark._jvm.java.lang.System.currentTimeMillis()) * 10**6
        with self._named(name):
            frame = self._of_entity(name, now - 30 * 86_400 * _SECOND, now)
        if frame is None:
            return []
        kind = kind_of(frame.schema["nxcals_value"].dataType.simpleString())
        if kind is Kind.VECTORNUMERIC:
            rows = frame.where("nxcals_value is not null").limit(1)
            sizes = self._session.table(rows.selectExpr("nxcals_value.dimensions as d")).to_pylist()
            if sizes and sum(size > 1 for size in sizes[0]["d"]) > 1:
                kind = Kind.MATRIXNUMERIC
        return [Variable(name, kind)]

    def _of_entity(self, name: str, start: int, end: int) -> Any | None:
        """A field of a device's property, under whichever of its names; None: it has none."""
        parameter, _, field = name.partition("#")
        query = self._builders.ParameterDataQuery.builder(self._session.spark)
        frame = (
            query.system(self._options.system).parameterEq(parameter).timeWindow(start, end).build()
        )
        names = (field, *self._options.aliases.get(field, ()))
        there = [quoted(one) for one in names if one in frame.columns]
        if not there:
            return None
        value = there[0] if len(there) == 1 else f"coalesce({', '.join(there)})"
        time = next(
            (column for column in ("nxcals_timestamp", "acqStamp") if column in frame.columns), ""
        )
        return frame.selectExpr(
            f"{value} as nxcals_value",
            f"{time} as nxcals_timestamp",
            f"{text(name)} as nxcals_variable_name",
            "nxcals_entity_id",
        )

    def _snapshot(self, service: Any, name: str, group: Any) -> Snapshot:
        selected = service.getVariables(group.getId())["getSelectedVariables"]
        names = sorted(str(variable.getVariableName()) for variable in selected)
        description = group.getDescription()
        return Snapshot(name, tuple(names), "" if description is None else str(description))

    def _service(self, maker: str) -> Any:
        return getattr(self._api.extraction.metadata.ServiceClientFactory, maker)()

    def _instant(self, ns: int) -> Any:
        java = self._session.spark._jvm.java.time
        return java.Instant.ofEpochSecond(ns // _SECOND, ns % _SECOND)

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """Errors of NXCALS as ours: a refusal is a refusal, all else means that it is down."""
        try:
            yield
        except (QueryRefused, SourceUnavailable):
            raise
        except Exception as error:  # Py4J's carry Java's, which have no root of their own
            words = " ".join(str(error).split())[:500]
            refusals = ("IllegalArgument", "AnalysisException", "IncompatibleSchema", "NotFound")
            if any(word in f"{type(error).__name__} {words}" for word in refusals):
                raise QueryRefused(f"NXCALS refuses '{what}': {words}") from error
            raise SourceUnavailable(f"NXCALS does not answer about '{what}': {words}") from error


def _and(condition: Any) -> Any:
    """``and()`` of a condition: a word that Python keeps for itself."""
    return getattr(condition, "and")()


def _validity(thing: Any) -> tuple[int, int]:
    span = thing.getValidity()
    start, end = (
        int(moment.getEpochSecond()) * _SECOND + int(moment.getNano())
        for moment in (span.getStartTime(), span.getEndTime())
    )
    return start, end
