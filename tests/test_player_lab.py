"""The player in real JupyterLab and headless Chromium: clicked, and the picture changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lab_driver
import numpy as np
import pytest
from project import ROOT, made_project

from oaflib.cli import main
from oaflib.series import Kind, Series
from oaflib.window import moment, nanoseconds, parse_instant

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kernel,
    pytest.mark.slow,
    pytest.mark.skipif(not lab_driver.CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]
START = "2026-11-22T08:00:00Z"
DATASET = """\
title = "Five transformers"
variables = ["T%:INTENSITY", "MODE:BMODE"]

[[check]]
kind = "usage"

[[check]]
name = "in the ring"  # what the ring can hold
kind = "range"
variables = ["T%:INTENSITY"]
low = 0.9e14
high = 1.1e14
guidance = "Check the range switching."
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of five variables at 1 Hz; T2 is too high from 08:30:00 on, T4 from 08:50:00."""
    made = made_project(tmp_path_factory.mktemp("lab"))
    made.dataset("BCT_five", DATASET)
    made.tasks()
    shutil.copy(ROOT / "notebooks/replay.ipynb", made.root / "notebooks/replay.ipynb")
    start = nanoseconds(parse_instant(START))
    time = start + 1_000_000_000 * np.arange(3600)
    rng = np.random.default_rng(5)
    for i in range(5):
        value = 1e14 * (1 + 5e-3 * rng.standard_normal(3600))
        if i in (2, 4):
            value[600 * (i + 1) :] *= 1.2
        made.fill(Series(f"T{i}:INTENSITY", Kind.NUMERIC, "charges", time, value))
    modes = np.array(["RAMP", "STABLE"], dtype=object)
    made.fill(Series("MODE:BMODE", Kind.TEXTUAL, "", time[[0, 600]], modes))
    end = moment(start + 3_600_000_000_000).isoformat()
    words = ["save", "BCT_five", "--from", START, "--to", end, "--name", "MD7"]
    assert main(["snapshot", "--root", str(made.root), *words]) == 0
    return made.root


@pytest.fixture(scope="module")
def page(project: Path) -> Iterator[Any]:
    """The notebook opened and run in JupyterLab."""
    with lab_driver.running(project) as lab, lab_driver.browser() as chromium:
        page = lab.open(chromium, "notebooks/replay.ipynb")
        page.elsewhere = []  # type: ignore[attr-defined]
        page.on("request", lambda request: page.elsewhere.append(request.url))
        lab_driver.run_all(page)
        page.locator(".oaf-screen[data-ready]").wait_for()
        page.locator(".oaf-screen").scroll_into_view_if_needed()
        yield page


def at(page: Any) -> float:
    return float(page.locator(".oaf-screen").get_attribute("data-at"))


def picture(page: Any) -> str:
    return str(page.locator(".oaf-screen .trends canvas").evaluate("canvas => canvas.toDataURL()"))


def until(page: Any, true: str) -> None:
    page.wait_for_function(
        f"() => {{ const s = document.querySelector('.oaf-screen'); return {true} }}"
    )


def press(page: Any, what: str, part: float) -> None:
    """Press the mouse on a slider, so far along."""
    slider = page.locator(f".oaf-screen {what}")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)


def drag_to(page: Any, part: float) -> None:
    press(page, "input.cursor", part)


def shown(page: Any, name: str) -> None:
    """A screenshot, where OAF_PICTURES says that somebody wants to look."""
    if "OAF_PICTURES" in os.environ:
        path = Path(os.environ["OAF_PICTURES"]) / f"player-{name}.png"
        page.locator(".oaf-screen").screenshot(path=path)


def typed(page: Any, code: str) -> None:
    """Run `code` in a new cell at the end."""
    page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")


def test_it_plays_and_the_picture_moves(page: Any) -> None:
    drag_to(page, 0.1)
    until(page, "Math.abs(s.dataset.at - 360) < 40")
    before, first = picture(page), at(page)
    page.select_option(".oaf-screen .speed", "300")
    page.click(".oaf-screen .play")
    until(page, "s.dataset.at > 700")
    page.click(".oaf-screen .play")
    until(page, "s.dataset.playing === 'false'")
    assert at(page) > first
    assert picture(page) != before
    assert page.locator(".oaf-screen td.ok").count() > 5
    assert page.locator(".oaf-screen td.alarm").count() == 0


def test_a_lane_tells_its_whole_name_and_unit_where_the_mouse_is(page: Any) -> None:
    page.hover(".oaf-screen .trends canvas", position={"x": 40, "y": 20})
    said = page.locator(".oaf-screen .trends canvas").get_attribute("title")
    assert ":INTENSITY" in said
    assert said.endswith("charges")


def test_alarms_appear_with_the_cursor_and_explain_themselves(page: Any) -> None:
    drag_to(page, 0.2)
    assert page.locator(".oaf-screen li button").count() == 0
    page.click(".oaf-screen .next")
    page.locator(".oaf-screen .detail[data-alarm='0']").wait_for()
    assert at(page) == pytest.approx(1801, abs=1)
    assert page.locator(".oaf-screen li button.alarm").count() == 1
    assert page.locator(".oaf-screen td.alarm").count() == 1
    told = page.locator(".oaf-screen .detail").inner_text()
    for words in (
        "T2:INTENSITY",
        "above the limit",
        "9 × 10¹³ to 1.1 × 10¹⁴ charges",
        "Check the range switching.",
    ):
        assert words in told
    shown(page, "light")
    page.click(".oaf-screen .next")
    page.locator(".oaf-screen .detail[data-alarm='1']").wait_for()
    assert page.locator(".oaf-screen li button.alarm").count() == 2
    page.click(".oaf-screen .previous")
    until(page, "s.dataset.at < 1802")
    assert page.locator(".oaf-screen li button.alarm").count() == 1  # it is as it was then
    assert at(page) == pytest.approx(1801, abs=1)


def test_another_limit_shows_at_once_what_would_have_happened(page: Any, project: Path) -> None:
    drag_to(page, 0.99)
    until(page, "s.querySelectorAll('li button.alarm').length === 2")
    before = picture(page)
    option = page.locator(".oaf-screen .which option", has_text="in the ring: high")
    page.select_option(".oaf-screen .which", option.get_attribute("value"))
    page.fill(".oaf-screen .number", "1.3e14")
    page.keyboard.press("Tab")
    until(page, "s.querySelector('.note').textContent.includes('no alarm (as saved: 2 alarms')")
    until(page, "s.querySelectorAll('li button.alarm').length === 0")
    assert picture(page) != before  # the bands are gone
    page.click(".oaf-screen .diff")
    until(page, "s.querySelector('pre').textContent.includes('+high = 1.3e14')")
    page.click(".oaf-screen .save")
    until(page, "s.querySelector('pre').textContent.startsWith('Written')")
    written = (project / "config/datasets/BCT_five.toml").read_text()
    assert written == DATASET.replace("high = 1.1e14", "high = 1.3e14")
    page.click(".oaf-screen .reset")
    until(page, "s.querySelectorAll('li button.alarm').length === 2")
    press(page, ".slide", 0.97)
    until(page, "s.querySelectorAll('li button.alarm').length === 0")
    page.click(".oaf-screen .reset")


def test_code_cells_move_the_screen_and_the_screen_moves_python(page: Any) -> None:
    typed(page, "import datetime; player.seek(datetime.timedelta(minutes=10)); player.step()")
    until(page, "s.dataset.at > 600 && s.dataset.at < 700")
    typed(page, "player.play(speed=1000)")
    until(page, "s.dataset.at >= 3600 && s.dataset.playing === 'false'")
    drag_to(page, 0.5)
    typed(page, "print('cursor', player.cursor.strftime('%H:%M'))")
    page.get_by_text("cursor 09:").last.wait_for()
    assert "cursor 09:2" in page.content() or "cursor 09:3" in page.content()


def test_dark_narrow_and_nothing_from_elsewhere(page: Any) -> None:
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.locator(".oaf-screen.dark").wait_for()
    page.set_viewport_size({"width": 900, "height": 1250})
    page.select_option(".oaf-screen .span", "900")
    page.wait_for_timeout(600)
    shown(page, "dark")
    hosts = {url.split("/")[2] for url in page.elsewhere if url.startswith("http")}
    assert {host.split(":")[0] for host in hosts} == {"127.0.0.1"}
