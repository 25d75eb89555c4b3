"""The envelope against the full resolution: no spike lost, nothing invented."""

import math
import time as clock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oaflib.plots.envelope import breaks, edges, envelope

values = st.lists(
    st.one_of(
        st.floats(-1e308, 1e308),
        st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 5e-324]),
    ),
    max_size=200,
)


@settings(max_examples=200, deadline=None)
@given(values, st.integers(1, 50), st.integers(1, 10**15), st.randoms(use_true_random=False))
def test_every_column_has_the_extremes_of_its_samples_and_no_other(found, columns, span, random):
    start = 1_700_000_000_000_000_000
    times = sorted(random.randrange(start - 5, start + span + 5) for _ in found)
    time, value = np.array(times, np.int64), np.array(found)
    env = envelope(time, value, start, start + span, columns)
    bounds = edges(start, start + span, columns)
    said = {int(c): i for i, c in enumerate(env.column)}
    for column in range(columns):
        inside = value[(time >= bounds[column]) & (time < bounds[column + 1])]
        if not len(inside):
            assert column not in said
            continue
        i = said[column]
        good = inside[np.isfinite(inside)]
        assert env.count[i] == len(good)
        assert env.above[i] == (inside == np.inf).any()
        assert env.below[i] == (inside == -np.inf).any()
        if len(good):
            assert (env.low[i], env.high[i]) == (good.min(), good.max())
            assert good.min() <= env.mean[i] <= good.max()
        else:
            assert math.isnan(env.low[i])
            assert math.isnan(env.high[i])


@pytest.mark.parametrize("odd", [0.0, math.nan, math.inf])
def test_sums_of_the_largest_floats_give_a_mean_within(odd):
    value = np.array([1.7e308, 1.7e308, 1.7e308, -1.7e308, odd])
    env = envelope(np.arange(5, dtype=np.int64), value, 0, 5, 1)
    assert (env.low[0], env.high[0]) == (-1.7e308, 1.7e308)
    assert env.low[0] <= env.mean[0] <= env.high[0]


def test_columns_cover_the_window_exactly():
    bounds = edges(7, 7 + 10**18 + 1, 641)
    assert bounds[0] == 7
    assert bounds[-1] == 7 + 10**18 + 1
    assert (np.diff(bounds) > 0).all()


def test_a_run_breaks_where_a_column_is_nan_or_samples_stop():
    time = np.arange(1000, dtype=np.int64)
    value = np.ones(1000)
    value[300:400] = math.nan
    keep = (time < 600) | (time >= 700)
    env = envelope(time[keep], value[keep], 0, 1000, 100)
    assert [(env.column[run][0], env.column[run][-1]) for run in env.runs(1)] == [
        (0, 29),
        (40, 59),
        (70, 99),
    ]
    assert [(env.column[run][0], env.column[run][-1]) for run in env.runs()] == [(0, 29), (40, 99)]


def test_an_empty_series_has_an_empty_envelope():
    env = envelope(np.empty(0, np.int64), np.empty(0), 0, 10, 5)
    assert len(env) == 0
    assert env.limits is None
    assert env.runs() == []


@pytest.mark.parametrize(("end", "columns"), [(0, 5), (-1, 5), (10, 0)])
def test_no_window_or_no_column_is_an_error(end, columns):
    with pytest.raises(ValueError, match="no envelope"):
        envelope(np.empty(0, np.int64), np.empty(0), 0, end, columns)


def test_only_a_regular_series_has_gaps():
    regular = np.arange(0, 1000, dtype=np.int64) * 10**9
    assert breaks(regular) == 20 * 10**9
    assert breaks(regular[:19]) is None
    irregular = np.cumsum(np.random.default_rng(0).exponential(1e12, 500)).astype(np.int64)
    assert breaks(irregular) is None


@pytest.mark.slow
def test_ten_million_points_take_little():
    time = np.arange(10_000_000, dtype=np.int64)
    value = np.random.default_rng(0).normal(size=len(time))
    best = math.inf
    for _ in range(5):
        began = clock.process_time()
        envelope(time, value, 0, len(time), 640)
        best = min(best, clock.process_time() - began)
    assert best < 0.2  # about 0.015 on a quiet machine
