"""The years of a device on one plot, and a vector's history as a map."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_ageing import NAME, TODAY, Past, day_of, noise, trend

from oaflib.checks import run_checks
from oaflib.checks.ageing_drift import Drift
from oaflib.config.interventions import Intervention
from oaflib.plots.elements import by_day, element_map
from oaflib.plots.picture import Picture, Trouble
from oaflib.plots.years import Years, years
from oaflib.records import Records, records_of
from oaflib.series import Kind, Series

DONE = (Intervention(day_of(700), "DEV", "new preamplifier", "jdoe"),)


def history(n: int = 1100):
    values = 100 + noise(n) + np.maximum(0, np.arange(n) - (n - 300)) * 0.1
    values[: n - 700] += 15
    made = trend(values)
    spread = np.abs(noise(n, 9)) + 2
    imported = np.arange(n) < 60
    return replace(made, min=values - spread, max=values + spread, imported=imported)


def looked(made, *, done=DONE) -> tuple[Records, list]:
    empty = Series(NAME, Kind.NUMERIC, "mA", np.empty(0, np.int64), np.empty(0))
    records = records_of([empty], TODAY)
    records.past = Past(made, done=done)
    return records, run_checks([Drift(high=150)], records, records.past)


def test_years_show_marks_limit_and_fan():
    made = history()
    records, outcomes = looked(made)
    assert outcomes[0].forecast["state"] == "crosses"
    (picture,) = Years().figures(records, outcomes)
    assert isinstance(picture, Picture)
    text = picture.data.decode()
    ElementTree.fromstring(text)
    for word in (NAME, "new preamplifier by jdoe", "high 150", "forecast, 90 %", "imported"):
        assert word in text, word
    assert "1100 windows" in picture.alt
    assert "drifting since" in picture.alt


def test_without_history_it_says_so():
    records, _ = looked(trend([]))
    (said,) = Years().figures(records, [])
    assert isinstance(said, Trouble)
    records.past = None
    (said,) = Years().figures(records, [])
    assert "no history" in said.reason


def test_a_vectors_history_is_a_map():
    made = trend(noise(400))
    elements = noise(400 * 30, 3).reshape(400, 30)
    elements[200:, 11] += np.arange(200) * 0.1
    elements[:, 4] = np.nan
    picture = element_map(replace(made, elements=elements))
    assert isinstance(picture, Picture)
    assert "30 elements over 400 windows" in picture.alt
    assert isinstance(element_map(made), Trouble)
    found, first, stop = by_day(replace(made, elements=elements))
    assert found.shape == (30, 400)
    assert (first, stop) == (made.start[0], made.end[-1])
    assert np.array_equal(found[11], elements[:, 11])


@settings(max_examples=25, deadline=None)
@given(
    values=arrays(
        np.float64,
        st.integers(0, 30),
        elements=st.one_of(st.sampled_from([np.nan, np.inf, 1e300, -1e300, 0.0]), st.floats(-9, 9)),
    )
)
def test_any_history_is_drawn_or_said(values):
    made = trend(values)
    for drawn in (years(made), element_map(replace(made, elements=values[:, None]))):
        assert isinstance(drawn, (Picture, Trouble))
        if isinstance(drawn, Picture):
            ElementTree.fromstring(drawn.data.decode())
