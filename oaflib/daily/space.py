"""Whether the disks have room, and may be written to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from oaflib.config.project import Project
from oaflib.run.limits import size

_INODES = 10_000  # files a morning may make


@dataclass(frozen=True)
class Space:
    """What the disk under `path` has left: bytes, and files (None where it does not count them)."""

    name: str
    path: Path
    free: int
    files: int | None
    writable: bool


def spaces(project: Project) -> tuple[Space, ...]:
    """Of the folders that a morning writes to."""
    return tuple(
        _space(name, path) for name, path in (("runs", project.runs), ("publish", project.publish))
    )


def _space(name: str, path: Path) -> Space:
    there = path.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        found = os.statvfs(there)
    except OSError:
        return Space(name, path, 0, None, writable=False)
    files = found.f_favail if found.f_files else None
    writable = os.access(there, os.W_OK)  # also False where the disk is read-only, even for root
    return Space(name, path, found.f_bavail * found.f_frsize, files, writable)


def shortages(project: Project) -> list[str]:
    """A sentence for each folder that cannot take a morning."""
    said = []
    least = project.site.keep.free_bytes
    for space in spaces(project):
        if not space.writable:
            said.append(f"{space.path} cannot be written to")
        if space.free < least:
            said.append(
                f"the disk of {space.path} has {size(space.free)} left, less than "
                f"{project.site.keep.free} ([keep] free)"
            )
        if space.files is not None and space.files < _INODES:
            said.append(f"the disk of {space.path} has room for {space.files} more files only")
    return said
