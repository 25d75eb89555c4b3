"""A folder of CSV, Parquet, HDF5 or TFS files as a source: ``kind = "files"``.

Files are read with the embedded store's own readers, each into a small store of its own under
`cache`, when it is first met and whenever it has changed. So memory stays bounded, a variable's day
is read in milliseconds, and what a file no longer says is forgotten with it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from oaflib.errors import IngestError, QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.base import SourceSettings
from oaflib.sources.embedded.ingest import ingest
from oaflib.sources.embedded.intake import IngestOptions
from oaflib.sources.embedded.lake import Lake
from oaflib.sources.like import matches
from oaflib.sources.options import options_of
from oaflib.sources.patience import Patience
from oaflib.window import Window, zone_named

_OPEN = 32
_GRACE = 3600.0
_LISTED = 5


def _zone(name: str) -> None:
    if name:
        zone_named(name)


@dataclass(frozen=True)
class FilesOptions:
    """``[sources.NAME]`` with ``kind = "files"``.

    Attributes
    ----------
    folder : where the files are, relative to the project's folder. pattern : which of them, as a
        shell says it; ``**/`` is any depth.
    cache : a folder of OAF's for what it has read; empty: ``runs/files/<NAME>``.
    device, zone, on_bad : as of ``oaf ingest``: the device of names without one, the zone of times
        without one, and whether a file with bad lines is refused or its good ones kept.
    """

    folder: str
    pattern: str = "**/*.*"
    cache: str = ""
    device: str = ""
    zone: Annotated[str, _zone] = ""
    on_bad: Literal["refuse", "keep"] = "refuse"

    def __post_init__(self) -> None:
        if not self.folder:
            raise ValueError("folder is empty")
        if not self.pattern or self.pattern.startswith("/") or ".." in Path(self.pattern).parts:
            raise ValueError("pattern must stay inside the folder, as **/*.csv")

    @property
    def ingestion(self) -> IngestOptions:
        """How its files are read."""
        return IngestOptions(self.on_bad, self.device, self.zone)


@dataclass(frozen=True)
class Read:
    """A file as it was when it was read: its size and time, its store, its variables."""

    size: int
    mtime: int
    store: str
    variables: tuple[Variable, ...]


class FilesSource:
    """The files of a folder.

    Raises
    ------
    ConfigurationError
        An option that is missing, unknown or wrong.
    SourceUnavailable
        On entering: no such folder, or a file of it cannot be read; all of them are named. What
        such a file holds is not known, so nothing is concluded without it.
    """

    local: ClassVar[bool] = True  # what it read is kept under `cache` already

    def __init__(self, settings: SourceSettings) -> None:
        self.settings = settings
        self.options = options_of(FilesOptions, settings)
        self.folder = settings.root / self.options.folder
        self.cache = settings.root / (self.options.cache or f"runs/files/{settings.name}")
        self._files: dict[str, Read] = {}
        self._lakes: OrderedDict[str, Lake] = OrderedDict()

    def __enter__(self) -> Self:
        self._files = self._synchronised()
        return self

    def __exit__(self, *_: object) -> None:
        while self._lakes:
            self._lakes.popitem()[1].close()

    def find(self, pattern: str) -> list[Variable]:
        """See `Source.find`; kind, unit and title are those of the last file, by name."""
        found: dict[str, Variable] = {}
        for about in self._files.values():
            for variable in about.variables:
                if matches(pattern, variable.name):
                    found[variable.name] = variable
        return sorted(found.values(), key=lambda variable: variable.name)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """See `Source.count`; samples that two files share count twice."""
        counts = dict.fromkeys((variable.name for variable in variables), 0)
        for lake, held in self._holding(variables):
            for name, many in lake.count(held, window.start_ns, window.end_ns).items():
                counts[name] += many
        return counts

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """See `Source.read`; file by file for each variable.

        Raises
        ------
        QueryRefused
            Two files disagree on a variable's kind.
        """
        for variable in variables:
            yield nothing(variable)
            for lake, (held,) in self._holding([variable]):
                if held.kind is not variable.kind:
                    raise QueryRefused(
                        f"{variable.name} is {variable.kind} in one file and {held.kind} in "
                        f"{self._name_of(lake)}; one of the two has to go, or be named otherwise"
                    )
                yield from lake.read([held], window.start_ns, window.end_ns)

    def last_before(self, variables: Sequence[Variable], time: int) -> dict[str, Series]:
        """See `KnowsLast.last_before`; looks back without limit."""
        last = {variable.name: nothing(variable) for variable in variables}
        for lake, held in self._holding(variables):
            for variable in held:
                found = lake.last_before(variable, time)
                before = last[variable.name]
                if len(found) and (not len(before) or found.time[-1] > before.time[-1]):
                    last[variable.name] = found
        return last

    def _holding(self, variables: Sequence[Variable]) -> Iterator[tuple[Lake, list[Variable]]]:
        """Each file's store that knows some of the variables, and those, as it knows them."""
        names = {variable.name for variable in variables}
        for about in self._files.values():
            held = [variable for variable in about.variables if variable.name in names]
            if held:
                yield self._lake(about.store), held

    def _lake(self, store: str) -> Lake:
        if store not in self._lakes:
            self._lakes[store] = Lake(self.cache / store, read_only=True)
            if len(self._lakes) > _OPEN:
                self._lakes.popitem(last=False)[1].close()
        self._lakes.move_to_end(store)
        return self._lakes[store]

    def _name_of(self, lake: Lake) -> str:
        return next(name for name, about in self._files.items() if about.store == lake.folder.name)

    # Keeping up with the folder

    def _synchronised(self) -> dict[str, Read]:
        """What the folder holds now; new and changed files are read."""
        try:
            with self._alone():
                known = self._catalogue()
                files: dict[str, Read] = {}
                problems: list[str] = []
                for path in self._paths():
                    name = path.relative_to(self.folder).as_posix()
                    try:
                        files[name] = self._taken(path, name, known.get(name))
                    except IngestError as error:
                        problems.append(str(error))
                self._remember(files)
                self._forget(files)
        except OSError as error:
            raise SourceUnavailable(
                f"the files of {self.folder} cannot be read: {error}"
            ) from error
        if problems:
            more = f"\n… and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
            raise SourceUnavailable(
                f"{len(problems)} of the files of {self.folder} cannot be read, so nothing is "
                "known of what they hold:\n" + "\n".join(problems[:_LISTED]) + more
            )
        return files

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            raise SourceUnavailable(f"there is no folder {self.folder}")
        home, cache = self.folder.resolve(), self.cache.resolve()
        found = []
        for path in sorted(self.folder.glob(self.options.pattern)):
            real = path.resolve()
            # Hidden files are somebody's work in progress; links may not lead out of the folder.
            hidden = any(part.startswith(".") for part in path.relative_to(self.folder).parts)
            inside = real.is_relative_to(home) and not real.is_relative_to(cache)
            if not hidden and inside and path.is_file():
                found.append(path)
        return found

    def _taken(self, path: Path, name: str, before: Read | None) -> Read:
        """The file as it is now, read again only when it changed."""
        refusal = IngestError(f"{path} was changing all the time")
        for _ in Patience(attempts=3, pause=0.2).tries():
            about = path.stat()
            stamp = about.st_size, about.st_mtime_ns
            store = hashlib.sha256(repr((name, stamp, self.options)).encode()).hexdigest()[:32]
            if before and before.store == store and (self.cache / store).is_dir():
                return before
            folder = self.cache / store
            shutil.rmtree(folder, ignore_errors=True)
            try:
                with Lake(folder) as lake:
                    done = ingest(path, lake, self.options.ingestion)
                    variables = tuple(lake.find("%")) if done.variables else ()
            except IngestError as error:
                shutil.rmtree(folder, ignore_errors=True)
                refusal = error
            now = path.stat()
            if (now.st_size, now.st_mtime_ns) == stamp:
                if folder.is_dir():
                    return Read(*stamp, store, variables)
                raise refusal
        raise refusal

    def _catalogue(self) -> dict[str, Read]:
        try:
            rows = json.loads((self.cache / "catalogue.json").read_text())
            return {name: _read_of(row) for name, row in rows.items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # whatever it was, it is made anew

    def _remember(self, files: dict[str, Read]) -> None:
        rows = {name: asdict(about) for name, about in files.items()}
        beside = self.cache / f"catalogue.{os.getpid()}.tmp"
        beside.write_text(json.dumps(rows))
        beside.replace(self.cache / "catalogue.json")

    def _forget(self, files: dict[str, Read]) -> None:
        """Remove stores that no file has any more, but for those others may be reading still."""
        kept = {about.store for about in files.values()}
        for folder in self.cache.iterdir():
            old = time.time() - folder.stat().st_mtime > _GRACE
            if folder.is_dir() and folder.name not in kept and old:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.cache.mkdir(parents=True, exist_ok=True)
        with (self.cache / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _read_of(row: dict[str, Any]) -> Read:
    about = Read(**row)
    variables = tuple(
        Variable(**{**entry, "kind": Kind(entry["kind"])}) for entry in row["variables"]
    )
    return replace(about, variables=variables)
