"""Synchrotron light telescopes: bunch sizes slot by slot, optics constants, light, images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oaflib.demo.day import HOUR, Day, Floats, dice, ragged, scalar, vectors
from oaflib.demo.faults import bounds, progress, struck
from oaflib.demo.machine import Timeline
from oaflib.demo.slow import mirror_light
from oaflib.series import Kind, Series, Times, Values

PERIOD = 10  # s between rows of a scan
WRONG_LSF = 0.560  # mm
DARKENED, DARKENING = "LHC.BSRT.5L4.B2", 1.8  # percent of light a day
_PROTON = 0.938272
_DARK, _SATURATION = 92.0, 4_095
_SHAPE = 96, 128


@dataclass(frozen=True)
class Telescope:
    """One telescope; line-spread corrections in mm, beta functions in m."""

    device: str
    beam: int
    lsf: dict[str, float]
    beta: dict[str, float]


TELESCOPES = (
    Telescope("LHC.BSRT.5R4.B1", 1, {"H": 0.528, "V": 0.437}, {"H": 204.0, "V": 317.0}),
    Telescope("LHC.BSRT.5L4.B2", 2, {"H": 0.541, "V": 0.449}, {"H": 188.0, "V": 331.0}),
)


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """Both telescopes on one day."""
    for telescope in TELESCOPES:
        yield from _scan(day, machine, telescope)
        yield from _constants(day, telescope)
        yield from _light(day, machine, telescope)


def _scan(day: Day, machine: Timeline, telescope: Telescope) -> Iterator[Series]:
    """Rows of a scan that runs over all filled slots again and again, some slots a row."""
    device, beam = telescope.device, telescope.beam
    time = day.ticks(PERIOD, device)
    time = time[machine.intensity(beam, time) > 1e12]
    draw = day.dice(device)
    slots: list[Floats] = [np.empty(0)]
    parts: list[int] = []
    for fill in machine.fills:
        at = time[(time >= fill.start) & (time < fill.stop)]
        came = fill.injections(beam)
        there = 12 + 144 * (np.searchsorted(came, at, side="right") - 1)
        counts = draw.integers(8, 15, len(at))
        position = (np.cumsum(counts) - counts)[:, np.newaxis] + np.arange(14)
        chosen = fill.slots[position % there[:, np.newaxis]]
        slots.append(chosen[np.arange(14) < counts[:, np.newaxis]].astype(np.float64))
        parts += counts.tolist()
    cuts = np.cumsum(parts, dtype=np.intp)
    flat = np.concatenate(slots)
    when = np.repeat(time, parts)
    title = "slots of the row"
    yield vectors(f"{device}:GATE_DELAY", "", time, _rows(flat, cuts), title)
    for plane in ("H", "V"):
        size = beam_size(machine, telescope, plane, when)
        size = np.sqrt(size**2 + telescope.lsf[plane] ** 2)
        size *= 1 + 0.012 * _by_slot(telescope, plane)[flat.astype(np.intp)]
        size *= 1 + 0.015 * draw.standard_normal(len(when))
        name = f"{device}:FIT_SIGMA_{plane}"
        title = "fitted sigma of each slot of the row"
        if name != "LHC.BSRT.5L4.B2:FIT_SIGMA_H":
            yield vectors(name, "mm", time, _rows(np.round(size, 4), cuts), title)
            continue
        later = int(np.searchsorted(time, bounds("bsrt-unit", day)[0]))
        later = later if struck("bsrt-unit", day, time[later:]).any() else len(time)
        rows = _rows(np.round(size, 4), cuts)
        if later or not len(time):
            yield vectors(name, "mm", time[:later], rows[:later], title)
        if later < len(time):
            rows = _rows(np.round(size * 1_000, 1), cuts)
            yield vectors(name, "um", time[later:], rows[later:], title)


def _rows(flat: Floats, cuts: NDArray[np.intp]) -> Values:
    """`flat` cut where `cuts` says, from its beginning."""
    return ragged([flat[first:stop] for first, stop in pairwise([0, *cuts.tolist()])])


def _by_slot(telescope: Telescope, plane: str) -> Floats:
    """What a bunch's size differs by, for ever, from the mean of all."""
    return dice(f"{telescope.device} {plane} by slot").standard_normal(3_564)


