"""The history of a project: every concluded report's statistics, over the years."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa

from oaflib.config.aliases import Aliases
from oaflib.errors import HistoryError, ReportError
from oaflib.folders import make
from oaflib.history import imports
from oaflib.history.points import (
    COUNTED,
    DATED,
    by_variable,
    counts_of_rows,
    joined,
    last_units,
    trend_of_rows,
)
from oaflib.history.rows import SCHEMA, TREND, Stamp, empty, statistics, table, texts, unified
from oaflib.history.shelf import Shelf, renewed
from oaflib.report import Report, Statistics, read
from oaflib.series import Kind, Times, device_of
from oaflib.trend import DAY, Trend, nothing
from oaflib.window import Window, nanoseconds

_IMPORTED = "imported"
_CURRENT = "current"  # the file that names the folder of what came from reports
_FIRST = "reports-1"
_LATELY = 8 * DAY


class History:
    """The history in `folder` (``runs/history``): an index that `rebuild` makes again.

    A folder a dataset, and one of what was imported. Safe to read while it is written to. `aliases`
    join what a device or variable was called before.
    """

    def __init__(self, folder: Path, aliases: Aliases | None = None) -> None:
        self.folder = folder
        self.aliases = aliases or Aliases()

    def append(self, report: Report) -> None:
        """Put the statistics of a finished report in, in place of those of its window before.

        A report that did not finish takes them away: nothing is known of its window.
        """
        found = report.statistics if report.finished else ()
        stamp = Stamp.of(report)
        with self._locked(fcntl.LOCK_SH):
            self._shelf(report.id).put(stamp, table(stamp, found))

    def rebuild(self, repository: Path) -> list[str]:
        """Make the history again from the ``report.json`` files under `repository`/reports.

        What was imported stays. Until it is complete, readers see the old one. Returns a sentence
        for each report that could not be read.
        """
        with self._locked(fcntl.LOCK_EX):
            now = self._reports().name
            turn = int(now.rpartition("-")[2]) + 1
            fresh = self.folder / f"reports-{turn}"
            for stale in self.folder.glob("reports-*"):
                if stale.name != now:
                    shutil.rmtree(stale)
            make(fresh)
            troubles = _fill(fresh, repository)
            # the old one is left for those who read it just now, until the next time
            renewed(self.folder / _CURRENT, fresh.name)
        return troubles

    def datasets(self) -> list[str]:
        """The datasets there is history of, sorted."""
        try:
            return sorted(unquote(path.name) for path in self._reports().iterdir())
        except FileNotFoundError:
            return []

    def labels(self, dataset: str) -> list[str]:
        """The windows of a dataset, sorted."""
        return self._shelf(dataset).labels()

    def variables(self, what: str = "") -> list[str]:
        """Every variable that ever was in a dataset or an instrument (empty: all), by its newest
        name.
        """
        names: set[str] = set()
        for dataset in self._of(what):
            names |= self._shelf(dataset).names()
        if not what:
            names |= self._brought()
        return sorted({self.aliases.newest(name) for name in names})

    def known(self, what: str, imported: bool = True) -> list[str]:
        """Every variable of a dataset or an instrument, and all that was `imported`, by its newest
        name; one that several datasets compute as ``<INST>_<dataset>:<name>``.
        """
        computed: dict[str, list[str]] = {}
        names = self._brought() if imported else set()
        for dataset in self._of(what):
            for name in self._shelf(dataset).names():
                if device_of(name) == name:
                    computed.setdefault(name, []).append(dataset)
                else:
                    names.add(name)
        for name, datasets in computed.items():
            names |= {name} if len(datasets) == 1 else {f"{one}:{name}" for one in datasets}
        return sorted({self.aliases.newest(name) for name in names})

    def _brought(self) -> set[str]:
        return set(imports.names(self.folder / _IMPORTED))

    def day(self, what: str, label: str) -> list[Statistics]:
        """The statistics of one window of a dataset, or of all datasets of an instrument.

        As in the report; empty when nothing is known of it.
        """
        found = []
        for dataset in self._of(what):
            found += statistics(self._shelf(dataset).read(SCHEMA.names, label=label))
        return found

    def trend(
        self,
        variable: str,
        first: datetime | int | None = None,
        stop: datetime | int | None = None,
        dataset: str = "",
    ) -> Trend:
        """The windows of `variable` that begin in ``[first, stop)``, in order of time.

        `first` and `stop` are aware datetimes or int64 ns UTC; None leaves that side open. Days are
        taken where there are some, else windows that do not overlap, the shortest first; of one
        window in several datasets the one whose report was made last. Without a point it is empty.
        ``<INST>_<dataset>:<name>`` is what that dataset computes by the name.
        """
        return self.trends([variable], first, stop, dataset)[variable]

    def trends(
        self,
        variables: Sequence[str],
        first: datetime | int | None = None,
        stop: datetime | int | None = None,
        dataset: str = "",
    ) -> dict[str, Trend]:
        """As `trend`, of several variables: every file is read once for all of them."""
        span = (_ns(first, -(2**62)), _ns(stop, 2**62))
        every = [dataset] if dataset else self.datasets()
        asked = {one: self._asked(one, dataset, every) for one in dict.fromkeys(variables)}
        found = self._rows(asked, TREND, span)
        brought = imports.trends(
            self.folder / _IMPORTED, {name: ask.imported for name, ask in asked.items()}, span
        )
        return {name: _trend(name, found[name], brought.get(name)) for name in asked}

    def counts(
        self, variables: Sequence[str], window: Window, since: int, dataset: str = ""
    ) -> dict[str, Times]:
        """The samples of each variable's windows that began at `since` (int64 ns UTC) or later and
        ended before `window` did: int64[n], the oldest first, and zero where it was silent; those
        `trend` leaves out.
        """
        every = [dataset] if dataset else self.datasets()
        asked = {one: self._asked(one, dataset, every) for one in dict.fromkeys(variables)}
        found = self._rows(asked, COUNTED, (since, window.end_ns))
        return {name: counts_of_rows(rows, window) for name, rows in found.items()}

    def _rows(
        self, asked: Mapping[str, _Asked], columns: Sequence[str], span: tuple[int, int]
    ) -> dict[str, list[pa.Table]]:
        """`columns` of what was asked for, of each dataset; every file is read once."""
        found: dict[str, list[pa.Table]] = {one: [] for one in asked}
        every = dict.fromkeys(chain.from_iterable(ask.datasets for ask in asked.values()))
        for one in every:
            wanted = {name: ask for name, ask in asked.items() if one in ask.datasets}
            shelf = self._shelf(one)
            known = shelf.names() & set(chain.from_iterable(ask.names for ask in wanted.values()))
            if not known:
                continue
            rows = by_variable(shelf.read(columns, names=sorted(known), span=span).select(columns))
            for name, ask in wanted.items():
                found[name] += [rows[old] for old in ask.names if old in rows]
        return found

    def _asked(self, variable: str, dataset: str, every: Sequence[str]) -> _Asked:
        head, _, tail = variable.partition(":")
        if tail and not dataset and head in every:
            names = self.aliases.all_of(tail)
            return _Asked(names, [head], [*names, variable])
        names = self.aliases.all_of(variable)
        return _Asked(names, every, names)

    def scalars(self, what: str, window: Window) -> set[str]:
        """The variables of a dataset or an instrument that were single numbers shortly before the
        end of `window`, by their newest names.
        """
        names: set[str] = set()
        for dataset in self._of(what):
            span = (window.end_ns - _LATELY, window.end_ns)
            rows = self._shelf(dataset).read(["kind"], span=span)
            kinds = zip(texts(rows, "variable"), texts(rows, "kind"), strict=True)
            names |= {name for name, kind in kinds if kind == Kind.NUMERIC}
        return {self.aliases.newest(name) for name in names}

    def units(self, dataset: str, window: Window, since: int) -> dict[str, str]:
        """Units that variables of a dataset had last in the trend before the end of `window`.

        Of those only for which the days that began at `since` (int64 ns UTC) or later tell it for
        sure: not of what has older names or was imported. `trend` knows the others'.
        """
        if not dataset:
            return {}
        rows = self._shelf(dataset).read(DATED, span=(since, window.end_ns))
        found = last_units(rows, window, since)
        brought = self._brought() if found else set()
        return {
            name: unit
            for name, unit in found.items()
            if name not in brought and self.aliases.all_of(name) == [name]
        }

    def excerpt(self, folder: Path, dataset: str, variables: Sequence[str], stop: int) -> None:
        """Write a history into `folder` that says of `variables` of `dataset` what this one does,
        of windows that began before `stop` (int64 ns UTC): what a snapshot takes along.
        """
        names = sorted({name for one in variables for name in self.aliases.all_of(one)})
        rows = self._shelf(dataset).read(SCHEMA.names, names=names, span=(-(2**62), stop))
        if rows.num_rows:
            shelf_of(folder / _FIRST, dataset).fill(rows)
        imports.copy(self.folder / _IMPORTED, folder / _IMPORTED, names)

    def import_file(self, path: Path, zone: str = "") -> int:
        """Take in ``timestamp,variable,value[,unit]`` from CSV (gzip is fine) or ``.xlsx``.

        The points are marked as imported, and stay when the history is rebuilt. The same file
        again changes nothing. `zone` is that of times without one; empty: they are refused. Returns
        how many points the file holds.

        Raises
        ------
        HistoryError
            The file cannot be read, or lines of it are wrong: all are named, none is taken.
        """
        return imports.take(self.folder / _IMPORTED, path, zone)

    def _of(self, what: str) -> list[str]:
        every = self.datasets()
        if not what:
            return every
        return [name for name in every if name == what or name.split("_", 1)[0] == what]

    def _shelf(self, dataset: str) -> Shelf:
        return shelf_of(self._reports(), dataset)

    def _reports(self) -> Path:
        try:
            return self.folder / (self.folder / _CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return self.folder / _FIRST

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Many append at a time; while it is rebuilt nobody does."""
        make(self.folder)
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, how)
            yield


