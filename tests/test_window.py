"""Windows: half-open, UTC inside, days cut by the calendar."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib import window
from oaflib.errors import ConfigurationError
from oaflib.window import Window, between, calendar_day, of_rule, parse_duration

ZONES = ["Europe/Zurich", "UTC", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]
AT = datetime(2026, 11, 23, 8, 0, 31, tzinfo=ZoneInfo("Europe/Zurich"))


@pytest.mark.parametrize("zone", ZONES)
def test_days_tile_sixteen_years(zone: str) -> None:
    first = date(2020, 1, 1)
    days = [calendar_day(first + timedelta(days=i), zone) for i in range(5844)]
    assert days[-1].label == "2035-12-31"
    assert all(one.end == other.start for one, other in pairwise(days))


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-22", 24)]
)
def test_a_day_in_zurich_may_last_23_or_25_hours(day: str, hours: int) -> None:
    assert calendar_day(date.fromisoformat(day), "Europe/Zurich").duration == timedelta(hours=hours)


def test_yesterday_the_morning_after_the_clock_went_back() -> None:
    at = datetime(2026, 10, 26, 8, tzinfo=ZoneInfo("Europe/Zurich"))
    found = window.yesterday(at, "Europe/Zurich")
    assert found.label == "2026-10-25"
    assert window.instant(found.start) == "2026-10-24T22:00:00Z"
    assert window.instant(found.end) == "2026-10-25T23:00:00Z"


@pytest.mark.parametrize(
    ("rule", "label", "length"),
    [
        ("day", "2026-11-22", timedelta(days=1)),
        ("last 15min", "2026-11-23T0745_15min", timedelta(minutes=15)),
        ("last 8h", "2026-11-23T0000_8h", timedelta(hours=8)),
        ("last 7d", "2026-11-16_7d", timedelta(days=7)),
        ("last 1w", "2026-11-16_7d", timedelta(days=7)),
        ("last 1d", "2026-11-22", timedelta(days=1)),
    ],
)
def test_a_rule_is_anchored_at_a_moment(rule: str, label: str, length: timedelta) -> None:
    found = of_rule(rule, AT, "Europe/Zurich")
    assert (found.label, found.duration) == (label, length)
    assert found.end <= AT


@pytest.mark.parametrize("rule", ["", "yesterday", "last", "last x", "last 0min", "day 3"])
def test_another_rule_is_refused_with_what_is_allowed(rule: str) -> None:
    with pytest.raises(ValueError, match=r"15min"):
        of_rule(rule, AT)


def test_between_recognises_calendar_days() -> None:
    day = calendar_day(date(2026, 10, 25), "Europe/Zurich")
    assert between(day.start, day.end, "Europe/Zurich") == day
    assert between(day.start, day.end, "UTC").label == "2026-10-24T2200_25h"
    assert between(day.start, day.end, "UTC", "MD2162").label == "MD2162"
    week = of_rule("last 7d", AT, "Europe/Zurich")
    assert between(week.start, week.end, "Europe/Zurich") == week


def test_a_naive_time_is_nobodys_time() -> None:
    naive = datetime(2026, 11, 22)
    with pytest.raises(ValueError, match="no time zone"):
        Window(naive, datetime(2026, 11, 23, tzinfo=UTC))
    with pytest.raises(ValueError, match="no time zone"):
        window.nanoseconds(naive)
    with pytest.raises(ValueError, match=r"write it as 2026-11-22T00:00Z"):
        window.parse_instant("2026-11-22T00:00")
    with pytest.raises(ValueError, match=re.escape("write it as 2026-11-22T00:00+01:00")):
        window.parse_instant("2026-11-22+01:00")


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="not after its start"):
        Window(AT, AT)


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no time zone is called 'Europe/Geneva'"):
        calendar_day(date(2026, 1, 1), "Europe/Geneva")


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_nanoseconds_are_exact_and_return(moment: datetime) -> None:
    assert window.moment(window.nanoseconds(moment)) == moment
    assert window.parse_instant(window.instant(moment)) == moment


@given(st.integers(1, 10_000), st.sampled_from(["s", "min", "h", "d"]))
def test_a_duration_is_spelled_so_that_it_reads_back(number: int, unit: str) -> None:
    duration = parse_duration(f"{number}{unit}")
    assert parse_duration(window.spell(duration)) == duration
