"""Beam position monitors: orbit vectors and their names, front-end status, crate temperature."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from oaflib.demo.day import HOUR, MINUTE, Day, Floats, dice, rounded, scalar, texts, vectors, wander
from oaflib.demo.faults import bounds, struck
from oaflib.demo.machine import Timeline
from oaflib.demo.slow import CHANNELS, channel_gains
from oaflib.series import Kind, Series, Times

DEAD, SPIKING = "BPM.16L3.B1", "BPM.27R7.B2"
PERIOD = 120  # s
_TUNE = {"H": 62.31, "V": 60.32}
_DOROS = tuple(
    f"LHC.BPM.1{side}{point}.B{beam}.DOROS"
    for point in (1, 5)
    for side in ("L", "R")
    for beam in (1, 2)
)


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The 1,070 monitors in the order of the orbit vectors: beam 1, then beam 2."""
    found = []
    for beam in (1, 2):
        for point in range(1, 9):
            left = [f"BPM.{cell}L{point}.B{beam}" for cell in range(34, 10, -1)]
            right = [f"BPM.{cell}R{point}.B{beam}" for cell in range(11, 34)]
            found += [*left, *_straight("L", point, beam), *_straight("R", point, beam), *right]
    return tuple(found)


def _straight(side: str, point: int, beam: int) -> list[str]:
    """The monitors between the arcs, from the arc to the point on the left, reversed right."""
    row = ["BPMYA.4", "BPMYB.5", "BPMR.6", "BPM.7", "BPM.8", "BPM.9", "BPM.10"]
    if point in (1, 2, 5, 8):
        row = ["BPMSW.1", "BPMWF.A1", "BPMS.2", "BPMSY.A4", *row]
    elif point in (3, 7):
        row = ["BPMW.4", "BPMWE.4", "BPMWB.4", *row]
    elif point == 6:
        row = ["BPMSE.4", *(["BPMSX.4"] if side == "R" else []), *row]
    row = [f"{kind}{side}{point}.B{beam}" for kind in row]
    return row if side == "R" else row[::-1]


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The orbit system on one day."""
    time = day.ticks(PERIOD, "LHC.BOFSU orbit")
    time = time[machine.circulating(time)]
    for plane in ("H", "V"):
        yield from _headers(day, machine, plane)
        orbit = _orbit(day, machine, plane, time)
        title = "closed orbit at every monitor"
        yield vectors(f"LHC.BOFSU:POSITIONS_{plane}", "um", time, orbit, title)
    yield from _front_ends(day)
    yield from _crates(day)


def _headers(day: Day, machine: Timeline, plane: str) -> Iterator[Series]:
    """The names behind the numbers: logged at midnight and when a fill begins."""
    starts = [fill.start for fill in machine.fills]
    time = np.array([day.start + 5 * HOUR // 3_600, *starts], dtype=np.int64)
    time = np.unique(time[day.inside(time)])
    value = np.empty(len(time), dtype=object)
    row = np.array(names(), dtype=object)
    for i in range(len(time)):
        value[i] = row
    name = f"LHC.BOFSU:BPM_NAMES_{plane}"
    yield Series(name, Kind.VECTORSTRING, "", time, value, "order of the orbit vectors")


def _orbit(day: Day, machine: Timeline, plane: str, time: Times) -> Floats:
    """Closed orbit in um, [n, 1070]: what the correction leaves, its drift, bumps, noise."""
    count = len(names())
    draw = dice(f"orbit {plane}")
    fixed = draw.normal(0, 110.0, count)
    half = count // 2
    phase = np.tile(np.linspace(0, 2 * np.pi * _TUNE[plane], half, endpoint=False), 2)
    # beta is large at every second monitor of an arc, and the other way in the other plane
    beta = np.where(np.arange(count) % 2 == (plane == "V"), 1.0, 0.45)
    amplitude = 60 + 25 * wander(f"orbit amplitude {plane}", time, 7)
    turn = 0.8 * wander(f"orbit phase {plane}", time, 11)
    wave = np.outer(amplitude * np.cos(turn), np.cos(phase) * beta)
    wave -= np.outer(amplitude * np.sin(turn), np.sin(phase) * beta)
    orbit = wave + fixed + np.outer(_bump_scale(machine, time), _bumps(plane))
    noise = 3.5 * day.dice(f"orbit {plane}").standard_normal(orbit.shape, dtype=np.float32)
    orbit = rounded(orbit + noise, 1.0)
    if plane == "H":
        orbit[struck("bpm-dead", day, time), names().index(DEAD)] = 0.0
    else:
        _spike(day, time, orbit[:, names().index(SPIKING)])
    return orbit


def _bumps(plane: str) -> Floats:
    """Crossing and separation bumps around the experiments, in um at full size."""
    bumps = np.zeros(len(names()))
    for i, name in enumerate(names()):
        kind, place, beam = name.split(".")
        if kind not in ("BPMSW", "BPMS", "BPMSY"):
            continue
        crossing = ("V" if place.endswith(("1", "2")) else "H") == plane
        size = (2_600.0 if kind == "BPMSW" else 4_100.0) if crossing else 450.0
        sign = (1 if beam == "B1" else -1) * (1 if "L" in place or not crossing else -1)
        bumps[i] = sign * size
    return bumps


def _bump_scale(machine: Timeline, time: Times) -> Floats:
    """1 at injection, 0.75 with the beams in collision."""
    scale = np.ones(len(time))
    for fill in machine.fills:
        start, stop = fill.span("ADJUST")
        inside = (time >= start) & (time < fill.stop)
        scale[inside] = 1 - 0.25 * np.clip((time[inside] - start) / (stop - start), 0, 1)
    return scale


def _spike(day: Day, time: Times, column: Floats) -> None:
    """Add the planted spikes to one monitor's column, in place."""
    draw = day.dice(SPIKING)
    hit = draw.random(len(time)) < 0.09
    size = draw.choice([-1, 1], len(time)) * draw.uniform(4_500, 6_500, len(time))
    hit &= struck("bpm-spikes", day, time)
    column[hit] += np.round(size[hit])


