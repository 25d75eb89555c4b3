"""The quick ways of the checks say what the plain ones do, to the last bit."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oaflib.checks.base import Context
from oaflib.checks.facts import intervals, runs_where, unchanged
from oaflib.checks.gap import Gap
from oaflib.checks.peers import habits_of, habits_of_one
from oaflib.checks.ranks import median, percentiles
from oaflib.checks.stuck import Stuck
from oaflib.series import Kind, Series
from oaflib.window import Window, nanoseconds

WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "UTC")
ANY = st.one_of(
    st.floats(width=64),
    st.sampled_from([0.0, -0.0, 1.0, 1.0, 2.0, np.nan, np.inf, -np.inf, 1.7e308, -1.7e308]),
)
FEW = st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.5]), min_size=1, max_size=90)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.lists(ANY, min_size=1, max_size=60), st.lists(st.floats(0, 100), max_size=5))
def test_ranks_are_those_of_numpy(values, at):
    there = np.array(values)
    np.testing.assert_array_equal(median(there), np.median(there))
    np.testing.assert_array_equal(percentiles(there, at), np.percentile(there, at))


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=60))
def test_the_median_of_whole_numbers(values):
    assert median(np.array(values)) == pytest.approx(np.median(values), rel=1e-15)


@settings(deadline=None)
@given(st.integers(20, 45_000), st.integers(0, 2**32), st.sampled_from([0, 1, 3, 12]))
def test_the_habits_of_one_device_are_those_of_a_vector_of_one(count, seed, digits):
    value = np.round(np.random.default_rng(seed).normal(0, 2, count), digits)
    for one, column in zip(habits_of_one(value), habits_of(value[:, None]), strict=True):
        np.testing.assert_array_equal(one, column)


@given(FEW)
def test_the_rests_of_a_reading(values):
    value = np.array(values)
    time = WINDOW.start_ns + np.arange(len(value)) * 10**9
    series = Series("D:V", Kind.NUMERIC, "", time, value)
    still = Stuck().note(series, Context(WINDOW))
    runs, at = [], 0
    for _, run in groupby(values):
        size = len(list(run))
        runs.append((at, at + size))
        at += size
    first, stop = max(runs, key=lambda run: run[1] - run[0])
    others = [b - a for a, b in runs if (a, b) != (first, stop)]
    assert (still.longest, still.ordinary) == (stop - first, max(others, default=0))
    assert still.run_start == time[first]
    assert still.to_the_end == (stop == len(values))
    assert still.distinct == {1: 1, 2: 2}.get(len(set(values)), 3)
    assert still.activity == (len(runs) - 1) / max(1, len(values) - (stop - first))
    elsewhere = [a for a, b in runs if b - a >= 20 and a != first and value[a] == value[first]]
    assert still.rests_elsewhere == (first == 0 or bool(elsewhere))


@given(st.lists(st.booleans(), max_size=30))
def test_runs_of_a_mask(mask):
    runs = runs_where(np.array(mask, dtype=bool))
    found = np.zeros(len(mask), dtype=bool)
    for first, stop in zip(runs.first, runs.stop, strict=True):
        assert stop > first
        found[first:stop] = True
    np.testing.assert_array_equal(found, mask)
    assert (runs.first[1:] > runs.stop[:-1]).all()


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 86_399_999_999_999), min_size=1, max_size=60, unique=True),
    st.sampled_from([None, "1min", "6h"]),
)
def test_the_longest_gap(offsets, most):
    time = nanoseconds(WINDOW.start) + np.sort(np.array(offsets))
    series = Series("D:V", Kind.NUMERIC, "", time, np.arange(len(time), dtype=float))
    context = Context(WINDOW)
    verdict = Gap(max_gap=most).weigh(series, context)
    start, stop = intervals(series.time, context)
    if verdict.found is not None:
        assert verdict.found == (stop - start).max() / 1e9
        over = stop - start > verdict.limit["max_gap"] * 1e9
        assert over.any() == (verdict.since is not None)
        if over.any():
            assert verdict.since == start[over][0]


def test_the_largest_floats_are_compared_the_plain_way():
    value = np.tile([1.7e308, -1.7e308, 0.0], 10)
    with np.errstate(all="ignore"):
        one, column = habits_of_one(value), habits_of(value[:, None])
    for mine, plain in zip(one, column, strict=True):
        np.testing.assert_array_equal(mine, plain)
    series = Series("D:V", Kind.NUMERIC, "", np.arange(30), value)
    assert not unchanged(replace(series, value=value)).any()
