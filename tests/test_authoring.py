"""Notebooks begun for experts, and what they lack to be daily reports."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.run.preflight import parameters_of
from oaflib.run.trial import faults

TASK = "BCT,LDB,ring,jdoe,TRUE,TRUE,None,daily,day,"


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", 'variables = ["R.BCT:I"]\n')
    made.tasks(TASK)
    return made


def oaf(project: MadeProject, *words: str) -> int:
    return main([*words, "--root", str(project.root)])


def begun(project: MadeProject, *words: str) -> Path:
    assert oaf(project, "new", "template", "BCT", "--day", "2026-11-22", *words) == 0
    folder = "experts" if "--expert" in words else "templates"
    return project.root / f"notebooks/{folder}/bct-new.ipynb"


def edit(path: Path, change: Any) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def test_a_new_template_names_dataset_day_and_source(project: MadeProject) -> None:
    notebook = nbformat.read(begun(project), as_version=4)
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    lines = cell.source.splitlines()
    assert 'dataset = "BCT_ring"  # what: <INST>_<dataset>' in lines
    assert 'start = "2026-11-21T23:00:00Z"  # when: half-open, UTC' in lines
    assert 'end = "2026-11-22T23:00:00Z"' in lines
    titles = [c.source.splitlines()[0] for c in notebook.cells if c.cell_type == "markdown"]
    assert titles.index("## Yours") == titles.index("## Plots") - 1


def test_an_experts_notebook_is_never_overwritten(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    path = begun(project)
    before = path.read_bytes()
    assert oaf(project, "new", "template", "BCT") == 2
    assert "is there already; give the new one another --name" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("BTC",), "no instrument is called 'BTC'. Did you mean 'BCT'?"),
        (("BWS",), "no dataset of BWS is there yet; write config/datasets/BWS_<name>.toml"),
        (("BCT", "--name", "../x"), "'../x' is a path; write the notebook's name alone"),
        (("BCT", "--dataset", "BWS_x"), "'BWS_x' is not one of BCT"),
    ],
)
def test_what_cannot_be_begun_is_named(
    project: MadeProject, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert oaf(project, "new", "template", *words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "no cell says oaf.conclude: nothing counts as done without it"),
        ("oaf.check(1)\noaf.conclude(1)\n%matplotlib inline", ""),
        ("oaf.conclude(1)", "no cell says oaf.check"),
    ],
)
def test_what_a_template_lacks_is_told_without_running_it(
    project: MadeProject, source: str, message: str
) -> None:
    path = begun(project)

    def change(notebook: Any) -> None:
        kept = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        notebook.cells = [*kept, nbformat.v4.new_code_cell(source)]

    edit(path, change)
    found = faults(path, load_project(project.root), expert=False)
    assert [fault.message for fault in found if message and message in fault.message] or not message
    assert bool(found) == bool(message)


def test_cells_after_the_conclusion_and_paths_of_one_machine_are_told(project: MadeProject) -> None:
    path = begun(project)
    edit(path, lambda nb: nb.cells.append(nbformat.v4.new_code_cell("open('/home/me/limits.txt')")))
    found = faults(path, load_project(project.root), expert=False)
    assert [(fault.message[:30], fault.minor) for fault in found] == [
        ("cells come after the one that ", False),
        ("it names the path '/home/me/li", True),
    ]


@pytest.mark.kernel
def test_a_template_is_tried_on_days_and_nothing_is_published(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fill(numeric("R.BCT:I"))
    begun(project)
    words = ("check-template", "bct-new", "--day", "2026-11-22", "--days", "2")
    assert oaf(project, *words) == 0
    said = capsys.readouterr().out
    assert "  2026-11-21  " in said
    assert re.search(r"2026-11-22  .* s of processor, \d+ MB\)", said)
    assert "It is ready. Its row of config/tasks.csv:" in said
    assert "  BCT,LDB,ring,jdoe,TRUE,TRUE,None,daily,day,bct-new" in said
    assert not project.report("BCT", "ring").exists()
    assert not (project.root / "runs/reports").exists()


@pytest.mark.kernel
def test_expert_code_that_breaks_is_not_ready(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fill(numeric("R.BCT:I"))
    path = begun(project, "--expert")
    assert parameters_of(path) >= {"dataset", "start", "end", "run"}
    words = ("check-template", "bct-new", "--day", "2026-11-22", "--days", "1")
    assert oaf(project, *words) == 0
    assert "BCT,LDB,ring,jdoe,TRUE,TRUE,bct-new,daily,day," in capsys.readouterr().out

    def change(notebook: Any) -> None:
        titles = [cell.source.splitlines()[:1] for cell in notebook.cells]
        notebook.cells[titles.index(["## Yours"]) + 1].source = "records['gone']"

    edit(path, change)
    assert oaf(project, *words) == 1
    said = capsys.readouterr().out
    assert "The expert's code bct-new failed: KeyError: 'gone', in cell" in said
    assert "It is not ready: a day failed." in said
