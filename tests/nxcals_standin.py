"""A stand-in of CERN's package `nxcals`, as strict as the public documentation lets one say.

It says what its builders and services were asked and answers with a frame of Spark; whatever it was
not told of is an AttributeError, as Py4J's would be.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@dataclass
class Nxcals:
    """The service: its variables, the fields of its parameters, its groups and fills, as frames.

    Attributes
    ----------
    variables : name to (declared type or None, unit, description).
    frames : a variable's name, or a parameter's ``DEV/Prop``, to its frame.
    asked : what the builders built, in words.
    """

    session: Any
    variables: Mapping[str, tuple[str | None, str | None, str | None]] = field(default_factory=dict)
    frames: Mapping[str, Any] = field(default_factory=dict)
    groups: Sequence[Any] = ()
    fills: Sequence[Any] = ()
    asked: list[Any] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `import nxcals…` find it."""
        flavors = SimpleNamespace(LOCAL="local", YARN_SMALL="small")
        modules = {
            "nxcals": {},
            "nxcals.spark_session_builder": {"get_or_create": self._session, "Flavor": flavors},
            "nxcals.api": {}, "nxcals.api.extraction": {}, "nxcals.api.extraction.data": {},
            "nxcals.api.extraction.data.builders": {
                "DataQuery": SimpleNamespace(builder=lambda spark: _Query(self)),
                "ParameterDataQuery": SimpleNamespace(builder=lambda spark: _Parameter(self)),
            },
        }  # fmt: skip
        for name, content in modules.items():
            module = ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)

    def _session(self, *, app_name: str, flavor: str, conf: Mapping[str, str]) -> Any:
        self.asked.append(("session", app_name, flavor))
        assert conf["spark.sql.caseSensitive"] == "true"
        return _Spark(self.session, SimpleNamespace(cern=self._cern(), java=_java()))

    def _cern(self) -> Any:
        entries = [_Variable(name, *about) for name, about in self.variables.items()]
        services = SimpleNamespace(
            createVariableService=lambda: SimpleNamespace(
                findAll=lambda wanted: [
                    one for one in entries if wanted.fits(variableName=one.name, systemName="CMW")
                ]
            ),
            createGroupService=lambda: SimpleNamespace(
                findAll=lambda wanted: [
                    one for one in self.groups
                    if wanted.fits(label=one.label, name=one.name, ownerName=one.owner,
                                   visibility=one.visibility)
                ],
                getVariables=lambda number: {
                    "getSelectedVariables": {
                        _Variable(name, None, None, None)
                        for one in self.groups if one.number == number for name in one.variables
                    }
                },
            ),
        )  # fmt: skip
        queries = SimpleNamespace(
            Variables=SimpleNamespace(suchThat=_Condition),
            Groups=SimpleNamespace(suchThat=_Condition),
        )
        fills = SimpleNamespace(findFills=self._fills)
        return SimpleNamespace(nxcals=SimpleNamespace(api=SimpleNamespace(
            extraction=SimpleNamespace(metadata=SimpleNamespace(ServiceClientFactory=services)),
            metadata=SimpleNamespace(queries=queries),
            domain=SimpleNamespace(Visibility=SimpleNamespace(PUBLIC="PUBLIC")),
            custom=SimpleNamespace(service=SimpleNamespace(Services=SimpleNamespace(
                newInstance=lambda: SimpleNamespace(fillService=lambda: fills)))),
        )))  # fmt: skip

    def _fills(self, start: Any, end: Any) -> Sequence[Any]:
        self.asked.append(("fills", start.ns, end.ns))
        return self.fills


class Instant:
    """``java.time.Instant``."""

    def __init__(self, seconds: int, nanos: int = 0) -> None:
        assert 0 <= nanos < 10**9
        self.ns = seconds * 10**9 + nanos

    def getEpochSecond(self) -> int:  # noqa: N802
        return self.ns // 10**9

    def getNano(self) -> int:  # noqa: N802
        return self.ns % 10**9


