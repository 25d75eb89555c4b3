"""Good configurations: what is read, and how it may be written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from config_project import SITE, make_project, notebook, write

from oaflib.config import site as site_module
from oaflib.config.dataset import PARTS, VariableChoice
from oaflib.config.instruments import Instrument
from oaflib.config.project import (
    check_config,
    check_sources,
    find_root,
    load_project,
    load_site_only,
)
from oaflib.config.site import ExpertLimits, Limits, MailTable, Paths, Site, SourceSettings
from oaflib.config.tasks import COLUMNS, FALSE, SCHEDULES, TRUE
from oaflib.errors import ConfigurationError
from oaflib.registry import Registry


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


FIXED = """
title = "LHC beam 1 BCTs, compared"
description = "DC and fast transformers of beam 1, against each other"
variables = ["LHC.BCTDC.%.B1:BEAM_INTENSITY", { name = "LHC.BCTFR.A6R4.B1:BEAM_INTENSITY", \
unit = "charges" }]
# or: snapshot = "BI_BCT_LHC-B1-cmp"   a query saved in the source

[[compute]]
name = "ratio"
expression = "A / B"
inputs = { A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", B = "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY" }

[[check]]
kind = "range"
variables = ["ratio"]
low = 0.98
high = 1.02
severity = "alarm"
gate = "BMODE == 'STABLE'"
guidance = "Compare the calibration current of both front ends."

[[plot]]
kind = "trend"
variables = ["ratio"]
"""


def test_the_dataset_of_the_design_is_read_to_the_letter(root: Path) -> None:
    write(root, "config/datasets/BCT_LHC-B1-cmp.toml", FIXED)
    dataset = load_project(root).dataset("BCT_LHC-B1-cmp")
    (computation,), (check,), (plot,) = dataset.computations, dataset.checks, dataset.plots
    assert (computation.kind, computation.expression) == ("expression", "A / B")
    assert computation.inputs["B"] == "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY"
    assert (check.kind, check.low, check.high) == ("range", 0.98, 1.02)
    assert (check.severity, check.gate) == ("alarm", "BMODE == 'STABLE'")
    assert (plot.kind, plot.variables) == ("trend", ("ratio",))


def test_whole_numbers_are_numbers_and_durations_are_read(root: Path) -> None:
    text = """
variables = ["A:B", "HX:BMODE"]
[[compute]]
kind = "group"
name = "per mode"
variable = "A:B"
by = "HX:BMODE"
statistics = ["mean", "std"]
[[compute]]
name = "twice"
expression = "2 * B"
max_hold = "5min"
[[check]]
kind = "range"
variables = ["per mode.mean", "twice"]
low = 1
min_duration = "30s"
gate = "BMODE != 'SETUP'"
[[check]]
kind = "expression"
expression = "twice < 3"
[[check]]
kind = "expression"
expression = "B < 3"
"""
    write(root, "config/datasets/BCT_LHC-B1-cmp.toml", text)
    dataset = load_project(root).dataset("BCT_LHC-B1-cmp")
    assert dataset.computations[0].statistics == ("mean", "std")
    assert dataset.computations[1].max_hold == timedelta(minutes=5)
    assert type(dataset.checks[0].low) is float
    assert len(dataset.checks) == 3


def test_reading_a_project_loads_no_great_machine(root: Path) -> None:
    code = (
        "import sys; from oaflib.config.project import load_project; "
        f"load_project({str(root)!r}); "
        "print([n for n in ('pandas', 'matplotlib', 'scipy', 'duckdb', 'openpyxl', 'papermill', "
        "'pydantic', 'IPython') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_what_is_no_file_is_not_waited_for(root: Path) -> None:
    (root / "config/datasets/BCT_a.toml").mkdir()
    os.mkfifo(root / "config/datasets/BCT_b.toml")
    (root / "config/datasets/BCT_c.toml").symlink_to("nowhere")
    (root / "config/datasets/notes.txt").touch()
    (root / "config/datasets/.BCT_d.toml.swp").touch()
    assert [(p.file.rpartition("/")[2], p.message) for p in check_config(root)] == [
        ("BCT_a.toml", "is not an ordinary file"),
        ("BCT_b.toml", "is not an ordinary file"),
        ("BCT_c.toml", "is missing"),
        ("notes.txt", "is not called <INST>_<dataset>.toml, as in BCT_LHC-B1-cmp.toml"),
    ]


def test_every_key_is_in_the_manual() -> None:
    text = (Path(__file__).parents[1] / "docs/configuration.md").read_text("utf-8")
    keys = {
        entry.name
        for made in (Site, MailTable, ExpertLimits, Limits, Paths, Instrument, VariableChoice)
        for entry in fields(made)
    } | {*COLUMNS, *SCHEDULES, *TRUE, *FALSE, *PARTS}
    keys -= {"id", "expert"}
    assert [key for key in sorted(keys) if not re.search(rf"\b{re.escape(key)}\b", text)] == []


def test_the_manuals_examples_are_right(root: Path) -> None:
    text = (Path(__file__).parents[1] / "docs/configuration.md").read_text("utf-8")
    site, instruments, dataset = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tasks,) = re.findall(r"```\n(Instrument,.*?)```", text, re.DOTALL)
    write(root, "config/site.toml", site)
    write(root, "config/instruments.toml", instruments)
    write(root, "config/datasets/BCT_LHC-B1-cmp.toml", dataset)
    write(root, "config/tasks.csv", tasks)
    write(root, "notebooks/templates/bws.ipynb", notebook())
    project = load_project(root)
    assert [task.window for task in project.tasks] == ["day", "last 1h"]
    assert project.dataset("BCT_LHC-B1-cmp").checks[0].high == 1.02


def test_sources_are_asked_whether_they_like_their_options(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = {"embedded": f"{__name__}:Picky", "nowhere": "oaflib.no_such_module:Thing"}
    monkeypatch.setattr(site_module, "sources", Registry("oaf.test", "source", makers))
    write(root, "config/site.toml", SITE + '[sources.MDB]\nkind = "nowhere"\n')
    problems = check_sources(load_site_only(root))
    assert [(problem.file, problem.place) for problem in problems] == [
        ("config/site.toml", "[sources.LDB]"),
        ("config/site.toml", "[sources.MDB]"),
    ]
    assert problems[0].message == "folder is 'runs/store'; allowed: elsewhere"
    assert "cannot be loaded from oaflib.no_such_module:Thing" in problems[1].message


class Picky:
    """A source that refuses every folder but one."""

    def __init__(self, settings: SourceSettings) -> None:
        raise ConfigurationError(f"folder is '{settings.options['folder']}'; allowed: elsewhere")