def _front_ends(day: Day) -> Iterator[Series]:
    """The status of the DOROS front-ends, on change and every hour."""
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    for device in _DOROS:
        time, value = hours, ["OK"] * len(hours)
        if device == "LHC.BPM.1L5.B2.DOROS":
            start = bounds("bpm-status", day)[0]
            change = np.array([start, start + 3 * HOUR], dtype=np.int64)
            time = np.union1d(hours, change[day.inside(change)])
            lost = (time >= start) & (time < start + 3 * HOUR)
            value = ["NO_TRIGGER" if bad else "OK" for bad in lost]
        yield texts(f"{device}:ACQUISITION_STATUS", time, value, "front-end status")


def crate_gains(device: str, time: Times, draw: np.random.Generator) -> Floats:
    """What a calibration pulse measures of a crate's channels, over their nominal gain, [n, 36]."""
    fixed = 1 + 0.004 * dice(f"{device} gains").uniform(-1, 1, CHANNELS)
    noise = 1 + 0.0012 * draw.standard_normal((len(time), CHANNELS))
    return rounded(fixed * channel_gains(device, time) * noise, 1e-5)


def _crates(day: Day) -> Iterator[Series]:
    """The front-end crates at the eight points, in water-cooled racks: temperature and gains."""
    for point in range(1, 9):
        device = f"LHC.BPM.SR{point}.CRATE"
        time = day.ticks(60, device)
        base = dice(device).uniform(24.0, 27.0)
        of_day = 0.25 * np.sin(2 * np.pi * (time / (24 * HOUR) - 0.35))
        value = base + of_day + 0.2 * wander(device, time, 30)
        value += day.dice(device).normal(0, 0.03, len(time))
        yield scalar(f"{device}:TEMPERATURE", "degC", time, rounded(value, 0.0625), "crate")
        time = np.array([day.start + 5 * HOUR + 12 * MINUTE], dtype=np.int64)
        gains = crate_gains(device, time, day.dice(f"{device} gains"))
        yield vectors(f"{device}:CHANNEL_GAIN", "", time, gains, "by channel, over its nominal")
