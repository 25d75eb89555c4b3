"""Templates that papermill would run, and report the wrong day: refused before a kernel starts."""

from datetime import date
from pathlib import Path

import nbformat
import pytest
from conftest import Notebook

from oaflib.errors import TemplateError
from oaflib.run.preflight import check_template, parameters_of

TEMPLATES = sorted((Path(__file__).resolve().parents[1] / "notebooks/templates").glob("*.ipynb"))
STANDARD = {"dataset", "start", "end", "source", "default_plots", "expert_code", "low_res"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_every_template_takes_the_standard_parameters(path: Path) -> None:
    assert parameters_of(path) >= STANDARD | {"name", "run"}


def test_a_template_without_a_tagged_cell_is_refused(notebook: Notebook) -> None:
    path = notebook("day = 'its own'", parameters=None)
    with pytest.raises(TemplateError, match=r"t\.ipynb has no code cell tagged 'parameters'"):
        check_template(path, {"day": "2026-11-22"})


def test_an_unknown_parameter_is_refused_and_the_known_ones_named(notebook: Notebook) -> None:
    path = notebook(parameters="day = ''\nzone: str = 'UTC'")
    with pytest.raises(TemplateError, match=r"no parameter 'dya'.* defines day, zone"):
        check_template(path, {"dya": "2026-11-22"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"x=1\nprint('INJECTED')\ny": 2}, "is no identifier"),
        ({"day": date(2026, 11, 22)}, "'day' is a date; only text, numbers"),
        ({"day": (1, 2)}, "'day' is a tuple"),
    ],
)
def test_what_papermill_would_change_or_execute_is_refused(
    notebook: Notebook, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        check_template(notebook(), parameters)


def test_a_parameters_cell_that_is_not_python_is_refused(notebook: Notebook) -> None:
    with pytest.raises(TemplateError, match="the parameters cell is not Python: line 1"):
        check_template(notebook(parameters="day = "), {})


@pytest.mark.parametrize("tag", ["skip-execution", "raises-exception"])
def test_tags_that_hide_what_did_not_run_are_refused(notebook: Notebook, tag: str) -> None:
    path = notebook("1 / 0")
    made = nbformat.read(path, as_version=4)
    made.cells[-1].metadata["tags"] = [tag]
    nbformat.write(made, path)
    with pytest.raises(TemplateError, match=f"tagged '{tag}' would hide"):
        check_template(path, {})


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"cells": 3}'])
def test_what_is_not_a_notebook_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    with pytest.raises(TemplateError, match=r"x\.ipynb"):
        check_template(path, {})
    with pytest.raises(TemplateError, match="there is no notebook"):
        check_template(tmp_path / "gone.ipynb", {})
