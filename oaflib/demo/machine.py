"""The collider: its fills, beam modes, energy, bunches and what is left of them.

The sequence of fills starts on the day of commissioning and needs nothing but its own dice, so a
fill that spans midnight is the same one seen from both days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from oaflib.demo.day import HOUR, MINUTE, SECOND, Day, Floats, dice
from oaflib.series import Times
from oaflib.window import nanoseconds

COMMISSIONED = date(2025, 1, 1)
FIRST_FILL = 10_412
SLOTS = 3_564
REVOLUTION = 11_245.0  # Hz
INJECTION, TOP = 450.0, 6_800.0  # GeV
TRAINS = 17
BEAMS = (1, 2)

# Mode, shortest and longest stay in minutes. A fill and its turnaround never exceed 14 h, so every
# calendar day, also one of 23 h, has an injection.
_STAY = (
    ("INJPROT", 12, 19),
    ("INJPHYS", 38, 50),
    ("PRERAMP", 4, 7),
    ("RAMP", 20.17, 20.17),
    ("FLATTOP", 3, 6),
    ("SQUEEZE", 14, 14.5),
    ("ADJUST", 6, 11),
    ("STABLE", 300, 560),
    ("BEAMDUMP", 4, 8),
    ("RAMPDOWN", 38, 44),
    ("CYCLING", 8, 40),
)
MODES = tuple(name for name, _, _ in _STAY)


@dataclass(frozen=True)
class Fill:
    """One fill, from its first injection to the end of its turnaround.

    `edges` are the starts of its modes (those of `MODES`, in order) and its own end, ns UTC.
    """

    number: int
    edges: tuple[int, ...]

    @property
    def start(self) -> int:
        """When INJPROT begins."""
        return self.edges[0]

    @property
    def stop(self) -> int:
        """When the next fill begins."""
        return self.edges[-1]

    @property
    def dump(self) -> int:
        """When the beams are dumped."""
        return self.edges[MODES.index("BEAMDUMP")]

    def span(self, mode: str) -> tuple[int, int]:
        """Half-open ns UTC of a mode."""
        i = MODES.index(mode)
        return self.edges[i], self.edges[i + 1]

    @property
    def slots(self) -> NDArray[np.intp]:
        """Filled slots, by order of injection: 12 bunches, then 17 trains of 4 x 36."""
        return scheme()[0]

    def injections(self, beam: int) -> Times:
        """When the 12 bunches and then each of the 17 trains came, ns UTC."""
        start, stop = self.span("INJPHYS")
        draw = dice(f"injections B{beam}", self.number)
        first, trains = start + 3 * MINUTE, start + 14 * MINUTE
        step = (stop - trains - 2 * MINUTE) / TRAINS
        late = draw.uniform(0, 0.3, TRAINS) + (0.5 if beam == 2 else 0.0)
        steps = trains + (np.arange(TRAINS) + late) * step
        return np.concatenate([[first + (beam - 1) * 40 * SECOND], steps.astype(np.int64)])

    def bunches(self, beam: int) -> Floats:
        """Charges of each filled slot when injected, by order of injection."""
        draw = dice(f"bunches B{beam}", self.number)
        mean = draw.uniform(1.19e11, 1.25e11)
        of_train = np.repeat(draw.normal(1.0, 0.008, TRAINS + 1), np.diff(scheme()[1]))
        return np.asarray(mean * of_train * draw.normal(1.0, 0.02, len(self.slots)))

    def survival(self, beam: int, time: Times) -> Floats:
        """What fraction of the charges injected is left; 0 once dumped."""
        draw = dice(f"losses B{beam}", self.number)
        at_injection, later, capture = draw.uniform([25, 70, 0.006], [40, 110, 0.012])
        burn_off, gas = draw.uniform([24, 80], [32, 120])
        phys, ramp, stable = (self.span(mode)[0] for mode in ("INJPHYS", "RAMP", "STABLE"))
        log = -np.clip((np.minimum(time, ramp) - phys) / HOUR, 0, None) / at_injection
        # what was not captured is lost when the ramp begins
        log -= capture * -np.expm1(-np.clip((time - ramp) / SECOND, 0, None) / 12)
        log -= np.clip((np.minimum(time, stable) - ramp) / HOUR, 0, None) / later
        colliding = np.clip((time - stable) / HOUR, 0, None)
        log -= np.log1p(colliding / burn_off) + colliding / gas
        return np.where(time < self.dump, np.exp(log), 0.0)

    def intensity(self, beam: int, time: Times) -> Floats:
        """Charges in the ring."""
        train = np.concatenate([[0.0], np.add.reduceat(self.bunches(beam), scheme()[1][:-1])])
        injected = np.cumsum(train)[np.searchsorted(self.injections(beam), time, side="right")]
        probe = self.probe(beam, time)
        return np.asarray(injected * self.survival(beam, time) + probe)

    def probe(self, beam: int, time: Times) -> Floats:
        """Charges of the pilot bunch that checks the machine before the trains come."""
        start, stop = self.span("INJPROT")
        charge = dice(f"probe B{beam}", self.number).uniform(0.9e10, 1.1e10)
        there = (time >= start + 3 * MINUTE) & (time < stop)
        return np.where(there, charge * np.exp(-(time - start) / (20 * HOUR)), 0.0)

    def per_bunch(self, beam: int, time: Times) -> Floats:
        """Charges in each of the 3,564 slots; [n, 3564]."""
        slots, train = scheme()
        charges = self.bunches(beam)
        came = np.repeat(self.injections(beam), np.diff(train))
        # bunches inside a train collide more often and burn faster
        pace = 1 + 0.03 * dice(f"pace B{beam}", self.number).standard_normal(len(slots))
        left = self.survival(beam, time)
        out = np.zeros((len(time), SLOTS))
        with np.errstate(divide="ignore"):
            log = np.where(left > 0, np.log(left), -np.inf)
        rows = np.exp(np.multiply.outer(log, pace)) * charges
        first, last = came[0], came[-1]
        filling = (time >= first) & (time < last)
        rows[filling] *= came <= time[filling, np.newaxis]
        rows[time < first] = 0
        out[:, slots] = rows
        out[:, 0] += self.probe(beam, time)
        return out

    def energy(self, time: Times) -> Floats:
        """GeV: parabolic, exponential and linear parts of a ramp, smoothed into one curve."""
        up, top = self.span("RAMP")
        down, bottom = self.span("RAMPDOWN")
        rise = np.clip((time - up) / (top - up), 0, 1)
        fall = np.clip((time - down) / (bottom - down), 0, 1)
        shape = np.where(rise < 1, _ramp(rise), 1 - _ramp(fall))
        return np.asarray(INJECTION + (TOP - INJECTION) * shape)

    def emittance(self, beam: int, plane: str, time: Times) -> Floats:
        """Normalised emittance in um, growing from injection on."""
        draw = dice(f"emittance B{beam}{plane}", self.number)
        start, growth = draw.uniform([1.75, 0.025], [1.95, 0.05])
        hours = np.clip((time - self.span("INJPHYS")[0]) / HOUR, 0, 16)
        ramp = 0.18 * np.clip((time - self.span("RAMP")[0]) / (20 * MINUTE), 0, 1)
        return np.asarray(start + ramp + growth * hours)


@dataclass(frozen=True)
class Timeline:
    """What the collider did on one day: the fills that touch it, evaluated at times in order."""

    day: Day
    fills: tuple[Fill, ...]

    def modes(self) -> list[tuple[int, str, Fill]]:
        """Start (ns UTC), mode and fill of every mode that begins on these fills."""
        return [
            (start, mode, fill)
            for fill in self.fills
            for start, mode in zip(fill.edges, MODES, strict=False)
        ]

    def mode_at(self, time: Times) -> NDArray[np.object_]:
        """The beam mode at each time."""
        edges = self.modes()
        at = np.searchsorted([start for start, _, _ in edges], time, side="right") - 1
        return np.array([mode for _, mode, _ in edges], dtype=object)[at]

    def spans(self, mode: str) -> list[tuple[Fill, int, int]]:
        """The parts of a mode that lie on this day."""
        found = []
        for fill in self.fills:
            start, stop = fill.span(mode)
            start, stop = max(start, self.day.start), min(stop, self.day.stop)
            if start < stop:
                found.append((fill, start, stop))
        return found

    def energy(self, time: Times) -> Floats:
        """GeV."""
        out = np.full(len(time), INJECTION)
        for fill, part in self._parts(time):
            out[part] = fill.energy(time[part])
        return out

    def intensity(self, beam: int, time: Times) -> Floats:
        """Charges in the ring."""
        out = np.zeros(len(time))
        for fill, part in self._parts(time):
            out[part] = fill.intensity(beam, time[part])
        return out

    def emittance(self, beam: int, plane: str, time: Times) -> Floats:
        """Normalised emittance in um."""
        out = np.full(len(time), 2.0)
        for fill, part in self._parts(time):
            out[part] = fill.emittance(beam, plane, time[part])
        return out

    def colliding(self, time: Times) -> NDArray[np.bool_]:
        """Whether the mode is STABLE."""
        out = np.zeros(len(time), dtype=bool)
        for _, start, stop in self.spans("STABLE"):
            out |= (time >= start) & (time < stop)
        return out

    def circulating(self, time: Times, least: float = 1e9) -> NDArray[np.bool_]:
        """Whether both beams hold more than `least` charges."""
        return np.asarray(
            (self.intensity(1, time) > least) & (self.intensity(2, time) > least), dtype=bool
        )

    def luminosity(self, time: Times) -> Floats:
        """Of each of the two large experiments, relative to its usual peak."""
        product = self.intensity(1, time) * self.intensity(2, time) / (2.95e14) ** 2
        size = np.sqrt(self.emittance(1, "H", time) * self.emittance(2, "V", time)) / 2.0
        return np.asarray(np.where(self.colliding(time), product / size, 0.0))

    def _parts(self, time: Times) -> list[tuple[Fill, slice]]:
        parts = []
        for fill in self.fills:
            first, stop = np.searchsorted(time, [fill.start, fill.stop], side="left")
            if first < stop:
                parts.append((fill, slice(int(first), int(stop))))
        return parts


@lru_cache(maxsize=1)
def scheme() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The filling scheme 25ns_2460b: filled slots, and where in them each injection begins.

    Batches of 36 bunches 7 slots apart, trains of 4 batches 31 slots apart; the last 119 slots and
    more are the abort gap.
    """
    slots, bounds, slot = [np.arange(12)], [0, 12], 12 + 31
    for _ in range(TRAINS):
        slots += [slot + batch * 43 + np.arange(36) for batch in range(4)]
        bounds.append(bounds[-1] + 144)
        slot += 3 * 43 + 36 + 31
    return np.concatenate(slots), np.array(bounds)


