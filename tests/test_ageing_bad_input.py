"""What years of real history are like, from reports on disk through the past to the outcome.

Holes of months, one single day, a unit that changes, a renamed device, a counter that was reset,
a constant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from test_history import publish

from oaflib.checks import run_checks
from oaflib.checks.ageing_calibration import Calibration
from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_spread import Spread
from oaflib.checks.ageing_step import Step
from oaflib.checks.ageing_wear import Wear
from oaflib.config.aliases import read_aliases
from oaflib.config.interventions import read_interventions
from oaflib.history import History, HistoryPast
from oaflib.records import records_of
from oaflib.report import Outcome, Report, Severity, Statistics, read, write
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

LAST = date(2026, 11, 22)
NAME = "BCT.NEW:OFFSET"


def put(root: Path, day: date, value: float, unit: str = "mA", name: str = NAME) -> None:
    """One day's report in the repository."""
    window = calendar_day(day, "Europe/Zurich")
    entry = Statistics(
        name, "NUMERIC", unit, 10, value, value, value, 0.0, value, value, window.start_ns,
        window.end_ns - 1,
    )  # fmt: skip
    publish(root / "publish", Report("BCT", "B1", "", window, window.end, True, (), (entry,)))


def judged(root: Path, check, value: float | None = None, unit: str = "mA") -> Outcome:
    """The outcome of the last day, on the history made from the reports."""
    history = History(root / "history", read_aliases(root))
    if not history.datasets():
        assert history.rebuild(root / "publish") == []
    window = calendar_day(LAST, "Europe/Zurich")
    ledger = read_interventions(root, "Europe/Zurich")
    past = HistoryPast(history, window, ledger, dataset="BCT_B1")
    values = np.empty(0) if value is None else np.full(9, value)
    time = window.start_ns + np.arange(len(values), dtype=np.int64) * 10**9
    series = Series(NAME, Kind.NUMERIC, unit if len(values) else "", time, values)
    (found,) = run_checks([check], records_of([series], window), past)
    assert "itself failed" not in found.reason, found.reason
    made = Report("BCT", "B1", "", window, window.end, True, (found,))
    (again,) = read(write(made)).outcomes
    assert again.forecast == (None if found.forecast is None else dict(found.forecast))
    return found


def days(count: int, ago: int = 1) -> list[date]:
    """`count` days, the last one `ago` days before the last of all."""
    return [LAST - timedelta(days=ago + i) for i in range(count)][::-1]


def scatter(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, count)


def test_a_hole_of_months_is_no_change(tmp_path):
    for day, value in zip(days(40, 200) + days(40), 100 + scatter(80), strict=True):
        put(tmp_path, day, value)
    for check in (Drift(high=120), Step(), Calibration(reference=100.0, percent=2)):
        found = judged(tmp_path, check, 100.0)
        assert found.severity is Severity.OK, found.reason
    assert "over 81 windows" in judged(tmp_path, Drift(high=120), 100.0).reason


def test_a_hole_of_months_after_which_it_is_another_begins_anew(tmp_path):
    values = np.concatenate([np.full(40, 100.0), np.full(40, 130.0)]) + scatter(80)
    for day, value in zip(days(40, 200) + days(40), values, strict=True):
        put(tmp_path, day, value)
    for check in (Drift(high=180), Step()):
        found = judged(tmp_path, check, 130.0)
        assert found.severity is Severity.OK
        assert "a pause of 160 d" in found.reason


def test_a_drift_goes_on_through_a_hole(tmp_path):
    every = days(60, 130) + days(30)
    age = np.array([(day - every[0]).days for day in every])
    for day, value in zip(every, 100 + 0.1 * np.maximum(0, age - 30) + scatter(90), strict=True):
        put(tmp_path, day, value)
    found = judged(tmp_path, Drift(high=140))
    assert found.severity is Severity.WARNING, found.reason
    assert found.forecast["state"] in ("crosses", "cannot tell")


