"""Beam loss monitors: the public grading of offset and noise, and where the losses are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind
from oaflib.study.families.found import (
    arrays,
    clock,
    labels,
    matrix,
    middle,
    modes_of,
    names_of,
    numbers,
)
from oaflib.study.families.sheet import DASH, FamilyTable, figure, share

_OFFSET, _NOISE, _LOSS = r"OFFSET", r"NOISE_RS\d+", r"LOSS_RS\d+"
_HIGHEST = 8


@dataclass(frozen=True)
class Grade:
    """One grade: its name, the values from `low` (excluded) to `high`, and whether that is fine.

    `usual` is the share of the LHC's monitors that public statistics give, in percent.
    """

    name: str
    low: float
    high: float
    fine: bool
    usual: float | None = None

    @property
    def span(self) -> str:
        """The values in words."""
        if self.name == "no data":
            return "0"
        if np.isinf(self.high):
            return f"above {self.low:g}"
        return f"above 0 to {self.high:g}" if self.low <= 0 else f"{self.low:g} to {self.high:g}"


_NOTHING = Grade("no data", -np.inf, 0.0, False)
OFFSETS = (
    Grade("very good", 10, 20, True),
    Grade("good", 20, 30, True),
    Grade("not graded", 8, 10, True),
    Grade("DAC to be reset", 30, 80, False),
    Grade("too low", 0, 8, False),
    Grade("problematic", 80, np.inf, False),
    _NOTHING,
)
NOISES = (
    Grade("very good", 0, 30, True, 30.1),
    Grade("good", 30, 100, True, 45.7),
    Grade("fair", 100, 200, True, 16.7),
    Grade("candidate for repair", 200, 300, False, 5.6),
    Grade("to be repaired", 300, np.inf, False, 1.5),
    Grade("no data", -np.inf, 0, False, 0.5),
)
"""Of a monitor, the best grade first."""


def tables(records: Records, _: Sequence[Outcome] = ()) -> list[FamilyTable]:
    """Grades of offset and noise, the monitors with a bad one, and the highest losses."""
    offset, noise = last_of_each(records, _OFFSET), last_of_each(records, _NOISE)
    found = []
    if offset:
        found.append(_grades("Offset current", "offset, pA", OFFSETS, offset))
    if noise:
        found.append(_grades("Noise of the shortest running sum", "noise, bits", NOISES, noise))
    if offset or noise:
        found.append(_look(offset, noise))
    else:
        note = "No offset (OFFSET) and no noise (NOISE_RS…) was logged: nothing to grade."
        found.append(FamilyTable("Grading", note=note))
    return [*found, *_losses(records)]


def grade_of(value: float, grades: Sequence[Grade]) -> Grade:
    """The grade of a value; NaN, zero and less are no data, an infinity is beyond the worst."""
    none = next(grade for grade in grades if grade.name == "no data")
    if np.isnan(value) or value <= 0:
        return none
    return next((g for g in grades if g is not none and g.low < value <= g.high), none)


def last_of_each(records: Records, field: str) -> dict[str, float]:
    """The last value of each monitor, from the vectors and from the monitors' own variables."""
    found: dict[str, float] = {}
    for name in names_of(records, field, Kind.VECTORNUMERIC):
        values = list(arrays(records[name]))[-1]
        found |= dict(zip(labels(records, name, len(values)), values, strict=True))
    for device, series in numbers(records, field).items():
        found[device] = float(series.value[-1])
    return found


def _grades(
    title: str, what: str, grades: Sequence[Grade], values: dict[str, float]
) -> FamilyTable:
    counts = dict.fromkeys((grade.name for grade in grades), 0)
    for value in values.values():
        counts[grade_of(value, grades).name] += 1
    usual = any(grade.usual is not None for grade in grades)
    rows = []
    for grade in grades:
        if grade.name == "not graded" and not counts[grade.name]:
            continue
        row = [grade.name, grade.span, f"{counts[grade.name]:,}"]
        row.append(share(counts[grade.name], len(values), 2))
        rows.append(tuple([*row, figure(grade.usual, "%")] if usual else row))
    head = ("grade", what, "monitors", "share")
    return FamilyTable(title, (*head, "usual share") if usual else head, tuple(rows))


def _look(offset: dict[str, float], noise: dict[str, float]) -> FamilyTable:
    """The monitors whose offset or noise is not fine, the worst first."""
    bad: list[tuple[int, float, tuple[str, ...]]] = []
    for device in dict.fromkeys([*offset, *noise]):
        graded = [
            (values[device], grade_of(values[device], grades), grades)
            for values, grades in ((offset, OFFSETS), (noise, NOISES))
            if device in values
        ]
        if all(grade.fine for _, grade, _ in graded):
            continue
        rank = -max(grades.index(grade) for _, grade, grades in graded if not grade.fine)
        row = [device]
        for values, grades in ((offset, OFFSETS), (noise, NOISES)):
            value = values.get(device)
            row.append(figure(value))
            row.append(DASH if value is None else grade_of(value, grades).name)
        bad.append((rank, -max((abs(v) for v, _, _ in graded if v == v), default=0), tuple(row)))
    title = "Monitors to look at"
    if not bad:
        both = len(offset.keys() | noise.keys())
        return FamilyTable(title, note=f"None: all {both:,} monitors have a fine grade.")
    head = ("monitor", "offset, pA", "grade", "noise, bits", "grade")
    return FamilyTable(title, head, tuple(row for _, _, row in sorted(bad)))


def _losses(records: Records) -> list[FamilyTable]:
    """The highest loss of each monitor, the highest monitors first."""
    modes = modes_of(records)
    worst: dict[str, tuple[float, int, float]] = {}
    unit = ""
    for name in names_of(records, _LOSS, Kind.VECTORNUMERIC):
        rows = matrix(records[name])
        if not rows.size or len(rows) != len(records[name]):
            continue
        unit = records[name].unit
        shown = np.where(np.isfinite(rows), rows, -np.inf)
        at = shown.argmax(axis=0)
        for i, device in enumerate(labels(records, name, rows.shape[1])):
            time = int(records[name].time[at[i]])
            worst[device] = (float(shown[at[i], i]), time, middle(rows[:, i]))
    for device, series in numbers(records, _LOSS).items():
        value = np.where(np.isfinite(series.value), series.value, -np.inf)
        at_most = int(value.argmax())
        unit = series.unit or unit
        peak = (float(value[at_most]), int(series.time[at_most]))
        worst[device] = (*peak, middle(series.value))
    order = sorted((d for d in worst if np.isfinite(worst[d][0])), key=lambda d: -worst[d][0])
    if not order:
        return []
    rows_ = tuple(
        (
            device,
            figure(worst[device][0], digits=3),
            figure(worst[device][2], digits=3),
            clock(records, worst[device][1]),
            str(modes.at(np.array([worst[device][1]]))[0]) or DASH,
        )
        for device in order[:_HIGHEST]
    )
    head = ("monitor", f"highest, {unit}", f"median, {unit}", "when", "beam mode")
    note = f"The highest {len(rows_)} of {len(worst):,} monitors."
    return [FamilyTable("Highest losses", head, rows_, note if len(worst) > len(rows_) else "")]
