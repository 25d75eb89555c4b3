"""Extract: what a dataset asks for, from its source, into the run's records on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from oaflib.config.dataset import Dataset
from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.kindfiles import KindFiles, placed
from oaflib.records import Entry, Records, RecordsWriter, State, open_records
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.shares import spread
from oaflib.sources.asked import Asked
from oaflib.sources.base import Source
from oaflib.sources.coarsen import COARSENED, Coarse, coarsened
from oaflib.sources.connection import Connection, SpentSeconds, direct
from oaflib.sources.days import days, is_day
from oaflib.sources.ordered import joined, normalise
from oaflib.sources.pieces import Shelf, Span
from oaflib.sources.plan import Plan, beyond, planned, weight
from oaflib.sources.selection import Catalogue, select
from oaflib.sources.split import asked_for
from oaflib.window import Window

_BATCH = 200  # variables asked for, and kept, together
_SCALARS = (Kind.NUMERIC, Kind.TEXTUAL)

_SHARE = 50  # variables that one of several processes reads before it tells
_PROCESSES = 4  # at most; a report is not alone on a machine

Made = tuple[Series, Entry]
Kept = tuple[Series, Entry, Series | None]  # the last: means, of what came at low resolution
Part = tuple[Window, Span | None]


def extract(dataset: Dataset, window: Window, source: Source, folder: Path) -> Records:
    """Write the dataset's records of `window` into `folder` and open them.

    As `Extraction.into`, from a source that is entered already, and nothing is kept of it.
    """
    return Extraction(dataset, window, direct(source)).into(folder)


class Eye(Protocol):
    """Sees every series on its way into the records."""

    def take(self, series: Series, entry: Entry) -> None:
        """Look at it."""

    def told(self) -> Any:
        """What was seen so far, for the same eye in another process; this one forgets it."""

    def hear(self, told: Any) -> None:
        """Take over what it saw in another process."""


@dataclass(frozen=True)
class Share:
    """What another process made of some variables: series without their samples where these lie
    in the source's files, what an eye saw, and what is counted.
    """

    made: Sequence[Kept]
    seen: Any
    asked: Asked
    points: int
    down: str


@dataclass
class Extraction:
    """One dataset over one window from one source.

    `shelf` holds the pieces kept of the source; None: nothing is kept.
    """

    dataset: Dataset
    window: Window
    connection: Connection
    shelf: Shelf | None = None
    _down: str = ""  # why the source is not asked any more
    _known: int = 0  # variables of which something is known
    _points: int = 0  # read so far
    _kept: int = 0  # samples that nobody was asked for
    _spans: dict[str, Span] = field(default_factory=dict)
    _elsewhere: Asked = field(default_factory=Asked)  # by other processes

    def into(self, folder: Path, eye: Eye | None = None) -> Records:
        """Write the records into `folder` and open them; `eye` sees every series on the way.

        Every variable asked for is a key. Series are in order of time, without exact duplicates;
        NaN and infinities stay and are counted. What the source refuses, what lies beyond the
        budget, and what was left when the source stopped answering, is FAILED with the reason.

        Raises
        ------
        SourceUnavailable
            The source does not answer: nothing is known, so nothing is concluded.
        ConfigurationError
            The dataset names no variables, and the source keeps no snapshot for it.
        """
        selection = select(self.dataset, Catalogue(self.connection, self._span(self.window)))
        variables = selection.variables
        with RecordsWriter(folder, self.window, self.connection.place.name) as records:
            for name, reason in selection.absent.items():
                records.missing(Entry(Variable(name), State.ABSENT, reason=reason))
            plan = self._plan(variables)
            for series, entry, mean in self._all(variables, plan, folder, eye):
                if entry.state is State.FAILED:
                    records.missing(entry)
                    continue
                self._known += 1
                if len(series) < entry.count and not records.links(series):
                    series, entry = next(self._read([entry.variable], self.window, plan))
                records.add(series, entry, mean)
            if self._down and not self._known:
                raise SourceUnavailable(self._down)
            records.arrange([*selection.absent, *(variable.name for variable in variables)])
            records.asked = self._asked()
        return open_records(folder)

    def _asked(self) -> Mapping[str, object]:
        asked, place = self.connection.asked.plus(self._elsewhere), self.connection.place
        return {
            "source": place.name,
            "kind": place.kind,
            "queries": asked.queries,
            "rows": asked.rows,
            "bytes": asked.nbytes,
            "seconds": round(asked.seconds, 3),
            "kept": self._kept,
        }

    # The window in parts

    def _span(self, window: Window, buckets: int = 0) -> Span | None:
        """Where pieces of `window` are kept; None: they are not."""
        if self.shelf is None or not self.shelf.final(window):
            return None
        span = self.shelf.span(window, buckets)
        return self._spans.setdefault(str(span.folder), span)

    def _parts(self) -> list[Part]:
        """Days of which pieces are kept, and what of the window is before, between and after."""
        parts: list[Part] = []
        for part in days(self.window) if self.shelf else [self.window]:
            span = self._span(part) if is_day(part) else None
            if span is None and parts and parts[-1][1] is None:
                parts[-1] = (replace(parts[-1][0], end=part.end), None)
            else:
                parts.append((part, span))
        return parts

    def _plan(self, variables: Sequence[Variable]) -> Plan:
        """What comes in full, by what is kept and by what the source counts."""
        names = [variable.name for variable in variables]
        known: dict[str, int] = {}
        if low := self._span(self.window, self.connection.budget.buckets):
            for name, records in low.kept(names).items():
                known[name] = int((records.entries[name].reduced or {}).get("points", 0))
        kept = [span.kept(names) if span else {} for _, span in self._parts()]
        for name in names:
            if all(name in part for part in kept):
                known[name] = sum(weight(part[name].entries[name]) for part in kept)
        return planned(self.connection, variables, self.window, known)

    # Variables

    def _all(
        self, variables: Sequence[Variable], plan: Plan, folder: Path, eye: Eye | None
    ) -> Iterator[Kept]:
        """Every variable; many of a local source by several processes, and in no order."""
        processes = min(len(os.sched_getaffinity(0)), _PROCESSES)
        if not self.connection.local or len(variables) <= _BATCH or processes < 2:
            yield from self._here(variables, plan, folder, eye)
            return
        shares = [(i, variables[i : i + _SHARE]) for i in range(0, len(variables), _SHARE)]
        work = partial(self._share, plan, folder, eye)
        for share, found in spread(work, shares, processes):
            if found is None:
                yield from self._here(share[1], plan, folder, eye)
                continue
            if eye is not None:
                eye.hear(found.seen)
            self._elsewhere = self._elsewhere.plus(found.asked)
            self._points += found.points
            self._down = self._down or found.down
            yield from found.made

    def _here(
        self, variables: Sequence[Variable], plan: Plan, folder: Path, eye: Eye | None
    ) -> Iterator[Kept]:
        for first in range(0, len(variables), _BATCH):
            for made in self._batch(variables[first : first + _BATCH], plan, folder):
                if eye is not None and made[1].state is not State.FAILED:
                    eye.take(*made[:2])
                yield made

    def _share(
        self, plan: Plan, folder: Path, eye: Eye | None, share: tuple[int, Sequence[Variable]]
    ) -> Share:
        """In another process."""
        asked, points = replace(self.connection.asked), self._points
        first, variables = share
        copies = KindFiles(folder, f"copied-{first}-", mixed=True)
        made = [
            (placed(series, copies, folder), entry, mean)
            for series, entry, mean in self._here(variables, plan, folder, eye)
        ]
        copies.close()
        return Share(
            made=made,
            seen=eye.told() if eye is not None else None,
            asked=self.connection.asked.minus(asked),
            points=self._points - points,
            down=self._down,
        )

    def _batch(self, batch: Sequence[Variable], plan: Plan, folder: Path) -> Iterator[Kept]:
        """Each variable of the batch: in full, at low resolution, or FAILED."""
        full = [one for one in batch if plan.in_full(one)]
        low = [one for one in batch if one.name in plan.low]
        for series, entry in self._full(full, plan, folder):
            yield series, entry, None
        for variable in batch:  # those that the source cannot count, one by one
            if reason := plan.refused.get(variable.name):
                yield (*_failed(variable, reason), None)
            elif variable.name in plan.points:
                continue
            elif self._points <= self.connection.budget.points:
                for series, entry in self._full([variable], plan, folder):
                    yield series, entry, None
            elif variable.kind in COARSENED and self.connection.budget.over == "coarsen":
                low.append(variable)
            else:
                yield (*_failed(variable, beyond(self.connection, variable, self._points)), None)
        yield from self._low(low, plan)

    def _full(self, variables: Sequence[Variable], plan: Plan, folder: Path) -> Iterator[Made]:
        """Each variable over the whole window, part by part."""
        parts = self._parts()
        if len(parts) == 1 and parts[0][1] is None:
            yield from self._read(variables, self.window, plan)
            return
        with TemporaryDirectory(prefix=".parts-", dir=folder) as scratch:
            held = [
                self._held(variables, part, plan, Path(scratch) / str(number))
                for number, part in enumerate(parts)
            ]
            for variable in variables:
                found = [part[variable.name] for part in held]
                failed = [one.entries[variable.name] for one in found]
                failed = [entry for entry in failed if entry.state is State.FAILED]
                if failed:
                    yield _failed(variable, failed[0].reason)
                    continue
                made = [(one[variable.name], one.entries[variable.name]) for one in found]
                yield _titled(variable, *joined(variable, made))

    def _held(
        self, variables: Sequence[Variable], part: Part, plan: Plan, scratch: Path
    ) -> dict[str, Records]:
        """The records with each variable over one part: kept pieces, and what is asked for."""
        window, span = part
        name = self.connection.place.name
        if span is None:
            with RecordsWriter(scratch, window, name) as writer:
                for series, entry in self._read(variables, window, plan):
                    writer.add(series, entry)
            return dict.fromkeys((variable.name for variable in variables), open_records(scratch))
        by_name = {variable.name: variable for variable in variables}
        held = span.kept(by_name)
        self._kept += sum(records.entries[name].count for name, records in held.items())
        failed = Records(window, {})
        while missing := [name for name in by_name if name not in held]:
            with span.claimed(missing) as mine:
                if mine:
                    asked = [by_name[name] for name in mine]
                    with span.writing(name) as writer:
                        for series, entry in self._read(asked, window, plan):
                            if entry.state is State.FAILED:
                                failed.entries[series.name] = entry
                                held[series.name] = failed
                            else:
                                writer.add(series, entry)
            if not mine:
                span.wait(missing)
            held.update(span.kept(name for name in missing if name not in held))
        return held

    def _read(self, variables: Sequence[Variable], window: Window, plan: Plan) -> Iterator[Made]:
        """Each variable over `window`, asked of the source; FAILED with the reason."""
        left = {variable.name: variable for variable in variables}
        share = (window.end_ns - window.start_ns) / (self.window.end_ns - self.window.start_ns)
        points = {name: round(plan.points.get(name, 0) * share) for name in left}
        reason = self._down
        try:
            if left and not self._down:
                before = self._before(variables, window)
                for variable, answer in asked_for(self.connection, variables, window, points):
                    del left[variable.name]
                    if isinstance(answer, QueryRefused):
                        yield _failed(variable, str(answer))
                        continue
                    series, entry = normalise(variable, answer, window)
                    self._points += weight(entry)
                    yield series, self._told(entry, before.get(variable.name))
        except SpentSeconds as spent:
            reason = str(spent)
        except SourceUnavailable as error:
            reason = self._stopped(error)
        for variable in left.values():
            yield _failed(variable, reason)

    def _low(self, variables: Sequence[Variable], plan: Plan) -> Iterator[Kept]:
        """Variables at low resolution, kept or asked for."""
        span = self._span(self.window, self.connection.budget.buckets)
        if span is None:
            for made in self._coarsened(variables, plan):
                yield made.series, made.entry, made.mean
            return
        by_name = {variable.name: variable for variable in variables}
        held = span.kept(by_name)
        entries = [records.entries[name] for name, records in held.items()]
        self._kept += sum(int((entry.reduced or {}).get("count", 0)) for entry in entries)
        failed: dict[str, Coarse] = {}
        while missing := [name for name in by_name if name not in held and name not in failed]:
            with span.claimed(missing) as mine:
                if mine:
                    asked = [by_name[name] for name in mine]
                    with span.writing(self.connection.place.name) as writer:
                        for made in self._coarsened(asked, plan):
                            if made.entry.state is State.FAILED:
                                failed[made.series.name] = made
                            else:
                                writer.add(made.series, made.entry, made.mean)
            if not mine:
                span.wait(missing)
            held.update(span.kept(name for name in missing if name not in failed))
        for made in failed.values():
            yield made.series, made.entry, None
        for name, records in held.items():
            mean = records.mean(name) if records.entries[name].means else None
            yield (*_titled(by_name[name], records[name], records.entries[name]), mean)

    def _coarsened(self, variables: Sequence[Variable], plan: Plan) -> Iterator[Coarse]:
        left = {variable.name: variable for variable in variables}
        reason = self._down
        try:
            if left and not self._down:
                before = self._before(variables, self.window)
                for variable, made in coarsened(
                    self.connection, variables, self.window, plan.points
                ):
                    del left[variable.name]
                    if isinstance(made, QueryRefused):
                        yield Coarse(*_failed(variable, str(made)))
                        continue
                    points = plan.points.get(variable.name, 0)
                    reduced = {**(made.entry.reduced or {}), "points": points}
                    held = before.get(variable.name)
                    yield replace(made, entry=replace(made.entry, reduced=reduced, before=held))
        except SpentSeconds as spent:
            reason = str(spent)
        except SourceUnavailable as error:
            reason = self._stopped(error)
        for variable in left.values():
            yield Coarse(*_failed(variable, reason))

    def _stopped(self, error: SourceUnavailable) -> str:
        """Remember that the source does not answer any more; in words."""
        self.connection.lost(error)
        self._down = str(error)
        return self._down

    def _told(self, entry: Entry, before: tuple[int, float | str] | None) -> Entry:
        quality = self.connection.quality(entry.variable.name)
        return replace(
            entry,
            before=before,
            invalid=quality.invalid,
            warned=quality.warned,
            disconnects=quality.disconnects,
            note=quality.reason,
        )

    def _before(
        self, batch: Sequence[Variable], window: Window
    ) -> dict[str, tuple[int, float | str]]:
        """The value each scalar had when the window began, from sources that know it."""
        scalars = [entry for entry in batch if entry.kind in _SCALARS]
        try:
            last = self.connection.last_before(scalars, window.start_ns)
        except QueryRefused:
            return {}
        return {
            name: (
                int(series.time[-1]),
                series.value[-1].item() if series.kind is Kind.NUMERIC else str(series.value[-1]),
            )
            for name, series in last.items()
            if len(series)
        }


def _titled(variable: Variable, series: Series, entry: Entry) -> Made:
    """What was kept for another dataset, with the title that this one gives it."""
    if series.title == variable.title:
        return series, entry
    about = replace(entry.variable, title=variable.title)
    return replace(series, title=variable.title), replace(entry, variable=about)


def _failed(variable: Variable, reason: str) -> tuple[Series, Entry]:
    return nothing(variable), Entry(variable, State.FAILED, reason=reason)
