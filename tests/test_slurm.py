"""A morning's reports as jobs of a real SLURM: sent, made, given back, whatever becomes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from project import DAY, MadeProject, made_currents
from slurm_machine import NoMachine, Slurm, slurm

from oaflib.cli import main
from oaflib.config.cluster import ClusterTable
from oaflib.errors import RunError
from oaflib.run.workers import Workers

pytestmark = [pytest.mark.timeout(400)]
LONG = pytest.mark.skipif(not os.environ.get("OAF_LONG"), reason="OAF_LONG=1 runs it")
NAMES = ("B1", "B2", "B3", "B4")
SCRIPT = Path(__file__).resolve().parents[1] / "run_daily.py"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    try:
        with slurm(tmp_path_factory.mktemp("slurm") / "machine") as made:
            yield made
    except NoMachine as missing:
        pytest.skip(str(missing))


@pytest.fixture
def queue(machine: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """The machine, known to what the test does; nothing of it may be left."""
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, machine.environment[name])
    yield machine
    assert machine.empty()


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    return made_currents(tmp_path / "project", NAMES)


def asked(project: MadeProject, *names: str, more: str = "", template: str = "") -> list[str]:
    """The words for a morning of these reports on SLURM."""
    project.tasks(*(f"BCT,LDB,{name},jdoe,TRUE,TRUE,None,daily,day,{template}" for name in names))
    table = 'kind = "slurm"\nmemory = "1GB"\nwalltime = "00:10:00"\ninterface = "lo"\n'
    project.site(f"[cluster]\n{table}{more}\n")
    return ["daily", "--root", str(project.root), "--day", str(DAY)]


def severities(project: MadeProject, *names: str) -> list[str]:
    reports = [project.report("BCT", name) / "report.json" for name in names]
    return [json.loads(path.read_text())["severity"] for path in reports]


def slow(project: MadeProject, seconds: float) -> None:
    """A template whose notebook takes so long."""
    folder = project.root / "notebooks/templates"
    notebook = nbformat.read(folder / "generic.ipynb", 4)
    code = f"import time\ntime.sleep({seconds})"
    notebook.cells.insert(2, nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, folder / "slow.ipynb")


def begun(project: MadeProject, count: int, seconds: float = 120) -> list[Path]:
    """The folders of attempts, when so many have begun."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = sorted(project.root.glob("runs/cluster/*/[0-9]*/run/request.json"))
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError("no attempt began")


@pytest.mark.kernel
@pytest.mark.slow
def test_a_morning_of_jobs(
    project: MadeProject, queue: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    before = queue.last()
    words = asked(project, "B2", more='workers = 1\nqueue = "batch"\nprologue = ["export OAF_A=a"]')
    assert main(words) == 0
    assert "made here" not in capsys.readouterr().out
    assert severities(project, "B2") == ["ALARM"]
    assert len(project.mails) == 1
    assert queue.last() == before + 1  # a job
    assert queue.empty()
    left = {path.suffix for path in (project.root / "runs/cluster").iterdir() if path.is_file()}
    assert left == {".err", ".out"}  # its words, and no key
    log = (project.root / f"runs/cluster/oaf-{before + 1}.err").read_text()
    assert "Registered to:      tls://127.0.0.1" in log


TABLE = ClusterTable(kind="slurm", workers=2, memory="1GB", walltime="00:10:00", interface="lo")


@pytest.fixture
def workers(queue: Slurm, tmp_path: Path) -> Iterator[Callable[..., Workers]]:
    made: list[Workers] = []

    def make(told: list[str], **about: Any) -> Workers:
        table = ClusterTable(**{**vars(TABLE), **about})
        made.append(Workers(table, tmp_path, tmp_path / "cluster", told.append))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("about", "said"),
    [({"queue": "none-such"}, "Invalid partition name specified"),
     ({"memory": "900GB"}, "Memory specification can not be satisfied"),
     ({"directives": ("--no-such-word",)}, "unrecognized option '--no-such-word'")],
)  # fmt: skip
def test_what_the_queue_refuses_is_said(
    about: dict[str, Any], said: str, workers: Callable[..., Workers]
) -> None:
    with pytest.raises(RunError, match=said):
        workers([], **about).complete()


def test_no_slurm_at_all(workers: Callable[..., Workers], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RunError, match="No such file or directory: 'sbatch'"):
        workers([]).complete()


