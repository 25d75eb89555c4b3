"""Two instruments day by day: their calibration curves are kept, judged, and begin anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_ageing import DAY, NAME, TODAY, Past, day_of, noise, trend

from oaflib.checks import curves_of, run_checks
from oaflib.checks.ageing_calibration import Calibration
from oaflib.checks.range import Range
from oaflib.config.interventions import Intervention
from oaflib.records import records_of
from oaflib.report import Outcome, Severity
from oaflib.series import Kind, Series
from oaflib.trend import Trend, curve_names

REF = "REF:V"
NAMES = curve_names(NAME, REF)
CHECK = Calibration(variables=(NAME,), reference=REF, percent=20)
N = 150


def day(name: str, values, unit: str = "mA") -> Series:
    time = TODAY.start_ns + np.arange(len(values)) * (DAY // (len(values) + 1))
    return Series(name, Kind.NUMERIC, unit, time, np.asarray(values, float))


def judged(*trends: Trend, done=(), check: Calibration = CHECK) -> Outcome:
    empty = [day(name, []) for name in (REF, NAME)]
    (found,) = run_checks([check], records_of(empty, TODAY), Past(*trends, done=done))
    assert "itself failed" not in found.reason, found.reason
    return found


def past(gain=1.0, offset=0.0, seed: int = 1) -> list[Trend]:
    """The means of both, `N` days; the reference varies."""
    reference = 50 + 20 * np.sin(np.arange(N) / 5)
    reading = 3 + offset + 2 * gain * reference + noise(N, seed, size=0.1)
    return [trend(reading), trend(reference, REF)]


def test_a_days_curve_becomes_three_variables():
    x = np.linspace(10, 20, 200)
    records = records_of([day(REF, x), day(NAME, 2 * x + 1)], TODAY)
    found = {one.variable: one for one in curves_of([CHECK, Range(high=1)], records)}
    assert set(found) == set(NAMES.values())
    assert found[f"{NAME} against {REF}.slope"].mean == pytest.approx(2)
    assert found[NAMES["offset"]].mean == pytest.approx(1)
    assert found[NAMES["offset"]].unit == "mA"
    assert found[NAMES["residual"]].mean == pytest.approx(0, abs=1e-9)
    assert all(one.count == 1 for one in found.values())


def test_no_curve_is_kept_where_there_is_none():
    x = np.linspace(10, 20, 200)
    steady = records_of([day(REF, np.full(9, 4.0)), day(NAME, np.full(9, 8.0))], TODAY)
    assert {one.variable for one in curves_of([CHECK], steady)} == {
        NAMES["slope"],
        NAMES["residual"],
    }
    for other in (day(NAME, []), day(NAME, x, "A"), day(NAME, np.full(200, np.nan))):
        assert curves_of([CHECK], records_of([day(REF, x), other], TODAY)) == []
    assert curves_of([CHECK], records_of([day(NAME, x)], TODAY)) == []
    assert curves_of([Calibration(reference=1.0)], records_of([day(NAME, x)], TODAY)) == []


def test_a_residual_that_grows_is_told_though_the_means_agree():
    residual = 0.1 + 0.005 * noise(N, 3)
    residual[90:] += 0.004 * np.arange(60)
    found = judged(*past(), trend(residual, NAMES["residual"]))
    assert found.severity is Severity.WARNING
    assert "its residual went from" in found.reason
    assert abs((found.since - day_of(60)) / DAY) < 12
    shrunk = residual[::-1].copy()
    assert judged(*past(), trend(shrunk, NAMES["residual"])).severity is Severity.OK


def test_slope_and_offset_have_trends_of_their_own():
    slope = 2 + 0.001 * noise(N, 4)
    slope[80:] += 0.0005 * np.arange(70)
    offset = 3 + 0.1 * noise(N, 5)
    found = judged(*past(), trend(slope, NAMES["slope"]), trend(offset, NAMES["offset"]))
    assert found.severity is Severity.WARNING
    assert "its slope went from" in found.reason
    assert "its offset" not in found.reason
    steady = trend(2 + 0.001 * noise(N, 4), NAMES["slope"])
    assert judged(*past(), steady, trend(offset, NAMES["offset"])).severity is Severity.OK


def test_a_recalibration_begins_anew_with_and_without_the_ledger():
    gain = np.ones(N)
    gain[60:110] += 0.004 * np.arange(50)  # it drifts, and is set right again
    slope = trend(2 * gain + 0.001 * noise(N, 4), NAMES["slope"])
    unwritten = judged(*past(gain), slope)
    assert unwritten.severity is Severity.OK, unwritten.reason
    assert "recalibrated, by its looks" in unwritten.reason
    done = (Intervention(day_of(40), "DEV", "recalibrated", "asmith"),)
    written = judged(*past(gain), slope, done=done)
    assert written.severity is Severity.OK, written.reason
    assert "recalibrated by asmith" in written.reason
    other = gain.copy()
    other[110:] = 0.8  # to another gain than ever before
    slope = trend(2 * other + 0.001 * noise(N, 4), NAMES["slope"])
    assert judged(*past(other), slope).severity is not Severity.OK
    fresh = judged(*past(other), slope, done=done)
    assert fresh.severity is Severity.OK, fresh.reason


def test_a_constant_has_its_reference_and_its_own_past():
    """Within what its reference allows, but creeping from what it was itself."""
    values = 101 + noise(N, size=0.05)
    check = Calibration(reference=100.0, percent=10.0)
    (steady,) = run_checks([check], records_of([day(NAME, [])], TODAY), Past(trend(values)))
    assert steady.severity is Severity.OK
    assert "1 mA off" in steady.reason or "off its reference" in steady.reason
    crept = values.copy()
    crept[90:] += 0.05 * np.arange(60)
    (found,) = run_checks([check], records_of([day(NAME, [])], TODAY), Past(trend(crept)))
    assert found.severity is Severity.WARNING
    assert "drifting since" in found.reason
    far = replace(check, percent=0.5)
    (off,) = run_checks([far], records_of([day(NAME, [])], TODAY), Past(trend(values)))
    assert off.severity is Severity.ALARM
    assert off.forecast["state"] == "crossed"
