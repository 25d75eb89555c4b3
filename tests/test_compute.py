"""The compute room: what each computation makes, of clean and of hostile series."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from oaflib.compute import Trouble, run_computations
from oaflib.compute.base import Computation
from oaflib.compute.expression import ExpressionComputation
from oaflib.compute.group import Grouped
from oaflib.compute.histogram import Histogram
from oaflib.compute.relative import Relative, Selected
from oaflib.compute.resample import Resampled, Rolling, WindowStatistic
from oaflib.compute.spectrum import Spectrum
from oaflib.compute.usage import Usage
from oaflib.errors import ComputationError, ExpressionError
from oaflib.records import Entry, Records, State, records_of
from oaflib.registry import computations
from oaflib.series import Kind, Series, Variable
from oaflib.window import calendar_day

SECOND = 10**9
DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
T0 = DAY.start_ns
NAN = float("nan")
A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
B = "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY"


def numbers(values: Any, name: str = "A:X", unit: str = "", step: float = 1.0) -> Series:
    values = np.asarray(values, dtype=np.float64)
    time = T0 + (np.arange(len(values)) * step * SECOND).astype(np.int64)
    return Series(name, Kind.NUMERIC, unit, time, values)


def texts(values: dict[int, str | None], name: str = "HX:BMODE") -> Series:
    time = T0 + np.array(list(values), dtype=np.int64) * SECOND
    return Series(name, Kind.TEXTUAL, "", time, np.array(list(values.values()), dtype=object))


def vectors(rows: list[Any], name: str = "V:X", unit: str = "", step: float = 1.0) -> Series:
    parts = [np.asarray(row, dtype=np.float64) for row in rows]
    value: np.ndarray = np.empty(len(parts), dtype=object)
    for i, part in enumerate(parts):
        value[i] = part
    if len({len(part) for part in parts}) == 1:
        value = np.stack(parts)
    time = T0 + (np.arange(len(parts)) * step * SECOND).astype(np.int64)
    return Series(name, Kind.VECTORNUMERIC, unit, time, value)


def records(*series: Series, absent: tuple[str, ...] = ()) -> Records:
    return records_of(list(series), DAY, absent)


def made(computation: Computation, *series: Series) -> dict[str, Series]:
    return {one.name: one for one in computation.compute(records(*series))}


def value(computation: Computation, *series: Series) -> list[Any]:
    (one,) = computation.compute(records(*series))
    return one.value.tolist()


MODES = texts({-3600: "NOBEAM", 10: "INJPHYS", 20: "STABLE", 30: "NOBEAM"})


# Expression


def test_the_ratio_of_two_transformers() -> None:
    ratio = ExpressionComputation(name="ratio", expression="A / B", inputs={"A": A, "B": B})
    found = made(ratio, numbers([2.0, 4.0], A, "charges"), numbers([1.0, 2.0], B, "charges"))[
        "ratio"
    ]
    assert (found.kind, found.unit, found.value.tolist()) == (Kind.NUMERIC, "", [2.0, 2.0])
    assert ratio.outputs == ("ratio",)


def test_an_expression_within_a_gate_with_its_own_unit() -> None:
    one = ExpressionComputation(
        name="x", expression="X * 2", unit="mA", gate="BMODE == 'STABLE'", title="twice"
    )
    found = made(one, numbers(np.arange(40.0)), MODES)["x"]
    assert found.value.tolist() == [2.0 * i for i in range(20, 30)]
    assert (found.unit, found.title) == ("mA", "twice")


def test_an_expression_for_each_device() -> None:
    one = ExpressionComputation(
        name="{device}:RATIO",
        expression="I / O",
        inputs={"I": "{device}:IN", "O": "{device}:OUT"},
        each="W%:IN",
    )
    pieces = [numbers([i], f"W{i}:{end}") for i in (1, 2) for end in ("IN", "OUT")]
    found = made(one, *pieces, numbers([1], "X:IN"))
    assert {name: s.value.tolist() for name, s in found.items()} == {
        "W1:RATIO": [1.0],
        "W2:RATIO": [1.0],
    }
    assert one.outputs == ()


def test_at_and_max_hold() -> None:
    fast, slow = numbers(np.ones(30), "A:X"), numbers([1, 1], "A:Y", step=20)
    one = ExpressionComputation(name="n", expression="X + Y", at="Y")
    assert value(one, fast, slow) == [2.0, 2.0]
    short = ExpressionComputation(name="n", expression="X + Y", max_hold=timedelta(seconds=2))
    assert (
        np.isnan(value(short, fast, slow)).tolist()
        == ([False] * 2 + [True] * 18) + [False] * 2 + [True] * 8
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"expression": "A.b"}, "no dots"),
        ({"expression": "1 + 1"}, "speaks of no variable"),
        ({"expression": "A", "inputs": {"B": "X"}}, "inputs: B is not in 'A'"),
        ({"expression": "A", "at": "B"}, "at: 'B' is not in 'A'; names: A"),
        ({"expression": "A", "gate": "B ="}, "expression 'B ='"),
        ({"expression": "A", "each": "X%"}, "write {device} in the name"),
        ({"expression": "A", "name": ""}, "name '' is empty"),
        ({"expression": "A", "name": " n"}, "begins or ends with a blank"),
        ({"expression": "A", "name": "n%"}, "cannot hold"),
        ({"expression": "A", "name": "n\n"}, "begins or ends"),
        ({"expression": "A", "name": "n" * 301}, "has 301 characters"),
    ],
)
def test_a_computation_is_refused_when_it_is_written(keys: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, ExpressionError)) as error:
        ExpressionComputation(**{"name": "n", **keys})
    assert said in str(error.value)


# Relative, selected


@pytest.mark.parametrize(
    ("measure", "expected", "unit"),
    [
        ("ratio", [1.0, 0.5, NAN], ""),
        ("difference", [0.0, -2.0, 6.0], "m"),
        ("percent", [100.0, 50.0, NAN], "%"),
        ("deviation", [0.0, -50.0, NAN], "%"),
    ],
)
def test_relative_to_a_variable(measure: Any, expected: list[float], unit: str) -> None:
    one = Relative(name="r", variable="A:X", reference="B:X", measure=measure)
    found = made(one, numbers([2, 2, 6], unit="m"), numbers([2, 4, 0], "B:X", "m"))["r"]
    np.testing.assert_array_equal(found.value, expected)
    assert found.unit == unit


def test_relative_to_a_number_and_to_itself() -> None:
    a = numbers([2, NAN, 6])
    np.testing.assert_array_equal(
        value(Relative(name="r", variable="A:X", reference=2.0), a), [1, NAN, 3]
    )
    for baseline, by in {"first": 2, "mean": 4, "median": 4}.items():
        one = Relative(name="r", variable="A:X", baseline=baseline, measure="difference")  # type: ignore[arg-type]
        np.testing.assert_array_equal(value(one, a), [2 - by, NAN, 6 - by])


def test_relative_of_vectors() -> None:
    v = vectors([[1, 2], [3, 4]], unit="mm")
    one = Relative(name="r", variable="V:X", baseline="first", measure="difference")
    assert value(one, v) == [[0, 0], [2, 2]]
    one = Relative(name="r", variable="V:X", reference="A:X", measure="ratio")
    assert value(one, v, numbers([1, 2])) == [[1, 2], [1.5, 2]]
    one = Relative(name="r", variable="V:X", reference="W:X")
    with pytest.raises(ComputationError, match="vectors of 2 elements, the reference of 3"):
        value(one, v, vectors([[1, 2, 3]], "W:X"))
    with pytest.raises(ComputationError, match="no difference"):
        value(
            Relative(name="r", variable="V:X", reference="A:X", measure="difference"),
            v,
            numbers([1], unit="m"),
        )


def test_selected_keeps_the_kind() -> None:
    gate = "BMODE == 'STABLE'"
    images = Series("I:X", Kind.MATRIXNUMERIC, "", T0 + np.array([5, 25]) * SECOND,
                    np.zeros((2, 3, 4), np.uint8))  # fmt: skip
    found = made(Selected(name="s", variable="I:X", gate=gate), images, MODES)["s"]
    assert (found.kind, found.value.shape, found.value.dtype) == (
        Kind.MATRIXNUMERIC,
        (1, 3, 4),
        np.uint8,
    )
    with pytest.raises(ValueError, match="gate is missing"):
        Selected(name="s", variable="I:X")


# Resample, rolling, statistic


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("mean", [2.0, 4.5]),
        ("median", [2.0, 4.5]),
        ("std", [np.std([1, 2, 3]), 0.5]),
        ("min", [1.0, 4.0]),
        ("max", [3.0, 5.0]),
        ("sum", [6.0, 9.0]),
        ("count", [3.0, 2.0]),
        ("first", [1.0, 4.0]),
        ("last", [3.0, 5.0]),
    ],
)
def test_resample(statistic: Any, expected: list[float]) -> None:
    one = Resampled(name="r", variable="A:X", step=timedelta(seconds=4), statistic=statistic)
    a = numbers([1, 2, NAN, 3, 4, np.inf, 5, NAN])
    before = Series("A:X", Kind.NUMERIC, "", np.append(T0 - 5, a.time), [99.0, *a.value])
    found = made(one, before)["r"]
    assert len(found) == 86_400 // 4
    np.testing.assert_allclose(found.value[:2], expected)
    assert np.isnan(found.value[2:]).all() or (found.value[2:] == 0).all()
    assert (np.diff(found.time) == 4 * SECOND).all()
    assert found.time[0] == T0
    v = vectors([[x, 10 * x] for x in a.value])
    rows = made(
        Resampled(name="r", variable="V:X", step=timedelta(hours=7), statistic=statistic), v
    )
    whole = made(
        Resampled(name="r", variable="A:X", step=timedelta(hours=7), statistic=statistic), a
    )
    assert rows["r"].value.shape == (4, 2)
    np.testing.assert_allclose(rows["r"].value[0, 0], whole["r"].value[0])


def test_the_spread_of_a_large_offset_keeps_its_digits() -> None:
    noise = np.random.default_rng(3).normal(size=3600)
    one = Resampled(name="r", variable="A:X", step=timedelta(hours=1), statistic="std")
    assert value(one, numbers(1e9 + noise))[0] == pytest.approx(noise.std(), rel=1e-6)


def test_rolling_and_one_number() -> None:
    a = numbers([1, 3, NAN, 5])
    assert value(Rolling(name="r", variable="A:X", length=timedelta(seconds=2)), a) == [1, 2, 3, 5]
    assert value(WindowStatistic(name="s", variable="A:X"), a) == [3.0]
    assert value(WindowStatistic(name="s", variable="A:X", percentile=100), a) == [5.0]
    assert value(WindowStatistic(name="s", variable="A:X", statistic="count"), a) == [3.0]
    assert value(WindowStatistic(name="s", variable="V:X"), vectors([[1, 2], [3, NAN]])) == [[2, 2]]
    (empty,) = WindowStatistic(name="s", variable="A:X").compute(records(numbers([])))
    assert (empty.time.tolist(), np.isnan(empty.value).tolist()) == ([T0], [True])


# Group


def test_group_by_beam_mode() -> None:
    a = numbers(np.arange(40.0), unit="m")
    one = Grouped(name="g", variable="A:X", by="HX:BMODE", statistics=("mean", "count"))
    found = made(one, a, MODES)
    assert one.outputs == ("g.mean", "g.count")
    assert (found["g.mean"].time - T0).tolist() == [0, 10 * SECOND, 20 * SECOND, 30 * SECOND]
    assert found["g.mean"].value.tolist() == [4.5, 14.5, 24.5, 34.5]
    assert found["g.count"].value.tolist() == [10, 10, 10, 10]
    assert (found["g.mean"].unit, found["g.count"].unit) == ("m", "")
    only = Grouped(name="g", variable="A:X", by="HX:BMODE", only=("STABLE",))
    assert value(only, a, MODES) == [24.5]


def test_group_by_fill_by_cycle_and_by_gate() -> None:
    a = numbers(np.arange(40.0))
    fills = numbers([9000, 9001], "HX:FILLN", step=25)
    assert value(Grouped(name="g", variable="A:X", by="HX:FILLN"), a, fills) == [12.0, 32.0]
    only = Grouped(name="g", variable="A:X", by="HX:FILLN", only=(9001,))
    assert value(only, a, fills) == [32.0]
    cycles = texts({0: "SFTPRO", 20: "SFTPRO", 30: None, 35: "AD"}, "SPS.LSA:CYCLE")
    assert value(Grouped(name="g", variable="A:X", by="SPS.LSA:CYCLE"), a, cycles) == [14.5, 37.0]
    each = Grouped(name="g", variable="A:X", by="SPS.LSA:CYCLE", each_sample=True)
    assert value(each, a, cycles) == [9.5, 24.5, 37.0]
    gate = Grouped(name="g", variable="A:X", gate="BMODE != 'NOBEAM'", statistics=("max",))
    assert value(gate, a, MODES) == [29.0]
    with pytest.raises(ComputationError, match="HX:BMODE is TEXTUAL; it is never 3"):
        value(Grouped(name="g", variable="A:X", by="HX:BMODE", only=(3.0,)), a, MODES)


def test_a_group_without_samples_is_not_a_number() -> None:
    found = value(Grouped(name="g", variable="A:X", by="HX:BMODE"), numbers([1.0, 2.0]), MODES)
    assert found[0] == 1.5
    assert np.isnan(found[1:]).all()
    v = Grouped(name="g", variable="V:X", by="HX:BMODE")
    assert np.array(value(v, vectors([[1, 2], [3, 4]]), MODES)).shape == (4, 2)


# Usage


def test_usage() -> None:
    beam = numbers([0, 5, 5, 0, 0, 7, 7, 7, NAN, 0, 0, 0], unit="A")
    assert value(Usage(name="u", variable="A:X"), beam) == [12.0]
    assert value(Usage(name="u", variable="A:X", measure="edges", threshold=1), beam) == [2.0]
    assert value(Usage(name="u", variable="A:X", measure="time", threshold=1), beam) == [5.0]
    found = made(Usage(name="u", variable="A:X", measure="integral"), beam)["u"]
    assert (found.value.tolist(), found.unit) == ([31.0], "A s")
    running = Usage(name="u", variable="A:X", measure="integral", running=True)
    assert value(running, beam)[-1] == 31.0
    status = texts({-10: "IN", 10: "OUT", 20: "IN", 25: "OUT"}, "D:STATUS")
    assert value(Usage(name="u", variable="D:STATUS", measure="edges", value="IN"), status) == [1.0]
    assert value(Usage(name="u", variable="D:STATUS", measure="time", value="IN"), status) == [15.0]
    gated = Usage(
        name="u", variable="D:STATUS", measure="time", value="OUT", gate="BMODE == 'INJPHYS'"
    )
    assert value(gated, status, MODES) == [10.0]
    assert value(Usage(name="u", variable="V:X"), vectors([[1], [1, 2]])) == [2.0]
    with pytest.raises(ComputationError, match="D:STATUS is TEXTUAL; this takes NUMERIC"):
        value(Usage(name="u", variable="D:STATUS", measure="integral"), status)


# Spectrum, histogram


def test_the_tune_of_turn_by_turn_vectors() -> None:
    turns = np.arange(2048)
    rows = [0.3 * np.sin(2 * np.pi * q * turns) + 5 for q in (0.31, 0.3203)]
    one = Spectrum(name="s", variable="V:X", low=0.25, high=0.35)
    found = made(one, vectors([*rows, [1.0, 2.0], [NAN] * 2048], unit="mm"))
    peak = found["s.peak_frequency"]
    np.testing.assert_allclose(peak.value[:2], [0.31, 0.3203], atol=2e-5)
    assert np.isnan(peak.value[2:]).all()
    np.testing.assert_allclose(found["s.peak_amplitude"].value[:2], 0.3, rtol=0.02)
    assert found["s.amplitude"].value[0].shape == (1025,)
    assert (peak.unit, found["s.amplitude"].unit) == ("", "mm")
    assert found["s.frequencies"].value.shape == (1, 1025)


def test_the_spectrum_of_an_evenly_sampled_number() -> None:
    t = np.arange(20_000) * 0.1
    a = numbers(np.sin(2 * np.pi * 0.05 * t), step=0.1)
    a = a.where(np.random.default_rng(1).random(len(a)) > 0.05)  # some samples are missing
    found = made(Spectrum(name="s", variable="A:X"), a)
    assert found["s.peak_frequency"].value[0] == pytest.approx(0.05, abs=1e-4)
    assert found["s.peak_frequency"].unit == "Hz"
    assert found["s.peak_amplitude"].value[0] == pytest.approx(1, rel=0.03)
    parts = made(Spectrum(name="s", variable="A:X", segment=timedelta(minutes=5)), a)
    assert len(parts["s.peak_frequency"]) == 6
    uneven = Series("A:X", Kind.NUMERIC, "", T0 + np.sort(
        np.random.default_rng(2).integers(0, 10**12, 500)), np.ones(500))  # fmt: skip
    with pytest.raises(ComputationError, match="not sampled evenly"):
        made(Spectrum(name="s", variable="A:X"), uneven)


def test_histogram() -> None:
    one = Histogram(name="h", variable="A:X", bins=4, low=0, high=4)
    found = made(one, numbers([0.5, 1.5, 1.7, NAN, 9, np.inf]))
    assert found["h.counts"].value.tolist() == [[1, 2, 0, 0]]
    assert found["h.edges"].value.tolist() == [[0, 1, 2, 3, 4]]
    free = made(Histogram(name="h", variable="V:X", bins=2), vectors([[1, 2], [3], []]))
    assert free["h.counts"].value.tolist() == [[1, 2]]
    same = made(Histogram(name="h", variable="A:X", bins=1), numbers([3, 3]))
    assert same["h.counts"].value.tolist() == [[2]]


# The room


def test_later_ones_use_earlier_ones() -> None:
    chain = [
        ExpressionComputation(name="ratio", expression="A / B", inputs={"A": A, "B": B}),
        Rolling(name="smooth", variable="ratio", length=timedelta(minutes=1)),
        ExpressionComputation(name="off", expression="ratio - smooth"),
    ]
    found, troubles = run_computations(chain, records(numbers([1, 2], A), numbers([1, 1], B)))
    assert troubles == []
    assert found["off"].value.tolist() == [0.0, 0.5]
    assert found.entries["off"].computed
    assert not found.entries[A].computed


def test_a_failure_stays_with_its_own() -> None:
    chain = [
        ExpressionComputation(name="lost", expression="NOBODY * 2"),
        Relative(name="after", variable="lost", reference=2.0),
        Grouped(name="g", variable="A:X", by="A:X", statistics=("mean", "std"), only=("text",)),
        ExpressionComputation(name="fine", expression="`A:X` * 2"),
        WindowStatistic(name="gone", variable="GONE:X"),
        WindowStatistic(name="{device}:M", variable="Q%"),
    ]
    found, troubles = run_computations(chain, records(numbers([1.0]), absent=("GONE:X",)))
    assert [trouble.name for trouble in troubles] == [
        "lost",
        "after",
        "g.mean",
        "g.std",
        "gone",
        "{device}:M",
    ]
    said = {trouble.name: trouble.reason for trouble in troubles}
    assert "no variable or field is called 'NOBODY'" in said["lost"]
    assert said["after"].startswith("nothing is known of lost: expression 'NOBODY * 2'")
    assert "GONE:X does not exist" in said["gone"]
    assert "no variable matches 'Q%'" in said["{device}:M"]
    assert found["fine"].value.tolist() == [2.0]
    for name in ("lost", "after", "g.mean", "g.std", "gone"):
        assert found.entries[name].state is State.FAILED
        assert found.entries[name].reason == said[name]
        assert len(found[name]) == 0
        assert found.entries[name].computed


def test_a_name_that_is_taken_is_refused_and_what_was_there_stays() -> None:
    chain = [
        ExpressionComputation(name="A:X", expression="X * 2"),
        ExpressionComputation(name="n", expression="X * 2"),
        ExpressionComputation(name="n", expression="X * 3"),
    ]
    found, troubles = run_computations(chain, records(numbers([1.0])))
    assert troubles == [
        Trouble("A:X", "'A:X' is a logged variable already; choose another name"),
        Trouble("n", "'n' is a computed variable already; choose another name"),
    ]
    assert found["A:X"].value.tolist() == [1.0]
    assert found["n"].value.tolist() == [2.0]


def test_nothing_logged_stays_nothing_logged() -> None:
    chain = [ExpressionComputation(name="n", expression="A * 2", inputs={"A": "A:X"})]
    found, troubles = run_computations(chain, records(numbers([])))
    assert troubles == []
    assert found.entries["n"].state is State.EMPTY
    assert found.entries["n"].reason == "computed from A:X, which was not logged"


def test_a_plug_in_that_breaks_is_a_trouble() -> None:
    class Broken:
        name = "b"

        def compute(self, records: Records) -> list[Series]:
            return [1 / 0]  # type: ignore[list-item]

    class Wrong:
        name = "w"

        def compute(self, records: Records) -> list[Any]:
            return ["no series"]

    found, troubles = run_computations([Broken(), Wrong()], records(numbers([1.0])))
    assert [trouble.reason for trouble in troubles] == [
        "it failed with ZeroDivisionError: division by zero",
        "it failed with TypeError: it returned a str, not a list of Series",
    ]
    assert found.entries["b"].state is State.FAILED


def test_a_request_that_failed_is_a_trouble() -> None:
    known = records(numbers([1.0]))
    known.entries["B:X"] = Entry(Variable("B:X"), State.FAILED, reason="timeout after 60 s")
    chain = [ExpressionComputation(name="n", expression="X + 1", inputs={"X": "B:X"})]
    _, troubles = run_computations(chain, known)
    assert troubles == [Trouble("n", "nothing is known of B:X: timeout after 60 s")]


# Every computation, on whatever a logging system may hold


def keys_of(kind: str) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "expression": {"expression": "X"},
        "group": {"by": "HX:BMODE"},
        "relative": {"baseline": "first"},
        "profile_distance": {"baseline": "first"},
        "resample": {"step": timedelta(hours=1)},
        "rolling": {"length": timedelta(hours=1)},
        "selected": {"gate": "BMODE == 'STABLE'"},
    }
    keys: dict[str, Any] = {"name": "n", **more.get(kind, {})}
    return keys if kind == "expression" else {**keys, "variable": "A:X"}


def hostile(kind: Kind) -> list[Any]:
    generator = np.random.default_rng(7)
    if kind is Kind.NUMERIC:
        return [[], [1.0], [NAN] * 5, [np.inf, -np.inf, 1e308, -1e308], [0.0] * 50,
                generator.normal(size=200)]  # fmt: skip
    if kind is Kind.VECTORNUMERIC:
        return [[], [[]], [[], [1.0]], [[NAN] * 9] * 3, [[np.inf] * 9, [1.0] * 9],
                [[5.0] * 9] * 4, [[1.0], [1.0, 2.0], [1e308, -1e308, 3.0]],
                generator.normal(size=(20, 33))]  # fmt: skip
    if kind is Kind.MATRIXNUMERIC:
        ragged = [np.zeros((2, 3), np.uint8), np.ones((4, 2), np.uint16), np.zeros((0, 0))]
        return [[], ragged, np.zeros((3, 8, 9), np.uint8), np.full((2, 8, 9), NAN),
                np.full((2, 8, 9), 255, np.uint8), generator.normal(size=(4, 8, 9)),
                np.full((2, 1, 1), 3, np.int16)]  # fmt: skip
    if kind is Kind.TEXTUAL:
        return [[], ["a", None, ""], ["STABLE"] * 20]
    return [[], [np.array(["a"], object), np.array([], object)]]


def as_series(kind: Kind, values: Any) -> Series:
    time = T0 + np.arange(len(values), dtype=np.int64) * SECOND
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return Series("A:X", kind, "", time, values)
    if kind is Kind.VECTORNUMERIC:
        return vectors(values, "A:X")
    if kind is Kind.NUMERIC:
        return numbers(values)
    value: np.ndarray = np.empty(len(values), dtype=object)
    for i, one in enumerate(values):
        value[i] = one
    return Series("A:X", kind, "", time, value)


@pytest.mark.parametrize("kind", computations.names())
def test_hostile_series_make_something_or_a_sentence(kind: str) -> None:
    computation = computations.load(kind)(**keys_of(kind))
    for of in Kind:
        for values in hostile(of):
            series = as_series(of, values)
            found, troubles = run_computations([computation], records(series, MODES))
            for trouble in troubles:
                assert "failed with" not in trouble.reason, (kind, of, values, trouble.reason)
            names = set(computation.made_names)
            assert names <= set(found)
            for name in names:
                assert np.asarray(found[name].time).tolist() == sorted(found[name].time.tolist())
                if found[name].kind is Kind.NUMERIC and kind != "expression":
                    assert not np.isinf(found[name].value).any()


@pytest.mark.parametrize("kind", computations.names())
def test_every_computation_is_documented_and_takes_its_keys(kind: str) -> None:
    cls = computations.load(kind)
    assert cls.kind == kind
    assert cls.__doc__
    own = [entry.name for entry in fields(cls)]
    assert own[:4] == ["name", "unit", "title", "gate"]
    documented = "".join(base.__doc__ or "" for base in cls.__mro__)
    for name in own:
        assert name in documented, f"{kind}: {name} is not in the docstring"
    one = cls(**keys_of(kind))
    assert one.outputs == one.made_names
