"""Every planted fault can be seen in the data, and nowhere before it begins."""

from __future__ import annotations

from datetime import date, timedelta
from types import ModuleType

import numpy as np
import pytest

from oaflib import demo
from oaflib.demo import blm, bsrt, bws
from oaflib.demo.blm import FROZEN, REPAIR
from oaflib.demo.bpm import DEAD, SPIKING
from oaflib.demo.btv import DUMP_CAMERAS, FRAMES, SIZES, STRIPE
from oaflib.demo.day import HOUR, Day
from oaflib.demo.machine import timeline
from oaflib.report import Fault
from oaflib.series import Series
from oaflib.window import calendar_day

DAYS: dict[date, dict[str, Series]] = {}  # the first piece of each variable
PLANTED = {fault.key: fault for fault in demo.faults()}


def on(day: date) -> dict[str, Series]:
    """That day's variables; made once."""
    if day not in DAYS:
        DAYS[day] = {}
        for entry in demo.generate(day):
            DAYS[day].setdefault(entry.name, entry)
    return DAYS[day]


def each_day(family: ModuleType, name: str) -> list[Series]:
    """A variable of one family on all days of the demo."""
    days = [Day.of(day, demo.LAST) for day in demo.days()]
    return [
        next(entry for entry in family.series(day, timeline(day)) if entry.name == name)
        for day in days
    ]


def ago(days: int) -> date:
    return demo.LAST - timedelta(days=days)


BEFORE = date(2026, 11, 5)


def test_all_six_faults_can_be_seen_on_the_last_day():
    assert {fault.fault for fault in demo.faults() if fault.on(demo.LAST)} == set(Fault)


def test_faults_move_with_the_last_day():
    moved = demo.faults(date(2026, 3, 1))
    assert [fault.final for fault in moved] == [date(2026, 3, 1)] * len(moved)
    assert {fault.key for fault in moved} == set(PLANTED)


def test_every_fault_says_where_and_why():
    for fault in demo.faults():
        assert fault.first <= fault.final
        assert fault.story.endswith(".")
        assert fault.variable.startswith(fault.device) or fault.dataset == "BPM_LHC"


def ratio(day: date, beam: int) -> float:
    """DC system B over A in stable beams, the mean."""
    a, b = (on(day)[f"LHC.BCTDC.{s}6R4.B{beam}:BEAM_INTENSITY"] for s in "AB")
    high = (a.value > 1e14) & (b.value > 1e14)
    return float((b.value[high] / a.value[high]).mean())


def test_healthy_transformers_agree_within_a_percent():
    for beam in (1, 2):
        assert abs(ratio(BEFORE, beam) - 1) < 0.01
    assert abs(ratio(demo.LAST, 2) - 1) < 0.01


def test_bct_ratio_leaves_two_percent_in_the_last_days():
    assert ratio(ago(5), 1) < 1.02
    assert ratio(demo.LAST, 1) > 1.02
    assert ratio(ago(1), 1) < ratio(demo.LAST, 1)


def test_bct_silent():
    name = PLANTED["bct-silent"].variable
    assert len(on(ago(3))[name]) == 86_400
    assert len(on(demo.LAST)[name]) == 0


def test_bct_zero_while_the_neighbours_see_beam():
    day = on(demo.LAST)
    assert not day["LTB.BCT50:INTENSITY"].value.any()
    assert day["LTB.BCT60:INTENSITY"].value.min() > 8e12
    assert on(BEFORE)["LTB.BCT50:INTENSITY"].value.min() > 8e12


@pytest.mark.parametrize("key", ["bws-unused", "bws-unused-psb"])
def test_bws_unused(key):
    name = PLANTED[key].variable
    assert len(on(BEFORE)[name]) > 5
    assert len(on(demo.LAST)[name]) == 0


def test_bws_both_wires():
    spare = [on(day)["LHC.BWS.5R4.B1H2:NB_GATES"].value.max() for day in (BEFORE, demo.LAST)]
    assert spare == [0, 12]
    assert on(demo.LAST)["LHC.BWS.5R4.B1H1:NB_GATES"].value.max() > 0


def test_bws_gain_saturates_the_profiles():
    for day, flat in ((BEFORE, False), (demo.LAST, True)):
        profiles = on(day)["LHC.BWS.5R4.B1V1:PROF_DATA_IN"].value
        assert len(profiles)
        assert all(((profile >= 4_095).sum() > 5) == flat for profile in profiles)
    assert set(on(demo.LAST)["LHC.BWS.5R4.B1V1:GAIN"].value) == {1_450.0}


