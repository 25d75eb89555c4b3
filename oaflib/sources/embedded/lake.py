"""The embedded logging store: Parquet files under a manifest, one writer or many, many readers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oaflib import columnar
from oaflib.errors import SourceUnavailable
from oaflib.series import Rows, Series, Variable, nothing
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded.batch import Batch, Origin
from oaflib.sources.embedded.manifest import Located, Manifest
from oaflib.sources.embedded.units import Span, parts
from oaflib.sources.embedded.workshop import sweep
from oaflib.stored import Held, last_before, opened, tables

_OPEN_FILES = 64
_HELD = 64  # row groups of half a megabyte
_MEMORY = 256_000_000


class Lake:
    """The store in `folder`; made when first written to.

    A context manager, for one thread of one process; any number of processes may read and write
    the same folder at once. Readers are never blocked and see a batch whole or not at all.

    Parameters
    ----------
    folder : a folder on a local disk.
    memory : bytes of samples a batch holds before they go to files.
    read_only : never write, not even to the database's own log.

    Raises
    ------
    SourceUnavailable
        From any method: no store there, or it is damaged, locked, or of another version.
    """

    def __init__(
        self, folder: Path | str, *, memory: int = _MEMORY, read_only: bool = False
    ) -> None:
        self._open: Manifest | None = None
        self._files: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._held: Held = {}  # where a last sample before a time lay: what follows is asked next
        self._may_write = False
        self._memory = memory
        self._read_only = read_only
        self.folder = Path(folder)

    def __enter__(self) -> Lake:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database and the files; the next use opens them again."""
        if self._open:
            self._open.close()
        self._open = None
        self._may_write = False
        self._files.clear()
        self._held.clear()

    # Writing

    def writing(self, origin: str, *, content: str | None = None, once: bool = False) -> Batch:
        """A batch to fill in a ``with`` block; it is in the store when the block has ended.

        `origin` says where it comes from (see `holds`); `content` is a hash of what is written: the
        store takes a content once. With `once`, exact repetitions inside the batch are left out.

        Raises
        ------
        IngestError
            At its end: the content is there already, or another writer has meanwhile given one of
            its variables another kind. See `Batch.add` for what is refused before.
        """
        return Batch(self, Origin(origin, content, once), self._memory)

    def write(self, series: Iterable[Series], origin: str = "") -> None:
        """Write some series, all or none."""
        with self.writing(origin) as batch:
            for entry in series:
                batch.add(entry)

    def holds(self, origin: str) -> bool:
        """Whether a batch of that origin or content is in the store; False without a store."""
        return (self.folder / "manifest.sqlite").exists() and self.manifest().holds(origin)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Save a query, in the place of one of the same name."""
        self.writable().put_snapshot(snapshot)

    # Reading

    def find(self, pattern: str = "%") -> list[Variable]:
        """The variables whose whole name matches, sorted; ``%`` stands for any characters.

        The unit is that of the latest samples.
        """
        return self.manifest().variables(pattern)

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        """The saved queries whose name matches, sorted."""
        return self.manifest().snapshots(pattern)

    def units(self, name: str) -> list[Span]:
        """The history of a variable's unit, in order of time; empty when none was ever said."""
        return self.manifest().spans(name)

    def read(self, variables: Sequence[Variable], start: int, stop: int) -> Iterator[Series]:
        """The samples of ``[start, stop)`` (int64 ns UTC), as `Source.read` gives them.

        All of it is one state of the store. A piece is at most about 128 MB.
        """
        manifest = self.manifest()
        with manifest.transaction(write=False):
            plan = [
                (
                    variable,
                    manifest.located(variable.name, (start, stop)),
                    manifest.spans(variable.name),
                )
                for variable in variables
            ]
        for variable, places, spans in plan:
            empty = True
            for rows, lying in self._tables(variable, places, (start, stop)):
                whole = columnar.series(rows, variable)
                for part, unit in parts(spans, whole.time):
                    empty = False
                    skip, count = lying.skip + part.start, part.stop - part.start
                    lies = (replace(lying, skip=skip, count=count),)
                    yield replace(_with_unit(whole.where(part), unit), lies=lies)
            if empty:
                yield nothing(variable)

    def count(self, variables: Sequence[Variable], start: int, stop: int) -> dict[str, int]:
        """How many samples each variable has in ``[start, stop)``, repetitions among them."""
        manifest = self.manifest()
        counts = dict.fromkeys((variable.name for variable in variables), 0)
        partial: list[tuple[str, Located]] = []
        with manifest.transaction(write=False):
            for name in counts:
                for place in manifest.located(name, (start, stop)):
                    if start <= place.piece.start and place.piece.stop < stop:
                        counts[name] += place.piece.rows
                    else:
                        partial.append((name, place))
        for name, place in partial:
            counts[name] += sum(
                lying.count for _, lying in self._rows(place, ["time"], (start, stop))
            )
        return counts

    def bound(self, variables: Sequence[Variable], start: int, stop: int) -> dict[str, int]:
        """No fewer than each variable has in ``[start, stop)``, by the manifest alone."""
        manifest = self.manifest()
        with manifest.transaction(write=False):
            return {
                variable.name: sum(
                    place.piece.rows for place in manifest.located(variable.name, (start, stop))
                )
                for variable in variables
            }

    def last_before(self, variable: Variable, time: int) -> Series:
        """The last sample before `time`, or an empty series; of several at one time, the newest."""
        best = nothing(variable)
        for place in self.manifest().backwards(variable.name, time):
            if len(best) and place.piece.stop < best.time[-1]:
                break
            rows = self._last_row(place, variable, time)
            if rows is not None and (not len(best) or rows["time"][0].as_py() >= best.time[-1]):
                best = columnar.series(rows, variable).where(np.array([0]))  # a copy
        for _, unit in parts(self.units(variable.name), best.time):
            best = _with_unit(best, unit)
        return best

    def _last_row(self, place: Located, variable: Variable, time: int) -> pa.Table | None:
        """The last row of a piece before `time`."""
        while len(self._held) >= _HELD:
            del self._held[next(iter(self._held))]
        columns = columnar.columns(variable.kind)
        with self._reading(place) as (file, lying):
            return last_before(file, lying, columns, time, self._held)

    def any_between(self, name: str, window: tuple[int, int]) -> bool:
        """Whether a variable has samples in the half-open window."""
        return any(
            True
            for place in self.manifest().located(name, window)
            for _ in self._rows(place, ["time"], window)
        )

    # Below the surface

    def manifest(self) -> Manifest:
        """The open manifest."""
        if self._open is None:
            self._open = Manifest(self.folder, read_only=self._read_only)
        return self._open

    def writable(self) -> Manifest:
        """The manifest, made if there was none; what dead writers left is swept on first use."""
        if self._read_only:
            raise SourceUnavailable(f"the store {self.folder} was opened for reading only")
        if not self._may_write:
            self.close()
            self._open = Manifest(self.folder, create=True)
            sweep(self.folder, self._open)
            self._may_write = True
        return self.manifest()

    def _tables(
        self, variable: Variable, places: Sequence[Located], window: tuple[int, int]
    ) -> Iterator[tuple[pa.Table, Rows]]:
        """The rows of a variable and where they lie; asks again when a file has gone since."""
        columns = columnar.columns(variable.kind)
        if not all((self.folder / place.path).exists() for place in places):
            places = self.manifest().located(variable.name, window)
        for place in places:
            yield from self._rows(place, columns, window, self._held)

    def _rows(
        self,
        place: Located,
        columns: Sequence[str],
        window: tuple[int, int],
        held: Held | None = None,
    ) -> Iterator[tuple[pa.Table, Rows]]:
        with self._reading(place) as (file, lying):
            yield from tables(file, lying, columns, window, held)

    @contextmanager
    def _reading(self, place: Located) -> Iterator[tuple[pq.ParquetFile, Rows]]:
        """The open file of a piece, and where in it that lies; what goes wrong is told."""
        path = self.folder / place.path
        try:
            yield self._file(place.path), place.piece.lying(path)
        except FileNotFoundError as error:
            raise SourceUnavailable(
                f"{path} went while it was read: compacted or past its retention, or removed by "
                "hand. Read again"
            ) from error
        except (OSError, pa.ArrowException, IndexError) as error:
            raise SourceUnavailable(
                f"{path} is damaged ({error}): restore it from a copy, or ingest its files anew"
            ) from error

    def _file(self, path: str) -> pq.ParquetFile:
        """The open file; the last 64 stay open."""
        if path not in self._files:
            self._files[path] = opened(self.folder / path)
            while len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)
        self._files.move_to_end(path)
        return self._files[path]


def _with_unit(series: Series, unit: str) -> Series:
    unit = unit or series.unit
    if unit == series.unit:
        return series
    return Series(series.name, series.kind, unit, series.time, series.value, series.title)
