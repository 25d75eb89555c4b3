"""Mornings that did not happen, clocks that lie, and two mornings at once."""

from __future__ import annotations

import email
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from email import policy
from pathlib import Path

import numpy as np
import pytest
from project import MadeProject, made_project

from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.daily import catchup, clock
from oaflib.daily.catchup import WINDOWS, missed
from oaflib.daily.due import due, morning_of
from oaflib.daily.telling import Teller
from oaflib.errors import ClockError
from oaflib.series import Kind, Series
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import calendar_day, nanoseconds

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
ZONE = "Europe/Zurich"
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    made.dataset("BCT_B1", f'variables = ["{A}"]\n[[check]]\nkind = "range"\nhigh = 2.0\n')
    return made


@pytest.fixture
def state(tmp_path: Path) -> State:
    with State(tmp_path / "state.sqlite") as opened:
        yield opened


def done(
    state: State, task: str, day: date, status: RunStatus = RunStatus.DONE, n: int = 1
) -> None:
    window = calendar_day(day, ZONE)
    state.put_run(RunRow(task, window.start_ns, window.end_ns, str(day), status, n))


def labels(found: object) -> list[list[str]]:
    return [[one.window.label for one in morning] for morning in found.mornings]


def at(moment: datetime) -> datetime:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo(ZONE))


def days_before(count: int) -> date:
    return date(2026, 11, 22) - timedelta(days=count)


@pytest.mark.parametrize("off", [1, 3, 7])
def test_days_off_are_missing_and_the_oldest_comes_first(
    project: MadeProject, state: State, off: int
) -> None:
    tasks = load_project(project.root).tasks
    done(state, "BCT_B1", days_before(off + 1))
    found = missed(tasks, state, at(NOW), 7)
    assert labels(found) == [[str(days_before(back))] for back in range(off, 0, -1)]
    assert found.beyond == 0


