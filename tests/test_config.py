"""Good configurations: what is read, and how it may be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_project import make_project, notebook, write

from oaflib.config.project import check_config, find_root, load_project, load_site_only
from oaflib.errors import ConfigurationError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A good project."""
    return make_project(tmp_path)


def test_a_project_says_all_of_its_files(root: Path) -> None:
    project = load_project(root)
    assert project.site.zone == "Europe/Zurich"
    assert project.site.limits.memory_bytes == 2_000_000_000
    assert project.site.limits.seconds == 900
    assert project.site.limits.expert.seconds == 60
    assert project.site.mail.password_file == str(root / "secrets/mail")
    assert project.source_settings("LDB").options == {"folder": "runs/store"}
    assert [task.id for task in project.tasks] == ["BCT_L2", "BCT_LHC-B1-cmp", "BWS_PS"]
    first, second, third = project.tasks
    assert (first.email, first.default_plots, first.expert_code) == (True, True, "")
    assert (second.email, second.default_plots, second.expert_code) == (True, False, "compare")
    assert (third.email, third.expert_code, third.line) == (False, "bws_experts:widths", 4)
    assert project.runs == root / "runs"


def test_a_dataset_is_what_its_file_says(root: Path) -> None:
    dataset = load_project(root).dataset("BCT_LHC-B1-cmp")
    assert dataset.title == "LHC beam 1 BCTs, compared"
    assert [choice.unit for choice in dataset.variables] == [None, "charges"]
    assert dataset.snapshot == ""
    assert dataset.file == root / "config/datasets/BCT_LHC-B1-cmp.toml"
    assert len(dataset.digest) == 64


def test_a_dataset_without_a_file_is_the_snapshot_of_its_name(root: Path) -> None:
    dataset = load_project(root).dataset("BWS_PS")
    assert (dataset.snapshot, dataset.variables, dataset.file) == ("BI_BWS_PS", (), None)
    assert (dataset.checks, dataset.plots, dataset.computations) == ((), (), ())


def test_one_report_is_not_stopped_by_another_datasets_mistake(root: Path) -> None:
    write(root, "config/datasets/BWS_PS.toml", "titel = 'x'")
    project = load_site_only(root)
    assert project.dataset("BCT_LHC-B1-cmp").title == "LHC beam 1 BCTs, compared"
    with pytest.raises(ConfigurationError, match="Did you mean 'title'"):
        project.dataset("BWS_PS")
    assert [problem.file for problem in check_config(root)] == ["config/datasets/BWS_PS.toml"]


@pytest.mark.parametrize("bad", ["BCT", "BCT_", "BCT_a_b", "XXX_a", "BCT_../x", "BCT_a\n", "_", ""])
def test_what_is_no_id_is_refused(root: Path, bad: str) -> None:
    with pytest.raises(ConfigurationError):
        load_project(root).dataset(bad)


def test_the_template_is_the_nearest_one_named(root: Path) -> None:
    project = load_project(root)
    assert project.template("BCT_L2").name == "generic.ipynb"
    assert project.template("BWS_PS").name == "scans.ipynb"
    assert project.template("BWS_PS", "generic.ipynb").name == "generic.ipynb"
    write(root, "notebooks/templates/bct.ipynb", notebook())
    assert project.template("BCT_L2").name == "bct.ipynb"
    with pytest.raises(ConfigurationError, match="Did you mean 'generic'"):
        project.template("BWS_PS", "genric")


def test_the_root_is_found_from_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OAF_ROOT", raising=False)
    monkeypatch.chdir(root / "notebooks" / "templates")
    assert find_root() == root
    with pytest.raises(ConfigurationError, match=r"config/site.toml is missing"):
        find_root(root / "notebooks")
    monkeypatch.setenv("OAF_ROOT", str(root))
    monkeypatch.chdir("/")
    assert find_root() == root
