"""A page as PDF, printed by Chromium where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 40


def browser() -> str:
    """Chromium's program; empty where it is not installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


def printed(page: Path, target: Path) -> bool:
    """Print the page at `page` to `target`, in one step; whether it was done.

    False where there is no Chromium, or it fails or takes longer than `SECONDS`; then nothing is
    at `target` that was not there before.
    """
    with tempfile.TemporaryDirectory(prefix="oaf-pdf-") as room:
        made = Path(room) / "report.pdf"
        options = ["--no-pdf-header-footer", f"--print-to-pdf={made}"]
        try:
            if not ran(options, page, Path(room)) or not made.read_bytes().startswith(b"%PDF"):
                return False
            beside = target.with_name(f".{target.name}.new")
            shutil.copyfile(made, beside)
            beside.replace(target)
        except OSError:
            return False
    return True


def ran(options: Sequence[str], page: Path, room: Path) -> bool:
    """Whether Chromium, with `options` and its files in `room`, ended well on the page."""
    program = browser()
    if not program:
        return False
    command = [
        *(program, "--headless", "--disable-gpu", "--disable-extensions", "--no-first-run"),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        *(f"--user-data-dir={room / 'profile'}", "--virtual-time-budget=3000"),
        *options,
        page.absolute().as_uri(),
    ]
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(
        command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        return child.wait(SECONDS) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):  # what it left running
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
