"""Pages in a real browser: from the disk and a server, large and small, dark, on paper, without
scripts, under attack, and with a screen reader's eyes."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy
import published
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from test_publish_body import HOSTILE
from test_publish_views import NASTY

from oaflib.plots.live import packed
from oaflib.publish import place
from oaflib.report import Change, Severity
from oaflib.run.page import export_body

CHROMIUM = Path("/usr/bin/chromium")
sync_api = pytest.importorskip("playwright.sync_api")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium"),
]

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PAGES = {
    "front": "index.html",
    "view": "RECENT_WITH_ALM/index.html",
    "search": "search.html",
    "report": "reports/BCT/LHC-B1-cmp/2026-11-22/index.html",
    "recent": "RECENT/BWS_PS/index.html",
    "failed": "RECENT_WITH_ALM/BLM_PSB/index.html",
    "dataset": "reports/BCT/LHC-B1-cmp/index.html",
    "month": "reports/BCT/LHC-B1-cmp/2026-11.html",
    "hostile": "RECENT/BTV_nasty/index.html",
    "interactive": "RECENT/BPM_live/index.html",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small repository with everything in it that pages can hold."""
    folder = tmp_path_factory.mktemp("pages")
    site = published.with_periods()
    repository = folder / "publish"
    body = published.body(folder)
    for back in reversed(range(4)):
        day = published.DAY - timedelta(days=back)
        for ids in published.DATASETS[:10]:
            failed = ids[0] == "BLM" and not back
            found = [published.failure()] if failed else published.outcomes_of(ids, day)
            made = published.report(day, found, ids, not failed)
            place(made, body, repository, site)
    place(_nasty(), export_body(_nasty_notebook(folder)), repository, site)
    live = published.report(ids=("BPM", "live", "Interactive"))
    place(live, export_body(_live_notebook(folder)), repository, site)
    return repository


def _nasty() -> Any:
    outcomes = [
        published.outcome(
            text, Severity.ALARM, Change.NEW, check=text, variable=text, reason=text,
            guidance=text, unit=text, found=text, limit={text: text},
        )
        for text in NASTY
    ]  # fmt: skip
    made = published.report(outcomes=outcomes, ids=("BTV", "nasty", "".join(NASTY[:4])))
    return replace(made, description=NASTY[1], provenance={text: text for text in NASTY})


def _nasty_notebook(folder: Path) -> Path:
    cells: list[Any] = []
    for payload in HOSTILE:
        cells += [
            new_markdown_cell(payload),
            new_code_cell(
                payload,
                execution_count=1,
                outputs=[
                    published.shown({"text/html": payload}),
                    new_output("stream", text=payload),
                    new_output("error", ename=payload, evalue=payload, traceback=[payload]),
                ],
            ),
        ]
    return published.notebook(folder / "nasty.ipynb", cells)


