"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oaflib.folders import sync

_EXCHANGE = 2
_HERE = -100  # AT_FDCWD


def write(path: Path, content: str | bytes) -> None:
    """Put `content` at `path`: a reader sees the old file or the new one, whole.

    Only for whoever holds the lock (`locked`): what a kill left beside is written over.
    """
    data = encoded(content)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def encoded(content: str | bytes) -> bytes:
    """`content` in UTF-8, halves of characters (JSON may bring them) as question marks."""
    return content.encode("utf-8", "replace") if isinstance(content, str) else content


def write_changed(path: Path, content: str | bytes) -> None:
    """`write`, unless that is what the file holds already."""
    data = encoded(content)
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    write(path, data)


def sync_tree(folder: Path) -> None:
    """Make all of `folder` survive a power cut, its files before its names."""
    for inner, _, names in os.walk(folder, topdown=False):
        for name in names:
            handle = os.open(Path(inner, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync(Path(inner))


def swap_in(folder: Path, place: Path) -> None:
    """Move `folder` to `place`, in one step also where a folder is there already.

    Where the kernel cannot exchange two folders, the old one is moved away first: for that moment
    (microseconds) nothing is at `place`.
    """
    try:
        folder.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        if _exchanged(folder, place):
            old = folder
        else:
            old = folder.with_name(f"{folder.name}.old")
            place.rename(old)
            folder.rename(place)
        sync(place.parent)
        shutil.rmtree(old)
    sync(place.parent)


def link(target: str, place: Path) -> bool:
    """Make `place` a symbolic link to `target`, replacing one in one step; False if impossible."""
    if place.is_symlink() and place.readlink() == Path(target):
        return True
    beside = place.with_name(f".{place.name}.new")
    beside.unlink(missing_ok=True)
    try:
        beside.symlink_to(target)
    except OSError:
        return False
    try:
        beside.replace(place)
    except OSError:
        beside.unlink()
        return False
    sync(place.parent)
    return True


def remove(place: Path) -> None:
    """Take `place` away, whatever it is; nothing when it is not there."""
    if place.is_symlink() or place.is_file():
        place.unlink()
        sync(place.parent)
    elif place.is_dir():
        hidden = place.with_name(f".{place.name}.old")
        shutil.rmtree(hidden, ignore_errors=True)
        place.rename(hidden)
        sync(place.parent)
        shutil.rmtree(hidden)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process or thread at a time changes the views of the repository at `folder`."""
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _exchanged(one: Path, other: Path) -> bool:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)
