"""The whole morning killed at random instants, then started again: nothing lost, nothing twice."""

from __future__ import annotations

import email
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from email import policy
from pathlib import Path

import pytest
from project import MadeProject, made_project, numeric

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
KILLS = int(os.environ.get("OAF_KILLS", "8"))
pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(900 + 20 * KILLS)]
DATASETS = ("B1", "B2", "B3")


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.fill(numeric(A))
    made.tasks(*(f"BCT,LDB,{name},jdoe,TRUE,TRUE,None,daily,day," for name in DATASETS))
    for name in DATASETS:
        high = 1e14 if name == "B2" else 1e15
        text = (
            f'title = "Beam"\nvariables = ["{A}"]\n[[check]]\nkind = "range"\nhigh = {high:.0f}\n'
        )
        made.dataset(f"BCT_{name}", text)
    return made


def morning(project: MadeProject) -> subprocess.Popen[bytes]:
    code = (
        "from oaflib.cli import main; import sys; "
        f"sys.exit(main(['daily', '--root', {str(project.root)!r}, '--day', '2026-11-22']))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.DEVNULL
    )


def read_all_the_while(project: MadeProject, stop: threading.Event, bad: list[str]) -> None:
    """A visitor: every page and document that is there must be whole."""
    while not stop.is_set():
        for path in project.root.glob("publish/**/index.html"):
            try:
                text = path.read_text()
            except FileNotFoundError:
                continue  # replaced between the listing and the reading
            if not text.rstrip().endswith("</html>"):
                bad.append(f"{path} is cut")
        for path in project.root.glob("publish/reports/*/*/*/report.json"):
            try:
                json.loads(path.read_text())
            except FileNotFoundError:
                continue
            except ValueError:
                bad.append(f"{path} is torn")
        time.sleep(0.01)


def test_killed_and_started_again(project: MadeProject) -> None:
    dice = random.Random(8)
    stop, bad = threading.Event(), []
    reader = threading.Thread(target=read_all_the_while, args=(project, stop, bad))
    reader.start()
    killed = 0
    try:
        for _ in range(KILLS):
            running = morning(project)
            try:
                running.wait(dice.uniform(0.3, 12))
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                killed += 1
        code = morning(project).wait(300)
    finally:
        stop.set()
        reader.join()
    assert killed
    assert code == 0
    assert bad == []
    for name in DATASETS:
        report = json.loads((project.report("BCT", name) / "report.json").read_text())
        assert report["finished"] is True
        assert len(list(project.report("BCT", name).parent.glob("2026-11-2*/"))) == 1
        alarms = [entry for entry in report["outcomes"] if entry["severity"] == "ALARM"]
        assert [entry["change"] for entry in alarms] == (["NEW"] if name == "B2" else [])
    mails = [email.message_from_bytes(p.read_bytes(), policy=policy.default) for p in project.mails]
    told = Counter(mail["Subject"] for mail in mails if mail["To"] == "jdoe@example.org")
    assert sorted(told) == [
        "[OAF] BCT B1 2026-11-22: OK",
        "[OAF] BCT B2 2026-11-22: 1 NEW",
        "[OAF] BCT B3 2026-11-22: OK",
    ]
    assert set(told.values()) == {1}
    assert _none_left(project)


def _none_left(project: MadeProject) -> bool:
    """Whether no run of this project is alive any more."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return not any(
        "oaflib.run.child" in line and str(project.root) in line
        for line in listing.stdout.splitlines()
    )