@dataclass(frozen=True)
class _Asked:
    """What a variable is called in reports of some datasets, and in what was imported."""

    names: Sequence[str]
    datasets: Sequence[str]
    imported: Sequence[str]


def _trend(variable: str, found: list[pa.Table], brought: Trend | None) -> Trend:
    if not found and brought is None:
        return nothing(variable)
    rows = unified(found) if found else empty().select(TREND)
    own = trend_of_rows(variable, rows)
    return own if brought is None else joined(own, brought)


def shelf_of(folder: Path, dataset: str) -> Shelf:
    """The shelf of a dataset in the folder of all.

    Raises
    ------
    HistoryError
        No dataset can be called so.
    """
    name = quote(dataset, safe="")
    if not name.strip("."):
        raise HistoryError(f"'{dataset}' is no dataset; write <INST>_<dataset>")
    return Shelf(folder / name)


def _fill(fresh: Path, repository: Path) -> list[str]:
    """Put every report's statistics into `fresh`; a sentence for each that cannot be read."""
    troubles: list[str] = []
    shelves: dict[str, Shelf] = {}
    for path in sorted((repository / "reports").glob("*/*/*/report.json")):
        try:
            report = read(path.read_bytes(), str(path))
        except (ReportError, OSError) as error:
            troubles.append(f"{path} was left out: {error}")
            continue
        if report.finished and report.statistics:
            shelf = shelves.setdefault(report.id, shelf_of(fresh, report.id))
            stamp = Stamp.of(report)
            shelf.put(stamp, table(stamp, report.statistics))
    for shelf in shelves.values():
        shelf.join()
    return troubles


def _ns(when: datetime | int | None, otherwise: int) -> int:
    if when is None:
        return otherwise
    return nanoseconds(when) if isinstance(when, datetime) else int(when)
