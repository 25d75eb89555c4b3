"""A morning on a Dask cluster: the same reports in the same places, whoever dies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from dask_cluster import DaskCluster, dask_cluster
from project import DAY, ZONE, MadeProject, made_currents

from oaflib.cli import main
from oaflib.config.cluster import ClusterTable
from oaflib.config.project import load_project
from oaflib.errors import ConfigurationError, RunError
from oaflib.run.attempt import MOST, Order, attempt, settle
from oaflib.run.cluster import crew_of
from oaflib.run.crew import Here
from oaflib.run.runner import Assignment, run_folder
from oaflib.run.workers import kubernetes_resource, made_cluster
from oaflib.window import calendar_day

pytestmark = [pytest.mark.timeout(600)]
NAMES = ("B1", "B2", "B3", "B4")


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_currents(tmp_path / "project", NAMES)
    made.tasks(*(f"BCT,LDB,{name},jdoe,TRUE,TRUE,None,daily,day," for name in NAMES))
    return made


def judged(project: MadeProject, name: str) -> Any:
    """What a report says, without what differs from run to run."""
    document = json.loads((project.report("BCT", name) / "report.json").read_text())
    for outcome in document["outcomes"]:
        outcome.pop("change")
    keep = "dataset", "window", "finished", "severity", "counts", "outcomes", "statistics"
    return {key: document[key] for key in keep}


def claimed(root: Path, count: int, seconds: float = 240) -> list[Path]:
    """The folders of attempts, when there are so many that have begun."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = sorted(root.glob("runs/cluster/*/[0-9]*/run/request.json"))
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError("no attempt began")


def worker_at_work(cluster: DaskCluster) -> subprocess.Popen[bytes]:
    """A worker that has an order, by what Dask says."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        busy = next(address for address, keys in client.processing().items() if keys)
    return next(worker for worker in cluster.workers if worker.pid == pids[busy])


@pytest.mark.kernel
@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle_of_a_morning(
    project: MadeProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ordinary = MadeProject(tmp_path / "ordinary")
    shutil.copytree(project.root, ordinary.root)
    killed: list[Path] = []

    def kill() -> None:
        claimed(project.root, 3)  # all of them are at work
        cluster.kill(worker_at_work(cluster))
        until = time.monotonic() + 240
        while time.monotonic() < until and not killed:
            killed.extend(project.root.glob("runs/cluster/*/2"))
            time.sleep(0.02)

    with dask_cluster(tmp_path / "dask") as cluster:
        killer = threading.Thread(target=kill)
        killer.start()
        code = main(
            ["daily", "--root", str(project.root), "--day", str(DAY), "--cluster", cluster.address]
        )
        killer.join()
        said = capsys.readouterr().out
    assert killed  # and another worker took it up
    assert code == 0, said
    assert "are made here" not in said
    assert main(["daily", "--root", str(ordinary.root), "--day", str(DAY)]) == 0
    for name in NAMES:
        assert judged(project, name) == judged(ordinary, name)
        run = project.root / f"runs/reports/BCT_{name}/{DAY}"
        assert (run / "records/records.json").exists()
        assert "runs/cluster" not in (run / "notebook.ipynb").read_text()
    assert judged(project, "B2")["severity"] == "ALARM"
    assert len(project.mails) == len(NAMES)
    assert list((project.root / "runs/cluster").iterdir()) == []
    # Nobody is told twice, on a cluster that is gone meanwhile too.
    again = ["daily", "--root", str(project.root), "--day", str(DAY)]
    assert main([*again, "--cluster", cluster.address]) == 0
    assert len(project.mails) == len(NAMES)


LONG = pytest.mark.skipif(not os.environ.get("OAF_LONG"), reason="OAF_LONG=1 runs it")


@LONG
@pytest.mark.kernel
def test_the_scheduler_is_killed(
    project: MadeProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def kill() -> None:
        claimed(project.root, 2)
        assert cluster.scheduler is not None
        cluster.kill(cluster.scheduler)

    with dask_cluster(tmp_path / "dask") as cluster:
        killer = threading.Thread(target=kill)
        killer.start()
        arguments = ["daily", "--root", str(project.root), "--day", str(DAY)]
        assert main([*arguments, "--cluster", cluster.address]) == 0
        killer.join()
    assert "all further reports are made here" in capsys.readouterr().out
    assert [judged(project, name)["finished"] for name in NAMES] == [True] * 4
    assert len(project.mails) == len(NAMES)


@LONG
@pytest.mark.kernel
def test_a_task_that_kills_its_workers(
    project: MadeProject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One report is INVALID and says why; the others are made."""
    import nbformat

    monkeypatch.setenv("OAF_FORK", "no")  # so that the kernel's ancestor is the worker

    path = project.root / "notebooks/templates/generic.ipynb"
    notebook = nbformat.read(path, 4)
    code = (
        "import os, pathlib, signal\n"
        "pid = os.getpid()\n"
        "words = lambda: pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()\n"
        "while pid > 1 and b'spawn_main' not in words():\n"
        "    stat = pathlib.Path(f'/proc/{pid}/stat').read_text()\n"
        "    pid = int(stat.rpartition(')')[2].split()[1])\n"
        "os.kill(pid, signal.SIGKILL) if pid > 1 else None\n"
    )
    notebook.cells.insert(2, nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, project.root / "notebooks/templates/poison.ipynb")
    rows = [f"BCT,LDB,{name},jdoe,TRUE,TRUE,None,daily,day," for name in NAMES]
    project.tasks(*rows[:3], f"{rows[3]}poison")
    with dask_cluster(tmp_path / "dask", workers=2, nanny=True) as cluster:
        arguments = ["daily", "--root", str(project.root), "--day", str(DAY)]
        assert main([*arguments, "--cluster", cluster.address]) == 1
    assert "are made here" not in capsys.readouterr().out
    assert [judged(project, name)["finished"] for name in NAMES] == [True, True, True, False]
    assert "each of 3 workers" in judged(project, "B4")["outcomes"][0]["reason"]


