"""Beam loss monitors: losses at 3,600 places, a dozen of them every second, daily self-tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from oaflib.demo.day import (
    HOUR,
    MINUTE,
    SECOND,
    Day,
    Floats,
    dice,
    rounded,
    scalar,
    vectors,
    wander,
)
from oaflib.demo.faults import progress, struck
from oaflib.demo.machine import Timeline
from oaflib.demo.slow import CREEPING_MONITOR, monitor_offset
from oaflib.series import Kind, Series, Times

COUNT = 3_600
PERIOD = 300  # s, of the vector
FROZEN = 4.37e-5  # Gy/s, where the tripped monitor stands
REPAIR = 300.0  # bits of noise from which a monitor is to be repaired
STUCK = "BLMTI.06R7.B2I10_TCSG.6R7.B2"
NOISY = "BLMQI.07L7.B1E10_MQ"
# A dozen monitors around the betatron collimators, with their response in Gy per lost proton.
MONITORS: dict[str, tuple[int, float]] = {
    "BLMTI.06L7.B1E10_TCP.D6L7.B1": (1, 4.0e-14),
    "BLMTI.06L7.B1E10_TCP.C6L7.B1": (1, 9.0e-14),
    "BLMTI.06L7.B1E10_TCP.B6L7.B1": (1, 1.6e-13),
    "BLMTI.06L7.B1E10_TCSG.A6L7.B1": (1, 5.5e-14),
    "BLMTI.06R7.B2I10_TCP.D6R7.B2": (2, 4.4e-14),
    "BLMTI.06R7.B2I10_TCP.C6R7.B2": (2, 8.1e-14),
    "BLMTI.06R7.B2I10_TCP.B6R7.B2": (2, 1.5e-13),
    STUCK: (2, 5.0e-14),
    NOISY: (1, 2.2e-15),
    "BLMQI.08L7.B1I10_MQ": (1, 9.0e-16),
    "BLMQI.08R7.B2E10_MQ": (2, 7.0e-16),
    "BLMQI.07R7.B2I10_MQ": (2, 2.6e-15),
}
_CAPTURE = 12.0  # s in which the protons outside the buckets are lost when the ramp begins


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """All monitors, around the ring; the dozen of `MONITORS` first."""
    found = list(MONITORS)
    for point in range(1, 9):
        for side in ("L", "R"):
            for cell in range(1, 35):
                kind, magnet = ("BLMQI", "MQ") if cell > 6 else ("BLMEI", "STRAIGHT")
                for beam, way in ((1, "E"), (2, "I")):
                    for place in (10, 20, 30) if cell > 6 else (10, 20, 30, 40):
                        name = f"{kind}.{cell:02d}{side}{point}.B{beam}{way}{place}_{magnet}"
                        if name not in MONITORS:
                            found.append(name)
    for number in range(COUNT - len(found)):
        side, beam = ("L", 1) if number % 2 else ("R", 2)
        point = 7 if number % 4 < 2 else 3
        found.append(f"BLMTI.05{side}{point}.B{beam}E{10 + number}_TCLA.{number}{side}{point}")
    return tuple(found[:COUNT])


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The loss monitors on one day."""
    for device, (beam, response) in MONITORS.items():
        time = day.ticks(1, device)
        yield _losses(day, device, time, response * halo(machine, beam, time))
    yield from _ring(day, machine)
    yield from _self_test(day)


def halo(machine: Timeline, beam: int, time: Times) -> Floats:
    """Protons lost on the collimators a second, weighted by energy as the monitors see them."""
    rate = np.zeros(len(time))
    for fill in machine.fills:
        first, stop = np.searchsorted(time, [fill.start, fill.stop], side="left")
        if first == stop:
            continue
        at = time[first:stop]
        ramp, adjust = fill.span("RAMP")[0], fill.span("ADJUST")[0]
        per_hour = np.where(at < ramp, 1 / 30, 1 / 90)
        # beams scrape when they are brought together
        scrape = 1 + 9 * np.exp(-np.clip((at - adjust) / (2 * MINUTE), 0, 60)) * (at >= adjust)
        capture = 0.009 / _CAPTURE * np.exp(-np.clip((at - ramp) / SECOND, 0, 600) / _CAPTURE)
        part = per_hour * scrape / 3_600 + capture * (at >= ramp)
        part *= np.exp(0.35 * wander(f"halo B{beam} {fill.number}", at, 0.7))
        rate[first:stop] = part * fill.intensity(beam, at) * (0.05 + fill.energy(at) / 6_800)
    return rate


