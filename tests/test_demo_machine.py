"""The demo machine: the same at every call, cut by the calendar, and physical where healthy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest

from oaflib import demo
from oaflib.demo.day import HOUR, SECOND, Day
from oaflib.demo.machine import COMMISSIONED, MODES, scheme, timeline
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

HEALTHY = date(2026, 11, 5)  # before everything planted


def same(one: Series, other: Series) -> bool:
    if (one.name, one.kind, one.unit) != (other.name, other.kind, other.unit):
        return False
    if not np.array_equal(one.time, other.time) or one.value.dtype != other.value.dtype:
        return False
    if one.value.dtype != object:
        return np.array_equal(one.value, other.value, equal_nan=True)
    return all(np.array_equal(a, b) for a, b in zip(one.value, other.value, strict=True))


def by_name(series: Iterator[Series]) -> dict[str, Series]:
    return {entry.name: entry for entry in series}


@pytest.fixture(scope="module")
def healthy() -> dict[str, Series]:
    return by_name(demo.generate(HEALTHY))


@pytest.fixture(scope="module")
def last() -> dict[str, Series]:
    return by_name(demo.generate(demo.LAST))


def test_days_end_with_the_last_one():
    days = demo.days()
    assert (days[0], days[-1], len(days)) == (date(2026, 11, 9), date(2026, 11, 22), 14)
    assert demo.days(date(2026, 3, 1), 2) == [date(2026, 2, 28), date(2026, 3, 1)]


def test_a_day_alone_is_the_day_of_a_run(last):
    for day in (date(2026, 11, 21), demo.LAST):
        run = {entry.name: entry for entry in demo.generate(day)}
    assert all(same(run[name], last[name]) for name in last)
    assert run.keys() == last.keys()


def test_healthy_days_do_not_depend_on_where_the_demo_ends(healthy):
    other = by_name(demo.generate(HEALTHY, last=date(2026, 12, 24)))
    assert all(same(healthy[name], other[name]) for name in healthy)


def test_names_kinds_and_units_are_those_of_another_day(healthy):
    other = by_name(demo.generate(date(2026, 11, 6)))
    assert {(e.name, e.kind, e.unit, e.title) for e in healthy.values()} == {
        (e.name, e.kind, e.unit, e.title) for e in other.values()
    }


def test_a_kind_always_has_its_array(healthy, last):
    for entry in [*healthy.values(), *last.values()]:
        if entry.kind is Kind.NUMERIC:
            assert entry.value.dtype == np.float64, entry.name
            assert np.isfinite(entry.value).all(), entry.name
        if entry.kind in (Kind.TEXTUAL, Kind.VECTORSTRING):
            assert entry.value.dtype == object, entry.name


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23), (HEALTHY, 24)]
)
def test_a_day_is_cut_by_the_calendar(day, hours):
    window = calendar_day(day, demo.ZONE)
    assert window.end_ns - window.start_ns == hours * HOUR
    for entry in demo.generate(day):
        if len(entry):
            assert entry.time[0] >= window.start_ns, entry.name
            assert entry.time[-1] < window.end_ns, entry.name
            assert (np.diff(entry.time) > 0).all(), entry.name
        if entry.name == "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY":
            assert len(entry) == hours * 3_600


def test_days_join_without_a_seam():
    name = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
    one, two = (by_name(demo.generate(day))[name] for day in (HEALTHY, date(2026, 11, 6)))
    assert two.time[0] - one.time[-1] == SECOND
    assert abs(two.value[0] - one.value[-1]) < 2e10


def test_every_day_has_an_injection_and_collisions():
    for i, day in enumerate(demo.days(demo.LAST, 120)):
        machine = timeline(Day.of(day, demo.LAST))
        assert machine.spans("INJPHYS"), (i, day)
        assert machine.spans("STABLE"), (i, day)


def test_modes_follow_each_other_and_fills_too():
    machine = timeline(Day.of(HEALTHY, demo.LAST))
    for fill, following in zip(machine.fills, machine.fills[1:], strict=False):
        assert following.number == fill.number + 1
        assert following.start == fill.stop
    for fill in machine.fills:
        assert len(fill.edges) == len(MODES) + 1
        assert (np.diff(fill.edges) > 0).all()
        assert (fill.stop - fill.start) < 14 * HOUR


def test_the_filling_scheme_leaves_an_abort_gap():
    slots, bounds = scheme()
    assert len(slots) == len(set(slots.tolist())) == 2_460 == bounds[-1]
    assert slots.max() < 3_564 - 119


def test_before_commissioning_there_is_nothing():
    with pytest.raises(ValueError, match="too early: the demo machine runs since 2025-01-01"):
        list(demo.generate(COMMISSIONED))


def test_intensities_are_physical(healthy):
    for name, entry in healthy.items():
        if name.startswith("LHC.BCT") and name.endswith(":BEAM_INTENSITY"):
            assert entry.value.max() < 3.3e14, name
            assert entry.value.max() > 2.5e14, name
            # the baseline of a DC transformer is noise around zero, of a fast one exactly zero
            assert entry.value.min() >= (-6e9 if "BCTDC" in name else 0), name


def test_the_fast_sum_is_the_sum_of_the_bunches(healthy):
    bunches = healthy["LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY"]
    total = healthy["LHC.BCTFR.A6R4.B1:BEAM_INTENSITY"]
    at = np.searchsorted(total.time, bunches.time)
    high = total.value[at] > 1e14
    ratio = bunches.value.sum(axis=1)[high] / total.value[at][high]
    assert abs(ratio - 1).max() < 0.01


def test_energy_goes_from_injection_to_top(healthy):
    energy = healthy["LHC.BOFSU:OFC_ENERGY"].value
    assert (energy.min(), energy.max()) == (450.0, 6_800.0)
    assert abs(healthy["HX:ENG"].value.max() * 0.120 - 6_800) < 0.1


def test_the_dump_empties_the_ring(healthy):
    machine = timeline(Day.of(HEALTHY, demo.LAST))
    current = healthy["LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"]
    dumps = [fill.dump for fill in machine.fills if machine.day.start < fill.dump]
    for dump in dumps:
        at = np.searchsorted(current.time, dump)
        if at + 60 < len(current):
            assert current.value[at - 2] > 1e14
            assert abs(current.value[at + 2 : at + 60]).max() < 1e10


def test_context_is_logged_at_least_hourly(healthy):
    for name in ("HX:BMODE", "HX:FILLN"):
        assert np.diff(healthy[name].time).max() <= HOUR
    assert set(healthy["HX:BMODE"].value) <= set(MODES)
