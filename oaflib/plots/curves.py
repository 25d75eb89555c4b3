"""A calibration curve day by day: slope, offset and residual, one above the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.config.interventions import Intervention
from oaflib.plots.axes import (
    SMALL,
    Axes,
    frame,
    heading,
    left_margin,
    range_of,
    time_axis,
    value_axis,
)
from oaflib.plots.base import Plot, Words, finished, matching
from oaflib.plots.interventions import draw_interventions, names_of_interventions
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene, Type
from oaflib.plots.ticks import number
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind
from oaflib.trend import DAY, Trend, curve_names
from oaflib.window import Window, moment

_BREAK = 8  # usual steps without a point after which a line breaks
_HEIGHT = 92.0


@dataclass(frozen=True)
class Curves(Plot):
    """The calibration curve of each variable against a reference, day by day.

    Attributes
    ----------
    reference : the variable of the reference instrument, as in a `calibration` check.
    """

    kind: ClassVar[str] = "curves"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    reference: str = ""

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:  # noqa: ARG002
        """A picture a variable whose reports hold its curve."""
        if records.past is None:
            yield self.nothing(["there is no history"])
            return
        names = [name for one in self.variables or ("%",) for name in matching(one, records)]
        shown = 0
        for name in dict.fromkeys(names):
            title = f"{name} against {self.reference}"
            named = curve_names(name, self.reference)
            parts = {part: records.past.trend(of) for part, of in named.items()}
            if all(len(trend) for trend in parts.values()) and shown < style().most:
                shown += 1
                done = records.past.interventions(name)
                yield curves(title, parts, done, zone=records.window.zone)
        if not shown:
            yield self.nothing(["no report holds such a curve yet"])


def curves(
    title: str,
    parts: Mapping[str, Trend],
    done: Sequence[Intervention] = (),
    *,
    zone: str = "UTC",
) -> Drawn:
    """Each part over the years in an axes of its own; a `Trouble` without a finite point."""
    look = style()
    known = {name: trend.where(np.isfinite(trend.mean)) for name, trend in parts.items()}
    known = {name: trend for name, trend in known.items() if len(trend)}
    if not known:
        return Trouble(title, "there is no calibration curve yet")
    first = min(int(trend.start[0]) for trend in known.values())
    last = max(int(trend.end[-1]) for trend in known.values())
    window = Window(moment(first), moment(max(last, first + DAY)), zone)
    x = (float(window.start_ns), float(window.end_ns))
    spans = {name: range_of([_span(trend)]) or (0.0, 1.0) for name, trend in known.items()}
    left = max(left_margin(*span, _HEIGHT, look) for span in spans.values())
    scene = Scene(look.width, 4000)
    y = heading(scene, title, "calibration curve, day by day", look)
    notes: list[str] = []
    for i, (name, trend) in enumerate(known.items()):
        y += look.font * SMALL * 1.5
        box = Box(left, y, look.width - left - 12, _HEIGHT)
        axes = Axes(box, x, spans[name])
        frame(scene, axes)
        value_axis(scene, axes, trend.unit, look)
        time_axis(scene, axes, window, look, label=i == len(known) - 1)
        _line(scene, axes, trend)
        notes = draw_interventions(scene, axes, done)
        scene.text(box.right - 6, box.bottom - 7, name, Type(look.font * SMALL, "soft", "end"))
        y = box.bottom + 8
    y = names_of_interventions(scene, y + look.font * SMALL * 2.2, notes, look)
    scene.height = y + 8
    said = [
        f"{name} from {number(float(trend.mean[0]))} to {number(float(trend.mean[-1]))}"
        f" {trend.unit}".rstrip()
        for name, trend in known.items()
    ]
    words = Words(title, "", f"{title}: {', '.join(said)}", (title,), Curves.kind)
    return finished(scene, words, look)


def _span(trend: Trend) -> tuple[float, float]:
    """Where nearly all points are: one odd day does not make the others a flat line."""
    low, high = np.percentile(trend.mean, (1, 99))
    return float(low), float(high)


def _line(scene: Scene, axes: Axes, trend: Trend) -> None:
    gaps = np.diff(trend.time)
    usual = float(np.median(gaps)) if len(gaps) else float(DAY)
    cuts = np.flatnonzero(gaps > _BREAK * usual) + 1
    value = np.clip(trend.mean, *axes.y)
    for piece in np.split(np.arange(len(trend)), cuts):
        x, y = axes.px(trend.time[piece]), axes.py(value[piece])
        if len(piece) > 1:
            scene.polylines([(x, y)], Pen("c0", 1.5))
        else:
            scene.dots(x, y, Pen("c0", 3.6))
