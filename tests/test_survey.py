"""One pass while the series are extracted finds what looking at each of them later does."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oaflib.checks import Check, Context, SeriesCheck, Verdict, default_checks, run_checks
from oaflib.checks.defaults import every_default
from oaflib.checks.noise import Noise
from oaflib.checks.range import Range
from oaflib.checks.usage import Usage
from oaflib.compute.statistics import summarise
from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.plots.curve import curve_of
from oaflib.records import Records, open_records, records_of
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series, stack
from oaflib.sources.base import SourceSettings
from oaflib.sources.connection import direct
from oaflib.sources.embedded import EmbeddedSource, Lake
from oaflib.sources.envelope import envelope_of
from oaflib.sources.extract import Extraction
from oaflib.study import survey as survey_module
from oaflib.study.survey import Survey
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 10, 25), "Europe/Zurich")
CHECKS: list[Check] = [
    *every_default(),
    Range(low=-1.0, high=2.0, name="wide"),
    Range(variables=("D0:%",), high=0.5, severity="warning"),
    Noise(high=0.3),
    Usage(variables=("D1:V",), minimum=300, gate="'D0:V' > 0"),
]


@st.composite
def numbers(draw: st.DrawFn) -> np.ndarray:
    """Readings, settings, states: with NaN, infinities, spikes, shifts and rests."""
    n = draw(st.sampled_from([1, 2, 15, 40, 200, 1700, 3001]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sort = draw(st.sampled_from(["noise", "steps", "constant", "two", "walk", "cycle", "huge"]))
    value = rng.normal(0, 1, n)
    if sort == "steps":
        value = np.round(value)
    elif sort == "constant":
        value = np.full(n, 3.5)
    elif sort == "two":
        value = rng.integers(0, 2, n).astype(float)
    elif sort == "walk":
        value = np.round(np.cumsum(value), 2)
    elif sort == "cycle":
        value = np.sin(np.arange(n) / max(1, n) * 2 * np.pi * 11) + value / 10
    elif sort == "huge":
        value = value * 1e307
    for harm in draw(st.lists(st.sampled_from(["nan", "inf", "spike", "shift", "rest"]))):
        at = int(rng.integers(0, n))
        part = slice(at, at + max(1, n // 10))
        if harm == "shift":
            value[part] += 9
        else:
            value[part] = {"nan": np.nan, "inf": np.inf, "spike": 50.0, "rest": value[at]}[harm]
    return value


@st.composite
def series(draw: st.DrawFn) -> list[Series]:
    made = []
    span = DAY.end_ns - DAY.start_ns
    for i in range(draw(st.integers(1, 7))):
        value = draw(numbers())
        rng = np.random.default_rng(len(value) + i)
        time = DAY.start_ns + np.arange(len(value), dtype=np.int64) * (span // len(value))
        if draw(st.booleans()):
            time = np.sort(DAY.start_ns + rng.integers(0, span, len(value)))
        if draw(st.booleans()):
            time[len(value) // 2 :][: len(value) // 20] = time[len(value) // 2]  # one time, many
        time.sort()
        made.append(Series(f"D{i}:V", Kind.NUMERIC, draw(st.sampled_from("AV")), time, value))
    if draw(st.booleans()):
        rows = np.random.default_rng(1).normal(size=(40, 12))
        rows[:, 3] = 0.0
        time = DAY.start_ns + np.arange(40, dtype=np.int64) * 10**9
        made.append(Series("V:V", Kind.VECTORNUMERIC, "um", time, rows))
        made.append(
            Series("V:R", Kind.VECTORNUMERIC, "", time[:2], stack([rows[0], rows[1, :3]], 1))
        )
        made.append(Series("C:I", Kind.MATRIXNUMERIC, "", time[:3], np.ones((3, 4, 5), "u2")))
        texts = np.array(["a", "b"], dtype=object)
        made.append(Series("T:T", Kind.TEXTUAL, "", time[:2], texts))
    return made


def surveyed(made: Sequence[Series], checks: Sequence[Check]) -> Records:
    records = records_of(list(made), DAY)
    with Survey(checks, DAY) as survey:
        for entry in made:
            survey.take(entry, records.entries[entry.name])
    records.summaries, records.seen = survey.summaries, survey.seen
    return records


def judged(checks: Sequence[Check], records: Records) -> list[str]:
    """Outcomes as texts: NaN equals NaN."""
    return [repr(outcome) for outcome in run_checks(checks, records)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series())
def test_the_survey_finds_what_the_plain_way_finds(made: list[Series]) -> None:
    plain = records_of(made, DAY)
    records = surveyed(made, CHECKS)
    assert judged(CHECKS, records) == judged(CHECKS, plain)
    assert judged(default_checks(records), records) == judged(default_checks(plain), plain)
    for entry in made:
        if len(entry):
            found = records.summaries[entry.name]
            with np.errstate(all="ignore"):
                told = summarise(plain[entry.name], plain.entries[entry.name])
            assert repr(found) == repr(told)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series())
def test_through_the_store_it_is_the_same(made: list[Series]) -> None:
    """Extracted with a survey, in linked files; and judged the plain way from these."""
    chosen = tuple(VariableChoice(entry.name) for entry in made)
    dataset = Dataset("X", "all", "", variables=chosen)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake(folder / "store") as lake:
            lake.write(made)
        settings_ = SourceSettings("LDB", "embedded", {"folder": "store"}, folder)
        survey = Survey(CHECKS, DAY, "LDB")
        with EmbeddedSource(settings_) as source, survey:
            extraction = Extraction(dataset, DAY, direct(source))
            records = extraction.into(folder / "run", survey)
        records.summaries, records.seen = survey.summaries, survey.seen
        plain = open_records(folder / "run")
        assert judged(CHECKS, records) == judged(CHECKS, plain)
        for name_, entry in plain.entries.items():
            if entry.count:
                with np.errstate(all="ignore"):
                    told = summarise(plain[name_], entry)
                assert repr(records.summaries[name_]) == repr(told)


def test_what_was_surveyed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [Series("D0:V", Kind.NUMERIC, "A", DAY.start_ns + np.arange(50) * 10**9, np.ones(50))]
    records = surveyed(made, every_default())
    monkeypatch.setattr(Records, "__getitem__", lambda *_: pytest.fail("read again"))
    checks = default_checks(records)
    assert {outcome.check for outcome in run_checks(checks, records)} == {
        check.kind for check in checks
    }


@dataclass(frozen=True)
class Dear(SeriesCheck):
    """A plug-in's check that asks the past, and so looks when all records are there."""

    kind: ClassVar[str] = "dear"
    fault: ClassVar[Fault] = Fault.AGEING

    def weigh(self, series: Series, context: Context) -> Verdict:
        return Verdict(Severity.OK, f"{len(series)} samples, {context.past}")


