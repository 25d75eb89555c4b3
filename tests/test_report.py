"""The document oaf-report/1."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.errors import ReportError
from oaflib.report import Fault, Outcome, Report, Severity, Statistics, plain, read, write
from oaflib.window import calendar_day, parse_instant


def outcome(severity: Severity = Severity.ALARM, **fields: object) -> Outcome:
    made = Outcome("range", Fault.CALIBRATION, "DEV", "DEV:X", severity, 1.031, {"high": 1.02})
    return replace(made, **fields)


def report(*outcomes: Outcome, finished: bool = True) -> Report:
    return Report(
        instrument="BCT",
        dataset="LHC-B1-cmp",
        title="Beam 1",
        window=calendar_day(date(2026, 11, 22), "Europe/Zurich"),
        made_at=parse_instant("2026-11-23T07:00:12Z"),
        finished=finished,
        outcomes=outcomes,
        statistics=(Statistics("DEV:X", "NUMERIC", "A", 3, 0.0, 2.0, 1.0, 0.5, 0.0, 2.0),),
        provenance={"source": "LDB"},
    )


def test_the_document_has_the_fixed_fields() -> None:
    document = json.loads(write(report(outcome(since=1_763_762_400_000_000_000))))
    assert document["schema"] == "oaf-report/1"
    assert document["window"] == {
        "start": "2026-11-21T23:00:00Z",
        "end": "2026-11-22T23:00:00Z",
        "zone": "Europe/Zurich",
        "label": "2026-11-22",
    }
    assert document["finished"] is True
    assert document["severity"] == "ALARM"
    assert document["counts"] == {
        "ok": 0, "warning": 0, "alarm": 1, "invalid": 0, "not_applicable": 0,
    }  # fmt: skip
    assert document["outcomes"][0] == {
        "check": "range", "fault": "calibration", "device": "DEV", "variable": "DEV:X",
        "severity": "ALARM", "found": 1.031, "limit": {"high": 1.02}, "unit": "",
        "since": "2025-11-21T22:00:00Z", "reason": "", "guidance": "", "change": None,
    }  # fmt: skip
    assert document["statistics"][0]["variable"] == "DEV:X"


def test_it_reads_back_equal() -> None:
    made = report(outcome(members=("A", "B"), since=10**18), outcome(Severity.OK))
    assert read(write(made)) == made


@pytest.mark.parametrize(
    ("severities", "finished", "worst"),
    [
        ((), True, "INVALID"),
        (("OK",), False, "INVALID"),
        (("OK", "NOT_APPLICABLE"), True, "OK"),
        (("NOT_APPLICABLE",), True, "NOT_APPLICABLE"),
        (("OK", "WARNING"), True, "WARNING"),
        (("ALARM", "WARNING"), True, "ALARM"),
        (("ALARM", "INVALID"), True, "INVALID"),
    ],
)
def test_the_worst_outcome_is_the_reports(
    severities: tuple[str, ...], finished: bool, worst: str
) -> None:
    made = report(*(outcome(Severity(name)) for name in severities), finished=finished)
    assert made.severity == worst


def test_each_outcome_has_a_line_whatever_its_text_says() -> None:
    hostile = '}, {"check": "x"}\n], {"'
    made = report(*[outcome(reason=hostile, members=(hostile,)) for _ in range(3)])
    text = write(made)
    assert read(text) == made
    assert sum(line.startswith('  {"check": "') for line in text.splitlines()) == 3


def test_a_notebook_that_ends_with_it_shows_a_line() -> None:
    made = report(*[outcome() for _ in range(300)], outcome(Severity.OK))
    assert repr(made) == f"<Report {made.id} {made.window.label}: 1 ok, 300 alarm>"


def test_half_a_character_is_written_as_a_question_mark() -> None:
    text = write(report(outcome(unit="\ud800A", reason="\udfff")))
    found = read(text.encode("utf-8")).outcomes[0]
    assert (found.unit, found.reason) == ("?A", "?")


def test_no_nan_leaves() -> None:
    text = write(report(outcome(found=float("nan"), limit={"high": float("inf")})))
    assert "NaN" not in text
    assert "Infinity" not in text
    assert read(text).outcomes[0].found is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "schema is 'list'"),
        ('{"schema": "oaf-report/2"}', "schema is 'oaf-report/2', not 'oaf-report/1'"),
        ('{"schema": "oaf-report/1"}', "not a valid oaf-report/1"),
    ],
)
def test_another_document_is_refused(text: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        read(text, "x/report.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_plain_is_strict_json(value: object) -> None:
    json.dumps(plain(value), allow_nan=False)


def test_numpy_becomes_plain() -> None:
    assert plain({"a": np.float64(1.5), "b": np.int64(3), "c": np.array([1, 2])}) == {
        "a": 1.5,
        "b": 3,
        "c": [1, 2],
    }
    with pytest.raises(ReportError, match="of type object"):
        plain(object())
