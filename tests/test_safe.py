"""What comes from outside steers no terminal and no spreadsheet; what OAF makes is not for all."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project import made_project

from oaflib.cli import main
from oaflib.cli.progress import Lines
from oaflib.config.project import load_project
from oaflib.daily.due import Due
from oaflib.daily.morning import Done
from oaflib.inform.texts import plain
from oaflib.publish import Site, place
from oaflib.report import Report
from oaflib.run.lock import held
from oaflib.state import State
from oaflib.window import calendar_day

ROOT = Path(__file__).resolve().parents[1]
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@given(st.text())
def test_nothing_steers_the_terminal(text: str) -> None:
    assert not STEERS.search(plain(text))
    assert plain(text).count("\n") == text.count("\n")


def test_a_name_with_escapes_is_spelt_out(tmp_path: Path) -> None:
    project = made_project(tmp_path)
    project.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    (task,) = load_project(project.root).tasks
    due = Due(task, calendar_day(date(2026, 11, 22), "UTC"))
    out = io.StringIO()
    lines = Lines(out)
    lines.started(1)
    lines.ended(
        Done(due, None, failure="no \x1b]0;owned\x07 \x1b[2J \u202eevil", notes=("\x9b1m",))
    )
    said = out.getvalue()
    assert not STEERS.search(said)
    assert "‹U+001B›[2J ‹U+202E›evil" in said


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_formula_gets_into_a_table_that_people_open(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = made_project(tmp_path)
    words = ["silence", "--root", str(project.root), "DEV.1", "--until", "2030-01-01"]
    assert main([*words, f"--reason={text}", "--author", "me"]) == 2
    assert "a spreadsheet takes for a formula" in capsys.readouterr().err
    assert not (project.root / "config/silences.csv").exists()


@pytest.fixture
def open_umask() -> None:
    """As careless as it gets."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_nothing_is_for_all_to_write_and_the_state_not_for_all_to_read(
    tmp_path: Path, open_umask: None
) -> None:
    project = made_project(tmp_path / "site")
    project.tasks()
    main(["list", "--root", str(project.root)])  # sets the mask, as every command does
    made = load_project(project.root)
    made.publish.mkdir()
    made.publish.chmod(0o2775)
    if os.geteuid() == 0:
        os.chown(made.publish, -1, 12345)
    group = made.publish.stat().st_gid
    with held(made.runs / "lock"), State(made.runs / "state.sqlite") as state:
        state.keep("key", "value")
        state.backup(made.runs / "backup", "copy")
        assert stat.S_IMODE(made.runs.stat().st_mode) == 0o750
        for path in made.runs.rglob("*sqlite*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o640, path
    window = calendar_day(date(2026, 11, 22), "UTC")
    report = Report("BCT", "B1", "Beam", window, datetime(2026, 11, 23, tzinfo=UTC), True, ())
    place(report, None, made.publish, Site())
    for path in made.publish.rglob("*"):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        assert not mode & stat.S_IWOTH, path
        assert mode & stat.S_IWGRP, path
        assert path.stat().st_gid == group, path
        if path.is_dir():
            assert mode & stat.S_ISGID, path


def test_a_state_that_all_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with State(path):
        pass
    path.chmod(0o666)
    with State(path):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


FORBIDDEN = {
    r"\bpickle\b|\bmarshal\b|\bshelve\b|\bdill\b|allow_pickle\s*=\s*True": "pickle",
    r"\byaml\.(load|unsafe_load|full_load)\b|\bimport yaml\b": "YAML",
    r"(?<![\w.])(eval|exec|compile)\(|\b(pd|frame|df)\.(eval|query)\(|numexpr": "eval",
    r"shell\s*=\s*True|os\.system|os\.popen": "a shell",
    r"verify\s*=\s*False|CERT_NONE|_create_unverified_context|check_hostname\s*=\s*False": "TLS",
    r"tempfile\.mktemp\b|chmod\(0o7?77|0o666": "rights",
}


def test_the_code_holds_nothing_that_runs_what_it_is_given() -> None:
    files = [*(ROOT / "oaflib").rglob("*.py"), ROOT / "run_daily.py"]
    assert len(files) > 200
    found = []
    for path in files:
        text = path.read_text("utf-8")
        for pattern, what in FORBIDDEN.items():
            for hit in re.finditer(pattern, text):
                place = str(path.relative_to(ROOT))
                line = text.count("\n", 0, hit.start()) + 1
                found.append(f"{what}: {place}:{line}: {hit[0]}")
    assert found == []


ADVISORY = {
    "id": "PYSEC-0000-1",
    "summary": "reads files it should not",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "NbConvert"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "0"}, {"fixed": "7.17.1"}, {"introduced": "8.0"}],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("version", "code"), [("7.17.0", 1), ("7.17.1", 0), ("7.17.2", 0), ("8.1", 1)]
)
def test_an_audit_without_a_network(tmp_path: Path, version: str, code: int) -> None:
    database, lock = tmp_path / "all.zip", tmp_path / "x.lock"
    lock.write_text(f"nbconvert=={version} \\\n    --hash=sha256:00\nsix==1.17.0\n")
    with zipfile.ZipFile(database, "w") as archive:
        archive.writestr("PYSEC-0000-1.json", json.dumps(ADVISORY))
    words = [sys.executable, str(ROOT / "bin/audit"), "--database", str(database), str(lock)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    wanted = "PYSEC-0000-1" if code else "x.lock: 2 packages audited, nothing known against them"
    assert wanted in ran.stdout
    database.write_text("no zip")
    assert subprocess.run(words, capture_output=True, check=False).returncode == 2
