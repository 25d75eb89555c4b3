"""What every logging system must offer, and what it may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from oaflib.config.site import SourceSettings as SourceSettings
from oaflib.report import Statistics
from oaflib.series import Series, Variable
from oaflib.window import Window


@dataclass(frozen=True)
class Snapshot:
    """A query saved in a source: what (variables, by name or ``%`` pattern), and perhaps when."""

    name: str
    variables: tuple[str, ...]
    description: str = ""
    window: Window | None = None


@dataclass(frozen=True)
class Fill:
    """One fill of the machine and its beam modes, half-open in int64 ns UTC."""

    number: int
    start: int
    end: int
    modes: tuple[tuple[str, int, int], ...] = ()


@runtime_checkable
class Source(Protocol):
    """A configured logging system, a context manager.

    Raises
    ------
    SourceUnavailable
        From any method: it does not answer.
    QueryRefused
        From `read` and `count`: it answers, but refuses this query.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def find(self, pattern: str) -> list[Variable]:
        """The variables whose whole name matches `pattern`, sorted by name.

        ``%`` stands for any characters, everything else for itself (``_`` too: names are full of
        them). An empty list: the source knows no such variable.
        """
        ...

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """How many samples each variable has in the window; cheap, and may be an upper bound."""
        ...

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """The samples of the window.

        One or more pieces a variable, the pieces of one variable one after the other; an empty
        series for a variable with nothing logged. Order of time and freedom from duplicates are
        not promised: `extract` sees to them. The unit of a piece is the unit at its time.
        """
        ...


@runtime_checkable
class ReducesStatistics(Protocol):
    """A source that computes statistics itself."""

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable over the window."""
        ...


@runtime_checkable
class KnowsLast(Protocol):
    """A source that knows the last sample before a time."""

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """The last sample before `time` (int64 ns UTC); an empty series when there is none."""
        ...


@runtime_checkable
class KeepsSnapshots(Protocol):
    """A source in which queries are saved."""

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        """The saved snapshots whose name matches `pattern` (``%`` as in `find`)."""
        ...


@runtime_checkable
class KnowsFills(Protocol):
    """A source that knows the machine's fills."""

    def fills(self, window: Window) -> list[Fill]:
        """The fills that overlap the window."""
        ...
