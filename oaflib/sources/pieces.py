"""What was read of a source, kept by variable and day for other reports and other runs.

``runs/pieces/<SOURCE>-<digest>/<span>/<id>/`` is a folder of records, written beside and renamed
in: a kill leaves no wrong piece. The digest is that of the source's settings. Spans are calendar
days of the site's zone that ended long enough ago; a variable at low resolution is kept for its
whole window, under a span of its own. What is being asked for by one process is claimed by a locked
file, so that others wait for it and use it; the claim ends with its process.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from oaflib.config.project import Project
from oaflib.config.rules import parse_size
from oaflib.config.site import SourceSettings
from oaflib.errors import RecordsError
from oaflib.records import Records, RecordsWriter, State, open_records
from oaflib.series import Kind, Variable
from oaflib.window import Window

FOLDER = "pieces"
SAVED = "snapshot "  # before a snapshot's name, whose variables are kept apart: without their kind
_KEPT_STATES = (State.LOGGED, State.EMPTY)
_STALE = 3600.0  # seconds after which what a killed process left half-written is swept


def digest_of(settings: SourceSettings) -> str:
    """The same for the same logging system asked in the same way."""
    said = json.dumps([settings.kind, settings.options], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Shelf:
    """The pieces of one source. `fresh`: what is kept is not used, but replaced."""

    folder: Path
    settled: timedelta
    now: datetime
    fresh: bool = False

    def final(self, window: Window) -> bool:
        """Whether what was logged in `window` is complete."""
        return window.end + self.settled <= self.now

    def span(self, window: Window, buckets: int = 0) -> Span:
        """The pieces of `window`; at low resolution those of so many buckets."""
        hours = (window.end_ns - window.start_ns) / 3.6e12
        name = f"{window.start:%Y%m%dT%H%M%S}.{window.start_ns % 10**9:09}Z-{hours:.9g}h"
        return Span(self.folder / (f"{name}-{buckets}" if buckets else name), window, self.fresh)


class Span:
    """The pieces of one source and one span of time."""

    def __init__(self, folder: Path, window: Window, fresh: bool = False) -> None:
        self.folder = folder
        self.window = window
        self._fresh = fresh
        self._old = {path.name for path in folder.glob("p-*")} if fresh else set()
        self._open: dict[str, Records] = {}

    def kept(self, names: Iterable[str]) -> dict[str, Records]:
        """The records that hold each of `names`, for those that are kept."""
        wanted = set(names)
        found: dict[str, Records] = {}
        for path in sorted(self.folder.glob("p-*"), key=_age):
            if not wanted:
                break
            if path.name in self._old:
                continue
            if (records := self._records(path)) is not None:
                found |= dict.fromkeys(wanted & records.entries.keys(), records)
            wanted -= found.keys()
        return found

    def found(self, pattern: str) -> list[Variable] | None:
        """What `pattern` stood for when it was asked for, as such or by another; else None."""
        if self._fresh:
            return None
        known = _variables(self._names(pattern))
        if known is not None or "%" in pattern or not (self.folder / "names").is_dir():
            return known
        for path in (self.folder / "names").glob("[0-9a-f]*"):
            for variable in _variables(path) or ():
                if variable.name == pattern:
                    return [variable]
        return None

    def remember(self, pattern: str, variables: Sequence[Variable]) -> None:
        """Keep what `pattern` stands for."""
        path = self._names(pattern)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        beside.write_text(json.dumps([{**vars(v), "kind": str(v.kind)} for v in variables]))
        beside.replace(path)

    @contextmanager
    def claimed(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Those of `names` that this process is to ask for; nobody else does meanwhile.

        Those that are kept, or that others are asking for, are not among them: see `wait`.
        """
        claims = self.folder / "claims"
        claims.mkdir(parents=True, exist_ok=True)
        path = claims / uuid.uuid4().hex
        with self._alone():
            taken = self._claimed_by_others(claims)
            kept = self.kept(names)
            mine = [name for name in names if name not in taken and name not in kept]
            file = path.open("x+b")
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps(mine).encode())
            file.flush()
        try:
            yield mine
        finally:
            path.unlink(missing_ok=True)
            file.close()

    def wait(self, names: Sequence[str]) -> None:
        """Until nobody is asking for any of `names` any more."""
        wanted = set(names)
        for path in list((self.folder / "claims").glob("*")):
            with suppress(OSError, ValueError), path.open("rb") as file:
                if wanted & set(json.loads(file.read() or b"[]")):
                    fcntl.flock(file, fcntl.LOCK_SH)  # waits for its holder

    @contextmanager
    def writing(self, source: str) -> Iterator[RecordsWriter]:
        """A writer whose records become pieces when the block ends well."""
        name = f"p-{uuid.uuid4().hex}"
        beside = self.folder / f".{name}"
        beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            with RecordsWriter(beside, self.window, source) as records:
                yield records
            if any(beside.glob("*.parquet")) or open_records(beside).entries:
                for path in (*beside.iterdir(), beside):
                    _sync(path)
                beside.rename(self.folder / name)
                _sync(self.folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _records(self, path: Path) -> Records | None:
        if path.name not in self._open:
            try:
                records = open_records(path)
            except RecordsError:
                return None  # damaged, or being tidied away: asked for again
            for name, entry in list(records.entries.items()):
                if entry.state not in _KEPT_STATES:
                    del records.entries[name]
            self._open[path.name] = records
        return self._open[path.name]

    def _claimed_by_others(self, claims: Path) -> set[str]:
        taken: set[str] = set()
        for path in list(claims.iterdir()):
            with suppress(OSError, ValueError), path.open("rb") as file:
                if _locked_elsewhere(file):
                    taken |= set(json.loads(file.read() or b"[]"))
                else:
                    path.unlink(missing_ok=True)  # its process is gone
        return taken

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _names(self, pattern: str) -> Path:
        name = hashlib.sha256(pattern.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.folder / ("saved" if pattern.startswith(SAVED) else "names") / name


def shelf_of(project: Project, name: str, now: datetime, *, fresh: bool = False) -> Shelf:
    """The pieces of the source called `name`."""
    settings = project.source_settings(name)
    folder = project.runs / FOLDER / f"{name}-{digest_of(settings)}"
    return Shelf(folder, settings.budget.settled, now, fresh)


def tidy(project: Project, now: datetime) -> list[str]:
    """Remove pieces as ``[keep]`` says: old ones, then the oldest until the size is met.

    What killed processes left half-written goes too. A sentence for what could not be removed.
    Whoever reads a piece meanwhile asks for it again.
    """
    keep, folder = project.site.keep, project.runs / FOLDER
    troubles: list[str] = []
    pieces: list[tuple[float, int, Path]] = []
    for span in folder.glob("*/*"):
        for path in span.glob(".*"):
            with suppress(OSError):
                if now.timestamp() - path.stat().st_mtime > _STALE:
                    shutil.rmtree(path, ignore_errors=True)
        for path in span.glob("p-*"):
            with suppress(OSError):
                pieces.append((path.stat().st_mtime, _size(path), path))
    total = sum(size for _, size, _ in pieces)
    oldest = now.timestamp() - keep.pieces * 86_400 if keep.pieces else 0.0
    for made, size, path in sorted(pieces):
        if made >= oldest and total <= parse_size(keep.pieces_size):
            break
        try:
            (path / "records.json").unlink(missing_ok=True)  # first: without it there is no piece
            shutil.rmtree(path)
            total -= size
        except OSError as error:
            troubles.append(f"the piece {path} was not removed: {error.strerror}")
    for span in folder.glob("*/*"):
        if span.is_dir() and not any(span.glob("p-*")) and not _busy(span, now):
            shutil.rmtree(span, ignore_errors=True)
    return troubles


def _age(path: Path) -> int:
    """For the newest first."""
    with suppress(OSError):
        return -path.stat().st_mtime_ns
    return 0


def _variables(path: Path) -> list[Variable] | None:
    try:
        rows = json.loads(path.read_bytes())
        return [Variable(**{**row, "kind": Kind(row["kind"])}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _busy(span: Path, now: datetime) -> bool:
    with suppress(OSError):
        return now.timestamp() - span.stat().st_mtime < _STALE
    return True


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.glob("*") if file.is_file())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked_elsewhere(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
