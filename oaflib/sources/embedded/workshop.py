"""Where a writer works before its files are the store: ``tmp/<writer>/``, swept when it died.

A writer holds the lock of its folder as long as it lives. Before it moves files to their places it
writes down where they go, so whoever finds the folder unlocked knows what may be lying around.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO
from uuid import uuid4

from oaflib.errors import SourceUnavailable
from oaflib.series import Kind
from oaflib.sources.embedded.files import StoreFile
from oaflib.sources.embedded.manifest import Manifest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Workshop:
    """One writer's folder; a context manager that leaves nothing behind.

    Raises
    ------
    SourceUnavailable
        The folder cannot be made: rights, or a full disk.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self.name = uuid4().hex
        self.folder = store / "tmp" / self.name
        self._count = 0
        self._lock: IO[str] | None = None
        self._placed: list[Path] = []

    def __enter__(self) -> Workshop:
        try:
            with _door(self.store):
                self.folder.mkdir()
                self._lock = (self.folder / "lock").open("w")
                fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise SourceUnavailable(f"the store {self.store} cannot be written: {error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for path in self._placed:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock:
            self._lock.close()

    def fresh(self) -> Path:
        """A path for a new file."""
        self._count += 1
        return self.folder / f"{self._count}.parquet"

    def place(self, files: Sequence[StoreFile]) -> dict[StoreFile, str]:
        """Move complete files to their places, durably; file to its path within the store.

        They are not part of the store before the manifest names them.
        """
        places = {file: f"{place_of(file.kind, file.day)}/{self._named(file)}" for file in files}
        plan = self.folder / "plan.json"
        with plan.open("w") as out:
            json.dump(list(places.values()), out)
            out.flush()
            os.fsync(out.fileno())
        _sync(self.folder)
        folders = set()
        for file, place in places.items():
            path = self.store / place
            path.parent.mkdir(parents=True, exist_ok=True)
            file.path.rename(path)
            self._placed.append(path)
            folders |= {path.parent, path.parent.parent, self.store}
        for folder in folders:
            _sync(folder)
        return places

    def _named(self, file: StoreFile) -> str:
        return f"{self.name}-{file.path.name}"


def place_of(kind: Kind, day: int) -> str:
    """The folder of a kind and day (days since 1970), within the store."""
    return f"kind={kind.lower()}/day={_EPOCH + timedelta(days=day):%Y-%m-%d}"


def sweep(store: Path, manifest: Manifest) -> int:
    """Remove what writers that died have left; how many there were.

    A writer at work holds its lock and is left alone.
    """
    swept = 0
    with _door(store):
        for folder in sorted((store / "tmp").iterdir()):
            if not folder.is_dir():
                continue
            with (folder / "lock").open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                for place in _planned(folder / "plan.json"):
                    if not manifest.rows("SELECT 1 FROM file WHERE path = ?", (place,)):
                        (store / place).unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def _planned(plan: Path) -> list[str]:
    """The places that a plan names; none when it was not written whole: nothing moved then."""
    try:
        return [str(place) for place in json.loads(plan.read_text())]
    except (FileNotFoundError, ValueError):
        return []


@contextmanager
def _door(store: Path) -> Iterator[None]:
    """Alone at the workshops: none is made while another process sweeps."""
    (store / "tmp").mkdir(parents=True, exist_ok=True)
    with (store / "tmp" / "door").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
