"""A real JupyterLab on this machine's loopback, and a page of it in headless Chromium.

::

    with running(project.root) as lab, browser() as chromium:
        page = lab.open(chromium, "notebooks/replay.ipynb")
        run_all(page)
        page.locator(".oaf-screen").wait_for()
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
_PATIENCE = 120.0
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab whose root is a project's folder."""

    address: str
    token: str
    settings: Path

    def open(self, browser: Any, notebook: str, dark: bool = False, **options: Any) -> Any:
        """A page with `notebook` (a path within the project) open, its kernel idle."""
        theme = {"theme": f"JupyterLab {'Dark' if dark else 'Light'}"}
        _settings(self.settings, {"@jupyterlab/apputils-extension/themes": theme})
        page = browser.new_page(**{"viewport": {"width": 1500, "height": 1250}, **options})
        page.set_default_timeout(_PATIENCE * 1000)
        space = f"auto-{secrets.token_hex(3)}"
        page.goto(f"{self.address}lab/workspaces/{space}/tree/{notebook}?token={self.token}")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # before its kernel is there, Lab says it is idle and asks which kernel to take
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
            "?.status === 'idle'"
        )
        return page


def run_all(page: Any) -> None:
    """Run → Run All Cells, as the menu's own command, and wait until the last one has run."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


@contextmanager
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@contextmanager
def running(root: Path) -> Iterator[Lab]:
    """JupyterLab in `root`, with settings of its own; its kernels end with it."""
    with tempfile.TemporaryDirectory(prefix="oaf-lab-", ignore_cleanup_errors=True) as home:
        token = secrets.token_hex(16)
        settings = Path(home) / "settings"
        _settings(settings, _SETTINGS)
        log = Path(home) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *[sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"],
                    *["--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={root}"],
                    f"--IdentityProvider.token={token}",
                    "--LabApp.extension_manager=readonly",
                    "--LabApp.expose_app_in_browser=True",
                ],
                cwd=root,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(Path(home), settings),
                start_new_session=True,
            )
        try:
            yield Lab(_address(process, Path(home) / "run", log), token, settings)
        finally:
            _end(process)


def _environment(home: Path, settings: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    return {
        **kept,
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "TZ": "UTC",
    }


def _address(process: subprocess.Popen[bytes], folder: Path, log: Path) -> str:
    """Where it listens, as soon as it does."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        for path in folder.glob("jpserver-*.json"):
            try:
                return str(json.loads(path.read_bytes())["url"])
            except ValueError:
                pass  # half written
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM: the server ends its kernels; SIGKILL to what is left of its group."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _settings(folder: Path, given: dict[str, Any]) -> None:
    for name, values in given.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
