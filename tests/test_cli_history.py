"""History through the commands: reports join it, and it can be made again."""

from pathlib import Path

import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,FALSE,FALSE,None,daily,day,")
    made.dataset("BCT_B1", f'title = "Beam 1"\nvariables = ["{A}"]\n')
    made.fill(numeric(A))
    return made


def oaf(project: MadeProject, *words: str | Path) -> int:
    return main([str(words[0]), *map(str, words[1:]), "--root", str(project.root)])


@pytest.mark.kernel
def test_a_report_joins_the_history_once(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, "daily", "--day", "2026-11-22") == 0
    assert oaf(project, "daily", "--day", "2026-11-22", "--again") == 0
    capsys.readouterr()
    assert main(["history", "--root", str(project.root), "show", A]) == 0
    told = capsys.readouterr().out
    assert told.count("2026-11-22 00:00") == 1
    assert "1,440" in told
    assert main(["history", "--root", str(project.root), "rebuild"]) == 0
    capsys.readouterr()
    assert main(["history", "--root", str(project.root), "show", A]) == 0
    assert capsys.readouterr().out == told


def test_a_spreadsheet_is_taken_in_and_marked(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.root / "old.csv"
    path.write_text(f"timestamp,variable,value,unit\n2016-03-01T00:00:00Z,{A},2e14,charges\n")
    root = ["--root", str(project.root)]
    assert main(["history", *root, "import", str(path)]) == 0
    assert main(["history", *root, "show", A]) == 0
    assert "imported" in capsys.readouterr().out


def test_an_unknown_variable_is_told(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["history", "--root", str(project.root), "show", "NO:SUCH"]) == 1
    assert "the history has nothing of 'NO:SUCH'" in capsys.readouterr().err


@pytest.mark.kernel
def test_past_days_are_made_in_order_without_mail_and_once(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("--from", "2026-11-20", "--to", "2026-11-22")
    assert oaf(project, "daily", *days) == 0
    told = capsys.readouterr().out
    places = [told.index(f"BCT_B1 2026-11-2{i}:") for i in range(3)]
    assert places == sorted(places)
    assert project.mails == []
    assert oaf(project, "daily", *days) == 0
    assert capsys.readouterr().out.count("there already") == 3
    assert oaf(project, "daily", "--to", "2026-11-22") == 2
    assert oaf(project, "daily", "--from", "2026-11-22", "--to", "2026-11-20") == 2


def test_what_was_done_stands_between_the_windows(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.root / "old.csv"
    rows = [f"2026-03-0{day}T12:00:00Z,{A},{day}e14,charges" for day in (1, 3)]
    path.write_text("\n".join(["timestamp,variable,value,unit", *rows]))
    ledger = "Date,Device,Done,By\n2026-03-02,LHC.BCTDC.A6R4.B1,new card,jdoe\n"
    (project.root / "config/interventions.csv").write_text(ledger)
    root = ["--root", str(project.root)]
    assert main(["history", *root, "import", str(path)]) == 0
    capsys.readouterr()
    assert main(["history", *root, "show", A]) == 0
    told = capsys.readouterr().out.splitlines()
    assert ["nan" in line for line in told] == [False] * 4
    assert told[1].startswith("2026-03-01 13:00")
    assert told[2].endswith("new card by jdoe (2026-03-02)")
    assert told[3].startswith("2026-03-03 13:00")
