"""CERN's logging API as a source of the site file: ``kind = "java"``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self

import numpy as np

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Variable, nothing, value_bytes
from oaflib.sources.asked import Asked
from oaflib.sources.base import Fill, Snapshot, SourceSettings
from oaflib.sources.embedded.reduce import Reduction
from oaflib.sources.java.answers import Header, count_of, fill_of, scaling_of, statistics_of
from oaflib.sources.java.api import Api, by_name
from oaflib.sources.java.compiled import helper
from oaflib.sources.java.convert import TYPES, Converter, InBulk, PointByPoint, nanoseconds
from oaflib.sources.java.jvm import Launch, running
from oaflib.sources.java.options import jars, read_options
from oaflib.window import Window

_POINT = "domain.core.timeseriesdata.TimeseriesData"
_DAY = 86_400 * 10**9
_LONGEST_FILL = 7 * _DAY
_BACK = (60 * 10**9, 3600 * 10**9, _DAY)


class JavaSource:
    """A logging service reached through its Java client; options as in `Options`.

    Raises
    ------
    ConfigurationError
        Options that are unknown or wrong; on entering, jars that are not there, or no Java.
    SourceUnavailable
        The service does not answer, or this process cannot run Java (a fork of one that does).
    QueryRefused
        The service answers with a refusal, such as that the query is too large.
    """

    counted: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)  # others must be read to be counted

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._options = read_options(settings)
        self._entered: tuple[Api, Converter] | None = None
        self._variables: dict[str, Any] = {}
        self._types: dict[str, str] = {}

    def __enter__(self) -> Self:
        options = self._options
        launch = Launch(jars(self._settings, options), options.jvm_options, options.java_home)
        jpype = running(launch)
        api = Api(jpype, options)
        point = api.type(_POINT)
        bulk = helper(jpype, options.java_home)
        self._entered = (api, InBulk(bulk, point) if bulk else PointByPoint(jpype, point))
        return self

    def __exit__(self, *_: object) -> None:
        self._entered = None  # Java itself stays: it cannot start a second time in a process
        self._variables.clear()
        self._types.clear()

    @property
    def asked(self) -> Asked:
        """What the service was asked since the source was entered, and how long it took."""
        return self._api.asked

    @property
    def _api(self) -> Api:
        return self._open()[0]

    @property
    def _convert(self) -> Converter:
        return self._open()[1]

    def _open(self) -> tuple[Api, Converter]:
        if self._entered is None:
            raise SourceUnavailable(f"source {self._settings.name} is not open: use it in a `with`")
        return self._entered

    # What there is

    def find(self, pattern: str, kind: Kind | None = None) -> list[Variable]:
        """See `Source.find`; with `kind`, only variables of that kind."""
        fits = re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)
        every = self._api.like(pattern, "ALL")
        # Java's _ is any character, ours is itself
        matching = {name: every[name] for name in every if fits.fullmatch(name)}
        self._learn_types(pattern, set(matching))
        self._variables.update(matching)
        found = [self._variable(name, matching[name]) for name in sorted(matching)]
        return [variable for variable in found if kind in (None, variable.kind)]

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        """See `KeepsSnapshots.snapshots`; public ones, by name."""
        return self._api.snapshots(pattern)

    def headers(self, variable: Variable) -> list[Header]:
        """What the elements of a vector were called, oldest first; empty: nobody said.

        A header is valid until the next one begins; the number of elements may differ.
        """
        known = self._known([variable]).get(variable.name)
        if known is None:
            return []
        return [Header(since, names) for since, names in self._api.headers(known)]

    def fundamentals(self, window: Window, pattern: str) -> list[str]:
        """The fundamentals (accelerator, cycle, user) that occurred in the window."""
        found = self._api.fundamentals(pattern, window.start_ns, window.end_ns - 1)
        return [] if found is None else list(by_name(found))

    def fills(self, window: Window) -> list[Fill]:
        """See `KnowsFills.fills`; one that still lasts ends with the window."""
        # a fill that began before the window may last into it, and fills do not overlap
        numbers = self._api.fill_numbers(window.start_ns - _LONGEST_FILL, window.end_ns)
        fills: list[Fill] = []
        for number in reversed(numbers):
            entry = self._api.fill(number)
            if entry is None:
                continue
            with self._api.asking(f"fill {number}"):
                fill = fill_of(entry, window.end_ns)
            if fill.end <= window.start_ns:
                break
            if fill.start < window.end_ns:
                fills.append(fill)
        return fills[::-1]

    # Data

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`.

        From the statistics of the service, which knows those of numbers only: other kinds are
        asked for, but stay in Java.
        """
        api, start, end = self._api, window.start_ns, window.end_ns - 1
        known = self._known(variables)
        statistics = api.statistics(known, start, end)
        counts = {}
        for variable in variables:
            item = statistics.get(variable.name)
            if item is not None:
                counts[variable.name] = count_of(item)
            elif variable.name in known:
                points = api.points(known[variable.name], start, end)
                counts[variable.name] = 0 if points is None else int(points.size())
            else:
                counts[variable.name] = 0
        return counts

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; one piece a variable, of the option's fundamentals if it names any.

        The unit is today's: the API knows no other. NUMERICSTATUS is read as numbers, FUNDAMENTAL
        as 1 at each occurrence. A null is NaN among numbers; other null samples are left out.
        """
        return self.filtered(variables, window, self._options.fundamental)

    def filtered(
        self, variables: Sequence[Variable], window: Window, fundamental: str
    ) -> Iterator[Series]:
        """As `read`, only data of the cycles that match `fundamental`; empty: all."""
        return self._read(variables, window.start_ns, window.end_ns, fundamental)

    def scaled(
        self,
        variables: Sequence[Variable],
        window: Window,
        bucket: timedelta,
        algorithm: str = "AVG",
    ) -> Iterator[Series]:
        """See `Scales.scaled`, by the service; also REPEAT and INTERPOLATE.

        Raises
        ------
        ValueError
            `bucket` is not whole seconds, or no such algorithm.
        """
        scaling = scaling_of(bucket, algorithm)
        start, end = window.start_ns, window.end_ns
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        known = self._known(numeric)
        for variable in numeric:
            entry = known.get(variable.name)
            points = None if entry is None else self._api.scaled(entry, start, end, scaling)
            made = self._series(variable, points, start, end)
            # the service answers of empty buckets too: with nothing, or with a count of 0
            none = 0 if algorithm == "COUNT" else np.nan
            some = np.isfinite(made.value) & (made.value != none)
            yield made if some.all() else made.where(some)

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable, of its finite samples.

        The service's own where they are finite and no fundamental is asked for; the first and last
        sample are then unknown. Else the samples are read.
        """
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        theirs: dict[str, Any] = {}
        if not self._options.fundamental:
            names = self._known(numeric)
            theirs = self._api.statistics(names, window.start_ns, window.end_ns - 1)
        found = []
        for variable in numeric:
            item = theirs.get(variable.name)
            numbers = None if item is None else statistics_of(variable, item)
            found.append(numbers or self._reduced(variable, window))
        return found

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back as many days as the option says.

        The service itself looks back for an interval of its own, too short for what is logged on
        change: what it finds nothing of is asked for in its statistics, then day by day.
        """
        if self._options.fundamental:
            return {variable.name: self._last_filtered(variable, time) for variable in variables}
        known = self._known(variables)
        found = {variable.name: nothing(variable) for variable in variables}
        for variable in variables:
            if variable.name in known:
                found[variable.name] = self._last(variable, known[variable.name], time)
        missing = [v for v in variables if v.name in known and not len(found[v.name])]
        if missing and self._options.look_back:
            found.update(self._last_of_old(missing, time))
        return found

    # Inside

    def _learn_types(self, pattern: str, names: set[str]) -> None:
        """Ask for each type until all names have theirs: a variable itself does not tell it."""
        left = names - self._types.keys()
        for type_name in TYPES:
            if not left:
                return
            if type_name in self._api.types:
                typed = left & self._api.like(pattern, type_name).keys()
                self._types.update(dict.fromkeys(typed, type_name))
                left -= typed

    def _variable(self, name: str, entry: Any) -> Variable:
        with self._api.asking(name):
            unit, title = entry.getUnit(), entry.getDescription()
        return Variable(
            name,
            TYPES[self._types.get(name, "NUMERIC")],
            "" if unit is None else str(unit),
            "" if title is None else str(title),
        )

    def _known(self, variables: Sequence[Variable]) -> dict[str, Any]:
        """The Java variables behind `variables`, by name; those that went are not among them."""
        names = dict.fromkeys(variable.name for variable in variables)
        unknown = [name for name in names if name not in self._variables]
        if unknown:
            self._variables.update(self._api.named(unknown))
        return {name: self._variables[name] for name in names if name in self._variables}

    def _read(
        self, variables: Sequence[Variable], start: int, end: int, fundamental: str = ""
    ) -> Iterator[Series]:
        api, known = self._api, self._known(variables)
        cycles = api.fundamentals(fundamental, start, end - 1) if fundamental else None
        for variable in variables:
            entry = known.get(variable.name)
            if entry is None or (fundamental and cycles is None):
                yield nothing(variable)
            else:
                yield self._series(variable, api.points(entry, start, end, cycles), start, end)

    def _series(self, variable: Variable, points: Any, start: int, end: int) -> Series:
        """The points as a series, cut to the half-open window: Java's is closed at both ends."""
        with self._api.asking(variable.name):
            if points is None or int(points.size()) == 0:
                return nothing(variable)
            series = self._converted(variable, points, points.getVariableDataType())
        inside = (series.time >= start) & (series.time < end)
        return series if inside.all() else series.where(inside)

    def _converted(self, variable: Variable, points: Any, said: Any) -> Series:
        """The points as a series; their type is what the service `said` of them, if it knew."""
        name = self._types.get(variable.name, str(variable.kind))
        if said is not None and str(said.toString()) in TYPES:
            name = str(said.toString())
        if TYPES[name] is not variable.kind:
            raise QueryRefused(
                f"{variable.name} is {variable.kind}, but was logged as {name} in this window"
            )
        try:
            time, value = self._convert(points, name)
        except ValueError as error:  # an image whose rows differ in length, say
            raise QueryRefused(f"{variable.name}: what was logged is no {name}: {error}") from None
        series = Series(variable.name, variable.kind, variable.unit, time, value, variable.title)
        self.asked.rows += len(series)
        self.asked.nbytes += value_bytes(series)
        return series

    def _reduced(self, variable: Variable, window: Window) -> Statistics:
        reduction = Reduction(variable)
        for piece in self.read([variable], window):
            reduction.add(_ordered(piece))
        return reduction.statistics()

    def _last(self, variable: Variable, entry: Any, time: int) -> Series:
        api = self._api
        point = api.last(entry, time)
        with api.asking(variable.name):
            if point is not None and nanoseconds(point.getStamp()) >= time:
                point = api.last(entry, time - 1)  # "prior" may mean "or at"
            if point is None:
                return nothing(variable)
            return self._converted(variable, api.alone(point), point.getVariableDataType())

    def _last_of_old(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """The last samples from the time in which the service did not look by itself."""
        far = time - self._options.look_back * _DAY
        known = self._known(variables)
        statistics: dict[str, Any] | None
        try:
            statistics = self._api.statistics(known, far, time - 1)
        except QueryRefused:
            statistics = None  # too long a window for it
        found = {}
        for variable in variables:
            entry, item = known[variable.name], (statistics or {}).get(variable.name)
            series = nothing(variable)
            if item is not None:
                at = nanoseconds(item.getMaxTstamp())
                points = self._api.points(entry, at, at)
                series = _ordered(self._series(variable, points, at, at + 1)).where(slice(-1, None))
            elif statistics is None or self._types.get(variable.name) != "NUMERIC":
                series = self._last_by_days(variable, entry, time, far)
            found[variable.name] = series
        return found

    def _last_by_days(self, variable: Variable, entry: Any, time: int, far: int) -> Series:
        for earlier in range(time - _DAY, far, -_DAY):
            series = self._last(variable, entry, earlier)
            if len(series):
                return series
        return nothing(variable)

    def _last_filtered(self, variable: Variable, time: int) -> Series:
        """The last sample of the option's cycles, looked for in ever longer windows of a day."""
        end = time
        for span in _BACK:
            (series,) = self._read([variable], time - span, end, self._options.fundamental)
            if len(series):
                return _ordered(series).where(slice(-1, None))
            end = time - span
        return nothing(variable)


def _ordered(series: Series) -> Series:
    return series.where(np.argsort(series.time, kind="stable"))
