"""The demo's datasets on its data: what is planted alarms with its word, and nothing else does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from oaflib import demo
from oaflib.checks import default_checks, run_checks
from oaflib.compute.room import run_computations
from oaflib.config.project import check_config, load_project
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Series, Variable
from oaflib.sources.base import Snapshot
from oaflib.sources.extract import extract
from oaflib.window import Window, calendar_day

QUIET = (Severity.OK, Severity.NOT_APPLICABLE)
SITE = """
title = "Demo"
zone = "Europe/Zurich"

[mail]
domain = "example.org"

[sources.LDB]
kind = "embedded"
folder = "runs/store"
"""
# Where a fault has consequences in other checks: dataset, check.
CONSEQUENCES = {
    ("BWS_LHC-B1", "signal within the ADC"),
    ("BWS_LHC-B1", "emittance"),
    ("BWS_LHC-B2", "signal within the ADC"),
    ("BWS_LHC-B2", "emittance"),
    ("BSRT_LHC-B1", "emittance in stable beams"),
    ("BLM_LHC-IR7", "all monitors alive"),
    ("BWS_PS", "signal within the ADC"),
    ("BWS_PS", "emittance"),
}
FOUND = {
    "bct-silent": "usage",
    "bct-zero": "beam seen",
    "bct-ratio": "A and B agree",
    "bws-unused": "usage",
    "bws-unused-psb": "usage",
    "bws-both-wires": "one wire, horizontal",
    "bws-gain": "gain as agreed",
    "bws-empty-slot": "signal within the ADC",
    "bws-over": "scans a wire bears",
    "bpm-dead": "monitors alive",
    "bpm-spikes": "orbit",
    "bpm-status": "front-end status",
    "blm-stuck": "stuck",
    "blm-noise": "noise of a monitor",
    "bsrt-lsf": "horizontal correction",
    "bsrt-unit": "unit",
    "bsrt-light": "light left",
    "btv-missing": "every dump of beam 2 seen",
    "btv-stripe": "camera",
}


class Machine:
    """The demo machine as a source, one day of it in memory."""

    def __init__(self, day: date, last: date) -> None:
        self.pieces: dict[str, list[Series]] = {}
        for series in demo.generate(day, last):
            self.pieces.setdefault(series.name, []).append(series)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def find(self, pattern: str) -> list[Variable]:
        whole = re.compile(".*".join(re.escape(part) for part in pattern.split("%")))
        found = [pieces[-1] for name, pieces in self.pieces.items() if whole.fullmatch(name)]
        variables = [Variable(entry.name, entry.kind, entry.unit, entry.title) for entry in found]
        return sorted(variables, key=lambda variable: variable.name)

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        return {v.name: sum(len(piece) for piece in self.pieces[v.name]) for v in variables}

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        for variable in variables:
            yield from self.pieces[variable.name]

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        return [
            Snapshot(query.name, query.variables, query.description)
            for query in demo.snapshots()
            if query.name == pattern
        ]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    demo.write_project(folder)
    (folder / "config/site.toml").write_text(SITE)
    return folder


def outcomes(root: Path, day: date, last: date, folder: Path) -> dict[str, list[Outcome]]:
    """The outcomes of every task on `day` of the demo that ends on `last`, by dataset."""
    project, machine, found = load_project(root), Machine(day, last), {}
    for task in project.tasks:
        dataset = project.dataset(task.id)
        window = calendar_day(day, demo.ZONE)
        records = extract(dataset, window, machine, folder / task.id)
        records, troubles = run_computations(dataset.computations, records)
        assert not troubles, task.id
        found[task.id] = run_checks(dataset.checks or default_checks(records), records)
    return found


def test_the_configuration_has_no_mistake(root):
    assert check_config(root) == []


def test_tasks_name_every_dataset_and_some_have_only_a_snapshot(root):
    texts = demo.project_files()
    rows = list(csv.DictReader(io.StringIO(texts["config/tasks.csv"].decode())))
    assert ",".join(rows[0]).startswith("Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode")
    tasks = {f"{row['Instrument']}_{row['DataSet']}" for row in rows}
    files = {Path(name).stem for name in texts if name.startswith("config/datasets/")}
    assert files <= tasks
    saved = {query.name for query in demo.snapshots()}
    assert tasks - files == {"BCT_SPS", "BWS_PSB-R3"}
    assert {f"BI_{name}" for name in tasks - files} <= saved
    assert {row["Source"] for row in rows} == {"LDB"}


def test_the_datasets_have_the_checks_that_the_faults_expect(root):
    project = load_project(root)
    assert set(FOUND) == {fault.key for fault in demo.faults() if fault.check != "history"}
    for fault in demo.faults():
        checks = project.dataset(fault.dataset).checks
        if fault.check != "history" and checks:
            kinds = {check.label: check.kind for check in checks}
            assert kinds[FOUND[fault.key]] == fault.check, fault.key


def test_a_newcomers_file_is_never_overwritten(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/tasks.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"tasks\.csv is there already"):
        demo.write_project(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["tasks.csv"]


@pytest.mark.slow
def test_a_healthy_day_is_quiet(root, tmp_path):
    for dataset, judged in outcomes(root, date(2026, 11, 5), demo.LAST, tmp_path).items():
        assert judged, dataset
        loud = [(o.check, o.variable, o.reason) for o in judged if o.severity not in QUIET]
        assert not loud, dataset


@pytest.mark.slow
@pytest.mark.parametrize("last", [demo.LAST, date(2026, 10, 25)], ids=str)
def test_the_last_day_alarms_on_what_is_planted_and_on_nothing_else(root, tmp_path, last):
    judged = outcomes(root, last, last, tmp_path)
    expected = set(CONSEQUENCES)
    for fault in demo.faults():
        if fault.check == "history":
            continue  # under the noise of a day
        check = FOUND[fault.key]
        expected.add((fault.dataset, check))
        alarms = [
            o.fault
            for o in judged[fault.dataset]
            if o.check == check and o.severity is Severity.ALARM
        ]
        assert fault.fault in alarms, fault.key
    loud = {
        (dataset, outcome.check)
        for dataset, entries in judged.items()
        for outcome in entries
        if outcome.severity not in QUIET
    }
    assert loud == expected


def test_the_manual_tells_every_planted_fault():
    manual = (Path(__file__).parents[1] / "docs/demo-machine.md").read_text("utf-8")
    lines = [
        line for line in manual.splitlines() if line.startswith(tuple(f"| {f} " for f in Fault))
    ]
    rows = {line.split("`")[3]: line for line in lines}
    for fault in demo.faults():
        assert fault.key in rows, fault.key
        row = [cell.strip() for cell in rows[fault.key].strip("|").split("|")]
        back = (demo.LAST - fault.first).days
        assert row[:4] == [str(fault.fault), fault.dataset, f"`{fault.device}`", str(back)]
