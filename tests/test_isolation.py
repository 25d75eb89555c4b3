"""Expert code that is hostile: what it can reach, where bubblewrap works and where not."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import nbformat
import pytest
from project import MadeProject, made_project

from oaflib.config.project import load_site_only
from oaflib.errors import RunError
from oaflib.run import isolation, limits
from oaflib.run.execution import execute
from oaflib.run.request import Request

needs_bwrap = pytest.mark.skipif(
    isolation.best().name != isolation.BWRAP, reason=f"no bubblewrap: {isolation.best().lack}"
)

HOSTILE = """
import json, os, pathlib, signal, socket, subprocess
root = pathlib.Path(ROOT)
done = {}

def attempt(name, act):
    try:
        done[name] = repr(act())
    except BaseException as error:
        done[name] = "refused: " + type(error).__name__

for name in ("config/site.toml", "publish/index.html", "runs/state.sqlite", "notebooks/x.ipynb",
             "runs/reports/BCT_B1/2026-11-22/report.json", "runs/reports/BCT_B2/x/report.json",
             "runs/reports/BCT_B1/2026-11-22/records/a.parquet"):
    attempt("write " + name, lambda: (root / name).write_text("mine"))
attempt("write /usr", lambda: pathlib.Path("/usr/oaf-was-here").write_text("mine"))
attempt("write /etc", lambda: pathlib.Path("/etc/oaf-was-here").write_text("mine"))
attempt("write /dev", lambda: pathlib.Path("/dev/oaf-was-here").write_text("mine"))
attempt("write home", lambda: (pathlib.Path("/root") / "oaf-was-here").write_text("mine"))
attempt("read password", lambda: (root / "secrets/mail").read_text())
attempt("read token", lambda: (root / "secrets/db").read_text())
attempt("read key", lambda: (root / "secrets/folder/key").read_text())
attempt("read state", lambda: (root / "runs/state.sqlite").read_bytes())
attempt("read other", lambda: (root / "runs/reports/BCT_B2/x/report.json").read_text())
kept = root / "runs/reports/BCT_B1/2026-11-22/records/a.parquet"
attempt("read records", kept.read_text)
attempt("network", lambda: socket.create_connection(("127.0.0.1", PORT), timeout=5).close())
attempt("resolve", lambda: socket.gethostbyname("localhost.example.org"))
attempt("kill", lambda: os.kill(PID, signal.SIGKILL))
attempt("environ", lambda: [p for p in pathlib.Path("/proc").glob("[0-9]*/environ")
                            if b"canary" in p.read_bytes()])
attempt("processes", lambda: len(list(pathlib.Path("/proc").glob("[0-9]*"))))
attempt("secret in environment", lambda: [k for k, v in os.environ.items() if "canary" in v])
attempt("remount", lambda: subprocess.run(["mount", "-o", "remount,rw", "/"]).returncode)
attempt("write own", lambda: pathlib.Path("mine.txt").write_text("mine"))
attempt("write tmp", lambda: pathlib.Path("/tmp/mine.txt").write_text("mine"))
os.symlink(root / "secrets/mail", "log2.txt")
pathlib.Path("done.json").write_text(json.dumps(done))
"""


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path / "site")
    made.tasks()
    (made.root / "secrets/folder").mkdir(parents=True)
    for name in ("mail", "db", "folder/key"):
        path = made.root / "secrets" / name
        path.write_text("canary-5291")
        path.chmod(0o600)
    site = made.root / "config/site.toml"
    text = site.read_text().replace(
        "[mail]", '[mail]\nuser = "oaf"\npassword_file = "secrets/mail"'
    )
    more = '\n[limits]\nhide = ["secrets/folder"]\n'
    more += '[sources.MDB]\nkind = "sql"\nurl = "sqlite:///x"\npassword_file = "secrets/db"\n'
    site.write_text(text + more)
    for name in ("publish/index.html", "runs/state.sqlite", "runs/reports/BCT_B2/x/report.json"):
        (made.root / name).parent.mkdir(parents=True, exist_ok=True)
        (made.root / name).write_text("theirs")
    records = made.root / "runs/reports/BCT_B1/2026-11-22/records"
    records.mkdir(parents=True)
    (records / "a.parquet").write_text("records")
    return made


def run_hostile(made: MadeProject, caged: bool) -> dict[str, str]:
    """What the code above says it could do, in an expert's place."""
    project = load_site_only(made.root)
    run = made.root / "runs/reports/BCT_B1/2026-11-22"
    with socket.create_server(("127.0.0.1", 0)) as server:
        victim = subprocess.Popen(["sleep", "600"], env={"SECRET": "canary-5291"})
        try:
            facts = f"ROOT, PORT, PID = {str(made.root)!r}, {server.getsockname()[1]}, {victim.pid}"
            cells = [
                nbformat.v4.new_code_cell("day = ''", metadata={"tags": ["parameters"]}),
                nbformat.v4.new_code_cell(facts + HOSTILE),
            ]
            kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
            template = made.root / "notebooks/experts/hostile.ipynb"
            made_notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
            nbformat.write(made_notebook, template)
            request = Request(
                template=template,
                folder=run / "expert",
                root=made.root,
                records=run / "records",
                parameters={"day": "2026-11-22"},
                role="expert",
                seconds=120,
            )
            request.folder.mkdir(parents=True)
            words = isolation.cage(project, request) if caged else ()
            assert execute(request, words) == ""
            assert (victim.poll() is None) is caged
        finally:
            victim.kill()
            victim.wait()
    assert limits.started_by(request.token) == []
    assert not (request.folder / "log2.txt").is_symlink()
    done: dict[str, str] = json.loads((request.folder / "done.json").read_text())
    return done


@needs_bwrap
@pytest.mark.kernel
def test_hostile_code_reaches_nothing_of_others(project: MadeProject) -> None:
    done = run_hostile(project, caged=True)
    allowed = ("write own", "write tmp", "read records", "processes", "remount")
    for name, result in done.items():
        if name not in allowed:
            assert result.startswith("refused") or result in ("[]", "''"), (name, result)
    assert done["read password"] in ("''", "refused: PermissionError")
    assert done["read records"] == "'records'"
    assert done["write own"] == "4"
    assert int(done["processes"]) < 8
    assert done["remount"] != "0"
    for name in ("publish/index.html", "runs/state.sqlite", "runs/reports/BCT_B2/x/report.json"):
        assert (project.root / name).read_text() == "theirs"
    assert not (project.root / "notebooks/x.ipynb").exists()


@pytest.mark.kernel
def test_without_bubblewrap_limits_and_a_clean_environment_hold(project: MadeProject) -> None:
    """What docs/security.md says does not hold there, does not."""
    done = run_hostile(project, caged=False)
    assert done["secret in environment"] == "[]"
    assert done["write own"] == "4"
    assert done["read password"] == "'canary-5291'"
    assert done["network"] == "None"


def test_a_site_can_require_it(project: MadeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "best", lambda: isolation.Level("prlimit", "not installed"))
    assert isolation.level(load_site_only(project.root)).lack == "not installed"
    site = project.root / "config/site.toml"
    site.write_text(site.read_text().replace("[limits]", '[limits]\nisolation = "bwrap"'))
    with pytest.raises(RunError, match="asks for isolation 'bwrap' .* 'prlimit': not installed"):
        isolation.level(load_site_only(project.root))


def test_a_machine_without_the_tool_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    isolation.best.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    try:
        assert isolation.best().lack == "bubblewrap (bwrap) is not installed"
    finally:
        isolation.best.cache_clear()
