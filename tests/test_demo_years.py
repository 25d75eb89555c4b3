"""The demo's years: what wears is found with its word and its date, and nothing else is."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from test_demo_reports import SITE

import oaflib as oaf
from oaflib import demo
from oaflib.config.interventions import read_interventions
from oaflib.config.project import Project, load_project
from oaflib.demo import bct, slow
from oaflib.history import History
from oaflib.plots import Style
from oaflib.plots.picture import Picture
from oaflib.report import Outcome, Severity
from oaflib.study.curves import curves_of, departure_of
from oaflib.study.recalled import Recalled
from oaflib.study.study import Study, open_study
from oaflib.study.views import unbroken
from oaflib.study.words import history_of
from oaflib.study.years import pictures, signed, view_of
from oaflib.window import instant, moment, of_rule

END = datetime.combine(demo.LAST + timedelta(days=1), time(), UTC)
WEEKLY = {
    *("BWS_ageing", "BPM_ageing", "BLM_ageing", "BSRT_ageing"),
    *("BSRT_calibration", "BCT_calibration"),
}
# What the slow faults are called by the weekly datasets, and when their limits are truly crossed.
FOUND = {
    "bws-ageing": ("BWS_ageing", "photomultiplier", (1 - 1700 / 2380) / slow.TUBE_LOSS),
    "bws-wear": ("BWS_ageing", "wire", None),
    "bsrt-mirror": ("BSRT_ageing", "mirror", 20 / slow.MIRROR_LOSS),
    "bct-offset": ("BCT_calibration", "offset", 3e9 / slow.OFFSET_CREEP),
    "blm-offset": ("BLM_ageing", "offset", (30 - 15.996) / slow.MONITOR_CREEP),
    "bpm-channel": ("BPM_ageing", "channel gain", 0.1 / slow.CHANNEL_LOSS),
}
# Faults of the last days that the years show too: dataset, check and device.
CONSEQUENCES = {
    ("BLM_ageing", "noise", "BLMQI.07L7.B1E10_MQ"): "blm-noise",
    ("BSRT_ageing", "mirror", "LHC.BSRT.5L4.B2"): "bsrt-light",
    ("BCT_calibration", "B against A, beam 1", "LHC.BCTDC.B6R4.B1"): "bct-ratio",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("years")
    demo.write_project(root)
    (root / "config/site.toml").write_text(SITE)
    path = root / "spreadsheet.csv.gz"
    path.write_bytes(demo.years())
    loaded = load_project(root)
    history_of(loaded).import_file(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OAF_ROOT", str(root))
        yield loaded


def study_of(project: Project, dataset: str) -> Study:
    (task,) = [task for task in project.tasks if task.id == dataset]
    window = of_rule(task.window, END, demo.ZONE)
    return open_study(dataset, instant(window.start), instant(window.end))


@pytest.fixture(scope="module")
def judged(project: Project) -> dict[str, tuple[Study, Recalled, list[Outcome]]]:
    found = {}
    for task in project.tasks:
        if task.schedule == "weekly":
            study = study_of(project, task.id)
            records = oaf.recall(study)
            found[task.id] = study, records, list(oaf.check(study, records))
    return found


def test_the_weekly_rows_are_in_the_task_table(project):
    weekly = [task for task in project.tasks if task.schedule == "weekly"]
    assert {task.id for task in weekly} == WEEKLY
    assert {task.window for task in weekly} == {"last 7d"}
    assert all(task.template == task.dataset for task in weekly)


def test_what_wears_is_found_and_nothing_else(judged):
    loud = {
        (dataset, outcome.check, outcome.device): outcome
        for dataset, (_, _, outcomes) in judged.items()
        for outcome in outcomes
        if outcome.severity not in (Severity.OK, Severity.NOT_APPLICABLE)
    }
    rest = {key: outcome for key, outcome in loud.items() if key not in CONSEQUENCES}
    assert set(loud) - set(rest) == set(CONSEQUENCES)
    planted = {fault.key: fault for fault in demo.faults() if fault.slow}
    assert set(planted) == set(FOUND)
    named = {}
    for key, (dataset, check, truth) in FOUND.items():
        fault = planted[key]
        assert fault.dataset == dataset
        mine = [o for (d, c, _), o in rest.items() if (d, c) == (dataset, check)]
        (outcome,) = mine
        named[key] = outcome
        assert outcome.device.startswith(fault.device), key
        assert outcome.fault is fault.fault, key
        said = outcome.forecast
        assert said["state"] == "crosses", key
        if truth is not None:
            crossing = slow.SINCE[key] + timedelta(days=truth)
            earliest, latest = (date.fromisoformat(said[w]) for w in ("earliest", "latest"))
            assert earliest <= crossing <= latest, key
            begun = moment(outcome.since).date() - slow.SINCE[key]
            assert timedelta(0) <= begun < timedelta(days=400), key
    assert len(rest) == len(named)
    assert named["bpm-channel"].members[0].endswith(f"[{slow.FADING_CHANNEL}]")


def test_a_page_begins_with_what_crosses_first(judged):
    study, records, outcomes = judged["BWS_ageing"]
    (table,) = oaf.devices(study, records, outcomes)
    assert [row[0] for row in table.rows[:2]] == ["LHC.BWS.5R4.B1H1 scans", "LHC.BWS.5L4.B2H1 peak"]
    assert table.rows[0][1:3] == ("WARNING", _kept("15 Mar 2027", "(31 Jan", "to 7 May 2027)"))
    assert {row[1] for row in table.rows[2:]} == {"OK"}
    assert "power law of age" in table.note
    year = table.head.index("a year")
    assert -600 < float(table.rows[1][year].replace("−", "-")) < -560  # 2 % a month of 2,380


def _kept(*lines: str) -> str:
    """Lines of a cell, each unbroken."""
    return " ".join(line.replace(" ", "\N{NO-BREAK SPACE}") for line in lines)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (-0.109, "−0.109"),
        (2403.4, "+2,403"),
        (-1.19e-5, "−1.19×10⁻⁵"),
        (3.5e9, "+3.5×10⁹"),
    ],
)
def test_a_change_is_written_with_its_sign(value: float, words: str) -> None:
    assert signed(value) == words


def test_a_range_breaks_before_its_to_and_nowhere_else() -> None:
    assert unbroken("+2,284 to +2,541") == _kept("+2,284", "to +2,541")


def test_its_pictures_are_the_findings_the_worst_first(judged):
    study, records, outcomes = judged["BPM_ageing"]
    first, second, *rest = pictures(study, records, outcomes, Style())
    assert isinstance(first, Picture)
    assert first.title == f"LHC.BPM.SR7.CRATE:CHANNEL_GAIN[{slow.FADING_CHANNEL}]"
    assert (second.kind, len(rest)) == ("elements", 2)
    assert f"element {slow.FADING_CHANNEL}" in second.alt


def test_interventions_begin_a_period_and_are_marked(judged):
    study, records, outcomes = judged["BSRT_ageing"]
    drawn = [p for p in pictures(study, records, outcomes, Style()) if "5R4" in p.title]
    assert b"extraction mirror changed by bsr-expert (2026-06-25)" in drawn[0].data
    (mirror,) = [o for o in outcomes if o.device == slow.AGEING_MIRROR]
    assert moment(mirror.since).date() > date(2026, 6, 25)


def test_the_ledger_of_the_demo_is_that_of_its_generators(project):
    ledger = read_interventions(project.root, demo.ZONE)
    done = {(entry.device, entry.day) for entry in ledger}
    for key, device in (("bsrt-mirror", slow.AGEING_MIRROR), ("bct-offset", slow.CREEPING_OFFSET)):
        assert (device, str(slow.SINCE[key])) in done


def test_the_spreadsheet_is_what_the_generators_say(tmp_path):
    text = gzip.decompress(demo.years()).decode()
    assert text == gzip.decompress(demo.years()).decode()
    (tmp_path / "years.csv").write_text(text)
    history = History(tmp_path / "history")
    assert history.import_file(tmp_path / "years.csv") > 40_000
    today = {entry.name: entry for entry in demo.generate(demo.LAST)}
    for name in ("LHC.BSRT.5R4.B1:LIGHT_YIELD", "BLMQI.08L7.B1I10_MQ:OFFSET"):
        late = history.trend(name).mean[-5:].mean()
        assert abs(today[name].value.mean() / late - 1) < 0.02, name
    gains = history.trend(f"{slow.FADING_CRATE}:CHANNEL_GAIN")
    logged = today[f"{slow.FADING_CRATE}:CHANNEL_GAIN"].value[0]
    assert np.abs(gains.elements[-1] - logged).max() < 0.02
    peak = np.mean([scan.max() for scan in today["LHC.BWS.5L4.B2H1:PROF_DATA_IN"].value])
    assert abs(peak / history.trend("LHC.BWS.5L4.B2H1 peak").mean[-5:].mean() - 1) < 0.02


def test_a_return_to_the_reference_is_called_a_recalibration(judged):
    study, records, outcomes = judged["BCT_calibration"]
    (reset,) = [
        o for o in outcomes if o.device.startswith(slow.RESET_OFFSET) and o.check == "offset"
    ]
    assert reset.severity is Severity.OK
    assert "since it was recalibrated, by its looks (2026-08-19)" in reset.reason
    (check,) = [check for check in study.dataset.checks if check.label == "offset"]
    view = view_of(reset, check, records)
    assert [(one.done, one.by) for one in view.done] == [("recalibrated, by its looks", "")]
    assert str(moment(view.done[0].time))[:10] == "2026-08-19"


def test_two_instruments_are_a_curve_day_by_day(judged):
    study, records, outcomes = judged["BCT_calibration"]
    drawn = list(pictures(study, records, outcomes, Style()))
    title = "LHC.BCTDC.B6R4.B1 against LHC.BCTDC.A6R4.B1"
    assert [picture.kind for picture in drawn if picture.title == title] == ["years", "curves"]
    (curve,) = [p for p in drawn if p.kind == "curves" and p.title == title]
    assert all(part in curve.alt for part in ("slope", "offset", "residual"))
    first, second = "LHC.BCTDC.B6R4.B2:BEAM_INTENSITY", "LHC.BCTDC.A6R4.B2:BEAM_INTENSITY"
    departure = departure_of(records.past, first, second)
    assert len(departure) == len(records.past.trend(first))
    assert np.abs(departure.mean).max() < 0.002 * 2.1e14
    slope = curves_of(records.past, first, second)["slope"]
    assert np.abs(slope.mean - bct_gain(first) / bct_gain(second)).max() < 0.01


def bct_gain(name: str) -> float:
    return bct.gain(name.partition(":")[0])
