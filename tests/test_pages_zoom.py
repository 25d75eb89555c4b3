"""A closer look at pictures, in a real browser and from the disk: by mouse, keys and buttons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import published
import pytest
from nbformat.v4 import new_code_cell
from test_pages import CHROMIUM, PHONE, browser, opened

from oaflib.plots import Picture, Style, draw
from oaflib.plots.trend import Trend
from oaflib.plots.waterfall import Waterfall
from oaflib.publish import place
from oaflib.records import records_of
from oaflib.run.page import export_body
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

__all__ = ["browser"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]
DAY = calendar_day(published.DAY, published.ZONE)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with a trend, its value the hour of the day, and a waterfall of twenty monitors."""
    folder = tmp_path_factory.mktemp("zoom")
    seconds = np.arange(86_400)
    time = DAY.start_ns + seconds * 10**9
    vectors = np.add.outer(np.arange(1440.0), np.arange(20.0) * 100)
    records = records_of(
        [
            Series("BCT.1:HOUR", Kind.NUMERIC, "mA", time, seconds / 3600),
            Series("BCT.1:NOISE", Kind.NUMERIC, "mA", time, 12 + np.sin(seconds * 7.0)),
            Series(
                "LHC:BMODE", Kind.TEXTUAL, "", time[::43_200], np.array(["RAMP", "STABLE"], object)
            ),
            Series("BPM.1:POS", Kind.VECTORNUMERIC, "um", time[::60], vectors),
        ],
        DAY,
    )
    plots = [Trend(), Waterfall(element="monitor")]
    pictures = list(draw(plots, records, [], Style(interactive=True)))
    outputs = [published.shown(p.bundle()) for p in pictures if isinstance(p, Picture)]
    assert len(outputs) == 2, pictures
    cell = new_code_cell("oaf.draw(study, records)", execution_count=1, outputs=outputs)
    body = export_body(published.notebook(folder / "zoom.ipynb", [cell]))
    repository = folder / "publish"
    place(published.report(ids=("BPM", "zoom", "Zoom")), body, repository, published.SITE)
    return (repository / "RECENT/BPM_zoom/index.html").as_uri()


def spot(figure: Any, axes: tuple[float, float, float, float], x: float, y: float) -> Any:
    """Where on the screen a share of an axes is."""
    frame = figure.locator("img").bounding_box()
    scale = frame["width"] / 720
    return (
        frame["x"] + (axes[0] + x * axes[2]) * scale,
        frame["y"] + (axes[1] + y * axes[3]) * scale,
    )


def boxes(figure: Any) -> Any:
    return figure.evaluate(
        "f => JSON.parse(f.querySelector('script').textContent).axes.map(a => a.box)"
    )


def ticks(figure: Any) -> Any:
    return figure.locator(".closer .tick").all_text_contents()


def looked_at(page: Any, number: int) -> Any:
    figure = page.locator("figure.read").nth(number)
    figure.locator("img").scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth)")
    figure.scroll_into_view_if_needed()
    return figure


def drag(page: Any, start: Any, end: Any) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def test_a_trend_tells_its_values_and_is_drawn_closer(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        figure = looked_at(page, 0)
        (axes,) = boxes(figure)
        page.mouse.move(*spot(figure, axes, 0.5, 0.2))
        told = figure.locator(".values").inner_text()
        assert "22 Nov 2026, 12:0" in told
        value = float(told.split("BCT.1:HOUR  ")[1].split(" ")[0])
        assert math.isclose(value, 12, abs_tol=0.1)
        assert "mA" in told
        assert figure.locator(".closer path").count() == 0

        drag(page, spot(figure, axes, 0.25, 0.5), spot(figure, axes, 0.5, 0.5))
        assert ticks(figure)[:3] == ["06:00", "07:00", "08:00"]
        assert "22 Nov 2026, 06:0" in figure.locator(".tools .span").inner_text()
        assert figure.locator(".closer .lane image").count() == 1
        first = figure.locator(".closer path.s-c0").get_attribute("d")
        page.mouse.move(*spot(figure, axes, 0.5, 0.2))
        assert "22 Nov 2026, 09:0" in figure.locator(".values").inner_text()

        drag(page, spot(figure, axes, 0.2, 0.5), spot(figure, axes, 0.8, 0.5))
        assert figure.locator(".closer path.s-c0").get_attribute("d") != first
        assert ticks(figure)[:2] == ["08:00", "09:00"]
        page.mouse.dblclick(*spot(figure, axes, 0.5, 0.5))
        assert figure.locator(".closer path").count() == 0
        assert figure.locator(".tools .span").inner_text() == ""


def test_keys_and_buttons_do_the_same(browser: Any, address: str) -> None:
    with opened(browser, address, reduced_motion="reduce") as page:
        figure = looked_at(page, 0)
        stage = figure.locator(".stage")
        stage.focus()
        page.keyboard.press("ArrowRight")
        assert "22 Nov 2026, 12:0" in figure.locator(".values").inner_text()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("+")
        page.keyboard.press("+")
        closer = ticks(figure)
        assert "12:00" in closer
        page.keyboard.press("ArrowRight")
        assert ticks(figure) != closer
        page.keyboard.press("Escape")
        assert ticks(figure) == []
        assert figure.get_by_role("button", name="Show all again").is_disabled()
        figure.get_by_role("button", name="Zoom in").click()
        assert "06:00" in ticks(figure)
        figure.get_by_role("button", name="Later").click()
        assert "06:00" not in ticks(figure)
        figure.get_by_role("button", name="Show all again").click()
        assert ticks(figure) == []


def test_a_map_tells_element_time_and_value(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        figure = looked_at(page, 1)
        above, below = boxes(figure)
        page.mouse.move(*spot(figure, above, 0.5, 0.475))
        told = figure.locator(".values").inner_text()
        assert "22 Nov 2026, 12:0" in told
        assert "monitor 10\n" in told
        value = float(told.split("≈ ")[1].split(" ")[0])
        assert math.isclose(value, 1000 + 720, abs_tol=15)
        drag(page, spot(figure, above, 0.25, 0.5), spot(figure, above, 0.5, 0.5))
        assert ticks(figure)[:2] == ["06:00", "07:00"]
        assert figure.locator(".closer image").count() == 2  # the map, and the modes above it
        page.mouse.move(*spot(figure, above, 0.5, 0.475))
        assert "22 Nov 2026, 09:0" in figure.locator(".values").inner_text()
        page.mouse.move(*spot(figure, below, 0.525, 0.5))
        assert "monitor 10\nleast  1000 um\ngreatest  2439 um" in (
            figure.locator(".values").inner_text()
        )
        figure.locator(".stage").focus()
        page.keyboard.press("Escape")
        drag(page, spot(figure, below, 0.1, 0.5), spot(figure, below, 0.6, 0.5))
        assert ticks(figure)[:3] == ["2", "4", "6"]
        assert figure.locator(".closer image").count() == 0


def test_a_closer_look_is_accessible_and_fits(browser: Any, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    told = []
    with opened(browser, address) as page:
        for number in (0, 1):
            looked_at(page, number).get_by_role("button", name="Zoom in").click()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = axe.run(page, options={"preload": False})
            told += [(scheme, entry["id"]) for entry in found.response["violations"]]
        page.set_viewport_size(PHONE)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert told == []
    assert wide <= 0


def test_without_scripts_the_picture_is_as_ever(browser: Any, address: str) -> None:
    with opened(browser, address, java_script_enabled=False) as page:
        assert page.locator("figure.read img").count() == 2
        assert page.locator(".tools").count() == 0
