"""The environments of a run's processes: little, and no secret of the site's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "JAVA_HOME")
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "2")
# else a thread of OpenBLAS that has nothing to do turns in a circle first: 50 ms
_IDLE = {"OPENBLAS_THREAD_TIMEOUT": "4"}
# else glibc gives a freed array back to the system at once: a twentieth of a run
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": "67108864", "MALLOC_MMAP_THRESHOLD_": "33554432"}
PACKAGE = Path(__file__).resolve().parents[2]
"""The folder in which ``oaflib`` is."""


def common(root: Path) -> dict[str, str]:
    """What is the same for all runs of the project in `root`: for the process that forks them."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **_THREADS,
        **_IDLE,
        **_MALLOC,
        "TZ": "UTC",
        "MPLCONFIGDIR": str(root / "runs" / "cache" / "matplotlib"),
        "PYTHONPATH": str(PACKAGE),
        "PYTHONSAFEPATH": "1",
    }


def of_run(root: Path, folder: Path, token: str, mark: str, keeps: Sequence[str]) -> dict[str, str]:
    """What a run's processes see: besides, their marks, and what its source needs (`keeps`)."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in keeps or name.startswith("OAF_RUN_")
    }
    own = {"HOME": str(folder), "OAF_ROOT": str(root), "OAF_TOKEN": token, mark: "1"}
    return {**kept, **common(root), **own}