def test_one_single_day(tmp_path):
    put(tmp_path, LAST - timedelta(days=1), 100.0)
    for check in (Drift(high=120), Spread(high=3), Step()):
        found = judged(tmp_path, check)
        assert found.severity is Severity.NOT_APPLICABLE
        assert "1 window of history: too few" in found.reason
    assert judged(tmp_path, Drift(high=120)).forecast["state"] == "cannot tell"
    wear = judged(tmp_path, Wear(budget=1000))
    assert wear.severity is Severity.OK
    assert wear.forecast["state"] == "cannot tell"
    off = judged(tmp_path, Calibration(reference=100.0, percent=1))
    assert off.severity is Severity.OK
    assert "1 window of history: too few to tell a drift" in off.reason


def test_a_unit_that_changes_begins_anew(tmp_path):
    values = 100 + scatter(80)
    for i, day in enumerate(days(80)):
        new = i >= 40
        put(tmp_path, day, values[i] / 1000 if new else values[i], "A" if new else "mA")
    for check in (Drift(high=0.2), Step(), Calibration(reference=0.1, percent=5)):
        found = judged(tmp_path, check, 0.1, "A")
        assert found.severity is Severity.OK, found.reason
        assert "the unit became 'A', was 'mA'" in found.reason
    today = judged(tmp_path, Drift(high=120), 100.0, "mA")  # and today it changed back
    assert today.severity is Severity.NOT_APPLICABLE
    assert "the unit became 'mA', was 'A'" in today.reason


def test_a_renamed_device_keeps_its_years(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/aliases.csv").write_text("Old,New\nBCT.OLD,BCT.NEW\n")
    (tmp_path / "config/interventions.csv").write_text(
        f"Date,Device,Done,By\n{days(100)[20]},BCT.OLD,new cable,jdoe\n"
    )
    values = 100 + scatter(100) + 0.3 * np.maximum(0, np.arange(100) - 50)
    for i, day in enumerate(days(100)):
        put(tmp_path, day, values[i], name="BCT.OLD:OFFSET" if i < 70 else NAME)
    found = judged(tmp_path, Drift(high=130), float(values[-1]))
    assert found.severity is Severity.WARNING
    since = np.datetime64(found.since, "ns").astype("datetime64[D]").astype(object)
    assert abs((since - days(100)[50]).days) < 10, "the onset lies in the days of the old name"
    assert found.forecast["state"] == "crosses"
    (tmp_path / "config/aliases.csv").unlink()
    alone = judged(tmp_path, Drift(high=130), float(values[-1]))
    assert alone.since != found.since


def test_a_counter_that_is_reset_counts_on(tmp_path):
    counter = np.concatenate([np.arange(0, 300, 5), np.arange(0, 200, 5)]).astype(float)
    for day, value in zip(days(100), counter, strict=True):
        put(tmp_path, day, value, "cycles")
    found = judged(tmp_path, Wear(budget=1000), 200.0, "cycles")
    assert found.found == pytest.approx(295 + 200)
    assert found.severity is Severity.OK or found.forecast["state"] == "crosses"
    spent = judged(tmp_path, Wear(budget=400), 200.0, "cycles")
    assert spent.severity is Severity.ALARM
    assert spent.forecast["state"] == "crossed"


@pytest.mark.parametrize("value", [0.0, 5.0, -1e9])
def test_a_constant_is_steady(tmp_path, value):
    for day in days(60):
        put(tmp_path, day, value)
    checks = [Drift(low=-2e9, high=10), Step(), Spread(high=1), Wear(budget=10)]
    for check in [*checks, Calibration(reference=value, absolute=1.0)]:
        found = judged(tmp_path, check, value)
        assert found.severity is Severity.OK, (check.kind, found.reason)
        assert not found.forecast or found.forecast["state"] == "not within horizon"
    beyond = judged(tmp_path, replace(checks[0], high=value - 1, low=None), value)
    assert beyond.severity is Severity.ALARM
    assert beyond.forecast["state"] == "crossed"
