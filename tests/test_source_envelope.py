"""The envelope of a series: extremes of each part of the window, nothing made up."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.series import Kind, Series
from oaflib.sources.envelope import bucket_width, envelope_of
from oaflib.window import Window

WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "UTC")


def series(times: list[int], values: list[float]) -> Series:
    time = WINDOW.start_ns + np.array(sorted(times), dtype=np.int64)
    return Series("A:X", Kind.NUMERIC, "A", time, np.array(values, dtype=float))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 86_400 * 10**9 - 1),
            st.floats(allow_nan=True, allow_infinity=True, width=16),
        ),
        max_size=60,
    ),
    st.integers(1, 40),
)
def test_each_part_keeps_its_extremes(samples: list[tuple[int, float]], buckets: int) -> None:
    whole = series([time for time, _ in samples], [value for _, value in samples])
    found = envelope_of(whole, WINDOW, buckets)
    assert (np.diff(found.time) >= 0).all()
    pairs = {(int(t), float(v)) for t, v in zip(whole.time, whole.value, strict=True)}
    width = bucket_width(WINDOW, buckets)
    parts: dict[int, list[float]] = {}
    kept: dict[int, list[float]] = {}
    for time, value in zip(whole.time, whole.value, strict=True):
        parts.setdefault(int(time - WINDOW.start_ns) // width, []).append(float(value))
    for time, value in zip(found.time, found.value, strict=True):
        kept.setdefault(int(time - WINDOW.start_ns) // width, []).append(float(value))
        assert np.isnan(value) or (int(time), float(value)) in pairs
    assert kept.keys() == parts.keys()
    for part, values in parts.items():
        good = [value for value in values if np.isfinite(value)]
        if good:
            assert sorted(set(kept[part])) == sorted({min(good), max(good)})
            assert len(kept[part]) <= 2
        else:
            assert len(kept[part]) == 1
            assert np.isnan(kept[part][0])


def test_no_buckets_show_nothing() -> None:
    with pytest.raises(ValueError, match="0 buckets"):
        envelope_of(series([1], [1.0]), WINDOW, 0)


def test_samples_outside_are_left_out() -> None:
    found = envelope_of(series([-5, 0, 86_400 * 10**9], [1.0, 2.0, 3.0]), WINDOW, 10)
    assert found.value.tolist() == [2.0]
