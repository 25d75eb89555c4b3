"""Whether nothing was wrong with the configuration when all of it was last read.

A command that makes one report tells of mistakes in other datasets' files too. Where there were
none, and no file changed since, it need not read hundreds of them to say nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class Sound:
    """The `folders` of a configuration, and the file that remembers how they were when sound."""

    def __init__(self, file: Path, folders: Iterable[Path]) -> None:
        self._file = file
        self._state = _state(folders)

    @property
    def known(self) -> bool:
        """Nothing changed since nothing was wrong."""
        try:
            return self._file.read_text() == self._state
        except (OSError, ValueError):
            return False

    def note(self) -> None:
        """Nothing is wrong; where that cannot be written down, all is read again."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            beside.write_text(self._state)
            beside.replace(self._file)


def _state(folders: Iterable[Path]) -> str:
    """Of every file its name, size and time: another where one was written, added or removed."""
    found = hashlib.sha256()
    for folder in folders:
        for inner, names, files in os.walk(folder):
            names.sort()
            for name in sorted(files):
                path = os.path.join(inner, name)  # noqa: PTH118 (hundreds of them)
                with suppress(OSError):
                    told = os.stat(path)  # noqa: PTH116
                    found.update(
                        f"{path}\0{told.st_size} {told.st_mtime_ns}\n".encode(
                            "utf-8", "surrogateescape"
                        )
                    )
    return found.hexdigest()
