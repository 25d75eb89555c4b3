"""What must hold of every check, whatever the records are like."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_checks_first import DAY, SECOND, T0

from oaflib.checks import default_checks, fold, run_checks
from oaflib.checks.agreement import Agreement
from oaflib.checks.expression import Condition
from oaflib.checks.image import Image
from oaflib.checks.noise import Noise
from oaflib.checks.over_usage import OverUsage
from oaflib.checks.peers import Peers
from oaflib.checks.range import Range
from oaflib.checks.setting import Setting
from oaflib.checks.stuck import Stuck
from oaflib.checks.text import Text
from oaflib.checks.unit import Unit
from oaflib.checks.unusual import Unusual
from oaflib.checks.usage import Usage
from oaflib.checks.vector import Vector
from oaflib.records import Entry, Records, State, entry_of, records_of
from oaflib.report import Report, Severity, read, write
from oaflib.series import Kind, Series, Variable

odd_floats = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324]),
    st.floats(width=64),
)
GATE = "`S1:V` > 0"


@st.composite
def series(draw, name: str, kind: Kind) -> Series:
    n = draw(st.integers(0, 40))
    offsets = arrays(np.int64, n, elements=st.integers(-1000, 90_000))
    time = T0 + draw(offsets) * SECOND
    if kind is Kind.NUMERIC:
        value = draw(arrays(np.float64, n, elements=odd_floats))
        long = draw(st.integers(0, 60))
        if long > 50 and n:  # as many samples as habits need
            value = np.tile(value, 2000 // n + 1)
            time = T0 + np.arange(len(value)) * 40 * SECOND
    elif kind is Kind.TEXTUAL:
        texts = draw(st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=n, max_size=n))
        value = np.array(texts, dtype=object).reshape(n)
    else:
        ragged = draw(st.booleans())
        value = np.empty(n, dtype=object)
        width = draw(st.integers(0, 9))
        for i in range(n):
            size = draw(st.integers(0, 9)) if ragged else width
            shape = (size,) if kind is not Kind.MATRIXNUMERIC else (size, width)
            if kind is Kind.VECTORSTRING:
                value[i] = np.array(["A"] * size, dtype=object)
            else:
                value[i] = draw(arrays(np.float64, shape, elements=odd_floats))
        if n and not ragged and kind is not Kind.VECTORSTRING:
            value = np.stack(list(value))
    return Series(name, kind, draw(st.sampled_from(["", "mA"])), time, value)


@st.composite
def any_records(draw) -> Records:
    made = {}
    entries = {}
    for i in range(draw(st.integers(0, 4))):
        kind = Kind.NUMERIC if i == 1 else draw(st.sampled_from(list(Kind)))
        one = draw(series(f"S{i}:V", kind))
        made[one.name], entries[one.name] = one, entry_of(one)
    for state in draw(st.lists(st.sampled_from(list(State)[1:]), max_size=3)):
        name = f"{state}:{len(entries)}"
        entries[name] = Entry(Variable(name), state, reason="because")
    return Records(DAY, entries, made=made)


def every_check(gate: str = "") -> list:
    return [
        *(
            check
            for kind in (Usage, Stuck, Unit, Vector, Image, Peers, Unusual)
            for check in [kind(gate=gate)]
        ),
        *default_checks(records_of([], DAY)),
        Stuck(max_unchanged="1h", tolerance=0.1, gate=gate),
        Range(low=-1, high=1, warning_high=0.5, hysteresis=0.2, min_duration="1min", gate=gate),
        Range(high=0, allowed_fraction=0.3, gate=gate),
        Text(allowed=("A%",), gate=gate),
        Text(on=(0,), off=("x",), bits={"x": 2}, gate=gate),
        Setting(gate=gate),
        Setting(expected=(1.0, "A"), tolerance=0.5, gate=gate),
        OverUsage(budget=3, per="1h", gate=gate),
        OverUsage(budget=3, count="edges", gate=gate),
        OverUsage(budget=3, count="integral", gate=gate),
        Noise(low=0.1, high=1, chunk="1h", gate=gate),
        Noise(high=1, of="level", gate=gate),
        Agreement(variables=("S%",), absolute=1, percent=1, gate=gate),
        Condition(expression="A > 0", inputs={"A": "S1:V"}, gate=gate),
    ]


@settings(max_examples=60, deadline=None)
@given(records=any_records(), gate=st.sampled_from(["", GATE]))
def test_any_records_give_outcomes_and_a_valid_report(records, gate):
    outcomes = run_checks([*every_check(gate), *default_checks(records)], records)
    assert outcomes
    broken = [o.reason for o in outcomes if "itself failed" in o.reason]
    assert not broken
    assert all(o.reason and o.check for o in outcomes)
    for told in (outcomes, fold(outcomes, records)):
        moment = datetime(2026, 11, 23, tzinfo=UTC)
        report = Report("BCT", "all", "", DAY, moment, True, tuple(told))
        text = write(report)
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in the document"))
        assert read(text).counts == report.counts


@settings(max_examples=60, deadline=None)
@given(
    value=arrays(np.float64, st.integers(1, 60), elements=odd_floats),
    seed=st.integers(0, 99),
)
def test_order_and_duplicates_of_rows_do_not_matter(value, seed):
    time = T0 + np.arange(len(value)) * 60 * SECOND
    plain = Series("S1:V", Kind.NUMERIC, "mA", time, value)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.concatenate([np.arange(len(value)), rng.integers(0, len(value), 9)]))
    checks = [check for check in every_check() if not isinstance(check, (Agreement, Condition))]
    first = run_checks(checks, records_of([plain], DAY))
    second = run_checks(checks, records_of([plain.where(rows)], DAY))
    assert [replace(o, found=None) for o in first] == [replace(o, found=None) for o in second]


@settings(max_examples=100, deadline=None)
@given(
    value=arrays(np.float64, st.integers(1, 50), elements=st.floats(-3, 3)),
    odd=st.lists(st.integers(0, 49), min_size=1, max_size=20),
    fraction=st.sampled_from([0.0, 0.2]),
)
def test_adding_nan_never_turns_an_alarm_into_ok(value, odd, fraction):
    time = T0 + np.arange(len(value)) * 60 * SECOND
    worse = value.copy()
    worse[[i % len(value) for i in odd]] = np.nan
    between_time = np.concatenate([time, time[[i % len(value) for i in odd]] + SECOND])
    order = np.argsort(between_time, kind="stable")
    more = np.concatenate([value, np.full(len(odd), np.nan)])[order]
    for check in (
        Range(low=-1, high=1, allowed_fraction=fraction),
        Range(high=1, hysteresis=0.5, min_duration="2min"),
        Setting(expected=0.0, tolerance=1),
        Condition(expression="abs(A) < 1", inputs={"A": "S1:V"}, allowed_fraction=fraction),
    ):
        before = _severity(check, time, value)
        if before is not Severity.ALARM:
            continue
        assert _severity(check, between_time[order], more) is not Severity.OK, check
        if fraction == 0 and not getattr(check, "min_duration", None):
            assert _severity(check, time, worse) is not Severity.OK, check


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 30), kind=st.sampled_from([Kind.NUMERIC, Kind.VECTORNUMERIC]))
def test_all_nan_is_never_ok(count, kind):
    shape = (count,) if kind is Kind.NUMERIC else (count, 4)
    time = T0 + np.arange(count) * 60 * SECOND
    records = records_of([Series("S1:V", kind, "", time, np.full(shape, np.nan))], DAY)
    for check in every_check():
        if check.kind in ("gap", "unit") or isinstance(check, Agreement):
            continue  # they judge when, in what unit and between two, and not what
        if isinstance(check, OverUsage) and check.count == "samples":
            continue
        for outcome in run_checks([check], records):
            assert outcome.severity is not Severity.OK, (check.kind, outcome)


def _severity(check, time, value) -> Severity:
    records = records_of([Series("S1:V", Kind.NUMERIC, "", time, value)], DAY)
    return check.judge(records)[0].severity