def test_the_years_before_are_not_looked_at_again_for_each_day(
    project: MadeProject, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = load_project(project.root).tasks
    with state.transaction():
        for back in range(1, 400):
            done(state, "BCT_B1", days_before(back))
    looked: list[RunRow] = []
    monkeypatch.setattr(catchup, "_alike", lambda row, _: looked.append(row))
    key = RunRow.key.fget
    monkeypatch.setattr(RunRow, "key", property(lambda row: looked.append(row) or key(row)))
    assert missed(tasks, state, at(NOW), 7).count == 0
    assert len(looked) < 2 * 400


def test_it_is_bounded_and_says_what_stays_missing(project: MadeProject, state: State) -> None:
    tasks = load_project(project.root).tasks
    done(state, "BCT_B1", days_before(20))
    found = missed(tasks, state, at(NOW), 7)
    assert (found.count, found.beyond) == (7, 12)
    assert labels(found)[0] == ["2026-11-15"]
    assert missed(tasks, state, at(NOW), 0).count == 0


def test_a_new_task_has_no_past_and_a_broken_report_is_tried_again(
    project: MadeProject, state: State
) -> None:
    tasks = load_project(project.root).tasks
    assert missed(tasks, state, at(NOW), 7).count == 0
    done(state, "BCT_B1", days_before(3))
    done(state, "BCT_B1", days_before(2), RunStatus.FAILED, 2)
    done(state, "BCT_B1", days_before(1), RunStatus.FAILED, 3)
    assert labels(missed(tasks, state, at(NOW), 7)) == [["2026-11-20"]]
    done(state, "BCT_B1", days_before(1), RunStatus.EXECUTED)
    assert labels(missed(tasks, state, at(NOW), 7)) == [["2026-11-20"], ["2026-11-21"]]


def test_a_weekly_report_is_caught_up_after_its_monday(project: MadeProject, state: State) -> None:
    project.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,weekly,last 7d,")
    tasks = load_project(project.root).tasks
    (before,) = due(tasks, morning_of(date(2026, 11, 15), ZONE))
    state.put_run(RunRow(*before.key, status=RunStatus.DONE))
    wednesday = at(datetime(2026, 11, 25, 7, tzinfo=UTC))
    (one,) = missed(tasks, state, wednesday, 7).mornings
    assert [entry.window.label for entry in one] == ["2026-11-16_7d"]
    assert missed(tasks, state, at(NOW), 7).count == 0  # this Monday's is not missed, but due


def test_hours_are_caught_up_without_end_being_far(project: MadeProject, state: State) -> None:
    project.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,hourly,last 1h,")
    tasks = load_project(project.root).tasks
    (now,) = due(tasks, at(NOW), "hourly")
    hour = 3600 * 10**9
    state.put_run(RunRow("BCT_B1", now.window.start_ns - 4 * hour, now.window.end_ns - 4 * hour))
    found = missed(tasks, state, at(NOW), 7, "hourly")
    ends = [one.window.end_ns for (one,) in found.mornings]
    assert ends == [now.window.end_ns - back * hour for back in (3, 2, 1)]
    with state.transaction() as db:
        db.execute("DELETE FROM run")
    state.put_run(RunRow("BCT_B1", now.window.start_ns - 90 * hour, now.window.end_ns - 90 * hour))
    found = missed(tasks, state, at(NOW), 7, "hourly")
    assert (found.count, found.beyond) == (WINDOWS, 1)


def two_weeks() -> Series:
    """A sample a quarter of an hour until 22 November, too high on the 20th."""
    begin = calendar_day(date(2026, 11, 9), ZONE).start_ns
    time = begin + 900 * 10**9 * np.arange(14 * 96)
    value = 1.0 + 1e-3 * np.random.default_rng(3).standard_normal(time.size)
    window = calendar_day(date(2026, 11, 20), ZONE)
    value[(time >= window.start_ns) & (time < window.end_ns)] += 5
    return Series(A, Kind.NUMERIC, "A", time, value)


def morning(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, now: datetime, *more: str
) -> int:
    monkeypatch.setattr(clock, "is_synchronised", lambda: True)
    for place in ("oaflib.cli.commands.now", "oaflib.cli.mornings.now"):
        monkeypatch.setattr(place, lambda: now)
    return main(["daily", "--root", str(project.root), *more])


@pytest.mark.kernel
def test_three_days_off(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fill(two_weeks())
    assert morning(project, monkeypatch, NOW - timedelta(days=4)) == 0
    first = len(project.mails)
    capsys.readouterr()
    assert morning(project, monkeypatch, NOW, "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "BCT_B1 2026-11-19 from LDB (missed)"
    assert len(said) == 4
    assert morning(project, monkeypatch, NOW) == 0
    out = capsys.readouterr().out
    assert "Catching up: 2026-11-19 to 2026-11-21 were missed or broke (3 reports)." in out
    made = [line.split()[2] for line in out.splitlines() if line.startswith("[1/1] BCT_B1")]
    assert made == ["2026-11-19:", "2026-11-20:", "2026-11-21:", "2026-11-22:"]
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in project.mails[first:] + project.mails[:first]
    ]
    subjects = sorted(mail["Subject"] for mail in mails)
    assert subjects == [
        "[OAF] 3 late reports 2026-11-19 to 2026-11-21: 1 NEW, 1 cleared",
        "[OAF] BCT B1 2026-11-18: OK",
        "[OAF] BCT B1 2026-11-22: OK",
    ]
    (late,) = [mail for mail in mails if "late" in mail["Subject"]]
    assert "had been missed" in late.get_body(("plain",)).get_content()
    pages = " ".join(path.read_text() for path in project.pages)
    assert "Caught up: 2026-11-19 to 2026-11-21 were missed or broke, 3 reports." in " ".join(
        pages.replace("=\r\n", "").replace("=\n", "").split()
    )
    # Again, and a clock that stepped back: nothing more.
    assert morning(project, monkeypatch, NOW) == 0
    assert "Catching up" not in capsys.readouterr().out
    assert len(project.mails) == first + 2
    assert morning(project, monkeypatch, NOW - timedelta(days=2)) == 1
    assert "it stepped back" in capsys.readouterr().err
    assert morning(project, monkeypatch, NOW - timedelta(days=2), "--trust-clock") == 0


@pytest.mark.kernel
def test_a_digest_that_a_kill_prevented_is_sent_with_the_next(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.fill(two_weeks())
    site = project.root / "config/site.toml"
    site.write_text(site.read_text().replace("[mail]", '[mail]\ngroup = "morning"'))
    with monkeypatch.context() as killed:
        killed.setattr(Teller, "morning", lambda *_, **__: pytest.exit("killed"))
        with pytest.raises(pytest.exit.Exception):
            morning(project, killed, NOW - timedelta(days=2))
    assert project.mails == []
    assert morning(project, monkeypatch, NOW - timedelta(days=1)) == 0
    assert morning(project, monkeypatch, NOW - timedelta(days=1)) == 0
    (mail,) = project.mails
    told = email.message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert told["Subject"] == "[OAF] 2 reports 2026-11-20 to 2026-11-21: 1 NEW, 1 cleared"


def test_a_late_report_of_a_killed_morning_is_still_told(
    project: MadeProject, state: State
) -> None:
    from oaflib.daily.catchup import owed
    from oaflib.daily.morning import OWED

    made = load_project(project.root)
    window = calendar_day(days_before(2), ZONE)
    key = ("BCT_B1", window.start_ns, window.end_ns)
    state.put_run(RunRow(*key, status=RunStatus.DONE, place="reports/BCT/B1/2026-11-20"))
    state.keep(OWED + "/".join(map(str, key)), "")
    from oaflib.report import Report, write

    folder = made.publish / "reports/BCT/B1/2026-11-20"
    folder.mkdir(parents=True)
    report = Report("BCT", "B1", "", window, NOW, True, ())
    (folder / "report.json").write_text(write(report))
    debt = owed(made, state, ())
    assert [(task.id, changes.report.window.label) for task, changes in debt.told] == [
        ("BCT_B1", "2026-11-20")
    ]
    assert debt.label == "2026-11-20"
    assert len(debt.keys) == 1


def test_the_clock_is_believed_unless_it_contradicts_itself(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.doubt(state, NOW)
    clock.mark(state, NOW, nanoseconds(NOW - timedelta(hours=8)))
    for fine in (timedelta(), timedelta(days=1), timedelta(hours=-7)):
        clock.doubt(state, NOW + fine)
    with pytest.raises(ClockError, match=r"stepped back.*--trust-clock"):
        clock.doubt(state, NOW - timedelta(days=1))
    with pytest.raises(ClockError, match="went forward by 40 d 0 h since .* ran for 0 h"):
        clock.doubt(state, NOW + timedelta(days=40), lambda: False)
    clock.doubt(state, NOW + timedelta(days=40), lambda: True)
    monkeypatch.setattr(clock, "up", lambda: 1e9)  # the machine ran all the while
    clock.doubt(state, NOW + timedelta(days=40), lambda: False)
    monkeypatch.setattr(clock, "boot_id", lambda: "another boot")  # it was off
    clock.doubt(state, NOW + timedelta(days=7), lambda: False)
    clock.doubt(state, NOW + timedelta(days=40), lambda: True)
    with pytest.raises(ClockError, match="last morning was 40 d 0 h ago, and nothing keeps"):
        clock.doubt(state, NOW + timedelta(days=40), lambda: False)


@pytest.mark.slow
def test_of_many_mornings_at_once_one_works(project: MadeProject) -> None:
    project.tasks("BCT,LDB,B1,jdoe,FALSE,TRUE,None,daily,day,")  # the source is away: quick
    words = ["daily", "--root", str(project.root), "--day", "2026-11-22"]
    code = f"from oaflib.cli import main; import sys; sys.exit(main({words!r}))"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=-1)
        for _ in range(4)
    ]
    told = [process.communicate()[1].decode() for process in running]
    codes = [process.returncode for process in running]
    assert set(codes) <= {1, 3}
    assert codes.count(1) >= 1
    for returned, words in zip(codes, told, strict=True):
        assert ("another run works on this project" in words) is (returned == 3)
    index = json.loads((project.root / "publish/index.json").read_text())
    assert len(index["datasets"] if "datasets" in index else index["reports"]) == 1
