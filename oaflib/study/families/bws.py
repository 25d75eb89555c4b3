"""Wire scanners: scans against what a wire bears, settings in force, profiles, IN against OUT."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from oaflib.records import Records, State
from oaflib.report import Outcome
from oaflib.series import Kind, Series, device_of
from oaflib.study.families.found import (
    arrays,
    average,
    devices_of,
    field_of,
    finite,
    middle,
    names_of,
    spread,
    states,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share

_DATA = r"(PROF_DATA_IN|.*#projDataSet1)"
_GATES = r"NB_GATES"
_SETTINGS = {"gain": r"(.*#)?gain", "filter": r"(.*#)?(pm)?filter", "speed": r"(.*#)?wireSpeed"}
_FLAT = 4  # points at the very top of a profile that make it flat
_EMITTANCE = re.compile(r"(?P<stem>.+)\.APP\.(?P<way>IN|OUT)$")


def tables(records: Records, outcomes: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Each wire, IN against OUT, and the wires that stand for each other."""
    wires = list(dict.fromkeys([*devices_of(records, _GATES), *devices_of(records, _DATA)]))
    if not wires:
        note = "No wire is among the variables (NB_GATES, PROF_DATA_IN, …#projDataSet1)."
        return [FamilyTable("Wires", note=note)]
    scans = {wire: scans_of(records, wire) for wire in wires}
    return [
        _wires(records, outcomes, scans),
        *_pairs(scans),
        *_ways(records),
    ]


def scans_of(records: Records, wire: str) -> int | None:
    """How often a wire flew: its profiles, or its samples with gates; None when not known."""
    counts = []
    for field in (_DATA, _GATES):
        whole = re.compile(field, re.IGNORECASE)
        for name, entry in records.entries.items():
            if device_of(name) != wire or not whole.fullmatch(field_of(name)):
                continue
            if entry.state in (State.ABSENT, State.FAILED):
                continue
            if entry.variable.kind is Kind.NUMERIC:
                counts.append(int((finite(records[name].value) > 0).sum()))
            else:
                counts.append(entry.count)
    return max(counts, default=None)


def signal(series: Series) -> tuple[int, int, float]:
    """Profiles flat at the top, profiles without a signal, and the median of the tops.

    Flat are four points or more at the very same highest value; without signal is a top no higher
    than eight times the noise from point to point above the lowest tenth.
    """
    flat = blind = 0
    tops = []
    for profile in arrays(series):
        profile = finite(profile)
        if profile.size < 8:
            blind += 1
            continue
        top, base = float(profile.max()), float(np.percentile(profile, 10))
        quiet = top - base <= 8 * spread(profile)
        tops.append(top)
        blind += quiet
        flat += not quiet and int((profile == top).sum()) >= _FLAT
    return flat, blind, float(np.median(tops)) if tops else float("nan")


def _wires(
    records: Records, outcomes: Sequence[Outcome], scans: dict[str, int | None]
) -> FamilyTable:
    budgets = {o.device: float(o.limit["budget"]) for o in outcomes if "budget" in o.limit}
    budgets |= {
        device_of(member): float(o.limit["budget"])
        for o in outcomes
        if "budget" in o.limit
        for member in o.members
    }
    usual = max(budgets.values(), default=None)
    settings = {word: _in_force(records, field) for word, field in _SETTINGS.items()}
    shown = [word for word in settings if settings[word]]
    rows = []
    for wire, count in sorted(scans.items(), key=lambda item: -(item[1] or 0)):
        profiles = [n for n in names_of(records, _DATA, Kind.VECTORNUMERIC) if device_of(n) == wire]
        flat, blind, top = signal(records[profiles[0]]) if profiles else (0, 0, float("nan"))
        total = len(records[profiles[0]]) if profiles else 0
        budget = budgets.get(wire, usual)
        borne = DASH if count is None or not budget else share(count, budget, 0)
        row = [wire, DASH if count is None else f"{count:,}", borne]
        row += [settings[word].get(wire, DASH) for word in shown]
        unit = records[profiles[0]].unit if profiles else ""
        row += [figure(top, unit), f"{flat:,}" if total else DASH, f"{blind:,}" if total else DASH]
        rows.append(tuple(row))
    head = ("wire", "scans", "of what it bears", *shown)
    note = "" if usual else "No check of kind over_usage says what a wire bears."
    columns = (*head, "median top", "flat tops", "no signal")
    return FamilyTable("Scans and settings", columns, tuple(rows), note)


