"""One dataset's mistake stops its own report, and is a warning for every other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import HEADER, MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.config.project import load_what_is_right
from oaflib.config.rewrite import faults_of_row, write_row
from oaflib.errors import ConfigurationError
from oaflib.launcher.order import Order, assignment_of
from oaflib.launcher.panel import Launcher

TASK = "BCT,LDB,ring,jdoe,TRUE,TRUE,None,daily,day,"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", 'title = "Ring"\nvariables = ["R.BCT:I"]\n')
    made.tasks(TASK)
    made.fill(numeric("R.BCT:I"))
    return made


def another_dataset(project: MadeProject) -> None:
    project.dataset("BCT_other", 'tilte = "x"\nvariables = ["R.BCT:I"]\n')


def no_toml(project: MadeProject) -> None:
    project.dataset("BCT_other", "title = oops\n")


def another_line(project: MadeProject) -> None:
    project.tasks(TASK, "BCT,MDB,other,jdoe,TRUE,TRUE,None,daily,day,")


def stray_cell(project: MadeProject) -> None:
    project.tasks(TASK, "BCT,LDB,other,jdoe,TRUE,TRUE,None,daily,day,,see Anna")


def another_code(project: MadeProject) -> None:
    project.tasks(TASK, "BCT,LDB,other,jdoe,TRUE,TRUE,nowhere,daily,day,")


def misnamed(project: MadeProject) -> None:
    project.dataset("old copy", "")


def another_family(project: MadeProject) -> None:
    with (project.root / "config/instruments.toml").open("a") as file:
        file.write('[BPM]\ntitle = "BPMs"\ntemplate = "nowhere"\n')


def silences(project: MadeProject) -> None:
    (project.root / "config/silences.csv").write_text("pattern\n")


MISTAKES: list[tuple[Callable[[MadeProject], None], str]] = [
    (another_dataset, "'title'"),
    (no_toml, "line 1, column 9"),
    (another_line, "line 3, Source"),
    (stray_cell, "'see Anna'"),
    (another_code, "line 3, ExpCode"),
    (misnamed, "<INST>_<dataset>.toml"),
    (another_family, "'nowhere'"),
    (silences, "config/silences.csv"),
]


@pytest.fixture(params=MISTAKES, ids=lambda mistake: mistake[0].__name__)
def wrong(request: pytest.FixtureRequest, project: MadeProject) -> tuple[MadeProject, str]:
    """The project with somebody else's mistake, and how it is told."""
    make, told = request.param
    make(project)
    return project, told


def oaf(project: MadeProject, *words: str) -> int:
    return main([str(words[0]), "--root", str(project.root), *words[1:]])


def test_a_replay_is_written_and_the_mistake_told(
    wrong: tuple[MadeProject, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, told = wrong
    assert oaf(project, "check-config") == 2
    assert told in capsys.readouterr().out
    assert oaf(project, "replay", "BCT_ring", "--day", "2026-11-22") == 0
    said = capsys.readouterr().err.splitlines()
    assert any(told in line for line in said)
    assert all(line.startswith("oaf: warning: config/") for line in said)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "words",
    [
        ["run", "BCT_ring", "--day", "2026-11-22"],
        ["snapshot", "save", "BCT_ring", "--name", "kept", "--day", "2026-11-22"],
        ["new", "template", "BCT", "--dataset", "BCT_ring"],
        ["check-template", "bct", "--dataset", "BCT_ring", "--day", "2026-11-22", "--days", "1"],
        ["list"],
        ["watch", "BCT_ring", "--last", "15min", "--every", "1s", "--for", "2s"],
    ],
    ids=lambda words: words[0],
)
def test_commands_for_one_dataset_go_on(
    project: MadeProject, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    another_dataset(project)
    assert oaf(project, *words) == 0
    assert "oaf: warning: config/datasets/BCT_other.toml: line 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda project: project.dataset("BCT_ring", 'tilte = "x"\n'), "'title'"),
        (lambda project: project.tasks(TASK.replace("LDB", "MDB")), "line 2, Source"),
        (lambda project: project.tasks(TASK, header="Instrument,Soruce"), "tasks.csv"),
    ],
)
def test_its_own_mistake_stops_it(
    project: MadeProject,
    make: Callable[[MadeProject], None],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make(project)
    assert oaf(project, "replay", "BCT_ring", "--day", "2026-11-22") == 2
    said = capsys.readouterr().err
    assert told in said
    assert "warning" not in said


def test_many_mistakes_are_told_in_few_lines(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(9):
        project.dataset(f"BCT_o{number}", 'tilte = "x"\n')
    assert oaf(project, "list") == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert said[-1] == "oaf: warning: 6 more problems; oaf check-config tells them all"


def test_the_launcher_opens_and_says_so(wrong: tuple[MadeProject, str]) -> None:
    project, told = wrong
    launcher = Launcher(load_what_is_right(project.root))
    assert told.replace("'", "&#x27;").replace("<", "&lt;").replace(">", "&gt;") in (
        launcher.warned.value
    )
    assert assignment_of(Order("BCT_ring"), launcher.project).source == "LDB"
    if "other" in told or "MDB" in told:
        with pytest.raises(ConfigurationError):
            assignment_of(Order("BCT_other"), launcher.project)


def test_a_row_is_saved_beside_anothers_mistake(project: MadeProject) -> None:
    another_line(project)
    cells = dict(zip(HEADER.split(","), TASK.replace("jdoe", "asmith").split(","), strict=True))
    assert faults_of_row(project.root, 2, cells) == []
    write_row(project.root, 2, cells)
    assert "asmith" in (project.root / "config/tasks.csv").read_text()
    bad = cells | {"Source": "MDB"}
    assert [problem.place for problem in faults_of_row(project.root, 2, bad)] == ["line 2, Source"]
    other = cells | {"DataSet": "other", "Source": "MDB"}
    assert faults_of_row(project.root, 3, other)


def test_others_are_read_when_something_changed(project: MadeProject) -> None:
    other = project.root / "config/datasets/BCT_other.toml"
    sound = 'title = "Other"\nvariables = ["R.BCT:I"]\n'
    project.dataset("BCT_other", sound)

    def read() -> tuple[set[str], int]:
        found = load_what_is_right(project.root, "BCT_ring")
        return set(found.datasets), len(found.wrong)

    assert [read(), read()] == [({"BCT_ring", "BCT_other"}, 0), ({"BCT_ring"}, 0)]
    another_dataset(project)
    assert [read(), read()] == [({"BCT_ring"}, 1)] * 2, "a mistake is told again and again"
    other.write_text(sound)
    assert [read(), read()] == [({"BCT_ring", "BCT_other"}, 0), ({"BCT_ring"}, 0)]
    other.unlink()
    assert read() == ({"BCT_ring"}, 0)
    assert set(load_what_is_right(project.root, "BCT_other").datasets) == {"BCT_ring"}
