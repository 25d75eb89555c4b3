"""One notebook in a process of its own, with real kernels: what ends it, and what is left."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Notebook

from oaflib import scraps
from oaflib.errors import ReportError
from oaflib.run import limits
from oaflib.run.execution import execute
from oaflib.run.request import Request

pytestmark = [pytest.mark.kernel]


def asked(template: Path, folder: Path, **bounds: float) -> Request:
    request = Request(template, folder / "run", folder, folder / "records", {"day": "2026-11-22"})
    return replace(request, **bounds)


def test_a_notebook_that_ends_well_leaves_no_process(notebook: Notebook, tmp_path: Path) -> None:
    request = asked(notebook("assert day == '2026-11-22'"), tmp_path)
    assert execute(request) == ""
    assert request.notebook.exists()
    assert limits.started_by(request.token) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero, in cell 5 'Step 2'"),
        (
            "import os; os._exit(0)",
            "the kernel died (exit code 0), in cell 5 'Step 2'",
        ),
        ("import os; os.kill(os.getpid(), 9)", "the kernel died (SIGKILL: killed, perhaps"),
        ("import ctypes; ctypes.string_at(0)", "the kernel died (SIGSEGV: it crashed), in cell 5"),
        ("import sys; sys.exit(1)", "SystemExit: 1, in cell 5"),
    ],
)
def test_what_breaks_a_run_is_said_with_its_cell(
    notebook: Notebook, tmp_path: Path, code: str, reason: str
) -> None:
    request = asked(notebook("x = 1", code, "print('never')"), tmp_path)
    assert execute(request).startswith(reason)
    assert limits.started_by(request.token) == []


def test_leaving_early_is_not_concluding(notebook: Notebook, tmp_path: Path) -> None:
    """papermill calls a notebook that says sys.exit(0) a success."""
    request = asked(notebook("import sys; sys.exit(0)"), tmp_path)
    execute(request)
    with pytest.raises(ReportError, match="never concluded"):
        scraps.read(request.notebook, request.token)


def test_a_forged_scrap_is_not_a_report(notebook: Notebook, tmp_path: Path) -> None:
    forged = "import scrapbook\nscrapbook.glue('oaf-report', {'token': 'x', 'report': {}})"
    request = asked(notebook(forged), tmp_path)
    assert execute(request) == ""
    with pytest.raises(ReportError, match="another run, or a forged one"):
        scraps.read(request.notebook, request.token)


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\nwhile True:\n  try:\n    time.sleep(60)\n  except BaseException: pass",
        "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["loop", "swallows interrupts", "hangs in C", "stopped"],
)
def test_a_run_that_hangs_is_ended_in_time(notebook: Notebook, tmp_path: Path, code: str) -> None:
    request = asked(notebook(code), tmp_path, seconds=6)
    began = time.monotonic()
    reason = execute(request)
    assert time.monotonic() - began < 6 + 12
    assert reason.startswith("the run was ended after 6 s, its whole time")
    assert limits.started_by(request.token) == []


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_named(notebook: Notebook, tmp_path: Path) -> None:
    request = asked(notebook("import time", "time.sleep(60)"), tmp_path, cell_seconds=2)
    assert execute(request) == "a cell took longer than 2 s, in cell 5 'Step 2'"


def test_children_left_behind_are_ended(notebook: Notebook, tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "subprocess.Popen(['setsid', 'sh', '-c', 'sleep 600 & sleep 600'])"
    )
    request = asked(notebook(code), tmp_path)
    assert execute(request) == ""
    assert limits.started_by(request.token) == []


def test_too_much_memory_is_an_error_in_words(notebook: Notebook, tmp_path: Path) -> None:
    request = asked(notebook("x = bytearray(3_000_000_000)"), tmp_path, memory=2_000_000_000)
    assert execute(request).startswith("memory limit of 2 GB: MemoryError")


def test_the_kernel_sees_no_secret(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAF_MAIL_PASSWORD", "canary-5291")
    request = asked(notebook("import os\nassert 'canary' not in str(os.environ)"), tmp_path)
    assert execute(request) == ""
