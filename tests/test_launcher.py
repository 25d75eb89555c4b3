"""The launcher: a report by hand, and the rows of the task table."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import openpyxl
import pytest
from lab_driver import CHROMIUM, browser
from project import HEADER, ROOT, MadeProject, made_project, numeric

import oaflib as oaf
from oaflib.cli import main
from oaflib.cli.laboratory import bring_notebooks
from oaflib.config.project import load_project
from oaflib.config.rewrite import rows_of, write_row
from oaflib.errors import ConfigurationError
from oaflib.launcher.order import Order, assignment_of, datasets_of, window_of
from oaflib.launcher.panel import Launcher
from oaflib.report import read
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded import Lake

NOW = datetime(2026, 11, 23, 7, 30, 20, tzinfo=UTC)
TASK = "BCT,LDB,ring,jdoe,TRUE,TRUE,None,daily,day,"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", 'variables = ["R.BCT:I"]\n')
    made.tasks(TASK)
    made.fill(numeric("R.BCT:I"))
    with Lake(tmp_path / "runs/store") as lake:
        lake.save_snapshot(Snapshot("BI_BWS_PS", ("R.%",), "saved"))
    monkeypatch.setenv("OAF_ROOT", str(tmp_path))
    return made


def launcher_of(project: MadeProject) -> Launcher:
    return Launcher(load_project(project.root), lambda: NOW)


def test_datasets_of_tasks_and_files_and_what_the_source_keeps(project: MadeProject) -> None:
    project.dataset("BCT_extra", 'variables = ["R.BCT:I"]\n')
    assert datasets_of(load_project(project.root)) == ["BCT_ring", "BCT_extra", "BI_BWS_PS"]


@pytest.mark.parametrize(
    ("when", "start", "end"),
    [
        ("", "2026-11-21T23:00", "2026-11-22T23:00"),
        ("2026-11-20", "2026-11-19T23:00", "2026-11-20T23:00"),
        ("15min", "2026-11-23T07:15", "2026-11-23T07:30"),
        ("2026-11-22T08:00Z/2026-11-22T10:30+01:00", "2026-11-22T08:00", "2026-11-22T09:30"),
    ],
)
def test_when_is_said_in_four_ways(when: str, start: str, end: str) -> None:
    window = window_of(Order("BCT_ring", when), "Europe/Zurich", NOW)
    assert f"{window.start:%Y-%m-%dT%H:%M}" == start
    assert f"{window.end:%Y-%m-%dT%H:%M}" == end


@pytest.mark.parametrize("when", ["soon", "2026-13-40", "08:00/10:00", "2026-11-22T08:00/x"])
def test_what_is_no_time_is_told_with_what_is(when: str) -> None:
    with pytest.raises(ConfigurationError, match="write a day"):
        window_of(Order("BCT_ring", when), "UTC", NOW)


def test_a_snapshot_of_the_source_needs_no_file(project: MadeProject) -> None:
    found = assignment_of(Order("BI_BWS_PS"), load_project(project.root))
    assert (found.dataset, found.source) == ("BWS_PS", "LDB")


@pytest.mark.kernel
def test_a_report_is_made_and_shown(project: MadeProject) -> None:
    launcher = launcher_of(project)
    launcher.dataset.value = "BI_BWS_PS"
    launcher.when.value = "2026-11-22"
    launcher.low_res.value = True
    launcher.run()
    assert launcher.made is not None
    assert launcher.made.folder == project.report("BWS", "PS")
    assert launcher.progress.value == 1.0
    assert "BWS_PS 2026-11-22" in launcher.said.value
    (address,) = re.findall(r'href="(http://127[^"]+)"', launcher.said.value)
    with urllib.request.urlopen(address) as page:
        assert b"BWS_PS" in page.read()
    assert launcher.found.outputs


def test_a_wrong_order_is_said_on_the_panel(project: MadeProject) -> None:
    launcher = launcher_of(project)
    launcher.dataset.value = "BCT_ring"
    launcher.source.value = "LDB"
    launcher.when.value = "<b>soon"
    launcher.run()
    assert "&lt;b&gt;soon" in launcher.said.value
    assert launcher.made is None
    assert not launcher.button.disabled


def chosen(launcher: Launcher, line: int, **cells: str) -> Launcher:
    launcher.rows.value = line
    for name, value in cells.items():
        launcher.cells[name].value = value
    return launcher


def test_a_row_is_checked_before_it_is_saved(project: MadeProject) -> None:
    launcher = chosen(launcher_of(project), 2, Source="MDB")
    assert launcher.cells["UserId"].value == "jdoe"
    (problem,) = launcher.check()
    assert "line 2, Source" in problem
    assert launcher.save() is False
    assert TASK in (project.root / "config/tasks.csv").read_text()
    launcher.cells["Source"].value = "LDB"
    launcher.cells["UserId"].value = "jdoe, asmith".replace(",", "")
    assert launcher.save() is True
    text = (project.root / "config/tasks.csv").read_text()
    assert text == f"{HEADER}\nBCT,LDB,ring,jdoe asmith,TRUE,TRUE,None,daily,day,\n"


def test_a_new_row_comes_last_and_the_rest_stays_as_excel_saved_it(project: MadeProject) -> None:
    header = HEADER.replace(",", ";")
    saved = f"\ufeff{header}\r\n# mine\r\n{TASK.replace(',', ';')}".encode()
    (project.root / "config/tasks.csv").write_bytes(saved)
    row = {"Instrument": "BWS", "Source": "LDB", "DataSet": "PS", "UserId": "a", "email": "yes"}
    write_row(project.root, 0, {**row, "DftPlot": "1", "ExpCode": "None"})
    assert (project.root / "config/tasks.csv").read_bytes() == (
        saved + b"\r\nBWS;LDB;PS;a;yes;1;None;;;\r\n"
    )
    assert [row.line for row in rows_of(project.root)] == [3, 4]


def test_a_workbook_keeps_its_other_sheets(project: MadeProject) -> None:
    (project.root / "config/tasks.csv").unlink()
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(HEADER.split(","))
    sheet.append(TASK.split(","))
    book.create_sheet("notes")["A1"].value = "keep me"
    path = project.root / "config/tasks.xlsx"
    book.save(path)
    cells = dict(rows_of(project.root)[0].cells)
    write_row(project.root, 2, {**cells, "UserId": "asmith"})
    again = openpyxl.load_workbook(path)
    assert again.worksheets[0]["D2"].value == "asmith"
    assert again["notes"]["A1"].value == "keep me"


def test_a_cell_without_its_column_is_refused(project: MadeProject) -> None:
    seven = ",".join(HEADER.split(",")[:7])
    project.tasks("BCT,LDB,ring,jdoe,TRUE,TRUE,None", header=seven)
    cells = dict(rows_of(project.root)[0].cells)
    with pytest.raises(ConfigurationError, match="has no column Template; add it"):
        write_row(project.root, 2, {**cells, "Template": "generic"})


@pytest.mark.kernel
def test_the_notebook_runs_through_papermill_without_a_browser(
    project: MadeProject, tmp_path: Path
) -> None:
    import papermill

    done = papermill.execute_notebook(
        str(ROOT / "notebooks/launcher.ipynb"), str(tmp_path / "out.ipynb"), cwd=tmp_path
    )
    said = str([cell.get("outputs") for cell in done.cells])
    assert "the launcher of" in said
    assert "Order(" in said


def test_lab_brings_the_notebooks_and_never_writes_over_one(project: MadeProject) -> None:
    (project.root / "notebooks/replay.ipynb").write_text("mine")
    assert bring_notebooks(project.root) == ["notebooks/launcher.ipynb", "notebooks/online.ipynb"]
    assert (project.root / "notebooks/replay.ipynb").read_text() == "mine"
    assert bring_notebooks(project.root) == []


@pytest.mark.kernel
def test_the_executed_notebook_plays_its_report_again(project: MadeProject) -> None:
    assert main(["run", "BCT_ring", "--day", "2026-11-22", "--root", str(project.root)]) == 0
    notebook = nbformat.read(project.report("BCT", "ring") / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    source = notebook.cells[-1].source
    assert "oaf.replay('runs/reports/BCT_ring/2026-11-22')" in source
    assert "Replay this" not in (project.report("BCT", "ring") / "index.html").read_text()
    player = oaf.replay("runs/reports/BCT_ring/2026-11-22")
    player.seek(player.window.end)
    report = read((project.report("BCT", "ring") / "report.json").read_bytes())
    said = [(o.check, o.variable, o.severity, o.found) for o in player.outcomes]
    assert sorted(said) == sorted(
        (o.check, o.variable, o.severity, o.found) for o in report.outcomes
    )


@pytest.mark.kernel
@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium")
def test_voila_serves_the_launcher_and_a_click_makes_the_report(project: MadeProject) -> None:
    """``oaf lab --voila``: no code to be seen; fields filled, the button clicked."""
    with voila(project.root) as address, browser() as chromium:
        page = chromium.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_placeholder("yesterday").fill("2026-11-22")
        page.get_by_placeholder("BCT_LHC-B1-cmp").fill("BCT_ring")
        page.get_by_role("button", name="Make the report").click()
        link = page.get_by_role("link", name="open the report")
        link.wait_for()
        with page.expect_popup() as opened:
            link.click()
        opened.value.locator(".banner").first.wait_for()
        assert page.get_by_text("import oaflib").count() == 0
    assert (project.report("BCT", "ring") / "index.html").exists()


@contextmanager
def voila(root: Path) -> Iterator[str]:
    """The address of ``oaf lab --voila`` in that project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from oaflib.cli import main; sys.exit(main())"
    words = ["lab", "--voila", "--no-browser", "--port", str(port), "--root", str(root)]
    log = root / "voila.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", code, *words], stdout=output, stderr=output, cwd=ROOT
        )
    try:
        until_open(port, server, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(30)


def until_open(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text())
