"""A vector's history as a map: element × day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oaflib.config.interventions import Intervention
from oaflib.plots.axes import SMALL, Axes, colour_bar, frame, heading, left_margin, time_axis
from oaflib.plots.axes import value_axis as values
from oaflib.plots.base import Plot, Verdicts, Words, finished, histories
from oaflib.plots.colours import palette, shades
from oaflib.plots.grid import Scale, scale_of
from oaflib.plots.interventions import draw_interventions, names_of_interventions
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Scene, Type
from oaflib.plots.ticks import number
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind
from oaflib.trend import DAY, Floats, Trend
from oaflib.window import Window, moment

_COLUMNS = 800  # of time; windows that share one are averaged
_NAMED = 6  # elements that a map points at


@dataclass(frozen=True)
class Elements(Plot):
    """The history of each element of a vector as a map, elements upwards and years to the right.

    Elements that a check found are pointed at; interventions are marked.

    Attributes
    ----------
    relative : what each element changed since its first days; else its mean as it is.
    """

    kind: ClassVar[str] = "elements"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    relative: bool = True

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A map a vector that has a history of its elements, the worst first."""
        if records.past is None:
            yield self.nothing(["there is no history"])
            return
        verdicts = Verdicts(outcomes)
        shown = 0
        for trend in histories(self.variables, records, verdicts):
            name = trend.variable
            if trend.elements is None or shown >= style().most:
                continue
            shown += 1
            marked = [i for i in range(trend.elements.shape[1]) if verdicts.bad(f"{name}[{i}]")]
            done = records.past.interventions(name)
            zone = records.window.zone
            yield element_map(trend, zone, self.relative, done=done, marked=marked)
        if not shown:
            yield self.nothing(["no vector's elements have a history yet"])


def element_map(
    trend: Trend,
    zone: str = "UTC",
    relative: bool = True,
    *,
    done: Sequence[Intervention] = (),
    marked: Sequence[int] = (),
) -> Drawn:
    """A vector's history as a map, element × day; `relative` to each element's first tenth.

    Elements in `marked` are pointed at; `done` are marked in time.
    """
    look = style()
    if trend.elements is None or not len(trend):
        return Trouble(trend.variable, "its history holds no elements")
    found, first, stop = by_day(trend)
    if relative:
        found = found - _beginning(found)[:, None]
    scale = scale_of(found) or Scale(0.0, 1.0, False, False, False)
    window = Window(moment(first), moment(stop), zone)
    scene = Scene(look.width, 4000)
    said = "change of each element since its first days" if relative else "mean of each element"
    y = heading(scene, trend.variable, said, look) + look.font * SMALL * 1.5
    n = float(len(found))
    left = left_margin(0, n, 200, look)
    height = min(240.0, max(100.0, n * 12.0))
    room = 40.0 if marked else 0.0
    box = Box(left, y, look.width - left - 84 - room, height)
    axes = Axes(box, (float(window.start_ns), float(window.end_ns)), (0.0, n))
    frame(scene, axes)
    values(scene, axes, "", look, "element")
    time_axis(scene, axes, window, look)
    colours = palette(scale.diverging)
    scene.bitmap(box, shades(found, scale.low, scale.high)[::-1], colours)
    notes = draw_interventions(scene, axes, done)
    for element in marked[:_NAMED]:
        at = float(axes.py(element + 0.5))
        size = look.font * SMALL
        scene.text(box.right + 5, at + size * 0.35, f"◂ {element}", Type(size, "alarm", bold=True))
    bar = Box(box.right + 14 + room, y, 14, height)
    about: dict[str, Any] = {"palette": colours, "style": look, "scale": scale}
    colour_bar(scene, bar, (scale.low, scale.high), trend.unit, about)
    y = box.bottom + look.font * SMALL * 2.4
    scene.height = names_of_interventions(scene, y, notes, look) + look.font * SMALL
    alt = (
        f"{trend.variable}: {len(found)} elements over {len(trend)} windows, "
        f"from {number(scale.low)} to {number(scale.high)} {trend.unit}".rstrip()
    )
    if marked:
        alt += f"; found: element {', '.join(map(str, marked[:_NAMED]))}"
    return finished(scene, Words(trend.variable, said, alt, (trend.variable,), "elements"), look)


def _beginning(found: Floats) -> Floats:
    """The mean of each element over the first tenth of the time; NaN where it has none."""
    base = found[:, : max(1, found.shape[1] // 10)]
    known = np.isfinite(base)
    count = known.sum(axis=1)
    mean = np.where(known, base, 0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def by_day(trend: Trend) -> tuple[Floats, int, int]:
    """Means by element and column of time, [elements, columns]; where the first and last end."""
    assert trend.elements is not None
    first, stop = int(trend.start[0]), int(max(trend.end[-1], trend.start[-1] + 1))
    usual = float(np.median(np.diff(trend.start))) if len(trend) > 1 else float(DAY)
    columns = int(min(_COLUMNS, max(1, np.ceil((stop - first) / max(usual, 1.0)))))
    share = (trend.time - first) / (stop - first)
    place = np.minimum((share * columns).astype(int), columns - 1)
    good = np.isfinite(trend.elements)
    total = np.zeros((columns, trend.elements.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, place, np.where(good, trend.elements, 0.0))
    np.add.at(count, place, good)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).T, first, stop
