"""Scripts of a notebook's output: run nowhere, and of trusted notebooks in a frame of their own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import nbformat
import pytest
from lab_driver import CHROMIUM, browser

from oaflib.daily.morning import body_of
from oaflib.publish import Site, place
from oaflib.report import Report
from oaflib.run.live import live_page
from oaflib.run.runner import Run
from oaflib.window import calendar_day

SCRIPT = """<p id="drawn">waiting</p><script>
document.getElementById("drawn").textContent = "drawn";
let reached = "reached";
try { parent.document.title = "owned"; } catch (error) { reached = "shut off"; }
fetch("https://example.org/").catch(() => { document.title = "no network"; });
document.getElementById("drawn").textContent += ", " + reached;
</script>"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose template and expert's notebook both put out a script."""
    made = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "1", outputs=[nbformat.v4.new_output("display_data", data={"text/html": SCRIPT})]
            )
        ]
    )
    folder = tmp_path / "run"
    (folder / "expert").mkdir(parents=True)
    for path in (folder / "notebook.ipynb", folder / "expert/notebook.ipynb"):
        nbformat.write(made, path)
    window = calendar_day(date(2026, 11, 22), "UTC")
    report = Report("BCT", "B1", "Beam", window, datetime(2026, 11, 23, tzinfo=UTC), True, ())
    facts = {"template": "bct.ipynb", "parameters": {"expert_code": "mine:good"}}
    return Run(replace(report, provenance=facts), folder, 0.0)


def test_only_what_the_site_trusts_is_put_out_as_it_is(run: Run, tmp_path: Path) -> None:
    assert body_of(run).live == {}
    assert body_of(run, ("other", "good")).live == {}
    assert set(body_of(run, ("mine",)).live) == {"expert.html"}
    body = body_of(run, ("bct", "mine"))
    assert set(body.live) == {"notebook.html", "expert.html"}
    assert "<script>" not in body.html + body.expert
    folder = place(run.report, body, tmp_path / "publish", Site())
    assert 'href="live.html"' in (folder / "index.html").read_text()
    assert b"connect-src" not in (folder / "live/notebook.html").read_bytes()  # default-src: none
    folder = place(run.report, body_of(run), tmp_path / "publish", Site())
    assert not (folder / "live.html").exists()
    assert "live.html" not in (folder / "index.html").read_text()


def test_what_is_no_notebook_has_no_live_page(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text("{")
    assert live_page(path) == b""


@pytest.mark.browser
@pytest.mark.skipif(not (CHROMIUM and shutil.which(str(CHROMIUM))), reason="no Chromium")
def test_a_trusted_script_runs_in_its_frame_and_reaches_nothing(run: Run, tmp_path: Path) -> None:
    folder = place(run.report, body_of(run, ("bct",)), tmp_path / "publish", Site())
    with browser() as chromium:
        page = chromium.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "live.html").as_uri())
        drawn = page.frame_locator("iframe").locator("#drawn")
        drawn.filter(has_text="shut off").wait_for()
        assert drawn.text_content() == "drawn, shut off"
        assert page.title() != "owned"
        assert not [url for url in asked if url.startswith("http")]
        page.goto((folder / "index.html").as_uri())
        assert page.locator("#nb-drawn").all_text_contents() == ["waiting"] * 2
