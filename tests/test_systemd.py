"""The units of `oaf schedule systemd`, installed on a machine that systemd runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from mailserver import Mailbox, serving
from project import ZONE, MadeProject, made_project, numeric
from systemd_machine import Machine, NoMachine, machine, python_folders

from oaflib.run import isolation
from oaflib.series import Series
from oaflib.window import calendar_day

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(isolation.best().name != isolation.BWRAP, reason="no bubblewrap"),
]

THERE = "/srv/site"
REACHES = """
import os
from pathlib import Path
import oaflib as oaf

def out(study, records):
    done = []
    for name in ("/srv/site/config/site.toml", "/srv/site/publish/mine", "/srv/mine"):
        try:
            Path(name).write_text("mine")
            done.append(name)
        except OSError:
            pass
    return [oaf.alarm("reach", f"user {os.getuid()} wrote {done}")]
"""


@dataclass(frozen=True)
class Booted:
    """The machine, and on it the site of a user called oaf, its units installed."""

    machine: Machine
    site: MadeProject
    mailbox: Mailbox


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    mailbox = Mailbox()
    with serving(mailbox) as server:
        folder = tmp_path_factory.mktemp("systemd")
        try:
            with installed(folder, server.port) as (up, made):
                yield Booted(up, made, mailbox)
        except NoMachine as lack:
            pytest.skip(str(lack))


@contextmanager
def installed(folder: Path, port: int) -> Iterator[tuple[Machine, MadeProject]]:
    """As `oaf schedule` says; by its root, for a user of its own."""
    made = made_project(folder / "site")
    made.site('[limits]\nisolation = "bwrap"\n')
    site = made.root / "config/site.toml"
    where = f'[mail]\nserver = "127.0.0.1"\nport = {port}\nsecurity = "plain"'
    site.write_text(site.read_text().replace("[mail]", where))
    made.fill(yesterdays("B1:INTENSITY"))
    made.dataset("BCT_B1", 'variables = ["B1:INTENSITY"]\n')
    made.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,reach:out,daily,day,")
    (made.root / "notebooks/experts/reach.py").write_text(REACHES)
    with machine(folder / "machine", [(made.root, THERE), *python_folders()]) as up:
        up.run("useradd", "--system", "--home-dir", THERE, "--shell", "/bin/sh", "oaf")
        parents = {each for _, name in python_folders() for each in Path(name).parents}
        up.run("chmod", "a+x", *map(str, parents))
        up.run("chown", "-R", "oaf:", THERE)
        words = ["schedule", "systemd", "--root", THERE, "--user", "oaf", "--into"]
        up.run(sys.executable, "-m", "oaflib.cli", *words, "/etc/systemd/system")
        up.run("systemctl", "daemon-reload")
        yield up, made


def yesterdays(name: str) -> Series:
    """A sample a minute of the day that the next morning judges."""
    day = (datetime.now(ZoneInfo(ZONE)) - timedelta(days=1)).date()
    window = calendar_day(day, ZONE)
    made = numeric(name)
    step = (window.end_ns - window.start_ns) // len(made.value)
    return replace(made, time=window.start_ns + step * np.arange(len(made.value)))


def test_a_missed_morning_is_made_up_for_at_boot(booted: Booted) -> None:
    """By the user oaf, in the repository and the runs; bubblewrap works inside the unit."""
    up = booted.machine
    stamp = "/var/lib/systemd/timers/stamp-oaf.timer"  # when it went off last
    up.run("install", "-D", "-m", "644", "/dev/null", stamp)
    up.run("touch", "-d", "2 days ago", stamp)
    up.run("systemctl", "enable", "--now", "oaf.timer", "oaf-mail.timer", "oaf-status.timer")
    about = up.ended("oaf.service")
    told = up.run("journalctl", "-u", "oaf.service", "--no-pager")
    assert (about["Result"], about["ExecMainStatus"]) == ("success", "0"), told
    assert "[1/1] BCT_B1" in told
    (page,) = booted.site.root.glob("publish/reports/BCT/B1/*/report.json")
    user = int(up.run("id", "-u", "oaf"))
    assert page.stat().st_uid == user
    report = json.loads(page.read_text())
    assert "expert's code bwrap" in report["provenance"]["isolation"]
    (reached,) = (each for each in report["outcomes"] if each["variable"] == "reach")
    assert reached["reason"] == f"user {user} wrote []"
    assert "jdoe@example.org" in [recipient for recipient, _ in booted.mailbox.taken]
    timers = up.run("systemctl", "list-timers", "--no-pager", "--no-legend")
    assert all(f"oaf{each}.service" in timers for each in ("", "-mail", "-status"))


def test_the_operator_hears_of_a_morning_that_failed(booted: Booted) -> None:
    booted.site.tasks("BCT,LDB,B1,jdoe,perhaps,TRUE,None,daily,day,")
    booted.mailbox.taken.clear()
    booted.machine.run("systemctl", "start", "oaf.service", check=False)
    assert booted.machine.shown("oaf.service")["ExecMainStatus"] == "2"
    assert booted.machine.ended("oaf-failed.service")["Result"] == "success"
    ((recipient, mail),) = booted.mailbox.taken
    assert recipient == "operator@example.org"
    assert "'perhaps' is neither true nor false" in mail.get_body(("plain",)).get_content()


def test_the_service_can_write_nowhere_else(booted: Booted) -> None:
    """The unit's own words, with another command."""
    up = booted.machine
    text = up.run("cat", "/etc/systemd/system/oaf-status.service")
    places = ("config", "notebooks", "publish", "runs")
    tries = "".join(f"touch {THERE}/{place}/it && echo {place}; " for place in places)
    tries += "touch /tmp/it && echo tmp; touch /etc/it && echo etc; cat /etc/shadow && echo shadow"
    command = f"ExecStart=/bin/sh -c '{tries}'"
    trial = "\n".join(
        command if line.startswith("ExecStart=") else line for line in text.splitlines()
    )
    up.run("sh", "-c", 'printf "%s\\n" "$1" > /run/systemd/system/trial.service', "sh", trial)
    up.run("systemctl", "daemon-reload")
    up.run("systemctl", "start", "trial.service", check=False)
    said = up.run("journalctl", "-u", "trial.service", "-o", "cat", "--no-pager").splitlines()
    assert {"publish", "runs", "tmp"} == set(said) & {*places, "tmp", "etc", "shadow"}
