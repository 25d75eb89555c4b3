"""What the project holds itself to."""

import json
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import oaflib

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("papermill", "matplotlib", "IPython", "pyspark", "jpype", "nbconvert", "scrapbook")


def test_import_oaflib_loads_nothing_heavy() -> None:
    code = f"import sys, oaflib; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_face_is_under_25_words_and_all_exist() -> None:
    assert len(dir(oaflib)) < 25
    for word in dir(oaflib):
        assert getattr(oaflib, word).__doc__


def test_a_word_stays_a_word_when_its_room_is_imported() -> None:
    import oaflib.compute.room

    assert oaflib.compute is oaflib.study.words.compute
    assert sys.modules["oaflib.compute"].run_computations


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").rglob("*.ipynb"))


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.name)
def test_notebooks_in_git_are_stripped(path: Path) -> None:
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks/templates").glob("*.ipynb")), ids=lambda path: path.name
)
def test_a_template_reads_aloud(path: Path) -> None:
    """At most 40 lines of code, a title above each code cell, no definitions and no loops."""
    cells = json.loads(path.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = [line for source in code for line in source.splitlines() if line.strip()]
    assert len(lines) <= 40
    assert not [line for line in lines if line.lstrip().startswith(("def ", "class ", "for "))]
    for before, cell in pairwise(cells):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown", "".join(cell["source"])


def test_lock_files_name_no_index_and_hash_everything() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index" not in text
        pinned = [line for line in text.splitlines() if "==" in line and line[0].isalnum()]
        assert len(pinned) > 50
        assert text.count("--hash=sha256:") >= len(pinned)


def test_environment_yml_says_what_pyproject_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = {entry for entry in environment["dependencies"] if isinstance(entry, str)}
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    said = {entry.replace(" ", "") for entry in conda | set(pip)}
    wanted = {*project["dependencies"], *project["optional-dependencies"]["lab"]}
    assert {entry.replace(" ", "") for entry in wanted} <= said
    assert f"python{project['requires-python']}" in said
