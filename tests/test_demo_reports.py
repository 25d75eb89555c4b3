"""The demo's datasets on its data: what is planted alarms with its word, and nothing else does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from oaflib import demo
from oaflib.checks import default_checks, fold, run_checks
from oaflib.compute.room import run_computations
from oaflib.config.project import check_config, load_project
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Series, Variable
from oaflib.sources.base import Snapshot
from oaflib.sources.extract import extract
from oaflib.study.families import tables_of
from oaflib.study.families.sheet import Family
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
# Where a fault is seen by other checks too: dataset, check and the fault.
CONSEQUENCES = {
    ("BWS_LHC-B1", "signal within the ADC"): "bws-gain",
    ("BWS_LHC-B1", "emittance"): "bws-gain",
    ("BWS_LHC-B2", "emittance"): "bws-empty-slot",
    ("BSRT_LHC-B1", "emittance in stable beams"): "bsrt-lsf",
    ("BLM_LHC-IR7", "all monitors alive"): "blm-stuck",
    ("MACHINE_LHC", "usage"): "bct-silent",
    ("MACHINE_LHC", "front-end status"): "bpm-status",
    ("MACHINE_LHC", "stuck"): "blm-stuck",
    ("MACHINE_LHC", "light left"): "bsrt-light",
}
# Faults that grow: a limit is crossed only some days after they began.
CREEPING = {"bct-ratio", "blm-noise", "bsrt-light"}
# A camera that hung before the first dump of a day leaves nothing to judge.
BLIND = {"TD62.BTVD.623458.B2"}
# What an outcome names instead of the device: what was computed, or a vector of many.
NAMED = {"bct-ratio": "ratio", "bpm-dead": "LHC.BOFSU", "bpm-spikes": "LHC.BOFSU"}
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


Judged = dict[str, tuple[list[Outcome], Family]]


def judge(root: Path, day: date, last: date, folder: Path) -> Judged:
    """Outcomes and family tables of every daily task on `day` of the demo that ends on `last`."""
    project, machine, found = load_project(root), Machine(day, last), {}
    for task in project.tasks:
        if task.schedule != "daily":
            continue
        dataset = project.dataset(task.id)
        window = calendar_day(day, demo.ZONE)
        records = extract(dataset, window, machine, folder / task.id)
        records, troubles = run_computations(dataset.computations, records)
        assert not troubles, task.id
        told = run_checks(dataset.checks or default_checks(records), records)
        told = fold(told, records)
        found[task.id] = told, tables_of(dataset.instrument, records, told)
    return found


def loud(judged: Judged) -> dict[tuple[str, str], list[Outcome]]:
    """What is neither fine nor not applicable, by dataset and check."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for dataset, (entries, _) in judged.items():
        for outcome in entries:
            if outcome.severity not in QUIET:
                found.setdefault((dataset, outcome.check), []).append(outcome)
    return found


def names_device(outcome: Outcome, fault: demo.PlantedFault) -> bool:
    """Whether the outcome is about the device of the fault."""
    wanted = NAMED.get(fault.key, fault.device)
    named = (outcome.device, outcome.variable, *outcome.members)
    return any(text.startswith(wanted) or f" {wanted}" in text for text in named)


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
    assert set(FOUND) == {fault.key for fault in demo.faults() if not fault.slow}
    for fault in demo.faults():
        checks = project.dataset(fault.dataset).checks
        if not fault.slow and checks:
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
    judged = judge(root, date(2026, 11, 5), demo.LAST, tmp_path)
    assert all(entries for entries, _ in judged.values())
    assert loud(judged) == {}
    assert rows(judged, "BPM_LHC", "Monitors unlike the others") == []
    assert rows(judged, "BLM_LHC-IR7", "Monitors to look at") == []


def rows(judged: Judged, dataset: str, title: str) -> list[tuple[str, ...]]:
    """The rows of a family's table."""
    return [row for table in judged[dataset][1] if table.title == title for row in table.rows]


@pytest.mark.slow
@pytest.mark.parametrize("last", [demo.LAST, date(2026, 10, 25)], ids=str)
def test_the_last_day_alarms_on_what_is_planted_and_on_nothing_else(root, tmp_path, last):
    judged = judge(root, last, last, tmp_path)
    found = loud(judged)
    planted = [fault for fault in demo.faults(last) if not fault.slow]
    assert set(found) == {(f.dataset, FOUND[f.key]) for f in planted} | set(CONSEQUENCES)
    rest = [o for told in found.values() for o in told if o.severity is not Severity.ALARM]
    assert {o.device for o in rest} <= BLIND, rest
    for fault in planted:
        told = [o for o in found[fault.dataset, FOUND[fault.key]] if o not in rest]
        assert told, fault.key
        assert [o.fault for o in told] == [fault.fault] * len(told), fault.key
        assert all(names_device(outcome, fault) for outcome in told), (fault.key, told)
    monitors = rows(judged, "BPM_LHC", "Monitors unlike the others")
    assert [row[0] for row in monitors] == ["BPM.16L3.B1", "BPM.27R7.B2"]
    assert [row[2] for row in monitors] == ["exactly zero", "spiking"]


@pytest.mark.slow
@pytest.mark.parametrize("back", [1, 4, 12])
def test_a_day_before_alarms_on_what_had_begun_and_on_nothing_else(root, tmp_path, back):
    day = demo.LAST - timedelta(days=back)
    found = loud(judge(root, day, demo.LAST, tmp_path))
    begun = {f.key: f for f in demo.faults() if f.on(day) and not f.slow}
    may = {(f.dataset, FOUND[f.key]): f for f in begun.values()}
    may |= {where: begun[key] for where, key in CONSEQUENCES.items() if key in begun}
    assert set(found) <= set(may)
    for key, fault in begun.items():
        told = found.get((fault.dataset, FOUND[key]), [])
        assert all(o.fault is fault.fault and names_device(o, fault) for o in told), key
        if key not in CREEPING:
            assert [o.severity for o in told] == [Severity.ALARM] * len(told) != [], key


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
