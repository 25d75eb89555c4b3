"""Whether this morning happened: for a person, a monitor, a watchdog and a dead man's switch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mailserver import Mailbox, message, serving
from project import MadeProject, made_project

from oaflib.cli import main
from oaflib.daily.status import TaskState, _troubles
from oaflib.inform.outbox import queue
from oaflib.inform.ping import ping
from oaflib.inform.settings import MailSettings
from oaflib.run import isolation
from oaflib.run.lock import held
from oaflib.state import RunRow, RunStatus, State
from oaflib.window import calendar_day, nanoseconds

ZONE = "Europe/Zurich"
TEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 10:00 there
SEVEN = TEN - timedelta(hours=3)


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks(
        "BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,",
        "BCT,LDB,B2,jdoe,TRUE,TRUE,None,daily,day,",
        "BWS,LDB,W,jdoe,TRUE,TRUE,None,weekly,last 7d,",
    )
    return made


def made(
    project: MadeProject, task: str, day: date, status: RunStatus = RunStatus.DONE, detail: str = ""
) -> None:
    window = calendar_day(day, ZONE)
    row = RunRow(
        *(task, window.start_ns, window.end_ns, str(day), status, 1, "OK"),
        detail=detail,
        ended=nanoseconds(SEVEN),
    )
    with State(project.root / "runs/state.sqlite") as state:
        state.put_run(row)


def asked(
    project: MadeProject, capsys: pytest.CaptureFixture[str], at: datetime = TEN, *more: str
) -> tuple[int, dict]:
    capsys.readouterr()
    words = ["status", "--root", str(project.root), "--json", "--at", at.isoformat(), *more]
    code = main(words)
    return code, json.loads(capsys.readouterr().out)


def test_no_morning_yet(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = asked(project, capsys)
    assert (code, found["healthy"]) == (1, False)
    assert "no morning was ever held here" in found["problems"][0]
    assert not (project.root / "runs").exists()


def test_all_is_well(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    for task in ("BCT_B1", "BCT_B2"):
        made(project, task, date(2026, 11, 22))
    code, found = asked(project, capsys)
    assert (code, found["problems"]) == (0, [])
    assert [(task["task"], task["state"]) for task in found["tasks"]] == [
        *(("BCT_B1", "made"), ("BCT_B2", "made"), ("BWS_W", "pending"))
    ]
    assert found["last_morning"] == "2026-11-23T06:00:00Z"
    assert found["next_due"] == "2026-11-24T08:30:00Z"
    assert main(["status", "--root", str(project.root), "--at", TEN.isoformat()]) == 0
    assert "All is well." in capsys.readouterr().out


def test_what_is_missing_and_what_failed(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    made(project, "BCT_B1", date(2026, 11, 22), RunStatus.FAILED, "the kernel died\x1b[31m")
    code, found = asked(project, capsys)
    assert code == 1
    assert found["problems"] == [
        "1 report is missing: BCT_B2 2026-11-22",
        "1 report could not be made: BCT_B1 2026-11-22",
    ]
    main(["status", "--root", str(project.root), "--at", TEN.isoformat()])
    assert "\x1b" not in capsys.readouterr().out


def test_before_the_hour_the_morning_is_not_late(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    for task in ("BCT_B1", "BCT_B2"):
        made(project, task, date(2026, 11, 21))
    code, found = asked(project, capsys, SEVEN)
    states = [(task["label"], task["state"]) for task in found["tasks"][:2]]
    assert (code, states) == (0, [("2026-11-21", "made")] * 2)
    assert [task["state"] for task in found["tasks"][3:]].count("pending") == 2
    assert asked(project, capsys, TEN)[0] == 1


def test_mails_the_lock_and_a_disk_that_is_full(
    project: MadeProject,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for task in ("BCT_B1", "BCT_B2"):
        made(project, task, date(2026, 11, 22))
    settings = MailSettings(domain="example.org")
    with State(project.root / "runs/state.sqlite") as state:
        queue(state, message(), ["a@example.org"], settings, TEN - timedelta(hours=3))
        with state.transaction() as db:
            db.execute("UPDATE outbox SET state = 'dead'")
        queue(state, message(), ["b@example.org"], settings, TEN - timedelta(hours=3))
    project.site('[keep]\nfree = "900000GB"\n')
    with held(project.root / "runs/lock"):
        code, found = asked(project, capsys)
    assert (code, found["mails_waiting"], found["mails_dead"]) == (1, 1, 1)
    assert found["holder"]
    said = "\n".join(found["problems"])
    assert "1 mail waiting to be sent, the oldest since 2026-11-23 06:00 UTC" in said
    assert "1 mail could not be delivered" in said
    assert "less than 900000GB" in said
    assert asked(project, capsys)[1]["holder"] is None


def test_a_damaged_state_is_a_problem_not_a_crash(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / "runs").mkdir()
    (project.root / "runs/state.sqlite").write_bytes(b"not a database at all" * 100)
    code, found = asked(project, capsys)
    assert code == 1
    assert "file is not a database" in found["problems"][0]


def test_isolation_that_is_not_to_be_had(
    project: MadeProject,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for task in ("BCT_B1", "BCT_B2"):
        made(project, task, date(2026, 11, 22))
    monkeypatch.setattr(isolation, "best", lambda: isolation.Level("prlimit", "not installed"))
    assert asked(project, capsys)[1]["isolation"] == "prlimit"
    project.site('[limits]\nisolation = "bwrap"\n')
    code, found = asked(project, capsys)
    assert code == 1
    assert found["problems"] == [
        "expert code does not run: the site asks for isolation 'bwrap' and this machine has "
        "'prlimit': not installed"
    ]


def test_metrics_are_written_whole(
    project: MadeProject, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made(project, "BCT_B1", date(2026, 11, 22))
    file = tmp_path / "metrics" / "oaf.prom"
    file.parent.mkdir()
    assert asked(project, capsys, TEN, "--prometheus", str(file))[0] == 1
    text = file.read_text()
    assert "\noaf_healthy 0\n" in text
    assert '\noaf_reports{state="missing"} 1\n' in text
    assert '\noaf_report_made{task="BCT_B1",schedule="daily"} 1\n' in text
    assert [path.name for path in file.parent.iterdir()] == ["oaf.prom"]
    assert file.stat().st_mode & 0o777 == 0o644
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) == 10
    words = ["status", "--root", str(project.root), "--prometheus", "/nowhere/oaf.prom"]
    assert main(words) == 1
    assert "/nowhere/oaf.prom cannot be written" in capsys.readouterr().err


@pytest.mark.smtp
def test_the_watchdog_mails_without_the_database(project: MadeProject) -> None:
    mailbox = Mailbox()
    words = ["status", "--root", str(project.root), "--mail", "--at", TEN.isoformat()]
    with serving(mailbox) as server:
        site = project.root / "config/site.toml"
        where = f'[mail]\nserver = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"'
        site.write_text(site.read_text().replace("[mail]", where))
        (project.root / "runs").mkdir()
        (project.root / "runs/state.sqlite").write_bytes(b"broken" * 1000)
        assert main(words) == 1
        project.tasks("BCX,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
        assert main(words) == 2
    subjects = [(to, mail["Subject"]) for to, mail in mailbox.taken]
    assert subjects == [
        ("operator@example.org", "[OAF] operator: 1 problem"),
        ("operator@example.org", "[OAF] operator: the configuration is wrong"),
    ]


@pytest.fixture
def switch() -> Iterator[tuple[str, list[str]]]:
    """A dead man's switch: its address, and what was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.kernel
