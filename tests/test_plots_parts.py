"""The parts that pictures are made of."""

import base64
import struct
import zlib
from datetime import date

import numpy as np
import pytest

from oaflib.plots import Style, default_plots, draw
from oaflib.plots.base import field_of, shortened
from oaflib.plots.boxes import grouped
from oaflib.plots.colours import PAINTS, rgb
from oaflib.plots.correlation import paired, straight
from oaflib.plots.curve import curve_of
from oaflib.plots.fourier import of_series
from oaflib.plots.grid import grid, reduced, scale_of
from oaflib.plots.lanes import Lanes
from oaflib.plots.png import encode, encode_few
from oaflib.plots.raster import pixels
from oaflib.plots.scene import Pen, Scene, clean, fitted, straightened, text_width
from oaflib.plots.states import states_of
from oaflib.plots.trend import Trend, limits_of
from oaflib.records import records_of
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
SECOND = 10**9


def at(n, step=60):
    return DAY.start_ns + np.arange(n, dtype=np.int64) * step * SECOND


def series(name, value, time=None, unit="A"):
    value = np.asarray(value, float)
    return Series(name, Kind.NUMERIC, unit, at(len(value)) if time is None else time, value)


def texts(name, values, time):
    return Series(name, Kind.TEXTUAL, "", time, np.array(values, dtype=object))


@pytest.mark.parametrize(
    ("names", "common", "middles"),
    [
        (
            ["LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY"],
            "LHC.BCTDC.*.B1:BEAM_INTENSITY",
            ["A6R4", "B6R4"],
        ),
        (["A:OFFSET", "B.C:OFFSET"], "*:OFFSET", ["A", "B.C"]),
        (["ratio", "sum"], "", ["ratio", "sum"]),
        (["ONE:VALUE"], "", ["ONE:VALUE"]),
        (["SAME:VALUE", "SAME:VALUE2"], "", ["SAME:VALUE", "SAME:VALUE2"]),
    ],
)
def test_names_are_shortened_to_what_tells_them_apart(names, common, middles):
    found, labels = shortened(names)
    assert labels == middles or found
    assert len(set(labels)) == len(names)
    if common:
        assert (found, labels) == (common, middles)


def test_the_field_of_a_name():
    assert field_of("SPS.BWS.1/Setting#gain") == "gain"
    assert field_of("ratio") == "ratio"


def test_limits_belong_to_an_axis_of_their_unit_and_of_what_was_judged():
    def outcome(**more):
        return Outcome("range", Fault.BREAKAGE, "D", "D:V", Severity.ALARM, **more)

    span = (0.27, 0.32)
    good = outcome(found=0.29, unit="A", limit={"low": 0.3, "high": 0.315, "count": 3})
    assert limits_of(good, "A", span) == [("low", 0.3), ("high", 0.315)]
    assert limits_of(good, "V", span) == []
    assert limits_of(outcome(found=1e-4, unit="A", limit={"high": 1e-3}), "A", span) == []
    assert limits_of(outcome(found="OFF", unit="A", limit={"high": 1}), "A", span) == []
    assert limits_of(outcome(unit="A", limit={"high": float("nan"), "low": True}), "A", span) == []


def test_a_gap_of_a_regular_series_is_not_bridged_and_one_of_events_is():
    time = np.concatenate([at(300), at(300) + 10 * 3600 * SECOND])
    records = records_of([series("D:V", np.random.default_rng(0).normal(size=600), time)], DAY)
    curve = curve_of("D:V", records, 640)
    assert curve.gap == 20 * 60 * SECOND
    events = np.sort(np.random.default_rng(0).choice(86_400, 50, replace=False)) * SECOND
    records = records_of([series("D:V", np.arange(50) + 0.5, DAY.start_ns + events)], DAY)
    assert curve_of("D:V", records, 640).gap is None


def test_a_setting_is_drawn_in_steps():
    records = records_of([series("D:GAIN", [900, 900, 900, 1450, 1450], at(5, 3600))], DAY)
    assert curve_of("D:GAIN", records, 640).steps
    records = records_of([series("D:V", [900, 901, 903], at(3, 3600))], DAY)
    assert not curve_of("D:V", records, 640).steps


