"""What is written at once: many series, in the store all together or not at all."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from oaflib.errors import IngestError, SourceUnavailable
from oaflib.series import Kind, Series, Times, Values, Variable, value_bytes
from oaflib.sources.embedded.files import (
    DAY_NS,
    SortedWriter,
    StoreFile,
    joined,
    ordered,
    unique,
)
from oaflib.sources.embedded.manifest import Manifest, refuse_other_kind
from oaflib.sources.embedded.merge import merged
from oaflib.sources.embedded.names import fault_of_name
from oaflib.sources.embedded.units import Span, disputed, said
from oaflib.sources.embedded.workshop import Workshop
from oaflib.window import instant, moment

if TYPE_CHECKING:
    from oaflib.sources.embedded.lake import Lake

Entry = tuple[str, Times, Values]

_BLOCK = 32_000_000
_RUNS = 4  # files in which a batch may leave one variable's day


@dataclass(frozen=True)
class Origin:
    """Where a batch comes from: a text for people, and the hash of its content, if it has one.

    With `once`, exact repetitions inside the batch are left out and counted.
    """

    text: str
    content: str | None = None
    once: bool = False


class AlreadyThere(IngestError):
    """The store has taken the same content before, perhaps a moment ago from another writer."""


class Batch:
    """A batch being written; made by `Lake.writing`, complete when its context ends without error.

    Memory is bounded: what was added goes to files, sorted, whenever it exceeds the limit.
    """

    def __init__(self, lake: Lake, origin: Origin, limit: int) -> None:
        self.origin = origin
        self.samples = 0
        self.repeated = 0
        self._lake = lake
        self._limit = limit
        self._workshop = Workshop(lake.folder)
        self._known: dict[str, Kind | None] = {}
        self._variables: dict[str, Variable] = {}
        self._spans: dict[str, list[Span]] = {}
        self._held: dict[str, list[tuple[Times, Values]]] = defaultdict(list)
        self._bytes = 0
        self._files: dict[tuple[Kind, int], list[StoreFile]] = defaultdict(list)

    @property
    def variables(self) -> int:
        """How many variables it holds samples of."""
        return len(self._variables)

    def __enter__(self) -> Batch:
        self._lake.writable()
        self._workshop.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._workshop.__exit__(kind, error, trace)
            return
        try:
            with self._complaining():
                self._commit(self._lake.writable())
        except BaseException as failure:
            self._workshop.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._workshop.__exit__(None, None, None)

    def kind_of(self, name: str) -> Kind | None:
        """The kind a variable has in the store or in this batch; None when it is new."""
        if name in self._variables:
            return self._variables[name].kind
        if name not in self._known:
            self._known[name] = self._lake.manifest().kind_of(name)
        return self._known[name]

    def add(self, series: Series) -> None:
        """Add samples of a variable, in any order; an empty series makes the variable known.

        An empty unit says nothing of the unit.

        Raises
        ------
        IngestError
            The name cannot be one, the variable has another kind, or samples of the same times
            have another unit.
        SourceUnavailable
            The disk is full, or the store's folder is gone.
        """
        known = self.kind_of(series.name)
        if known is not None:
            refuse_other_kind(series.name, known, series.kind)
        elif fault := fault_of_name(series.name):
            raise IngestError(f"a variable cannot have this name: {fault}")
        variable = self._variables.get(series.name)
        if variable is None or (series.title and series.title != variable.title):
            variable = Variable(series.name, series.kind, series.unit, series.title)
            self._variables[series.name] = variable
        if not len(series):
            return
        if series.unit:
            self._say_unit(series)
        self._held[series.name].append((series.time, series.value))
        self._bytes += series.time.nbytes + value_bytes(series) + 200
        self.samples += len(series)
        if self._bytes > self._limit:
            with self._complaining():
                self._spill()

    def _say_unit(self, series: Series) -> None:
        new = Span(int(series.time.min()), int(series.time.max()), series.unit)
        spans = self._spans.get(series.name, [])
        for other in disputed(spans, new):
            _refuse_unit(series.name, new, other)
        self._spans[series.name] = said(spans, new)

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        """Say of a failure to write that it is the store's, not that of what is ingested."""
        try:
            yield
        except OSError as error:
            raise SourceUnavailable(
                f"the store {self._lake.folder} cannot be written: {error}; nothing of this batch "
                "is in it"
            ) from error

    def _spill(self) -> None:
        """What is held becomes sorted files, one a kind and day."""
        parts: dict[tuple[Kind, int], list[Entry]] = defaultdict(list)
        for name in sorted(self._held):
            kind = self._variables[name].kind
            for day, time, value in self._days(name, kind):
                parts[kind, day].append((name, time, value))
        self._held.clear()
        self._bytes = 0
        for (kind, day), entries in parts.items():
            with SortedWriter(self._workshop.fresh(), kind, day) as writer:
                for block in _blocks(entries):
                    writer.add(
                        [(name, len(time)) for name, time, _ in block],
                        np.concatenate([time for _, time, _ in block]),
                        joined([value for *_, value in block], kind),
                    )
            self._files[kind, day].append(writer.file())

    def _days(self, name: str, kind: Kind) -> Iterator[tuple[int, Times, Values]]:
        """What is held of a variable, in order of time, cut at midnight UTC."""
        held = self._held[name]
        time, value = held[0]
        if len(held) > 1:
            time = np.concatenate([part[0] for part in held])
            value = joined([part[1] for part in held], kind)
        time, value = ordered(time, value)
        if self.origin.once:
            keep = unique(time, value)
            if not keep.all():
                time, value = time[keep], value[keep]
                self.repeated += len(keep) - len(time)
        first_day, last_day = int(time[0]) // DAY_NS, int(time[-1]) // DAY_NS
        if first_day == last_day:
            yield first_day, time, value
            return
        days = time // DAY_NS
        cuts = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(time)]
        for first, stop in pairwise(cuts):
            yield int(days[first]), time[first:stop], value[first:stop]

    def _commit(self, manifest: Manifest) -> None:
        self._spill()
        files = []
        for runs in self._files.values():
            # Runs may repeat each other, so `once` needs those of one variable together.
            if _deepest(runs) > (1 if self.origin.once else _RUNS):
                whole, repeated = merged(runs, self._workshop.fresh(), once=self.origin.once)
                self.repeated += repeated
                for run in runs:
                    run.path.unlink()
                files.append(whole)
            else:
                files += runs
        self.samples -= self.repeated
        places = self._workshop.place(files)
        try:
            with manifest.transaction() as db:
                db.execute(
                    "INSERT INTO batch (origin, content, samples, last) VALUES (?, ?, ?, ?)",
                    (
                        *(self.origin.text, self.origin.content, self.samples),
                        max((file.day for file in files), default=None),
                    ),
                )
                numbers = manifest.put_variables(self._variables)
                self._put_units(manifest, numbers)
                for file, place in places.items():
                    manifest.put_file(place, file, numbers)
        except sqlite3.IntegrityError as error:
            raise AlreadyThere(f"the content of {self.origin.text} is in the store") from error

    def _put_units(self, manifest: Manifest, numbers: Mapping[str, int]) -> None:
        """Bring the histories of units up to date, unless samples in the store contradict them."""
        histories = manifest.histories(numbers[name] for name in self._spans)
        changed = {}
        for name, spans in self._spans.items():
            before = after = histories[numbers[name]]
            for new in spans:
                for other in disputed(before, new):
                    if self._lake.any_between(name, (other.start, other.stop + 1)):
                        _refuse_unit(name, new, other)
                after = said(after, new)
            if after != before:
                changed[numbers[name]] = (before, after)
        manifest.put_histories(changed)


def _blocks(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The entries some at a time, one at least: writing them together is what costs memory."""
    block: list[Entry] = []
    nbytes = 0
    for name, time, value in entries:
        each = value.nbytes if value.dtype != object else _BLOCK // 100
        if block and nbytes + each > _BLOCK:
            yield block
            block, nbytes = [], 0
        block.append((name, time, value))
        nbytes += each
    if block:
        yield block


def _deepest(runs: list[StoreFile]) -> int:
    """In how many of these files one variable is, at most."""
    if len(runs) < 2:
        return len(runs)
    return max(Counter(piece.name for run in runs for piece in run.pieces).values())


def _refuse_unit(name: str, new: Span, other: Span) -> None:
    raise IngestError(
        f"{name} comes in '{new.unit}', but its samples from {instant(moment(other.start))} to "
        f"{instant(moment(other.stop))} are in '{other.unit}': one of the two is wrong"
    )
