"""Tune meters: the tunes, and whether a 50 Hz line has captured the peak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series
from oaflib.study.families.found import (
    Floats,
    Mask,
    Modes,
    finite,
    matrix,
    middle,
    modes_of,
    names_of,
    spread,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share

_TUNE = r"TUNE_[HV]|EIGEN_FREQ_\d"
_REVOLUTION = {"LHC": 11_245.5, "SPS": 43_350.0}  # Hz
_MAINS = 50.0  # Hz
_NEAR = 3.0  # Hz from a line that count as on it
_SAMPLES = 20


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """The tunes with their nearest line, then the peaks of the spectra among the lines."""
    modes = modes_of(records)
    return [_tunes(records, modes), *_spectra(records)]


def revolution(name: str) -> float | None:
    """The revolution frequency of the machine that a name begins with, in Hz; None when unknown."""
    return _REVOLUTION.get(name.split(".")[0].upper())


def captured(tune: Floats, frequency: float) -> tuple[Mask, int]:
    """Which estimates stand on a line of 50 Hz, and how often one jumps from line to line.

    `tune` is the fraction of the revolution `frequency` (Hz), all finite.
    """
    hertz = tune * frequency
    line = np.round(hertz / _MAINS)
    on = np.abs(hertz - _MAINS * line) <= _NEAR
    jumps = on[1:] & on[:-1] & (line[1:] != line[:-1])
    return on, int(jumps.sum())


def _tunes(records: Records, modes: Modes) -> FamilyTable:
    title = "Tunes and lines of 50 Hz"
    rows = []
    stable_known = False
    for name in names_of(records, _TUNE, Kind.NUMERIC):
        series = records[name]
        stable = modes.stable(series.time)
        stable_known |= bool(stable.any())
        value = finite(series.value[stable] if stable.any() else series.value)
        frequency = revolution(name)
        line = on_line = jumped = DASH
        if frequency is not None and value.size:
            on, jumps = captured(value, frequency)
            hertz = middle(value) * frequency
            near = round(hertz / _MAINS)
            line = f"{near * _MAINS:,.0f} Hz, {abs(hertz - near * _MAINS):.1f} Hz away"
            on_line, jumped = share(int(on.sum()), value.size), f"{jumps:,}"
        middle_tune = f"{middle(value):.5f}" if value.size else DASH
        noise = figure(spread(value), digits=2)
        rows.append((name, f"{value.size:,}", middle_tune, noise, line, on_line, jumped))
    if not rows:
        return FamilyTable(title, note="No tune (TUNE_H, TUNE_V, EIGEN_FREQ_…) was logged.")
    head = ("tune", "samples", "median", "noise", "nearest line of 50 Hz", "on a line", "jumps")
    chance = 100 * 2 * _NEAR / _MAINS
    note = (
        f"On a line: within {_NEAR:g} Hz of a harmonic of 50 Hz, where {chance:.0f} % are by "
        "chance; a tune that is set there cannot be told from it. Jumps: from one "
        "line to another. "
    )
    return FamilyTable(
        title, head, tuple(rows), note + ("In stable beams." if stable_known else "")
    )


def _spectra(records: Records) -> list[FamilyTable]:
    rows = []
    for name in names_of(records, r"FFT_DATA.*", Kind.VECTORNUMERIC):
        series, frequency = records[name], revolution(name)
        spectra = matrix(series)
        if spectra.shape[1] < 64 or frequency is None:
            continue
        rows.append((name, f"{len(spectra):,}", *_peaks(series, spectra, frequency)))
    head = ("spectra", "number", "highest peak at", "above the floor", "on a line of 50 Hz")
    note = (
        "The highest bin of each spectrum between 0.2 and 0.4 of the revolution frequency, and its "
        "height above the median bin there. A peak on a line is the mains, not the beam."
    )
    return [FamilyTable("Peaks of the spectra", head, tuple(rows), note)] if rows else []


def _peaks(series: Series, spectra: Floats, frequency: float) -> tuple[str, ...]:
    """Where the peaks are; the vector covers 0 to 1 where it mirrors itself, else 0 to 0.5."""
    bins = spectra.shape[1]
    # Half of 4,096 turns are 2,048 bins; some front ends log both halves.
    reach = 0.5 if bins & (bins - 1) == 0 and bins <= 2_048 else 1.0
    first, stop = round(0.2 * bins / reach), round(0.4 * bins / reach)
    part = np.where(np.isfinite(spectra), spectra, -np.inf)[:, first:stop]
    at = part.argmax(axis=1)
    height = part[np.arange(len(part)), at] - np.median(part, axis=1)
    tunes = (first + at) * reach / bins
    on, _ = captured(tunes, frequency)
    return (
        f"{middle(tunes):.4f}",
        figure(middle(height), series.unit, 3),
        share(int(on.sum()), len(on)),
    )
