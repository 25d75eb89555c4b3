"""What everything else is seen against: fill number, beam mode, energy, optics, bunches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oaflib.demo.day import HOUR, MINUTE, SECOND, Day, Floats, rounded, scalar, texts, vectors
from oaflib.demo.machine import Timeline
from oaflib.series import Series, Times

BETASTAR = 120.0, 30.0  # cm, at the start and the end of STABLE's levelling


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The context variables of one day."""
    edges = machine.modes()
    every = _with_heartbeat(day, np.array([start for start, _, _ in edges], dtype=np.int64))
    yield texts("HX:BMODE", every, machine.mode_at(every), "beam mode")
    fills = np.array([fill.start for fill in machine.fills], dtype=np.int64)
    numbers = np.array([fill.number for fill in machine.fills], dtype=np.float64)
    every = _with_heartbeat(day, fills)
    at = np.searchsorted(fills, every, side="right") - 1
    yield scalar("HX:FILLN", "", every, numbers[at], "fill number")
    yield from _energy(day, machine)
    yield from _bunches(day, machine)


def _with_heartbeat(day: Day, changes: Times) -> Times:
    """Times of changes, and every full hour: what changes rarely is logged at least hourly."""
    hours = np.arange(-(-day.start // HOUR) * HOUR, day.stop, HOUR, dtype=np.int64)
    every = np.unique(np.concatenate([changes, hours]))
    return np.asarray(every[day.inside(every)])


def _energy(day: Day, machine: Timeline) -> Iterator[Series]:
    time = day.ticks(5, "HX:ENG")
    raw = np.round(machine.energy(time) / 0.120)
    # on change of one count, and at least every five minutes
    keep = np.append(True, np.diff(raw) != 0) | (time % (5 * MINUTE) < 5 * SECOND)
    yield scalar("HX:ENG", "", time[keep], raw[keep], "beam energy, in steps of 120 MeV")
    time = day.ticks(60, "LHC.BOFSU")
    energy = rounded(machine.energy(time), 0.01)
    yield scalar("LHC.BOFSU:OFC_ENERGY", "GeV", time, energy, "beam energy")
    time = day.ticks(60, "HX:BETASTAR")
    yield scalar("HX:BETASTAR_IP1", "cm", time, _betastar(machine, time), "optics at point 1")


def _betastar(machine: Timeline, time: Times) -> Floats:
    out = np.full(len(time), 1_100.0)
    for fill in machine.fills:
        squeeze, adjust = fill.span("SQUEEZE")
        stable, dump = fill.span("STABLE")
        inside = (time >= squeeze) & (time < dump)
        steps = np.clip((time - squeeze) / (adjust - squeeze), 0, 1)
        level = np.clip((time - stable) / (4 * HOUR), 0, 1)
        value = 1_100 + (BETASTAR[0] - 1_100) * steps + (BETASTAR[1] - BETASTAR[0]) * level
        out[inside] = np.round(value[inside])
    return out


def _bunches(day: Day, machine: Timeline) -> Iterator[Series]:
    for beam in (1, 2):
        device = f"LHC.BQM.B{beam}"
        time = day.ticks(10, device)
        time = time[machine.intensity(beam, time) > 1e9]
        count, length = np.zeros(len(time)), np.zeros(len(time))
        heads: list[int] = []
        for fill in machine.fills:
            came = fill.injections(beam)
            part = (time >= fill.start) & (time < fill.dump)
            trains = np.searchsorted(came, time[part], side="right")
            count[part] = np.where(trains > 0, 12 + 144 * (trains - 1), 1)
            length[part] = _bunch_length(fill.span("RAMP")[0], fill.span("STABLE")[0], time[part])
            heads += [int(moment) + 2 * SECOND for moment in came]
        noise = day.dice(device).normal(0, 0.004, len(time))
        yield scalar(f"{device}:NO_BUNCHES", "", time, count, "bunches seen")
        mean = rounded(length + noise, 0.001)
        yield scalar(f"{device}:BUNCH_LENGTH_MEAN", "ns", time, mean, "4 sigma")
        yield _filled_buckets(day, machine, beam, np.array(heads, dtype=np.int64))


def _bunch_length(ramp: int, stable: int, time: Times) -> Floats:
    """Shrinks on the ramp, is blown up again, shrinks by synchrotron light in collision."""
    at_ramp = np.clip((time - ramp) / (20 * MINUTE), 0, 1)
    colliding = np.clip((time - stable) / HOUR, 0, None)
    return np.asarray(1.30 - 0.08 * at_ramp - 0.008 * colliding)


def _filled_buckets(day: Day, machine: Timeline, beam: int, time: Times) -> Series:
    """Logged after each injection, zeros where nothing is: slot = (bucket - 1) / 10."""
    time = time[day.inside(time)]
    rows = np.zeros((len(time), 3_564))
    for fill in machine.fills:
        came = fill.injections(beam)
        for i in np.flatnonzero((time >= fill.start) & (time < fill.stop)):
            trains = int(np.searchsorted(came, time[i], side="right"))
            buckets = np.sort(fill.slots[: 12 + 144 * (trains - 1)]) * 10 + 1
            rows[i, : len(buckets)] = buckets
    return vectors(f"LHC.BQM.B{beam}:FILLED_BUCKETS", "", time, rows, "filled buckets")
