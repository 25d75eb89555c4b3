"""How heavy pages are, and how long Chromium takes to open them from the disk.

``python benchmarks/pages.py [PROJECT]``; without a project it makes the demo's and reports its last
day. A page is open when its load event is over and it was laid out and painted.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from measure import Figure
from playwright.sync_api import sync_playwright

DAY = "2026-11-22"
_PAINTED = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() =>
    done(performance.now()), 0)))"""


def weight(page: Path) -> int:
    """Bytes of a page and of the pictures it shows."""
    text = page.read_text("utf-8")
    pictures = set(re.findall(r'src="(figures/[^"]+)"', text))
    return len(text.encode()) + sum((page.parent / name).stat().st_size for name in pictures)


def opening(browser: Any, page: Path) -> float:
    """Seconds from the address to the painted page, in a fresh profile; the median of five."""
    took = []
    for _ in range(5):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        tab = context.new_page()
        tab.goto(page.resolve().as_uri(), wait_until="load")
        took.append(tab.evaluate(_PAINTED) / 1000)
        context.close()
    return median(took)


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser that tests use too."""
    with sync_playwright() as playwright:
        path = "/usr/bin/chromium"
        given = {"executable_path": path} if Path(path).exists() else {}
        browser = playwright.chromium.launch(args=["--no-sandbox"], **given)
        try:
            yield browser
        finally:
            browser.close()


def figures(full: bool) -> Iterator[Figure]:  # noqa: ARG001  it has one length only
    """The demo's front page and its heaviest report."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "demo"
        oaf = str(Path(sys.executable).with_name("oaf"))
        for command in (["demo", "--days", "2", "--last-day", DAY], ["daily", "--day", DAY]):
            subprocess.run([oaf, *command, "--root", str(root)], check=True, capture_output=True)
        yield from of(root)


def of(root: Path) -> Iterator[Figure]:
    """The front page of a project and the heaviest of its reports."""
    publish = root / "publish"
    front = publish / "index.html"
    reports = sorted(publish.glob("reports/*/*/*/index.html"), key=weight)
    heaviest = reports[-1]
    told = str(heaviest.parent.relative_to(publish / "reports"))
    yield Figure("front page", weight(front) / 1e3, "kB", 300, most=True)
    note = f"of {len(reports)}: {told}"
    yield Figure("heaviest report with figures", weight(heaviest) / 1e6, "MB", 1.5, True, note)
    with chromium() as browser:
        yield Figure("front page opens", opening(browser, front), "s", 1.0, most=True)
        yield Figure("heaviest report opens", opening(browser, heaviest), "s", 1.0, True, told)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", nargs="?", type=Path)
    chosen = parser.parse_args()
    for figure in of(chosen.project) if chosen.project else figures(False):
        print(f"{figure.what:32} {figure.value:8.3f} {figure.unit:3} {figure.note}")
