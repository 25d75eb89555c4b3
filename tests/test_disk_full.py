"""Disks that are full, or read-only: old pages stay, the operator hears of it, all mends itself."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.concluded import concluded
from mailserver import Mailbox, serving
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.daily.morning import UNJOINED, noted
from oaflib.history import History
from oaflib.report import Fault, Outcome, Severity, Statistics
from oaflib.run.runner import Run, save_report
from oaflib.state import RunStatus, State
from oaflib.study.words import history_of

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


def mounted(words: list[str], folder: Path) -> bool:
    """Whether mount does that here."""
    ran = subprocess.run(["mount", *words, str(folder)], capture_output=True, check=False)
    return ran.returncode == 0


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path / "site")
    made.tasks("BCT,LDB,B1,jdoe,TRUE,FALSE,None,daily,day,")
    made.dataset("BCT_B1", f'variables = ["{A}"]\n')
    return made


@pytest.fixture
def small(project: MadeProject, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder of the project as a disk of its own, of 64 kB."""
    folder = project.root / str(request.param)
    folder.mkdir()
    if os.geteuid() or not mounted(["-t", "tmpfs", "-o", "size=64k", "none"], folder):
        pytest.skip("mounting a small disk needs root and the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def daily(project: MadeProject, day: str = "2026-11-22") -> int:
    return main(["daily", "--root", str(project.root), "--day", day])


def remount(folder: Path, words: str) -> None:
    assert mounted(["-o", f"remount,{words}"], folder)


class Crew:
    """Runs conclude at once, with statistics."""

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, project: Any, assignment: Any, window: Any) -> Future[Run]:
        outcomes = [Outcome("range", Fault.BREAKAGE, "A", A, Severity.OK, reason="good")]
        run = concluded(project, assignment, window, outcomes, window.end).result()
        report = replace(run.report, statistics=(Statistics(A, "NUMERIC", "", 1),))
        save_report(report, run.folder)
        future: Future[Run] = Future()
        future.set_result(replace(run, report=report))
        return future


def test_statistics_that_the_history_cannot_take_join_it_with_the_next_morning(
    project: MadeProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oaflib.cli.mornings.crew_of", lambda *_: Crew())
    history = history_of(load_project(project.root))
    with monkeypatch.context() as broken:
        broken.setattr(History, "append", refused)
        assert daily(project, "2026-11-21") == 0
        assert daily(project, "2026-11-22") == 0
    assert "its statistics join the history with the next morning" in capsys.readouterr().out
    assert history.labels("BCT_B1") == []
    assert daily(project, "2026-11-22") == 0
    assert history.labels("BCT_B1") == ["2026-11-21", "2026-11-22"]
    with State(project.root / "runs/state.sqlite") as state:
        assert list(noted(state, UNJOINED)) == []


@pytest.mark.parametrize("name", ["windows/2026-11-21.parquet", "variables.json"])
def test_a_damaged_history_holds_up_no_report_and_is_made_again_with_the_next_morning(
    project: MadeProject,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("oaflib.cli.mornings.crew_of", lambda *_: Crew())
    assert daily(project, "2026-11-21") == 0
    os.truncate(project.root / "runs/history/reports-1/BCT_B1" / name, 10)
    assert daily(project, "2026-11-22") == 0
    assert "its statistics join the history with the next morning" in capsys.readouterr().out
    assert daily(project, "2026-11-22") == 0
    history = history_of(load_project(project.root))
    assert history.labels("BCT_B1") == ["2026-11-21", "2026-11-22"]
    assert [len(history.day("BCT_B1", label)) for label in history.labels("BCT_B1")] == [1, 1]
    with State(project.root / "runs/state.sqlite") as state:
        assert list(noted(state, UNJOINED)) == []


def test_a_run_that_was_executed_and_lost_its_notebook_is_made_again(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oaflib.cli.mornings.crew_of", lambda *_: Crew())
    assert daily(project) == 0
    notebook = project.root / "runs/reports/BCT_B1/2026-11-22/notebook.ipynb"
    whole = notebook.read_bytes()
    os.truncate(notebook, 10)
    with State(project.root / "runs/state.sqlite") as state:
        (row,) = state.runs()
        state.put_run(replace(row, status=RunStatus.EXECUTED))
    assert daily(project) == 0
    assert notebook.read_bytes() == whole


def refused(*_: object) -> None:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.kernel
@pytest.mark.smtp
@pytest.mark.parametrize("small", ["publish"], indirect=True)
def test_a_full_and_a_read_only_repository(
    project: MadeProject, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fill(numeric(A))
    remount(small, "size=100M")
    assert daily(project, "2026-11-21") == 0
    before = {path: path.read_bytes() for path in small.rglob("*") if path.is_file()}
    count = len(project.mails)
    used = sum(len(content) for content in before.values())
    remount(small, f"size={used + 300_000}")
    (small / "filler").write_bytes(b"")
    with (small / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass
    capsys.readouterr()
    assert daily(project) == 1
    out = capsys.readouterr().out
    assert out.count("the page could not be published: OSError: [Errno 28]") == 1
    assert "Attention: the disk of " in out
    for path, content in before.items():
        assert path.read_bytes() == content, path
    assert not list((small / "reports/BCT/B1").glob(".*2026-11-22*"))
    said = project.pages[-1].read_text() + project.pages[0].read_text()
    assert "PROBLEMS" in said
    assert len(project.mails) == count  # told when there is a page to read
    (small / "filler").unlink()
    remount(small, "ro")
    assert daily(project) == 1
    out = capsys.readouterr().out
    assert "Read-only file system" in out
    assert f"{small} cannot be written to" in out
    remount(small, "rw,size=100M")
    assert daily(project) == 0
    assert (project.report("BCT", "B1") / "index.html").exists()
    assert len(project.mails) == count + 1


@pytest.mark.kernel
@pytest.mark.smtp
@pytest.mark.parametrize("small", ["runs"], indirect=True)
def test_no_room_for_the_state(
    project: MadeProject, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox = Mailbox()
    with serving(mailbox) as server:
        site = project.root / "config/site.toml"
        where = f'[mail]\nserver = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"'
        site.write_text(site.read_text().replace("[mail]", where))
        (small / "filler").write_bytes(bytes(60_000))
        assert daily(project) == 1
        assert "oaf: the state database" in capsys.readouterr().err
        (told,) = mailbox.taken
        assert told[0] == "operator@example.org"
        assert told[1]["Subject"] == "[OAF] operator: the morning was not held"
        remount(small, "ro")
        assert daily(project) == 1
        assert "Read-only file system" in capsys.readouterr().err
        assert len(mailbox.taken) == 2
        remount(small, "rw,size=200M")
        (small / "filler").unlink()
        project.fill(numeric(A))
        assert daily(project) == 0
    assert (project.report("BCT", "B1") / "index.html").exists()
