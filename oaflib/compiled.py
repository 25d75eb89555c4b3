"""Jinja's templates compiled once an installation, as Python's modules are, not once a process."""

from __future__ import annotations

import os
from pathlib import Path

from jinja2 import BytecodeCache, FileSystemBytecodeCache


def compiled(templates: Path) -> BytecodeCache | None:
    """Keeps what is compiled in ``__pycache__`` beside the folder's templates.

    None where that folder cannot be written to: then every process compiles for itself.
    """
    folder = templates / "__pycache__"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None