def test_bws_gates_on_empty_slots():
    day = on(demo.LAST)
    filled = day["LHC.BCTFR.A6R4.B2:BUNCH_FILL_PATTERN"].value.max(axis=0)
    for slots, profile in zip(
        day["LHC.BWS.5L4.B2V1:BUNCH_SELECTION"].value,
        day["LHC.BWS.5L4.B2V1:PROF_DATA_IN"].value,
        strict=True,
    ):
        assert not filled[slots.astype(int)].any()
        assert profile.max() < 150
    assert all(p.max() > 1_500 for p in on(BEFORE)["LHC.BWS.5L4.B2V1:PROF_DATA_IN"].value)


def test_bws_over_usage():
    name = PLANTED["bws-over"].variable
    assert len(on(demo.LAST)[name]) == 300
    assert 30 <= len(on(ago(1))[name]) <= 50
    window = calendar_day(demo.LAST, demo.ZONE)
    assert on(demo.LAST)[name].time[-1] < window.end_ns


def test_bws_ageing_shows_over_two_weeks_and_not_in_one_scan():
    name = PLANTED["bws-ageing"].variable
    peaks = [[np.sort(p)[-5:].mean() for p in day.value] for day in each_day(bws, name)]
    one = np.concatenate([np.array(values) / np.mean(values) for values in peaks])
    slope = np.polyfit(range(14), [np.mean(values) for values in peaks], 1)
    month = slope[0] * 30 / slope[1]
    assert -0.035 < month < -0.008
    assert one.std() > abs(month) / 30


def test_bpm_dead_and_its_name():
    day = on(demo.LAST)
    for plane, expected in (("H", [DEAD]), ("V", [])):
        names = list(day[f"LHC.BOFSU:BPM_NAMES_{plane}"].value[0])
        orbit = day[f"LHC.BOFSU:POSITIONS_{plane}"].value
        assert orbit.shape[1] == len(names) == len(set(names)) == 1_070
        dead = np.flatnonzero((orbit == 0).all(axis=0))
        assert [names[i] for i in dead] == expected
    assert not (on(BEFORE)["LHC.BOFSU:POSITIONS_H"].value == 0).all(axis=0).any()


def test_bpm_spikes():
    for day, expected in ((BEFORE, set()), (demo.LAST, {SPIKING})):
        names = on(day)["LHC.BOFSU:BPM_NAMES_V"].value[0]
        orbit = on(day)["LHC.BOFSU:POSITIONS_V"].value
        jumps = np.abs(orbit - np.median(orbit, axis=0)) > 2_000
        # bumps move by less than that in a whole fill
        assert {names[i] for i in np.flatnonzero(jumps.sum(axis=0) > 20)} == expected


def test_bpm_status():
    name = PLANTED["bpm-status"].variable
    assert set(on(demo.LAST)[name].value) == {"OK", "NO_TRIGGER"}
    assert set(on(ago(1))[name].value) == {"OK"}


def test_blm_stuck():
    name = PLANTED["blm-stuck"].variable
    assert set(on(demo.LAST)[name].value) == {FROZEN}
    yesterday = on(ago(1))[name]
    hour = (yesterday.time - calendar_day(ago(1), demo.ZONE).start_ns) / HOUR
    assert set(yesterday.value[hour >= 14.2]) == {FROZEN}
    assert len(set(yesterday.value[hour < 14.2])) > 1_000
    at = list(on(demo.LAST)["LHC.BLMI:NAMES"].value[0]).index(PLANTED["blm-stuck"].device)
    assert set(on(demo.LAST)["LHC.BLMI:LOSS_RS09"].value[:, at]) == {FROZEN}


def test_blm_noise_grows_to_where_it_must_be_repaired():
    name = PLANTED["blm-noise"].variable
    bits = [day.value[0] for day in each_day(blm, name)]
    assert np.polyfit(range(14), np.log(bits), 1)[0] > 0.1
    assert max(bits[:-1]) < REPAIR < bits[-1]
    assert on(demo.LAST)["LHC.BLMI:NOISE_RS01"].value.max() == bits[-1]
    assert on(BEFORE)["LHC.BLMI:NOISE_RS01"].value.max() <= 120


