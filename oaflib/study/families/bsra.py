"""Abort gap monitors: what is in the gap in stable beams, and the noise outside the gate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series
from oaflib.study.families.found import (
    NOTHING,
    Floats,
    Modes,
    average,
    clock,
    finite,
    lasted,
    matrix,
    middle,
    modes_of,
    names_of,
    numbers,
    spread,
    states,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure

GAP = slice(16, 47)  # bins of 100 ns; bin 47 shows the first bunch
_BINS = 64


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """The population of every fill in stable beams, then the noise of the spill outside it."""
    modes = modes_of(records)
    return [_population(records, modes), *_noise(records, modes)]


def _population(records: Records, modes: Modes) -> FamilyTable:
    title = "Abort gap in stable beams"
    monitors = numbers(records, r"ABORT_GAP_INTENSITY")
    if not monitors:
        return FamilyTable(title, note="No abort gap population (ABORT_GAP_INTENSITY) was logged.")
    energies = numbers(records, r"ABORT_GAP_ENERGY")
    rows: list[tuple[str, ...]] = []
    unit = ""
    for start, stop, fill in _fills(records, modes):
        for device, series in monitors.items():
            inside = (series.time >= start) & (series.time < stop)
            value, unit = finite(series.value[inside]), series.unit
            if not value.size:
                rows.append((device, fill, lasted(stop - start), *[DASH] * 5))
                continue
            at = int(np.flatnonzero(inside)[np.nanargmax(series.value[inside])])
            energy = energies.get(device)
            held = float("nan")
            if energy is not None:
                during = (energy.time >= start) & (energy.time < stop)
                held = middle(energy.value[during])
            ends = (middle(value), float(np.percentile(value, 95)), float(value.max()))
            rows.append(
                (
                    device,
                    fill,
                    lasted(stop - start),
                    *(figure(entry, digits=3) for entry in ends),
                    clock(records, series.time[at]),
                    figure(held, "GeV"),
                )
            )
    if not rows:
        return FamilyTable(title, note="There were no stable beams, or no beam mode is known.")
    head = ("monitor", "fill", "stable for", f"median, {unit}", "95 % below", "highest", "at")
    return FamilyTable(title, (*head, "calibrated for"), tuple(sorted(rows)))


def _fills(records: Records, modes: Modes) -> list[tuple[int, int, str]]:
    """Start, end and fill number of each time of stable beams."""
    names = names_of(records, r".*FILLN.*", Kind.NUMERIC)
    fills = states(records, names[0]) if names else NOTHING
    return [
        (start, stop, str(fills.at(np.array([start]))[0]) or DASH)
        for start, stop, mode in modes.spans(records.window.end_ns)
        if mode.startswith("STABLE")
    ]


def _noise(records: Records, modes: Modes) -> list[FamilyTable]:
    rows = []
    unit = ""
    for name in names_of(records, r"(VFC_)?ABORT_GAP_RAW_DATA.*", Kind.VECTORNUMERIC):
        series = records[name]
        spill = matrix(series)
        if spill.shape[1] != _BINS or len(spill) != len(series):
            rows.append((series.device, f"{spill.shape[1]} bins, not {_BINS}", *[DASH] * 4))
            continue
        unit = series.unit
        rows.append((series.device, *_white(series, spill, modes)))
    if not rows:
        return []
    head = ("monitor", f"pedestal, {unit}", "its noise", "along the bins", "gap above it", "lag 1")
    note = (
        "Bins 0 to 15 and 48 to 63, outside the gate, in stable beams where known. Must be white: "
        "the bins' means differ by no more than their noise allows, and neighbours do not follow "
        "each other (lag 1 near 0)."
    )
    return [FamilyTable("Noise outside the gate", head, tuple(rows), note)]


def _white(series: Series, spill: Floats, modes: Modes) -> tuple[str, ...]:
    stable = modes.stable(series.time)
    rows = spill[stable] if stable.any() else spill
    outside = np.delete(rows, np.s_[GAP.start : GAP.stop + 1], axis=1)
    if not np.isfinite(outside).any():
        return (DASH,) * 5
    means = np.nanmean(outside, axis=0)
    level, noise = average(means), middle(np.array([spread(row) for row in outside[:500]]))
    expected = noise / np.sqrt(max(1, len(outside)))
    uneven = float(np.nanstd(means))
    rest = outside - np.nanmean(outside, axis=1, keepdims=True)
    pairs = rest[:, :-1] * rest[:, 1:]
    lag = float(np.nanmean(pairs) / np.nanmean(rest**2)) if np.nanmean(rest**2) > 0 else 0.0
    above = average(rows[:, GAP]) - level
    return (
        figure(level),
        figure(noise, digits=3),
        f"{figure(uneven, digits=2)} ({uneven / expected:.1f} of what is white)"
        if expected > 0
        else figure(uneven, digits=2),
        figure(above, digits=3),
        f"{lag:+.2f}",
    )