def test_many_strips_are_the_same_whoever_draws_them(monkeypatch):
    made = [
        series(f"{unit}{i:02}:V", np.sin(np.arange(50) / (i + 1)), unit=unit)
        for unit, count in (("A", 9), ("V", 10))
        for i in range(count)
    ]
    records = records_of(made, DAY)
    plain = list(draw([Trend()], records, []))
    forked = []

    def spread(work, items, processes):
        forked.append(processes)
        found = [(item, work(item)) for item in items]
        return [(found[0][0], None), *found[1:]]  # the first was left undone

    monkeypatch.setattr("oaflib.plots.trend._MANY", 10)
    monkeypatch.setattr("oaflib.plots.trend.os.sched_getaffinity", lambda _: {0, 1})
    assert list(draw([Trend()], records, [])) == plain
    monkeypatch.setattr("oaflib.plots.trend.spread", spread)
    assert list(draw([Trend()], records, [])) == plain
    assert forked == [2]
    assert len(plain) == 2


def test_states_begin_where_they_are_first_known():
    records = records_of([texts("M:MODE", ["A", "A", "B"], at(3) + 3600 * SECOND)], DAY)
    states = states_of("M:MODE", records)
    assert states.text == (None, "A", "B")
    assert states.changes == 1


def test_a_lane_has_its_whole_name():
    names = [f"LHC.BPM.{place}.DOROS:STATUS" for place in ("1L5.B1", "1L5.B2", "1R5.B1")]
    records = records_of([texts(name, ["OK"], at(1)) for name in names], DAY)
    (picture,) = Lanes(tuple(names)).figures(records, [])
    for label in ("1L5.B1", "1L5.B2", "1R5.B1"):
        assert f">{label}<".encode() in picture.data


def test_values_are_grouped_by_the_state_of_their_time():
    mode = texts("M:MODE", ["A", "B", "A"], at(3, 100))
    value = series(
        "D:V", [1, 2, 3, np.nan, 5], DAY.start_ns + SECOND * np.array([-5, 0, 99, 100, 250])
    )
    records = records_of([mode, value], DAY)
    found = grouped("D:V", "M:MODE", records)
    assert {text: values.tolist() for text, values in found.items()} == {"A": [2.0, 3.0, 5.0]}


def test_pairs_are_the_nearest_in_time():
    a = series("A:V", [1, 2, 3, 4], at(4))
    b = series("B:V", [10, 20, np.nan, 40], at(4) + 10 * SECOND)
    x, y = paired(a, b)
    assert (x.tolist(), y.tolist()) == ([1, 2, 4], [10, 20, 40])
    assert len(paired(a, b, within=5)[0]) == 0
    fit = straight(x, y)
    assert fit is not None
    assert fit[0] == pytest.approx(10)
    assert straight(np.ones(3), y) is None


def test_a_line_of_a_spectrum_has_its_frequency_and_amplitude():
    n = 16_384
    wave = 3 * np.sin(2 * np.pi * 0.1 * np.arange(n))
    noise = np.random.default_rng(1).normal(size=n)
    wave[5000:5100] = np.nan
    found = of_series(Series("D:V", Kind.NUMERIC, "A", at(n, 1), wave + noise), 1024)
    assert found is not None
    (frequency, _), *_ = found.peaks()
    assert frequency == pytest.approx(0.1, abs=1e-3)
    power = float((found.density**2).sum() * found.frequency[0])
    assert power == pytest.approx(3**2 / 2 + 1, rel=0.05)


def test_a_grid_keeps_the_extremes_of_each_element():
    value = np.random.default_rng(0).normal(size=(1000, 50))
    value[500, 20] = 80
    found = grid(Series("V:V", Kind.VECTORNUMERIC, "", at(1000), value), DAY, 10, 100)
    assert np.array_equal(found.low, value.min(axis=0))
    assert np.array_equal(found.high, value.max(axis=0))
    assert found.mean.shape == (10, 100)
    seen = found.mean[:, ~np.isnan(found.mean).all(axis=0)]
    assert np.abs(seen).max() < 5


def test_an_image_is_reduced_to_means():
    image = np.arange(24.0).reshape(4, 6)
    image[0, 0] = np.nan
    found = reduced(image, 2, 3)
    assert found.shape == (2, 3)
    assert found[0, 0] == pytest.approx((1 + 6 + 7) / 3)
    assert found[1, 2] == pytest.approx(image[2:, 4:].mean())


