"""Where ticks stand, and what they say."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.plots.ticks import number, padded, time_label, time_ticks, value_ticks
from oaflib.window import Window, calendar_day, last_days


def test_an_ordinary_day_has_whole_hours():
    ticks = time_ticks(calendar_day(date(2026, 11, 22), "Europe/Zurich"))
    assert ticks.labels == (
        *("00:00", "03:00", "06:00", "09:00"),
        *("12:00", "15:00", "18:00", "21:00"),
    )


@pytest.mark.parametrize(
    ("day", "way"),
    [
        (date(2026, 3, 29), "clocks put forward (CET → CEST)"),
        (date(2026, 10, 25), "clocks put back (CEST → CET)"),
    ],
)
def test_days_of_23_and_25_hours_have_whole_local_hours_and_say_so(day, way):
    window = calendar_day(day, "Europe/Zurich")
    ticks = time_ticks(window)
    assert [label[-2:] for label in ticks.labels] == ["00"] * len(ticks.labels)
    assert ticks.at == tuple(sorted(ticks.at))
    assert len(set(ticks.labels)) == len(ticks.labels)
    assert way in time_label(window)
    assert time_label(window).endswith("Europe/Zurich")


def test_an_hour_that_comes_twice_is_told_apart():
    start = datetime(2026, 10, 25, 0, tzinfo=UTC)
    ticks = time_ticks(Window(start, start + timedelta(hours=3), "Europe/Zurich"))
    assert "02:00 CEST" in ticks.labels
    assert "02:00 CET" in ticks.labels


def test_midnight_within_a_window_names_the_day():
    start = datetime(2026, 11, 21, 12, tzinfo=UTC)
    ticks = time_ticks(Window(start, start + timedelta(hours=36), "UTC"))
    assert "22 Nov" in ticks.labels
    assert "00:00" not in ticks.labels


@pytest.mark.parametrize(
    ("seconds", "first"),
    [(1e-3, "0 ms"), (1, "0 ms"), (10, "10:00:00"), (900, "10:00"), (3600, "10:00")],
)
def test_short_windows_have_ticks_too(seconds, first):
    start = datetime(2026, 11, 22, 10, tzinfo=UTC)
    ticks = time_ticks(Window(start, start + timedelta(seconds=seconds)))
    assert ticks.labels[0].removesuffix(".0 ms").removesuffix(" ms") == first.removesuffix(" ms")
    assert 2 <= len(ticks.at) <= 10


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("minutes", [7, 45, 90, 600, 1440, 4000])
def test_any_zone_and_length_have_ticks(zone, minutes):
    start = datetime(2026, 4, 4, 13, 7, 11, tzinfo=UTC)
    window = Window(start, start + timedelta(minutes=minutes), zone)
    ticks = time_ticks(window)
    assert 2 <= len(ticks.at) <= 10
    assert all(window.start_ns <= at < window.end_ns for at in ticks.at)


@pytest.mark.parametrize("days", [3, 7, 31, 200, 1200, 9000])
def test_long_windows_have_days_months_or_years(days):
    window = last_days(days, datetime(2026, 11, 23, 9, tzinfo=UTC), "Europe/Zurich")
    assert 2 <= len(time_ticks(window).at) <= 30


finite = st.floats(-1.7e308, 1.7e308)


@given(finite, finite, st.booleans())
def test_any_range_has_ticks_that_differ(a, b, whole):
    low, high = padded(min(a, b), max(a, b))
    assert low < high
    ticks = value_ticks(low, high, whole=whole)
    assert len(ticks.at) == len(ticks.labels)
    assert len(ticks.at) <= 40
    assert all("nan" not in label and "inf" not in label for label in ticks.labels)
    if high - low > abs(high) * 1e-9 and not whole:
        assert len(ticks.at) >= 2
        assert len(set(ticks.labels)) == len(ticks.labels)


def test_large_values_have_a_power_of_ten_and_no_offset():
    ticks = value_ticks(1.98e14, 2.0e14)
    assert ticks.unit("charges") == "×10¹⁴ charges"
    assert ticks.labels[0] == "1.980"
    assert value_ticks(-0.5, 0.5).labels[2] == "0"
    assert value_ticks(0.98, 1.02).unit("") == ""


def test_a_constant_lies_in_the_middle():
    low, high = padded(7.0, 7.0)
    assert low < 7 < high
    assert padded(0.0, 0.0) == (-1.0, 1.0)


def test_whole_numbers_have_whole_ticks():
    assert value_ticks(12026, 12028, 5, whole=True).labels == ("12026", "12027", "12028")


@pytest.mark.parametrize(
    ("value", "text"),
    [(2e14, "2×10¹⁴"), (-0.5, "−0.5"), (float("nan"), "NaN"), (float("-inf"), "−∞"), (3.0, "3")],
)
def test_numbers_as_people_write_them(value, text):
    assert number(value) == text
