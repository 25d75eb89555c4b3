"""Who is told what: grouping, quiet mornings, reminders, the operator's page, pictures, preview."""

from __future__ import annotations

import email
from datetime import date, timedelta
from email import policy
from pathlib import Path

import numpy as np
import pytest
from project import MadeProject, made_project, numeric
from published import outcome, report

from oaflib.changes import AlarmState, Changes, advance
from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.config.tasks import Task
from oaflib.daily.due import due, morning_of
from oaflib.daily.morning import told_of
from oaflib.daily.telling import Rules, Teller
from oaflib.inform.settings import MailSettings
from oaflib.report import Severity, write
from oaflib.run.thumbnails import thumbnails
from oaflib.state import RunRow, State
from oaflib.window import moment

OK, ALARM = Severity.OK, Severity.ALARM
DAY = date(2026, 11, 22)
A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
ROW = "BCT,LDB,B1,jdoe,{email},FALSE,None,daily,day,generic"


def story(*severities: Severity, finished: bool = True) -> Changes:
    """The changes of the last of daily reports, the last of them on `DAY`."""
    first = DAY - timedelta(days=len(severities) - 1)
    reports = [
        report(first + timedelta(days=n), [outcome("D", severity)])
        for n, severity in enumerate(severities)
    ]
    if not finished:
        reports[-1] = report(DAY, [outcome("D", Severity.INVALID)], finished=False)
    state = AlarmState(reports[0].id)
    for one in reports:
        state, changed = advance(state, one)
    return changed


def worth(rules: Rules, changes: Changes, when: str = "") -> bool:
    teller = Teller(None, MailSettings(domain="x.org"), "https://x.org", lambda: moment(0), rules)  # type: ignore[arg-type]
    task = Task("BCT", "LDB", "LHC-B1-cmp", "jdoe", True, True, when=when)
    return teller.worth(task, changes)


@pytest.mark.parametrize(
    ("severities", "always", "alarms", "changes"),
    [
        ((OK,), True, False, False),
        ((ALARM,), True, True, True),
        ((ALARM, OK), True, True, True),
        ((ALARM, OK, OK), True, False, False),
        ((ALARM,) * 2, True, True, True),
        ((ALARM,) * 3, True, True, False),
        ((ALARM,) * 4, True, True, True),
        ((ALARM,) * 5, True, True, False),
        ((ALARM,) * 8, True, True, True),
        ((ALARM,) * 9, True, True, False),
        ((ALARM,) * 31, True, True, True),
    ],
)
def test_when_there_is_something_to_say(
    severities: tuple[Severity, ...], always: bool, alarms: bool, changes: bool
) -> None:
    told = story(*severities)
    said = {"always": always, "alarms": alarms, "changes": changes}
    for when, expected in said.items():
        assert worth(Rules(when=when), told) == expected, when
        assert worth(Rules(), told, when) == expected, f"the row says {when}"


def test_a_failed_report_is_always_told() -> None:
    assert worth(Rules(when="changes"), story(ALARM, ALARM, ALARM, finished=False))


def test_reminders_are_configurable() -> None:
    assert worth(Rules(when="changes", reminders=(2,)), story(ALARM, ALARM, ALARM))
    assert not worth(Rules(when="changes", reminders=()), story(ALARM, ALARM))


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks(ROW.format(email="TRUE"))
    made.dataset("BCT_B1", f'title = "B1"\nvariables = ["{A}"]\n[[check]]\nkind="range"\nhigh=2.5')
    values = np.linspace(2.0, 3.0, 1440)
    made.fill(numeric(A, values, unit="A"))
    return made


def oaf(project: MadeProject, command: str, *more: str) -> int:
    return main([command, "--root", str(project.root), *more])


def mail_of(path: Path) -> email.message.EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=policy.default)


def kept_after(made: MadeProject, memory: str | None = None) -> Changes:
    """What is told of a good report that was published after one that alarmed."""
    project = load_project(made.root)
    (wanted,) = due(project.tasks, morning_of(DAY, project.site.zone))
    ids = ("BCT", "B1", "B1")
    known = AlarmState("BCT_B1")
    for day, severity in ((DAY - timedelta(days=1), ALARM), (DAY, OK)):
        last = report(day, [outcome("D", severity)], ids)
        known, _ = advance(known, last, project.site.alarms)
    made.report("BCT", "B1").mkdir(parents=True)
    (made.report("BCT", "B1") / "report.json").write_text(write(last))
    with State(project.runs / "state.sqlite") as state:
        state.keep("alarms/BCT_B1/day", known.write() if memory is None else memory)
        state.put_run(RunRow(*wanted.key, place="reports/BCT/B1/2026-11-22"))
        ((_, told),) = told_of(project, state, [wanted])
    return told


