"""Spectra of vectors, and of evenly sampled numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from oaflib.compute.base import Numbers, OfVariable, blocks, moment_of, numbers
from oaflib.compute.resample import in_ns
from oaflib.errors import ComputationError
from oaflib.records import Records
from oaflib.series import Kind, Series, stack

_MISSING = 0.2
_LEAST = 8


@dataclass(frozen=True, kw_only=True)
class Spectrum(OfVariable):
    """Amplitude spectrum, and its highest line in a band.

    Attributes
    ----------
    sampling : of vectors, elements per second: frequencies are in Hz. Without it they are in
        cycles per element, as tunes are. Numbers have their own sampling.
    low, high : the band in which the highest line is looked for; without them, all but zero.
    taper : ``hann``, or ``none``.
    segment : of numbers, one spectrum for each such length of time; without it one of the window.

    Makes ``name.amplitude`` (in the variable's unit, of a sine its amplitude), ``name.frequencies``
    (one vector), ``name.peak_frequency`` and ``name.peak_amplitude``. The mean is taken off first.
    A vector with unknown elements or fewer than 8 gives NaN. Numbers must be sampled evenly; up
    to a fifth of missing samples is interpolated.
    """

    kind: ClassVar[str] = "spectrum"
    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)
    parts: ClassVar[tuple[str, ...]] = (
        "amplitude",
        "frequencies",
        "peak_frequency",
        "peak_amplitude",
    )

    sampling: float | None = None
    low: float = 0.0
    high: float | None = None
    taper: Literal["hann", "none"] = "hann"
    segment: timedelta | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampling is not None and self.sampling <= 0:
            raise ValueError(f"sampling {self.sampling:g} is not above zero")
        if self.low < 0 or (self.high is not None and self.high <= self.low):
            raise ValueError("low and high are no band: 0 <= low < high")

    def of(self, series: Series, records: Records) -> list[Series]:
        if series.kind is Kind.VECTORNUMERIC:
            unit = "" if self.sampling is None else "Hz"
            return self._spectra(series, self.sampling or 1.0, unit, records)
        even, rate = self._even(series, records)
        return self._spectra(even, rate, "Hz", records)

    def _spectra(self, series: Series, rate: float, unit: str, records: Records) -> list[Series]:
        n = len(series)
        lines: list[NDArray[np.generic]] = [np.empty(0)] * n
        frequency, height = np.full(n, np.nan), np.full(n, np.nan)
        longest: Numbers = np.empty(0)
        for places, block in blocks(series):
            length = block.shape[1]
            frequencies: Numbers = np.arange(length // 2 + 1 if length else 0) * (
                rate / max(1, length)
            )
            longest = frequencies if frequencies.size > longest.size else longest
            amplitude = amplitudes(block, self.taper)
            for place, row in zip(places, amplitude, strict=True):
                lines[place] = row
            peaks = highest(amplitude, frequencies, self.low, self.high)
            frequency[places], height[places] = peaks
        return [
            self.series("amplitude", series.time, stack(lines, 1) if n else [], series.unit),
            self.series("frequencies", moment_of(records), longest[np.newaxis], unit),
            self.series("peak_frequency", series.time, frequency, unit),
            self.series("peak_amplitude", series.time, height, series.unit),
        ]

    def _even(self, series: Series, records: Records) -> tuple[Series, float]:
        """A number as vectors of even sampling, one a segment, and their samples per second."""
        start, end = records.window.start_ns, records.window.end_ns
        value = numbers(series)
        known = ~np.isnan(value)
        time, value = series.time[known], value[known]
        if len(time) < _LEAST:
            empty = np.full((1 if len(series) else 0, 0), np.nan)
            return Series(series.name, Kind.VECTORNUMERIC, series.unit,
                          moment_of(records)[: len(empty)], empty), 1.0  # fmt: skip
        step = float(np.median(np.diff(time)))
        if step <= 0:
            raise ComputationError(f"{self.variable} has many samples of one time")
        places = np.round((time - time[0]) / step).astype(np.int64)
        # A grid of the median step drifts over a day; fit the step to the whole.
        step = (time[-1] - time[0]) / max(1, places[-1])
        places = np.round((time - time[0]) / step).astype(np.int64)
        off = np.abs((time - time[0]) / step - places)
        missing = 1 - len(np.unique(places)) / (places[-1] + 1)
        if missing > _MISSING or np.percentile(off, 90) > 0.25:
            raise ComputationError(
                f"{self.variable} is not sampled evenly ({100 * missing:.0f} % missing at a step "
                f"of {step / 1e9:g} s); resample it first"
            )
        grid = np.arange(places[-1] + 1) * step
        even = np.interp(grid, (time - time[0]).astype(np.float64), value)
        length = len(even) if self.segment is None else max(1, int(in_ns(self.segment) / step))
        count = max(1, len(even) // length)
        rows = even[: count * length].reshape(count, -1)
        stamps = time[0] + (np.arange(count) * length * step).astype(np.int64)
        stamps[0] = start if self.segment is None else stamps[0]
        stamps = np.minimum(stamps, end - 1)
        made = Series(series.name, Kind.VECTORNUMERIC, series.unit, stamps, rows)
        return made, 1e9 / step


def amplitudes(block: Numbers, taper: str) -> Numbers:
    """Single-sided amplitude of each row, [k, m // 2 + 1]; NaN for a row that is not whole."""
    k, m = block.shape
    if m < _LEAST:
        return np.full((k, m // 2 + 1 if m else 0), np.nan)
    window = np.hanning(m + 1)[:-1] if taper == "hann" else np.ones(m)
    level = block.mean(axis=1, keepdims=True)
    lines = np.abs(np.fft.rfft((block - level) * window, axis=1)) * (2 / window.sum())
    lines[:, 0] /= 2
    if m % 2 == 0:
        lines[:, -1] /= 2
    return np.asarray(lines)


def highest(
    amplitude: Numbers, frequencies: Numbers, low: float, high: float | None
) -> tuple[Numbers, Numbers]:
    """Frequency and amplitude of each row's highest line in the band, between the bins.

    A parabola through the logarithm of the highest and its neighbours; NaN where nothing is there.
    """
    top = np.inf if high is None else high
    inside = np.flatnonzero((frequencies >= low) & (frequencies <= top) & (frequencies > 0))
    nothing = np.full(len(amplitude), np.nan)
    if not inside.size or not len(amplitude):
        return nothing, nothing
    band = amplitude[:, inside]
    best = inside[np.argmax(np.nan_to_num(band, nan=-1.0), axis=1)]
    row = np.arange(len(amplitude))
    height = amplitude[row, best]
    here = np.clip(best, 1, len(frequencies) - 2)
    inner = here == best
    with np.errstate(all="ignore"):
        left, middle, right = (np.log(amplitude[row, here + i]) for i in (-1, 0, 1))
        shift = 0.5 * (left - right) / (left - 2 * middle + right)
        rise = np.exp(middle - 0.25 * (left - right) * shift)
    fine = inner & np.isfinite(shift) & (np.abs(shift) <= 1)
    spacing = frequencies[1] - frequencies[0]
    frequency = frequencies[best] + np.where(fine, np.where(fine, shift, 0) * spacing, 0)
    good = np.isfinite(height) & (height > 0)
    return np.where(good, frequency, np.nan), np.where(good, np.where(fine, rise, height), height)
