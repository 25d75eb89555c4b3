"""A source as one report sees it: opened at its first question, in its turn, counted, bounded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from oaflib.config.budget import USUAL, Budget
from oaflib.errors import SourceUnavailable
from oaflib.series import Series, Variable, value_bytes
from oaflib.sources.asked import Asked
from oaflib.sources.base import Bounds, KeepsSnapshots, KnowsLast, Snapshot, Source
from oaflib.sources.quality import Quality
from oaflib.sources.slots import Gate, LeftAlone
from oaflib.window import Window


class SpentSeconds(Exception):
    """The report has used up the seconds it may ask its source; never leaves this room."""


@dataclass(frozen=True)
class Place:
    """Which source it is: its name in the site file, and its kind."""

    name: str
    kind: str


class Connection:
    """The way from one report to its source.

    Use as a context manager. Nothing is asked, and nothing is loaded, before the first question.

    Attributes
    ----------
    local : the source's data are columnar and here already. Then a forked process may go on with
        the connection: it opens the source for itself.
    """

    def __init__(
        self,
        place: Place,
        opener: Callable[[], Source],
        budget: Budget = USUAL,
        gate: Gate | None = None,
        *,
        local: bool = False,
    ) -> None:
        self.place = place
        self.local = local
        self.budget = budget
        self._opener = opener
        self._gate = gate
        self._stack = ExitStack()
        self._source: Source | None = None
        self._opened_by = 0
        self._counted = Asked()
        self._lost = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, SourceUnavailable):
            self.lost(error)
        self._stack.__exit__(kind, error, trace)

    @property
    def source(self) -> Source:
        """The source, entered.

        Raises
        ------
        SourceUnavailable
            It does not answer, now or a moment ago.
        """
        if self._source is None or (self.local and self._opened_by != os.getpid()):
            if self._gate is not None:
                self._stack.enter_context(self._gate.inside())
            with self.timed():
                source = self._stack.enter_context(self._opener())
            if self._gate is not None:
                self._gate.up()
            self._source, self._opened_by = source, os.getpid()
        return self._source

    @property
    def asked(self) -> Asked:
        """What was asked so far; the source's own count where it keeps one."""
        own = getattr(self._source, "asked", None) if self._source is not None else None
        mine = self._counted
        if not isinstance(own, Asked):
            return mine
        rows, nbytes = max(own.rows, mine.rows), max(own.nbytes, mine.nbytes)
        return Asked(own.queries, rows, nbytes, max(own.seconds, mine.seconds))

    def lost(self, error: SourceUnavailable) -> None:
        """The source does not answer any more: tell the other reports, once."""
        if self._gate is not None and not isinstance(error, LeftAlone) and not self._lost:
            self._gate.down(str(error))
            self._lost = True

    def spent(self) -> None:
        """Whether more may be asked.

        Raises
        ------
        SpentSeconds
            The seconds of the budget are used up.
        """
        if self._counted.seconds > self.budget.seconds:
            raise SpentSeconds(
                f"the {self.budget.seconds:g} s that this report may ask {self.place.name} were "
                "used up before its turn came; ask for less, or raise seconds in "
                f"[sources.{self.place.name}.budget]"
            )

    def offers(self, capability: Any) -> bool:
        """Whether the source has that capability of `oaflib.sources.base`."""
        return isinstance(self.source, capability)

    # Questions

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`."""
        source = self.source
        with self.timed():
            return source.find(pattern)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`."""
        source = self.source
        with self.timed():
            return source.count(variables, window)

    def bound(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Bounds.bound`; empty: the source knows no such thing."""
        source = self.source
        if not isinstance(source, Bounds):
            return {}
        with self.timed():
            return source.bound(variables, window)

    def snapshots(self, pattern: str) -> list[Snapshot] | None:
        """The saved snapshots; None: the source keeps none."""
        source = self.source
        if not isinstance(source, KeepsSnapshots):
            return None
        with self.timed():
            return source.snapshots(pattern)

    def last_before(self, variables: Sequence[Variable], at: int) -> dict[str, Series]:
        """The last sample of each before `at`, where the source knows it."""
        source = self.source
        if not variables or not isinstance(source, KnowsLast):
            return {}
        with self.timed():
            return source.last_before(variables, at)

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`."""
        return self.counted(self.source.read(variables, window))

    def counted(self, answer: Iterator[Series]) -> Iterator[Series]:
        """The series of an answer as they come; only the time spent on getting them counts."""
        self._counted.queries += 1
        while True:
            began = time.monotonic()
            try:
                piece = next(answer, None)
            finally:
                self._counted.seconds += time.monotonic() - began
            if piece is None:
                return
            self._counted.rows += len(piece)
            self._counted.nbytes += piece.time.nbytes + value_bytes(piece)
            yield piece

    def quality(self, name: str) -> Quality:
        """What the source said of the samples of `name` since this was last asked."""
        every: Any = getattr(self.source, "quality", None)
        found = every.pop(name, None) if isinstance(every, dict) else None
        return found if isinstance(found, Quality) else Quality()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Around one question, which is counted."""
        self._counted.queries += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._counted.seconds += time.monotonic() - began


def direct(source: Source, budget: Budget = USUAL) -> Connection:
    """The connection to a source that is entered already."""
    name = type(source).__name__
    connection = Connection(Place(name, name), lambda: source, budget)
    connection._source = source
    return connection
