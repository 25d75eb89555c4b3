"""What a check allows, as pages and mails say it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oaflib import limits
from oaflib.inform import texts
from oaflib.publish import words

SAID: list[tuple[dict[str, Any], str, str]] = [
    ({"minimum": 1}, "samples", "at least 1 sample"),
    ({"minimum": 20}, "samples", "at least 20 samples"),
    ({"max_gap": 864.0}, "s", "gaps of at most 14 min 24 s"),
    ({"max_gap": 2.5}, "s", "gaps of at most 2.5 s"),
    ({"max_unchanged": 86400 * 7}, "s", "unchanged for at most 7 d"),
    ({"allowed": ["LHC", "FTARGET"]}, "", "allowed LHC or FTARGET"),
    ({"allowed": 0}, "elements", "at most 0 elements"),
    ({"forbidden": ["FAULT"]}, "", "never FAULT"),
    ({"expected": 0.528}, "mm", "expected 0.528 mm"),
    ({"expected": ["ON", "READY"]}, "", "expected ON or READY"),
    ({"expected": 900.0, "tolerance": 20.0, "percent": 0.0}, "V", "expected 900 V ± 20 V"),
    ({"expected": 9.0, "tolerance": 2.0, "percent": 1.0}, "V", "expected 9 V ± 2 V or 1 %"),
    ({"absolute": 20.0, "percent": 1.0}, "GeV", "may differ by 20 GeV or 1 %"),
    ({"percent": 1.0}, "charges", "may differ by 1 %"),
    ({"budget": 60.0, "per": 3600.0}, "samples", "budget 60 samples in any 1 h"),
    ({"budget": 60.0}, "edges", "budget 60 edges"),
    ({"allowed_pixels": 0.001}, "pixels", "at most 0.1 % of the pixels"),
    ({"condition": "A > 0"}, "", "must hold: A > 0"),
    ({"usual": 3.5}, "A", "usually 3.5 A"),
    ({"length": 80}, "elements", "80 elements expected"),
    ({"on": ["bit 1", "bit 3"], "off": ["bit 2"]}, "", "on: bit 1, bit 3, off: bit 2"),
    ({"warning_low": 0.9, "warning_high": 1.1}, "A", "warning below 0.9 A, warning above 1.1 A"),
    ({"my_own": 3}, "A", "my own 3"),
    ({"expected": 9.0, "tolerance": "wide", "percent": "few"}, "V", "expected 9 V"),
    ({"expected": 9.0, "tolerance": 0.0}, "V", "expected 9 V"),
    ({"allowed_saturated": 0.02}, "pixels", "at most 2 % of the pixels"),
    ({"allowed_pixels": "few"}, "pixels", "allowed pixels few"),
    ({"max_gap": "long"}, "s", "max gap long"),
    ({"max_gap": 60.0}, "s", "gaps of at most 1 min"),
    ({"minimum": 1}, "s", "at least 1 s"),
    ({"allowed": "LHC"}, "", "allowed LHC"),
    ({"my_own": ""}, "A", "my own"),
    ({"off": list("abcdefgh")}, "", "off: a, b, c, d, e, f, g, h"),
    ({"off": list("abcdefghi")}, "", "off: a, b, c, d, e, f, g, h …"),
    ({"expected": None, "minimum": None}, "A", ""),
]


@pytest.mark.parametrize(("limit", "unit", "said"), SAID)
def test_each_limit_reads_like_a_person_would_say_it(
    limit: dict[str, Any], unit: str, said: str
) -> None:
    assert words.allowed(limit, unit=unit) == said
    assert texts.allowed(limit, unit) == said


def test_low_and_high_are_said_elsewhere() -> None:
    assert limits.phrases({"low": 0.9, "high": 1.1, "usual": 1}, "A", str) == ["usually 1 A"]


KEYS = st.sampled_from([*{key for limit, _, _ in SAID for key in limit}, "per", "low", "high"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.lists(st.text(max_size=4) | st.integers(), max_size=12)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.text(max_size=5))
def test_whatever_a_document_says_is_shown(limit: dict[str, Any], unit: str) -> None:
    assert isinstance(texts.allowed(limit, unit), str)
    if all(limit.get(key) is None for key in ("low", "high")):
        assert isinstance(words.allowed(limit, unit=unit), str)


@pytest.mark.parametrize(
    ("found", "unit", "limit", "said"),
    [
        (86399.4, "s", {"max_unchanged": 600.0}, ("23 h 59 min", "")),
        (86399.4, "s", {"high": 600.0}, (86399.4, "s")),
        (90.0, "s", {"max_gap": 3.0}, ("1 min 30 s", "")),
        (90.0, "mm", {"max_gap": 3.0}, (90.0, "mm")),
        (0, "s", {"max_gap": 3.0}, ("0 s", "")),
        (-1.0, "s", {"max_gap": 3.0}, (-1.0, "s")),
        (1, "elements", {"allowed": 0}, (1, "element")),
        (1, "edges", {"budget": 60.0}, (1, "edge")),
        (1, "pixels", {"allowed_pixels": 0.1}, (1, "pixel")),
        (True, "samples", {"expected": True}, (True, "samples")),
        (1.0, "samples", {"minimum": 20}, (1.0, "sample")),
        (2, "elements", {"allowed": 0}, (2, "elements")),
        (1, "bits", {"high": 0}, (1, "bits")),
        (None, "s", {"max_gap": 3.0}, (None, "s")),
        (1e15, "s", {"max_gap": 3.0}, (1e15, "s")),
        ("text", "s", {"max_gap": 3.0}, ("text", "s")),
    ],
)
def test_a_value_is_said_as_people_say_it(
    found: Any, unit: str, limit: dict[str, Any], said: tuple[Any, str]
) -> None:
    assert limits.measured(found, unit, limit) == said