@LONG
@pytest.mark.kernel
def test_certificates_of_the_site(
    project: MadeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's own settings reach scheduler, worker and morning alike; without them nobody does."""
    authority = trustme.CA()
    mine = authority.issue_cert("oaf.example.org")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "mine.pem")
    files = {"CA_FILE": "ca.pem"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        files |= {f"{role}__CERT": "mine.pem", f"{role}__KEY": "mine.pem"}
    for name, file in files.items():
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(tmp_path / file))
    script = Path(__file__).resolve().parents[1] / "run_daily.py"
    command = [sys.executable, str(script), "--root", str(project.root)]
    words = [*command, "--day", str(DAY), "--only", "BCT_B2", "--cluster"]
    with dask_cluster(tmp_path / "dask", workers=1, protocol="tls") as cluster:
        assert cluster.address.startswith("tls://")
        done = subprocess.run(
            [*words, cluster.address], capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "made here" not in done.stdout
        for name in files:
            monkeypatch.delenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}")
        done = subprocess.run(
            [*words, cluster.address, "--again"], capture_output=True, text=True, timeout=280,
            check=False,
        )  # fmt: skip
    assert "TLS" in done.stdout
    assert "reports are made here" in done.stdout


@pytest.mark.kernel
@pytest.mark.slow
def test_a_cluster_of_this_machine_made_for_the_morning(project: MadeProject) -> None:
    """Through cron's address: worker processes import it too, and must not begin mornings."""
    project.site('[cluster]\nkind = "local"\nworkers = 1\n')
    script = Path(__file__).resolve().parents[1] / "run_daily.py"
    done = subprocess.run(
        [sys.executable, str(script), "--root", str(project.root), "--day", str(DAY), "--only",
         "BCT_B2"], capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("BCT_B2") == 1
    assert judged(project, "B2")["severity"] == "ALARM"


@pytest.mark.kernel
def test_a_cluster_that_does_not_answer_is_told_and_done_without(
    project: MadeProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oaflib.run.cluster._ANSWER", 1.0)
    arguments = ["daily", "--root", str(project.root), "--day", str(DAY), "--only", "BCT_B1"]
    assert main([*arguments, "--cluster", "tcp://127.0.0.1:1"]) == 0
    assert "tcp://127.0.0.1:1 failed" in capsys.readouterr().out
    assert judged(project, "B1")["severity"] == "OK"


def order_of(project: MadeProject, id_: str = "abcdef01-00000") -> Order:
    window = calendar_day(DAY, ZONE)
    return Order(load_project(project.root), Assignment("BCT_B1", "LDB"), window, id_)


def test_an_order_whose_workers_died_is_not_tried_for_ever(project: MadeProject) -> None:
    order = order_of(project)
    for number in range(1, MOST + 1):
        (order.folder / str(number)).mkdir(parents=True)
    done = attempt(order.document())
    assert attempt(order.document()) == done  # asked again: the same, nothing made
    run = settle(order, done)
    assert run.report.finished is False
    assert run.report.outcomes[0].severity == "INVALID"
    assert "each of 3 workers" in run.report.outcomes[0].reason
    assert run.folder == run_folder(order.project, "BCT_B1", order.window)


@pytest.mark.kernel
def test_two_attempts_at_once_are_done_once(project: MadeProject) -> None:
    """As when a worker is only thought dead: each works apart, the first that is done counts."""
    order = order_of(project)
    results: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: results.append(attempt(order.document()))) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    run = settle(order, results[0])
    assert run.report.finished
    assert run.report.severity == "OK"


@pytest.mark.parametrize(
    ("change", "said"),
    [({"root": "/nowhere"}, "does not see /nowhere"), ({"version": "9.9"}, "the morning 9.9")],
)
def test_a_worker_that_cannot_do_it_says_why(
    change: dict[str, str], said: str, project: MadeProject
) -> None:
    with pytest.raises(RunError, match=said):
        attempt({**order_of(project).document(), **change})


# Which cluster


@pytest.fixture
def site(project: MadeProject) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        project.site(text)
        return load_project(project.root)

    return read


def test_none_is_here(site: Callable[[str], Any]) -> None:
    told: list[str] = []
    assert isinstance(crew_of(site(""), "", 1, told.append), Here)
    configured = site('[cluster]\nkind = "local"\n')
    assert isinstance(crew_of(configured, "none", 1, told.append), Here)
    assert not isinstance(crew_of(configured, "", 1, told.append), Here)
    with pytest.raises(ConfigurationError, match="tcp://host:8786, or none"):
        crew_of(configured, "slurm", 1, told.append)
    assert told == []


@pytest.mark.parametrize(
    ("text", "said"),
    [('kind = "pbs"', "kubernetes"), ('kind = "local"\naddress = "tcp://a:1"', "keep one"),
     ('address = "host:1"', "tcp://host:8786"), ("workers = 0", "1"),
     ('kind = "kubernetes"', "image"), ('walltime = "long"', "04:00:00")],
)  # fmt: skip
def test_a_wrong_table_is_refused(text: str, said: str, site: Callable[[str], Any]) -> None:
    with pytest.raises(ConfigurationError, match=said):
        site(f"[cluster]\n{text}\n")


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("local", "distributed", "cluster"), ("slurm", "dask_jobqueue", "cluster"),
     ("kubernetes", "dask_kubernetes", "kubernetes")],
)  # fmt: skip
def test_a_missing_package_is_named(
    kind: str, module: str, extra: str, site: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    configured = site(f'[cluster]\nkind = "{kind}"\nimage = "oaf"\n')
    with pytest.raises(ConfigurationError, match=rf"pip install 'oaflib\[{extra}\]'"):
        crew_of(configured, "", 1, print)


JOBS = ClusterTable(
    kind="slurm", queue="batch", account="bi", memory="6GB", walltime="03:00:00",
    directives=("--constraint=ssd",), prologue=("module load python",),
)  # fmt: skip


@pytest.fixture
def script(tmp_path: Path) -> Callable[[ClusterTable], str]:
    """The text that the queue would be given."""

    def write(table: ClusterTable) -> str:
        cluster = made_cluster(table, tmp_path, tmp_path / "log")
        try:
            return str(cluster.job_script())
        finally:
            cluster.close()

    return write


def test_the_jobs_of_slurm(script: Callable[[ClusterTable], str]) -> None:
    lines = [line.strip() for line in script(JOBS).splitlines()]
    assert "module load python" in lines
    for line in ("#SBATCH -p batch", "#SBATCH -A bi", "#SBATCH -t 03:00:00",
                 "#SBATCH --constraint=ssd", "#SBATCH --mem=6G"):  # fmt: skip
        assert line in lines


FLAVOUR = '+JobFlavour = "longlunch"'


def test_the_jobs_of_htcondor(script: Callable[[ClusterTable], str]) -> None:
    """As text: none of its queues is here."""
    text = script(replace(JOBS, kind="htcondor", directives=(FLAVOUR, "getenv = true")))
    lines = [line.strip() for line in text.splitlines()]
    assert "+MaxRuntime = 10800" in lines
    assert FLAVOUR in lines
    assert "-c 'module load python; " in text


def test_the_jobs_of_htcondor_as_it_reads_them(script: Callable[[ClusterTable], str]) -> None:
    htcondor = pytest.importorskip("htcondor2", reason="htcondor's Python package is not installed")
    table = replace(
        JOBS, kind="htcondor", directives=(FLAVOUR, "getenv = true"),
        prologue=("export A='a b'",),
    )  # fmt: skip
    read = htcondor.Submit(script(table))
    assert read["MY.JobFlavour"] == '"longlunch"'
    assert read["MY.MaxRuntime"] == "10800"
    assert read["getenv"] == "true"
    assert read["MY.DaskWorkerMemory"] == "6000000000"
    assert "-c 'export A=''a b''; " in read["Arguments"]
    assert read["Executable"] == "/bin/sh"


def test_what_kubernetes_is_asked_for() -> None:
    """By the schema that Dask's operator is installed with; no Kubernetes is here."""
    import dask_kubernetes
    from jsonschema import Draft7Validator

    table = ClusterTable(kind="kubernetes", image="oaf:1", memory="8GB", claim="oaf", workers=3)
    made = kubernetes_resource(table, Path("/srv/oaf"))
    crds = Path(dask_kubernetes.__file__).parent / "operator/deployment/helm"
    [path] = crds.rglob("crds/daskcluster.yaml")
    [version] = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]["versions"]
    Draft7Validator(version["schema"]["openAPIV3Schema"]).validate(made)
    worker = made["spec"]["worker"]
    [container] = worker["spec"]["containers"]
    assert worker["replicas"] == 3
    assert container["resources"]["limits"] == {"memory": "8000000000"}
    assert container["volumeMounts"] == [{"name": "project", "mountPath": "/srv/oaf"}]