def test_blm_healthy_offsets_are_good():
    offset = on(demo.LAST)["LHC.BLMI:OFFSET"].value
    assert offset.shape == (1, 3_600)
    assert offset.min() >= 8
    assert offset.max() <= 30


def test_bsrt_lsf_moves_the_emittance():
    lsf, emittance = "LHC.BSRT.5R4.B1:LSF_H", "LHC.BSRT.5R4.B1:AVERAGE_EMITTANCE_H"
    assert set(on(BEFORE)[lsf].value) == {0.528}
    assert set(on(ago(1))[lsf].value) == {0.528, 0.560}
    assert set(on(demo.LAST)[lsf].value) == {0.560}
    assert np.median(on(demo.LAST)[emittance].value) < 0.7 * np.median(on(BEFORE)[emittance].value)


def test_bsrt_unit_changes_with_the_numbers():
    name = PLANTED["bsrt-unit"].variable
    pieces = [entry for entry in demo.generate(demo.LAST) if entry.name == name]
    assert [piece.unit for piece in pieces] == ["mm", "um"]
    assert pieces[0].time[-1] < pieces[1].time[0]
    mm, um = (np.median(np.concatenate(list(piece.value))) for piece in pieces)
    assert 300 < um / mm < 3_000
    assert [entry.unit for entry in demo.generate(ago(1)) if entry.name == name] == ["mm"]


def test_bsrt_light_fades():
    name = PLANTED["bsrt-light"].variable
    light = [day.value.mean() for day in each_day(bsrt, name)]
    assert abs(light[0] - 100) < 1
    assert light[-1] < 80 < light[-5]
    assert abs(on(demo.LAST)["LHC.BSRT.5R4.B1:LIGHT_YIELD"].value.mean() - 90) < 1


def test_btv_images_are_missing_for_dumps():
    for beam, camera in DUMP_CAMERAS.items():
        for day in (BEFORE, ago(1), demo.LAST):
            dumps = len(on(day)[f"LHC.LBDS.B{beam}:DUMPED_INTENSITY"])
            images = len(on(day)[f"{camera}/Image#imageSet"])
            missing = (beam, day) == (2, demo.LAST)
            assert (images < len(FRAMES) * dumps) if missing else (images == len(FRAMES) * dumps)


def test_btv_stripe():
    camera = f"{DUMP_CAMERAS[1]}/Image#imageSet"
    for day, dark in ((BEFORE, False), (demo.LAST, True)):
        images = on(day)[camera].value
        assert images.dtype == np.uint16
        assert (images[:, :, STRIPE] == 0).all() == dark
        assert images.max() > 2_000
    assert on(demo.LAST)[camera].value[:, :, : STRIPE.start].min() > 50


def test_injection_images_change_their_size():
    images = on(BEFORE)["BTVSI.C5L2.B1/Image#imageSet"]
    assert images.ragged
    assert {image.shape for image in images.value} == set(SIZES)


def test_bsrt_rows_are_ragged_and_cover_all_slots():
    rows = on(BEFORE)["LHC.BSRT.5R4.B1:GATE_DELAY"].value
    assert len({len(row) for row in rows}) > 3
    filled = on(BEFORE)["LHC.BCTFR.A6R4.B1:BUNCH_FILL_PATTERN"].value.max(axis=0)
    assert set(np.concatenate(list(rows)).astype(int)) == set(np.flatnonzero(filled))


def test_abort_gap_bins():
    day = on(BEFORE)
    spill = day["LHC.BSRA.US45.B1:ABORT_GAP_RAW_DATA_SPILL"].value.mean(axis=0)
    assert len(spill) == 64
    assert spill[47] == spill.max()
    assert spill[16:47].mean() > spill[:16].mean() + 3
    assert abs(spill[48:].mean() - spill[:16].mean()) < 1


def test_tunes_and_spectra():
    day = on(BEFORE)
    device = "LHC.BQBBQ.CONTINUOUS_HS.B1"
    assert day[f"{device}:ACQ_DATA_H"].value.shape[1] == 4_096
    spectrum = day[f"{device}:FFT_DATA_H"].value.mean(axis=0)
    near = slice(int(0.26 * 4_096), int(0.33 * 4_096))
    found = (near.start + spectrum[near].argmax()) / 4_096
    assert min(abs(found - 0.275), abs(found - 0.31)) < 0.003
    mains = spectrum[round(600 / 11_245 * 4_096)]
    assert mains > np.median(spectrum) + 6