def _losses(day: Day, device: str, time: Times, loss: Floats) -> Series:
    draw = day.dice(device)
    floor = dice(f"floor {device}").uniform(1.2e-7, 2.5e-7)
    read = loss * (1 + 0.08 * draw.standard_normal(len(time)))
    read = np.clip(read, 0, None) + floor * (1 + 0.12 * draw.standard_normal(len(time)))
    read = rounded(np.clip(read, 1e-9, None), 1e-9)
    if device == STUCK:
        read[struck("blm-stuck", day, time)] = FROZEN
    return scalar(f"{device}:LOSS_RS09", "Gy/s", time, read, "running sum of 1.3 s")


def _ring(day: Day, machine: Timeline) -> Iterator[Series]:
    """All monitors as a vector, every five minutes."""
    time = day.ticks(PERIOD, "LHC.BLMI")
    of_beam, of_collisions, floor = _responses()
    losses = np.outer(machine.luminosity(time), of_collisions)
    for beam in (1, 2):
        losses += np.outer(halo(machine, beam, time), of_beam[beam - 1])
    noise = day.dice("LHC.BLMI").standard_normal(losses.shape, dtype=np.float32)
    losses = losses * (1 + 0.08 * noise) + floor * (1 + 0.12 * noise)
    losses = rounded(np.clip(losses, 1e-9, None), 1e-9)
    at = list(MONITORS).index(STUCK)
    losses[struck("blm-stuck", day, time), at] = FROZEN
    yield vectors("LHC.BLMI:LOSS_RS09", "Gy/s", time, losses, "every monitor")


@lru_cache(maxsize=1)
def _responses() -> tuple[Floats, Floats, Floats]:
    """Of each monitor: Gy per proton lost of each beam, Gy/s at full luminosity, Gy/s of floor."""
    draw = dice("BLM responses")
    of_beam = 10 ** draw.normal(-17.3, 0.5, (2, COUNT))
    collisions = 10 ** draw.normal(-8.0, 0.4, COUNT)
    floor = draw.uniform(1.2e-7, 2.5e-7, COUNT)
    for i, name in enumerate(names()):
        place = name.split(".")[1]
        if place.endswith("7"):
            of_beam[:, i] *= 100
        if place.endswith(("1", "5")) and name.startswith("BLMEI"):
            collisions[i] *= 3_000 / int(place[:2]) ** 2
        if name in MONITORS:
            beam, response = MONITORS[name]
            of_beam[:, i] = 0
            of_beam[beam - 1, i] = response
    return of_beam, collisions, floor


@lru_cache(maxsize=1)
def self_test_levels() -> tuple[Floats, Floats]:
    """Offset (pA) and noise (bits) of each monitor as it was installed."""
    draw = dice("BLM self-test")
    offset = np.clip(draw.normal(16, 3, COUNT), 10.5, 27)
    return offset, np.clip(draw.lognormal(np.log(34), 0.35, COUNT), 12, 95)


def growing_noise(day: Day, time: Times) -> Floats:
    """Bits of noise of the monitor with the degrading connector."""
    return np.asarray(60 * np.exp(0.1275 * progress("blm-noise", day, time)))


def _self_test(day: Day) -> Iterator[Series]:
    """Once a day, before a fill: offset current and noise of every monitor."""
    time = np.array([day.start + 6 * HOUR + 31 * MINUTE], dtype=np.int64)
    draw = day.dice("BLM self-test")
    offsets, noises = self_test_levels()
    offset = offsets + draw.normal(0, 0.3, COUNT)
    offset[names().index(CREEPING_MONITOR)] += monitor_offset(CREEPING_MONITOR, time)[0]
    noise = noises * draw.normal(1, 0.03, COUNT)
    at = names().index(NOISY)
    noise[at] = growing_noise(day, time)[0] * draw.normal(1, 0.01)
    offset, noise = rounded(offset, 0.1), np.round(noise)
    yield vectors("LHC.BLMI:OFFSET", "pA", time, offset[np.newaxis], "offset of every monitor")
    yield vectors("LHC.BLMI:NOISE_RS01", "bits", time, noise[np.newaxis], "noise of the 40 us sum")
    row = np.empty(1, dtype=object)
    row[0] = np.array(names(), dtype=object)
    yield Series("LHC.BLMI:NAMES", Kind.VECTORSTRING, "", time, row, "order of the vectors")
    for i, device in enumerate(MONITORS):
        yield scalar(f"{device}:OFFSET", "pA", time, offset[i : i + 1], "offset current")
        yield scalar(f"{device}:NOISE_RS01", "bits", time, noise[i : i + 1], "of the 40 us sum")
