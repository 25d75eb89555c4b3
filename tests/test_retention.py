"""What goes with time, and what never does; the whole saved, lost and restored."""

from __future__ import annotations

import os
import shutil
import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from mailserver import message
from project import MadeProject, made_project, numeric

from oaflib.changes import AlarmState, advance
from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.daily import retention
from oaflib.daily.retention import Piece
from oaflib.inform.outbox import queue
from oaflib.inform.settings import MailSettings
from oaflib.publish import place, site_of
from oaflib.report import Fault, Outcome, Report, Severity, read
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import calendar_day

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path / "site")
    made.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    made.dataset("BCT_B1", f'title = "Beam"\nvariables = ["{A}"]\n')
    return made


@pytest.fixture
def state(project: MadeProject) -> State:
    with State(project.root / "runs/state.sqlite") as opened:
        yield opened


def aged(path: Path, days: float) -> Path:
    """Make `path` look that old."""
    then = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


def run(project: MadeProject, days: int, size: int = 1000) -> Path:
    """A run's folder, made so many days ago."""
    folder = project.root / "runs/reports/BCT_B1" / str(date(2026, 11, 23) - timedelta(days=days))
    (folder / "records").mkdir(parents=True)
    (folder / "records/a.parquet").write_bytes(bytes(size))
    (folder / "notebook.ipynb").write_text("{}")
    (folder / "report.json").write_text("{}")
    aged(folder / "report.json", days)
    return folder


def page(project: MadeProject, day: date, *alarms: str) -> tuple[Path, Report]:
    """A published report with a picture and a notebook."""
    made = load_project(project.root)
    outcomes = [
        Outcome("range", Fault.CALIBRATION, "DEV", name, Severity.ALARM, reason="too high")
        for name in alarms
    ] or [Outcome("range", Fault.CALIBRATION, "DEV", "x", Severity.OK, reason="fine")]
    window = calendar_day(day, "Europe/Zurich")
    report = Report("BCT", "B1", "Beam", window, NOW, True, tuple(outcomes))
    folder = place(report, None, made.publish, site_of(made))
    (folder / "figures/a.svg").write_text("<svg/>" * 100)
    (folder / "notebook.ipynb").write_text("{}" * 100)
    aged(folder / "report.json", (date(2026, 11, 23) - day).days)
    return folder, report


def planned(project: MadeProject, state: State) -> list[tuple[str, str]]:
    made = load_project(project.root)
    return [(piece.what, piece.path.name) for piece in retention.plan(made, state, NOW)]


def test_records_go_first_and_then_the_run(project: MadeProject, state: State) -> None:
    runs = {days: run(project, days) for days in (5, 40, 200)}
    snapshot = project.root / "runs/snapshots/old"
    snapshot.mkdir(parents=True)
    (snapshot / "records.parquet").write_text("mine")
    aged(snapshot, 4000)
    aged(snapshot / "records.parquet", 4000)
    assert planned(project, state) == [("run", "2026-05-07"), ("records", "records")]
    made = load_project(project.root)
    pieces = retention.plan(made, state, NOW)
    assert retention.carry_out(pieces, made, site_of(made)) == []
    assert not runs[200].exists()
    assert sorted(path.name for path in runs[40].iterdir()) == ["notebook.ipynb", "report.json"]
    assert (runs[5] / "records/a.parquet").exists()
    assert (snapshot / "records.parquet").exists()
    assert planned(project, state) == []


def test_what_is_too_much_goes_the_oldest_first(project: MadeProject, state: State) -> None:
    for days in (2, 3, 4):
        run(project, days, 2_000_000)
    project.site('[keep]\nsize = "3MB"\n')
    assert planned(project, state) == [("records", "records")] * 2
    pieces = retention.plan(load_project(project.root), state, NOW)
    assert [piece.path.parent.name for piece in pieces] == ["2026-11-19", "2026-11-20"]
    assert pieces[0].why == "beyond 3MB"


