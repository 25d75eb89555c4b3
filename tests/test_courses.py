"""How a value went: the sparkline beside every outcome, and marks of what was done to a device."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from project import DAY, ZONE, numeric
from published import SITE, outcome, report

from oaflib.config.interventions import Intervention
from oaflib.config.project import check_config
from oaflib.plots.strips import SmallMultiples
from oaflib.plots.trend import Trend
from oaflib.publish import place
from oaflib.publish.spark import Course, spark
from oaflib.publish.words import foretold, there
from oaflib.records import records_of
from oaflib.report import Severity
from oaflib.window import calendar_day, nanoseconds

NEW_CARD = nanoseconds(datetime(2026, 11, 20, 9, tzinfo=UTC))
SIGHT = re.compile(r'<svg class="spark".*?</svg>', re.DOTALL)


def sparks(page: str) -> list[str]:
    return SIGHT.findall(page)


def published(tmp_path, days: int = 5, ledger=()):
    site = replace(SITE, ledger=ledger)
    for back in range(days - 1, -1, -1):
        told = [
            outcome("QUIET", found=1.0 + back / 100),
            outcome("WARNED", Severity.WARNING, found=1.015, guidance="Look at its cable."),
            outcome("BAD", Severity.ALARM, found=1.03),
            outcome("MUTE", found=None),
        ]
        folder = place(report(DAY - timedelta(days=back), told), None, tmp_path, site)
    return (folder / "index.html").read_text()


def test_every_outcome_with_a_value_has_its_last_days_beside_it(tmp_path):
    page = published(tmp_path)
    # the alarm and the warning twice: in their list and among all checks; the quiet one there
    assert len(sparks(page)) == 5
    quiet = next(one for one in sparks(page) if "QUIET" in one)
    assert 'role="img"' in quiet
    assert "last 5 reports: from 1.04 to 1, lowest 1, highest 1.04, limit 0.98 and 1.02" in quiet
    assert "Look at its cable." in page
    assert len(sparks(published(tmp_path / "first", days=1))) == 0


def test_what_was_done_is_marked_beside_the_values(tmp_path):
    page = published(tmp_path, ledger=(Intervention(NEW_CARD, "BAD", "new card", "jdoe"),))
    marked = [one for one in sparks(page) if 'class="done"' in one]
    assert len(marked) == 2
    assert all("BAD" in one for one in marked)
    assert all("something was done to it 3 reports ago" in one for one in marked)
    front = json.loads((tmp_path / "index.json").read_text())
    (finding,) = front["datasets"][0]["alarms"]
    assert finding["marks"] == [2]
    assert finding["trend"] == [1.03] * 5


def test_marks_stand_between_the_reports_they_divide():
    drawn = str(spark(Course((1.0, 2.0, 3.0), (1,))))
    (at,) = re.findall(r'class="done" x1="([\d.]+)"', drawn)
    assert 3 < float(at) < 60


@pytest.mark.parametrize("plot", [Trend(), SmallMultiples()])
def test_the_day_of_an_intervention_shows_it_in_every_trend(plot):
    class Past:
        def interventions(self, variable):
            return (
                Intervention(NEW_CARD, "LHC.BCT", "long ago"),
                Intervention(window.start_ns + 10**13, "LHC.BCT", "new card", "jdoe", "2026-11-22"),
            )

    window = calendar_day(DAY, ZONE)
    records = records_of([numeric("LHC.BCT:I", np.arange(1440.0))], window)
    (before,) = plot.figures(records, [])
    records.past = Past()
    (after,) = plot.figures(records, [])
    assert "new card by jdoe (2026-11-22)" in after.caption
    assert "long ago" not in after.caption
    assert len(after.data) > len(before.data)


def test_a_forecast_is_told_in_a_sentence():
    said = {"state": "crosses", "date": "2027-05-20", "earliest": "2027-03-02", "latest": None}
    told = foretold({**said, "coverage": 0.9, "method": "power law", "note": ""})
    assert told == (
        "Crosses its limit about 20 May 2027, with 90 % between 2 March 2027 and no end that can "
        "be told. Method: power law."
    )
    assert foretold({"state": "cannot tell", "note": "too few"}).startswith(
        "When it crosses its limit cannot be told: too few."
    )


def test_days_long_ago_have_their_year():
    near = datetime(2026, 11, 22, tzinfo=UTC)
    assert "12 Mar 2026<" in there("since 2026-03-12T11:00:00Z", ZONE, near)
    assert "12 Nov 12:00<" in there("since 2026-11-12T11:00:00Z", ZONE, near)


def test_what_crosses_first_is_told_first(tmp_path):
    told = [
        outcome(name, Severity.WARNING, forecast={"state": "crosses", "date": day})
        for name, day in (("LATE", "2027-09-01"), ("SOON", "2027-01-01"))
    ]
    folder = place(report(DAY, told), None, tmp_path, SITE)
    page = (folder / "index.html").read_text()
    assert page.index("SOON") < page.index("LATE")


def test_a_wrong_ledger_is_told_by_the_check_of_the_configuration(tmp_path):
    from project import made_project

    made = made_project(tmp_path)
    made.tasks()
    (tmp_path / "config/interventions.csv").write_text("Date,Device,Done,By\nyesterday,A,x,\n")
    (tmp_path / "config/aliases.csv").write_text("Old,New\nA,A\n")
    problems = [str(problem) for problem in check_config(tmp_path)]
    assert any(
        p.startswith("config/interventions.csv: line 2: Date is 'yesterday'") for p in problems
    )
    assert any(p.startswith("config/aliases.csv: line 2: ") for p in problems)
