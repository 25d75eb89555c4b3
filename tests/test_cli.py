"""The command line: exit codes, and what is said where."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.cli.arguments import parse

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    made.dataset("BCT_B1", f'title = "Beam 1"\nvariables = ["{A}"]\n')
    return made


def oaf(project: MadeProject, *words: str | Path) -> int:
    return main([str(words[0]), "--root", str(project.root), *map(str, words[1:])])


def test_the_version_is_read_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"oaf {version('oaflib')}\n"
    code = "import sys; from oaflib.cli.arguments import parse; parse(['run', 'X_y']); "
    code += "sys.exit('importlib.metadata' in sys.modules or 'email' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_right_configuration(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert oaf(project, "check-config") == 0
    assert capsys.readouterr().out == "The configuration is right.\n"


def test_every_mistake_is_told_at_once(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.site("\n[sources.MDB]\nkind = 'embeded'\n")
    project.dataset("BCT_B1", f'tilte = "x"\nvariables = ["{A}"]\n')
    project.tasks("BCX,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,")
    assert oaf(project, "check-config") == 2
    told = capsys.readouterr().out
    assert "Did you mean 'embedded'" in told
    assert "Did you mean 'title'" in told
    assert "Did you mean 'BCT'" in told
    assert told.strip().endswith("problems")


def test_no_project_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--root", str(tmp_path)]) == 2
    assert "config/site.toml is missing" in capsys.readouterr().err


def test_what_there_is(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert oaf(project, "list") == 0
    told = capsys.readouterr().out
    assert "BCT_B1" in told
    assert "LDB (embedded)" in told
    assert "generic" in told


def test_a_bad_line_is_named_and_the_file_refused_or_its_good_lines_kept(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.root / "bad.csv"
    path.write_text(
        "timestamp,variable,value\n"
        f"2026-11-22T00:00:00Z,{A},1.0\n"
        f"2026-11-22T00:00:01,{A},2.0\n"
        f"2026-11-22T00:00:02Z,{A},3.0\n"
    )
    assert oaf(project, "ingest", path) == 1
    assert "bad.csv: line 3" in capsys.readouterr().out
    assert oaf(project, "ingest", path, "--on-bad", "keep") == 1
    assert "2 samples of 1 variable" in capsys.readouterr().out
    assert oaf(project, "ingest", path, "--on-bad", "keep") == 0


def test_a_replay_is_a_notebook_ready_to_run(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, "replay", "BCT_B1", "--day", "2026-11-22") == 0
    path = Path(capsys.readouterr().out.strip())
    text = path.read_text()
    assert "start = '2026-11-21T23:00:00Z'" in text
    assert "injected-parameters" in text


@pytest.mark.kernel
def test_a_replay_comes_to_the_same_numbers_without_the_store(project: MadeProject) -> None:
    import shutil

    import papermill

    from oaflib import report, scraps

    project.fill(numeric(A))
    assert oaf(project, "run", "BCT_B1", "--day", "2026-11-22") == 0
    assert oaf(project, "replay", "BCT_B1", "--day", "2026-11-22") == 0
    shutil.rmtree(project.root / "runs/store")
    path = next((project.root / "runs/replay").iterdir())
    done = project.root / "done.ipynb"
    papermill.execute_notebook(path, done, cwd=path.parent, progress_bar=False)
    again = scraps.read(done, "")
    first = report.read((project.report("BCT", "B1") / "report.json").read_bytes())
    assert again.statistics == first.statistics
    assert [o.document() for o in again.outcomes] == [o.document() for o in first.outcomes]


@pytest.mark.parametrize(
    "words",
    [
        ["daily", "--day", "22.11.2026"],
        ["daily", "--at", "2026-11-22T08:00"],
        ["run"],
        ["run", "BCT_B1", "--last", "soon"],
        ["fly"],
        [],
    ],
)
def test_a_wrong_command_line_leaves_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(words)
    assert left.value.code == 2
    assert "usage: oaf" in capsys.readouterr().err


def test_two_ways_to_say_when_are_refused(project: MadeProject) -> None:
    assert oaf(project, "run", "BCT_B1", "--day", "2026-11-22", "--last", "15min") == 2


def test_output_cut_short_is_no_error(project: MadeProject, tmp_path: Path) -> None:
    script = tmp_path / "list.py"
    script.write_text(
        f"from oaflib.cli import main\nraise SystemExit(main(['list', '--root', '{project.root}']))"
    )
    ran = subprocess.run(
        ["sh", "-c", f"{sys.executable} {script} | head -c 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
