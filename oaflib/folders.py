"""Folders whose names survive a power cut."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def make(folder: Path) -> None:
    """Make `folder`, and those above it, unless it is there; their names survive a power cut."""
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def settle(folder: Path) -> None:
    """Make all that was written to the disk of `folder` survive a power cut, by whomever."""
    if folder.is_dir():
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
        finally:
            os.close(handle)
