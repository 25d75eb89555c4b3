"""What pictures bring along for pages, and what pages with them weigh."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import published
import pytest
from nbformat.v4 import new_code_cell
from test_demo_reports import SITE, Machine

from oaflib import demo
from oaflib.checks import default_checks, fold, run_checks
from oaflib.compute.room import run_computations
from oaflib.config.project import load_project
from oaflib.plots import Picture, Style, default_plots, draw
from oaflib.plots.live import map_index, packed
from oaflib.plots.profile import Profile
from oaflib.plots.trend import Trend
from oaflib.plots.waterfall import Waterfall
from oaflib.publish import place
from oaflib.records import records_of
from oaflib.run.page import export_body
from oaflib.series import Kind, Series
from oaflib.sources.extract import extract
from oaflib.window import calendar_day

DAY = calendar_day(published.DAY, published.ZONE)
HEAVY = 1_500_000
LIGHT = 300_000


def numbers(text: str) -> Any:
    return np.frombuffer(base64.b64decode(text), "<f4")


def live(plot: Any, *series: Series) -> Any:
    (picture,) = draw([plot], records_of([*series], DAY), [], Style(interactive=True))
    assert isinstance(picture, Picture), picture
    assert picture.interactive is not None
    return picture.interactive


def times(n: int) -> Any:
    return DAY.start_ns + np.arange(n) * ((DAY.end_ns - DAY.start_ns) // n)


def test_a_trend_tells_where_its_line_breaks_and_where_a_value_holds() -> None:
    value = np.sin(np.arange(6400) / 99)
    value[3200:3300] = np.nan
    steps = np.repeat([1.0, 4.0, 2.0], 10)
    axes = live(
        Trend(),
        Series("D:V", Kind.NUMERIC, "mA", times(6400), value),
        Series("D:S", Kind.NUMERIC, "mA", times(30), steps),
    )["axes"][0]
    noisy, held = axes["series"]
    low = numbers(noisy["low"])
    assert np.isinf(low[321:329]).all()
    assert np.isfinite(low[:320]).all()
    assert noisy["reach"] > 0
    assert held["steps"]
    assert "steps" not in noisy
    assert axes["y"][0] < -1 < 4 < axes["y"][1]
    assert len(axes["grid"]) >= 3


def test_a_map_has_a_byte_for_each_block_and_its_profile_a_number_for_each_element() -> None:
    value = np.add.outer(np.arange(600.0), np.arange(20.0))
    series = Series("D:V", Kind.VECTORNUMERIC, "um", times(600), value)
    above, below = live(Waterfall(element="monitor"), series)["axes"]
    found = above["map"]
    index = np.frombuffer(base64.b64decode(found["index"]), np.uint8)
    index = index.reshape(found["rows"], found["columns"])
    assert (found["rows"], found["elements"], found["element"]) == (20, 20, "monitor")
    assert index[0, 0] == 1
    assert index[-1, -1] == 254
    said = found["low"] + (int(index[7, 100]) - 1) / 253 * (found["high"] - found["low"])
    block = 600 / found["columns"]
    assert said == pytest.approx(7 + 100.5 * block, abs=3.5)
    least, greatest, last = (numbers(one["low"]) for one in below["series"])
    assert least.tolist() == list(range(20))
    assert greatest.tolist() == last.tolist() == list(range(599, 619))


def test_a_profile_has_its_last_vector_over_positions_too() -> None:
    value = np.exp(-(np.linspace(-3, 3, 41) ** 2))
    data = Series("S:DATA", Kind.VECTORNUMERIC, "V", times(3), np.stack([value] * 3))
    where = Series("S:AT", Kind.VECTORNUMERIC, "mm", times(3), np.stack([np.arange(41.0)] * 3))
    (axes,) = live(Profile(("S:DATA",), positions="S:AT"), data, where)["axes"]
    assert axes["across"]["label"] == "S:AT [mm]"
    assert np.nanmax(numbers(axes["series"][0]["low"])) == pytest.approx(1)


def test_blocks_and_numbers_of_any_size_fit() -> None:
    top = float(np.finfo(np.float64).max)
    wide = np.array([[-top, 0.0, top, np.nan]])
    assert map_index(wide, -top, top).tolist() == [[1, 127, 254, 0]]
    assert map_index(np.array([[3.0]]), 3.0, 3.0)[0, 0] > 0
    assert np.isfinite(numbers(packed(np.array([top, -top])))).all()


@pytest.mark.parametrize("light", [True, False], ids=["low-res", "normal"])
def test_pages_of_every_demo_dataset_are_light(tmp_path: Path, light: bool) -> None:
    demo.write_project(tmp_path / "site")
    (tmp_path / "site/config/site.toml").write_text(SITE)
    project = load_project(tmp_path / "site")
    machine = Machine(published.DAY, published.DAY)
    window = calendar_day(published.DAY, demo.ZONE)
    weights: dict[str, int] = {}
    drawn = 0
    for task in project.tasks:
        dataset = project.dataset(task.id)
        records = extract(dataset, window, machine, tmp_path / task.id)
        records, _ = run_computations(dataset.computations, records)
        outcomes = fold(run_checks(dataset.checks or default_checks(records), records), records)
        plots = [*dataset.plots, *default_plots(records, dataset.plots)]
        pictures = draw(plots, records, outcomes, Style(low_res=light, interactive=not light))
        outputs = [published.shown(p.bundle()) for p in pictures if isinstance(p, Picture)]
        drawn += len(outputs)
        notebook = tmp_path / f"{task.id}.ipynb"
        cell = new_code_cell("draw", execution_count=1, outputs=outputs)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
        body = export_body(notebook)
        ids = (dataset.instrument, dataset.name, dataset.title)
        report = published.report(outcomes=outcomes, ids=ids)
        place(report, body, tmp_path / "publish", published.SITE)
        folder = tmp_path / "publish/reports" / dataset.instrument / dataset.name
        page = folder / str(published.DAY)
        files = [page / "index.html", *(page / "figures").glob("*")]
        weights[task.id] = sum(file.stat().st_size for file in files)
    assert drawn > len(weights)
    most = LIGHT if light else HEAVY
    assert {name: size for name, size in weights.items() if size >= most} == {}
