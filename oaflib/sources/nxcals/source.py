"""NXCALS, or a lake in its layout, as a source of the site file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import pairwise
from typing import Any, Protocol, Self

import numpy as np

from oaflib.errors import SourceUnavailable
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.asked import Asked
from oaflib.sources.base import Fill, Snapshot, SourceSettings
from oaflib.sources.envelope import bucket_width
from oaflib.sources.nxcals.cern import CernAccess
from oaflib.sources.nxcals.convert import series_of
from oaflib.sources.nxcals.lake import LakeAccess
from oaflib.sources.nxcals.options import NxcalsOptions
from oaflib.sources.nxcals.reduce import ALGORITHMS, NAME, Reducer, statistics_of
from oaflib.sources.nxcals.server import served
from oaflib.sources.nxcals.session import Session, address_of
from oaflib.sources.options import options_of
from oaflib.window import Window

_DAY = 86_400 * 10**9
_BACK = (1, 7, 30)  # days in which the last sample is looked for first


class Access(Protocol):
    """Where variables and samples come from: all that CERN's services and a lake differ in."""

    def find(self, pattern: str) -> list[Variable]: ...

    def groups(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        """The known ones, in groups of which one query may ask."""
        ...

    def dtypes(self, variables: Sequence[Variable]) -> dict[str, str]: ...

    def rows(self, variables: Sequence[Variable], start: int, end: int) -> Any | None:
        """A frame of nxcals_value, nxcals_timestamp, nxcals_variable_name, nxcals_entity_id.

        Of variables of one group, within ``[start, end)`` (int64 ns UTC); None: there is nothing.
        """
        ...

    def snapshots(self, pattern: str, owner: str) -> list[Snapshot]: ...

    def fills(self, window: Window) -> list[Fill]: ...


class NxcalsSource:
    """NXCALS read with Spark.

    Options: see `NxcalsOptions`. `asked` counts what came back from Spark, not what it read.

    Raises
    ------
    ConfigurationError
        An option that is missing, unknown or wrong; pyspark or CERN's package is not installed.
    SourceUnavailable
        On entering, and later: Spark does not answer, or there is no lake.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.options = options_of(NxcalsOptions, settings)
        self._session: Session | None = None
        self._access: Access | None = None
        self._counts: dict[tuple[str, int, int], int] = {}

    @classmethod
    def serving(cls, settings: SourceSettings) -> AbstractContextManager[None]:
        """See `SharesServer.serving`: a Spark Connect server on the option's master."""
        options = options_of(NxcalsOptions, settings)
        if options.remote or not options.lake:
            return nullcontext()
        return served(settings, options.master, options.settings)

    def __enter__(self) -> Self:
        options = self.options
        self._counts.clear()
        self._session = Session(self.settings, options)
        try:
            if options.lake:
                lake = address_of(self.settings.root, options.lake)
                aliases = options.aliases
                self._access = LakeAccess(self._session, lake, options.system, aliases)
            else:
                self._access = CernAccess(self._session, options)
        except BaseException:
            self._session.close()
            self._session = None
            raise
        return self

    def __exit__(self, *_: object) -> None:
        session, self._session = self._open(), None
        session.close()
        self._asked = session.asked

    @property
    def asked(self) -> Asked:
        """Queries, rows, bytes and seconds since the source was entered."""
        return self._asked if self._session is None else self._session.asked

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; ``DEVICE/Property#field`` is a field of an entity."""
        return self._from().find(pattern)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`; counted by Spark, which reads times alone for it."""
        key = _span(window)
        unknown = [v for v in variables if (v.name, *key) not in self._counts]
        found = {(variable.name, *key): 0 for variable in unknown}
        for rows in self._frames(unknown, *_span(window)):
            for row in self._answer(self._reducer.counts(rows)):
                found[row["name"], *key] = row["n"]
        self._counts.update(found)  # whole: what was not answered is not known to be 0
        return {variable.name: self._counts[variable.name, *key] for variable in variables}

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; at most about `rows` rows are brought back at once."""
        variables = list(variables)
        access = self._from()
        dtypes = access.dtypes(variables)
        groups = access.groups(variables) if variables else []
        known = {variable.name for group in groups for variable in group}
        yield from (nothing(variable) for variable in variables if variable.name not in known)
        for group in groups:
            counts = self.count(group, window)
            for batch in _batches(group, counts, self._most(group[0])):
                total = sum(counts[variable.name] for variable in batch)
                if not total:
                    yield from map(nothing, batch)
                    continue
                pieces = -(-total // self._most(batch[0])) if len(batch) == 1 else 1
                for start, end in _parts(window, pieces):
                    yield from self._read(batch, (start, end), dtypes)

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable, computed by Spark.

        Rows logged twice count twice unless the option `distinct` says otherwise.
        """
        found: dict[str, dict[str, Any]] = {}
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        for rows in self._frames(numeric, *_span(window)):
            answer = self._answer(self._reducer.statistics(rows))
            found.update({row["name"]: row for row in answer})
        return [statistics_of(variable, found.get(variable.name)) for variable in numeric]

    def envelope(
        self, variables: Sequence[Variable], window: Window, buckets: int
    ) -> Iterator[Series]:
        """See `Envelopes.envelope`; computed by Spark."""
        width = bucket_width(window, buckets)
        samples: dict[str, list[tuple[int, float]]] = {}
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        for rows in self._frames(numeric, *_span(window)):
            for row in self._answer(self._reducer.envelope(rows, window.start_ns, width)):
                samples.setdefault(row["name"], []).extend(_extremes(row))
        yield from (_made(variable, samples.get(variable.name, [])) for variable in numeric)

    def scaled(
        self,
        variables: Sequence[Variable],
        window: Window,
        bucket: timedelta,
        algorithm: str = "AVG",
    ) -> Iterator[Series]:
        """See `Scales.scaled`; computed by Spark, of finite samples."""
        if algorithm not in ALGORITHMS:
            raise ValueError(f"no algorithm is called '{algorithm}': {', '.join(ALGORITHMS)}")
        if bucket < timedelta(seconds=1) or bucket % timedelta(seconds=1):
            raise ValueError(f"a bucket of {bucket} is not one or more whole seconds")
        width = int(bucket.total_seconds()) * 10**9
        samples: dict[str, list[tuple[int, float]]] = {}
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        start = window.start_ns
        for rows in self._frames(numeric, *_span(window)):
            for row in self._answer(self._reducer.scaled(rows, start, width, algorithm)):
                sample = (start + row["bucket"] * width, row["value"])
                samples.setdefault(row["name"], []).append(sample)
        yield from (_made(variable, samples.get(variable.name, [])) for variable in numeric)

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back as many days as the option says."""
        last = {variable.name: nothing(variable) for variable in variables}
        dtypes = self._from().dtypes(variables)
        left = list(variables)
        for days in (*(day for day in _BACK if day < self.options.look_back),
                     self.options.look_back):  # fmt: skip
            for rows in self._frames(left, time - days * _DAY, time):
                table = self._open().table(self._reducer.last(rows))
                for place, name in enumerate(table["name"].to_pylist()):
                    variable = next(one for one in left if one.name == name)
                    row = table.slice(place, 1)
                    last[name] = series_of(variable, row, dtypes.get(name, ""))
            left = [variable for variable in left if not len(last[variable.name])]
            if not left:
                break
        return last

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        """See `KeepsSnapshots.snapshots`: public groups with the label SNAPSHOT."""
        return self._from().snapshots(pattern, self.options.owner)

    def fills(self, window: Window) -> list[Fill]:
        """See `KnowsFills.fills`."""
        return self._from().fills(window)

    @property
    def _reducer(self) -> Reducer:
        return Reducer(self._open().expr, self.options.distinct)

    def _frames(self, variables: Sequence[Variable], start: int, end: int) -> Iterator[Any]:
        """A frame of samples for each group of variables that has any place in the window."""
        if not variables:
            return
        access = self._from()
        for group in access.groups(variables):
            rows = access.rows(group, start, end)
            if rows is not None:
                yield rows

    def _answer(self, frame: Any) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self._open().table(frame).to_pylist()
        return answer

    def _read(
        self, batch: Sequence[Variable], span: tuple[int, int], dtypes: dict[str, str]
    ) -> Iterator[Series]:
        """The samples of a few variables; rows come in any order and of all of them at once."""
        rows = self._from().rows(batch, *span)
        if rows is None:
            yield from map(nothing, batch)
            return
        columns = ["nxcals_timestamp", "nxcals_value", *([NAME] if len(batch) > 1 else [])]
        table = self._open().table(rows.select(*columns))
        if len(batch) == 1:
            yield series_of(batch[0], table, dtypes.get(batch[0].name, ""))
            return
        names = table[NAME].combine_chunks().dictionary_encode()
        order = np.argsort(names.indices.to_numpy(), kind="stable")
        sizes = np.bincount(names.indices.to_numpy(), minlength=len(names.dictionary))
        stops = np.cumsum(sizes)
        places = {name: i for i, name in enumerate(names.dictionary.to_pylist())}
        table = table.drop_columns([NAME])
        for variable in batch:
            if variable.name not in places:
                yield nothing(variable)
                continue
            stop = int(stops[places[variable.name]])
            mine = order[stop - int(sizes[places[variable.name]]) : stop]
            yield series_of(variable, table.take(mine), dtypes.get(variable.name, ""))

    def _most(self, variable: Variable) -> int:
        """Rows at once: an array takes the place of many numbers."""
        scalar = variable.kind in (Kind.NUMERIC, Kind.TEXTUAL)
        return self.options.rows if scalar else max(1, self.options.rows // 1000)

    def _open(self) -> Session:
        if self._session is None:
            raise SourceUnavailable(f"the source {self.settings.name} was not entered")
        return self._session

    def _from(self) -> Access:
        self._open()
        assert self._access is not None
        return self._access


def _batches(
    variables: Sequence[Variable], counts: dict[str, int], most: int
) -> Iterator[list[Variable]]:
    """The variables in their order, as many together as have `most` samples; one at least."""
    batch: list[Variable] = []
    held = 0
    for variable in variables:
        if batch and held + counts[variable.name] > most:
            yield batch
            batch, held = [], 0
        batch.append(variable)
        held += counts[variable.name]
    if batch:
        yield batch


def _span(window: Window) -> tuple[int, int]:
    return window.start_ns, window.end_ns


def _parts(window: Window, count: int) -> list[tuple[int, int]]:
    """The window in `count` parts of about equal length."""
    span = window.end_ns - window.start_ns
    bounds = [window.start_ns + span * i // count for i in range(count + 1)]
    return list(pairwise(bounds))


def _extremes(row: dict[str, Any]) -> list[tuple[int, float]]:
    """The samples of a bucket: the least and the greatest, or a NaN where none is finite."""
    if row["low"] is None:
        return [(row["first_time"], np.nan)]
    low, high = (row["low_time"], row["low"]), (row["high_time"], row["high"])
    return [low] if low[1] == high[1] else [low, high]


def _made(variable: Variable, samples: Sequence[tuple[int, float]]) -> Series:
    if not samples:
        return nothing(variable)
    time = np.array([sample[0] for sample in samples], np.int64)
    value = np.array([sample[1] for sample in samples], np.float64)
    series = Series(variable.name, variable.kind, variable.unit, time, value, variable.title)
    return series.where(np.argsort(time, kind="stable"))
