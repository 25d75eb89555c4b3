"""A report's budget: what is too much comes in parts, or at low resolution, or is said not to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from asked_source import DAY, NOW, Asked, dataset, extracted, samples

from oaflib.checks import run_checks
from oaflib.checks.noise import Noise
from oaflib.checks.range import Range
from oaflib.compute.expression import ExpressionComputation
from oaflib.compute.statistics import summarise
from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.provenance import asked_of, half_answered, low_resolution, summed
from oaflib.records import State
from oaflib.report import Report, Severity
from oaflib.series import Kind
from oaflib.sources.embedded.reduce import Reduction
from oaflib.sources.envelope import envelope_of
from oaflib.study.quality import quality_of
from oaflib.study.words import compute
from oaflib.testing import same


def test_it_is_counted_before_it_is_read(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), samples("A:Y"))
    extracted(source, dataset("A:X", "A:Y"), tmp_path / "r")
    assert source.questions == ["open", "find A:X", "find A:Y", "count 2", "read A:X A:Y 24h"]


class Bounded(Asked):
    """Knows without counting how much there is at most."""

    def bound(self, variables, window):  # type: ignore[no-untyped-def]
        return {one.name: 2 * len(self._of(one, window)) for one in variables}


def test_a_bound_within_the_budget_saves_counting(tmp_path: Path) -> None:
    for points, counts, coarse in ((3000, False, 0), (2000, True, 0), (1000, True, 1)):
        source = Bounded(samples("A:X"))
        folder = tmp_path / str(points) / "r"
        records = extracted(source, dataset("A:X"), folder, points=points, buckets=100)
        assert ("count 1" in source.questions) is counts
        assert len(records.coarse) == coarse


def test_too_much_for_one_question_comes_in_several(tmp_path: Path) -> None:
    """By variables while they fit, by time where one alone does not."""
    source = Asked(*(samples(f"A:{i}") for i in range(3)), samples("A:BIG", count=14_400))
    names = ("A:0", "A:1", "A:2", "A:BIG")
    records = extracted(source, dataset(*names), tmp_path / "r", request=3_000)
    asked = [question for question in source.questions if question.startswith("read")]
    assert asked[:2] == ["read A:0 A:1 24h", "read A:2 24h"]
    assert len(asked[2:]) == 5
    assert all(question.startswith("read A:BIG 4.8") for question in asked[2:])
    for name in names:
        assert np.array_equal(records[name].value, source.series[name].value)


def test_a_refused_variable_is_halved_by_time(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), most=200)
    records = extracted(source, dataset("A:X"), tmp_path / "r")
    assert np.array_equal(records["A:X"].time, source.series["A:X"].time)
    assert records.entries["A:X"].duplicates == 0
    assert "read A:X 3h" in source.questions


def test_a_refusal_of_the_least_span_is_said(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), samples("A:Y", count=1), most=1)
    about = dataset("A:X", "A:Y")
    records = extracted(source, about, tmp_path / "r", least=timedelta(hours=2))
    assert records.entries["A:X"].state is State.FAILED
    assert "too many samples (also for 5400 s of its time)" in records.entries["A:X"].reason
    assert records.entries["A:Y"].state is State.LOGGED
    assert quality_of(records)["failed"] == 1


def test_beyond_the_budget_the_largest_come_at_low_resolution(tmp_path: Path) -> None:
    source = Asked(samples("A:X"), samples("A:BIG", count=86_400))
    about = dataset("A:X", "A:BIG")
    records = extracted(source, about, tmp_path / "r", points=20_000, buckets=100, request=10_000)
    assert records.coarse == ("A:BIG",)
    entry, series = records.entries["A:BIG"], records["A:BIG"]
    whole = source.series["A:BIG"].value
    assert entry.resolution == 864 * 10**9
    assert len(series) == 200
    assert (series.value.min(), series.value.max()) == (whole.min(), whole.max())
    numbers = summarise(series, entry)
    assert numbers.count == 86_400
    assert numbers.mean == pytest.approx(whole.mean())
    assert numbers.std == pytest.approx(whole.std())
    means = whole.reshape(100, 864).mean(axis=1)
    assert records.mean("A:BIG").value == pytest.approx(means)
    # in parts: never more than a tenth of it in memory
    assert max(float(q.split()[-1][:-1]) for q in source.questions if "read A:BIG" in q) <= 2.9
    told = quality_of(records)
    assert (told["coarse"], told["resolution"]) == (1, 864.0)
    assert "A:BIG: of 86,400 samples only the extremes of each 864 s" in told["notes"]


class Reduces(Asked):
    """Reduces by itself, and says how often it was asked to."""

    def envelope(self, variables, window, buckets):  # type: ignore[no-untyped-def]
        self.questions.append(f"envelope {len(variables)}")
        if len(variables) > 2:
            raise QueryRefused("two at most")
        yield from (envelope_of(self.series[one.name], window, buckets) for one in variables)

    def statistics(self, variables, window):  # type: ignore[no-untyped-def]
        self.questions.append(f"statistics {len(variables)}")
        made = []
        for one in variables:
            reduction = Reduction(one)
            reduction.add(self.series[one.name])
            made.append(reduction.statistics())
        return made


def test_a_source_that_reduces_does_it_itself(tmp_path: Path) -> None:
    """In one question, halved when refused; the samples never come."""
    source = Reduces(*(samples(f"A:{i}", count=8640) for i in range(4)))
    records = extracted(source, dataset("A:%"), tmp_path / "r", points=1000, buckets=96)
    assert source.questions[3:] == [
        "envelope 4", "envelope 2", "statistics 2", "envelope 2", "statistics 2",
    ]  # fmt: skip
    assert len(records.coarse) == 4
    here = extracted(
        Asked(*source.series.values()), dataset("A:%"), tmp_path / "s" / "r", points=1000,
        buckets=96,
    )  # fmt: skip
    for name, series in source.series.items():
        assert same(records[name], here[name])
        numbers = [summarise(one[name], one.entries[name]) for one in (records, here)]
        assert numbers[0] == numbers[1]
        assert numbers[0].count == len(series)


def test_vectors_come_at_low_resolution_element_by_element(tmp_path: Path) -> None:
    source = Asked(samples("A:V", kind=Kind.VECTORNUMERIC))
    records = extracted(source, dataset("A:V"), tmp_path / "r", points=1000, buckets=24)
    whole = source.series["A:V"].value.reshape(24, 60, 8)
    assert records["A:V"].value[::2] == pytest.approx(whole.min(axis=1))
    assert records["A:V"].value[1::2] == pytest.approx(whole.max(axis=1))
    assert records.mean("A:V").value == pytest.approx(whole.mean(axis=1))
    numbers = summarise(records["A:V"], records.entries["A:V"])
    assert (numbers.count, numbers.mean) == (1440, None)
    assert numbers.max == pytest.approx(whole.max())


def test_what_has_no_low_resolution_is_not_read_and_said(tmp_path: Path) -> None:
    source = Asked(samples("A:T", kind=Kind.TEXTUAL), samples("A:X", count=10))
    records = extracted(source, dataset("A:T", "A:X"), tmp_path / "r", points=100)
    assert records.entries["A:T"].state is State.FAILED
    reason = records.entries["A:T"].reason
    assert "1,440 points are beyond the 100 that this report may ask of LDB" in reason
    assert "TEXTUAL has no low resolution" in reason
    assert records.entries["A:X"].state is State.LOGGED
    assert not any("A:T" in question for question in source.questions if "read" in question)


def test_a_site_may_refuse_instead(tmp_path: Path) -> None:
    source = Asked(samples("A:X", count=86_400))
    records = extracted(source, dataset("A:X"), tmp_path / "r", points=100, over="refuse")
    assert records.entries["A:X"].state is State.FAILED


def test_a_dataset_says_otherwise_than_its_source() -> None:
    from oaflib.config.budget import USUAL, Share

    assert USUAL.under(Share(points=5)) == replace(USUAL, points=5)
    assert USUAL.under(None) is USUAL


def test_seconds_used_up_leave_the_rest_unasked_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Asked(*(samples(f"A:{i}") for i in range(3)))
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr("oaflib.sources.connection.time.monotonic", lambda: next(clock))
    about = dataset("A:0", "A:1", "A:2")
    records = extracted(source, about, tmp_path / "r", request=1440, seconds=800)
    states = [entry.state for entry in records.entries.values()]
    assert states == [State.LOGGED, State.LOGGED, State.FAILED]
    assert "the 800 s that this report may ask LDB were used up" in records.entries["A:2"].reason


def test_a_source_that_stops_answering_leaves_what_it_had_said(tmp_path: Path) -> None:
    source = Asked(*(samples(f"A:{i}") for i in range(4)), answers=2)
    records = extracted(source, dataset("A:0", "A:1", "A:2", "A:3"), tmp_path / "r", request=1440)
    states = [entry.state for entry in records.entries.values()]
    assert states == [State.LOGGED, State.LOGGED, State.FAILED, State.FAILED]
    assert records.entries["A:3"].reason == "nobody there"
    with pytest.raises(SourceUnavailable, match="nobody there"):
        extracted(Asked(samples("A:9"), answers=0), dataset("A:9"), tmp_path / "s")


def test_checks_say_what_low_resolution_cannot_tell(tmp_path: Path) -> None:
    source = Asked(samples("A:X", count=86_400))
    records = extracted(source, dataset("A:X"), tmp_path / "r", points=100, buckets=100)
    checks = [Range(high=0.5), Noise(high=10.0)]
    found = run_checks(checks, records)
    assert [outcome.severity for outcome in found] == [Severity.ALARM, Severity.INVALID]
    assert found[0].reason.endswith("(at low resolution, in parts of 864 s)")
    assert found[0].found == pytest.approx(source.series["A:X"].value.max())
    assert "needs every sample, so it could not be judged" in found[1].reason


def test_what_is_computed_is_computed_from_means(tmp_path: Path) -> None:
    """A ratio of extremes would be a number that never was."""
    source = Asked(samples("A:LONG", count=86_400), samples("B:X", count=86_400))
    ratio = ExpressionComputation(
        name="ratio", expression="A / B", inputs={"A": "A:LONG", "B": "B:X"}
    )
    about = dataset("A:LONG", "B:X", computations=(ratio,))
    records = extracted(source, about, tmp_path / "r", points=1000, buckets=100)
    found = compute(SimpleNamespace(dataset=about), records)  # type: ignore[arg-type]
    parts = [source.series[name].value.reshape(100, 864).mean(axis=1) for name in ("A:LONG", "B:X")]
    assert found["ratio"].value == pytest.approx(parts[0] / parts[1])
    assert found.entries["ratio"].resolution == 864 * 10**9
    assert same(found["A:LONG"], records["A:LONG"])
    (outcome,) = run_checks([Range(variables=("ratio",), low=-1e9)], found)
    assert outcome.reason.endswith("(at low resolution, in parts of 864 s)")


def test_a_report_says_what_it_asked_and_what_is_missing() -> None:
    quality = {"variables": 40, "failed": 12, "coarse": 3, "resolution": 43.2}
    asked = {"source": "LDB", "kind": "java", "queries": 7, "rows": 10, "seconds": 0.5}
    report = Report(
        "BCT", "B1", "", DAY, NOW, True, (), provenance={"quality": quality, "asked": asked}
    )
    assert half_answered(report) == "12 of 40 variables could not be read"
    assert low_resolution(report) == (
        "3 of 40 variables came as the least and the greatest sample of each 43.2 s"
    )
    rows = summed([asked_of(report), {}, asked_of(report), {**asked, "source": "AA"}])
    assert [(row["source"], row["reports"], row["queries"]) for row in rows] == [
        ("AA", 1, 7), ("LDB", 2, 14),
    ]  # fmt: skip
    for odd in (
        {},
        {"quality": 3, "asked": []},
        {"quality": {"coarse": "x"}, "asked": {"source": 1}},
    ):
        bare = replace(report, provenance=odd)
        assert (half_answered(bare), low_resolution(bare), asked_of(bare)) == ("", "", {})