def test_pages_are_thinned_but_not_those_that_still_matter(
    project: MadeProject, state: State
) -> None:
    project.site("[keep]\npages = 30\n")
    days = [date(2026, 8, day) for day in range(1, 7)]
    alarms = ((), ("gone",), ("open",), (), (), ())
    pages = [page(project, day, *names) for day, names in zip(days, alarms, strict=True)]
    known = AlarmState("BCT_B1")
    for number in (1, 2):
        known, _ = advance(known, pages[number][1])
    state.keep("alarms/BCT_B1/day", known.write())
    for folder, report in pages:
        window = report.window
        row = RunRow("BCT_B1", window.start_ns, window.end_ns, window.label, RunStatus.DONE)
        state.put_run(row)
        assert folder.exists()
    told = message()
    import dataclasses

    untold = dataclasses.replace(told, tags=(("Dataset", "BCT_B1"), ("Report", "2026-08-05")))
    queue(state, untold, ["a@example.org"], MailSettings(domain="example.org"), NOW)
    # 3: its alarm goes on. 5: its mail waits. 6: the latest.
    assert planned(project, state) == [
        ("page", name) for name in ("2026-08-01", "2026-08-02", "2026-08-04")
    ]
    made = load_project(project.root)
    before = read((pages[1][0] / "report.json").read_bytes())
    retention.carry_out(retention.plan(made, state, NOW), made, site_of(made))
    thin = pages[1][0]
    assert not (thin / "notebook.ipynb").exists()
    assert list((thin / "figures").iterdir()) == []
    assert read((thin / "report.json").read_bytes()) == before
    assert "too high" in (thin / "index.html").read_text()
    assert (pages[2][0] / "figures/a.svg").exists()
    assert planned(project, state) == []


def test_a_dry_run_only_tells(
    project: MadeProject, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(project, 300)
    assert main(["upkeep", "--root", str(project.root), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert f"{folder}  (over 180 d)" in said
    assert "1 thing would go" in said
    assert folder.exists()
    assert main(["upkeep", "--root", str(project.root)]) == 0
    assert "Upkeep: 1 old thing taken away" in capsys.readouterr().out
    assert not folder.exists()


def test_what_cannot_be_taken_is_said(project: MadeProject) -> None:
    made = load_project(project.root)
    gone = Piece(0.0, "mail", project.root / "runs/outbox/no.eml", 1)
    (said,) = retention.carry_out([gone], made, site_of(made))
    assert "no.eml could not be taken away" in said


@pytest.mark.kernel
def test_saved_destroyed_and_restored_elsewhere(
    project: MadeProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/operation.md, back-up and restore, to the letter."""
    project.fill(numeric(A))
    words = ["daily", "--root", str(project.root), "--day", "2026-11-22"]
    assert main(words) == 0
    mails = sorted(path.name for path in project.mails)
    copies = sorted((project.root / "runs/backup").glob("*.sqlite"))
    saved = tmp_path / "saved.tar"
    with tarfile.open(saved, "w") as archive:
        for name in ("config", "notebooks", "publish", "runs/backup", "runs/history"):
            archive.add(project.root / name, name)
    shutil.copytree(project.root / "runs/store", tmp_path / "store")
    shutil.rmtree(project.root)

    again = MadeProject(tmp_path / "elsewhere")
    with tarfile.open(saved) as archive:
        archive.extractall(again.root, filter="data")
    shutil.copy(again.root / "runs/backup" / copies[-1].name, again.root / "runs/state.sqlite")
    shutil.copytree(tmp_path / "store", again.root / "runs/store")
    root = ["--root", str(again.root)]
    capsys.readouterr()
    assert main(["daily", *root, "--day", "2026-11-22"]) == 0
    assert "BCT_B1 2026-11-22: there already" in capsys.readouterr().out
    assert again.mails == []
    assert len(mails) == 1
    shutil.rmtree(again.root / "publish/RECENT")
    (again.root / "publish/index.json").unlink()
    shutil.rmtree(again.root / "runs/history")
    assert main(["publish", *root]) == 0
    assert (again.root / "publish/RECENT/BCT_B1/index.html").exists()
    assert main(["history", "rebuild", *root]) == 0
    capsys.readouterr()
    assert main(["history", "show", A, *root]) == 0
    assert "2026-11-22" in capsys.readouterr().out
