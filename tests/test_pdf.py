"""The PDF beside a report: there when Chromium prints it, and no trouble when it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from published import SITE, report

from oaflib.publish import pdf, place

PRINTS = replace(SITE, pdf=True)


@pytest.mark.skipif(not pdf.browser(), reason="no Chromium")
def test_a_report_is_printed_beside_its_page(tmp_path: Path) -> None:
    folder = place(report(), None, tmp_path, PRINTS)
    made = (folder / "report.pdf").read_bytes()
    assert made.startswith(b"%PDF")
    assert len(made) > 5_000
    assert 'href="report.pdf"' in (folder / "index.html").read_text()
    assert sorted(path.name for path in folder.iterdir()) == [
        "figures",
        "index.html",
        "manifest.json",
        "report.json",
        "report.pdf",
    ]


def test_it_is_off_by_default(tmp_path: Path) -> None:
    folder = place(report(), None, tmp_path, SITE)
    assert not (folder / "report.pdf").exists()


@pytest.mark.parametrize("script", ["exit 1", "exit 0", "sleep 60", "kill -9 $$"])
def test_a_broken_chromium_costs_only_the_pdf(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/chromium"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(pdf, "SECONDS", 1)
    folder = place(report(), None, tmp_path / "publish", PRINTS)
    assert not (folder / "report.pdf").exists()
    assert "report.pdf" not in (folder / "index.html").read_text()