def fill(number: int, start: int, end: int, modes: Sequence[tuple[str, int, int]]) -> Any:
    """A fill as the fill service has it."""

    def validity(a: int, b: int) -> Any:
        first, last = Instant(a // 10**9, a % 10**9), Instant(b // 10**9, b % 10**9)
        span = SimpleNamespace(getStartTime=lambda: first, getEndTime=lambda: last)
        return lambda: span

    return SimpleNamespace(
        getNumber=lambda: number,
        getValidity=validity(start, end),
        getBeamModes=lambda: [
            SimpleNamespace(getBeamModeValue=lambda mode=mode: mode, getValidity=validity(a, b))
            for mode, a, b in modes
        ],
    )


@dataclass(frozen=True)
class Group:
    """A group as the group service has it."""

    number: int
    name: str
    owner: str
    variables: tuple[str, ...]
    label: str = "SNAPSHOT"
    visibility: str = "PUBLIC"

    def getId(self) -> int:  # noqa: N802
        return self.number

    def getName(self) -> str:  # noqa: N802
        return self.name

    def getDescription(self) -> None:  # noqa: N802
        return None


class _Variable:
    def __init__(self, name: str, kind: str | None, unit: str | None, title: str | None) -> None:
        self.name = name
        self.getVariableName = lambda: name
        self.getDeclaredType = lambda: kind
        self.getUnit = lambda: unit
        self.getDescription = lambda: title


class _Condition:
    """``suchThat()``: conditions joined by ``and()``."""

    def __init__(self, said: Sequence[tuple[str, str, str]] = ()) -> None:
        self._said = tuple(said)

    def __getattr__(self, name: str) -> Any:
        if name == "and":
            return lambda: self
        if name not in ("systemName", "variableName", "label", "name", "ownerName", "visibility"):
            raise AttributeError(name)

        def joined(how: str) -> Any:
            return lambda value: _Condition((*self._said, (name, how, value)))

        return lambda: SimpleNamespace(eq=joined("eq"), like=joined("like"))

    def fits(self, **about: str) -> bool:
        for name, how, value in self._said:
            if how == "eq" and about[name] != value:
                return False
            if how == "like" and not _like(value, about[name]):
                return False
        return True


def _like(pattern: str, text: str) -> bool:
    """SQL's LIKE, in which ``_`` is any character, as NXCALS has it."""
    import re

    parts = ["." if c == "_" else ".*" if c == "%" else re.escape(c) for c in pattern]
    return re.fullmatch("".join(parts), text) is not None


class _Query:
    def __init__(self, service: Nxcals) -> None:
        self._service, self._names, self._window = service, [], (0, 0)

    def variables(self) -> _Query:
        return self

    def system(self, name: str) -> _Query:
        assert name == "CMW"
        return self

    def nameIn(self, names: Sequence[str]) -> _Query:  # noqa: N802
        self._names = list(names)
        return self

    def timeWindow(self, start: int, end: int) -> _Query:  # noqa: N802
        assert isinstance(start, int)
        self._window = (start, end)
        return self

    def build(self) -> Any:
        self._service.asked.append(("variables", *self._names))
        kinds = {self._service.variables[name][0] for name in self._names}
        if len(kinds) > 1:
            raise RuntimeError("java.lang.IllegalArgumentException: IncompatibleSchemaPromotion")
        frames = [self._service.frames[name] for name in self._names]
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.unionByName(frame)
        start, end = self._window
        return whole.where(f"nxcals_timestamp between {start} and {end}")


class _Parameter(_Query):
    def variables(self) -> _Query:
        raise AttributeError("variables")

    def parameterEq(self, name: str) -> _Parameter:  # noqa: N802
        self._names = [name]
        return self

    def build(self) -> Any:
        self._service.asked.append(("parameter", *self._names))
        return self._service.frames[self._names[0]]


class _Spark:
    """A session whose `_jvm` has CERN's classes."""

    def __init__(self, session: Any, jvm: Any) -> None:
        self._session, self._jvm = session, jvm

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def _java() -> Any:
    clock = SimpleNamespace(currentTimeMillis=lambda: 1_795_400_000_000)
    return SimpleNamespace(
        time=SimpleNamespace(Instant=SimpleNamespace(ofEpochSecond=Instant)),
        lang=SimpleNamespace(System=clock),
    )
