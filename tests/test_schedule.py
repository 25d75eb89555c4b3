"""What calls OAF every morning: the crontab's line does so, and systemd finds nothing to blame."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from project import MadeProject, made_project

from oaflib.cli import main
from oaflib.run import isolation


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path / "site")
    made.tasks(
        "BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,",
        "BCT,LDB,B1,jdoe,TRUE,TRUE,None,hourly,last 1h,",
    )
    return made


def lines(project: MadeProject, capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    assert main(["schedule", "cron", "--root", str(project.root), *more]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_crontab(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    said = lines(project, capsys, "--time", "07:30", "--watch", "09:45")
    assert "MAILTO=operator@example.org" in said
    times = [line.split("  ")[0] for line in said if line[:1] in "0123456789*"]
    assert times == ["30 7 * * *", "5 * * * *", "*/20 * * * *", "45 9 * * *"]
    project.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    assert not any("hourly" in line for line in lines(project, capsys))


def test_the_watchdogs_line_runs_as_cron_runs_it(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = [line for line in lines(project, capsys) if "status --mail" in line]
    command = line.split("  ", 1)[1]
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "no morning was ever held here" in ran.stderr  # cron mails it: there is no server


def test_a_strange_path_is_refused(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = project.root.with_name("100% ours")
    project.root.rename(strange)
    assert main(["schedule", "cron", "--root", str(strange)]) == 2
    assert "plain characters" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_verifies_the_units(
    project: MadeProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    assert main(["schedule", "systemd", "--root", str(project.root), "--into", str(folder)]) == 0
    assert "systemctl enable --now oaf.timer" in capsys.readouterr().out
    units = sorted(str(path) for path in folder.iterdir())
    assert len(units) == 9
    ran = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", folder / "oaf.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for oaf.service: ([\d.]+)", ran.stdout)
    assert found
    assert float(found[1]) < 4
    calendars = re.findall(r"OnCalendar=(.*)", "".join(Path(unit).read_text() for unit in units))
    assert "*-*-* 08:00:00 Europe/Zurich" in calendars
    for calendar in calendars:
        subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


@pytest.mark.skipif(isolation.best().name != isolation.BWRAP, reason="no bubblewrap")
def test_what_the_units_forbid_leaves_bubblewrap_its_work() -> None:
    """A user of its own, no capability, no new privilege: as the unit says."""
    outer = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    if os.geteuid() == 0:  # of root the system wants a capability to map its uid
        outer += ["--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [*outer, "bwrap", *isolation.BARE, "--", "/bin/true"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
