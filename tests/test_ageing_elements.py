"""Drift, step and spread of a vector's elements: one outcome, the worst element named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_ageing import DAY, NAME, TODAY, Past, noise, trend

from oaflib.checks import run_checks
from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_spread import Spread
from oaflib.checks.ageing_step import Step
from oaflib.records import records_of
from oaflib.report import Outcome, Severity
from oaflib.series import Kind, Series

DAYS, WIDE = 120, 40


def rows(level: float = 10.0, size: float = 0.1, seed: int = 5) -> np.ndarray:
    return level + noise(DAYS * WIDE, seed, size).reshape(DAYS, WIDE)


def judged(check, elements=None, spreads=None, today=None) -> Outcome:
    made = replace(trend(100 + noise(DAYS)), elements=elements, spreads=spreads)
    value = np.empty((0, WIDE)) if today is None else today
    time = TODAY.start_ns + np.arange(len(value)) * DAY // 10
    vector = Series(NAME, Kind.VECTORNUMERIC, "mA", time, value)
    (found,) = run_checks([check], records_of([vector], TODAY), Past(made))
    assert "itself failed" not in found.reason, found.reason
    return found


def test_elements_that_drift_are_members_of_one_outcome():
    elements = rows()
    elements[60:, 4] += 0.05 * np.arange(60)
    elements[60:, 17] += 0.02 * np.arange(60)
    elements[:, 2] = np.nan
    found = judged(Drift(high=20), elements)
    assert found.severity is Severity.WARNING
    assert found.members == (f"{NAME}[4]", f"{NAME}[17]")
    assert found.reason.startswith("element 4: ")
    assert "2 of 39 elements: 4, 17" in found.reason
    assert found.forecast["state"] == "crosses"
    assert abs((found.since - TODAY.start_ns) / DAY + 60) < 12


def test_one_cause_of_all_elements_is_said_once():
    elements = rows()
    elements[80:] += 5
    found = judged(Step(), elements)
    assert found.severity is Severity.ALARM
    assert len(found.members) == WIDE
    assert f"all {WIDE} elements" in found.reason
    assert found.since == TODAY.start_ns - 40 * DAY + DAY // 2
    assert judged(Drift(), elements).severity is Severity.OK


def test_an_element_that_grows_noisy_is_named():
    spreads = np.abs(rows(1.0, 0.05))
    spreads[70:, 33] += 0.03 * np.arange(50)
    spreads[:, 0] = 0.0  # a dead element has no spread, and no trend of it
    found = judged(Spread(high=4.0), rows(), spreads)
    assert found.severity is Severity.WARNING
    assert found.members == (f"{NAME}[33]",)
    assert found.reason.startswith("element 33: ")
    assert found.forecast["state"] == "crosses"


def test_today_counts_for_elements_too():
    elements = rows()
    elements[-4:, 7] += 15
    high = Drift(high=20)
    assert judged(high, elements).severity is Severity.ALARM
    back = np.full((5, WIDE), 10.0)
    elements[-4:-2, 7] -= 15
    assert judged(high, elements, today=back).severity is Severity.OK
    wider = np.full((5, WIDE + 2), 10.0)  # the device has more elements now
    assert judged(high, rows(), today=wider).severity is Severity.OK


@pytest.mark.parametrize("check", [Drift(high=20), Step(), Spread(high=3)])
def test_steady_elements_are_quiet(check):
    quiet = judged(check, rows(), np.abs(rows(1.0, 0.05, 9)))
    assert quiet.severity is Severity.OK
    assert f"{WIDE} elements, the most suspect" in quiet.reason
    assert not quiet.members


def test_thousands_of_elements_cost_little_and_lose_none():
    rng = np.random.default_rng(8)
    elements = 10 + rng.normal(0, 0.1, (365, 3000))
    elements[200:, 2999] += 0.05 * np.arange(165)
    made = replace(trend(100 + noise(365)), elements=elements)
    vector = Series(NAME, Kind.VECTORNUMERIC, "mA", np.empty(0, np.int64), np.empty((0, 3000)))
    (found,) = run_checks([Drift()], records_of([vector], TODAY), Past(made))
    assert found.members == (f"{NAME}[2999]",)
