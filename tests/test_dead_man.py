"""Five ways in which a morning does not happen, and what the operator is told by ten o'clock.

And two in which what OAF remembers is gone, or of another version: what is told then, and to whom
nothing is told again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailserver import Mailbox, message, serving
from project import MadeProject, made_project, numeric
from test_status import TEN, made

from oaflib.cli import main
from oaflib.inform.outbox import queue
from oaflib.inform.settings import MailSettings
from oaflib.run.lock import held
from oaflib.state import State

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
TODAY, BEFORE = date(2026, 11, 22), date(2026, 11, 21)
WATCH = ["status", "--mail", "--at", TEN.isoformat()]


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,TRUE,FALSE,None,daily,day,")
    made.dataset("BCT_B1", f'variables = ["{A}"]\n[[check]]\nkind = "range"\nhigh = 1.0\n')
    return made


@contextmanager
def mailing(project: MadeProject) -> Iterator[Mailbox]:
    """A mail server that the site names."""
    mailbox = Mailbox()
    with serving(mailbox) as server:
        site = project.root / "config/site.toml"
        words = f'[mail]\nserver = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"'
        site.write_text(site.read_text().replace("[mail]", words))
        yield mailbox


def words_of(mail: EmailMessage) -> str:
    """Its text, however its lines are broken."""
    body = mail.get_body(("plain",))
    return " ".join(body.get_content().split())


def cron_stopped(project: MadeProject, _: ExitStack) -> str:
    made(project, "BCT_B1", BEFORE)
    return "1 report is missing: BCT_B1 2026-11-22"


def run_hangs(project: MadeProject, stack: ExitStack) -> str:
    made(project, "BCT_B1", BEFORE)
    stack.enter_context(held(project.root / "runs/lock"))
    return f"a run is still at work, or hangs: process {os.getpid()}"


def disk_full(project: MadeProject, _: ExitStack) -> str:
    made(project, "BCT_B1", TODAY)
    with (project.root / "config/site.toml").open("a") as site:
        site.write('\n[keep]\nfree = "900000GB"\n')
    return "less than 900000GB"


def database_broken(project: MadeProject, _: ExitStack) -> str:
    made(project, "BCT_B1", TODAY)
    (project.root / "runs/state.sqlite").write_bytes(b"broken" * 1000)
    return "not a database"


def mail_stuck(project: MadeProject, _: ExitStack) -> str:
    made(project, "BCT_B1", TODAY)
    with State(project.root / "runs/state.sqlite") as state:
        at = TEN - timedelta(minutes=45)
        queue(state, message(), ["jdoe@example.org"], MailSettings(domain="example.org"), at)
    return "1 mail waiting to be sent, the oldest since 2026-11-23 08:15 UTC"


FAULTS = [cron_stopped, run_hangs, disk_full, database_broken, mail_stuck]


@pytest.mark.smtp
@pytest.mark.parametrize("fault", FAULTS)
def test_the_operator_is_told_by_ten(project: MadeProject, fault) -> None:  # type: ignore[no-untyped-def]
    with mailing(project) as mailbox, ExitStack() as stack:
        said = fault(project, stack)
        assert main([*WATCH, "--root", str(project.root)]) == 1
    ((to, mail),) = mailbox.taken
    assert to == "operator@example.org"
    assert said in words_of(mail)


def test_with_the_mail_server_away_the_words_go_to_standard_error(
    project: MadeProject, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No mail can tell of that: cron's own way, the exit code and the metrics do."""
    with mailing(project):
        said = mail_stuck(project, ExitStack())
    metrics = ["--prometheus", str(tmp_path / "oaf.prom")]
    assert main([*WATCH, "--root", str(project.root), *metrics]) == 1
    told = capsys.readouterr().err
    assert "the operator could not be told: " in told
    assert said in told
    assert "\noaf_healthy 0\n" in (tmp_path / "oaf.prom").read_text()


@pytest.mark.kernel
def test_a_state_that_is_gone_or_of_another_version(project: MadeProject) -> None:
    """The views stay and can be made anew; of the mails only the last day's come once more."""
    project.fill(numeric(A))
    root = ["--root", str(project.root)]
    path, publish = project.root / "runs/state.sqlite", project.root / "publish"
    with mailing(project) as mailbox:
        for day in (BEFORE, TODAY):
            assert main(["daily", *root, "--day", str(day)]) == 0
        told = [(to, mail["Subject"]) for to, mail in mailbox.taken]

        with sqlite3.connect(path) as db:  # a newer OAF wrote it, and was taken back
            db.execute("UPDATE kv SET value = '7' WHERE key = 'schema_version'")
        db.close()
        assert main(["daily", *root, "--day", str(TODAY)]) == 1
        (to, mail) = mailbox.taken.pop()
        assert (to, len(mailbox.taken)) == ("operator@example.org", len(told))
        assert "schema version '7', this OAF knows 1" in words_of(mail)

        for stale in path.parent.glob("state.sqlite*"):
            stale.unlink()
        for view in ("RECENT", "RECENT_WITH_ALM", "RECENT_WITHOUT_ALM"):
            shutil.rmtree(publish / view)
        assert main(["publish", *root]) == 0
        assert [one.name for one in publish.glob("RECENT*/BCT_B1")] == ["BCT_B1"] * 2
        assert main(["daily", *root, "--day", str(TODAY)]) == 0
    again = [(to, mail["Subject"]) for to, mail in mailbox.taken][len(told) :]
    assert again
    assert not [subject for _, subject in again if str(BEFORE) in subject]
    assert (publish / f"reports/BCT/B1/{BEFORE}/index.html").exists()
