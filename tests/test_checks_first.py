"""Nothing logged, gaps, stuck readings, limits and statuses, each judged in words."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from oaflib.checks import run_checks
from oaflib.checks.gap import Gap
from oaflib.checks.range import Range
from oaflib.checks.stuck import Stuck
from oaflib.checks.text import Text
from oaflib.checks.usage import Usage
from oaflib.records import Entry, Records, State, records_of
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series, Variable
from oaflib.window import Window

DAY = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
T0 = DAY.start_ns


def numbers(value, name="DEV:VALUE", unit="mA", step=60.0, start=0.0):
    value = np.asarray(value, dtype=float)
    time = T0 + np.round((start + step * np.arange(len(value))) * SECOND).astype(np.int64)
    return Series(name, Kind.NUMERIC, unit, time, value)


def texts(value, name="DEV:STATUS", step=60.0):
    time = T0 + np.round(step * np.arange(len(value)) * SECOND).astype(np.int64)
    return Series(name, Kind.TEXTUAL, "", time, np.array(value, dtype=object))


def noise(n=1440, seed=1):
    return np.random.default_rng(seed).normal(size=n)


def judge(check, *series) -> Outcome:
    outcomes = check.judge(records_of(list(series), DAY))
    assert len(outcomes) == len(series)
    return outcomes[0]


class TestUsage:
    def test_three_silences_are_three_sentences(self):
        entries = {
            "A": Entry(Variable("A"), State.ABSENT),
            "E": Entry(Variable("E"), State.EMPTY),
            "F": Entry(Variable("F"), State.FAILED, reason="timeout after 30 s"),
        }
        found = Usage().judge(Records(DAY, entries, source="LDB"))
        assert [o.severity for o in found] == ["INVALID", "ALARM", "INVALID"]
        assert found[0].reason.startswith("LDB knows no variable A")
        assert found[1].reason == (
            "nothing was logged between 2026-11-22T00:00:00Z and 2026-11-23T00:00:00Z"
        )
        assert "timeout after 30 s" in found[2].reason
        assert found[1].since == T0
        assert found[1].fault is Fault.NO_USAGE

    def test_silence_while_the_gate_was_open(self):
        beam = numbers([1.0] * 600 + [0.0] * 840, "BEAM:ON", "")
        device = numbers(noise(700), start=600 * 60.0)
        found = Usage(variables=("DEV:VALUE",), gate="`BEAM:ON` > 0").judge(
            records_of([beam, device], DAY)
        )
        assert found[0].severity is Severity.ALARM
        assert found[0].reason == "nothing was logged while the gate was open (10 h)"

    def test_gate_never_open_is_not_applicable(self):
        beam = numbers([0.0] * 1440, "BEAM:ON", "")
        found = Usage(variables=("DEV:VALUE",), gate="`BEAM:ON` > 0").judge(
            records_of([beam, numbers(noise())], DAY)
        )
        assert found[0].severity is Severity.NOT_APPLICABLE

    def test_gate_nobody_knows_is_invalid(self):
        records = records_of([numbers(noise())], DAY, absent=("BEAM:ON",))
        found = Range(variables=("DEV:VALUE",), high=100, gate="`BEAM:ON` > 0").judge(records)
        assert found[0].severity is Severity.INVALID
        assert "BEAM:ON does not exist" in found[0].reason

    def test_gate_that_is_wrong_is_invalid(self):
        found = Usage(gate="NO_SUCH > 1").judge(records_of([numbers(noise())], DAY))
        assert found[0].severity is Severity.INVALID
        assert "NO_SUCH" in found[0].reason

    def test_all_nan_says_nothing_was_measured(self):
        found = judge(Usage(), numbers([np.nan] * 50))
        assert found.severity is Severity.INVALID
        assert "nothing was measured" in found.reason

    def test_many_nan_warn(self):
        found = judge(Usage(), numbers([np.nan] * 50 + [1.0] * 50))
        assert found.severity is Severity.WARNING
        assert "50 % of 100 samples" in found.reason

    def test_too_few(self):
        found = judge(Usage(minimum=10), numbers([1.0] * 3))
        assert found.severity is Severity.ALARM
        assert "3 samples" in found.reason
        assert found.found == 3

    def test_name_that_finds_nothing(self):
        found = Usage(variables=("NONE", "X%")).judge(records_of([numbers([1])], DAY))
        assert [o.severity for o in found] == ["INVALID", "INVALID"]
        assert "NONE" in found[0].reason
        assert "DEV:VALUE" in found[0].reason

    def test_unchanged_status_is_not_silence(self):
        entry = Entry(Variable("D:S", Kind.TEXTUAL), State.EMPTY, before=(T0 - 3 * HOUR, "READY"))
        found = Usage().judge(Records(DAY, {"D:S": entry}))
        assert found[0].severity is Severity.OK
        assert "unchanged at 'READY'" in found[0].reason


class TestGap:
    def test_regular_is_fine(self):
        assert judge(Gap(), numbers(noise())).severity is Severity.OK

    def test_hole(self):
        series = numbers(noise())
        keep = np.ones(1440, dtype=bool)
        keep[300:400] = False
        found = judge(Gap(), series.where(keep))
        assert found.severity is Severity.ALARM
        assert found.since == T0 + 299 * 60 * SECOND
        assert found.found == 101 * 60
        assert "1 h 41 min from 2026-11-22T04:59:00Z to 2026-11-22T06:40:00Z" in found.reason

    def test_early_end_and_late_start(self):
        early = judge(Gap(), numbers(noise(1200)))
        assert early.severity is Severity.ALARM
        assert "when the logging ended" in early.reason
        late = judge(Gap(), numbers(noise(1200), start=240 * 60.0))
        assert "until 2026-11-22T04:00:00Z, the start of the logging" in late.reason
        assert late.since == T0

    def test_event_data_has_no_cadence(self):
        found = judge(Gap(), numbers([1, 2, 3], step=7000))
        assert found.severity is Severity.NOT_APPLICABLE

    def test_explicit(self):
        found = judge(Gap(max_gap="2h"), numbers([1, 2, 3], step=7200))
        assert found.severity is Severity.ALARM
        assert judge(Gap(max_gap="1d"), numbers([1.0])).severity is Severity.OK

    def test_gap_outside_the_gate_is_none(self):
        beam = numbers([1.0] * 600 + [0.0] * 840, "BEAM:ON", "")
        device = numbers(noise(601))
        records = records_of([beam, device], DAY)
        check = Gap(variables=("DEV:VALUE",), max_gap="10min", gate="`BEAM:ON` > 0")
        assert check.judge(records)[0].severity is Severity.OK

    def test_bad_duration_is_refused(self):
        with pytest.raises(ValueError, match="max_gap: 'soon' is not a duration"):
            Gap(max_gap="soon")


class TestStuck:
    def test_frozen_reading(self):
        value = noise()
        value[600:900] = value[600]
        found = judge(Stuck(), numbers(value))
        assert found.severity is Severity.ALARM
        assert found.since == T0 + 600 * 60 * SECOND
        assert "since 2026-11-22T10:00:00Z, for 5 h until" in found.reason
        assert " mA" in found.reason

    def test_setting_is_left_alone(self):
        assert judge(Stuck(), numbers([5.0] * 1440)).severity is Severity.OK
        step = numbers([5.0] * 700 + [7.0] * 740)
        assert judge(Stuck(), step).severity is Severity.OK

    def test_night_is_rest(self):
        value = np.concatenate([np.zeros(400), np.abs(noise(640)) + 1, np.zeros(400)])
        assert judge(Stuck(), numbers(value)).severity is Severity.OK

    def test_constant_among_live_siblings(self):
        series = [numbers(noise(seed=i), f"BPM.{i}L3.B1:POS") for i in range(5)]
        series[2] = numbers([0.3] * 1440, "BPM.2L3.B1:POS")
        found = Stuck().judge(records_of(series, DAY))
        assert [o.severity for o in found].count(Severity.ALARM) == 1
        assert found[2].severity is Severity.ALARM
        assert "while 4 of its 4 siblings move" in found[2].reason

    def test_constant_settings_of_a_family(self):
        series = [numbers([i] * 1440, f"BWS.{i}L3.B1:GAIN") for i in range(5)]
        series[2] = numbers([1.0] * 700 + [2.0] * 740, "BWS.2L3.B1:GAIN")
        found = Stuck().judge(records_of(series, DAY))
        assert {o.severity for o in found} == {Severity.OK}

    def test_explicit_limit_judges_constants_and_texts(self):
        assert judge(Stuck(max_unchanged="2h"), numbers([5.0] * 1440)).severity is Severity.ALARM
        assert judge(Stuck(max_unchanged="2h"), texts(["A"] * 1440)).severity is Severity.ALARM
        assert judge(Stuck(max_unchanged="2h"), numbers(noise())).severity is Severity.OK

    def test_tolerance(self):
        found = judge(Stuck(max_unchanged="1h", tolerance=10.0), numbers(noise()))
        assert found.severity is Severity.ALARM

    def test_frozen_vectors(self):
        value = np.random.default_rng(0).normal(size=(200, 8))
        value[80:160] = value[80]
        time = T0 + np.arange(200) * 400 * SECOND
        found = judge(Stuck(), Series("V:V", Kind.VECTORNUMERIC, "", time, value))
        assert found.severity is Severity.ALARM
        assert found.since == time[80]

    def test_one_and_nan(self):
        assert judge(Stuck(), numbers([1.0])).severity is Severity.NOT_APPLICABLE
        assert judge(Stuck(), numbers([np.nan] * 9)).severity is Severity.INVALID


class TestRange:
    def test_words(self):
        value = np.ones(1440)
        value[100:110] = 2.5
        found = judge(Range(high=2.0, guidance="Look."), numbers(value))
        assert found.severity is Severity.ALARM
        assert found.found == 2.5
        assert found.limit == {"high": 2.0}
        assert found.since == T0 + 6000 * SECOND
        assert found.reason == (
            "above the limit, 2.5 mA at worst, in 10 samples (0.694 %), for 10 min, "
            "allowed up to 2 mA"
        )
        assert found.guidance == "Look."

    def test_limits_are_allowed(self):
        assert judge(Range(low=1.0, high=1.0), numbers([1.0] * 5)).severity is Severity.OK

    def test_warning(self):
        found = judge(Range(low=0, high=10, warning_high=5), numbers([1, 6, 1]))
        assert found.severity is Severity.WARNING
        assert "warning limit" in found.reason

    def test_severity_of_the_author(self):
        assert judge(Range(high=0, severity="warning"), numbers([1])).severity == "WARNING"

    def test_hysteresis(self):
        check = Range(high=10, hysteresis=3, min_duration="3min")
        assert judge(check, numbers([0, 11, 9, 8, 6, 0])).severity is Severity.ALARM
        assert judge(check, numbers([0, 11, 6, 8, 6, 0])).severity is Severity.OK

    def test_min_duration(self):
        check = Range(high=10, min_duration="5min")
        assert judge(check, numbers([0, 11, 11, 0, 11, 0])).severity is Severity.OK
        assert judge(check, numbers([0, 11, 11, 11, 11, 11, 0])).severity is Severity.ALARM

    def test_allowed_fraction(self):
        value = [0.0] * 90 + [11.0] * 10
        assert judge(Range(high=10, allowed_fraction=0.1), numbers(value)).severity is Severity.OK
        found = judge(Range(high=10, allowed_fraction=0.09), numbers(value))
        assert found.severity is Severity.ALARM

    def test_nan_is_never_ok(self):
        found = judge(Range(high=10), numbers([1, np.nan, 1]))
        assert found.severity is Severity.INVALID
        assert "33.3 % of 3 samples are NaN" in found.reason
        assert judge(Range(high=10), numbers([1, np.nan, 11])).severity is Severity.ALARM
        assert judge(Range(high=10), numbers([np.nan] * 3)).severity is Severity.INVALID

    def test_infinities(self):
        assert judge(Range(high=10), numbers([1, np.inf])).severity is Severity.ALARM
        assert judge(Range(low=0), numbers([1, np.inf])).severity is Severity.INVALID

    def test_vector_elements(self):
        time = T0 + np.arange(3) * SECOND
        value = np.array([[1.0, 2.0], [1.0, np.nan], [9.0, np.nan]])
        found = judge(Range(high=5), Series("V:V", Kind.VECTORNUMERIC, "", time, value))
        assert (found.severity, found.found, found.since) == (Severity.ALARM, 9.0, time[2])

    def test_ragged_and_empty_vectors(self):
        value = np.empty(3, dtype=object)
        value[:] = [np.array([1.0]), np.array([]), np.array([1.0, 7.0])]
        time = T0 + np.arange(3) * SECOND
        series = Series("V:V", Kind.VECTORNUMERIC, "", time, value)
        assert judge(Range(high=5), series).severity is Severity.ALARM
        assert judge(Range(high=9), series).severity is Severity.INVALID

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({}, "range has no limit"),
            ({"low": 2, "high": 1}, "low = 2 is above high = 1"),
            ({"high": float("nan")}, "high is nan"),
            ({"high": 1, "allowed_fraction": 2}, "allowed_fraction is 2"),
            ({"high": 1, "severity": "fatal"}, "allowed: warning, alarm"),
            ({"high": 1, "means": "doom"}, "allowed: no usage, bad usage"),
        ],
    )
    def test_refused(self, fields, message):
        with pytest.raises(ValueError, match=message):
            Range(**fields)

    def test_means(self):
        assert judge(Range(high=0, means="ageing"), numbers([1])).fault is Fault.AGEING


class TestText:
    def test_allowed(self):
        found = judge(Text(allowed=("READY", "BUSY%")), texts(["READY", "BUSY 3", "FAULT"]))
        assert found.severity is Severity.ALARM
        assert found.found == "FAULT"
        assert "'FAULT', allowed READY, BUSY%" in found.reason
        assert judge(Text(allowed=("A",)), texts(["A", "A"])).severity is Severity.OK

    def test_forbidden(self):
        assert judge(Text(forbidden=("F%",)), texts(["OK", "FAULT"])).severity is Severity.ALARM

    def test_empty_text_is_not_a_status(self):
        assert judge(Text(allowed=("A",)), texts(["A", None])).severity is Severity.INVALID

    def test_held_from_before(self):
        entry = Entry(Variable("D:S", Kind.TEXTUAL), State.EMPTY, before=(T0 - 1, "FAULT"))
        found = Text(allowed=("READY",)).judge(Records(DAY, {"D:S": entry}))
        assert found[0].severity is Severity.ALARM
        assert found[0].since == T0

    def test_bits(self):
        check = Text(bits={"ready": 0, "interlock": 3}, on=("ready",), off=("interlock", 5))
        assert judge(check, numbers([1, 1, 1])).severity is Severity.OK
        found = judge(check, numbers([1, 9, 0]))
        assert found.severity is Severity.ALARM
        assert "ready not set, interlock set" in found.reason
        assert judge(check, numbers([1, 1.5])).severity is Severity.INVALID
        assert judge(check, numbers([1, np.nan])).severity is Severity.INVALID

    def test_lists_of_texts(self):
        value = np.empty(2, dtype=object)
        value[0], value[1] = np.array(["A", "B"], dtype=object), np.array([], dtype=object)
        series = Series("V:S", Kind.VECTORSTRING, "", T0 + np.arange(2), value)
        assert judge(Text(allowed=("A", "B")), series).severity is Severity.OK
        assert judge(Text(allowed=("A",)), series).severity is Severity.ALARM

    def test_refused(self):
        with pytest.raises(ValueError, match="no bit is called 'redy'; bits: ready"):
            Text(bits={"ready": 0}, on=("redy",))
        with pytest.raises(ValueError, match="both on and off"):
            Text(bits={"ready": 0}, on=("ready",), off=(0,))
        with pytest.raises(ValueError, match="judges nothing"):
            Text()


class TestRoom:
    def test_a_check_that_raises_is_invalid_and_others_go_on(self):
        class Broken(Usage):
            kind = "broken"

            def weigh(self, series, context):
                raise ZeroDivisionError("division by zero")

        records = records_of([numbers([1.0])], DAY)
        found = run_checks([Broken(), Usage()], records)
        assert [o.severity for o in found] == ["INVALID", "OK"]
        assert (
            found[0].reason == "the check broken itself failed: ZeroDivisionError: division by zero"
        )

    def test_out_of_order_and_duplicates_do_not_matter(self):
        series = numbers([1, 2, 11, 3])
        mixed = series.where(np.array([2, 0, 2, 1, 3, 3]))
        assert judge(Range(high=5), mixed) == judge(Range(high=5), series)

    def test_samples_outside_the_window_do_not_count(self):
        early = Series("D:V", Kind.NUMERIC, "", np.array([T0 - 1]), np.array([99.0]))
        assert judge(Range(high=5), early).severity is Severity.INVALID

    def test_names_of_checks_and_variables(self):
        records = records_of([numbers([1]), texts(["A"])], DAY)
        found = run_checks([Range(high=2, name="level")], records)
        assert [(o.check, o.device, o.variable) for o in found] == [("level", "DEV", "DEV:VALUE")]
