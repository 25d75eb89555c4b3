"""Beam position monitors: exact zeros, flat and spiking ones, crate temperatures, front ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Times
from oaflib.study.families.found import (
    Floats,
    average,
    clock,
    field_of,
    finite,
    labels,
    lasted,
    matrix,
    names_of,
    numbers,
    states,
)
from oaflib.study.families.sheet import FamilyTable, figure, share

_POSITIONS, _TEMPERATURE, _STATUS = r".*POS.*", r".*TEMP.*", r".*STATUS.*"
_CHUNK = 64  # monitors at a time, so that a long orbit stays small in memory
_SPIKE = 20.0  # times the monitor's own noise
_SPIKES = 3  # a monitor may jump less often than that
_REST = 0.01  # share of the window, at its end, after which one that does not move is at rest
_HOUR = 3_600_000_000_000


@dataclass(frozen=True)
class Habit:
    """What one monitor of an orbit does: `word` is empty when it does nothing odd."""

    word: str = ""
    detail: str = ""
    since: int | None = None


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Counts of odd monitors by plane, those monitors, crate temperatures, front-end states."""
    found = _monitors(records)
    found += _temperatures(records)
    found += _front_ends(records)
    note = "No position, crate temperature or status was logged."
    return found or [FamilyTable("Monitors", note=note)]


def habits(time: Times, orbit: Floats) -> list[Habit]:
    """The habit of every monitor; `orbit` is [acquisitions, monitors] in order of time."""
    steps = np.abs(np.diff(orbit, axis=0))
    with np.errstate(invalid="ignore"):
        noise = np.array([_typical(steps[:, i]) for i in range(orbit.shape[1])])
    del steps
    usual = _typical(noise)
    found: list[Habit] = []
    for first in range(0, orbit.shape[1], _CHUNK):
        part = orbit[:, first : first + _CHUNK]
        floor = np.fmax(noise[first : first + _CHUNK], usual if usual == usual else 0.0)
        found += [_habit(time, part[:, i], float(floor[i])) for i in range(part.shape[1])]
    return found


def _typical(values: Floats) -> float:
    kept = finite(values)
    return float(np.median(kept)) if kept.size else float("nan")


def _habit(time: Times, value: Floats, noise: float) -> Habit:
    unknown = ~np.isfinite(value)
    if unknown.all():
        return Habit("unknown", "never a number")
    known, when = value[~unknown], time[~unknown]
    rest = known != known[-1]
    first = int(rest.nonzero()[0][-1]) + 1 if rest.any() else 0
    at_rest = len(known) - first
    if len(known) > 2 and at_rest >= max(3, _REST * len(known)):
        word = "exactly zero" if known[-1] == 0 else "flat"
        held = 0.0 if word == "exactly zero" else float(known[-1])
        return Habit(word, figure(held), int(when[first]) if first else None)
    jumps = np.diff(known)
    back = (jumps[1:] * jumps[:-1] < 0) & (
        np.minimum(np.abs(jumps[1:]), np.abs(jumps[:-1])) > max(_SPIKE * noise, 1e-12)
    )
    if int(back.sum()) >= _SPIKES:
        height = float(np.median(np.abs(jumps[:-1][back])))
        words = f"{int(back.sum()):,} times, by {figure(height, digits=3)}"
        return Habit("spiking", words, int(when[1:-1][back][0]))
    if unknown.mean() > 0.01:
        return Habit("gaps", f"{100 * unknown.mean():.1f} % NaN or infinite")
    return Habit()


def _monitors(records: Records) -> list[FamilyTable]:
    counts, odd = [], []
    words = ("exactly zero", "flat", "spiking", "gaps", "unknown")
    for name in names_of(records, _POSITIONS, Kind.VECTORNUMERIC):
        series = records[name]
        orbit = matrix(series)
        time = series.time if len(orbit) == len(series) else series.time[: len(orbit)]
        order = np.argsort(time, kind="stable")
        each = habits(time[order], orbit[order])
        told = labels(records, name, orbit.shape[1])
        row = [name, f"{orbit.shape[1]:,}", f"{len(orbit):,}"]
        counts.append((*row, *(str(sum(h.word == w for h in each)) for w in words)))
        odd += [
            (
                words.index(habit.word),
                (
                    monitor,
                    field_of(name),
                    habit.word,
                    f"{habit.detail} {series.unit}" if habit.word in words[:3] else habit.detail,
                    "the beginning" if habit.since is None else clock(records, habit.since),
                ),
            )
            for monitor, habit in zip(told, each, strict=True)
            if habit.word
        ]
    if not counts:
        return []
    head = ("orbit", "monitors", "acquisitions", *words)
    found = [FamilyTable("Orbits", head, tuple(counts))]
    rows = tuple(row for _, row in sorted(odd))
    columns = ("monitor", "plane", "it is", "how", "since")
    note = "" if rows else "None: every monitor moves as the others do."
    return [*found, FamilyTable("Monitors unlike the others", columns, rows, note)]


def _temperatures(records: Records) -> list[FamilyTable]:
    rows = []
    unit = ""
    for device, series in numbers(records, _TEMPERATURE).items():
        kept = finite(series.value)
        if not kept.size:
            continue
        unit = series.unit
        first = average(series.value[series.time < series.time[0] + _HOUR])
        last = average(series.value[series.time > series.time[-1] - _HOUR])
        ends = (float(kept.min()), float(kept.max()))
        rows.append((last - first, (device, *(f"{v:.2f}" for v in (average(kept), *ends)))))
    rows.sort(key=lambda entry: -abs(entry[0]) if entry[0] == entry[0] else 0)
    shown = tuple((*row, f"{drift:+.2f}") for drift, row in rows)
    head = ("crate", f"mean, {unit}", "lowest", "highest", "first to last hour")
    return [FamilyTable("Crate temperatures", head, shown)] if shown else []


def _front_ends(records: Records) -> list[FamilyTable]:
    """What each front end said beside what all of them usually say."""
    end = records.window.end_ns
    spans = {
        name: states(records, name).spans(end) for name in names_of(records, _STATUS, Kind.TEXTUAL)
    }
    if not spans:
        return []
    said: dict[str, int] = {}
    for entries in spans.values():
        for start, stop, text in entries:
            said[text] = said.get(text, 0) + stop - start
    usual = max(said, key=lambda text: said[text])
    rows = []
    for name, entries in spans.items():
        total = sum(stop - start for start, stop, _ in entries)
        for text in dict.fromkeys(text for _, _, text in entries if text != usual):
            mine = [(start, stop) for start, stop, other in entries if other == text]
            time = sum(stop - start for start, stop in mine)
            device = records[name].device
            rows.append(
                (device, text, lasted(time), share(time, total), clock(records, mine[0][0]))
            )
    head = ("front end", "status", "for", "share", "since")
    note = f"All {len(spans)} front ends said {usual} all the time."
    rest = f"The others of {len(spans)} front ends said {usual} all the time."
    return [FamilyTable("Front ends", head, tuple(rows), rest if rows else note)]
