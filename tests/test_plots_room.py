"""Every plot over every kind of data there is: drawn, or said in words."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from oaflib import registry
from oaflib.plots import Picture, Plot, Style, Trouble, default_plots, draw
from oaflib.records import records_of
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series
from oaflib.trend import trend_of
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 10, 25), "Europe/Zurich")  # 25 hours
START = DAY.start_ns
SECOND = 10**9


def numeric(name, value, time=None, unit="A"):
    value = np.asarray(value, float)
    if time is None:
        time = START + np.arange(len(value), dtype=np.int64) * 60 * SECOND
    return Series(name, Kind.NUMERIC, unit, time, value)


def objects(*samples):
    out = np.empty(len(samples), dtype=object)
    for i, sample in enumerate(samples):
        out[i] = sample
    return out


def at(n, step=600):
    return START + np.arange(n, dtype=np.int64) * step * SECOND


RNG = np.random.default_rng(7)
HOSTILE = [
    numeric("N:EMPTY", []),
    numeric("N:ONE", [3.25]),
    numeric("N:TWO", [1.0, 2.0]),
    numeric("N:NAN", np.full(1500, np.nan)),
    numeric("N:ONE_OF_NAN", [np.nan, 1.0, np.nan]),
    numeric("N:INF", [np.inf, -np.inf, np.inf]),
    numeric("N:SOME_INF", np.where(np.arange(1500) % 100, RNG.normal(size=1500), np.inf)),
    numeric("N:CONSTANT", np.full(1500, 7.0)),
    numeric("N:ZERO", np.zeros(1500)),
    numeric("N:HUGE", 2e14 + RNG.normal(0, 1e-2, 1500)),
    numeric("N:LARGEST", [1.7e308, -1.7e308, 1e308, 0.0]),
    numeric("N:LARGEST_MANY", np.tile([1.7e308, -1.7e308, 1e308, 0.0], 400)),
    numeric("N:SMALLEST", [5e-324, 0.0, 5e-324]),
    numeric("N:TINY", np.linspace(1e-300, 2e-300, 700)),
    numeric("N:NOISE", RNG.normal(size=1500)),
    numeric("N:SAME_TIME", [1.0, 2.0, 3.0], np.full(3, START)),
    numeric("N:BEFORE_AND_AFTER", [1.0, 2.0], np.array([START - 5, DAY.end_ns])),
    numeric('<script>"&\x00\x1b]]>‮', RNG.normal(size=30), unit="<b>µ&"),
    Series("V:EMPTY", Kind.VECTORNUMERIC, "", at(0), np.empty(0, object)),
    Series("V:NO_ELEMENTS", Kind.VECTORNUMERIC, "", at(3), np.empty((3, 0))),
    Series("V:ONE", Kind.VECTORNUMERIC, "mm", at(1), RNG.normal(size=(1, 40))),
    Series("V:NARROW", Kind.VECTORNUMERIC, "mm", at(9), RNG.normal(size=(9, 2))),
    Series("V:NAN", Kind.VECTORNUMERIC, "mm", at(9), np.full((9, 40), np.nan)),
    Series("V:CONSTANT", Kind.VECTORNUMERIC, "mm", at(9), np.full((9, 40), 4.0)),
    Series("V:WIDE", Kind.VECTORNUMERIC, "mm", at(9), RNG.normal(size=(9, 5000))),
    Series("V:INF", Kind.VECTORNUMERIC, "mm", at(9), np.where(np.eye(9, 40) > 0, np.inf, 1.0)),
    Series(
        *("V:RAGGED", Kind.VECTORNUMERIC, "mm", at(4)),
        objects(np.arange(50.0), np.empty(0), np.arange(3.0), np.full(70, np.nan)),
    ),
    Series("V:LARGEST", Kind.VECTORNUMERIC, "mm", at(9), np.tile([1.7e308, -1.7e308], (9, 20))),
    Series("I:EMPTY", Kind.MATRIXNUMERIC, "", at(0), np.empty(0, object)),
    Series("I:FLAT", Kind.MATRIXNUMERIC, "", at(5), np.zeros((5, 20, 30), np.uint8)),
    Series("I:NAN", Kind.MATRIXNUMERIC, "", at(2), np.full((2, 20, 30), np.nan)),
    Series("I:LINE", Kind.MATRIXNUMERIC, "", at(2), np.ones((2, 1, 3000))),
    Series("I:COLUMN", Kind.MATRIXNUMERIC, "", at(2), np.ones((2, 3000, 1))),
    Series(
        *("I:CHANGES", Kind.MATRIXNUMERIC, "counts", at(4)),
        objects(
            RNG.integers(0, 255, (40, 60), dtype=np.uint8),
            np.empty((0, 0), np.uint8),
            RNG.integers(0, 65535, (400, 300), dtype=np.uint16),
            RNG.normal(size=(400, 300)),
        ),
    ),
    Series("T:EMPTY", Kind.TEXTUAL, "", at(0), np.empty(0, object)),
    Series("T:ENDLESS", Kind.TEXTUAL, "", at(3), objects("x" * 100_000, "", "y\x00\x07<&")),
    Series("T:NONE", Kind.TEXTUAL, "", at(2), objects(None, "a")),
    Series("T:NEW_EACH", Kind.TEXTUAL, "", at(3000, 10), objects(*map(str, range(3000)))),
    Series("T:BUSY", Kind.TEXTUAL, "", at(9000, 10), objects(*(["A", "B"] * 4500))),
    Series("HX:BMODE", Kind.TEXTUAL, "", at(2, 3600), objects("RAMP", "STABLE")),
    Series(
        *("S:NAMES", Kind.VECTORSTRING, "", at(3)),
        objects(*(np.array(row, object) for row in (["a", "b"], [], ["a" * 100_000]))),
    ),
]
RECORDS = records_of(HOSTILE, DAY, absent=("GONE:VALUE",))


def outcome(name, severity, **more):
    details = {"unit": "A", "limit": {"low": -1.0, "high": float("inf")}, **more}
    return Outcome("range", Fault.BREAKAGE, name.split(":")[0], name, severity, **details)


OUTCOMES = [
    outcome("N:NOISE", Severity.ALARM, since=START + 3600 * SECOND, limit={"high": 2, "low": None}),
    outcome("N:HUGE", Severity.WARNING, since=START - 10, limit={"high": 1e300}),
    outcome("N:EMPTY", Severity.INVALID, limit={"high": "much", "allowed": ["A", "B"]}),
    outcome("V:ONE", Severity.ALARM, since=DAY.end_ns),
    outcome("T:BUSY", Severity.ALARM, since=START + 7200 * SECOND),
    outcome("GONE:VALUE", Severity.INVALID),
    outcome("", Severity.ALARM, members=("N:ZERO", "N:ONE")),
]


def plot_of(kind, **fields) -> Plot:
    return registry.plots.load(kind)(**fields)


def checked(drawn: Iterator[Picture | Trouble]) -> list[Picture | Trouble]:
    """All that is drawn, each looked at: sound XML, finite numbers, words."""
    found = list(drawn)
    for picture in found:
        if isinstance(picture, Trouble):
            assert "failed" not in picture.reason, picture
            assert picture.reason
            continue
        text = picture.data.decode()
        ET.fromstring(text)
        assert not re.search(r'[" ](nan|-?inf)[" ]', text)
        assert picture.title
        assert picture.alt
        assert 40 < picture.height < 4000
        assert len(picture.data) < 400_000
        bundle = picture.bundle()
        assert bundle["image/svg+xml"] == text
    return found


@pytest.mark.parametrize("kind", registry.plots.names())
@pytest.mark.parametrize("name", [series.name for series in HOSTILE] + ["GONE:VALUE", "NO:SUCH"])
def test_each_plot_of_each_variable_is_drawn_or_said_in_words(kind, name):
    assert checked(draw([plot_of(kind, variables=(name,))], RECORDS, OUTCOMES))


@pytest.mark.parametrize("kind", registry.plots.names())
@pytest.mark.parametrize("low_res", [False, True])
def test_each_plot_of_everything(kind, low_res):
    assert checked(draw([plot_of(kind)], RECORDS, OUTCOMES, Style(low_res=low_res)))


class Years:
    """A past in which every variable has three days."""

    def trend(self, variable):
        days = DAY.start_ns - np.array([3, 2, 1]) * 86_400 * 10**9
        made = trend_of(variable, days, np.array([1.0, 2.0, 1.5]), "A")
        return replace(made, elements=np.array([[1.0, 1.0], [1.0, 3.0], [np.nan, 2.0]]))

    def interventions(self, variable):
        return ()


@pytest.mark.parametrize("kind", registry.plots.names())
def test_each_plot_becomes_a_png_too(kind):
    records = records_of(HOSTILE, DAY)
    records.past = Years()
    pictures = [
        picture
        for picture in draw([plot_of(kind)], records, OUTCOMES, Style(png=True, scale=0.5))
        if isinstance(picture, Picture)
    ]
    assert pictures
    for picture in pictures:
        assert picture.media == "image/png"
        assert picture.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", registry.plots.names())
def test_no_records_and_no_outcomes_give_a_sentence(kind):
    (said,) = draw([plot_of(kind)], records_of([], DAY), [])
    assert isinstance(said, Trouble)
    assert str(said)


def test_every_kind_of_data_is_in_the_default_plots():
    drawn = checked(draw(default_plots(RECORDS), RECORDS, OUTCOMES))
    shown = {
        name for picture in drawn if isinstance(picture, Picture) for name in picture.variables
    }
    for name in ("N:NOISE", "V:WIDE", "I:CHANGES", "T:BUSY", "S:NAMES"):
        assert name in shown


def test_a_plot_that_raises_leaves_the_others_alone():
    class Broken(Plot):
        kind = "broken"

        def figures(self, records, outcomes):
            yield from plot_of("trend", variables=("N:NOISE",)).figures(records, outcomes)
            raise KeyError("what is not there")

    first, trouble, last = draw([Broken(), plot_of("matrix")], RECORDS, OUTCOMES)
    assert isinstance(first, Picture)
    assert isinstance(trouble, Trouble)
    assert str(trouble) == "broken: the plot failed: KeyError: 'what is not there'"
    assert isinstance(last, Picture)


def test_a_bad_gate_is_said():
    (trouble,) = draw([plot_of("trend", variables=("N:NOISE",), gate="1 +")], RECORDS, [])
    assert isinstance(trouble, Trouble)
    assert "ExpressionError" in trouble.reason


def test_pictures_are_the_same_each_time():
    first, second = (list(draw(default_plots(RECORDS), RECORDS, OUTCOMES)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", registry.plots.names())
def test_a_plot_is_documented_and_frozen(kind):
    maker = registry.plots.load(kind)
    assert maker.kind == kind
    assert maker.__doc__
    with pytest.raises(AttributeError):
        maker().title = "other"  # type: ignore[misc]


def test_the_worst_come_first():
    names = [f"D{i:03d}:VALUE" for i in range(120)]
    time = at(50)
    records = records_of(
        [Series(n, Kind.NUMERIC, "A", time, RNG.normal(size=50)) for n in names], DAY
    )
    outcomes = [
        outcome("D110:VALUE", Severity.ALARM),
        outcome("D070:VALUE", Severity.WARNING),
        outcome("D090:VALUE", Severity.INVALID),
    ]
    drawn = checked(draw(default_plots(records), records, outcomes))
    assert drawn[0].variables[:4] == ("D090:VALUE", "D110:VALUE", "D070:VALUE", "D000:VALUE")
    assert sorted(name for picture in drawn for name in picture.variables) == names


def test_a_whole_low_res_report_is_light():
    rng = np.random.default_rng(1)
    time = START + np.arange(0, 86_400, 4, dtype=np.int64) * SECOND
    units = ("A", "V", "W", "K", "mm", "charges", "s", "Hz")
    series = [
        Series(f"D{i}:{unit}", Kind.NUMERIC, unit, time, rng.normal(size=len(time)))
        for i in range(5)
        for unit in units
    ]
    records = records_of(series, DAY)
    plots = [plot_of("trend", variables=(f"%:{unit}",)) for unit in units]
    light = sum(p.nbytes for p in draw(plots, records, [], Style(low_res=True)))
    full = sum(p.nbytes for p in draw(plots, records, []))
    assert light < 300_000
    assert full < 1_000_000


def polyline_points(text: str) -> list[list[tuple[int, int]]]:
    """All points of all paths of an SVG, in tenths of a pixel."""
    found = []
    for d in re.findall(r' d="([^"]+)"', text):
        for part in re.findall(r"M[^M]+", d):
            numbers = [int(n) for n in re.findall(r"-?\d+", part)]
            if len(numbers) < 4:
                continue
            points = [(numbers[0], numbers[1])]
            for dx, dy in zip(numbers[2::2], numbers[3::2], strict=False):
                points.append((points[-1][0] + dx, points[-1][1] + dy))
            found.append(points)
    return found


def test_every_spike_is_in_the_picture():
    rng = np.random.default_rng(3)
    n = 90_000
    time = START + np.arange(n, dtype=np.int64) * SECOND
    value = rng.normal(size=n)
    spikes = np.sort(rng.choice(n, 40, replace=False))
    value[spikes] = rng.uniform(20, 100, 40) * rng.choice([-1, 1], 40)
    records = records_of([Series("D:V", Kind.NUMERIC, "A", time, value)], DAY)
    (picture,) = draw([plot_of("trend")], records, [])
    text = picture.data.decode()
    outline = max(polyline_points(text), key=len)
    xs, ys = [p[0] for p in outline], [p[1] for p in outline]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    low, high = value.min(), value.max()
    column = (right - left) / 639
    for i in spikes:
        # the extreme of its column, unless another spike there is farther out
        start = (time[i] - START) * 640 // (DAY.end_ns - START)
        same = ((time - START) * 640 // (DAY.end_ns - START)) == start
        extreme = value[same].max() if value[i] > 0 else value[same].min()
        x = left + start * column
        y = bottom - (extreme - low) / (high - low) * (bottom - top)
        assert any(abs(px - x) <= 4 and abs(py - y) <= 4 for px, py in outline), (i, value[i])
    assert all(b[0] >= a[0] - 10 for a, b in pairwise(outline[: len(outline) // 3]))
