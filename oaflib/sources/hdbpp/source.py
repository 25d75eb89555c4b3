"""HDB++ as a source of the site file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Self

import numpy as np

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Times, Variable, nothing
from oaflib.sources.asked import Asked
from oaflib.sources.base import SourceSettings
from oaflib.sources.embedded.units import Span, parts
from oaflib.sources.hdbpp.attributes import Attribute, kind_of
from oaflib.sources.hdbpp.queries import Queries
from oaflib.sources.like import like_of
from oaflib.sources.options import fault_of_passwords, options_of, password
from oaflib.sources.patience import Patience
from oaflib.sources.postgres import Database, Login, Lost, Row
from oaflib.sources.quality import Quality, blank
from oaflib.sources.scaling import seconds_of
from oaflib.window import Window, instant, moment

_INVALID = 1
_LONG = 3 * 86_400 * 10**9


@dataclass(frozen=True)
class HdbppOptions:
    """``[sources.NAME]`` with ``kind = "hdbpp"``.

    Attributes
    ----------
    database, user : at the server `host` (a name, or the folder of a unix socket) and `port`; the
        password from the environment variable `password_env`, or `password_file`.
    schema : of the tables. prefix : of names, left out in OAF: ``tango://host:10000/``.
    timeout : seconds to wait for a connection; deadline : seconds one query may take.
    attempts : of a connection that was refused or lost; pause : seconds before the second.
    rows : fetched at once.
    """

    database: str
    user: str
    host: str = "localhost"
    port: int = 5432
    schema: str = "public"
    prefix: str = ""
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    password_env: str = ""
    password_file: str = ""
    timeout: float = 10.0
    deadline: float = 600.0
    attempts: int = 4
    pause: float = 0.5
    rows: int = 20_000

    def __post_init__(self) -> None:
        for name in ("database", "user", "host", "schema"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty")
        for name in ("port", "timeout", "deadline", "attempts", "rows"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if fault := fault_of_passwords(self.password_env, self.password_file):
            raise ValueError(fault)


class HdbppSource:
    """Tango's archive HDB++, read by SQL.

    Options: see `HdbppOptions`. `quality` says, of each variable read since entering, how many
    samples Tango called invalid or logged as an error; `asked` what was asked in all.

    Raises
    ------
    ConfigurationError
        An option that is missing, unknown or wrong; psycopg is not installed.
    SourceUnavailable
        On entering, and later: the database does not answer, or is no HDB++.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.options = options_of(HdbppOptions, settings)
        self.quality: dict[str, Quality] = {}
        self._queries = Queries(self.options.schema, self.options.prefix)
        self._database: Database | None = None
        self._attributes: dict[str, Attribute] = {}
        self._labelled: dict[str, bool] = {}

    def __enter__(self) -> Self:
        options = self.options
        said = {
            "host": options.host,
            "port": str(options.port),
            "dbname": options.database,
            "user": options.user,
            "sslmode": options.sslmode,
            "password": password(self.settings, options.password_env, options.password_file),
        }
        patience = Patience(options.attempts, options.pause)
        parameters = {key: value for key, value in said.items() if value}
        self._database = Database(Login(parameters, options.timeout, options.deadline, patience))
        self.quality.clear()
        self._attributes.clear()
        try:
            self._database.rows(self._queries.probe())
        except BaseException:
            self._database.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open().close()

    @property
    def asked(self) -> Asked:
        """Queries, rows and seconds since the source was entered."""
        return self._open().asked

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; Tango's names are compared without regard to case.

        The unit and the title are the present ones.
        """
        found = self._find(self._queries.find(), like_of(pattern))
        return sorted(found, key=lambda variable: variable.name)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`; over long windows from TimescaleDB's hourly aggregates, if any."""
        counts = dict.fromkeys((variable.name for variable in variables), 0)
        tables: dict[str, list[Attribute]] = defaultdict(list)
        for attribute in self._known(variables):
            tables[attribute.table].append(attribute)
        long = window.end_ns - window.start_ns > _LONG
        for table, attributes in tables.items():
            names = {entry.number: entry.variable.name for entry in attributes}
            hourly = self._queries.hourly(table)
            if not long or not self._exists(hourly):
                hourly = ""
            query = self._queries.count(table, hourly)
            values = {"numbers": list(names), **_span(window.start_ns, window.end_ns)}
            for number, count in self._open().rows(query, values):
                counts[names[number]] = int(count)
        return counts

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; at most `rows` rows are in memory."""
        known = {entry.variable.name: entry for entry in self._known(variables)}
        for variable in variables:
            yield nothing(variable)
            if variable.name in known:
                attribute = replace(known[variable.name], variable=variable)
                yield from self._read(attribute, (window.start_ns, window.end_ns))

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back without limit."""
        last = {variable.name: nothing(variable) for variable in variables}
        for attribute in self._known(variables):
            query = self._queries.last(attribute, labelled=self._has_labels(attribute))
            rows = self._open().rows(query, {"number": attribute.number, "stop": _us(time)})
            spans = self._units(attribute)
            for series in self._pieces(attribute, rows, spans, Quality()):
                last[series.name] = series
        return last

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable, computed by the database.

        Rows that are invalid or errors count as NaN, as in `read`.
        """
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        known = {entry.variable.name: entry for entry in self._known(numeric)}
        return [self._summary(variable, known.get(variable.name), window) for variable in numeric]

    def scaled(
        self,
        variables: Sequence[Variable],
        window: Window,
        bucket: timedelta,
        algorithm: str = "AVG",
    ) -> Iterator[Series]:
        """See `Scales.scaled`, of good samples, by the database; buckets begin with the window."""
        width = seconds_of(bucket, algorithm) * 1_000_000
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        known = {entry.variable.name: entry for entry in self._known(numeric)}
        for variable in numeric:
            attribute = known.get(variable.name)
            if attribute is None:
                yield nothing(variable)
                continue
            about = {"number": attribute.number, "width": width}
            values = {**about, **_span(window.start_ns, window.end_ns)}
            rows = self._open().rows(self._queries.scaled(attribute, algorithm), values)
            time = np.array([row[0] for row in rows], np.int64) * 1000
            value = np.array([row[1] for row in rows], np.float64)
            yield Series(variable.name, variable.kind, variable.unit, time, value, variable.title)

    def _summary(
        self, variable: Variable, attribute: Attribute | None, window: Window
    ) -> Statistics:
        about = Statistics(variable.name, str(variable.kind), variable.unit, 0)
        if attribute is None:
            return replace(about, title=variable.title)
        values = {"number": attribute.number, **_span(window.start_ns, window.end_ns)}
        row = self._open().rows(self._queries.summary(attribute), values)[0]
        count, nan, inf, low, high, mean, std, first, first_time, last, last_time = row
        return replace(
            about,
            count=count,
            nan=nan,
            inf=inf,
            min=low,
            max=high,
            mean=mean,
            std=std,
            first=first,
            last=last,
            first_time=None if first_time is None else first_time * 1000,
            last_time=None if last_time is None else last_time * 1000,
            title=variable.title,
        )

    def _read(self, attribute: Attribute, window: tuple[int, int]) -> Iterator[Series]:
        """One attribute; when the connection goes, it goes on at the last sample it had."""
        if not attribute.readable:
            raise QueryRefused(
                f"{attribute.variable.name} is of type {attribute.type_name} {attribute.shape}, "
                "which is neither numbers nor texts"
            )
        database = self._open()
        quality = self.quality.setdefault(attribute.variable.name, Quality())
        spans = self._units(attribute)
        query = self._queries.read(attribute, labelled=self._has_labels(attribute))
        rows = (
            self.options.rows if attribute.shape == "SCALAR" else max(1, self.options.rows // 100)
        )
        reached, stop = window
        error = ""
        while True:
            before = reached
            for _ in database.login.patience.tries():
                values = {"number": attribute.number, **_span(reached, stop)}
                try:
                    for part in database.stream(query, values, rows):
                        yield from self._pieces(attribute, part, spans, quality)
                        reached = part[-1][0] * 1000
                    return
                except Lost as loss:
                    error = str(loss)
                if reached > before:
                    break
            else:
                missing = instant(moment(reached)), instant(moment(stop))
                raise SourceUnavailable(
                    f"{attribute.variable.name}: what was logged from {missing[0]} to "
                    f"{missing[1]} could not be read: {database.silent(error)}"
                )

    def _pieces(
        self, attribute: Attribute, rows: Sequence[Row], spans: Sequence[Span], quality: Quality
    ) -> Iterator[Series]:
        """Rows (microseconds, value, quality, error) to samples, cut where the unit changes."""
        variable = attribute.variable
        time: Times = np.array([row[0] for row in rows], np.int64) * 1000
        bad = [row[1] is None or row[2] == _INVALID for row in rows]
        good = [row[1] for row, odd in zip(rows, bad, strict=True) if not odd]
        quality.warned += sum(row[2] not in (0, None) for row in rows) - sum(
            row[2] == _INVALID for row in rows
        )
        values = attribute.values(good)
        if any(bad):
            quality.invalid += sum(bad)
            self._remember(quality, [row[3] for row, odd in zip(rows, bad, strict=True) if odd])
            whole = np.empty(len(rows), object)
            place = iter(values)
            like = values[0] if len(values) else None
            for number, odd in enumerate(bad):
                whole[number] = blank(variable.kind, like) if odd else next(place)
            values = whole.astype(np.float64) if variable.kind is Kind.NUMERIC else whole
        for part, unit in parts(spans, time):
            yield Series(
                variable.name,
                variable.kind,
                unit or variable.unit,
                time[part],
                values[part],
                variable.title,
            )

    def _remember(self, quality: Quality, errors: Sequence[int | None]) -> None:
        numbers = [number for number in errors if number is not None]
        if not numbers:
            quality.reason = quality.reason or "quality ATTR_INVALID"
            return
        for (words,) in self._open().rows(self._queries.error(), [numbers[-1]]):
            quality.reason = str(words)

    def _find(self, query: Any, value: Any) -> list[Variable]:
        found = []
        for row in self._open().rows(query, [value]):
            number, name, type_name, shape, write, table, unit, title = row
            kind = kind_of(type_name, shape)
            variable = Variable(name, kind, unit or "", title or "")
            self._attributes[name] = Attribute(number, variable, type_name, shape, write, table)
            found.append(variable)
        return found

    def _known(self, variables: Sequence[Variable]) -> list[Attribute]:
        """The attributes of `variables`; those the archive does not know are left out."""
        names = [variable.name for variable in variables]
        if any(name not in self._attributes for name in names):
            self._find(self._queries.named(), names)
        return [self._attributes[name] for name in names if name in self._attributes]

    def _units(self, attribute: Attribute) -> list[Span]:
        """The attribute's units, each from the time it was configured to the next."""
        rows = self._open().rows(self._queries.units(), [attribute.number])
        starts = [row[0] * 1000 for row in rows]
        stops = [*(start - 1 for start in starts[1:]), 2**63 - 1][: len(starts)]
        return [
            Span(start, stop, row[1] or "")
            for start, stop, row in zip(starts, stops, rows, strict=True)
        ]

    def _has_labels(self, attribute: Attribute) -> bool:
        """Whether the attribute is an enumeration whose table keeps the labels' texts."""
        if attribute.type_name != "DEV_ENUM":
            return False
        table = attribute.table
        if table not in self._labelled:
            values = [self.options.schema, table, f"{attribute.column}_label"]
            self._labelled[table] = bool(self._open().rows(self._queries.column(), values))
        return self._labelled[table]

    def _exists(self, table: str) -> bool:
        there = self._open().rows("select to_regclass(%s) is not null", [table]) if table else [()]
        return there == [(True,)]

    def _open(self) -> Database:
        if self._database is None:
            raise SourceUnavailable(f"the source {self.settings.name} was not entered")
        return self._database


def _us(ns: int) -> int:
    """The first whole microsecond at or after `ns`, the step of the archive's times."""
    return -(-ns // 1000)


def _span(start: int, stop: int) -> dict[str, int]:
    return {"start": _us(start), "stop": _us(stop)}
