"""Gates: when a condition held, when it did not, and when nobody knows."""

from __future__ import annotations

import time
from datetime import date

import numpy as np
import pytest

from oaflib.errors import ExpressionError
from oaflib.expression import GateIntervals, compile_expression, open_intervals, resolve
from oaflib.records import Records, records_of
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

SECOND = 10**9
DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
T0 = DAY.start_ns
END = DAY.end_ns


def mode(samples: dict[int, str], name: str = "HX:BMODE") -> Series:
    time = T0 + np.array(list(samples), dtype=np.int64) * SECOND
    return Series(name, Kind.TEXTUAL, "", time, np.array(list(samples.values()), dtype=object))


def intensity(values: list[float], name: str = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY") -> Series:
    time = T0 + np.arange(len(values), dtype=np.int64) * SECOND
    return Series(name, Kind.NUMERIC, "charges", time, np.array(values, dtype=float))


MODES = mode({-3600: "NOBEAM", 20_000: "INJPHYS", 40_000: "STABLE", 60_000: "BEAMDUMP"})


def seconds(gate: GateIntervals, what: str = "open") -> list[list[float]]:
    return ((getattr(gate, what) - T0) / SECOND).tolist()


def gated(text: str, *series: Series) -> GateIntervals:
    return open_intervals(text, records_of(list(series), DAY))


def test_a_mode_on_change_holds_until_the_next() -> None:
    gate = gated("BMODE == 'STABLE'", MODES)
    assert seconds(gate) == [[40_000, 60_000]]
    assert seconds(gate, "unknown") == []
    assert (gate.total, gate.total_unknown) == (20_000 * SECOND, 0)
    assert not gate.never
    assert not gate.always
    assert not gate.undecided
    assert gate.notes == ()


def test_the_sample_before_the_window_says_what_held_at_its_start() -> None:
    assert seconds(gated("BMODE == 'NOBEAM'", MODES)) == [[0, 20_000]]
    gate = gated("BMODE == 'NOBEAM'", mode({-3600: "NOBEAM"}))
    assert gate.always
    assert seconds(gate) == [[0, 86_400]]


def test_before_the_first_sample_it_is_unknown() -> None:
    gate = gated("BMODE == 'STABLE'", mode({100: "STABLE", 200: "ADJUST"}))
    assert seconds(gate) == [[100, 200]]
    assert seconds(gate, "unknown") == [[0, 100]]
    gate = gated("BMODE != 'STABLE'", mode({100: "STABLE"}))
    assert seconds(gate) == []
    assert gate.undecided
    assert not gate.never


def test_a_gate_that_never_opens() -> None:
    gate = gated("BMODE == 'RAMP'", MODES)
    assert gate.never
    assert gate.total == 0
    assert not gate.mask(MODES.time).any()


@pytest.mark.parametrize("state", ["empty", "absent"])
def test_a_silent_variable_makes_it_unknown_and_says_why(state: str) -> None:
    if state == "empty":
        records, note = records_of([MODES.where(slice(0, 0))], DAY), "was not logged"
    else:
        records = records_of([], DAY, absent=("HX:BMODE",))
        note = "does not exist (no such variable)"
    for text in (
        "BMODE == 'STABLE'",
        "BMODE != 'STABLE'",
        "not BMODE in ('A',)",
        "contains(BMODE, 'A')",
        "lasting('A' != BMODE, '5s')",
        "where(BMODE == 'A', 1, 2) > 1",
        "coalesce(BMODE, 'A') == 'A' and BMODE == 'B'",
    ):
        gate = open_intervals(text, records)
        assert gate.undecided
        assert seconds(gate, "unknown") == [[0, 86_400]]
        assert gate.notes == (f"HX:BMODE {note}",)
    assert open_intervals("absent(BMODE)", records).always


def test_an_absent_variable_is_taken_for_what_the_gate_needs() -> None:
    records = records_of([MODES], DAY, absent=("X:A",))
    for text in ("A > 1", "A == BMODE", "element_mean(A) > 1", "rate(A) > 0", "mean(A) > 0"):
        assert open_intervals(text, records).undecided, text
    assert open_intervals("A > 1 or BMODE != 'never'", records).always


def test_the_mask_is_half_open() -> None:
    gate = gated("BMODE == 'STABLE'", MODES)
    edge = T0 + np.array([39_999, 40_000, 59_999, 60_000]) * SECOND
    assert gate.mask(edge).tolist() == [False, True, True, False]
    assert gate.mask(edge[::-1]).tolist() == [False, True, True, False]
    assert gate.mask(np.empty(0, np.int64)).tolist() == []
    beam = intensity([1.0] * 50_000)
    assert len(gate.select(beam)) == 10_000
    late = gated("BMODE == 'STABLE'", mode({100: "STABLE"}))
    assert late.unknown_mask(T0 + np.array([0, 99, 100]) * SECOND).tolist() == [True, True, False]


def test_beam_present_and_a_device_that_falls_silent() -> None:
    beam = intensity([0.0] * 100 + [2e14] * 100)
    gate = gated("BEAM_INTENSITY > 1e10", beam)
    assert seconds(gate) == [[100, 204]]
    assert seconds(gate, "unknown") == [[204, 86_400]]


def test_two_variables_and_kleene() -> None:
    beam = intensity([2e14] * 30_000)
    gate = gated("BMODE == 'INJPHYS' and BEAM_INTENSITY > 1e10", MODES, beam)
    assert seconds(gate) == [[20_000, 30_004]]
    assert seconds(gate, "unknown") == [[30_004, 40_000]]


def test_lasting_opens_late() -> None:
    gate = gated("lasting(BMODE == 'STABLE', '1h')", MODES)
    assert seconds(gate) == [[43_600, 60_000]]
    assert gated("lasting(BMODE == 'STABLE', '6h')", MODES).never
    assert seconds(gated("lasting(BMODE == 'NOBEAM', '2h')", MODES)) == [[3_600, 20_000]]


def test_delay_and_statistics_in_a_gate() -> None:
    assert seconds(gated("delay(BMODE, '10s') == 'STABLE'", MODES)) == [[40_010, 60_010]]
    beam = intensity([1.0, 5.0, 3.0])
    assert seconds(gated("BEAM_INTENSITY > mean(BEAM_INTENSITY)", beam)) == [[1, 2]]
    assert gated("mean(BEAM_INTENSITY) > 2", beam).always


def test_constants_and_no_gate() -> None:
    records = records_of([MODES], DAY)
    assert open_intervals("", records).always
    assert open_intervals("  ", records).always
    assert open_intervals("1 < 2", records).always
    assert open_intervals("1 > 2", records).never


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("BMODE", "a gate is one condition, not a text"),
        ("BEAM_INTENSITY", "a gate is one condition, not a number"),
        ("V > 1", "not a vector of them"),
        ("BMOD == 'STABLE'", "no variable or field is called 'BMOD'; did you mean `HX:BMODE`"),
        ("STABLE == BMODE", "a text is written in quotes: 'STABLE'"),
        ("`HX:BMOD` == 'STABLE'", "no variable is called 'HX:BMOD'; did you mean `HX:BMODE`"),
        ("`BMODE` == 'STABLE'", "no variable is called 'BMODE'"),
    ],
)
def test_what_is_no_gate(text: str, said: str) -> None:
    vector = Series("X:V", Kind.VECTORNUMERIC, "", np.array([T0]), np.ones((1, 3)))
    with pytest.raises(ExpressionError) as error:
        gated(text, MODES, intensity([1.0]), vector)
    assert said in str(error.value)