def test_what_is_told_again_is_told_as_it_was(project: MadeProject) -> None:
    assert kept_after(project).counts["cleared"] == 1


def test_where_two_good_reports_clear_an_alarm_one_told_again_does_not(
    project: MadeProject,
) -> None:
    project.site("[alarms]\nclear_reports = 2\n")
    assert kept_after(project).counts == {"new": 0, "ongoing": 0, "cleared": 0, "unjudged": 0}


def test_a_memory_that_cannot_be_read_is_begun_anew(project: MadeProject) -> None:
    assert kept_after(project, memory="{").cleared == ()


@pytest.mark.kernel
def test_the_mail_holds_a_picture_and_the_operator_gets_one_page(project: MadeProject) -> None:
    assert oaf(project, "daily", "--day", "2026-11-22") == 0
    (mail,) = map(mail_of, project.mails)
    pictures = [
        part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"
    ]
    assert len(pictures) == 1
    assert 1000 < len(pictures[0]) < 60_000
    (page,) = map(mail_of, project.pages)
    assert page["To"] == "operator@example.org"
    assert page["Subject"] == "[OAF] operator 2026-11-22: 1 report, OAF itself is well"
    assert oaf(project, "daily", "--day", "2026-11-22") == 0
    assert (len(project.mails), len(project.pages)) == (1, 1)


@pytest.mark.kernel
def test_a_morning_in_one_mail_and_on_one_screen(
    project: MadeProject, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project.site('group = "morning"\n')
    second = ROW.replace("B1,jdoe", "B2,jdoe amann@lab.org").format(email="changes")
    project.tasks(ROW.format(email="alarms"), second)
    project.dataset("BCT_B2", f'title = "B2"\nvariables = ["{A}"]\n')
    assert oaf(project, "daily", "--day", "2026-11-22") == 0
    told = capsys.readouterr().out
    assert "2026-11-22 · 2 reports\n1 NEW\n" in told
    assert "Without alarms: BCT B2." in told
    (mail,) = map(mail_of, project.mails)
    assert mail["To"] == "jdoe@example.org"
    assert mail["Subject"] == "[OAF] 1 report 2026-11-22: 1 NEW"
    folder = tmp_path / "shown"
    assert oaf(project, "mail", "--preview", "--day", "2026-11-22", "--into", str(folder)) == 0
    shown = capsys.readouterr().out
    assert "Subject: [OAF] 1 report 2026-11-22: 1 NEW" in shown
    assert "2 mails of 2026-11-22" in shown
    assert [path.name for path in sorted(folder.iterdir())] == [
        "01-jdoe@example.org.eml",
        "01.html",
        "02-operator@example.org.eml",
        "02.html",
    ]
    assert len(project.mails) == 1


def test_a_preview_before_any_report(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, "mail", "--preview") == 1
    assert "no report was made yet" in capsys.readouterr().err
    assert oaf(project, "mail", "--list", "--day", "2026-11-22") == 2
    assert "go with --preview" in capsys.readouterr().err


@pytest.mark.parametrize("spoil", ["none", "torn", "no report"])
def test_no_picture_is_no_trouble(tmp_path: Path, spoil: str) -> None:
    made = story(ALARM).report
    if spoil != "none":
        (tmp_path / "records").mkdir()
        (tmp_path / "records/records.json").write_text("{" if spoil == "torn" else "{}")
    assert thumbnails(tmp_path, made) == ()


def test_undeliverable_mail_is_on_the_operators_page(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        settings = MailSettings(domain="x.org", operator="op")
        now = moment(1_795_000_000 * 10**9)
        teller = Teller(state, settings, "https://x.org", lambda: now)
        task = Task("BCT", "LDB", "LHC-B1-cmp", "jdoe", True, True)
        changes = story(ALARM)
        teller.post(teller.of_report(task, changes))
        with state.transaction() as db:
            db.execute("UPDATE outbox SET state = 'dead', reply = '550 no such user'")
        (page,) = teller.of_morning("2026-11-22", [(task, changes)], whole=True)
        assert page.recipients == ("op@x.org",)
        assert "1 mail undeliverable" in page.message.subject
        assert "550 no such user" in page.message.text
        assert teller.of_morning("2026-11-22", [(task, changes)], whole=False) == []
