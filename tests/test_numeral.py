"""Numbers as people write them, one way in every place."""

from __future__ import annotations

import math

import pytest

from oaflib.checks.words import quantity
from oaflib.inform.texts import quantity as mailed
from oaflib.numeral import compact, spelt
from oaflib.publish.words import number as on_page
from oaflib.study.families.sheet import figure
from oaflib.study.views import number as in_notebook


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (7, "7"),
        (999, "999"),
        (62_183, "62,183"),
        (9_999_999, "9,999,999"),
        (10_000_000, "1 × 10⁷"),
        (1.02794, "1.02794"),
        (1234.56, "1,234.56"),
        (1_234_567.8, "1,234,570"),
        (9_999_999.9, "1 × 10⁷"),
        (8e12, "8 × 10¹²"),
        (-4.136e12, "−4.136 × 10¹²"),
        (4.37e-5, "4.37 × 10⁻⁵"),
        (-6452.0, "−6,452"),
        (math.nan, "NaN"),
        (-math.inf, "−∞"),
    ],
)
def test_a_number_is_written_as_people_write_it(value: float, text: str) -> None:
    assert spelt(value) == text


def test_fewer_figures_where_asked() -> None:
    assert (spelt(1.02794, 4), spelt(12345.678, 4), compact(3.3e14)) == (
        "1.028",
        "12,350",
        "3.3×10¹⁴",
    )


def test_it_is_one_way_in_reasons_mails_pages_and_tables() -> None:
    written = {f"{write(-4.136e12)} A" for write in (spelt, on_page, in_notebook)}
    written |= {quantity(-4.136e12, "A"), mailed(-4.136e12, "A"), figure(-4.136e12, "A")}
    assert written == {"−4.136 × 10¹² A"}