def test_an_ambiguous_field_lists_the_variables() -> None:
    a, b = intensity([1.0]), intensity([1.0], "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY")
    with pytest.raises(ExpressionError, match=r"field of 2 variables.*A6R4.*B6R4"):
        gated("BEAM_INTENSITY > 1", a, b)
    assert seconds(gated("`LHC.BCTDC.A6R4.B1:BEAM_INTENSITY` < 1", a, b)) == []


def test_resolution_of_names() -> None:
    there = ["HX:BMODE", "ratio", "BPMALPS_1:Orbit:positions", "D/P#gain", "X:ratio"]
    expression = compile_expression("BMODE == 'A' and ratio > positions and gain > I")
    assert resolve(expression, there, {"I": "X:ratio"}) == {
        "BMODE": "HX:BMODE",
        "ratio": "ratio",
        "positions": "BPMALPS_1:Orbit:positions",
        "gain": "D/P#gain",
        "I": "X:ratio",
    }
    with pytest.raises(ExpressionError, match="its input I is 'Y:ratio', which is not extracted"):
        resolve(expression, there, {"I": "Y:ratio"})
    with pytest.raises(ExpressionError, match="'mean' has the name of a function"):
        resolve(expression, there, {"mean": "X:ratio"})


def test_many_samples_are_quick() -> None:
    beam = intensity(list(np.random.default_rng(1).random(500_000)))
    records: Records = records_of([MODES, beam], DAY)
    begun = time.process_time()
    open_intervals("BMODE == 'STABLE' and BEAM_INTENSITY > 0.5", records)
    assert time.process_time() - begun < 2
