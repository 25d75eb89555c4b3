"""Devices against checks."""

import xml.etree.ElementTree as ET

from oaflib.plots.matrix import MATRIX_CSS, matrix, matrix_html, matrix_picture
from oaflib.report import Fault, Outcome, Severity


def outcome(device, check, severity=Severity.OK, **more):
    return Outcome(check, Fault.BREAKAGE, device, f"{device}:VALUE", severity, **more)


def many():
    found = [outcome(f"D{i:03d}", check) for i in range(300) for check in ("gap", "range")]
    found.append(outcome("D120", "range", Severity.ALARM, reason="<b>1.03</b> above 1.02"))
    found.append(outcome("D007", "gap", Severity.WARNING))
    found.append(outcome("D200", "noise", Severity.INVALID))
    found.append(outcome("D201", "noise", Severity.NOT_APPLICABLE))
    return found


def test_the_worst_come_first_and_the_quiet_are_apart():
    found = matrix(many())
    assert found.checks == ("gap", "range", "noise")
    assert [row.device for row in found.told] == ["D200", "D120", "D007"]
    assert len(found.quiet) == 297
    assert found.sentence == "300 devices: 1 invalid, 1 alarm, 1 warning, 297 ok"
    cell = found.told[1].cells[1]
    assert cell is not None
    assert (cell.severity, cell.count) == (Severity.ALARM, 2)
    assert found.told[1].cells[2] is None


def test_a_device_that_nothing_applied_to_is_quiet():
    found = matrix([outcome("D", "range", Severity.NOT_APPLICABLE)])
    assert found.quiet[0].worst is Severity.NOT_APPLICABLE
    assert "1 not applicable" in matrix_html(found)


def test_folded_outcomes_count_for_each_member():
    folded = outcome("crate", "gap", Severity.ALARM, members=("A:X", "B:Y", "A:Z"))
    assert [row.device for row in matrix([folded]).told] == ["A", "B"]


def test_html_is_a_table_with_symbols_and_words_and_nothing_unescaped():
    text = matrix_html(matrix([*many(), outcome('<script>"', "<i>", Severity.ALARM)]))
    root = ET.fromstring(f"<div>{text}</div>")
    rows = root.findall("table/tbody/tr")
    assert len(rows) == 4
    alarm = next(row for row in rows if row.findtext("th") == "D120").findall("td")[1]
    assert alarm.get("class") == "alarm"
    assert alarm.get("title") == "range: <b>1.03</b> above 1.02 (the worst of 2)"
    assert [span.text for span in alarm] == ["✕", "alarm"]
    assert "<script>" not in text
    assert "297 devices without a finding" in root.findtext("details/summary", "")


def test_html_stays_small_with_thousands_of_devices():
    found = matrix([outcome(f"D{i}", "range", Severity.ALARM) for i in range(3000)])
    text = matrix_html(found)
    assert "2,800 more devices with a finding" in text
    assert len(text) < 60_000
    quiet = matrix_html(matrix([outcome(f"D{i}", "range") for i in range(3000)]))
    assert "and 2,400 more" in quiet
    assert "<table" not in quiet


def test_no_outcomes():
    assert matrix_html(matrix([])) == "<p>Nothing was judged.</p>"


def test_the_picture_says_it_in_words():
    picture = matrix_picture(matrix(many()))
    assert picture.alt.startswith(
        "300 devices: 1 invalid, 1 alarm, 1 warning, 297 ok. D200 invalid"
    )
    assert "297 more devices" in picture.data.decode()


def test_many_checks_have_numbers_and_a_key():
    found = matrix([outcome("D", f"a check with a long name {i}") for i in range(20)])
    text = matrix_picture(found).data.decode()
    assert "20  a check with a long name 19" in text


def test_every_severity_has_a_style():
    for word in ("ok", "warning", "alarm", "invalid", "na"):
        assert MATRIX_CSS.count(f"td.{word}{{") == 2
