"""Checks on history: drift, step, wear, spread, calibration; their forecasts and bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oaflib.checks import run_checks
from oaflib.checks.ageing import told
from oaflib.checks.ageing_calibration import Calibration
from oaflib.checks.ageing_curve import curve_of
from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_forecast import Quest, forecast, slope_of
from oaflib.checks.ageing_rank import worst_first
from oaflib.checks.ageing_shift import departure, steps
from oaflib.checks.ageing_spread import Spread
from oaflib.checks.ageing_step import Step
from oaflib.checks.ageing_wear import Wear
from oaflib.checks.range import Range
from oaflib.config.build import build
from oaflib.config.interventions import Intervention
from oaflib.errors import ConfigurationError
from oaflib.records import Entry, Records, State, records_of
from oaflib.report import Fault, Outcome, Report, Severity, plain, read, write
from oaflib.series import Kind, Series, Variable
from oaflib.trend import DAY, Trend, trend_of
from oaflib.window import calendar_day

TODAY = calendar_day(date(2026, 11, 22))
NAME = "DEV:V"
KEYS = {"state", "date", "earliest", "latest", "coverage", "horizon_days", "method", "note"}
STATES = {"crosses", "not within horizon", "cannot tell", "crossed"}


class Past:
    """A past of made trends, by name."""

    def __init__(self, *trends: Trend, done: tuple[Intervention, ...] = ()) -> None:
        self.trends = {trend.variable: trend for trend in trends}
        self.done = done

    def trend(self, variable: str) -> Trend:
        return self.trends.get(variable) or trend_of(variable, np.empty(0, int), np.empty(0))

    def statistics(self, variable: str) -> list:
        return []

    def interventions(self, variable: str) -> tuple[Intervention, ...]:
        return tuple(entry for entry in self.done if entry.concerns(variable))


def trend(values, name: str = NAME, unit: str = "mA", every: float = 1.0) -> Trend:
    """Days of values that end the day before the window."""
    n = len(values)
    time = TODAY.start_ns - ((n - np.arange(n)) * every * DAY).astype(np.int64)
    made = trend_of(name, time, np.asarray(values, float), unit)
    return replace(made, end=time + np.int64(every * DAY))


def noise(n: int, seed: int = 1, size: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, n)


def judged(check, *trends: Trend, today=None, done=(), name: str = NAME) -> Outcome:
    series = [] if today is None else [today]
    if not any(one.name == name for one in series):
        series.append(Series(name, Kind.NUMERIC, "mA", np.empty(0, np.int64), np.empty(0)))
    (found,) = run_checks([check], records_of(series, TODAY), Past(*trends, done=done))
    assert "itself failed" not in found.reason, found.reason
    if found.forecast is not None:
        assert set(found.forecast) == KEYS
        assert found.forecast["state"] in STATES
        json.dumps(plain(found.forecast), allow_nan=False)
    return found


def day_of(days_ago: float) -> int:
    return TODAY.start_ns - int(days_ago * DAY)


def test_a_steady_reading_is_steady():
    found = judged(Drift(high=200), trend(100 + noise(300)))
    assert found.severity is Severity.OK
    assert found.forecast["state"] == "not within horizon"
    assert found.since is None


def test_a_drift_is_found_with_its_onset_and_slope():
    values = 100 + noise(300)
    values[200:] += 0.4 * np.arange(100)
    found = judged(Drift(high=180), trend(values))
    assert found.severity is Severity.WARNING
    assert abs((found.since - day_of(100)) / DAY) < 12
    assert found.found == pytest.approx(0.4, rel=0.15)
    assert found.unit == "mA/d"
    said = found.forecast
    assert said["state"] == "crosses"
    truth = date(2026, 11, 22) + timedelta(days=100)
    assert said["earliest"] <= truth.isoformat() <= said["latest"]
    assert "drifting since" in found.reason


def test_a_crossed_limit_is_a_violation():
    values = 100 + noise(100) + np.maximum(0, np.arange(100) - 40)
    found = judged(Drift(high=140), trend(values))
    assert found.severity is Severity.ALARM
    assert found.forecast["state"] == "crossed"
    assert found.forecast["date"] == (date(2026, 11, 22) - timedelta(days=20)).isoformat()
    assert judged(Drift(high=140, severity="warning"), trend(values)).severity is Severity.WARNING


def test_an_intervention_starts_anew():
    values = np.concatenate([100 + 0.5 * np.arange(100), 100 + noise(60)])
    done = (Intervention(day_of(60), "DEV", "new tube", "jdoe"),)
    found = judged(Drift(high=200), trend(values), done=done)
    assert found.severity is Severity.OK
    assert "new tube by jdoe" in found.reason
    assert judged(Step(), trend(values)).severity is Severity.OK  # back at the baseline
    fresh = (Intervention(day_of(3), "DEV", "new tube"),)
    assert judged(Drift(), trend(values), done=fresh).severity is Severity.NOT_APPLICABLE


def test_a_step_is_no_drift_and_a_drift_no_step():
    jumped = 100 + noise(200)
    jumped[120:] += 20
    found = judged(Step(), trend(jumped))
    assert found.severity is Severity.ALARM
    assert found.since == day_of(80) + DAY // 2
    assert judged(Drift(), trend(jumped)).severity is Severity.OK
    crept = 100 + noise(200) + 0.2 * np.arange(200)
    assert judged(Step(), trend(crept)).severity is Severity.OK


def test_spikes_are_neither():
    values = 100 + noise(200)
    values[[20, 77, 78, 140, 198]] += 500
    assert judged(Step(), trend(values)).severity is Severity.OK
    assert judged(Drift(), trend(values)).severity is Severity.OK


def test_a_spread_that_grows():
    made = trend(100 + noise(200))
    std = 1 + 0.05 * noise(200, 3) + np.maximum(0, np.arange(200) - 120) * 0.02
    found = judged(Spread(high=4.0), replace(made, std=std))
    assert found.severity is Severity.WARNING
    assert found.forecast["state"] == "crosses"
    assert judged(Spread(), replace(made, std=np.ones(200))).severity is Severity.OK


def test_wear_counts_on_over_a_reset_of_the_counter():
    counter = np.concatenate([np.arange(0, 500, 5), np.arange(0, 250, 5)]).astype(float)
    found = judged(Wear(budget=1000), trend(counter))
    assert found.found == 495 + 245
    assert found.forecast["state"] == "crosses"
    crossing = date.fromisoformat(found.forecast["date"])
    assert abs((crossing - date(2026, 11, 22)).days - 52) < 25
    spent = judged(Wear(budget=700), trend(counter))
    assert spent.severity is Severity.ALARM
    assert spent.since is not None
    assert judged(Wear(budget=800), trend(counter)).severity is Severity.WARNING


def test_wear_by_operations_begins_anew_with_an_intervention():
    made = replace(trend(noise(100)), count=np.full(100, 20))
    done = (Intervention(day_of(10), "DEV", "new wire"),)
    assert judged(Wear(budget=3000, count="samples"), made).found == 2000
    assert judged(Wear(budget=3000, count="samples", used=500), made).found == 2500
    assert judged(Wear(budget=3000, count="samples", used=500), made, done=done).found == 200


def test_todays_samples_are_the_last_point():
    values = np.full(30, 5.0)
    today = Series(NAME, Kind.NUMERIC, "mA", TODAY.start_ns + np.arange(9) * DAY // 10,
                   np.full(9, 50.0))  # fmt: skip
    one = Drift(high=40)
    assert judged(one, trend(values), today=today).forecast["state"] != "crossed"  # one is a spike
    values[-4:] = 50
    assert judged(one, trend(values), today=today).forecast["state"] == "crossed"


@pytest.mark.parametrize("check", [Drift(), Step(), Spread(), Calibration(reference=1.0)])
def test_no_history_is_not_ok(check):
    assert judged(check).severity is Severity.NOT_APPLICABLE
    assert judged(check, trend([1.0, 1.0])).severity in (Severity.NOT_APPLICABLE, Severity.OK)
    if not isinstance(check, Calibration):
        assert judged(check, trend([1.0])).severity is Severity.NOT_APPLICABLE


def test_one_day_of_history_cannot_tell():
    found = judged(Drift(high=2.0), trend([1.0]))
    assert found.forecast["state"] == "cannot tell"
    assert "too few" in found.forecast["note"]


def test_scatter_that_hides_a_drift_cannot_tell():
    found = judged(Drift(high=130), trend(100 + noise(20, 4, size=10)))
    assert found.forecast["state"] == "cannot tell"
    assert found.forecast["note"]


def test_a_pause_after_which_the_level_is_another_starts_anew():
    values = np.concatenate([100 + noise(60), 130 + noise(60, 2)])
    made = trend(values)
    start = made.start.copy()
    start[:60] -= 90 * DAY
    made = replace(made, start=start, end=start + DAY)
    for check in (Drift(), Step()):
        found = judged(check, made)
        assert found.severity is Severity.OK, check
        assert "pause of 91 d" in found.reason
    same = replace(made, mean=100 + noise(120))
    assert "pause" not in judged(Drift(), same).reason


def test_a_unit_that_changes_starts_anew():
    made = trend(np.concatenate([100 + noise(50), 0.1 + noise(50, 2, 0.001)]))
    units = made.units.copy()
    units[50:] = "A"
    found = judged(Drift(high=1.0), replace(made, units=units, unit="A"))
    assert found.severity is Severity.OK
    assert "the unit became 'A', was 'mA'" in found.reason


def test_a_constant_is_judged_without_a_warning():
    for check in (Drift(high=2), Step(), Spread(high=2), Calibration(reference=1.0, percent=1)):
        made = replace(trend(np.ones(100)), std=np.zeros(100))
        assert judged(check, made).severity is Severity.OK


def test_a_calibration_constant_drifts_and_is_reset():
    ramp = np.concatenate([100 + 0.05 * np.arange(60)] * 3) + noise(180, size=0.05)
    check = Calibration(reference=100.0, percent=5.0)
    found = judged(check, trend(ramp))
    assert found.severity is Severity.WARNING
    assert found.forecast["state"] == "crosses"
    assert "recalibrated, by its looks" in found.reason
    reset = judged(check, trend(np.append(ramp[:120], 100 + noise(20, size=0.05))))
    assert reset.severity is Severity.OK
    off = 100 + noise(180, size=0.05)
    off[170:] += 8
    gone = judged(check, trend(off))
    assert gone.severity is Severity.ALARM
    assert "stepped away" in gone.reason


def test_two_instruments_and_their_curve():
    reference = 50 + 20 * np.sin(np.arange(150) / 5)
    gain = np.where(np.arange(150) < 80, 1.0, 1.0 + 0.002 * (np.arange(150) - 80))
    reading = 3 + 2 * gain * reference + noise(150, size=0.1)
    check = Calibration(variables=(NAME,), reference="REF:V", percent=20)
    empty = Series("REF:V", Kind.NUMERIC, "mA", np.empty(0, np.int64), np.empty(0))
    own = Series(NAME, Kind.NUMERIC, "mA", np.empty(0, np.int64), np.empty(0))
    past = Past(trend(reading), trend(reference, "REF:V"))
    (found,) = run_checks([check], records_of([empty, own], TODAY), past)
    assert found.severity is Severity.WARNING, found.reason
    assert 0 <= (found.since - day_of(70)) / DAY < 60
    assert "(was 2" in found.reason
    (lost,) = run_checks([check], records_of([own], TODAY), past)
    assert lost.severity is Severity.INVALID
    steady = Past(trend(3 + 2 * reference + noise(150, size=0.1)), trend(reference, "REF:V"))
    (fine,) = run_checks([check], records_of([empty, own], TODAY), steady)
    assert fine.severity is Severity.OK


def test_a_curve_of_pairs():
    x = np.linspace(1, 9, 50)
    curve = curve_of(x, 2 * x + 1)
    assert (curve.slope, curve.offset, curve.residual) == pytest.approx((2, 1, 0))
    assert curve_of(np.full(9, 4.0), np.full(9, 8.0)).slope == 2
    assert curve_of(np.array([np.nan]), np.array([1.0])) is None


def test_an_absent_variable_stays_invalid():
    entries = {NAME: Entry(Variable(NAME), State.ABSENT, reason="gone")}
    (found,) = run_checks([Drift()], Records(TODAY, entries), Past(trend(noise(50))))
    assert found.severity is Severity.INVALID


odd = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, 1e308, -1e308, 5e-324]), st.floats(width=64)
)


@settings(max_examples=60, deadline=None)
@given(
    values=arrays(np.float64, st.integers(0, 60), elements=odd),
    gaps=st.lists(st.integers(1, 400), min_size=60, max_size=60),
)
def test_any_history_gives_an_outcome_and_a_valid_document(values, gaps):
    made = trend(values)
    start = TODAY.start_ns - np.cumsum(gaps[: len(values)])[::-1].astype(np.int64) * DAY
    made = replace(made, start=start, end=start + DAY, std=np.abs(made.mean))
    checks = [
        Drift(low=-5, high=5), Spread(high=1), Step(), Wear(budget=10), Wear(budget=9, count="sum"),
        Calibration(reference=1.0, percent=3), Calibration(reference=0.0, absolute=1),
    ]  # fmt: skip
    outcomes = [judged(check, made) for check in checks]
    when = TODAY.end
    report = Report("BCT", "all", "", TODAY, when, True, tuple(outcomes))
    json.loads(write(report), parse_constant=lambda word: pytest.fail(word))
    again = [outcome.forecast for outcome in read(write(report)).outcomes]
    assert again == [plain(outcome.forecast) for outcome in outcomes]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(1e-6, 1e6),
    n=st.integers(30, 200),
)
def test_scaling_and_shifting_in_time_change_no_finding(seed, scale, n):
    values = 100 + noise(n, seed)
    values[n // 2 :] += np.linspace(0, 30, n - n // 2)
    first = departure(values, 5.0)
    second = departure(values * scale, 5.0)
    assert (first is None) == (second is None)
    if first is not None:
        assert (first.onset, first.found) == (second.onset, second.found)
        assert first.change * scale == pytest.approx(second.change)
    assert [s.index for s in steps(values)] == [s.index for s in steps(values * scale)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(10, 200))
def test_noise_alone_is_quiet(seed, n):
    values = 100 + noise(n, seed)
    assert departure(values, 5.0) is None
    assert [s for s in steps(values) if abs(s.size) > 3] == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), slope=st.floats(0.05, 2.0))
def test_the_slope_lies_in_its_interval_and_the_dates_in_order(seed, slope):
    days = np.arange(120.0)
    values = slope * days + noise(120, seed)
    found = slope_of(days, values)
    assert found.low <= found.value <= found.high
    said = forecast(Quest(days, values, float(values[-1] + 60 * slope), True, 0, 365))
    assert said["state"] == "crosses"
    dates = [said["earliest"], said["date"], said["latest"]]
    known = [one for one in dates if one is not None]
    assert known == sorted(known)


def test_limits_have_dates_and_an_old_day_has_its_own():
    old = Range(high=10, valid_until=date(2026, 6, 30), name="old limit")
    new = Range(high=5, valid_from=date(2026, 7, 1), name="new limit")
    for day, bad in ((date(2026, 6, 30), "none"), (date(2026, 7, 1), "new limit")):
        window = calendar_day(day, "Europe/Zurich")
        at = np.array([window.start_ns + 5])
        series = Series(NAME, Kind.NUMERIC, "mA", at, np.array([7.0]))
        outcomes = run_checks([old, new], records_of([series], window))
        said = {outcome.check: outcome.severity for outcome in outcomes}
        assert len(said) == 2
        assert [name for name in said if said[name] is Severity.ALARM] == [bad] * (bad != "none")
        assert list(said.values()).count(Severity.NOT_APPLICABLE) == 1


def test_dates_of_limits_come_from_the_configuration():
    made = build(Range, {"high": 1.0, "valid_from": date(2026, 3, 1)}, "", "x.toml")
    assert made.valid_from == date(2026, 3, 1)
    with pytest.raises(ConfigurationError, match="valid_from"):
        build(Range, {"high": 1.0, "valid_from": "soon"}, "", "x.toml")
    with pytest.raises(ValueError, match="valid from 2026-03-02 until 2026-03-01 is no day at all"):
        Range(high=1, valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 1))


def test_the_device_that_ages_worst_comes_first():
    def one(device: str, severity: Severity, state: str = "", day: str | None = None) -> Outcome:
        said = {"state": state, "date": day} if state else None
        return Outcome("drift", Fault.AGEING, device, f"{device}:V", severity, forecast=said)

    found = worst_first(
        [
            one("fine", Severity.OK, "not within horizon"),
            one("late", Severity.WARNING, "crosses", "2027-05-01"),
            one("gone", Severity.ALARM, "crossed", "2026-05-01"),
            one("soon", Severity.OK),
            one("soon", Severity.WARNING, "crosses", "2026-12-01"),
            one("", Severity.NOT_APPLICABLE),
        ]
    )
    assert [ranked.device for ranked in found] == ["gone", "soon", "late", "fine"]
    assert found[1].crossing == "2026-12-01"
    assert [len(ranked.outcomes) for ranked in found] == [1, 2, 1, 1]


def test_a_crossing_that_is_sure_to_the_day_is_said_once() -> None:
    said = {"state": "crosses", "date": "2026-11-22", "earliest": "2026-11-22"}
    assert told({**said, "latest": "2026-11-22"}).endswith("(90 %: on that day)")
    assert told({**said, "latest": "2026-12-01"}).endswith("between 2026-11-22 and 2026-12-01)")
