"""A snapshot as one ``.zip``: written the same twice, and read as what a stranger sent."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from oaflib.errors import SnapshotError
from oaflib.snapshot.manifest import FILE, LARGEST, Manifest, fault_of_path, read_manifest

MOST_FILES = 10_000
MOST_BYTES = 50_000_000_000
_RATIO = 200  # a snapshot's data are compressed already: more than that is a bomb
_SMALL = 1_000_000
_CHUNK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError)


def pack(folder: Path, path: Path) -> Path:
    """Write the snapshot in `folder` as the zip `path`, whole or not at all."""
    manifest = read_manifest((folder / FILE).read_bytes(), str(folder / FILE))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in (FILE, *sorted(manifest.files)):
                entry = zipfile.ZipInfo(name)  # without a date: the same bytes each time
                entry.external_attr = 0o644 << 16
                stored = name.endswith(".parquet")
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                entry.file_size = (folder / name).stat().st_size
                with (folder / name).open("rb") as given, archive.open(entry, "w") as taken:
                    shutil.copyfileobj(given, taken, _CHUNK)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return path


def peek(path: Path) -> Manifest:
    """The manifest of the zip at `path`; nothing is unpacked, hashes are not compared.

    Raises
    ------
    SnapshotError
        Not a zip, or not of a snapshot.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _checked(archive, path)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise SnapshotError(f"{path} is not a zip that can be read: {error}") from error


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack the zip at `path` as the new `folder`, which appears whole or not at all.

    Only files that the manifest names are written, under their own names within `folder`, never
    more bytes than it says, and each is held against its SHA-256.

    Raises
    ------
    SnapshotError
        Not a zip, not of a snapshot, damaged, or made to harm.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _checked(archive, path)
            _room(path, manifest.nbytes, folder.parent)
            for name, (size, digest) in manifest.files.items():
                target = beside / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as given, target.open("xb") as taken:
                    _copy(given, taken, size, digest, f"{path}: {name}")
            (beside / FILE).write_bytes(archive.read(FILE))
        beside.chmod(0o755)
        if folder.exists():
            raise SnapshotError(f"{folder} is there already")
        beside.rename(folder)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be unpacked: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise SnapshotError(f"{path} is damaged: {error}; copy it again") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _checked(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """The manifest, when the zip's own list is that of its files and no more."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise SnapshotError(f"{path} holds {len(entries):,} files; a snapshot at most 10,000")
    sizes: dict[str, int] = {}
    for entry in entries:
        name = entry.orig_filename
        mode = entry.external_attr >> 16
        if fault := fault_of_path(name):
            raise SnapshotError(f"{path}: {name!r} {fault}")
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise SnapshotError(f"{path}: {name} is a link or a device; a snapshot holds files")
        if name in sizes:
            raise SnapshotError(f"{path}: {name} is there twice")
        if entry.flag_bits & 1:
            raise SnapshotError(f"{path}: {name} is encrypted; pack it without a password")
        if entry.file_size > max(_SMALL, _RATIO * entry.compress_size):
            raise SnapshotError(
                f"{path}: {name} would unpack to {entry.file_size:,} bytes from "
                f"{entry.compress_size:,}; no snapshot does"
            )
        sizes[name] = entry.file_size
    if FILE not in sizes:
        raise SnapshotError(f"{path} is not a snapshot: it holds no {FILE}")
    if sizes[FILE] > LARGEST:
        raise SnapshotError(f"{path}: its {FILE} has {sizes[FILE]:,} bytes; at most {LARGEST:,}")
    with archive.open(FILE) as file:
        manifest = read_manifest(file.read(LARGEST + 1), f"{path}: {FILE}")
    del sizes[FILE]
    if strange := sorted(set(sizes) - set(manifest.files)):
        raise SnapshotError(f"{path}: {strange[0]} is not of the snapshot")
    for name, (size, _) in manifest.files.items():
        if sizes.get(name) != size:
            found = f"{sizes[name]:,} bytes" if name in sizes else "not there"
            raise SnapshotError(f"{path}: {name} is {found}, not {size:,} bytes; copy it again")
    return manifest


def _room(path: Path, needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > MOST_BYTES or needed > free // 2:
        raise SnapshotError(
            f"{path} would unpack to {needed / 1e9:.1f} GB; a snapshot has at most "
            f"{MOST_BYTES / 1e9:.0f} GB, and half of what is free in {folder} "
            f"({free / 1e9:.1f} GB)"
        )


def _copy(given: IO[bytes], taken: IO[bytes], size: int, digest: str, what: str) -> None:
    """Copy `size` bytes whose SHA-256 is `digest`; not one more is written."""
    found = hashlib.sha256()
    left = size
    while chunk := given.read(min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise SnapshotError(f"{what} is longer than it says")
        found.update(chunk)
        taken.write(chunk)
    if left or found.hexdigest() != digest:
        raise SnapshotError(f"{what} is not what it was when the snapshot was saved; copy it again")
