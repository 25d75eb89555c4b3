"""The example plug-in, installed as any package: its check, source and plot in a report."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest
from project import made_project

from oaflib.report import read

ROOT = Path(__file__).resolve().parents[1]
BOOK = """\
# the operators' book
2026-11-22T08:00:00Z R.BCT:OFFSET 3.0 pA
2026-11-22T08:00:10Z R.BCT:OFFSET 3.1 pA
2026-11-22T08:00:20Z R.BCT:OFFSET 99.0 pA
"""
DATASET = """\
variables = ["%:OFFSET"]

[[check]]
kind = "rate"
high = 0.5

[[plot]]
kind = "bars"
title = "Last words of the book"
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has all this one has, and the plug-in installed."""
    folder = tmp_path_factory.mktemp("environment")
    made(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin/python"
    (place,) = folder.glob("lib/python*/site-packages")
    lines = "; ".join(f"site.addsitedir({path!r})" for path in site.getsitepackages())
    (folder / "share").symlink_to(Path(sys.prefix) / "share")  # page templates of nbconvert
    (place / "outer.pth").write_text(f"import site; {lines}\n")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    made(sys.executable, "-m", "pip", "--python", python, "install", *options, ROOT / "docs/plugin")
    return python


def made(*words: object, cwd: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "OAF_"))}
    ran = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.kernel
def test_installed_it_is_in_the_report(python: Path, tmp_path: Path) -> None:
    project = made_project(tmp_path)
    project.site('[sources.BOOK]\nkind = "logbook"\nfile = "book.txt"\n')
    project.dataset("BCT_book", DATASET)
    project.tasks("BCT,BOOK,book,jdoe,TRUE,FALSE,None,daily,day,")
    (tmp_path / "book.txt").write_text(BOOK)
    oaf = (python, "-c", "import sys; from oaflib.cli import main; sys.exit(main())")
    assert "The configuration is right." in made(*oaf, "check-config", cwd=tmp_path)
    made(*oaf, "run", "BCT_book", "--day", "2026-11-22", cwd=tmp_path)
    folder = project.report("BCT", "book")
    (outcome,) = read((folder / "report.json").read_bytes()).outcomes
    assert outcome.check == "rate"
    assert outcome.reason == "it changed by 9.59 pA/s, faster than 0.5 pA/s"
    assert "Last words of the book" in (folder / "index.html").read_text()


def test_its_own_tests_pass(python: Path) -> None:
    tests = ROOT / "docs/plugin/tests"
    said = made(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests)
    assert " passed" in said