def _live_notebook(folder: Path) -> Path:
    figure = {
        "data": [{"type": "scatter", "name": "<b>ratio</b>", "y": [1, 1.1, 1.3]}],
        "layout": {"title": {"text": "<a href='javascript:alert(1)'>x</a>"}, "width": 3000},
    }
    cell = new_code_cell(
        "figure",
        execution_count=1,
        outputs=[published.shown({"application/vnd.plotly.v1+json": figure})],
    )
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="200"></svg>'
    low = packed(numpy.array([1.0, 2.5, numpy.nan, 4e9]))
    about = {
        "caption": "Drawn from 4 columns.",
        "alt": "It rises.",
        "width": 720,
        "height": 200,
        "interactive": {
            "version": 1, "start": 1.7636796e12, "step": 3.6e6, "columns": 4,
            "zone": published.ZONE,
            "size": [720, 200],
            "axes": [{"box": [60, 10, 640, 160], "unit": "mA",
                      "series": [{"name": "<i>ratio</i>", "paint": "a", "low": low}]}],
        },
    }  # fmt: skip
    read = new_code_cell(
        "picture",
        execution_count=2,
        outputs=[
            published.shown({"image/svg+xml": drawing, "application/vnd.oaf.picture+json": about})
        ],
    )
    cells = [new_markdown_cell("## A figure"), cell, read]
    return published.notebook(folder / "live.ipynb", cells)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """The page at `address`; fails on script errors, dialogs and requests that leave its folder."""
    wrong: list[str] = []
    context = browser.new_context(**{"viewport": DESK, **options})
    page = context.new_page()
    home = address.split("/publish/")[0] + "/publish/" if "/publish/" in address else address[:22]

    def asked(request: Any) -> None:
        if not request.url.startswith((home, "data:", "blob:")):
            wrong.append(f"asks for {request.url}")

    def said(message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            wrong.append(message.text)

    def stopped(dialog: Any) -> None:
        wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("request", asked)
    page.on("requestfailed", lambda request: wrong.append(f"lost {request.url}"))
    page.on("console", said)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", stopped)
    page.clock.install(time="2026-11-23T09:00:00Z")
    page.goto(address)
    page.clock.run_for(500)
    page.wait_for_load_state("load")
    yield page
    context.close()
    assert wrong == []


def on_disk(root: Path, name: str) -> str:
    return (root / PAGES[name]).as_uri()


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(root.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/publish/"
        served.shutdown()
        thread.join()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_and_stays_at_home(browser: Any, root: Path, name: str) -> None:
    with opened(browser, on_disk(root, name)) as page:
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            page.clock.run_for(1_000)
            wide = page.evaluate(
                """() => [document.documentElement.scrollWidth - innerWidth, [...document.body
                .querySelectorAll('*')].filter(e => !e.closest('.scroll, .said') &&
                e.getBoundingClientRect().right > innerWidth + .5).map(e => e.outerHTML
                .slice(0, 120)).slice(0, 3)]"""
            )
            assert wide[0] <= 0, f"{name} is too wide by {wide}"
        page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
        page.wait_for_function("[...document.images].every(i => i.complete)")
        empty = page.evaluate(
            "[...document.images].filter(i => !i.naturalWidth && i.getAttribute('src')).length"
        )
        assert empty == 0
        assert "owned" not in page.title()
        papers = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert papers == ["rgb(251, 251, 249)", "rgb(20, 24, 29)"]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_reads_without_scripts(browser: Any, root: Path, name: str) -> None:
    with opened(browser, on_disk(root, name), java_script_enabled=False) as page:
        assert page.locator("h1").first.is_visible()
        assert not page.locator("#filter").is_visible()
        if name == "front":
            assert "Made 23 Nov 2026 08:04 CET." in page.inner_text(".age")
            assert "expected by 24 Nov 2026 09:30 CET" in page.inner_text(".age")
            assert page.get_by_text("412 scans in a day").is_visible()
        if name == "interactive":
            assert page.get_by_role("cell", name="ratio").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible(browser: Any, root: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    told = []
    with opened(browser, on_disk(root, name)) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        skipped = {"exclude": [[".notebook"]]} if name in ("hostile", "interactive") else None
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = axe.run(page, context=skipped, options={"preload": False})
            told += [
                f"{scheme} {entry['id']}: {node['html'][:160]} {node.get('failureSummary')}"
                for entry in found.response["violations"]
                for node in entry["nodes"][:2]
            ]
    assert told == []


def test_on_paper(browser: Any, root: Path, tmp_path: Path) -> None:
    with opened(browser, on_disk(root, "report")) as page:
        page.emulate_media(media="print")
        assert not page.locator(".top nav").is_visible()
        assert page.locator("article .guidance").is_visible()
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"
        pdf = page.pdf(format="A4")
        assert pdf.startswith(b"%PDF")
        assert len(pdf) > 20_000


def test_the_filter_is_in_the_address(browser: Any, root: Path) -> None:
    with opened(browser, on_disk(root, "front")) as page:
        before = page.locator(".finding:visible").count()
        page.fill("#filter", "wire 412")
        assert page.locator(".finding:visible").count() == 1 < before
        assert page.evaluate("location.hash") == "#q=wire%20412"
        assert "1 of" in page.inner_text("#shown")
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        assert page.input_value("#filter") == "wire 412"
        assert page.locator(".finding:visible").count() == 1
        page.fill("#filter", "")
        assert page.locator(".finding:visible").count() == before
        assert page.evaluate("location.hash") == ""


def test_a_missing_morning_is_said(browser: Any, root: Path) -> None:
    with opened(browser, on_disk(root, "front")) as page:
        assert "2 hours ago" in page.inner_text(".age")
        assert not page.get_by_text("Out of date").is_visible()
        page.clock.fast_forward("23:40:00")
        page.clock.run_for(61_000)
        assert page.get_by_text("Out of date: new reports were expected").is_visible()
        assert "late" in (page.locator(".age").get_attribute("class") or "")


@pytest.mark.parametrize("way", ["disk", "server"])
def test_search_finds_a_device(browser: Any, root: Path, server: str, way: str) -> None:
    address = on_disk(root, "search") if way == "disk" else server + PAGES["search"]
    with opened(browser, address) as page:
        page.fill("#query", "65.h 2026-11-2")
        page.clock.run_for(500)
        page.wait_for_function("document.querySelectorAll('#results li').length > 0")
        results = page.locator("#results li")
        assert results.count() == 3
        assert "PR.BWS.65.H" in results.first.inner_text()
        page.get_by_role("link", name="BWS / PS / 2026-11-22").click()
        assert page.get_by_role("heading", name="PS wire scanners").is_visible()


@pytest.mark.parametrize("way", ["disk", "server"])
def test_interactive_figures_draw(browser: Any, root: Path, server: str, way: str) -> None:
    address = on_disk(root, "interactive") if way == "disk" else server + PAGES["interactive"]
    with opened(browser, address) as page:
        page.clock.run_for(2_000)
        page.wait_for_selector("figure.plotly .main-svg")
        assert not page.locator("figure.plotly .words").is_visible()
        assert (
            page.locator("figure.plotly .main-svg").first.bounding_box()["width"] <= DESK["width"]
        )


def test_values_are_read_off_a_picture(browser: Any, root: Path) -> None:
    with opened(browser, on_disk(root, "interactive")) as page:
        frame = page.locator("figure.read img").bounding_box()
        page.locator("figure.read img").scroll_into_view_if_needed()
        for share, said in ((0.3, "<i>ratio</i>  1 mA"), (0.45, "2.5 mA"), (0.6, "none"),
                            (0.9, "4.000e+9 mA")):  # fmt: skip
            page.locator("figure.read img").hover(
                position={"x": frame["width"] * share, "y": frame["height"] / 2}
            )
            told = page.locator(".values").inner_text()
            assert said in told
        assert "21 Nov" in told
        page.locator("h1").hover()
        assert not page.locator(".values").is_visible()


@pytest.mark.parametrize("way", ["disk", "server"])
def test_the_policy_holds_even_where_cleaning_failed(
    browser: Any, root: Path, server: str, tmp_path: Path, way: str
) -> None:
    """A page with an attack written into it by hand: the browser must refuse to run it."""
    victim = root / PAGES["front"]
    attacked = victim.with_name("attacked.html")
    attacked.write_text(
        victim.read_text().replace(
            "<h1>",
            "<script>document.title='owned'</script>"
            "<img src=x onerror=\"document.title='owned'\">"
            "<svg onload=\"document.title='owned'\"></svg>"
            "<script src=\"data:text/javascript,document.title='owned'\"></script><h1>",
        )
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(attacked.as_uri() if way == "disk" else server + "attacked.html")
    page.wait_for_timeout(300)
    title, age = page.title(), page.inner_text(".age")
    context.close()
    attacked.unlink()
    assert title != "owned"
    assert "ago" in age  # our own script does run


def test_links_work_through_the_views(browser: Any, root: Path, server: str) -> None:
    for home in (root.as_uri() + "/", server):
        with opened(browser, home + "RECENT_WITH_ALM/index.html") as page:
            page.get_by_role("link", name="BCT_LHC-B1-cmp").first.click()
            assert page.get_by_text("Ratio of system A to system B").first.is_visible()
            page.locator(".days a[rel=prev]").click()
            assert page.url.endswith("/reports/BCT/LHC-B1-cmp/2026-11-21/index.html")
            page.locator(".days a[rel=next]").click()
            page.get_by_role("link", name="OAF, beam").click()
            page.locator(".finding a.device").first.click()
            anchor = page.evaluate("document.getElementById(location.hash.slice(1)).tagName")
            assert anchor == "ARTICLE"
