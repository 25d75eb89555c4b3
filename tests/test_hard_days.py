"""A configuration edited while a morning runs, and a dataset that breaks every day."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.state import RunStatus, State

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    for name in ("B1", "B2"):
        made.dataset(f"BCT_{name}", f'variables = ["{A}"]\n')
    return made


@pytest.mark.kernel
def test_a_configuration_edited_while_running(project: MadeProject) -> None:
    """A file that is half written when a report reads it costs that report, and only until then."""
    project.fill(numeric(A))
    file = project.root / "config/datasets/BCT_B1.toml"
    path = project.root / "notebooks/templates/edited.ipynb"
    notebook = nbformat.read(project.root / "notebooks/templates/generic.ipynb", as_version=4)
    edit = f"open({str(file)!r}, 'w').write('variables = [\"A')"
    notebook.cells.insert(2, nbformat.v4.new_code_cell(edit))
    nbformat.write(notebook, path)
    rows = (
        "BCT,LDB,B1,jdoe,FALSE,FALSE,None,daily,day,",
        "BCT,LDB,B2,jdoe,FALSE,FALSE,None,daily,day,",
    )
    project.tasks(rows[0] + "edited", rows[1])
    words = ["daily", "--root", str(project.root), "--day", "2026-11-22"]
    assert main(words) == 1
    broken = json.loads((project.report("BCT", "B1") / "report.json").read_text())
    assert "config/datasets/BCT_B1.toml: line 1" in broken["outcomes"][0]["reason"]
    other = json.loads((project.report("BCT", "B2") / "report.json").read_text())
    assert other["finished"] is True
    assert main(words) == 2  # seen before anything runs, now
    project.dataset("BCT_B1", f'variables = ["{A}"]\n')
    project.tasks(*rows)
    assert main(words) == 0


def test_a_dataset_that_breaks_every_day(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of its reports fails, is tried on three mornings and told once; nobody is flooded."""
    template = project.root / "notebooks/templates/bct.ipynb"
    notebook = nbformat.read(template, as_version=4)
    for cell in notebook.cells:
        cell.metadata["tags"] = []
    nbformat.write(notebook, template)
    project.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    first = datetime(2026, 11, 17, 7, tzinfo=UTC)
    monkeypatch.setattr("oaflib.daily.clock.is_synchronised", lambda: True)
    for number in range(5):
        now = first + timedelta(days=number)
        for place in ("oaflib.cli.commands.now", "oaflib.cli.mornings.now"):
            monkeypatch.setattr(place, lambda now=now: now)
        assert main(["daily", "--root", str(project.root)]) == 1
    with State(project.root / "runs/state.sqlite", read_only=True) as state:
        rows = [(row.label, row.status, row.attempt) for row in state.runs()]
    assert rows == [
        ("2026-11-16", RunStatus.FAILED, 3),
        ("2026-11-17", RunStatus.FAILED, 3),
        ("2026-11-18", RunStatus.FAILED, 3),
        ("2026-11-19", RunStatus.FAILED, 2),
        ("2026-11-20", RunStatus.FAILED, 1),
    ]
    told = Counter(
        line.split(b" ", 1)[1].strip().decode()
        for path in project.mails
        for line in path.read_bytes().splitlines()
        if line.startswith(b"To: ")
    )
    assert told["jdoe@example.org"] == 5
    out = capsys.readouterr().out
    assert "Caught up: 2026-11-18 to 2026-11-19 were missed or broke, 2 reports, 2 of them" in out
