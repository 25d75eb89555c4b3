"""What every logging system must offer, and what it may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
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
class Bounds(Protocol):
    """A source that knows faster than by counting how much there is at most."""

    def bound(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """No fewer samples than each variable has in the window."""
        ...


@runtime_checkable
class ReducesStatistics(Protocol):
    """A source that computes statistics itself."""

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable over the window."""
        ...


@runtime_checkable
class Envelopes(Protocol):
    """A source that reduces to what a picture can show itself."""

    def envelope(
        self, variables: Sequence[Variable], window: Window, buckets: int
    ) -> Iterator[Series]:
        """One series of each NUMERIC variable: the extremes of each part of the window.

        The window is cut into `buckets` parts of equal length (the last may be shorter). Of each
        come a least and a greatest finite sample, at their own times, and once where they are the
        same; of a part with odd samples only (NaN, infinities) one NaN. In order of time. The
        picture of it is the picture of the whole; numbers beside it are those of `statistics`.
        """
        ...


@runtime_checkable
class Scales(Protocol):
    """A source that scales series itself."""

    def scaled(
        self,
        variables: Sequence[Variable],
        window: Window,
        bucket: timedelta,
        algorithm: str = "AVG",
    ) -> Iterator[Series]:
        """Each NUMERIC variable, a sample a bucket that has one; its time is the bucket's start.

        Raises
        ------
        ValueError
            `bucket` is not whole seconds, or no such algorithm (AVG, MIN, MAX, COUNT, SUM are).
        """
        ...


@runtime_checkable
class SharesServer(Protocol):
    """A maker of sources whose kernels may share one server, started once for a morning."""

    @classmethod
    def serving(cls, settings: SourceSettings) -> AbstractContextManager[object]:
        """Within it sources made of these `settings`, in any process, share a server.

        It returns at once; the server may still be starting. It ends with the context, or with the
        process that entered it, however that ends.
        """
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
