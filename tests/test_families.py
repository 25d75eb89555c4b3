"""Each family's tables on made records: what an expert looks at, and whatever a machine may log."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from project import DAY, ZONE

from oaflib.records import Entry, Records, State
from oaflib.report import Fault, Outcome, Severity
from oaflib.run.clean import cleaned
from oaflib.series import Kind, Series, Variable, nothing, stack
from oaflib.study.families import FAMILIES, blm, bpm, tables_of
from oaflib.study.families.btv import bad_pixels
from oaflib.study.families.bws import signal
from oaflib.study.families.sheet import FamilyTable, figure, share
from oaflib.testing.made import made
from oaflib.window import calendar_day

WINDOW = calendar_day(DAY, ZONE)
HOUR = 3_600_000_000_000
HOSTILE = "<script>alert('x')</script>.B1:"


def records(*series: Series, absent: tuple[str, ...] = ()) -> Records:
    """Records in memory; `absent` are names the source did not know."""
    entries = {name: Entry(Variable(name), State.ABSENT) for name in absent}
    found = Records(WINDOW, entries).with_series(list(series), computed=False)
    found._made |= {name: nothing(Variable(name)) for name in absent}
    return found


def times(count: int) -> np.ndarray:
    return WINDOW.start_ns + (WINDOW.end_ns - WINDOW.start_ns) // max(1, count) * np.arange(count)


def numbers(name: str, *values: float, unit: str = "") -> Series:
    value = np.array(values, dtype=np.float64)
    return Series(name, Kind.NUMERIC, unit, times(len(value)), value)


def vectors(name: str, *rows: object, unit: str = "") -> Series:
    value = stack([np.asarray(row, dtype=np.float64) for row in rows], 1)
    return Series(name, Kind.VECTORNUMERIC, unit, times(len(rows)), value)


def texts(name: str, *values: str) -> Series:
    return Series(name, Kind.TEXTUAL, "", times(len(values)), np.array(values, dtype=object))


def named(name: str, *names: str) -> Series:
    row = np.empty(1, dtype=object)
    row[0] = np.array(names, dtype=object)
    return Series(name, Kind.VECTORSTRING, "", times(1), row)


def table(family: str, title: str, made_records: Records, *outcomes: Outcome) -> FamilyTable:
    found = [t for t in tables_of(family, made_records, outcomes) if t.title == title]
    assert len(found) == 1, [t.title for t in tables_of(family, made_records, outcomes)]
    return found[0]


def told(text: str) -> float:
    """The number that a cell writes as ``4.94 × 10⁹``."""
    mantissa, _, power = text.partition(" × 10")
    return float(f"{mantissa}e{unicodedata.normalize('NFKC', power) or 0}".replace("−", "-"))


def column(found: FamilyTable, head: str) -> list[str]:
    return [row[found.head.index(head)] for row in found.rows]


# Loss monitors


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        (10.1, "very good"),
        (20, "very good"),
        (20.1, "good"),
        (30, "good"),
        (80, "DAC to be reset"),
        (80.1, "problematic"),
        (np.inf, "problematic"),
        (9, "not graded"),
        (8, "too low"),
        (0.5, "too low"),
        (0, "no data"),
        (-3, "no data"),
        (-np.inf, "no data"),
        (np.nan, "no data"),
    ],
)
def test_offsets_have_their_public_grade(value, grade):
    assert blm.grade_of(value, blm.OFFSETS).name == grade


@pytest.mark.parametrize("grades", [blm.OFFSETS, blm.NOISES])
def test_grades_leave_no_value_out_and_count_none_twice(grades):
    edges = sorted((grade.low, grade.high) for grade in grades)
    assert edges[0][0] == -np.inf
    assert edges[-1][1] == np.inf
    assert all(high == low for (_, high), (low, _) in pairwise(edges))


def test_monitors_are_counted_by_grade_and_bad_ones_named():
    ring = records(
        vectors("BLMI:OFFSET", [15, 25, 90, np.nan], unit="pA"),
        vectors("BLMI:NOISE_RS01", [20, 250, 50, 50], unit="bits"),
        named("BLMI:NAMES", "BLM.1", "BLM.2", "BLM.3", "BLM.4"),
        numbers("BLM.9:NOISE_RS01", 400, unit="bits"),
    )
    noise = table("BLM", "Noise of the shortest running sum", ring)
    counts = dict(zip(column(noise, "grade"), column(noise, "monitors"), strict=True))
    assert counts["very good"] == "1"
    assert counts["good"] == "2"
    assert counts["candidate for repair"] == counts["to be repaired"] == "1"
    assert dict(zip(column(noise, "grade"), column(noise, "share"), strict=True))["good"] == (
        "40.00 %"
    )
    look = table("BLM", "Monitors to look at", ring)
    assert sorted(column(look, "monitor")) == ["BLM.2", "BLM.3", "BLM.4", "BLM.9"]
    assert look.rows[0][0] == "BLM.4"  # no data is the worst


def test_a_vector_without_its_names_counts_monitors_by_index():
    look = table("BLM", "Monitors to look at", records(vectors("BLMI:OFFSET", [15, 99])))
    assert column(look, "monitor") == ["BLMI[1]"]


def test_the_highest_loss_is_told_with_its_mode():
    values = np.full(24, 1e-7)
    values[5] = 3.0
    ring = records(numbers("BLM.1:LOSS_RS09", *values, unit="Gy/s"), texts("HX:BMODE", "RAMP"))
    assert table("BLM", "Highest losses", ring).rows == (
        ("BLM.1", "3", "1 × 10⁻⁷", "05:00:00", "RAMP"),
    )


# Wire scanners


def test_profiles_are_flat_blind_or_fine():
    x = np.arange(100)
    draw = np.random.default_rng(3)
    noise = 60 + 5 * draw.standard_normal((3, 100))
    spot = 2_000 * np.exp(-((x - 50) ** 2) / 2 / 8**2)
    rows = [noise[0] + spot, np.minimum(noise[1] + 3 * spot, 4_095), noise[2], [], [1.0, np.nan]]
    flat, blind, top = signal(vectors("W:PROF_DATA_IN", *rows))
    assert (flat, blind) == (1, 3)
    assert 1_900 < top < 2_200


def test_scans_are_told_against_what_a_wire_bears():
    budget = Outcome(
        "over", Fault.OVER_USAGE, "A", "A:PROF_DATA_IN", Severity.OK, limit={"budget": 10.0}
    )
    wires = records(
        vectors("A:PROF_DATA_IN", *np.ones((12, 20))),
        vectors("B:PROF_DATA_IN", *np.ones((2, 20))),
        numbers("A:GAIN", 900, 900, 1_450, unit="V"),
        absent=("C:PROF_DATA_IN",),
    )
    scans = table("BWS", "Scans and settings", wires, budget)
    assert column(scans, "wire") == ["A", "B"]
    assert column(scans, "of what it bears") == ["120 %", "20 %"]
    assert column(scans, "gain") == ["900 → 1450 V", "–"]


@pytest.mark.parametrize(
    ("spare", "said"), [([0, 12], "both"), ([0, 0], "one"), ([np.nan, 0], "one")]
)
def test_wire_and_spare(spare, said):
    wires = records(numbers("X.B1H1:NB_GATES", 12, 0), numbers("X.B1H2:NB_GATES", *spare))
    assert column(table("BWS", "Wire and spare", wires), "used") == [said]


def test_the_way_in_is_compared_with_the_way_out_scan_by_scan():
    wires = records(
        numbers("W:NB_GATES", 1, 1, 1, 1),
        vectors("W.APP.IN:EMITTANCE_NORM", [2, 2], [3], [], [0, 4], unit="um"),
        vectors("W.APP.OUT:EMITTANCE_NORM", [2.2], [3.3], [1], [4.4], unit="um"),
    )
    ways = table("BWS", "Emittance, median of the scans", wires)
    assert column(ways, "OUT against IN") == ["+10.0 %"]
    assert column(ways, "IN, um") == ["3"]


# Current transformers


def test_transformers_with_and_without_beam_and_against_each_other():
    draw = np.random.default_rng(1)
    beam = np.repeat([0.0, 1e14], 720)
    one = beam + 1e9 * draw.standard_normal(1440)
    both = records(
        numbers("X.BCTDC.A6R4.B1:BEAM_INTENSITY", *one, unit="charges"),
        numbers("X.BCTDC.B6R4.B1:BEAM_INTENSITY", *(1.02 * one + 5e9), unit="charges"),
        texts("HX:BMODE", "NOBEAM", "STABLE"),
    )
    each = table("BCT", "Transformers", both)
    baseline, noise = (told(column(each, head)[1]) for head in ("baseline", "its noise"))
    assert 4e9 < baseline < 6e9
    assert 0.8e9 < noise < 1.3e9
    ratios = table("BCT", "Ratios", both)
    assert column(ratios, "ratio") == ["X.BCTDC.B6R4.B1 / X.BCTDC.A6R4.B1"]
    assert abs(float(column(ratios, "median")[0]) - 1.02005) < 1e-4
    assert ratios.note.startswith("In stable beams")


def test_transformers_that_never_see_beam_have_no_ratio():
    lines = records(numbers("L.A:INTENSITY", 1, 1, 1), numbers("L.B:INTENSITY", 0, 0, np.nan))
    assert table("BCT", "Ratios", lines).rows == (("L.B / L.A", "–", "–", "–", "–", "–"),)
    assert "no baseline" in table("BCT", "Transformers", lines).note


# Position monitors


def test_odd_monitors_are_told_by_name_and_why():
    draw = np.random.default_rng(2)
    orbit = draw.standard_normal((240, 6))
    orbit[:, 1] = 0
    orbit[120:, 2] = 0
    orbit[:, 3] = 7.5
    orbit[10::40, 4] += 500
    orbit[:, 5] = np.nan
    ring = records(
        vectors("ORBIT:POSITIONS_H", *orbit, unit="um"),
        named("ORBIT:BPM_NAMES_H", "good", "zero", "late", "flat", "spiky", "none"),
    )
    odd = table("BPM", "Monitors unlike the others", ring)
    told = dict(zip(column(odd, "monitor"), column(odd, "it is"), strict=True))
    assert told == {
        "zero": "exactly zero",
        "late": "exactly zero",
        "flat": "flat",
        "spiky": "spiking",
        "none": "unknown",
    }
    since = dict(zip(column(odd, "monitor"), column(odd, "since"), strict=True))
    assert (since["zero"], since["late"]) == ("the beginning", "12:00:00")


def test_a_monitor_that_reads_zero_now_and_then_is_fine():
    draw = np.random.default_rng(4)
    counts = np.round(draw.standard_normal((500, 8)))
    assert [habit.word for habit in bpm.habits(times(500), counts)] == [""] * 8


def test_crates_that_warm_up_come_first_and_front_ends_are_told_apart():
    ring = records(
        numbers("C1:TEMPERATURE", *np.full(24, 25.0), unit="degC"),
        numbers("C2:TEMPERATURE", *np.linspace(25, 29, 24), unit="degC"),
        numbers("C3:TEMPERATURE", np.nan, unit="degC"),
        texts("F1:ACQUISITION_STATUS", "OK", "NO_TRIGGER", "OK", "OK"),
        texts("F2:ACQUISITION_STATUS", "OK"),
    )
    crates = table("BPM", "Crate temperatures", ring)
    assert column(crates, "crate") == ["C2", "C1"]
    assert column(crates, "first to last hour") == ["+4.00", "+0.00"]
    fronts = table("BPM", "Front ends", ring)
    assert fronts.rows == (("F1", "NO_TRIGGER", "6 h 00 min", "25.0 %", "06:00:00"),)


# Abort gap monitors, telescopes, screens, tune meters, machine


def test_the_abort_gap_is_told_in_stable_beams_only():
    gap = records(
        numbers("M:ABORT_GAP_INTENSITY", *[9e9] * 12, *[1e8] * 12, unit="charges"),
        texts("HX:BMODE", "RAMP", "STABLE"),
        numbers("HX:FILLN", 7, 8),
    )
    assert table("BSRA", "Abort gap in stable beams", gap).rows[0][:4] == (
        "M",
        "8",
        "12 h 00 min",
        "1 × 10⁸",
    )


def test_noise_outside_the_gate_is_white_or_not():
    draw = np.random.default_rng(5)
    spill = 100 + 5 * draw.standard_normal((200, 64))
    ripple = spill + 20 * np.sin(np.arange(64) / 2)
    gap = records(
        vectors("W:ABORT_GAP_RAW_DATA_SPILL", *spill),
        vectors("R:ABORT_GAP_RAW_DATA_SPILL", *ripple),
        vectors("S:ABORT_GAP_RAW_DATA_SPILL", *spill[:, :60]),
    )
    white = table("BSRA", "Noise outside the gate", gap)
    lags = column(white, "lag 1")
    assert abs(float(lags[0])) < 0.1 < 0.5 < float(lags[1])
    assert white.rows[2][1] == "60 bins, not 64"


def test_sizes_below_their_correction_are_counted_and_other_units_not_compared():
    telescope = records(
        vectors("T.B1:FIT_SIGMA_H", [0.5, 0.6], [0.4, np.nan, 0], unit="mm"),
        numbers("T.B1:LSF_H", 0.45, 0.55, unit="mm"),
        numbers("T.B1:BETA_H", 200, 200, unit="m"),
        vectors("T.B1:GATE_DELAY", [1, 2], [3, 1, 2]),
        vectors("T.BQM.B1:FILLED_BUCKETS", [11, 21, 31, 41, 0]),
        vectors("T.B1:FIT_SIGMA_V", [500.0], unit="um"),
        numbers("T.B1:LSF_V", 0.4, unit="mm"),
    )
    sizes = table("BSRT", "Sizes", telescope)
    assert column(sizes, "sigma below it") == ["33.33 %", "–"]
    assert column(sizes, "failed") == ["40.00 %", "0.00 %"]
    constants = table("BSRT", "Constants in force", telescope)
    assert column(constants, "in force")[0] == "0.45 → 0.55 mm"
    assert column(constants, "changes")[:2] == ["1", "0"]
    assert column(table("BSRT", "What the scan covers", telescope), "of those filled") == ["75.0 %"]


def test_dead_pixels_are_told_from_those_that_stand_still_by_chance():
    draw = np.random.default_rng(6)
    images = np.round(100 + 2 * draw.standard_normal((5, 200, 200)))
    assert bad_pixels(images)[0] == 0
    images[:, 7, :] = 0
    dead, _ = bad_pixels(images)
    assert dead is not None
    assert 200 <= dead < 250
    assert bad_pixels(images[:2])[0] is None


def test_a_dump_without_images_is_not_complete():
    window = times(4)
    image = np.zeros((2, 8, 8), dtype=np.uint16)
    cameras = records(
        Series("CAM.B1/Image#imageSet", Kind.MATRIXNUMERIC, "", window[:2] + 1_000_000, image),
        Series("CAM.B2/Image#imageSet", Kind.MATRIXNUMERIC, "", window[:0], image[:0]),
        Series("DUMP.B1:DUMPED_INTENSITY", Kind.NUMERIC, "p", window[:3], np.ones(3)),
    )
    dumps = table("BTV", "Images of each dump", cameras)
    assert column(dumps, "complete") == ["yes", "yes", "no"]
    assert column(dumps, "camera") == ["CAM.B1"] * 3
    assert column(table("BTV", "Cameras", cameras), "images") == ["2", "0"]


def test_a_tune_on_lines_of_50_hz_is_seen():
    lines = np.array([3_450.0, 3_500.0] * 50) / 11_245.5
    free = np.full(100, 3_475.0) / 11_245.5
    tunes = records(numbers("LHC.Q:TUNE_H", *lines), numbers("LHC.Q:TUNE_V", *free))
    found = table("BBQ", "Tunes and lines of 50 Hz", tunes)
    assert column(found, "on a line") == ["100.0 %", "0.0 %"]
    assert column(found, "jumps") == ["99", "0"]


def test_a_machine_whose_revolution_is_not_known_has_tunes_without_lines():
    found = table("BBQ", "Tunes and lines of 50 Hz", records(numbers("ACC.Q:TUNE_H", 0.3, 0.31)))
    assert found.rows[0][2:] == ("0.30500", "–", "–", "–", "–")


def test_the_worst_family_comes_first_and_none_is_left_out():
    machine = records(
        numbers("X.BCTDC.1:INTENSITY", 1),
        numbers("X.BPM.1:POSITION", 1),
        numbers("BLMI.1:LOSS_RS09", 1),
        texts("HX:BMODE", "SETUP", "STABLE"),
        numbers("HX:FILLN", 5),
    )
    why = "silent since 2026-11-22T11:00:00Z"
    outcomes = [
        Outcome("usage", Fault.NO_USAGE, "X.BCTDC.1", "X.BCTDC.1:INTENSITY", Severity.OK),
        Outcome("a", Fault.BREAKAGE, "BLMI.1", "BLMI.1:LOSS_RS09", Severity.ALARM, reason=why),
        Outcome(
            "b",
            Fault.BREAKAGE,
            "%",
            "%",
            Severity.WARNING,
            members=("X.BCTDC.1:INTENSITY", "BLMI.1:LOSS_RS09"),
        ),
    ]
    families = table("MACHINE", "Families", machine, *outcomes)
    assert [row[:2] for row in families.rows] == [
        ("beam loss monitors", "ALARM"),
        ("beam current transformers", "WARNING"),
        ("beam position monitors", "not judged"),
        ("machine and timing", "not judged"),
    ]
    assert families.rows[0][-1] == "BLMI.1: silent since 12:00:00"
    fills = table("MACHINE", "Fills", machine)
    assert (column(fills, "fill"), column(fills, "stable")) == (["5"], ["12 h 00 min"])


# Whatever a machine may log


FIELDS = {
    "bbq": ("TUNE_H", "EIGEN_FREQ_1", "FFT_DATA_H"),
    "bct": ("BEAM_INTENSITY", "TOTAL_INTENSITY"),
    "blm": ("OFFSET", "NOISE_RS01", "LOSS_RS09", "NAMES"),
    "bpm": ("POSITIONS_H", "BPM_NAMES_H", "TEMPERATURE", "STATUS"),
    "bsra": ("ABORT_GAP_INTENSITY", "ABORT_GAP_ENERGY", "ABORT_GAP_RAW_DATA_SPILL", "FILLN"),
    "bsrt": ("FIT_SIGMA_H", "LSF_H", "BETA_H", "GATE_DELAY", "AVERAGE_EMITTANCE_H", "LIGHT_YIELD"),
    "btv": ("imageSet", "DUMPED_INTENSITY"),
    "bws": ("PROF_DATA_IN", "NB_GATES", "GAIN"),
    "machine": ("FILLN", "BEAM_INTENSITY", "CYCLE"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_words_for_nothing_at_all(family):
    told = tables_of(family.upper(), records())
    assert told
    assert all(table.rows or table.note or table.title == "Families" for table in told)
    assert "could not be made" not in repr(told)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_kind_of_data_under_any_name_breaks_a_family(family, kind):
    """Ragged, empty, NaN and infinite samples, of a kind that was not expected there too."""
    moments = times(24).tolist()
    for count in (24, 1, 0):
        for device in (HOSTILE, "LHC.X.B1:", "W.APP.IN:"):
            odd = [made(f"{device}{field}", kind, moments[:count]) for field in FIELDS[family]]
            told = tables_of(family, records(*odd, texts("HX:BMODE", "", "STABLE", "NOBEAM")))
            assert "could not be made" not in repr(told), repr(told)
            assert "<script" not in cleaned(told._repr_html_())
            assert all(len(row) == len(table.head) for table in told for row in table.rows)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1e300])
@pytest.mark.parametrize("family", FAMILIES)
def test_constants_of_any_value_are_shown(family, value):
    flat = [numbers(f"LHC.D.B1:{field}", *[value] * 30) for field in FIELDS[family]]
    rows = [vectors(f"LHC.E.B1:{field}", *[[value] * 64] * 30) for field in FIELDS[family]]
    told = tables_of(family, records(*flat, *rows, texts("HX:BMODE", "STABLE")))
    assert "could not be made" not in repr(told), repr(told)
    assert "nan" not in repr(told).lower()


def test_a_family_that_cannot_be_told_says_why_and_does_not_raise(monkeypatch):
    def broken(*_: object) -> None:
        raise ArithmeticError("<b>no</b>")

    monkeypatch.setattr(blm, "tables", broken)
    told = tables_of("BLM", records())
    assert "could not be made: ArithmeticError" in repr(told)
    assert "&lt;b&gt;no" in told._repr_html_()


def test_an_instrument_without_tables_of_its_own_shows_nothing():
    assert list(tables_of("LAMBDA", records())) == []
    assert tables_of("../etc", records())._repr_html_() == ""


def test_what_the_page_lets_through_is_the_table():
    found = FamilyTable("A & B", ("x", "y"), (("<i>one</i>", "1 mm"),), "below")
    kept = cleaned(found._repr_html_())
    assert "<h3>A &amp; B</h3>" in kept
    assert '<td class="words">&lt;i&gt;one&lt;/i&gt;</td>' in kept
    assert "<p>below</p>" in kept
    assert repr(found) == "A & B\nx           y\n<i>one</i>  1 mm\nbelow"


def test_long_tables_are_cut_and_say_so():
    found = FamilyTable("many", ("x",), tuple((str(i),) for i in range(500)))
    assert "440 more" in repr(found)
    assert "440 more" in found._repr_html_()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (np.nan, "–"),
        (-np.inf, "−∞ V"),
        (0.0, "0 V"),
        (1_450.4, "1,450 V"),
        (12_345.6, "12,346 V"),
        (2.98e14, "2.98 × 10¹⁴ V"),
        (0.000123456, "0.0001235 V"),
    ],
)
def test_numbers_are_written_as_people_write_them(value, text):
    assert figure(value, "V") == text


def test_a_share_of_nothing_is_not_known():
    assert (share(1, 0), share(1, 3)) == ("–", "33.3 %")
