"""Small drawings in SVG: a value over thirty days, alarms over sixty reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from oaflib.publish.entry import Entry
from oaflib.publish.words import NAMES, counted, number

_WIDTH, _HEIGHT, _EDGE = 120, 28, 3


@dataclass(frozen=True)
class Course:
    """How a value went over the last reports, the oldest first; None where there was none.

    `marks` are the indices of the reports before which something was done to the device.
    """

    values: tuple[float | None, ...] = ()
    marks: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"trend": list(self.values), "marks": list(self.marks)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Course:
        """The course that `document` says."""
        return cls(tuple(document["trend"]), tuple(document.get("marks", ())))


def spark(course: Course, limit: Mapping[str, Any] | None = None, name: str = "value") -> Markup:
    """A line of the values, gaps where None; empty for fewer than two numbers.

    A ``low`` or ``high`` of `limit` is a dashed line, unless so far off that it would flatten all;
    an upright line stands where something was done to the device.
    """
    values = course.values
    points = [
        value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        else None
        for value in values
    ]
    known = [value for value in points if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    edges = [
        float(edge)
        for key in ("low", "high")
        if isinstance(edge := (limit or {}).get(key), (int, float))
        and low - 2 * (high - low) <= edge <= high + 2 * (high - low)
    ]
    bottom, top = min([low, *edges]), max([high, *edges])
    reach = (top - bottom) or 1.0

    def level(value: float) -> float:
        height = 0.5 if top == bottom else (value - bottom) / reach
        return _HEIGHT - _EDGE - height * (_HEIGHT - 2 * _EDGE)

    step = (_WIDTH - 2 * _EDGE) / max(len(points) - 1, 1)
    pieces: list[list[str]] = [[]]
    last = (0.0, 0.0)
    for index, value in enumerate(points):
        if value is None:
            pieces.append([])
            continue
        last = (_EDGE + index * step, level(value))
        pieces[-1].append(f"{last[0]:.1f},{last[1]:.1f}")
    path = "".join(
        "M" + "L".join(piece) if len(piece) > 1 else f"M{piece[0]}h.1" for piece in pieces if piece
    )
    told = (
        f"{name}, last {len(points)} reports: from {number(known[0])} to {number(known[-1])}, "
        f"lowest {number(low)}, highest {number(high)}"
    )
    lines = Markup("").join(
        Markup('<line x1="0" x2="{0}" y1="{1}" y2="{1}"/>').format(_WIDTH, f"{level(edge):.1f}")
        for edge in edges
    )
    if edges:
        told += f", limit {' and '.join(number(edge) for edge in edges)}"
    for mark in course.marks:
        lines += Markup('<line class="done" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(
            f"{_EDGE + (mark - 0.5) * step:.1f}", _HEIGHT
        )
        told += f", something was done to it {counted(len(points) - mark, 'report')} ago"
    return Markup(
        '<svg class="spark" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="{2}"><title>{2}</title>{6}<path d="{3}"/>'
        '<circle cx="{4}" cy="{5}" r="2.4"/></svg>'
    ).format(_WIDTH, _HEIGHT, told, path, f"{last[0]:.1f}", f"{last[1]:.1f}", lines)


def bars(entries: Sequence[Entry]) -> Markup:
    """Alarms of each report, the oldest first: red alarms, violet not judged, amber warnings."""
    if len(entries) < 2:
        return Markup("")
    width, height, base = 720, 96, 84
    kinds = ("alarm", "invalid", "warning")
    totals = [sum(entry.counts.get(kind, 0) for kind in kinds) for entry in entries]
    top = max(*totals, 4)  # one alarm a day is no wall of red
    step = min(width / len(entries), 24.0)
    pieces = [Markup('<line class="axis" x1="0" x2="{0}" y1="{1}" y2="{1}"/>').format(width, base)]
    for index, entry in enumerate(entries):
        x, y = index * step, float(base)
        told = f"{entry.label}: " + (
            ", ".join(
                f"{entry.counts[kind]} {NAMES[kind]}" for kind in kinds if entry.counts.get(kind)
            )
            or NAMES[entry.mark]
        )
        drawn = Markup("")
        for kind in kinds:
            tall = entry.counts.get(kind, 0) / top * (base - 8)
            if tall:
                y -= tall
                drawn += Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                    kind, f"{x + 1:.1f}", f"{y:.1f}", f"{max(step - 2, 1):.1f}", f"{tall:.1f}"
                )
        if not drawn:
            drawn = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="2"/>').format(
                entry.mark, f"{x + 1:.1f}", base - 2, f"{max(step - 2, 1):.1f}"
            )
        pieces.append(
            Markup('<a href="{}/index.html"><title>{}</title>{}</a>').format(
                entry.label, told, drawn
            )
        )
    told = f"Alarms of the last {len(entries)} reports, at most {max(totals)} in one"
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>'
    ).format(width, height, told, Markup("").join(pieces))
