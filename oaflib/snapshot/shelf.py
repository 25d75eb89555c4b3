"""A project's snapshots: ``runs/snapshots/<NAME>/`` or ``<NAME>.zip``, and which are pinned."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oaflib.config.words import listed, near
from oaflib.errors import SnapshotError
from oaflib.snapshot.archive import pack, peek, unpack
from oaflib.snapshot.manifest import FILE, Manifest, digest_of, fine_name, read_manifest
from oaflib.snapshot.snapshot import Snapshot, open_folder


@dataclass(frozen=True)
class Shelf:
    """The snapshots in `folder`; zips are unpacked into `cache`, which may be emptied any time."""

    folder: Path
    cache: Path

    @classmethod
    def of(cls, runs: Path) -> Shelf:
        """The shelf of the project that keeps its runs in `runs`."""
        return cls(runs / "snapshots", runs / "cache" / "snapshots")

    def names(self) -> list[str]:
        """The names of all snapshots, sorted."""
        if not self.folder.is_dir():
            return []
        found = [
            path.name.removesuffix(".zip")
            for path in self.folder.iterdir()
            if path.name[0] != "." and (path.suffix == ".zip" or (path / FILE).is_file())
        ]
        return sorted(set(found))

    def latest(self) -> str:
        """The name of the snapshot that was saved last.

        Raises
        ------
        SnapshotError
            There is none.
        """
        found = []
        for name in self.names():
            with suppress(SnapshotError):  # a damaged one is told when it is opened
                found.append((self.manifest(name).made_at, name))
        if not found:
            raise SnapshotError(
                f"there is no snapshot in {self.folder}; save one: "
                "oaf snapshot save DATASET --day D --name NAME"
            )
        return max(found)[1]

    def find(self, what: str) -> Path:
        """Where the snapshot `what` is: a name of the shelf, or a path of a folder or zip.

        Raises
        ------
        SnapshotError
            There is none.
        """
        path = Path(what)
        for place in (self.folder / what, self.folder / f"{what}.zip", path):
            if place.parent == self.folder and "/" in what:
                continue
            if (place / FILE).is_file() or (place.suffix == ".zip" and place.is_file()):
                return place
        if path.suffix == ".zip" or "/" in what:
            raise SnapshotError(f"{what} is neither a snapshot's folder nor a .zip")
        known = self.names()
        there = f"There are: {listed(known)}" if known else f"There are none in {self.folder}"
        raise SnapshotError(f"no snapshot is called '{what}'.{near(what, known)} {there}")

    def manifest(self, what: str) -> Manifest:
        """What the snapshot says of itself; its files are not looked at."""
        path = self.find(what)
        if path.suffix == ".zip" and path.is_file():
            return peek(path)
        return read_manifest((path / FILE).read_bytes(), str(path / FILE))

    def open(self, what: str) -> Snapshot:
        """The snapshot `what`, every file held against its SHA-256.

        Raises
        ------
        SnapshotError
            There is none, or it is not as it was saved.
        """
        path = self.find(what)
        if path.suffix != ".zip" or not path.is_file():
            return open_folder(path)
        folder = self.cache / digest_of(path)[:24]
        if folder.exists():
            try:
                return open_folder(folder)
            except SnapshotError:
                shutil.rmtree(folder)
        unpack(path, folder)
        return open_folder(folder)

    def take(self, path: Path, name: str = "") -> Manifest:
        """Bring a zip or folder from elsewhere onto the shelf, as a folder.

        Raises
        ------
        SnapshotError
            It is not a sound snapshot, or the name is taken.
        """
        packed = path.suffix == ".zip" and path.is_file()
        manifest = peek(path) if packed else open_folder(path).manifest
        target = self.place(name or manifest.name)
        if packed:
            return unpack(path, target)
        shutil.copytree(path, target)
        return open_folder(target).manifest

    def place(self, name: str) -> Path:
        """Where a new snapshot of that name goes.

        Raises
        ------
        SnapshotError
            There is one already, or none can be called so.
        """
        fine_name(name)
        if name in self.names():
            raise SnapshotError(f"a snapshot is called '{name}' already; choose another name")
        return self.folder / name

    def pack(self, what: str, path: Path) -> Path:
        """Write the snapshot `what` as the zip `path`."""
        return pack(self.open(what).folder, path)

    def pinned(self, name: str) -> bool:
        """Whether the snapshot is kept for ever."""
        return self._pin(name).exists()

    def pin(self, name: str, why: str = "") -> None:
        """Keep the snapshot for ever; `why` is for whoever wonders."""
        if name not in self.names():
            self.find(name)  # says which there are
            raise SnapshotError(f"{name} is not on the shelf; oaf snapshot import it first")
        self._pin(name).write_text(why + "\n" if why else "", encoding="utf-8")

    def unpin(self, name: str) -> None:
        """Keep the snapshot no longer than others."""
        self.find(name)
        self._pin(name).unlink(missing_ok=True)

    def _pin(self, name: str) -> Path:
        return self.folder / f"{fine_name(name)}.pinned"
