"""Beam current transformers: with and without beam, and against each other."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series, Times, device_of
from oaflib.study.families.found import (
    Floats,
    Mask,
    Modes,
    average,
    finite,
    middle,
    modes_of,
    names_of,
    nearest,
    spread,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure

_INTENSITY = r"(.*[#_])?(total_?)?(intensity|int_extr|current)(_lobw)?|.*intensity"
_SYSTEM = re.compile(r"\b([AB])(?=\d+[LR]\d)")
_BEAM = 0.1  # of the largest value, above which there is beam


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Each transformer with and without beam, then the ratios of those that should agree."""
    names = names_of(records, _INTENSITY, Kind.NUMERIC)
    if not names:
        return [FamilyTable("Transformers", note="No intensity was logged as a number.")]
    modes = modes_of(records)
    return [_each(records, names, modes), *_ratios(records, names, modes)]


def _each(records: Records, names: Sequence[str], modes: Modes) -> FamilyTable:
    rows: list[tuple[str, ...]] = []
    units = {records[name].unit for name in names}
    unit = units.pop() if len(units) == 1 else ""
    dark = False
    for name in names:
        series = records[name]
        beam, none = _with_beam(series), modes.without(series.time)
        baseline = series.value[none]
        drift = float("nan")
        if baseline.size >= 20:
            tenth = max(1, baseline.size // 10)
            drift = middle(baseline[-tenth:]) - middle(baseline[:tenth])
        dark |= baseline.size > 0
        own = "" if unit else series.unit
        kept = finite(series.value)
        values = (float(kept.max()) if kept.size else float("nan"), middle(series.value[beam]))
        rows.append(
            (
                device_of(name) if len({device_of(n) for n in names}) == len(names) else name,
                f"{len(series):,}",
                *(figure(value, own) for value in values),
                *(figure(v, own, 3) for v in (average(baseline), spread(baseline), drift)),
            )
        )
    head: tuple[str, ...] = ("transformer", "samples", "highest", "with beam")
    if dark:
        head = (*head, "baseline", "its noise", "its drift")
    rows = [row[: len(head)] for row in rows]
    note = "Baseline: mean without beam (NOBEAM, CYCLING, RAMPDOWN, RECOVERY); drift over the day."
    if not dark:
        note = "No time without beam is known, so there is no baseline."
    told = f"Values in {unit}. " if unit else ""
    return FamilyTable("Transformers", head, tuple(rows), told + note)


def _with_beam(series: Series) -> Mask:
    value = np.asarray(series.value, dtype=np.float64)
    kept = finite(value)
    least = _BEAM * kept.max() if kept.size and kept.max() > 0 else np.inf
    return value > least


def pairs_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """Reading and reference: B with A, fast with DC of one place; else all with the first."""
    there = {device_of(name): name for name in names}
    found = []
    for device, name in there.items():
        other = _SYSTEM.sub("A", device)
        if other != device and other in there:
            found.append((name, there[other]))
        other = device.replace("BCTFR", "BCTDC").replace("BCTW", "BCTDC")
        if other != device and other in there:
            found.append((name, there[other]))
    return found or [(name, names[0]) for name in names[1:]]


def _ratios(records: Records, names: Sequence[str], modes: Modes) -> list[FamilyTable]:
    rows = []
    stable = False
    for name, reference in pairs_of(names):
        one, two = records[name], records[reference]
        against = nearest(two, one.time)
        beam = _with_beam(one) & (against > _BEAM * np.nanmax(against, initial=0.0))
        in_collision = modes.stable(one.time)
        if (beam & in_collision).any():
            beam &= in_collision
            stable = True
        ratio = np.asarray(one.value, dtype=np.float64)[beam] / against[beam]
        by_hour = _by_hour(one.time[beam], ratio)
        drift = by_hour[-1] - by_hour[0] if len(by_hour) > 1 else float("nan")
        told = (middle(ratio), *_ends(by_hour))
        words = [DASH if np.isnan(value) else f"{value:.5f}" for value in told]
        rows.append(
            (
                f"{device_of(name)} / {device_of(reference)}",
                *words,
                DASH if np.isnan(drift) else f"{100 * drift + 0:+.2f} %".replace("-0.00", "+0.00"),
                figure(100 * spread(ratio), "%", 2),
            )
        )
    if not rows:
        return []
    head = ("ratio", "median", "lowest hour", "highest hour", "first to last hour", "noise")
    note = f"{'In stable beams' if stable else 'With beam'}; medians of each hour."
    return [FamilyTable("Ratios", head, tuple(rows), note)]


def _by_hour(time: Times, value: Floats) -> list[float]:
    hour = time // 3_600_000_000_000
    medians = [middle(value[hour == h]) for h in np.unique(hour)]
    return [entry for entry in medians if entry == entry]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (float("nan"), float("nan"))