def _in_force(records: Records, field: str) -> dict[str, str]:
    """A setting of each wire, as it changed: ``900 → 1,450 V``."""
    found = {}
    for name in names_of(records, field, Kind.NUMERIC, Kind.TEXTUAL):
        texts = [text for _, _, text in states(records, name).spans(records.window.end_ns)]
        unit = records[name].unit
        told = " → ".join(texts) if len(texts) <= 3 else f"{texts[0]} … {texts[-1]}"
        changes = f" ({len(texts) - 1} changes)" if len(texts) > 3 else ""
        found[device_of(name)] = f"{told} {unit}".strip() + changes
    return found


def _pairs(scans: dict[str, int | None]) -> list[FamilyTable]:
    """Operational and spare wire of one plane, where names end in 1 and 2."""
    rows = []
    for wire in scans:
        spare = f"{wire[:-1]}2"
        if not wire.endswith(("H1", "V1")) or spare not in scans:
            continue
        counts = (scans[wire], scans[spare])
        if None in counts:
            said = "not known"
        else:
            used = [bool(count) for count in counts]
            said = ("both" if all(used) else "one") if any(used) else "none"
        rows.append((wire, figure(counts[0]), spare, figure(counts[1]), said))
    head = ("wire", "scans", "its spare", "scans", "used")
    return [FamilyTable("Wire and spare", head, tuple(rows))] if rows else []


def _ways(records: Records) -> list[FamilyTable]:
    """The emittance of the way in against that of the way out."""
    stems: dict[str, dict[str, str]] = {}
    for name in names_of(records, r".*EMIT.*", Kind.NUMERIC, Kind.VECTORNUMERIC):
        if found := _EMITTANCE.match(device_of(name)):
            stems.setdefault(found["stem"], {})[found["way"]] = name
    rows = []
    unit = ""
    for stem, ways in stems.items():
        values = {way: _by_scan(records[name]) for way, name in ways.items()}
        unit = next(records[name].unit for name in ways.values())
        into, out = middle(values.get("IN", np.empty(0))), middle(values.get("OUT", np.empty(0)))
        difference = scatter = float("nan")
        if len(ways) == 2:
            first, last = (records[ways[way]] for way in ("IN", "OUT"))
            _, i, o = np.intersect1d(first.time, last.time, return_indices=True)
            percent = finite(100 * (values["OUT"][o] / values["IN"][i] - 1))
            difference = middle(percent)
            scatter = float(percent.std()) if percent.size > 1 else float("nan")
        scans = max((len(value) for value in values.values()), default=0)
        pair = (figure(into, digits=3), figure(out, digits=3))
        signed = DASH if np.isnan(difference) else f"{difference:+.1f} %"
        rows.append((stem, f"{scans:,}", *pair, signed, figure(scatter, "%", 2)))
    if not rows:
        return []
    head = ("wire", "scans", f"IN, {unit}", f"OUT, {unit}", "OUT against IN", "its spread")
    return [FamilyTable("Emittance, median of the scans", head, tuple(rows))]


def _by_scan(series: Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One number of each scan: of several bunches the mean of those that were fitted."""
    if series.kind is Kind.NUMERIC:
        value = np.asarray(series.value, dtype=np.float64)
    else:
        value = np.array([average(row[row > 0]) for row in arrays(series)])
    return np.where(value > 0, value, np.nan)
