"""A command that makes one report and is gone, forked from the process that its run is forked from.

So what the command, papermill and the kernel all need is imported once, not three times.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from oaflib.run import nursery
from oaflib.run.environment import PACKAGE, common
from oaflib.run.nursery import NurseryLost


def forked(words: Sequence[str]) -> int | None:
    """The exit code of ``oaf`` with those `words`; None where it is to run in this process."""
    if nursery.inherited() or os.environ.get("PYTHONPATH", str(PACKAGE)) != str(PACKAGE):
        return None
    shared = common(Path.cwd())  # of the project's folder, which only the command knows, nothing
    alike = {name: shared[name] for name in shared if name not in ("TZ", "MPLCONFIGDIR")}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    sys.stdout.flush()
    try:
        process = nursery.standing(shared).fork(
            "oaflib.cli:main",
            ["oaf", *words],
            env={**own, **alike},
            cwd=Path.cwd(),
            output=(1, 2),
            channel=True,
        )
    except (NurseryLost, OSError):
        return None
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        code = process.wait()
    return None if process.lost else code
