"""What a run is asked to do, as a checked JSON file in the run's folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "request.json"
NOTEBOOK = "notebook.ipynb"
FAILURE = "failure.json"
LOG = "log.txt"
AT = "at.txt"  # the number of the cell at work, counted from 0 in the executed notebook


@dataclass(frozen=True)
class Request:
    """One execution of one template.

    `parameters` are plain JSON values. `records` is where the run keeps or finds its records.
    `seconds` bounds the whole run, `cell_seconds` each cell, `memory` bytes of address space,
    `cpu_seconds` of each process' processor time, `output` bytes of notebook output, `processes`
    how many there are at once, `files` the bytes of the largest file (of expert code: of all).
    `keeps` names the environment variables that the source needs.
    `fresh`: what was kept of the source is asked for anew.
    """

    template: Path
    folder: Path
    root: Path
    records: Path
    parameters: Mapping[str, Any]
    role: str = "report"
    seconds: float = 1800.0
    cell_seconds: float = 600.0
    memory: int = 4_000_000_000
    cpu_seconds: int = 3600
    output: int = 25_000_000
    processes: int = 256
    files: int = 4_000_000_000
    keeps: tuple[str, ...] = ()
    fresh: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / NOTEBOOK

    def save(self) -> Path:
        """Write the request into its folder."""
        paths = {name: str(getattr(self, name)) for name in _PATHS}
        path = self.folder / FILE
        path.write_text(json.dumps({**self.__dict__, **paths}, ensure_ascii=False, indent=1))
        return path


_PATHS = ("template", "folder", "root", "records")


def load(path: Path) -> Request:
    """The request kept at `path`."""
    document = json.loads(path.read_bytes())
    document["keeps"] = tuple(document["keeps"])
    return Request(**{**document, **{name: Path(document[name]) for name in _PATHS}})
