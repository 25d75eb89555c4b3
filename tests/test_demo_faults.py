"""Every planted fault can be seen in the data, and nowhere before it begins."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from oaflib import demo
from oaflib.demo.bpm import DEAD, SPIKING
from oaflib.report import Fault
from oaflib.series import Series
from oaflib.window import calendar_day

DAYS: dict[date, dict[str, Series]] = {}
PLANTED = {fault.key: fault for fault in demo.faults()}


def on(day: date) -> dict[str, Series]:
    """That day's variables; made once."""
    if day not in DAYS:
        DAYS[day] = {entry.name: entry for entry in demo.generate(day)}
    return DAYS[day]


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
    peaks = {day: [np.sort(p)[-5:].mean() for p in on(day)[name].value] for day in demo.days()}
    one = np.concatenate([np.array(values) / np.mean(values) for values in peaks.values()])
    slope = np.polyfit(range(14), [np.mean(values) for values in peaks.values()], 1)
    month = slope[0] * 30 / slope[1]
    assert -0.035 < month < -0.008
    assert one.std() > abs(month) / 30


def test_bpm_dead_and_its_name():
    for plane in "HV":
        day = on(demo.LAST)
        names = list(day[f"LHC.BOFSU:BPM_NAMES_{plane}"].value[0])
        orbit = day[f"LHC.BOFSU:POSITIONS_{plane}"].value
        assert orbit.shape[1] == len(names) == len(set(names)) == 1_070
        dead = np.flatnonzero((orbit == 0).all(axis=0))
        assert [names[i] for i in dead] == [DEAD]
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