def test_a_morning_pings_when_it_begins_and_how_it_ends(
    project: MadeProject, switch: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, asked = switch
    project.site(f'[ping]\nurl = "{url}/ok"\nstart = "{url}/start"\nfail = "{url}/fail"\n')
    project.tasks("BCT,LDB,B1,jdoe,FALSE,TRUE,None,daily,day,")  # the source is away
    assert main(["daily", "--root", str(project.root)]) == 1
    assert asked == ["/start", "/fail"]
    with State(project.root / "runs/state.sqlite") as state, state.transaction() as db:
        db.execute("UPDATE run SET status = 'DONE', detail = ''")
    assert main(["daily", "--root", str(project.root)]) == 0
    assert asked[2:] == ["/start", "/ok"]
    with held(project.root / "runs/lock"):
        assert main(["daily", "--root", str(project.root)]) == 3
    assert len(asked) == 4
    project.site(f'[ping]\nurl = "{url}/gone"\n')
    capsys.readouterr()
    assert main(["daily", "--root", str(project.root)]) == 0
    assert "was answered with 404 Not Found" in capsys.readouterr().out


def test_a_ping_never_raises() -> None:
    assert ping("", 1) == ""
    assert "did not get through" in ping("http://127.0.0.1:9/x", 1)
    assert "the ping of " in ping("http://[bad", 1)
    assert "the ping of " in ping("https://127.0.0.1:9/x", 1)


def test_one_is_missing_and_several_are() -> None:
    one, other = (TaskState(f"BCT_B{n}", "daily", "2026-11-22", "missing") for n in (1, 2))
    assert list(_troubles([one])) == ["1 report is missing: BCT_B1 2026-11-22"]
    (said,) = _troubles([one, other])
    assert said == "2 reports are missing: BCT_B1 2026-11-22, BCT_B2 2026-11-22"
