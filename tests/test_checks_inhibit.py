"""A silent variable is told once; without a usage check nothing is hidden."""

from dataclasses import replace
from datetime import date

import numpy as np

from oaflib.checks import run_checks
from oaflib.checks.gap import Gap
from oaflib.checks.range import Range
from oaflib.checks.usage import Usage
from oaflib.records import records_of
from oaflib.report import Severity
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")


def records(*values: float):
    time = DAY.start_ns + np.arange(len(values)) * 10**9
    return records_of([Series("D:X", Kind.NUMERIC, "A", time, np.array(values, float))], DAY)


def test_one_alarm_for_a_silent_variable() -> None:
    usage, limits = run_checks([Usage(), Range(low=0, high=1)], records())
    assert usage.severity is Severity.ALARM
    assert limits.severity is Severity.NOT_APPLICABLE
    assert limits.reason.startswith("nothing to judge: nothing was logged")
    assert limits.since is None


def test_without_a_usage_check_silence_is_invalid() -> None:
    (outcome,) = run_checks([Range(low=0, high=1)], records())
    assert outcome.severity is Severity.INVALID


def test_what_is_logged_but_cannot_be_judged_stays_invalid() -> None:
    _, limits = run_checks([Usage(), Range(low=0, high=1)], records(np.nan, np.nan))
    assert limits.severity is Severity.INVALID


def test_a_silent_device_explains_what_is_made_of_it() -> None:
    names = ("D.H:DATA", "D.H.APP.IN:EMIT", "E.H:EMIT")
    empty = [Series(n, Kind.NUMERIC, "", np.empty(0, np.int64), np.empty(0)) for n in names]
    outcomes = run_checks(
        [Usage(variables=("D.H:DATA",)), Range(variables=names[1:], low=0, high=1)],
        records_of(empty, DAY),
    )
    assert [outcome.severity for outcome in outcomes] == [
        Severity.ALARM,
        Severity.NOT_APPLICABLE,
        Severity.INVALID,
    ]
    assert "D.H:DATA: nothing was logged" in outcomes[1].reason


def test_a_text_that_holds_since_yesterday_is_no_gap() -> None:
    mode = Series("HX:MODE", Kind.TEXTUAL, "", np.empty(0, np.int64), np.empty(0, object))
    found = records_of([mode], DAY)
    found.entries["HX:MODE"] = replace(
        found.entries["HX:MODE"], before=(DAY.start_ns - 10**9, "STABLE")
    )
    usage, gap = run_checks([Usage(), Gap()], found)
    assert usage.severity is Severity.OK
    assert gap.severity is Severity.NOT_APPLICABLE
    assert "unchanged at 'STABLE' since 2026-11-21T22:59:59Z" in gap.reason
