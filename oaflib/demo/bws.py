"""Wire scanners: nothing but scans, each a pair of profiles whose length changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oaflib.demo import injectors
from oaflib.demo.day import HOUR, MINUTE, SECOND, Day, Floats, dice, ragged, scalar, vectors
from oaflib.demo.faults import active, bounds, struck
from oaflib.demo.machine import INJECTION, Timeline
from oaflib.demo.slow import tube_gain
from oaflib.series import Series, Times

SATURATION = 4_095.0  # counts of a 12-bit ADC
GAIN, WRONG_GAIN = 900.0, 1_450.0  # volts on the photomultiplier
EMPTY_SLOTS = np.arange(20, 32)
OVER_COUNT = 300
_PEDESTAL, _NOISE, _PEAK = 60.0, 9.0, 2_300.0  # counts
_PROTON = 0.938272


@dataclass(frozen=True)
class Profile:
    """What a wire at one place sees: beam size in um, wire step in um, points, usual peak."""

    sigma: float
    step: float
    points: int
    peak: float


@dataclass(frozen=True)
class Wire:
    """A scanner of the injectors: its machine, emittance in um, beam size in um, scans a day."""

    device: str
    cycles: tuple[injectors.Cycle, ...]
    emittance: float
    sigma: float
    scans: int


_PSB = (injectors.Cycle("LHC25A", injectors.BASIC, 1.6e12),)
WIRES = (
    *(Wire(f"BR{ring}.BWS.2L1.H_ROT", _PSB, 1.75, 2_600.0, 26) for ring in (1, 3)),
    *(Wire(f"BR{ring}.BWS.2L1.V_ROT", _PSB, 1.55, 1_900.0, 26) for ring in (1, 3)),
    Wire("PR.BWS.54.H_ROT", injectors.PS, 1.95, 1_450.0, 24),
    Wire("PR.BWS.65.H_ROT", injectors.PS, 1.95, 2_100.0, 18),
    Wire("PR.BWS.68.H_ROT", injectors.PS, 1.95, 1_500.0, 14),
    Wire("PR.BWS.64.V_ROT", injectors.PS, 1.80, 1_600.0, 24),
    Wire("SPS.BWS.41437.H_ROT", injectors.SPS, 1.90, 980.0, 40),
    Wire("SPS.BWS.41437.V_ROT", injectors.SPS, 1.85, 1_050.0, 40),
    Wire("SPS.BWS.41677.H_ROT", injectors.SPS, 1.90, 1_110.0, 22),
    Wire("SPS.BWS.41677.V_ROT", injectors.SPS, 1.85, 870.0, 22),
)


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """All scanners on one day."""
    for beam in (1, 2):
        for plane in ("H", "V"):
            yield from _collider(day, machine, beam, plane)
    for wire in WIRES:
        yield from _injector(day, wire)


def _collider(day: Day, machine: Timeline, beam: int, plane: str) -> Iterator[Series]:
    """The operational wire (1) and the spare one (2) of one plane of one beam."""
    side = {1: "R", 2: "L"}[beam]
    stem = f"LHC.BWS.5{side}4.B{beam}{plane}"
    time, gates = _plan(day, machine, beam, plane)
    yield from _wire(day, machine, stem, time, gates)
    spare = np.empty(0, dtype=np.int64)
    if stem == "LHC.BWS.5R4.B1H":
        spare = (time + 70 * SECOND)[struck("bws-both-wires", day, time)][::4]
    yield from _settings(day, f"{stem}2", spare, np.full(len(spare), 12))


def _plan(day: Day, machine: Timeline, beam: int, plane: str) -> tuple[Times, NDArray[np.intp]]:
    """When a fill is scanned and with how many gates: the first bunches, then the first train."""
    times: list[int] = []
    gates: list[int] = []
    for fill in machine.fills:
        came = fill.injections(beam)
        draw = dice(f"scans B{beam}{plane}", fill.number)
        first = came[0] + np.array([90, 210, 330]) * SECOND
        after = came[1] + 50 * SECOND
        moments = np.append(first, after) + (draw.uniform(0, 20, 4) * 1_000).astype(int) * 1_000_000
        times += [int(moment) for moment in moments]
        gates += [12, 12, 12, 36]
    time = np.array(times, dtype=np.int64)
    keep = day.inside(time)
    return time[keep], np.array(gates)[keep]


def _settings(day: Day, device: str, time: Times, gates: NDArray[np.intp]) -> Iterator[Series]:
    """Gates (0 at rest) and gain: logged at each scan and every hour."""
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    every = np.union1d(time, hours)
    count = np.zeros(len(every))
    count[np.searchsorted(every, time)] = gates
    yield scalar(f"{device}:NB_GATES", "", every, count, "bunches gated, 0 at rest")
    gain = _gain(day, device, every)
    yield scalar(f"{device}:GAIN", "V", every, gain, "photomultiplier voltage")


def _gain(day: Day, device: str, time: Times) -> Floats:
    gain = np.full(len(time), GAIN)
    if device == "LHC.BWS.5R4.B1V1":
        gain[struck("bws-gain", day, time)] = WRONG_GAIN
    return gain


def _wire(
    day: Day, machine: Timeline, stem: str, time: Times, gates: NDArray[np.intp]
) -> Iterator[Series]:
    device, beam, plane = f"{stem}1", int(stem[-2]), stem[-1]
    yield from _settings(day, device, time, gates)
    empty = np.zeros(len(time), dtype=bool)
    if device == "LHC.BWS.5L4.B2V1":
        empty = struck("bws-empty-slot", day, time)
    chosen = ragged([_selection(n, bool(e)) for n, e in zip(gates, empty, strict=True)])
    yield vectors(f"{device}:BUNCH_SELECTION", "", time, chosen, "slots gated")
    gain = _gain(day, device, time)
    strength = (gain / GAIN) ** 7 * ~empty * tube_gain(device, time)
    true = machine.emittance(beam, plane, time)
    beta = {"H": 193.0, "V": 355.0}[plane] + 12.0 * (beam - 1)
    sigma = np.sqrt(true * beta / (INJECTION / _PROTON)) * 1_000
    clipped = gain > GAIN
    for way in ("IN", "OUT"):
        draw = day.dice(f"{device} {way}")
        seen = [Profile(s, 89.0, 128, _PEAK * a) for s, a in zip(sigma, strength, strict=True)]
        where, what = _profiles(draw, seen, way == "OUT")
        yield vectors(f"{device}:PROF_POSITION_{way}", "um", time, ragged(where), "wire")
        yield vectors(f"{device}:PROF_DATA_{way}", "ADC counts", time, ragged(what), "signal")
        bias = 1.0 if way == "IN" else 1.012
        fitted = []
        for i in range(len(time)):
            spread = draw.normal(1.0, 0.025, gates[i])
            value = true[i] * bias * spread * (1.9 if clipped[i] else 1.0)
            fitted.append(np.round(value * (not empty[i]), 4))
        title = "by gated bunch, 0 where the fit failed"
        emittance = ragged(fitted)
        yield vectors(f"{stem}.APP.{way}:EMITTANCE_NORM", "um", time, emittance, title)
        yield scalar(f"{stem}.APP.{way}:BETA", "m", time, np.full(len(time), beta), "optics")


def _selection(gates: int, empty: bool) -> Floats:
    if empty:
        return EMPTY_SLOTS.astype(np.float64)
    return np.arange(12.0) if gates == 12 else np.arange(43.0, 43.0 + gates)


def _injector(day: Day, wire: Wire) -> Iterator[Series]:
    time = _moments(day, wire)
    device = wire.device
    draw = day.dice(device)
    n = len(time)
    pulse = draw.normal(1.0, 0.015, n)
    true = wire.emittance * dice(f"emittance {device}").uniform(0.97, 1.03)
    emittance = true * draw.normal(1.0, 0.02, n)
    sigma = wire.sigma * np.sqrt(emittance / wire.emittance)
    step = wire.sigma / 9
    for number, way in ((1, "IN"), (2, "OUT")):
        seen = [Profile(s, step, 110, _PEAK * a) for s, a in zip(sigma, pulse, strict=True)]
        where, what = _profiles(draw, seen, number == 2)
        field = f"{device}/Acquisition#proj"
        yield vectors(f"{field}PositionSet{number}", "um", time, ragged(where), "wire")
        yield vectors(f"{field}DataSet{number}", "ADC counts", time, ragged(what), "signal")
        value = np.round(emittance * (1 + 0.01 * (number - 1)) * draw.normal(1, 0.01, n), 4)
        yield scalar(f"{device}.APP.{way}:EMIT_AV", "um", time, value, "normalised emittance")
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    every = np.union1d(time, hours)
    gain = np.full(len(every), GAIN)
    yield scalar(f"{device}/SettingHV#gain", "V", every, gain, "photomultiplier voltage")
    speed = np.full(len(every), 2.0)
    yield scalar(f"{device}/Setting#wireSpeed", "", every, speed, "1 is 10 m/s, 2 is 15 m/s")


def _moments(day: Day, wire: Wire) -> Times:
    """The cycles scanned: day and night, one in each of as many equal parts of the day."""
    starts, which = injectors.cycles(day, wire.cycles)
    starts = starts[which == 0] + 700_000_000
    draw = day.dice(f"{wire.device} plan")
    count = wire.scans + int(draw.integers(-wire.scans // 6, wire.scans // 6 + 1))
    part = len(starts) // count
    time = starts[np.arange(count) * part + draw.integers(0, part, count)]
    if wire.device == "SPS.BWS.41437.H_ROT" and active("bws-over", day):
        begin = bounds("bws-over", day)[0]
        study = starts[starts >= begin][:OVER_COUNT]
        time = np.union1d(time[time < begin - 10 * MINUTE], study)[-OVER_COUNT:]
    for device, key in (("PR.BWS.68.H_ROT", "bws-unused"), ("BR3.BWS.2L1.V_ROT", "bws-unused-psb")):
        if wire.device == device:
            time = time[~struck(key, day, time)]
    return np.asarray(time, dtype=np.int64)


def _profiles(
    draw: np.random.Generator, seen: list[Profile], backwards: bool
) -> tuple[list[Floats], list[Floats]]:
    """Wire positions (um) and signal (ADC counts) of each scan; no two scans of equal length."""
    where, what = [], []
    for profile in seen:
        points = profile.points + int(draw.integers(-9, 10))
        centre = draw.normal(250.0, 0.05 * profile.sigma)
        position = (np.arange(points) - points / 2) * profile.step + draw.uniform(0, profile.step)
        position += draw.normal(0, 0.02 * profile.step, points)
        if backwards:
            position = position[::-1]
        offset = (position - centre) / profile.sigma
        # a real beam has tails, and every pass of the wire meets a bunch once a turn
        shape = np.exp(-(offset**2) / 2) + 0.004 / (1 + offset**2)
        signal = profile.peak * shape * draw.normal(1.0, 0.008, points)
        signal += _PEDESTAL + draw.normal(0, _NOISE, points)
        what.append(np.clip(np.round(signal), 0, SATURATION))
        where.append(np.round(position, 1))
    return where, what
