"""One morning at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oaflib.errors import LockHeld
from oaflib.folders import settle


@contextmanager
def held(path: Path, *places: Path) -> Iterator[None]:
    """Hold the lock file `path`; children do not inherit it.

    Where whoever held it last was killed, what that one had yet to sync, beside the lock and in
    `places`, is made safe first: what is found there is built on.

    Raises
    ------
    LockHeld
        Another process holds it; says which, since when.
    """
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LockHeld(
                f"another run works on this project (process {holder}); it holds {path}. "
                "Nothing was done; start again when it has ended"
            ) from None
        file.seek(0)
        if file.read():
            for place in (path.parent, *places):
                settle(place)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        with suppress(OSError):
            file.truncate(0)
