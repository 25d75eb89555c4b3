"""The logging API under one of its two package roots: its services, asked in plain Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

from oaflib.errors import ConfigurationError, SourceUnavailable
from oaflib.sources.asked import Asked
from oaflib.sources.base import Snapshot
from oaflib.sources.java.convert import TYPES, nanoseconds
from oaflib.sources.java.faults import asking
from oaflib.sources.java.options import Options
from oaflib.sources.java.snapshots import saved
from oaflib.sources.patience import Patience

_AT_ONCE = 500  # names in one question
_TIMES = "java.sql.Timestamp"
Asks = ParamSpec("Asks")
Answer = TypeVar("Answer")


def patiently(method: Callable[Asks, Answer]) -> Callable[Asks, Answer]:
    """`method` asked again, after a pause, as long as nobody answers and there are attempts."""

    @wraps(method)
    def asked(*args: Asks.args, **more: Asks.kwargs) -> Answer:
        patience: Patience = args[0].patience  # type: ignore[attr-defined]
        for number in patience.tries():
            try:
                return method(*args, **more)
            except SourceUnavailable:
                if number == patience.attempts:
                    raise
        raise AssertionError("an attempt at least")

    return asked


class Api:
    """The client's services; every method asks the service, and tells its refusals as ours.

    Raises
    ------
    ConfigurationError
        The class path holds no such API.
    SourceUnavailable, QueryRefused
        From every method.
    """

    def __init__(self, jpype: Any, options: Options) -> None:
        self.jpype = jpype
        self._options = options
        self.asked = Asked()
        self.patience = Patience(options.attempts, options.pause)
        self._stamp = jpype.JClass(_TIMES)
        if options.service:
            jpype.java.lang.System.setProperty("service.url", options.service)
        self._connect()

    @patiently
    def _connect(self) -> None:
        options = self._options
        builder = self.type("client.service.ServiceBuilder")
        with self.asking("the logging service"):
            if options.api == "cals":
                places = self.type("domain.core.datasource.DataLocationPreferences")
                place = getattr(places, options.location)
                self._builder = builder.getInstance(options.application, options.client, place)
            else:
                self._builder = builder.getInstance()
            self._meta = self._builder.createMetaService()
            self._data = self._builder.createTimeseriesService()

    def type(self, name: str) -> Any:
        """The API's class of that name, below the root."""
        whole = f"{self._options.root}.{name}"
        try:
            return self.jpype.JClass(whole)
        except (TypeError, self.jpype.JException) as error:
            path = self.jpype.java.lang.System.getProperty("java.class.path")
            raise ConfigurationError(
                f"the classpath holds no {whole} ({error}): is api = "
                f'"{self._options.api}" right, and are all jars of the client there? It is {path}'
            ) from None

    def asking(self, what: str) -> Any:
        """Around calls into Java."""
        return asking(self.jpype, what)

    @contextmanager
    def _query(self, what: str) -> Iterator[None]:
        """Around one question to the service, which is counted, answered or not."""
        began = time.perf_counter()
        self.asked.queries += 1
        try:
            with self.asking(what):
                yield
        finally:
            self.asked.seconds += time.perf_counter() - began

    def stamp(self, moment: int) -> Any:
        """Int64 ns UTC as Java has times."""
        stamp = self._stamp(moment // 1_000_000)
        stamp.setNanos(moment % 1_000_000_000)
        return stamp

    @cached_property
    def types(self) -> dict[str, Any]:
        """The types of data the API knows, by name, ``ALL`` among them."""
        known = self.type("domain.core.constants.VariableDataType")
        return {name: getattr(known, name) for name in ("ALL", *TYPES) if hasattr(known, name)}

    # Variables

    @patiently
    def like(self, pattern: str, type_name: str) -> dict[str, Any]:
        """Variables of that type by name; ``_`` is any character here, as in SQL."""
        with self._query(f"variables like {pattern}"):
            found = self._meta.getVariablesOfDataTypeWithNameLikePattern(
                pattern, self.types[type_name]
            )
            return by_name(found)

    @patiently
    def named(self, names: Iterable[str]) -> dict[str, Any]:
        """The variables of those names that exist."""
        found: dict[str, Any] = {}
        for some in _parts(list(names)):
            with self._query(f"{len(some)} variables by name, {some[0]} …"):
                found.update(by_name(self._set(some)))
        return found

    @patiently
    def headers(self, variable: Any) -> list[tuple[int, tuple[str, ...]]]:
        """From when on a vector's elements were called what, in order of time."""
        with self._query(f"the elements of {variable.getVariableName()}"):
            known = self._meta.getVectorElements(variable)
            elements = None if known is None else known.getVectornumericElements()
            if elements is None:
                return []
            found = []
            for pair in elements.entrySet():
                items = _items(pair.getValue())
                names = tuple(str(item.getValue()) for item in items)
                found.append((nanoseconds(pair.getKey()), names))
            return sorted(found)

    @patiently
    def fundamentals(self, pattern: str, start: int, end: int) -> Any | None:
        """The set of fundamentals that occurred from `start` to `end`; None: none did."""
        with self._query(f"fundamentals like {pattern}"):
            found = self._meta.getFundamentalsInTimeWindowWithNameLikePattern(
                self.stamp(start), self.stamp(end), pattern
            )
            return None if found is None or found.size() == 0 else found

    # Data; windows are closed at both ends

    @patiently
    def points(self, variable: Any, start: int, end: int, fundamentals: Any = None) -> Any:
        """The set of points from `start` to `end`, of some fundamentals' cycles if given."""
        window = (self.stamp(start), self.stamp(end))
        with self._query(str(variable.getVariableName())):
            if fundamentals is None:
                return self._data.getDataInTimeWindow(variable, *window)
            return self._data.getDataInTimeWindowFilteredByFundamentals(
                variable, *window, fundamentals
            )

    @patiently
    def scaled(self, variable: Any, start: int, end: int, scaling: str) -> Any:
        """The set of points reduced by the service, as ``1_MINUTE_AVG``."""
        with self._query(f"{variable.getVariableName()} as {scaling}"):
            way = self.type("domain.core.constants.TimescalingProperties").valueOf(scaling)
            return self._data.getDataInFixedIntervals(
                variable, self.stamp(start), self.stamp(end), way
            )

    @patiently
    def last(self, variable: Any, moment: int) -> Any | None:
        """The last point before `moment`, if it is not long ago as the service means it."""
        with self._query(str(variable.getVariableName())):
            return self._data.getLastDataPriorToTimestampWithinDefaultInterval(
                variable, self.stamp(moment)
            )

    def alone(self, point: Any) -> Any:
        """A set of that one point."""
        points = self.jpype.java.util.ArrayList()
        points.add(point)
        return points

    @patiently
    def statistics(self, names: Iterable[str], start: int, end: int) -> dict[str, Any]:
        """The service's statistics; it says nothing of variables without any."""
        found = {}
        for some in _parts(list(names)):
            with self._query(f"statistics of {len(some)} variables, {some[0]} …"):
                variables = self._set(some)
                if variables is None or variables.size() == 0:
                    continue
                service = self._data.getVariableStatisticsOverMultipleVariablesInTimeWindow
                answer = service(variables, self.stamp(start), self.stamp(end))
                for item in (answer.getStatisticsList() or ()) if answer is not None else ():
                    found[str(item.getVariableName())] = item
        return found

    # Fills and snapshots

    @cached_property
    def _fills(self) -> Any:
        return self._builder.createLHCFillService()

    @patiently
    def fill_numbers(self, start: int, end: int) -> list[int]:
        """The fills of the window, in order."""
        with self._query("fills"):
            found = self._fills.getLHCFillsAndBeamModesInTimeWindow(
                self.stamp(start), self.stamp(end)
            )
            numbers = () if found is None else found.getFillNumbers()
            return sorted(int(number) for number in numbers)

    @patiently
    def fill(self, number: int) -> Any | None:
        """The fill of that number."""
        with self._query(f"fill {number}"):
            return self._fills.getLHCFillAndBeamModesByFillNumber(number)

    @patiently
    def snapshots(self, pattern: str) -> list[Snapshot]:
        """The saved snapshots that match `pattern`; none where the client knows of none."""
        if not hasattr(self._builder, "createQuerySnapshotDataService"):
            return []
        with self._query(f"snapshots like {pattern}"):
            service = self._builder.createQuerySnapshotDataService()
            return saved(self.jpype, service, pattern, self._options.snapshot_owner)

    def _set(self, names: list[str]) -> Any:
        texts = self.jpype.java.util.ArrayList()
        for name in names:
            texts.add(name)
        return self._meta.getVariablesWithNameInListofStrings(texts)


def by_name(variables: Any) -> dict[str, Any]:
    """The variables of a Java set of them, which may be null."""
    found = {} if variables is None else {str(v.getVariableName()): v for v in _items(variables)}
    return dict(sorted(found.items()))


def _items(container: Any) -> Iterator[Any]:
    iterator = container.iterator()
    while iterator.hasNext():
        yield iterator.next()


def _parts(names: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), _AT_ONCE):
        yield names[first : first + _AT_ONCE]
