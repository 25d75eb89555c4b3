"""Settings, use, noise, agreement, siblings, vectors, images, units, conditions and habits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_checks_first import DAY, HOUR, SECOND, T0, judge, noise, numbers, texts

from oaflib.checks import default_checks, fold, run_checks
from oaflib.checks.agreement import Agreement
from oaflib.checks.episodes import episodes
from oaflib.checks.expression import Condition
from oaflib.checks.image import Image
from oaflib.checks.noise import Noise
from oaflib.checks.over_usage import OverUsage
from oaflib.checks.peers import Peers
from oaflib.checks.setting import Setting
from oaflib.checks.siblings import families
from oaflib.checks.stuck import Stuck
from oaflib.checks.unit import Unit
from oaflib.checks.unusual import Unusual
from oaflib.checks.usage import Usage
from oaflib.checks.vector import Vector
from oaflib.records import Entry, Records, State, entry_of, records_of
from oaflib.report import Fault, Severity, Statistics
from oaflib.series import Kind, Series, Variable


class Past:
    """Earlier days, as given."""

    def __init__(self, **days):
        self.days = {name.replace("__", ":"): entries for name, entries in days.items()}

    def statistics(self, variable):
        return self.days.get(variable, [])

    def counts(self, variable):
        return np.array([one.count for one in self.statistics(variable)], np.int64)

    def unit(self, variable):
        return next((one.unit for one in self.statistics(variable)[::-1] if one.unit), "")


def day(**numbers_):
    return Statistics("X", "NUMERIC", numbers_.pop("unit", "mA"), 100, **numbers_)


def vectors(value, name="DEV:VEC", step=60.0):
    value = np.asarray(value, dtype=float)
    time = T0 + np.round(step * np.arange(len(value)) * SECOND).astype(np.int64)
    return Series(name, Kind.VECTORNUMERIC, "mm", time, value)


def ragged(rows, kind=Kind.VECTORNUMERIC):
    value = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        value[i] = np.asarray(row, dtype=float)
    return Series("DEV:VEC", kind, "mm", T0 + np.arange(len(rows)) * SECOND, value)


def images(value):
    value = np.asarray(value)
    time = T0 + np.arange(len(value)) * 60 * SECOND
    return Series("CAM:IMAGE", Kind.MATRIXNUMERIC, "", time, value)


class TestSetting:
    def test_expected(self):
        assert judge(Setting(expected=5.0), numbers([5, 5])).severity is Severity.OK
        found = judge(Setting(expected=5.0, tolerance=0.1), numbers([5, 5.05, 7, 7]))
        assert found.severity is Severity.ALARM
        assert found.reason.startswith("7 mA, expected 5 mA (± 0.1 mA), in 2 samples (50 %)")
        assert found.since == T0 + 120 * SECOND
        assert found.limit["expected"] == 5.0

    def test_several_and_percent(self):
        check = Setting(expected=(100.0, 200.0), percent=1)
        assert judge(check, numbers([100.9, 199])).severity is Severity.OK
        assert judge(check, numbers([102])).severity is Severity.ALARM

    def test_texts(self):
        assert judge(Setting(expected="LOW"), texts(["LOW", "HIGH"])).found == "HIGH"
        assert judge(Setting(expected=3.0), texts(["LOW"])).severity is Severity.INVALID

    def test_as_before_within_the_window(self):
        assert judge(Setting(), numbers([3, 3, 3])).severity is Severity.OK
        found = judge(Setting(), numbers([3, 3, 4]))
        assert found.severity is Severity.ALARM
        assert "4 mA, changed from 3 mA (at 2026-11-22T00:00:00Z)" in found.reason

    def test_as_before_in_history(self):
        past = Past(DEV__VALUE=[day(last=3.0, last_time=T0 - HOUR)])
        found = Setting().judge(records_of([numbers([4, 4])], DAY), past)
        assert found[0].severity is Severity.ALARM
        assert "changed from 3 mA (at 2026-11-21T23:00:00Z)" in found[0].reason

    def test_value_from_before_the_window(self):
        entry = Entry(Variable("D:S", unit="V"), State.EMPTY, before=(T0 - HOUR, 7.0))
        found = Setting(expected=5.0).judge(Records(DAY, {"D:S": entry}))
        assert found[0].severity is Severity.ALARM
        assert found[0].found == 7.0

    def test_value_held_when_the_gate_opens(self):
        beam = numbers([0.0] * 100 + [1.0] * 100, "BEAM:ON", "", step=60)
        series = numbers([9.0], "D:S", "V")
        check = Setting(variables=("D:S",), expected=5.0, gate="`BEAM:ON` > 0")
        found = check.judge(records_of([beam, series], DAY))
        assert found[0].severity is Severity.ALARM
        assert found[0].since == T0 + 6000 * SECOND

    def test_nan_and_vectors(self):
        assert judge(Setting(expected=5.0), numbers([5, np.nan])).severity is Severity.INVALID
        assert judge(Setting(), vectors([[1, 2], [1, 2]])).severity is Severity.OK
        assert judge(Setting(), vectors([[1, 2], [1, 3]])).severity is Severity.ALARM
        assert judge(Setting(expected=1.0), ragged([[1], [1, 1]])).severity is Severity.OK
        assert judge(Setting(), ragged([[1], [1, 1]])).severity is Severity.ALARM


class TestOverUsage:
    def test_samples(self):
        found = judge(OverUsage(budget=10), numbers([1] * 12, step=600))
        assert found.severity is Severity.ALARM
        assert found.fault is Fault.OVER_USAGE
        assert found.found == 12
        assert found.since == T0 + 10 * 600 * SECOND
        assert judge(OverUsage(budget=10), numbers([1] * 9)).severity is Severity.WARNING
        assert judge(OverUsage(budget=10), numbers([1] * 3)).severity is Severity.OK

    def test_per_span(self):
        scans = numbers([1] * 24, step=3600)
        assert judge(OverUsage(budget=5, per="4h"), scans).severity is Severity.OK
        found = judge(OverUsage(budget=3, per="4h"), scans)
        assert found.severity is Severity.ALARM
        assert "4 samples in the 4 h from 2026-11-22T00:00:00Z, allowed 3" in found.reason

    def test_edges(self):
        found = judge(OverUsage(budget=2, count="edges"), numbers([1, 0, 1, 1, 0, 1, 0, 1]))
        assert found.found == 3
        assert found.severity is Severity.ALARM

    def test_integral(self):
        found = judge(OverUsage(budget=100, count="integral"), numbers([1, 1, 0], step=60))
        assert found.found == 120
        assert found.unit == "mA s"
        assert found.severity is Severity.ALARM

    def test_nan_is_not_no_use(self):
        found = judge(OverUsage(budget=9, count="edges"), numbers([0, np.nan, 1]))
        assert found.severity is Severity.INVALID

    def test_nothing_logged(self):
        records = Records(DAY, {"A": Entry(Variable("A"), State.EMPTY)})
        assert OverUsage(budget=1).judge(records)[0].severity is Severity.NOT_APPLICABLE
        found = OverUsage(budget=1, count="integral").judge(records)
        assert found[0].severity is Severity.INVALID

    def test_refused(self):
        with pytest.raises(ValueError, match="budget is 0; it must be above zero"):
            OverUsage()


class TestNoise:
    def test_limits(self):
        assert judge(Noise(high=1.2, low=0.8), numbers(noise())).severity is Severity.OK
        found = judge(Noise(high=0.5), numbers(noise()))
        assert found.severity is Severity.ALARM
        assert "noisy: spread" in found.reason
        assert judge(Noise(low=2.0), numbers(noise())).severity is Severity.ALARM
        assert judge(Noise(high=2.0, warning_high=0.5), numbers(noise())).severity == "WARNING"

    def test_blind_to_drift_and_spikes(self):
        value = noise() + np.linspace(0, 1000, 1440)
        value[7] = 1e9
        assert judge(Noise(high=1.5), numbers(value)).severity is Severity.OK
        assert judge(Noise(high=1.5, of="level"), numbers(value)).severity is Severity.ALARM

    def test_pieces(self):
        value = noise()
        value[600:660] *= 10
        assert judge(Noise(high=2), numbers(value)).severity is Severity.OK
        found = judge(Noise(high=2, chunk="1h"), numbers(value))
        assert found.severity is Severity.ALARM
        assert found.since == T0 + 600 * 60 * SECOND
        assert "1 of 24 pieces" in found.reason

    def test_too_few_and_nan(self):
        assert judge(Noise(high=2), numbers([1, 2])).severity is Severity.INVALID
        value = noise()
        value[::3] = np.nan
        assert judge(Noise(high=20), numbers(value)).severity is Severity.INVALID

    def test_refused(self):
        with pytest.raises(ValueError, match="noise has no limit"):
            Noise()


class TestAgreement:
    def pair(self, factor, offset=0.0):
        value = 100 + np.sin(np.arange(1440) / 50)
        a = numbers(value, "BCT.A:I")
        return a, numbers(value * factor + offset, "BCT.B:I", start=0.5)

    def judge(self, check, *series):
        return check.judge(records_of(list(series), DAY))

    def test_agree(self):
        check = Agreement(variables=("BCT.A:I", "BCT.B:I"), percent=1)
        assert self.judge(check, *self.pair(1.005))[0].severity is Severity.OK
        found = self.judge(check, *self.pair(1.02))
        assert len(found) == 1
        assert found[0].severity is Severity.ALARM
        assert found[0].fault is Fault.CALIBRATION
        assert found[0].variable == "BCT.B:I"
        assert "differs from BCT.A:I" in found[0].reason

    def test_absolute_or_percent(self):
        pair = self.pair(1.0, offset=3)
        check = Agreement(variables=("BCT.%",), percent=1, absolute=5)
        assert self.judge(check, *pair)[0].severity is Severity.OK

    def test_different_rates(self):
        a, b = self.pair(1.0)
        check = Agreement(variables=("BCT.A:I", "BCT.B:I"), absolute=0.1)
        assert self.judge(check, a, b.where(slice(None, None, 10)))[0].severity is Severity.OK
        assert self.judge(check, a.where(np.array([5])), b)[0].severity is Severity.OK

    def test_floor(self):
        a = numbers([0.001] * 50 + [10] * 50, "BCT.A:I")
        b = numbers([0.1] * 50 + [10] * 50, "BCT.B:I")
        names = ("BCT.A:I", "BCT.B:I")
        assert self.judge(Agreement(variables=names, percent=1), a, b)[0].severity == "ALARM"
        check = Agreement(variables=names, percent=1, floor=1)
        assert self.judge(check, a, b)[0].severity is Severity.OK

    def test_nothing_to_compare(self):
        a, b = self.pair(1.0)
        check = Agreement(variables=("BCT.A:I", "BCT.B:I"), percent=1)
        assert self.judge(check, a)[0].severity is Severity.INVALID
        late = numbers([1.0], "BCT.B:I", start=80000)
        assert self.judge(check, a.where(slice(100)), late)[0].severity is Severity.INVALID
        other = replace(b, unit="A")
        assert "cannot be compared" in self.judge(check, a, other)[0].reason

    def test_nan(self):
        a, b = self.pair(1.0)
        value = b.value.copy()
        value[5] = np.nan
        check = Agreement(variables=("BCT.A:I", "BCT.B:I"), percent=1)
        assert self.judge(check, a, replace(b, value=value))[0].severity is Severity.INVALID

    def test_refused(self):
        with pytest.raises(ValueError, match="two variables or more"):
            Agreement(variables=("A",), percent=1)
        with pytest.raises(ValueError, match="agreement has no limit"):
            Agreement(variables=("A", "B"))


class TestPeers:
    def test_scalars(self):
        series = [numbers(noise(seed=i), f"BPM.{i}L3.B1:POS") for i in range(12)]
        series[3] = numbers([0.1] * 1440, "BPM.3L3.B1:POS")
        series[5] = numbers(noise(seed=5) * 50, "BPM.5L3.B1:POS")
        series[7] = numbers(noise(seed=7) + 900, "BPM.7L3.B1:POS")
        found = Peers().judge(records_of(series, DAY))
        bad = {o.variable[4]: o.severity for o in found if o.severity is not Severity.OK}
        assert bad == {"3": Severity.ALARM, "5": Severity.WARNING, "7": Severity.WARNING}
        assert "is dead at 0.1 mA, unlike its 11 siblings" in found[3].reason

    def test_elements(self):
        value = np.random.default_rng(0).normal(size=(300, 20))
        value[:, 4] = 0
        found = judge(Peers(), vectors(value))
        assert found.severity is Severity.ALARM
        assert "element 4 is dead at 0 mm" in found.reason
        assert judge(Peers(ignore=(4,)), vectors(value)).severity is Severity.OK

    def test_nothing_to_compare(self):
        assert judge(Peers(), numbers(noise())).severity is Severity.NOT_APPLICABLE
        assert judge(Peers(), vectors(np.zeros((300, 20)))).severity is Severity.NOT_APPLICABLE
        assert judge(Peers(), ragged([[1], [1, 2]])).severity is Severity.NOT_APPLICABLE

    def test_families(self):
        names = [f"BPME.{i}.SA2:X" for i in range(8)] + ["BPMH.3.SA2:X", "BCT.1.SA2:X"]
        found = families(Variable(name) for name in names)
        assert [len(family) for family in found] == [9, 1]
        kinds = families([Variable("A1:X", unit="mm"), Variable("A2:X", unit="um")])
        assert len(kinds) == 2
        rings = [Variable("LHC.BCTDC.A6R4.B1:I"), Variable("LHC.BCTDC.B6R4.B2:I")]
        assert len(families(rings)) == 1


class TestVector:
    def alive(self, n=200, m=30):
        return np.random.default_rng(0).normal(size=(n, m))

    def test_alive(self):
        assert judge(Vector(), vectors(self.alive())).severity is Severity.OK

    def test_dead_flat_and_nan(self):
        value = self.alive()
        value[:, 3], value[:, 4], value[:, 5] = 0, 7, np.nan
        found = judge(Vector(), vectors(value))
        assert found.severity is Severity.ALARM
        assert found.found == 3
        assert found.reason == (
            "3 of 30 elements: element 3 is dead, always 0, element 4 is flat at 7 mm, "
            "element 5 is always NaN"
        )
        assert judge(Vector(ignore=(3, 4, 5)), vectors(value)).severity is Severity.OK
        assert judge(Vector(allowed=3), vectors(value)).severity is Severity.OK

    def test_an_element_that_dies_within_the_window(self):
        value = self.alive()
        value[-len(value) // 3 :, 7] = 0
        found = judge(Vector(), vectors(value))
        assert found.severity is Severity.ALARM
        assert "element 7 died, 0 since" in found.reason
        assert found.since == int(vectors(value).time[len(value) - len(value) // 3 - 1])
        value[:, 7] = self.alive()[:, 7]
        value[-3:, 7] = 0  # too short to be dead
        assert judge(Vector(), vectors(value)).severity is Severity.OK

    def test_zeros_of_all_or_of_many_at_once_are_no_death(self):
        value = self.alive()
        value[len(value) // 2 :] = 0  # the beam is dumped
        assert judge(Vector(), vectors(value)).severity is Severity.OK
        value = self.alive()
        value[len(value) // 2 :, ::4] = 0  # another filling pattern
        assert judge(Vector(), vectors(value)).severity is Severity.OK
        value = np.round(self.alive())  # counts that often are zero
        value[-len(value) // 3 :, 7] = 0
        value[::3, 7] = 0
        assert judge(Vector(), vectors(value)).severity is Severity.OK

    def test_empty_slots_are_structure(self):
        value = self.alive()
        value[:, 10:] = 0
        assert judge(Vector(), vectors(value)).severity is Severity.OK
        assert judge(Vector(), vectors(np.zeros((50, 30)))).severity is Severity.ALARM

    def test_saturated(self):
        value = np.abs(self.alive()) * 100
        value[50:80, 7] = 4095
        found = judge(Vector(), vectors(np.round(value)))
        assert found.severity is Severity.ALARM
        assert "element 7 is saturated at 4,095 mm in 15 %" in found.reason
        assert found.since == T0 + 50 * 60 * SECOND
        assert judge(Vector(saturation=1000), vectors(-value)).severity is Severity.ALARM

    def test_spiking(self):
        value = self.alive()
        value[100, 6] = 500
        found = judge(Vector(), vectors(value))
        assert found.severity is Severity.WARNING
        assert "element 6 spikes" in found.reason
        value[100, :] = 500  # all together: the beam
        assert judge(Vector(), vectors(value)).severity is Severity.OK

    def test_some_nan_is_not_ok(self):
        value = self.alive()
        value[:20, 2] = np.nan
        assert judge(Vector(), vectors(value)).severity is Severity.WARNING

    def test_length(self):
        found = judge(Vector(), ragged([[1, 2, 3]] * 50 + [[1, 2]] * 50))
        assert found.severity is Severity.ALARM
        assert "length changed from 3 to 2 elements at 2026-11-22T00:00:50Z" in found.reason
        assert judge(Vector(length=3), vectors([[1, 2]])).severity is Severity.ALARM
        assert judge(Vector(length=3), ragged([[1], [1, 2]])).severity is Severity.ALARM
        changing = [[1.0] * (1 + i % 4) for i in range(100)]
        assert judge(Vector(), ragged(changing)).severity is Severity.OK
        assert judge(Vector(), vectors(np.empty((3, 0)))).severity is Severity.INVALID


class TestImage:
    def stack(self, n=10):
        rng = np.random.default_rng(0)
        rows, columns = np.mgrid[:64, :80]
        spot = 2000 * np.exp(-((rows - 30) ** 2 + (columns - 40) ** 2) / 50)
        return (100 + spot + rng.normal(scale=5, size=(n, 64, 80))).astype(np.uint16)

    def test_fine(self):
        assert judge(Image(beam=True), images(self.stack())).severity is Severity.OK

    def test_flat(self):
        stack = self.stack()
        stack[4] = 7
        found = judge(Image(), images(stack))
        assert found.severity is Severity.ALARM
        assert "flat or empty" in found.reason
        assert found.since == T0 + 240 * SECOND

    def test_saturated(self):
        stack = self.stack()
        stack[:, 25:35, 35:45] = 4095
        found = judge(Image(), images(stack))
        assert "saturated at 4,095, in up to 1.95 % of the pixels" in found.reason

    def test_dead_and_hot_pixels(self):
        stack = self.stack()
        stack[:, 5, :10] = 0
        stack[:, 50, ::8] = 3500
        found = judge(Image(), images(stack))
        assert found.severity is Severity.ALARM
        assert "dead and" in found.reason
        assert judge(Image(allowed_pixels=0.01), images(stack)).severity is Severity.OK

    def test_no_beam(self):
        stack = np.random.default_rng(0).normal(100, 5, size=(10, 64, 80)).astype(np.uint16)
        assert judge(Image(), images(stack)).severity is Severity.OK
        found = judge(Image(beam=True), images(stack))
        assert found.severity is Severity.ALARM
        assert "no spot" in found.reason

    def test_size(self):
        rows = [np.eye(8)] * 30 + [np.eye(9)] * 30
        found = judge(Image(), ragged(rows, Kind.MATRIXNUMERIC))
        assert "size changed from 8 × 8 to 9 × 9 pixels" in found.reason
        assert judge(Image(shape=(4, 4)), images(self.stack())).severity is Severity.ALARM

    def test_nan_and_none(self):
        stack = self.stack().astype(float)
        stack[2, 3, 4] = np.nan
        assert judge(Image(), images(stack)).severity is Severity.INVALID
        assert judge(Image(), images(np.full((3, 8, 8), np.nan))).severity is Severity.INVALID
        assert judge(Image(), images(np.empty((3, 0, 0)))).severity is Severity.ALARM


class TestUnit:
    def test_changed_within_the_window(self):
        series = numbers([1, 2])
        entry = replace(entry_of(series), units=("mm", "um"))
        found = Unit().judge(Records(DAY, {"DEV:VALUE": entry}, made={"DEV:VALUE": series}))
        assert found[0].severity is Severity.ALARM
        assert "logged in mm and in um within the window" in found[0].reason

    def test_changed_since(self):
        past = Past(DEV__VALUE=[day(unit="µm")])
        found = Unit().judge(records_of([numbers([1], unit="mm")], DAY), past)
        assert found[0].reason == "logged in mm, in µm until now"
        same = Unit().judge(records_of([numbers([1], unit="um")], DAY), past)
        assert same[0].severity is Severity.OK

    def test_expected(self):
        assert judge(Unit(expected="A"), numbers([1])).severity is Severity.ALARM
        assert judge(Unit(expected="mA"), numbers([1])).severity is Severity.OK
        assert judge(Unit(), numbers([1], unit="")).severity is Severity.OK


class TestCondition:
    def test_holds_or_not(self):
        check = Condition(expression="A > 0", inputs={"A": "DEV:VALUE"})
        assert judge(check, numbers([1, 2])).severity is Severity.OK
        found = judge(check, numbers([1, -2, -2]))
        assert found.severity is Severity.ALARM
        assert found.device == "DEV"
        assert found.since == T0 + 60 * SECOND
        assert found.reason.startswith("A > 0 is false, in 2 samples (66.7 %)")

    def test_unknown_is_invalid(self):
        check = Condition(expression="A > 0", inputs={"A": "DEV:VALUE"})
        assert judge(check, numbers([1, np.nan])).severity is Severity.INVALID
        assert judge(check, numbers([-1, np.nan])).severity is Severity.ALARM

    def test_silent_variable(self):
        records = records_of([numbers([1])], DAY, absent=("X:Y",))
        check = Condition(expression="`X:Y` > 0")
        assert "knows no variable X:Y" in check.judge(records)[0].reason
        assert Condition(expression="`N:N` > 0").judge(records)[0].severity is Severity.INVALID
        records = Records(DAY, {"E:E": Entry(Variable("E:E"), State.EMPTY)})
        found = Condition(expression="`E:E` > 0").judge(records)
        assert found[0].severity is Severity.INVALID

    def test_gate(self):
        beam = numbers([0.0] * 700 + [1.0] * 740, "BEAM:ON", "")
        device = numbers([-1.0] * 700 + [1.0] * 740)
        check = Condition(expression="`DEV:VALUE` > 0", gate="`BEAM:ON` > 0")
        assert check.judge(records_of([beam, device], DAY))[0].severity is Severity.OK
        early = beam.where(slice(800))  # whether there was beam after that nobody knows
        found = check.judge(records_of([early, device], DAY))[0]
        assert found.severity is Severity.INVALID
        assert "it cannot be told whether the gate was open" in found.reason

    def test_refused(self):
        with pytest.raises(ValueError, match="expression"):
            Condition(expression="A >")
        with pytest.raises(ValueError, match="expression is empty"):
            Condition()
        with pytest.raises(ValueError, match="leave out variables"):
            Condition(variables=("A",), expression="A > 0")


class TestUnusual:
    def test_shift_noise_and_spike(self):
        value = noise(5000)
        value[2000:2600] += 4
        value[4000:4300] *= 12
        value[1000] = 60
        sorts = [e.sort for e in episodes(value) if not e.faint]
        assert sorted(set(sorts)) == ["level", "noise", "spike"]
        found = judge(Unusual(), numbers(value, step=10))
        assert found.severity is Severity.WARNING
        assert found.since == T0 + 1000 * 10 * SECOND

    def test_habits(self):
        pulses = noise(5000)
        pulses.reshape(-1, 500)[:, :60] += 30
        assert judge(Unusual(), numbers(pulses, step=10)).severity is Severity.OK
        drift = noise(5000) + np.linspace(0, 50, 5000)
        assert judge(Unusual(), numbers(drift, step=10)).severity is Severity.OK
        daily = noise(5000) + 40 * np.sin(np.arange(5000) / 80)
        assert judge(Unusual(), numbers(daily, step=10)).severity is Severity.OK

    def test_common_cause(self):
        series = []
        for i in range(6):
            value = noise(5000, seed=i)
            value[3000:3300] += 8
            series.append(numbers(value, f"BPM.{i}L3.B1:POS", step=10))
        found = Unusual().judge(records_of(series, DAY))
        assert {o.severity for o in found} == {Severity.OK}
        assert "its siblings do too" in found[0].reason

    def test_not_applicable(self):
        assert judge(Unusual(), numbers([1, 2, 3])).severity is Severity.NOT_APPLICABLE
        assert judge(Unusual(), numbers([1.0] * 1440)).severity is Severity.NOT_APPLICABLE
        assert judge(Unusual(), numbers([np.nan] * 300)).severity is Severity.INVALID


class TestPastAndFold:
    def test_constant_now_that_moved_before(self):
        past = Past(DEV__VALUE=[day(std=1.0)] * 7)
        records = records_of([numbers([3.0] * 1440)], DAY)
        found = Stuck().judge(records, past)
        assert found[0].severity is Severity.ALARM
        assert "moved in 7 of the last 7 windows" in found[0].reason
        past = Past(DEV__VALUE=[day(std=0.0)] * 7)
        assert Stuck().judge(records, past)[0].severity is Severity.OK

    @pytest.mark.parametrize(
        ("counts", "severity"),
        [
            ([5, 0, 5, 0, 0, 5, 5], Severity.OK),  # comes and goes: logged on change
            ([5, 0, 5, 0, 0, 5, 0, 0], Severity.ALARM),  # never silent for so long before
            ([5, 5, 5, 0, 0, 0, 0], Severity.ALARM),  # died
            ([5, 0, 5, 5, 5], Severity.ALARM),  # once is no habit
            ([], Severity.ALARM),
        ],
    )
    def test_silence_that_is_a_habit(self, counts, severity):
        days = [replace(day(), count=count) for count in counts]
        entries = {"DEV:VALUE": Entry(Variable("DEV:VALUE"), State.EMPTY)}
        found = Usage().judge(Records(DAY, entries), Past(DEV__VALUE=days))
        assert found[0].severity is severity

    def test_a_common_silence_is_one_outcome(self):
        names = [f"BPM.{i}L3.B1:POS" for i in range(180)]
        entries = {name: Entry(Variable(name), State.EMPTY) for name in names}
        live = numbers(noise(), "BPM.999L3.B1:POS")
        entries[live.name] = entry_of(live)
        records = Records(DAY, entries, made={live.name: live})
        found = fold(run_checks([Usage()], records), records)
        assert len(found) == 2
        assert len(found[0].members) == 180
        assert found[0].severity is Severity.ALARM
        assert found[0].variable == "BPM.%L3.B1:POS"
        assert found[0].device == "BPM.%L3.B1"
        assert "; 180 devices the same, BPM.0L3.B1:POS, " in found[0].reason

    def test_different_causes_stay_apart(self):
        series = []
        for i in range(8):
            keep = np.ones(1440, dtype=bool)
            keep[200 + 300 * (i // 4) : 400 + 300 * (i // 4)] = False
            series.append(numbers(noise(seed=i), f"D{i}:V").where(keep))
        records = records_of(series, DAY)
        found = fold(run_checks(default_checks(records), records), records)
        gaps = [o for o in found if o.check == "gap"]
        assert [len(o.members) for o in gaps] == [4, 4]
        assert len({o.identity for o in gaps}) == 2

    def test_few_are_told_one_by_one(self):
        records = records_of([numbers([9], "A:V"), numbers([9], "B:V")], DAY)
        from oaflib.checks.range import Range

        outcomes = run_checks([Range(high=1)], records)
        assert fold(outcomes, records) == outcomes