def test_jobs_refused_are_done_without(
    workers: Callable[..., Workers], queue: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a user may have so many jobs."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/sbatch"
    command.write_text(
        f"#!/bin/sh\nmkdir {tmp_path}/taken 2>/dev/null || exec sh -c 'echo too many >&2; exit 1'\n"
        'exec /usr/bin/sbatch --hold "$@"\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    told: list[str] = []
    made = workers(told, workers=3)
    made.complete()
    assert told == ["the slurm cluster refused 2 of 3 workers: too many"]
    made.complete()
    assert len(told) == 1  # nor are they asked for again
    assert len(queue.jobs()) == 1
    made.close()


@LONG
@pytest.mark.kernel
@pytest.mark.parametrize("how", [("scancel",), ("scancel", "--full", "--signal=KILL")])
def test_a_job_is_ended_in_the_middle_of_its_run(
    how: tuple[str, ...], project: MadeProject, queue: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slow(project, 15)
    words = asked(project, *NAMES, more="workers = 2", template="slow")
    before = queue.last()
    ended: list[str] = []

    def end() -> None:
        begun(project, 2)
        ended.append(queue.run("squeue", "--noheader", "--format=%i", "--states=R").split()[0])
        queue.run(*how, ended[0])

    ender = threading.Thread(target=end)
    ender.start()
    code = main(words)
    ender.join()
    said = capsys.readouterr().out
    assert ended, said
    assert code == 0, said
    assert "are made here" not in said
    assert severities(project, *NAMES) == ["OK", "ALARM", "OK", "OK"]
    assert len(project.mails) == len(NAMES)
    assert queue.last() == before + 3  # two, and one in place of the one that ended


@LONG
@pytest.mark.kernel
def test_the_time_of_a_job_runs_out(
    project: MadeProject, queue: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slow(project, 40)  # SLURM's shortest time is a minute: the second is not done in it
    words = asked(project, "B1", "B2", more='workers = 1\nqueue = "short"', template="slow")
    site = project.root / "config/site.toml"
    site.write_text(site.read_text().replace("00:10:00", "00:01:00"))
    before = queue.last()
    assert main(words) == 0
    assert "are made here" not in capsys.readouterr().out
    assert severities(project, "B1", "B2") == ["OK", "ALARM"]
    assert len(project.mails) == 2
    assert queue.last() == before + 2


@LONG
@pytest.mark.kernel
def test_jobs_that_wait_too_long(
    project: MadeProject, queue: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked(project, "B1", "B2", more='queue = "closed"\nstart = 5')) == 0
    said = capsys.readouterr().out
    assert "no worker for 5 s; none of its jobs has begun): 2 and all further reports" in said
    assert severities(project, "B1", "B2") == ["OK", "ALARM"]


@LONG
@pytest.mark.kernel
def test_jobs_that_cannot_begin(
    project: MadeProject, queue: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    prologue = 'prologue = ["echo no module named python >&2; exit 1"]'
    assert main(asked(project, "B1", more=f"{prologue}\nstart = 8")) == 0
    assert ".err ends with: no module named python): 1 and all" in capsys.readouterr().out


@LONG
@pytest.mark.kernel
def test_the_morning_is_killed(project: MadeProject, queue: Slurm) -> None:
    """Its jobs end themselves, and the next morning makes what is missing."""
    slow(project, 20)
    words = asked(project, "B1", "B2", more="workers = 2", template="slow")
    words_of_cron = [sys.executable, str(SCRIPT), *words[1:]]
    morning = subprocess.Popen(words_of_cron, stdout=subprocess.DEVNULL)
    begun(project, 2)
    morning.send_signal(signal.SIGKILL)
    morning.wait()
    assert queue.empty(150)
    assert main(words) == 0
    assert severities(project, "B1", "B2") == ["OK", "ALARM"]
    assert len(project.mails) == 2


@LONG
@pytest.mark.kernel
def test_a_morning_that_is_a_job_itself(project: MadeProject, queue: Slurm, tmp_path: Path) -> None:
    """As with scrontab; its jobs do not take over what it was given."""
    words = asked(project, "B1", more="workers = 1")
    command = " ".join([sys.executable, str(SCRIPT), *words[1:]])
    queue.run("sbatch", "--wait", "--mem=2G", "--cpus-per-task=2", f"--output={tmp_path}/said",
              f"--wrap={command}")  # fmt: skip
    said = (tmp_path / "said").read_text()
    assert "made here" not in said
    assert severities(project, "B1") == ["OK"]