@lru_cache(maxsize=4)
def timeline(day: Day) -> Timeline:
    """The fills that touch `day`.

    Raises
    ------
    ValueError
        A day before the machine was commissioned.
    """
    if day.calendar <= COMMISSIONED:
        raise ValueError(f"{day.calendar} is too early: the demo machine runs since {COMMISSIONED}")
    fills: list[Fill] = []
    edge = nanoseconds(datetime(COMMISSIONED.year, 1, 1, tzinfo=UTC))
    number = FIRST_FILL
    while edge < day.stop:
        for edges in _block(number, edge):
            if edges[-1] > day.start and edges[0] < day.stop:
                fills.append(Fill(number, edges))
            number, edge = number + 1, edges[-1]
    return Timeline(day, tuple(fills))


@lru_cache(maxsize=64)
def _block(number: int, start: int) -> list[tuple[int, ...]]:
    """The edges of 64 fills in a row, in whole milliseconds."""
    low, high = np.array([stay[1:] for stay in _STAY]).T
    minutes = dice("fills", number).uniform(low, high, (64, len(_STAY)))
    lengths = np.round(minutes * 60_000).astype(np.int64) * 1_000_000
    stops = start + np.cumsum(lengths.ravel()).reshape(lengths.shape)
    starts = np.concatenate([[start], stops[:-1, -1]])
    rows = np.column_stack([starts, stops])
    return [tuple(int(edge) for edge in row) for row in rows]


def _ramp(x: Floats) -> Floats:
    return np.asarray(x * x * (3 - 2 * x))
