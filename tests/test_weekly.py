"""Reports that look back on the history: their templates, their turn, and the limits of a day."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from project import DAY, ROOT, MadeProject, made_project, numeric

import oaflib as oaf
from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.errors import HistoryError
from oaflib.history import History
from oaflib.records import State
from oaflib.report import Report, read
from oaflib.study.study import open_study
from oaflib.window import instant

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
NOON = 1_795_345_200_000_000_000  # of 2026-11-22 in UTC
DAYS = 86_400_000_000_000


def code(name: str) -> list[str]:
    cells = json.loads((ROOT / f"notebooks/templates/{name}.ipynb").read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", ["ageing", "calibration"])
def test_the_template_reads_aloud(name):
    parameters, *cells = code(name)
    assert parameters.split("\n")[1:] != []
    assert parameters.split("\n")[3:] == code("generic")[0].split("\n")[3:]
    said = [line for cell in cells for line in cell.splitlines() if line]
    assert len(said) <= 40
    words = [word for line in said for word in ("open_study", "recall", "front") if word in line]
    assert words == ["open_study", "recall", "front"]
    assert [line.split("(")[0].split(".")[-1] for line in said[4:]] == [
        *("check", "outcomes", "devices", "draw", "expert", "conclude")
    ]
    dataset = parameters.split('"')[1]
    assert (ROOT / f"config/datasets/{dataset}.toml").exists()


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks(
        "BCT,LDB,ageing,jdoe,TRUE,TRUE,None,weekly,last 7d,ageing",
        "BCT,LDB,B1,jdoe,FALSE,FALSE,None,daily,day,",
    )
    made.dataset("BCT_B1", f'title = "Beam 1"\nvariables = ["{A}"]\n')
    check = f'[[check]]\nkind = "drift"\nvariables = ["{A}"]\nhigh = 1e15\n'
    made.dataset("BCT_ageing", f'title = "Ageing"\nvariables = ["{A}"]\n{check}')
    made.fill(numeric(A))
    path = tmp_path / "old.csv"
    rows = [f"{NOON - i * DAYS},{A},{1e14 + 1e9 * (i % 3)},charges" for i in range(1, 60)]
    path.write_text("\n".join(["timestamp,variable,value,unit", *rows]))
    assert main(["history", "--root", str(tmp_path), "import", str(path)]) == 0
    return made


def report_at(project: MadeProject, dataset: str, label: str) -> Report:
    return read((project.report("BCT", dataset, label) / "report.json").read_bytes())


@pytest.mark.kernel
def test_a_weekly_report_waits_for_the_days_and_reads_their_history(project):
    # first in the table, but it looks back on the other
    words = ["daily", "--root", str(project.root), "--day", str(DAY), "--jobs", "2"]
    assert main(words) == 0
    weekly = report_at(project, "ageing", "2026-11-16_7d")
    (outcome,) = weekly.outcomes
    assert "over 60 windows" in outcome.reason
    assert weekly.statistics == ()
    page = (project.report("BCT", "ageing", "2026-11-16_7d") / "index.html").read_text()
    assert "The worst first" in page
    assert "figures/" in page
    assert len(project.mails) == 1


def test_records_of_history_ask_no_source(project, monkeypatch):
    monkeypatch.setenv("OAF_ROOT", str(project.root))
    (project.root / "config/site.toml").write_text(
        (project.root / "config/site.toml").read_text().replace("runs/store", "runs/no-such-store")
    )
    study = open_study("BCT_ageing", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")
    records = oaf.recall(study)
    assert {name: entry.state for name, entry in records.entries.items()} == {A: State.EMPTY}
    assert "59 windows from 2026-09-24 to 2026-11-21, 59 of them imported" in repr(
        oaf.front(study, records)
    )


def test_a_variable_that_no_report_knows_is_told(project, monkeypatch):
    monkeypatch.setenv("OAF_ROOT", str(project.root))
    check = '[[check]]\nkind = "drift"\nvariables = ["NO:SUCH"]\n'
    project.dataset("BCT_ageing", f'variables = ["NO:SUCH"]\n{check}')
    study = open_study("BCT_ageing", "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")
    (outcome,) = oaf.check(study, oaf.recall(study))
    assert outcome.severity == "INVALID"
    assert "no variable NO:SUCH" in outcome.reason


def test_what_two_datasets_compute_by_one_name_is_told_apart(tmp_path):
    from test_history import report

    history = History(tmp_path)
    for dataset, names in (("B1", ["ratio"]), ("B2", ["ratio", "transmission"])):
        made = report(0, *range(1, len(names) + 1), dataset=dataset)
        named = [
            replace(one, variable=name) for one, name in zip(made.statistics, names, strict=True)
        ]
        history.append(replace(made, statistics=tuple(named)))
    assert history.known("BCT") == ["BCT_B1:ratio", "BCT_B2:ratio", "transmission"]
    assert history.trend("BCT_B2:ratio").mean.tolist() == [1.0]
    assert history.trend("BCT_B2:ratio").variable == "BCT_B2:ratio"


def test_vectors_are_imported_element_by_element(tmp_path):
    path = tmp_path / "gains.csv"
    rows = [f'{NOON + i * DAYS},CRATE:GAIN,"[1.0, {1 - i / 10}]",' for i in range(3)]
    path.write_text("\n".join(["timestamp,variable,value,unit", *rows, f"{NOON},D:V,4,mA"]))
    history = History(tmp_path / "history")
    assert history.import_file(path) == 4
    trend = history.trend("CRATE:GAIN")
    assert np.allclose(trend.elements, [[1, 1], [1, 0.9], [1, 0.8]])
    assert np.allclose(trend.mean, [1, 0.95, 0.9])
    assert np.allclose(trend.min, [1, 0.9, 0.8])
    assert history.trend("D:V").elements is None
    for wrong in ("[1, x]", "[]", '["1"]', "[1, [2]]", "[NaN]", "[true]"):
        path.write_text(f"timestamp;variable;value\n{NOON};CRATE:GAIN;{wrong}\n")
        with pytest.raises(HistoryError, match="line 2: .*is not a list of numbers"):
            history.import_file(path)


@pytest.mark.kernel
def test_an_old_day_is_judged_by_its_own_limits(project):
    project.dataset(
        "BCT_B1",
        f'''
variables = ["{A}"]

[[check]]
kind = "range"
name = "until the repair"
high = 9e13
valid_until = 2026-11-21

[[check]]
kind = "range"
name = "since the repair"
high = 2e14
valid_from = 2026-11-22
''',
    )
    today = numeric(A)
    project.fill(replace(today, time=today.time - 3 * DAYS))
    for day in (DAY - timedelta(days=3), DAY):
        assert main(["run", "--root", str(project.root), "BCT_B1", "--day", str(day)]) == 0
    told = {
        label: {o.check: str(o.severity) for o in report_at(project, "B1", label).outcomes}
        for label in ("2026-11-19", "2026-11-22")
    }
    assert told["2026-11-19"] == {"until the repair": "ALARM", "since the repair": "NOT_APPLICABLE"}
    assert told["2026-11-22"] == {"until the repair": "NOT_APPLICABLE", "since the repair": "OK"}


def test_the_window_of_a_weekly_row_ends_with_the_day(project):
    from oaflib.daily.due import due, morning_of

    found = due(load_project(project.root).tasks, morning_of(DAY, "Europe/Zurich"))
    assert [(one.task.id, one.window.label) for one in found] == [
        ("BCT_ageing", "2026-11-16_7d"),
        ("BCT_B1", "2026-11-22"),
    ]
    assert {instant(one.window.end) for one in found} == {"2026-11-22T23:00:00Z"}
