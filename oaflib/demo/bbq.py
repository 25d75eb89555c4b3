"""Tune meters: tunes every second, and now and then the turns and spectrum they come from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from oaflib.demo.day import Day, Floats, rounded, scalar, vectors, wander
from oaflib.demo.machine import BEAMS, REVOLUTION, Timeline
from oaflib.series import Series, Times

TURNS = 4_096
PERIOD, RAW_PERIOD = 1, 600  # s
INJECTION_TUNE = {"H": 0.275, "V": 0.295}
COLLISION_TUNE = {"H": 0.310, "V": 0.320}
_HARMONICS = np.arange(1, 110)
# those of the main converters (600 Hz) stand out
_WEIGHTS = 2.2 / (1 + 0.05 * _HARMONICS) * np.where(np.isin(_HARMONICS % 12, (0, 1)), 3, 1)
_FULL_SCALE = 8_191  # counts of the 14-bit ADC


def series(day: Day, machine: Timeline) -> Iterator[Series]:
    """The tune meters of both beams on one day."""
    for beam in BEAMS:
        device = f"LHC.BQBBQ.CONTINUOUS_HS.B{beam}"
        time = day.ticks(PERIOD, device)
        time = time[machine.intensity(beam, time) > 1e9]
        for plane in ("H", "V"):
            draw = day.dice(f"{device} {plane}")
            value = tune(machine, beam, plane, time) + 1.5e-4 * draw.standard_normal(len(time))
            yield scalar(f"{device}:TUNE_{plane}", "", time, rounded(value, 1e-5), "tune")
        slow = time[:: 10 // PERIOD]
        draw = day.dice(f"{device} eigen")
        value = tune(machine, beam, "H", slow) + 1.0e-4 * draw.standard_normal(len(slow))
        yield scalar(f"{device}:EIGEN_FREQ_1", "", slow, rounded(value, 1e-5), "eigenmode 1")
        level = 0.022 * np.exp(0.12 * draw.standard_normal(len(slow)))
        yield scalar(f"{device}:EIGEN_AMPL_1", "", slow, rounded(level, 1e-5), "of mode 1")
        yield from _spectra(day, machine, beam)


def tune(machine: Timeline, beam: int, plane: str, time: Times) -> Floats:
    """Fractional tune: injection until the squeeze, then moved to its collision value."""
    out = np.full(len(time), INJECTION_TUNE[plane])
    step = COLLISION_TUNE[plane] - INJECTION_TUNE[plane]
    for fill in machine.fills:
        start, stop = fill.span("SQUEEZE")
        inside = (time >= fill.start) & (time < fill.stop)
        out[inside] += step * np.clip((time[inside] - start) / (stop - start), 0, 1)
    return np.asarray(out + 2.5e-4 * wander(f"tune B{beam}{plane}", time, 3))


def _spectra(day: Day, machine: Timeline, beam: int) -> Iterator[Series]:
    """4,096 turns of the horizontal pick-up and the spectrum of them, mains harmonics and all."""
    device = f"LHC.BQBBQ.CONTINUOUS_HS.B{beam}"
    time = day.ticks(RAW_PERIOD, f"{device} raw")
    time = time[machine.intensity(beam, time) > 1e9]
    draw = day.dice(f"{device} raw")
    turn = np.arange(TURNS)
    tunes = tune(machine, beam, "H", time)
    raw = 26 * draw.standard_normal((len(time), TURNS))
    # the beam rings at its tune and forgets its phase after some hundred turns
    ringing = _ringing(draw, tunes, turn)
    raw += 30 * ringing
    phase = draw.uniform(0, 2 * np.pi, (len(time), len(_WEIGHTS)))
    cosine, sine = _mains()
    raw += np.cos(phase) @ cosine - np.sin(phase) @ sine
    raw = np.clip(np.round(raw), -_FULL_SCALE, _FULL_SCALE)
    yield vectors(f"{device}:ACQ_DATA_H", "ADC counts", time, raw, "4,096 turns")
    window = np.hanning(TURNS)
    spectrum = np.abs(np.fft.rfft(raw * window, axis=1))[:, :-1] / TURNS
    decibel = 20 * np.log10(np.maximum(spectrum, 1e-3))
    title = "spectrum, bins of the revolution frequency / 4,096"
    yield vectors(f"{device}:FFT_DATA_H", "dB", time, rounded(decibel, 0.01), title)


@lru_cache(maxsize=1)
def _mains() -> tuple[Floats, Floats]:
    """Cosine and sine of the harmonics of 50 Hz over the turns, weighted."""
    angle = 2 * np.pi * 50 / REVOLUTION * np.outer(_HARMONICS, np.arange(TURNS))
    return _WEIGHTS[:, np.newaxis] * np.cos(angle), _WEIGHTS[:, np.newaxis] * np.sin(angle)


def _ringing(draw: np.random.Generator, tunes: Floats, turn: np.ndarray) -> Floats:
    """Noise of about unit size in a narrow band around each tune."""
    count = len(tunes)
    blocks = TURNS // 1_024 + 2
    knots = draw.standard_normal((count, blocks)) + 1j * draw.standard_normal((count, blocks))
    at = turn / 1_024
    left = at.astype(int)
    share = at - left
    slow = knots[:, left] * (1 - share) + knots[:, left + 1] * share
    return np.asarray((slow * np.exp(2j * np.pi * np.outer(tunes, turn))).real)