def beam_size(machine: Timeline, telescope: Telescope, plane: str, time: Times) -> Floats:
    """True rms size of the beam at the source, mm."""
    emittance = machine.emittance(telescope.beam, plane, time)
    gamma = machine.energy(time) / _PROTON
    return np.asarray(np.sqrt(emittance * telescope.beta[plane] / gamma))


def correction(day: Day, telescope: Telescope, plane: str, time: Times) -> Floats:
    """The correction that is set, mm."""
    value = np.full(len(time), telescope.lsf[plane])
    if (telescope.device, plane) == ("LHC.BSRT.5R4.B1", "H"):
        value[struck("bsrt-lsf", day, time)] = WRONG_LSF
    return value


def _constants(day: Day, telescope: Telescope) -> Iterator[Series]:
    """Line-spread correction and beta function: on change and every hour."""
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    for plane in ("H", "V"):
        time = hours
        start = np.array([bounds("bsrt-lsf", day)[0]], dtype=np.int64)
        if (telescope.device, plane) == ("LHC.BSRT.5R4.B1", "H"):
            time = np.union1d(hours, start[day.inside(start)])
        value = correction(day, telescope, plane, time)
        title = "line-spread correction"
        yield scalar(f"{telescope.device}:LSF_{plane}", "mm", time, value, title)
        beta = np.full(len(hours), telescope.beta[plane])
        yield scalar(f"{telescope.device}:BETA_{plane}", "m", hours, beta, "optics at the source")


def _light(day: Day, machine: Timeline, telescope: Telescope) -> Iterator[Series]:
    """Averages of all slots once a minute, light per charge at top energy, images."""
    device = telescope.device
    time = day.ticks(60, f"{device} averages")
    time = time[machine.intensity(telescope.beam, time) > 1e12]
    gamma = machine.energy(time) / _PROTON
    draw = day.dice(f"{device} averages")
    for plane in ("H", "V"):
        size = beam_size(machine, telescope, plane, time)
        seen = size**2 + telescope.lsf[plane] ** 2
        seen *= 1 + 0.004 * draw.standard_normal(len(time))
        corrected = seen - correction(day, telescope, plane, time) ** 2
        value = np.round(corrected * gamma / telescope.beta[plane], 4)
        title = "normalised, mean of all slots"
        yield scalar(f"{device}:AVERAGE_EMITTANCE_{plane}", "um", time, value, title)
    top = time[machine.energy(time) > 6_700]
    light = mirror_light(device, top) + 1.1 * draw.standard_normal(len(top))
    if device == DARKENED:
        light -= DARKENING * progress("bsrt-light", day, top)
    yield scalar(f"{device}:LIGHT_YIELD", "%", top, np.round(light, 2), "light per charge")
    yield _images(day, machine, telescope)


def _images(day: Day, machine: Timeline, telescope: Telescope) -> Series:
    """The beam as the camera sees it, every quarter of an hour."""
    name = f"{telescope.device.replace('BSRT', 'BSRTS')}/Image#imageSet"
    time = day.ticks(900, name)
    time = time[machine.intensity(telescope.beam, time) > 1e12]
    draw = day.dice(name)
    rows, columns = _SHAPE
    y, x = np.arange(rows) - rows / 2, np.arange(columns) - columns / 2
    images = np.empty((len(time), rows, columns), dtype=np.uint16)
    lsf = telescope.lsf
    widths = [
        np.hypot(beam_size(machine, telescope, plane, time), lsf[plane]) / 0.06 for plane in "HV"
    ]
    for i in range(len(time)):
        down = np.exp(-(y**2) / 2 / widths[1][i] ** 2)
        spot = np.outer(down, np.exp(-(x**2) / 2 / widths[0][i] ** 2))
        image = _DARK + 2_900 * spot + 4 * draw.standard_normal((rows, columns))
        images[i] = np.clip(np.round(image), 0, _SATURATION)
    return Series(name, Kind.MATRIXNUMERIC, "ADC counts", time, images, "camera image")
