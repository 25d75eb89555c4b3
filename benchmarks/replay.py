"""The player over 40 variables × 1 Hz × 8 h: how long it takes to open, and frames a second.

Frames are counted in JupyterLab in headless Chromium. Screenshots go where OAF_PICTURES says.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import lab_driver
from measure import Figure
from project import made_project

from oaflib.cli import main
from oaflib.series import Kind, Series

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
DATASET = """\
title = "{count} transformers"
variables = ["T%:INTENSITY"]

[[check]]
kind = "usage"

[[check]]
kind = "gap"
max_gap = "1min"

[[check]]
kind = "stuck"

[[check]]
name = "in the ring"
kind = "range"
low = 9.2e13
high = 1.08e14
"""


def made(root: Path, count: int, hours: float) -> Path:
    """A project with a snapshot ``MD`` of `count` variables at 1 Hz, three of them with a fault."""
    project = made_project(root)
    (root / "notebooks/replay.ipynb").write_bytes(
        (Path(__file__).resolve().parents[1] / "notebooks/replay.ipynb").read_bytes()
    )
    project.dataset("BCT_many", DATASET.format(count=count))
    project.tasks()
    rng, n = np.random.default_rng(1), int(hours * 3600)
    start = int(START.timestamp()) * 1_000_000_000
    time_ns = start + np.arange(n) * 1_000_000_000
    for i in range(count):
        value = 1e14 * (1 + 0.01 * rng.standard_normal(n) + 0.02 * np.sin(np.arange(n) / 900 + i))
        if i % 13 == 5:
            value[n // 3 : n // 3 + 300] *= 1.08
        if i % 13 == 7:
            value[n // 2 : n // 2 + 1800] = value[n // 2]
        project.fill(Series(f"T{i:02}:INTENSITY", Kind.NUMERIC, "charges", time_ns, value))
    end = START + timedelta(hours=hours)
    words = ["--from", START.isoformat(), "--to", end.isoformat(), "--name", "MD"]
    assert main(["snapshot", "--root", str(root), "save", "BCT_many", *words]) == 0
    return root


def frames(page: object, seconds: float) -> float:
    """Frames a second drawn by the player over so many seconds."""
    read = "() => [Number(document.querySelector('.oaf-screen').dataset.frames), performance.now()]"
    before = page.evaluate(read)  # type: ignore[attr-defined]
    page.wait_for_timeout(1000 * seconds)  # type: ignore[attr-defined]
    after = page.evaluate(read)  # type: ignore[attr-defined]
    return float(1000 * (after[0] - before[0]) / (after[1] - before[1]))


def figures(full: bool) -> Iterator[Figure]:
    """The player over 40 variables × 1 Hz × 8 h; in full also in JupyterLab, in a real browser."""
    with tempfile.TemporaryDirectory() as folder:
        root = made(Path(folder) / "project", 40, 8.0)
        os.environ["OAF_ROOT"] = str(root)
        import oaflib as oaf

        began = time.process_time()
        player = oaf.replay("MD")
        yield Figure("a snapshot opened, judged 48 times", time.process_time() - began, "s CPU")
        began = time.process_time()
        player.set_limit("in the ring", "high", 1.05e14)
        yield Figure("another limit for all 40", time.process_time() - began, "s CPU")
        scene = player.scene()
        size = len(scene.buffer()) + len(json.dumps(scene.document()))
        yield Figure("sent to the browser, once", size / 1e6, "MB")
        if full:
            yield from in_browser(root)


def in_browser(root: Path) -> Iterator[Figure]:
    """Frames a second while it plays at 300×, by how much of the window is seen."""
    pictures = Path(os.environ["OAF_PICTURES"]) if "OAF_PICTURES" in os.environ else None
    with lab_driver.running(root) as lab, lab_driver.browser() as chromium:
        page = lab.open(chromium, "notebooks/replay.ipynb")
        lab_driver.run_all(page)
        page.locator(".oaf-screen[data-ready]").wait_for()
        page.locator(".oaf-screen").scroll_into_view_if_needed()
        page.select_option(".oaf-screen .speed", "300")
        for name, span in (("whole window", "0"), ("last hour", "3600"), ("last 15 min", "900")):
            page.select_option(".oaf-screen .span", span)
            page.click(".oaf-screen .previous")
            page.click(".oaf-screen .play")
            page.wait_for_timeout(500)
            yield Figure(f"frames a second, {name}", frames(page, 4), "/s", reach=10)
            if pictures:
                page.screenshot(path=pictures / f"replay-{name.replace(' ', '-')}.png")
            page.click(".oaf-screen .play")


if __name__ == "__main__":
    for figure in figures(full=True):
        sys.stdout.write(f"{figure.what:40} {figure.value:.2f} {figure.unit}\n")
