"""Abort gap monitors: synchrotron light of what should not be there, in 64 bins of 100 ns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oaflib.demo.day import HOUR, MINUTE, Day, Floats, dice, rounded, scalar, vectors, wander
from oaflib.demo.machine import BEAMS, Timeline
from oaflib.series import Series, Times

BINS, FIRST, STOP = 64, 16, 47  # bins 16 to 46 are the gap; 47 shows the first bunch
_PEDESTAL, _NOISE, _SATURATION = 118.0, 5.5, 4_095.0  # counts


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The abort gap monitors of both beams on one day."""
    for beam in BEAMS:
        device = f"LHC.BSRA.US45.B{beam}"
        draw = day.dice(device)
        time = day.ticks(5, device)
        seen = population(machine, beam, time) * (1 + 0.04 * draw.standard_normal(len(time)))
        seen += 1.2e7 * draw.standard_normal(len(time))
        name = f"{device}:ABORT_GAP_INTENSITY"
        yield scalar(name, "charges", time, rounded(seen, 1e5), "charges in the abort gap")
        energy = rounded(machine.energy(time) + 0.6 * draw.standard_normal(len(time)), 0.1)
        yield scalar(f"{device}:ABORT_GAP_ENERGY", "GeV", time, energy, "used to calibrate")
        yield _spill(day, machine, beam)
        time = day.ticks(60, f"{device} HV")
        volts = 2_750 + 60 * (beam - 1) + 0.4 * draw.standard_normal(len(time))
        yield scalar(f"{device}:PMT_HV", "V", time, rounded(volts, 0.1), "photomultiplier")


def population(machine: Timeline, beam: int, time: Times) -> Floats:
    """Charges in the gap: uncaptured ones until the ramp, then a slow leak and the cleaning."""
    out = np.zeros(len(time))
    for fill in machine.fills:
        first, stop = np.searchsorted(time, [fill.start, fill.stop], side="left")
        if first == stop:
            continue
        at = time[first:stop]
        ramp, stable = fill.span("RAMP")[0], fill.span("STABLE")[0]
        level = dice(f"abort gap B{beam}", fill.number).uniform(1.2e8, 2.4e8)
        uncaptured = 8 * np.exp(-np.clip((at - ramp) / MINUTE, 0, 60))
        leak = 1 + 0.12 * np.clip((at - stable) / HOUR, 0, None)
        slow = np.exp(0.15 * wander(f"abort gap B{beam} {fill.number}", at, 1.5))
        share = fill.intensity(beam, at) / 2.95e14
        out[first:stop] = level * share * (uncaptured + leak) * slow
    return out


def _spill(day: Day, machine: Timeline, beam: int) -> Series:
    """The raw spill once a minute: white noise, the gap, and the first bunch at bin 47."""
    device = f"LHC.BSRA.US45.B{beam}"
    time = day.ticks(60, f"{device} spill")
    draw = day.dice(f"{device} spill")
    spill = _PEDESTAL + _NOISE * draw.standard_normal((len(time), BINS))
    gap = population(machine, beam, time)[:, np.newaxis] / 2e8
    spill[:, FIRST:STOP] += 14 * gap * draw.normal(1, 0.05, (len(time), STOP - FIRST))
    bunch = machine.intensity(beam, time) > 1e12
    spill[:, STOP] += 2_600 * bunch * draw.normal(1, 0.03, len(time))
    spill = np.clip(np.round(spill), 0, _SATURATION)
    name = f"{device}:ABORT_GAP_RAW_DATA_SPILL"
    return vectors(name, "ADC counts", time, spill, "64 bins of 100 ns")
