"""Any table of (time, variable, value) through SQLAlchemy, by a mapping in the site file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import numpy as np

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.asked import Asked
from oaflib.sources.base import SourceSettings
from oaflib.sources.like import like_of, matches
from oaflib.sources.options import fault_of_address, fault_of_passwords, options_of, password
from oaflib.sources.patience import Patience
from oaflib.sources.postgres import Lost
from oaflib.sources.quality import Quality
from oaflib.sources.sqlcells import BadCell, Times, values_of
from oaflib.sources.sqldoor import SqlDoor
from oaflib.window import Window, instant, moment, zone_named

_NAMES = 200  # in one query


def _zone(name: str) -> None:
    if name:
        zone_named(name)


@dataclass(frozen=True)
class SqlOptions:
    """``[sources.NAME]`` with ``kind = "sql"``.

    Attributes
    ----------
    url : SQLAlchemy's, without a password: ``postgresql://oaf@host/db``, ``sqlite:///data/log.db``
        (relative to the project's folder).
    table, schema : where the samples are; a view is fine.
    time, variable, value, unit : its columns; a unit column is not needed.
    holds : what the values are; ``auto`` goes by the column's type. Vectors are arrays, or JSON
        lists in a text.
    time_format : ``timestamp``, or whole or broken numbers of ns, us, ms or s since 1970 UTC.
    zone : IANA zone of timestamps written without one; empty: they are refused.
    password_env, password_file : where the password is. timeout : seconds to wait for a connection.
    deadline : seconds one query may take, where the database knows such a limit (PostgreSQL).
    attempts : of a connection that was refused or lost; pause : seconds before the second.
    rows : fetched at once.
    """

    url: str
    table: str
    time: str
    variable: str
    value: str
    unit: str = ""
    schema: str = ""
    holds: Literal["auto", "NUMERIC", "TEXTUAL", "VECTORNUMERIC", "VECTORSTRING"] = "auto"
    time_format: Literal["timestamp", "ns", "us", "ms", "s"] = "timestamp"
    zone: Annotated[str, _zone] = ""
    password_env: str = ""
    password_file: str = ""
    timeout: float = 10.0
    deadline: float = 600.0
    attempts: int = 4
    pause: float = 0.5
    rows: int = 20_000

    def __post_init__(self) -> None:
        for name in ("url", "table", "time", "variable", "value"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty")
        for name in ("timeout", "deadline", "attempts", "rows"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if fault := fault_of_address(self.url):
            raise ValueError(fault)
        if fault := fault_of_passwords(self.password_env, self.password_file):
            raise ValueError(fault)


class SqlSource:
    """One table of an SQL database.

    Options: see `SqlOptions`. A value that is NULL comes as NaN (a text as ``(invalid)``) and is
    counted in `quality`; `asked` says what was asked in all.

    Raises
    ------
    ConfigurationError
        An option that is missing, unknown or wrong; SQLAlchemy or the database's driver is not
        installed; on entering: no such table or column.
    SourceUnavailable
        On entering, and later: the database does not answer.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.options = options_of(SqlOptions, settings)
        self.quality: dict[str, Quality] = {}
        self._door = SqlDoor(settings, self.options)
        self._times = Times(self.options.time_format, self.options.zone)
        self._kind = Kind.NUMERIC

    def __enter__(self) -> Self:
        options = self.options
        secret = password(self.settings, options.password_env, options.password_file)
        self.quality.clear()
        columns = self._door.enter(secret)
        self._times = self._times.of_column(columns[options.time], texts=self._door.sqlite)
        self._kind = self._door.kind_of(columns[options.value], options.holds)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    @property
    def asked(self) -> Asked:
        """Queries, rows and seconds since the source was entered."""
        return self._door.asked

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; the unit is the latest. An index on (variable, time) makes it fast."""
        door = self._door
        name = door.column(self.options.variable)
        if "%" in pattern:
            query = door.select(name).where(name.like(like_of(pattern), escape="\\")).distinct()
        else:
            query = door.select(name).where(name == pattern).limit(1)
        # Some databases compare in any case, so what they find is looked at again.
        names = {str(row[0]) for row in door.rows(query) if row[0] is not None}
        return [
            Variable(name, self._kind, self._unit(name))
            for name in sorted(names)
            if matches(pattern, name)
        ]

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`."""
        counts = dict.fromkeys((variable.name for variable in variables), 0)
        door = self._door
        name, time = door.column(self.options.variable), door.column(self.options.time)
        bounds = self._times.bounds(window.start_ns, window.end_ns)
        names = list(counts)
        for first in range(0, len(names), _NAMES):
            chosen = name.in_(names[first : first + _NAMES])
            where = (chosen, time >= bounds[0], time < bounds[1])
            if self._times.exact:
                query = door.select(name, door.many()).where(*where).group_by(name)
                for found, many in door.rows(query):
                    counts[str(found)] = counts.get(str(found), 0) + int(many)
                continue
            for part in door.stream(door.select(name, time).where(*where), self.options.rows):
                for found, cell in part:
                    if window.start_ns <= self._time(str(found), cell) < window.end_ns:
                        counts[str(found)] += 1
        return counts

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; at most `rows` rows are in memory."""
        for variable in variables:
            yield nothing(replace(variable, kind=self._kind))
            yield from self._read(variable, window.start_ns, window.end_ns)

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back without limit."""
        return {variable.name: self._last(variable, time) for variable in variables}

    def _last(self, variable: Variable, time: int) -> Series:
        door = self._door
        when = door.column(self.options.time)
        query = self._samples(variable).where(when < self._times.bounds(0, time)[1])
        best: tuple[int, tuple[Any, ...]] | None = None
        with door.streaming(query.order_by(when.desc()), 100) as parts:
            for row in (row for part in parts for row in part):
                at = self._time(variable.name, row[0])
                if at < time and (best is None or at > best[0]):
                    best = at, row
                # Texts sort by their zone too: two days back nothing can be later.
                if best and (self._times.ordered or at < best[0] - 2 * 86_400 * 10**9):
                    break
        if best is None:
            return nothing(replace(variable, kind=self._kind))
        return next(self._pieces(variable, [best[1]], (best[0], best[0] + 1), Quality()))

    def _read(self, variable: Variable, start: int, stop: int) -> Iterator[Series]:
        """One variable; when the connection goes, it goes on at the last sample it had."""
        quality = self.quality.setdefault(variable.name, Quality())
        when = self._door.column(self.options.time)
        patience = Patience(self.options.attempts, self.options.pause)
        error = ""
        while True:
            before = start
            for _ in patience.tries():
                bounds = self._times.bounds(start, stop)
                query = self._samples(variable).where(when >= bounds[0], when < bounds[1])
                try:
                    for part in self._door.stream(query.order_by(when), self.options.rows):
                        for piece in self._pieces(variable, part, (start, stop), quality):
                            yield piece
                            if self._times.ordered:
                                start = int(piece.time[-1])
                    return
                except Lost as loss:
                    error = str(loss)
                if start > before:
                    break
            else:
                missing = instant(moment(start)), instant(moment(stop))
                raise SourceUnavailable(
                    f"{variable.name}: what was logged from {missing[0]} to {missing[1]} could not "
                    f"be read: {self._door.place} was asked {patience.attempts} times: {error}"
                )

    def _samples(self, variable: Variable) -> Any:
        options, door = self.options, self._door
        names = [options.time, options.value, *([options.unit] if options.unit else [])]
        chosen = [door.column(name) for name in names]
        return door.select(*chosen).where(door.column(options.variable) == variable.name)

    def _pieces(
        self,
        variable: Variable,
        rows: Sequence[Sequence[Any]],
        window: tuple[int, int],
        quality: Quality,
    ) -> Iterator[Series]:
        """Rows to samples of the window, cut where the unit changes."""
        time = np.array([self._time(variable.name, row[0]) for row in rows], np.int64)
        inside = np.flatnonzero((time >= window[0]) & (time < window[1])).tolist()
        if not inside:
            return
        cells = [rows[place][1] for place in inside]
        quality.invalid += sum(cell is None for cell in cells)
        try:
            values = values_of(self._kind, cells)
        except BadCell as error:
            at = instant(moment(int(time[inside[error.place]])))
            raise QueryRefused(f"{variable.name} at {at}: {error}") from None
        units = [str(rows[place][2] or "") if self.options.unit else "" for place in inside]
        cuts = [place for place in range(1, len(units)) if units[place] != units[place - 1]]
        for first, stop in zip([0, *cuts], [*cuts, len(units)], strict=True):
            part = slice(first, stop)
            yield Series(
                variable.name, self._kind, units[first], time[inside][part], values[part],
                variable.title,
            )  # fmt: skip

    def _time(self, name: str, cell: Any) -> int:
        try:
            return self._times.time(cell)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise QueryRefused(f"{name} has a time that cannot be read: {error}") from error

    def _unit(self, name: str) -> str:
        if not self.options.unit:
            return ""
        door = self._door
        unit = door.column(self.options.unit)
        named = door.select(unit).where(door.column(self.options.variable) == name)
        latest = named.order_by(door.column(self.options.time).desc()).limit(1)
        for (found,) in door.rows(latest):
            return str(found or "")
        return ""
