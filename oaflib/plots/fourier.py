"""Frequencies: averaged spectra of series and of waveforms, in numpy alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oaflib.plots.envelope import Floats
from oaflib.series import Series, Times


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Amplitude density over frequency.

    Attributes
    ----------
    frequency : float64[k], in Hz, or in cycles a sample for waveforms of unknown rate; without 0.
    density : float64[k], amplitude spectral density, in the unit / √Hz.
    segments : how many pieces were averaged.
    """

    frequency: Floats
    density: Floats
    segments: int

    def peaks(self, most: int = 3) -> list[tuple[float, float]]:
        """(frequency, density) of the strongest lines, at least three times what is around."""
        d = self.density
        if len(d) < 16:
            return []
        inner = (d[1:-1] > d[:-2]) & (d[1:-1] >= d[2:])
        at = np.flatnonzero(inner) + 1
        around = _running_median(d, 31)
        at = at[d[at] > 3 * around[at]]
        at = at[np.argsort(-d[at] / around[at])][:most]
        return [(float(self.frequency[i]), float(d[i])) for i in at]


def of_series(series: Series, length: int = 4096) -> Spectrum | None:
    """The spectrum of a NUMERIC series from its regular stretches without NaN.

    Segments of up to `length` samples, half overlapping (Welch's method, Hann window). None when no
    stretch has 32 samples.
    """
    steps = np.diff(series.time)
    usual = float(np.median(steps)) if len(steps) else 0.0
    if usual <= 0:
        return None
    stretches = [s for s in regular(series.time, usual, series.value) if s.stop - s.start >= 32]
    if not stretches:
        return None
    longest = max(s.stop - s.start for s in stretches)
    n = min(length, 2 ** int(np.log2(longest)))
    segments = (
        np.asarray(series.value[first : first + n], np.float64)
        for s in stretches
        for first in range(s.start, s.stop - n + 1, n // 2)
    )
    return averaged(segments, n, 1e9 / usual)


def of_vectors(samples: Iterator[Floats], length: int, rate: float) -> Spectrum | None:
    """The spectrum of waveforms of `length` samples taken at `rate` Hz (1: cycles a sample)."""
    return averaged((s for s in samples if len(s) == length), length, rate)


def averaged(segments: Iterator[Floats], n: int, rate: float) -> Spectrum | None:
    """The mean spectrum of segments of `n` samples; those with a NaN or infinity are left out."""
    if n < 8:
        return None
    total, count = np.zeros(n // 2 + 1), 0
    for segment in segments:
        if np.isfinite(segment).all():
            total += power(segment, rate)
            count += 1
    if not count:
        return None
    frequency = np.asarray(np.arange(1, n // 2 + 1) * (rate / n), dtype=np.float64)
    density = np.asarray(np.sqrt(total[1:] / count), dtype=np.float64)
    return Spectrum(frequency, density, count)


def power(segment: Floats, rate: float) -> Floats:
    """One-sided power spectral density of a segment less its straight line."""
    n = len(segment)
    window = np.hanning(n + 1)[:-1]
    ramp = np.arange(n) - (n - 1) / 2
    size = float(np.abs(segment).max()) or 1.0
    flat = segment / size  # so that squares do not overflow
    flat = flat - flat.mean()
    flat = flat - ramp * (ramp @ flat) / (ramp @ ramp)
    found = np.abs(np.fft.rfft(flat * window)) ** 2 * (2 / (rate * (window @ window)))
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(found * size * size, 1e300))


def regular(time: Times, usual: float, value: NDArray[np.generic]) -> list[slice]:
    """The stretches in which samples are finite and follow one another by about `usual` ns."""
    good = np.isfinite(np.asarray(value, np.float64))
    joined = good[1:] & good[:-1] & (np.abs(np.diff(time) - usual) <= 0.5 * usual)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], joined, [False]]).astype(np.int8)))
    return [slice(int(a), int(b) + 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _running_median(values: Floats, width: int) -> Floats:
    padded = np.pad(values, width // 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1))
