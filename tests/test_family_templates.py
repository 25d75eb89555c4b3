"""The family templates: the words of every template, and each run as a report by a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from project import DAY, ROOT, ZONE, MadeProject, made_project, numeric

from oaflib.config.project import load_project
from oaflib.run.page import export_body
from oaflib.run.runner import Assignment, run_report
from oaflib.series import Kind, Series
from oaflib.study.families import FAMILIES
from oaflib.window import calendar_day

TEMPLATES = ROOT / "notebooks/templates"
WINDOW = calendar_day(DAY, ZONE)


def cells(name: str) -> list[dict]:
    return json.loads((TEMPLATES / f"{name}.ipynb").read_text())["cells"]


def code(name: str) -> list[str]:
    return ["".join(c["source"]) for c in cells(name) if c["cell_type"] == "code"]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_says_the_usual_words_and_one_more(family):
    usual, own = code("generic"), code(family)
    assert own[0].startswith(f'dataset = "{family.upper()}_')
    assert own[0].split("\n")[1:] == usual[0].split("\n")[1:]  # the same parameters in one order
    assert own.index("oaf.family(study, records, outcomes)") == own.index(draws(own)) - 1
    assert [source for source in own[1:] if "oaf.family" not in source] == usual[1:]


def draws(sources: list[str]) -> str:
    """The cell that draws."""
    return next(source for source in sources if source.startswith("oaf.draw"))


@pytest.mark.parametrize("family", FAMILIES)
def test_only_what_the_page_has_itself_is_left_out_of_it(family):
    for cell in cells(family):
        source = "".join(cell["source"])
        shown = source.startswith(("oaf.family", "oaf.draw"))
        if cell["cell_type"] == "code":
            assert ("on-page" not in tags(cell)) == shown, source


@pytest.mark.parametrize("family", FAMILIES)
def test_the_example_of_a_template_is_a_dataset_that_there_is(family):
    name = code(family)[0].split('"')[1]
    assert (ROOT / f"config/datasets/{name}.toml").exists()


def vector(name: str, row: list[float], unit: str = "") -> Series:
    value = np.array([row] * 3)
    time = WINDOW.start_ns + np.arange(3) * 3_600_000_000_000
    return Series(name, Kind.VECTORNUMERIC, unit, time, value)


def image(name: str) -> Series:
    value = np.full((2, 8, 8), 7, dtype=np.uint16)
    time = WINDOW.start_ns + np.arange(2) * 1_000_000_000
    return Series(name, Kind.MATRIXNUMERIC, "", time, value)


MADE = {
    "bbq": (numeric("LHC.BQ.B1:TUNE_H", [0.31] * 24, ""), "Tunes and lines of 50 Hz"),
    "bct": (numeric("X.BCTDC.A6R4.B1:BEAM_INTENSITY"), "Transformers"),
    "blm": (vector("BLMI:OFFSET", [15.0, 90.0], "pA"), "Monitors to look at"),
    "bpm": (vector("ORBIT:POSITIONS_H", [1.0, 0.0], "um"), "Monitors unlike the others"),
    "bsra": (numeric("M:ABORT_GAP_INTENSITY"), "Abort gap in stable beams"),
    "bsrt": (vector("T:FIT_SIGMA_H", [0.5, 0.6], "mm"), "Sizes"),
    "btv": (image("CAM/Image#imageSet"), "Cameras"),
    "bws": (vector("W:PROF_DATA_IN", [1.0] * 20), "Scans and settings"),
    "machine": (numeric("HX:FILLN", [5, 6], ""), "Families"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> MadeProject:
    made = made_project(tmp_path_factory.mktemp("families"))
    made.fill(*(series for series, _ in MADE.values()))
    titles = "".join(f'[{family.upper()}]\ntitle = "{family}"\n' for family in FAMILIES)
    (made.root / "config/instruments.toml").write_text(titles)
    for family, (series, _) in MADE.items():
        text = f'title = "Made"\nvariables = ["{series.name}", "NOT:THERE"]\n'
        made.dataset(f"{family.upper()}_made", text)
    made.tasks(*(f"{family.upper()},LDB,made,jdoe,FALSE,TRUE,None" for family in FAMILIES))
    return made


@pytest.mark.kernel
@pytest.mark.parametrize("family", FAMILIES)
def test_a_report_with_the_familys_own_template(project, family):
    loaded = load_project(project.root)
    dataset = f"{family.upper()}_made"
    assert loaded.template(dataset) == project.root / f"notebooks/templates/{family}.ipynb"
    done = run_report(loaded, Assignment(dataset, "LDB"), WINDOW)
    assert done.failure == ""
    assert done.report.finished
    assert Path(str(done.report.provenance["template"])).stem == family
    body = export_body(done.folder / "notebook.ipynb")
    assert f"<h3>{MADE[family][1]}</h3>" in body.html
    assert "could not be made" not in body.html
    assert "Extract" not in body.html
