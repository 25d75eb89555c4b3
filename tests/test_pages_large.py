"""Reports of thousands of variables: pages stay small, the worst first, the rest counted."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from oaflib.body import Body
from oaflib.plots import Picture, Style, default_plots, draw
from oaflib.publish.entry import Entry
from oaflib.publish.pages import LISTED, Leaf, report_page
from oaflib.publish.site import Site
from oaflib.records import records_of
from oaflib.report import Fault, Outcome, Report, Severity, Statistics, read, write
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
VARIABLES = 3000
BAD = 2345


def outcome(number: int, check: str, **about: Any) -> Outcome:
    name = f"SR.B{number // 200:03}.{number:05}:VALUE"
    reason = f"86,400 samples between 2026-11-21T23:00:00Z and 2026-11-22T23:00:00Z, {number}"
    given = {"severity": Severity.OK, "found": 86_400.0, "unit": "samples", "reason": reason}
    fault = Fault.BREAKAGE
    return Outcome(check, fault, name.split(":", 1)[0], name, **{**given, **about})


def large(severity: Severity = Severity.OK) -> Report:
    outcomes = [
        outcome(number, check, severity=Severity.ALARM if number == BAD else severity)
        for check in ("usage", "gap", "stuck", "unit", "peers", "unusual")
        for number in range(VARIABLES)
    ]
    statistics = [
        Statistics(
            f"SR.B{number // 200:03}.{number:05}:VALUE",
            *("NUMERIC", "mm", 86_400, -1.234567, 2.345678, 0.1234567, 0.987654, 1.0, 2.0),
            first_time=DAY.start_ns,
            last_time=DAY.end_ns - 1,
        )
        for number in range(VARIABLES)
    ]
    return Report(
        *("SR", "all", "All of them", DAY, datetime(2026, 11, 23, tzinfo=UTC), True),
        tuple(outcomes),
        tuple(statistics),
    )


def page_of(report: Report) -> str:
    leaf = Leaf(report, Entry.of_report(report), Body(html="<p>Plots</p>"))
    return report_page(leaf, Site(zone="Europe/Zurich"))


def test_the_page_lists_the_worst_and_counts_the_rest() -> None:
    page = page_of(large())
    assert len(page.encode()) < 700_000
    lists = re.findall(r'<table class="list">.*?</table>', page, re.DOTALL)
    checks, statistics = (re.findall(r"<tr[ >].*?</tr>", text, re.DOTALL)[1:] for text in lists)
    assert len(checks) == len(statistics) == LISTED
    assert all(f".{BAD:05}" in re.sub("<wbr>", "", row) for row in checks[:6])  # its six alarms
    assert f".{BAD:05}" in re.sub("<wbr>", "", statistics[0])
    assert f"And {6 * VARIABLES - LISTED} verdicts more, none worse" in page
    assert f"And {VARIABLES - LISTED} variables more, none worse" in page


@pytest.mark.parametrize("severity", [Severity.ALARM, Severity.WARNING])
def test_thousands_of_findings_do_not_make_it_endless(severity: Severity) -> None:
    page = page_of(large(severity))
    assert len(page.encode()) < 1_000_000
    noun = severity.lower()
    told = 6 * VARIABLES if severity is Severity.ALARM else 6 * VARIABLES - 6
    assert f"And {told - LISTED // 2} {noun}s more" in page


def test_a_page_of_few_says_all() -> None:
    report = large()
    few = Report(
        *("SR", "few", "Few", DAY, report.made_at, True),
        report.outcomes[:LISTED],
        report.statistics[:LISTED],
    )
    assert "more, none worse" not in page_of(few).split("Every check")[1]


def test_the_document_has_all_of_them_a_line_each() -> None:
    report = large()
    text = write(report)
    assert read(text) == report
    kinds = Counter(line[:13] for line in text.splitlines())
    assert kinds['  {"check": "'] == 6 * VARIABLES
    assert kinds['  {"variable"'] == VARIABLES
    assert len(text) < 10_000_000


def test_default_plots_of_very_many_share_the_pictures() -> None:
    """Every unit is drawn, the worst of each; all together they fill six pictures."""
    rng = np.random.default_rng(2)
    n = 3000
    time = DAY.start_ns + np.arange(n, dtype=np.int64) * 28 * 10**9
    made = [
        Series(f"D{i:04}:V", Kind.NUMERIC, f"u{i % 4}", time, rng.normal(size=n))
        for i in range(480)
    ]
    made += [Series(f"S{i:04}:W", Kind.NUMERIC, "few", time, made[0].value) for i in range(12)]
    records = records_of(made, DAY)
    alarm = outcome(0, "range", severity=Severity.ALARM)
    bad = [replace(alarm, variable=f"D{i:04}:V") for i in (470, 471)]
    pictures = list(draw(default_plots(records), records, bad, Style(interactive=True)))
    assert all(isinstance(picture, Picture) for picture in pictures)
    drawn = [name for picture in pictures for name in getattr(picture, "variables", ())]
    assert len(drawn) == len(set(drawn)) == 300
    assert {"D0470:V", "D0471:V", *(entry.name for entry in made[480:])} <= set(drawn)
    by_unit = Counter(records.entries[name].variable.unit for name in drawn)
    assert by_unit == {"few": 12, **{f"u{i}": 72 for i in range(4)}}
    assert sum(picture.nbytes for picture in pictures if isinstance(picture, Picture)) < 1_080_000
