"""The words of a notebook, said in this process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from project import DAY, MadeProject, made_project, numeric

import oaflib as oaf
from oaflib.errors import ConfigurationError
from oaflib.report import Severity
from oaflib.study.views import Outcomes, table
from oaflib.window import instant, moment

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks()
    monkeypatch.setenv("OAF_ROOT", str(tmp_path))
    return made


def studied(project: MadeProject, dataset: str = "BCT_B1"):
    day = numeric(A)
    start = instant(moment(int(day.time[0])))
    study = oaf.open_study(dataset, start, "2026-11-22T23:00:00Z")
    return study, oaf.extract(study)


def test_a_unit_against_the_datasets_is_a_finding(project: MadeProject) -> None:
    project.dataset(
        "BCT_B1",
        f'variables = [{{ name = "{A}", unit = "charges" }}]\n[[check]]\nkind = "usage"\n',
    )
    project.fill(numeric(A, unit="A"))
    outcomes = oaf.check(*studied(project))
    (unit,) = [outcome for outcome in outcomes if outcome.check == "unit"]
    assert unit.severity is Severity.ALARM
    assert "charges" in unit.reason


def test_a_unit_that_changes_within_the_window_is_a_finding(project: MadeProject) -> None:
    project.dataset("BCT_B1", f'variables = ["{A}"]\n[[check]]\nkind = "usage"\n')
    day = numeric(A, np.ones(1440), unit="mA")
    first, rest = day.where(slice(0, 700)), day.where(slice(700, None))
    project.fill(first)
    project.fill(numeric_like(rest, "uA"))
    outcomes = oaf.check(*studied(project))
    assert [o.severity for o in outcomes if o.check == "unit"] == [Severity.ALARM]


def numeric_like(series, unit: str):
    from dataclasses import replace

    return replace(series, unit=unit)


def test_a_quiet_unit_adds_nothing(project: MadeProject) -> None:
    project.dataset("BCT_B1", f'variables = ["{A}"]\n[[check]]\nkind = "usage"\n')
    project.fill(numeric(A))
    assert [outcome.check for outcome in oaf.check(*studied(project))] == ["usage"]


@pytest.mark.parametrize(
    ("dataset", "start", "said"),
    [
        ("BCT_B1", "2026-11-22T00:00", "has no time zone"),
        ("BCT_B1", "2026-11-23T00:00Z", "not after its start"),
        ("BCX_B1", "2026-11-22T00:00Z", "BCT"),
    ],
)
def test_a_study_that_cannot_be_is_explained(
    project: MadeProject, dataset: str, start: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        oaf.open_study(dataset, start, "2026-11-22T23:00:00Z")


def test_the_front_lists_every_variable(project: MadeProject) -> None:
    project.dataset("BCT_B1", f'title = "Beam <1>"\nvariables = ["{A}", "NO:SUCH"]\n')
    project.fill(numeric(A))
    study, records = studied(project)
    front = oaf.front(study, records)
    assert "Beam &lt;1&gt;" in front._repr_html_()
    assert A in repr(front)
    assert "no such variable" in repr(front)


def test_the_past_is_that_of_the_datasets_own_reports(project: MadeProject) -> None:
    """Two datasets compute a variable of the same name: neither is judged by the other's past."""
    from dataclasses import replace

    from oaflib.report import Report, Statistics
    from oaflib.study.words import history_of, past_of
    from oaflib.window import calendar_day

    project.dataset("BCT_B1", f'variables = ["{A}"]\n')
    project.fill(numeric(A))
    study, _ = studied(project)
    yesterday = calendar_day(DAY - timedelta(days=1), "Europe/Zurich")
    for dataset, mean in (("B1", 1.0), ("B2", 2.0)):
        entry = Statistics("ratio", "NUMERIC", "", 9, mean, mean, mean, 0.0, mean, mean)
        made = Report("BCT", dataset, "t", yesterday, yesterday.end, True, (), (entry,))
        history_of(study.project).append(replace(made))
    assert past_of(study).trend("ratio").mean.tolist() == [1.0]


def test_a_column_of_numbers_stays_one_where_some_are_negative() -> None:
    shown = table(("now",), [("−5.1 × 10⁷ charges",), ("2.63 × 10⁸ charges",)])
    assert "words" not in shown
    assert "×\N{NO-BREAK SPACE}10⁷" in shown


def test_outcomes_tell_their_times_where_the_site_is() -> None:
    bad = oaf.alarm("X:Y", "stuck since 2026-11-21T23:00:00Z", since=1_795_302_000_000_000_000)
    shown = Outcomes([bad], "Europe/Zurich")._repr_html_().replace("\N{NO-BREAK SPACE}", " ")
    assert shown.count("2026-11-22 00:00:00") == 2
    assert "Times are in Europe/Zurich." in shown
    assert "Z<" not in shown
