"""Beam current transformers of the collider: DC systems A and B, fast ones by bunch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oaflib.demo.day import Day, Floats, dice, rounded, scalar, vectors, wander
from oaflib.demo.faults import progress, struck
from oaflib.demo.machine import Timeline
from oaflib.demo.slow import transformer_offset
from oaflib.series import Series, Times

BUNCH_PERIOD = 120  # s
DRIFT = 0.003  # of the planted gain drift, a day
DRIFTING, SILENT = "LHC.BCTDC.B6R4.B1", "LHC.BCTFR.B6R4.B2"
_COUNT = 2.4e7  # charges in a step of the 24-bit ADC's slow reading


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """All transformers of both beams on one day."""
    for beam in (1, 2):
        for system in ("A", "B"):
            yield from _dc(day, machine, beam, system)
            yield from _fast(day, machine, beam, system)
        yield from _by_bunch(day, machine, beam)


def _dc(day: Day, machine: Timeline, beam: int, system: str) -> Iterator[Series]:
    device = f"LHC.BCTDC.{system}6R4.B{beam}"
    time = day.ticks(1, device)
    true = machine.intensity(beam, time)
    read = true * gain(device) * (1 + 2e-4 * wander(f"{device} gain", time, 9))
    if device == DRIFTING:
        read *= 1 + DRIFT * progress("bct-ratio", day, time)
    offset = 6e8 * wander(f"{device} offset", time, 5) + transformer_offset(device, time)
    # white noise of the electronics, and more of it the larger the signal
    noise = np.hypot(9e8, 6e-5 * true) * day.dice(device).standard_normal(len(time))
    read = rounded(read + offset + noise, _COUNT)
    yield scalar(f"{device}:BEAM_INTENSITY", "charges", time, read, f"DC system {system}")


def _fast(day: Day, machine: Timeline, beam: int, system: str) -> Iterator[Series]:
    device = f"LHC.BCTFR.{system}6R4.B{beam}"
    time = day.ticks(1, device)
    if device == SILENT:
        time = time[~struck("bct-silent", day, time)]
    read = machine.intensity(beam, time) * gain(device)
    read *= 1 + 5e-4 * day.dice(device).standard_normal(len(time))
    # bunches under the threshold are not summed: without beam the sum is exactly zero
    read = np.where(read > 2e9, rounded(read, 1e7), 0.0)
    yield scalar(f"{device}:BEAM_INTENSITY", "charges", time, read, f"fast system {system}")


def _by_bunch(day: Day, machine: Timeline, beam: int) -> Iterator[Series]:
    """Charges by bunch slot, every two minutes while beam circulates, and the pattern they make."""
    device = f"LHC.BCTFR.A6R4.B{beam}"
    time = day.ticks(BUNCH_PERIOD, f"{device} bunches")
    time = time[machine.intensity(beam, time) > 1e9]
    rows = by_bunch(machine, beam, time)
    draw = day.dice(f"{device} bunches")
    noise = draw.standard_normal(rows.shape, dtype=np.float32)
    filled = rows > 2e9
    rows = np.where(filled, rows * _error(device, 0.003) + 4e8 * noise, 0.0)
    rows = rounded(rows, 2e8)
    yield vectors(f"{device}:BUNCH_INTENSITY", "charges", time, rows, "by 25 ns slot")
    # the pattern is logged when it changes, and with the first of the day
    change = np.flatnonzero(np.append(True, (filled[1:] != filled[:-1]).any(axis=1)))
    if len(time):
        pattern = filled[change].astype(np.float64)
        yield vectors(f"{device}:BUNCH_FILL_PATTERN", "", time[change], pattern, "1 where a bunch")


def by_bunch(machine: Timeline, beam: int, time: Times) -> Floats:
    """Charges in each slot, [n, 3564]; zeros between fills."""
    out = np.zeros((len(time), 3_564))
    for fill in machine.fills:
        first, stop = np.searchsorted(time, [fill.start, fill.stop], side="left")
        if first < stop:
            out[first:stop] = fill.per_bunch(beam, time[first:stop])
    return out


def gain(device: str) -> float:
    """What a transformer reads of one charge: DC ones are better, fast ones lose a little."""
    if "BCTDC" in device:
        return _error(device, 0.0015)
    return _error(device, 0.003) * 0.9985


def _error(device: str, size: float) -> float:
    """The gain error the device has always had."""
    return 1 + size * float(dice(f"gain {device}").uniform(-1, 1))
