"""The chain below the collider: linac, booster, PS and SPS, cycle after cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oaflib.demo.day import SECOND, Day, Floats, dice, rounded, scalar, texts
from oaflib.demo.faults import struck
from oaflib.series import Kind, Series, Times, Values

BASIC = 1_200_000_000  # ns: the basic period of the injectors


@dataclass(frozen=True)
class Cycle:
    """A kind of cycle: its name, its length in ns, charges at extraction, and as a share."""

    name: str
    length: int
    charges: float


# One super-cycle each, repeated for ever; lengths are whole basic periods.
SPS = (
    Cycle("LHC25NS_4INJ_FB20860_FT850_Q20", 18 * BASIC, 6.9e13 / 4),
    Cycle("SFT_PRO_MTE_L4780_2026", 9 * BASIC, 3.6e13),
    Cycle("MD_26_L60_Q20", 5 * BASIC, 1.2e11),
)
PS = (
    Cycle("LHC25#48B", 3 * BASIC, 6.6e12),
    Cycle("SFTPRO", 1 * BASIC, 1.8e13),
    Cycle("EAST1", 2 * BASIC, 4.5e11),
    Cycle("TOF", 1 * BASIC, 7.8e12),
    Cycle("AD", 2 * BASIC, 1.5e13),
)


def cycles(day: Day, machine: tuple[Cycle, ...]) -> tuple[Times, NDArray[np.intp]]:
    """Starts of the cycles of one day (ns UTC) and which of `machine` each one is."""
    lengths = np.array([cycle.length for cycle in machine], dtype=np.int64)
    period = int(lengths.sum())
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    first = day.start // period
    count = (day.stop - first * period) // period + 1
    time = ((first + np.arange(count))[:, np.newaxis] * period + starts).ravel()
    which = np.tile(np.arange(len(machine)), count)
    keep = day.inside(time)
    return time[keep], which[keep]


def charges(day: Day, name: str, machine: tuple[Cycle, ...], which: NDArray[np.intp]) -> Floats:
    """Charges at extraction of each cycle, varying by 1.5 % from shot to shot."""
    mean = np.array([cycle.charges for cycle in machine])[which]
    return np.asarray(mean * day.dice(f"{name} shots").normal(1.0, 0.015, len(which)))


def series(day: Day) -> Iterator[Series]:
    """Cycle names and beam currents of the injectors."""
    yield from _linac(day)
    yield from _ps(day)
    yield from _sps(day)


def _linac(day: Day) -> Iterator[Series]:
    time = np.arange(-(-day.start // BASIC) * BASIC, day.stop, BASIC, dtype=np.int64)
    pulse = 1.02e13 * day.dice("linac shots").normal(1.0, 0.006, len(time))
    yield scalar("LT.BCT30:INTENSITY", "charges", time, _read(day, "LT.BCT30", pulse, 0.002))
    middle = _read(day, "LTB.BCT50", 0.985 * pulse, 0.002)
    middle[struck("bct-zero", day, time)] = 0.0
    yield scalar("LTB.BCT50:INTENSITY", "charges", time, middle)
    end = _read(day, "LTB.BCT60", 0.974 * pulse, 0.002)
    yield scalar("LTB.BCT60:INTENSITY", "charges", time, end)


def _ps(day: Day) -> Iterator[Series]:
    time, which = cycles(day, PS)
    names = np.array([cycle.name for cycle in PS], dtype=object)[which]
    yield texts("CPS.LSA:CYCLE", time, names, "cycle played")
    shot = charges(day, "PS", PS, which)
    value = _read(day, "PR.DCBEFEJE_1", shot, 0.003)
    yield scalar("PR.DCBEFEJE_1:INTENSITY", "charges", time, value, "before ejection")


def _sps(day: Day) -> Iterator[Series]:
    time, which = cycles(day, SPS)
    names = np.array([cycle.name for cycle in SPS], dtype=object)[which]
    yield texts("SPS.LSA:CYCLE", time, names, "cycle played")
    to = np.array(["LHC", "FTARGET", "SPS_DUMP"], dtype=object)[which]
    yield texts("SPS.TGM:DDEST", time, to, "destination")
    shot = charges(day, "SPS", SPS, which)
    value = _read(day, "SPS.BCTDC.31832", shot, 0.002)
    yield scalar("SPS.BCTDC.31832:INT_EXTR", "charges", time, value, "at extraction")
    unit, title = "charges", "along the cycle, a sample every 240 ms"
    name = "SPS.BCTDC.51895:TOTAL_INTENSITY"
    yield Series(name, Kind.VECTORNUMERIC, unit, time, _along(day, which, shot), title)


def _along(day: Day, which: NDArray[np.intp], shot: Floats) -> Values:
    """Charges along each SPS cycle, as long as the cycle: injections, losses, extraction."""
    shapes = [_shape(cycle, i) for i, cycle in enumerate(SPS)]
    draw = day.dice("SPS.BCTDC.51895")
    out = np.empty(len(which), dtype=object)
    for i, shape in enumerate(shapes):
        rows = np.flatnonzero(which == i)
        block = np.multiply.outer(shot[rows], shape)
        block += draw.normal(0, 1.5e9, block.shape)
        block = rounded(block, 1e8)
        for row, values in zip(rows, block, strict=True):
            out[row] = values
    return out


def _shape(cycle: Cycle, number: int) -> Floats:
    seconds = np.arange(0, cycle.length / SECOND, 0.24)
    end = cycle.length / SECOND
    if number == 0:  # four injections 3.6 s apart, ramp, flat top
        injected = np.clip(np.floor((seconds - 0.5) / 3.6) + 1, 0, 4) / 4
        left = 1.06 - 0.06 * np.clip(seconds / (end - 1.5), 0, 1)
        shape = injected * left * (seconds < end - 1.2)
    elif number == 1:  # two injections, slow extraction over 4.8 s
        injected = np.clip(np.floor((seconds - 0.3) / 1.2) + 1, 0, 2) / 2
        shape = injected * 1.03 * np.clip((end - 0.7 - seconds) / 4.8, 0, 1)
    else:  # one bunch
        shape = 1.0 * ((seconds > 0.4) & (seconds < end - 0.6))
    return np.asarray(shape, dtype=np.float64)


def _read(day: Day, device: str, true: Floats, error: float) -> Floats:
    """What a transformer with that relative gain error and noise reads, in steps of 1e8."""
    gain = 1 + error * dice(f"gain {device}").uniform(-1, 1)
    noise = day.dice(device).normal(0, 0.0015, len(true))
    return rounded(true * gain * (1 + noise), 1e8)
