"""The embedded store as a source of the site file: ``kind = "embedded"``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from oaflib.errors import ConfigurationError, Problem
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Variable
from oaflib.sources.base import Snapshot, SourceSettings
from oaflib.sources.embedded.lake import Lake
from oaflib.sources.embedded.reduce import Reduction
from oaflib.window import Window


class EmbeddedSource:
    """OAF's own logging store, filled by ``oaf ingest``.

    Options: ``folder``, the store's folder, relative to the project's.

    Raises
    ------
    ConfigurationError
        An option that is missing or unknown.
    SourceUnavailable
        On entering, and later: there is no store in the folder, or it cannot be read.
    """

    local: ClassVar[bool] = True  # columnar and here already: no pieces are kept of it

    def __init__(self, settings: SourceSettings) -> None:
        place = f"[sources.{settings.name}]"
        options = dict(settings.options)
        folder = options.pop("folder", None)
        problems = [
            Problem("site.toml", f"{place} {key}", "is no option of an embedded store: folder is")
            for key in options
        ]
        if not isinstance(folder, str | Path) or not str(folder):
            problems.append(
                Problem("site.toml", f"{place} folder", 'is missing: the store\'s, as "runs/store"')
            )
        if problems:
            raise ConfigurationError(problems)
        self.lake = Lake(settings.root / Path(str(folder)), read_only=True)

    def __enter__(self) -> Self:
        self.lake.manifest()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lake.close()

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`."""
        return self.lake.find(pattern)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`; exact, but repetitions count."""
        return self.lake.count(variables, window.start_ns, window.end_ns)

    def bound(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Bounds.bound`; no data are read."""
        return self.lake.bound(variables, window.start_ns, window.end_ns)

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; all of it is one state of the store."""
        return self.lake.read(variables, window.start_ns, window.end_ns)

    def statistics(self, variables: Sequence[Variable], window: Window) -> list[Statistics]:
        """Statistics of each NUMERIC variable, from its finite samples; repetitions count once."""
        numeric = [variable for variable in variables if variable.kind is Kind.NUMERIC]
        reductions = {variable.name: Reduction(variable) for variable in numeric}
        for piece in self.read(numeric, window):
            reductions[piece.name].add(piece)
        return [reduction.statistics() for reduction in reductions.values()]

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back without limit."""
        return {variable.name: self.lake.last_before(variable, time) for variable in variables}

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        """See `KeepsSnapshots.snapshots`."""
        return self.lake.snapshots(pattern)