def test_few_far_values_do_not_take_all_colours():
    values = np.concatenate([np.random.default_rng(0).normal(size=1000), [-800.0, 9.0]])
    scale = scale_of(values)
    assert scale is not None
    assert -12 < scale.low < -2
    assert scale.clipped_low
    assert scale.diverging


def pixels_of(data):
    """Rows, columns and bytes of a PNG of one byte a pixel."""
    columns, rows = struct.unpack(">II", data[16:24])
    body, at_ = b"", 8
    while at_ < len(data):
        size = struct.unpack(">I", data[at_ : at_ + 4])[0]
        kind, part = data[at_ + 4 : at_ + 8], data[at_ + 8 : at_ + 8 + size]
        crc = struct.unpack(">I", data[at_ + 8 + size : at_ + 12 + size])[0]
        assert crc == zlib.crc32(kind + part)
        body += part if kind == b"IDAT" else b""
        at_ += 12 + size
    return rows, columns, zlib.decompress(body)


def test_a_png_holds_the_pixels():
    index = np.arange(12, dtype=np.uint8).reshape(3, 4)
    rows, columns, raw = pixels_of(encode(index, np.zeros((12, 3), np.uint8), transparent=0))
    assert (rows, columns) == (3, 4)
    assert raw == b"\0\0\1\2\3\0\4\5\6\7\0\x08\x09\x0a\x0b"
    colours = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    assert pixels_of(encode_few(colours))[:2] == (40, 50)


def test_texts_are_made_harmless_and_fit():
    assert clean("a\x00b\u202ec\nd") == "a b c d"
    assert len(clean("x" * 100_000)) == 200
    assert text_width(fitted("LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", 14, 120), 14) <= 120


def test_a_line_loses_only_points_that_lie_on_it():
    points = np.array([[0, 0], [1, 1], [2, 2], [3, 2], [4, 2], [4, 2], [2, 2]])
    assert straightened(points).tolist() == [[0, 0], [2, 2], [4, 2], [2, 2]]


def test_values_can_be_read_off_an_interactive_picture():
    records = records_of([series("D:V", np.sin(np.arange(1440) / 99)), series("D:G", [1, 2])], DAY)
    style = Style(interactive=True)
    (picture,) = draw([Trend()], records, [], style)
    data = picture.bundle()["application/vnd.oaf.picture+json"]["interactive"]
    assert data["start"] == DAY.start_ns / 1e6
    first, second = data["axes"][0]["series"]
    low = np.frombuffer(base64.b64decode(first["low"]), "<f4")
    high = np.frombuffer(base64.b64decode(first["high"]), "<f4")
    assert len(low) == data["columns"]
    assert low.min() == pytest.approx(-1, abs=1e-3)
    assert high.max() == pytest.approx(1, abs=1e-3)
    assert second["name"] == "D:G"
    assert picture.nbytes > len(picture.data)


def test_scans_are_drawn_over_their_positions_and_nothing_is_drawn_twice():
    scans = [
        Series(f"BWS.1:PROF_{what}_IN", Kind.VECTORNUMERIC, "", at(5, 3600), np.ones((5, 30)))
        for what in ("POSITION", "DATA")
    ]
    records = records_of([*scans, series("D:V", [1.0, 2.0])], DAY)
    kinds = [(plot.kind, plot.variables) for plot in default_plots(records)]
    assert kinds == [("trend", ("D:V",)), ("profile", ("BWS.1:PROF_DATA_IN",))]
    assert default_plots(records)[1].positions == "BWS.1:PROF_POSITION_IN"
    assert [p.kind for p in default_plots(records, [Trend(("D:%",))])] == ["profile"]


@pytest.mark.parametrize("x", [10.0, 10.04, 10.5, 10.96])
def test_a_dot_is_drawn_wherever_it_falls(x):
    scene = Scene(40, 20)
    scene.dots([x], [10.0], Pen("c0", 6.0))
    drawn = pixels(scene, 1.0)
    ink = (np.abs(drawn.astype(int) - rgb(PAINTS["c0"][0])).max(axis=2) < 40).sum()
    assert 15 <= ink <= 40  # a disc of 28 pixels, its rim blurred
