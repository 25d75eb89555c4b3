"""Publishing a report: its folder, its place in the views, what a second time does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import published
import pytest

from oaflib.errors import ReportError
from oaflib.publish import place, rebuild
from oaflib.report import Severity, read
from oaflib.window import Window, calendar_day


def test_a_report_gets_its_folder(tmp_path: Path) -> None:
    made = published.report()
    folder = place(made, published.body(tmp_path), tmp_path / "publish", published.SITE)
    assert folder == tmp_path / "publish/reports/BCT/LHC-B1-cmp/2026-11-22"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["figures", "index.html", "manifest.json", "notebook.ipynb", "report.json"]
    assert [path.name for path in (folder / "figures").iterdir()] == ["2-0.png"]
    assert read((folder / "report.json").read_bytes()) == made


@pytest.mark.parametrize(
    ("severity", "finished", "with_alarm"),
    [
        (Severity.OK, True, False),
        (Severity.WARNING, True, False),
        (Severity.NOT_APPLICABLE, True, False),
        (Severity.ALARM, True, True),
        (Severity.INVALID, True, True),
        (Severity.OK, False, True),
    ],
)
def test_each_dataset_is_in_exactly_one_half(
    tmp_path: Path, severity: Severity, finished: bool, with_alarm: bool
) -> None:
    made = published.report(outcomes=[published.outcome(severity=severity)], finished=finished)
    place(made, None, tmp_path, published.SITE)
    halves = [
        name
        for name in ("RECENT_WITH_ALM", "RECENT_WITHOUT_ALM")
        if (tmp_path / name / "BCT_LHC-B1-cmp" / "report.json").exists()
    ]
    assert halves == ["RECENT_WITH_ALM" if with_alarm else "RECENT_WITHOUT_ALM"]
    assert (tmp_path / "RECENT/BCT_LHC-B1-cmp/index.html").is_file()


def test_recent_is_the_latest_window_not_the_latest_made(tmp_path: Path) -> None:
    place(published.report(), None, tmp_path, published.SITE)
    earlier = published.report(published.DAY - timedelta(days=3))
    place(earlier, None, tmp_path, published.SITE)
    recent = json.loads((tmp_path / "RECENT/BCT_LHC-B1-cmp/report.json").read_bytes())
    assert recent["window"]["label"] == "2026-11-22"
    index = json.loads((tmp_path / "index.json").read_bytes())
    assert [entry["label"] for entry in index["datasets"]] == ["2026-11-22"]


@pytest.mark.parametrize("label", ["../x", "a/b", ".hidden", "", "a..b", "index.html", "x\n", "é"])
def test_a_label_that_is_no_folder_name_is_refused(tmp_path: Path, label: str) -> None:
    day = calendar_day(published.DAY, published.ZONE)
    window = Window(day.start, day.end, day.zone, label or " ")
    with pytest.raises(ReportError, match="label .* cannot name a folder"):
        place(published.report(window=window), None, tmp_path / "publish", published.SITE)
    assert list(tmp_path.rglob("*.html")) == []


def test_rebuilding_makes_the_same_views(tmp_path: Path) -> None:
    root = tmp_path / "publish"
    for back in (3, 2, 1, 0):
        day = published.DAY - timedelta(days=back)
        for ids in published.DATASETS[:4]:
            place(
                published.report(day, published.outcomes_of(ids, day), ids),
                None,
                root,
                published.SITE,
            )
    before = _files(root)
    rebuild(root, published.SITE)
    assert _files(root) == before


def _files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
