"""What a report's folder must hold: the SHA-256 of each file, written before it gets its place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from oaflib.publish.links import NEIGHBOURS

FILE = "manifest.json"
SCHEMA = "oaf-manifest/1"
_PAGE = "index.html"  # counted without its links to its neighbours, which come later
_LATER = re.compile(NEIGHBOURS.pattern.encode(), re.DOTALL)


def written(folder: Path) -> bytes:
    """The manifest of all files that are in `folder`."""
    files = {name: _digest(folder / name) for name in sorted(_files(folder))}
    return (json.dumps({"schema": SCHEMA, "files": files}, indent=1) + "\n").encode()


def faults(folder: Path) -> Iterator[str]:
    """What is not as the manifest in `folder` says, each in a few words; none without one."""
    try:
        document = json.loads((folder / FILE).read_bytes())
        files = dict(document["files"])
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{FILE} cannot be read ({error!r})"
        return
    there = set(_files(folder)) - {FILE}
    yield from (f"{name} is gone" for name in sorted(files.keys() - there))
    yield from (f"{name} came in later" for name in sorted(there - files.keys()))
    for name in sorted(there & files.keys()):
        try:
            if _digest(folder / name) != files[name]:
                yield f"{name} is not what was published"
        except OSError as error:
            yield f"{name} cannot be read ({error.strerror})"


def _files(folder: Path) -> Iterator[str]:
    for inside, _, names in os.walk(folder):
        room = os.path.relpath(inside, folder)
        for name in names:
            if os.path.isfile(os.path.join(inside, name)):  # noqa: PTH113, PTH118
                yield name if room == "." else f"{room}/{name}"


def _digest(path: Path) -> str:
    data = path.read_bytes()
    return sha256(_LATER.sub(b"", data, count=1) if path.name == _PAGE else data).hexdigest()
