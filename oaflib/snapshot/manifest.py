"""``snapshot.json``: what a snapshot holds, with the size and SHA-256 of each file."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from oaflib.config.ids import fault_of_dataset_id, fault_of_notebook
from oaflib.errors import SnapshotError
from oaflib.window import Window, instant, parse_instant

FILE = "snapshot.json"
SCHEMA = "oaf-snapshot/1"
LARGEST = 20_000_000  # bytes of a manifest
_PART = re.compile(r"[^/\\\0-\x1f:]{1,200}")
_HASH = re.compile(r"[0-9a-f]{64}")
_COMPILED = "notebooks/experts/__pycache__/"
_OWN = ("runs/cache/", _COMPILED)  # what running a snapshot's notebook may leave in its folder


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself.

    Attributes
    ----------
    dataset, template, expert_code : as in the task table; `template` is a notebook's name.
    source : what the source was called where the snapshot was saved.
    versions : of the packages that made `outcomes`.
    rows : samples kept. outcomes : how many of each severity, as in a report.
    files : path within the snapshot (with ``/``) to size in bytes and SHA-256.
    """

    name: str
    dataset: str
    title: str
    window: Window
    source: str
    made_at: datetime
    template: str
    expert_code: str = "None"
    default_plots: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of all its files."""
        return sum(size for size, _ in self.files.values())

    def write(self) -> str:
        """The manifest as JSON text."""
        window = self.window
        document = {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in _PLAIN},
            "made_at": instant(self.made_at),
            "window": {
                "start": instant(window.start),
                "end": instant(window.end),
                "zone": window.zone,
                "label": window.label,
            },
            "files": {
                path: {"bytes": size, "sha256": digest}
                for path, (size, digest) in self.files.items()
            },
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)


_PLAIN: tuple[str, ...] = ("name", "dataset", "title", "source", "template", "expert_code")
_PLAIN += ("default_plots", "versions", "rows", "outcomes")


def read_manifest(data: bytes, origin: str) -> Manifest:
    """The manifest that `data` says, each of its words checked; `origin` is named in errors.

    Raises
    ------
    SnapshotError
        Not JSON, another version, or a field missing, of another type, or leading out of the
        snapshot's folder.
    """
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else None
            raise SnapshotError(
                f"{origin} is no snapshot this version of OAF can open: its schema is {found!r}, "
                f"not '{SCHEMA}'"
            )
        return _manifest(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SnapshotError(f"{origin} is not a valid {SCHEMA} manifest: {error!r}") from error


def _manifest(document: Mapping[str, Any]) -> Manifest:
    for key in ("name", "dataset", "title", "source", "template", "expert_code"):
        if not isinstance(document[key], str) or not document[key].isprintable():
            raise ValueError(f"{key} is {document[key]!r}, not a text of one line")
    for fault in (
        fault_of_name(document["name"]),
        fault_of_dataset_id(document["dataset"], None),
        fault_of_notebook(document["template"]),
    ):
        if fault:
            raise ValueError(fault)
    window = document["window"]
    files = {}
    for path, entry in document["files"].items():
        if fault := fault_of_path(path):
            raise ValueError(f"file {path!r} {fault}")
        size, digest = entry["bytes"], entry["sha256"]
        if type(size) is not int or size < 0 or not _HASH.fullmatch(digest):
            raise ValueError(f"file {path!r} has no proper size and SHA-256")
        files[path] = (size, digest)
    return Manifest(
        **{key: document[key] for key in _PLAIN},
        made_at=parse_instant(document["made_at"]),
        window=Window(
            parse_instant(window["start"]),
            parse_instant(window["end"]),
            window["zone"],
            fine_name(window["label"]),
        ),
        files=files,
    )


def fault_of_name(name: str) -> str:
    """Why no snapshot can be called `name`; nothing when one can."""
    if fault := fault_of_notebook(name):
        said = fault.replace("the name of a notebook", "one").replace("the notebook's name", "it")
        return f"a snapshot's name: {said}"
    if name.endswith((".zip", ".pinned", ".ipynb")):
        return f"a snapshot's name: '{name}' ends like a file; leave the ending out"
    return ""


def fine_name(name: str) -> str:
    """`name`, which may become a path.

    Raises
    ------
    SnapshotError
        No snapshot can be called so.
    """
    if not isinstance(name, str) or (fault := fault_of_name(name)):
        raise SnapshotError(fault if isinstance(name, str) else f"{name!r} is not a name")
    return name


def fault_of_path(path: str) -> str:
    """Why `path` cannot be that of a file within a snapshot; nothing when it can."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of the snapshot's folder"
    if not all(_PART.fullmatch(part) for part in parts) or len(parts) > 12:
        return "is not a path a snapshot has"
    return ""


def files_of(folder: Path) -> dict[str, tuple[int, str]]:
    """Path within `folder` to size and SHA-256 of every file but the manifest, in order."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_size, digest_of(path))
        for path in _walked(folder)
    }


def verify(folder: Path, manifest: Manifest) -> None:
    """That the files in `folder` are those of its manifest, to the byte.

    Raises
    ------
    SnapshotError
        The first one that is missing, changed or not of the snapshot.
    """
    # compiled code is not held against a hash: it is made again from the code that is
    shutil.rmtree(folder / _COMPILED, ignore_errors=True)
    found = {path.relative_to(folder).as_posix(): path for path in _walked(folder)}
    for name in found:
        if name not in manifest.files:
            raise SnapshotError(f"{folder}: {name} is not of the snapshot; move it elsewhere")
    for name, (size, digest) in manifest.files.items():
        path = found.get(name)
        if path is None:
            raise SnapshotError(f"{folder}: {name} is missing; copy the snapshot again")
        if path.stat().st_size != size or digest_of(path) != digest:
            raise SnapshotError(
                f"{folder}: {name} is not what it was when the snapshot was saved; "
                "copy the snapshot again"
            )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walked(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise SnapshotError(f"{path} is a link; a snapshot holds files alone")
        if path.is_file() and name != FILE and not name.startswith(_OWN):
            yield path
