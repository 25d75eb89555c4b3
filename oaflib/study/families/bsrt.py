"""Synchrotron light telescopes: sigma against its correction, constants, and the slots scanned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series
from oaflib.study.families.found import (
    Floats,
    arrays,
    average,
    clock,
    lasted,
    middle,
    modes_of,
    names_of,
    numbers,
    states,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Sizes against corrections, the constants in force, the coverage of the scan."""
    found = _sizes(records) + _constants(records) + _coverage(records)
    note = "No sizes (FIT_SIGMA_…), constants (LSF_…, BETA_…) or slots (GATE_DELAY) were logged."
    return found or [FamilyTable("Telescopes", note=note)]


def _sizes(records: Records) -> list[FamilyTable]:
    rows = []
    for name in names_of(records, r"FIT_SIGMA_[HV]", Kind.VECTORNUMERIC, Kind.NUMERIC):
        series, plane = records[name], name[-1]
        units = records.entries[name].units
        flat = [np.asarray(row, dtype=np.float64) for row in arrays(series)]
        counts = np.array([row.size for row in flat], dtype=np.intp)
        sigma = np.concatenate([*flat, np.empty(0)])
        failed = ~np.isfinite(sigma) | (sigma <= 0)
        lsf = _correction(records, series, plane, counts)
        below, size = DASH, figure(middle(sigma[~failed]), series.unit)
        if len(units) > 1:
            below, size = "unit changed", " then ".join(units)
        elif lsf is not None:
            both = ~failed & np.isfinite(lsf)
            below = share(int((sigma[both] < lsf[both]).sum()), int(both.sum()), 2)
        rows.append(
            (
                series.device,
                plane,
                f"{sigma.size:,}",
                share(int(failed.sum()), sigma.size, 2),
                size,
                figure(middle(lsf), series.unit) if lsf is not None else DASH,
                below,
                _emittance(records, series.device, plane),
            )
        )
    head = ("telescope", "plane", "fits", "failed", "median sigma", "correction", "sigma below it")
    note = "A sigma below its correction (LSF) has no emittance: its square is negative."
    title = "Sizes"
    return [FamilyTable(title, (*head, "emittance"), tuple(rows), note)] if rows else []


def _correction(
    records: Records, series: Series, plane: str, counts: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Floats | None:
    """The correction in force for every fit, in the unit of the fits; None when not known."""
    found = numbers(records, rf"LSF_{plane}").get(series.device)
    if found is None or found.unit != series.unit:
        return None
    at = np.clip(np.searchsorted(found.time, series.time, side="right") - 1, 0, None)
    return np.repeat(np.asarray(found.value, dtype=np.float64)[at], counts)


def _emittance(records: Records, device: str, plane: str) -> str:
    """The median of the emittance, in stable beams where these are known."""
    series = numbers(records, rf"AVERAGE_EMITTANCE_{plane}").get(device)
    if series is None:
        return DASH
    stable = modes_of(records).stable(series.time)
    value = series.value[stable] if stable.any() else series.value
    return figure(middle(value), series.unit, 3)


def _constants(records: Records) -> list[FamilyTable]:
    rows = []
    for name in names_of(records, r"(LSF|BETA)_[HV]", Kind.NUMERIC):
        series = records[name]
        spans = states(records, name).spans(records.window.end_ns)
        changes = len(spans) - 1
        field = name.rpartition(":")[2]
        when = clock(records, spans[-1][0]) if changes else DASH
        values = " → ".join(text for _, _, text in spans[-4:])
        rows.append((series.device, field, f"{values} {series.unit}".strip(), str(changes), when))
    for device, series in numbers(records, r"LIGHT_YIELD").items():
        told = f"{figure(average(series.value), digits=3)} {series.unit}".strip()
        rows.append((device, "LIGHT_YIELD, mean", told, DASH, DASH))
    head = ("telescope", "constant", "in force", "changes", "last at")
    return [FamilyTable("Constants in force", head, tuple(rows))] if rows else []


def _coverage(records: Records) -> list[FamilyTable]:
    rows = []
    for name in names_of(records, r"GATE_DELAY", Kind.VECTORNUMERIC):
        series = records[name]
        stable = modes_of(records).stable(series.time)
        part = series.where(stable) if stable.any() else series
        each = list(arrays(part))
        slots = np.concatenate([*each, np.empty(0)])
        slots = slots[np.isfinite(slots)]
        seen, counts = np.unique(slots, return_counts=True)
        filled = _filled(records, series)
        of = share(int(np.isin(seen, filled).sum()), filled.size) if filled.size else DASH
        rows.append(
            (
                series.device,
                f"{len(part):,}",
                figure(middle(np.array([row.size for row in each], dtype=np.float64))),
                f"{seen.size:,}",
                of,
                f"{int(counts.min())} to {int(counts.max())}" if seen.size else DASH,
                _turn(part, slots.size, seen.size),
            )
        )
    head = ("telescope", "rows", "slots a row", "slots seen", "of those filled", "times each")
    note = "In stable beams where known. One turn is the time in which every slot is seen once."
    title = "What the scan covers"
    return [FamilyTable(title, (*head, "one turn"), tuple(rows), note)] if rows else []


def _turn(series: Series, seen: int, slots: int) -> str:
    """How long the scan takes for all slots."""
    if not slots or not seen or len(series) < 2:
        return DASH
    step = float(np.median(np.diff(np.sort(series.time))))
    return lasted(step * len(series) * slots / seen)


def _filled(records: Records, series: Series) -> Floats:
    """The slots that a filling pattern of the same beam says were filled; empty when none does."""
    beam = series.device[-2:]
    for name in names_of(records, r"FILLED_BUCKETS", Kind.VECTORNUMERIC):
        if records[name].device.endswith(beam):
            buckets = np.concatenate([*arrays(records[name]), np.empty(0)])
            return np.unique((buckets[buckets > 0] - 1) // 10)
    for name in names_of(records, r"BUNCH_FILL_PATTERN", Kind.VECTORNUMERIC):
        if records[name].device.endswith(beam):
            rows = [row for row in arrays(records[name]) if row.size]
            there = np.zeros(max((row.size for row in rows), default=0), dtype=bool)
            for row in rows:
                there[: row.size] |= row > 0
            return np.flatnonzero(there).astype(np.float64)
    return np.empty(0)