def test_checks_that_need_more_than_the_series_wait() -> None:
    checks = [Dear(), Range(low=0, gate="'D0:V' > 0"), Range(low=0)]
    with Survey(checks, DAY) as survey:
        assert list(survey.seen) == [Range(low=0)]


def test_a_large_series_is_alone_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module, "_LARGE", 0)
    made = [Series("D0:V", Kind.NUMERIC, "A", DAY.start_ns + np.arange(50) * 10**9, np.ones(50))]
    assert surveyed(made, every_default()).summaries["D0:V"].count == 50


def test_a_survey_that_fails_leaves_the_telling_to_the_plain_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(survey_module, "summarise", broken)
    made = [Series("D0:V", Kind.NUMERIC, "A", DAY.start_ns + np.arange(50) * 10**9, np.ones(50))]
    records = surveyed(made, every_default())
    assert records.summaries == {}
    assert judged(every_default(), records) == judged(every_default(), records_of(made, DAY))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series(), st.integers(20, 700))
def test_limits_and_pictures_are_the_same_at_low_resolution(
    made: list[Series], buckets: int
) -> None:
    """What limits find in all samples they find in the least and the greatest of each part.

    Not so of infinities, which low resolution leaves out.
    """
    scalars = [
        entry
        for entry in made
        if entry.kind is Kind.NUMERIC and not np.isinf(entry.value.astype(float)).any()
    ]
    full = records_of(scalars, DAY)
    reduced = records_of([envelope_of(entry, DAY, buckets) for entry in scalars], DAY)
    checks = [Range(low=-1.0, high=2.0), Range(high=0.5, severity="warning")]
    found, again = (run_checks(checks, records) for records in (full, reduced))
    part = (DAY.end_ns - DAY.start_ns) // buckets + 1
    for one, other in zip(found, again, strict=True):
        assert (one.variable, one.severity, one.found) == (
            other.variable,
            other.severity,
            other.found,
        )
        assert (one.since is None) == (other.since is None)
        assert one.since is None or abs(one.since - other.since) <= part
    for entry in scalars:
        pair = (curve_of(entry.name, records, 160).limits for records in (full, reduced))
        assert next(pair) == next(pair)
