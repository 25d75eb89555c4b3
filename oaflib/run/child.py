"""The process in which one notebook runs: ``python -m oaflib.run.child request.json``.

Exit code 0: papermill ended. 1: it did not, and ``failure.json`` says why. Whether the run
concluded is not asked here: only the report in the notebook says that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from oaflib.run import limits, nursery
from oaflib.run.request import AT, FAILURE, Request, load


def main() -> int:
    """Execute the request named on the command line."""
    request = load(Path(sys.argv[1]))
    limits.confine(request)
    sockets = Path(tempfile.mkdtemp(prefix="oaf-"))  # short: a socket's path holds 100 bytes
    os.environ["JUPYTER_RUNTIME_DIR"] = str(sockets)
    os.environ["IPYTHONDIR"] = str(sockets / "ipython")
    signal.signal(signal.SIGTERM, _end_kernel)
    try:
        _execute(request, sockets)
    except BaseException as error:  # whatever it is, the runner must be told
        failure = json.dumps(describe(error), ensure_ascii=False)
        (request.folder / FAILURE).write_text(failure)
        return 1
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    return 0


def _execute(request: Request, sockets: Path) -> None:
    import papermill
    from traitlets.config import Config

    from oaflib.run import engine

    engine.register()
    if nursery.inherited():
        from oaflib.run import provisioner

        provisioner.register()
    at = request.folder / AT
    config = Config()
    config.KernelManager.transport = "ipc"
    config.KernelManager.ip = str(sockets / "k")
    papermill.execute_notebook(
        str(request.template),
        str(request.notebook),
        parameters=dict(request.parameters),
        kernel_name="python3",
        engine_name=engine.NAME,
        output_limit=request.output,
        cwd=str(request.folder),
        progress_bar=False,
        log_output=False,
        start_timeout=60,
        execution_timeout=int(request.cell_seconds),
        iopub_timeout=60,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        config=config,
        extra_arguments=["--HistoryManager.enabled=False"],  # nobody will press arrow-up here
        on_cell_execute=lambda **told: at.write_text(str(told["cell_index"])),
    )


def _end_kernel(_signum: int, _frame: Any) -> None:
    """Time is up: with the kernel dead papermill ends by itself, and saves what there is."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    limits.end_all(os.environ["OAF_TOKEN"], seconds=1.0)


def describe(error: BaseException) -> dict[str, str]:
    """What a failed execution says of itself: kind, name and message."""
    name = type(error).__name__
    kind = {
        "PapermillExecutionError": "cell error",
        "CellTimeoutError": "cell timeout",
        "DeadKernelError": "kernel died",
        "KernelDied": "kernel died",
        "LimitBroken": "limit",
    }.get(name, "error")
    ename, evalue = getattr(error, "ename", name), getattr(error, "evalue", str(error))
    return {"kind": kind, "name": str(ename), "message": str(evalue)[:2000]}


if __name__ == "__main__":
    sys.exit(main())
