"""Vectors over time, as a map, and what they looked like last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from oaflib.plots.axes import (
    SMALL,
    Axes,
    Key,
    colour_bar,
    frame,
    heading,
    left_margin,
    legend,
    number_axis,
    range_of,
    time_axis,
    value_axis,
)
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed
from oaflib.plots.colours import palette, shades
from oaflib.plots.envelope import Floats, envelope
from oaflib.plots.grid import Grid, Scale, grid, scale_of, when_changed
from oaflib.plots.live import Across, live_axes, live_map, live_picture, live_vector, map_index
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.states import draw_modes, mode_variable
from oaflib.plots.ticks import local, number
from oaflib.plots.trend import Trend
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series

NARROW = 4  # elements up to which a vector is better seen as lines


@dataclass(frozen=True)
class Waterfall(Plot):
    """A vector over time: elements upwards, time to the right, value as colour; under it the last
    profile within the least and the greatest value of each element.

    Colours are means of blocks; what a block hides, the band of the profile shows. Vectors of up to
    four elements are drawn as lines, one for each element.

    Attributes
    ----------
    element : what the elements are: ``slot``, ``monitor``, ``bin``.
    profile : whether the last profile is drawn.
    relative : ``mean`` or ``first``: colours show the difference to the mean of each element over
        the window, or to the first profile, so that small changes are seen beside large offsets.
    """

    kind: ClassVar[str] = "waterfall"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    element: str = "element"
    profile: bool = True
    relative: Literal["", "mean", "first"] = ""

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for each variable, the worst first."""
        names, notes = self.chosen(records)
        verdicts = Verdicts(outcomes)
        names = verdicts.worst_first(names)
        if not names:
            yield self.nothing(notes)
            return
        most = style().most * 2
        narrow = [name for name in names if _width(records[name]) <= NARROW]
        names = [name for name in names if name not in narrow]
        if narrow:
            yield from self._elements(narrow, records, outcomes)
        for name in names[:most]:
            yield self._picture(name, records, verdicts, notes)
            notes = []
        if len(names) > most:
            yield Trouble(self.kind, f"{len(names) - most} more vectors are not drawn")

    def _elements(
        self, names: Sequence[str], records: Records, outcomes: Sequence[Outcome]
    ) -> Iterator[Drawn]:
        """Vectors of few elements: each element is a number over time."""
        made, said = [], []
        for name in names:
            series = records[name]
            width = _width(series)
            judged = [outcome for outcome in outcomes if outcome.variable == name]
            for i in range(width):
                element = f"{name} [{i + 1}]" if width > 1 else name
                made.append(element_of(series, i, element))
                said += [replace(outcome, variable=element) for outcome in judged]
        if not made:
            yield Trouble(self.title or names[0], "the vectors have no elements")
            return
        beside = records.with_series(made)
        trend = Trend(tuple(series.name for series in made), self.title)
        for drawn in trend.figures(beside, said):
            yield drawn if isinstance(drawn, Trouble) else replace(drawn, kind=self.kind)

    def _picture(
        self, name: str, records: Records, verdicts: Verdicts, notes: Sequence[str]
    ) -> Drawn:
        series, look, window = records[name], style(), records.window
        if not any(len(sample) for sample in series.value):
            return Trouble(self.title or name, f"{len(series):,} vectors, all without elements")
        rows = 60 if look.low_res else 160
        columns = look.pixels // rows
        found = grid(series, window, rows, min(columns, 420))
        if self.relative:
            found = replace(found, mean=_relative(found.mean, self.relative))
        scale = scale_of(found.mean)
        if scale is None:
            return Trouble(self.title or name, f"{len(series):,} vectors, without a finite number")
        scene = Scene(look.width, 3000)
        title = self.title or name
        note = f"difference to the {self.relative}" if self.relative else ""
        y = heading(scene, title, note, look)
        left = left_margin(0, found.elements, 220, look)
        if self.profile:
            left = max(left, left_margin(*_profile_range(found), 130, look))
        width = look.width - left - 84
        x = (float(window.start_ns), float(window.end_ns))
        mode = mode_variable(records)
        lane = [round(y, 1), 16]
        if mode is not None:
            draw_modes(scene, Axes(Box(left, y, width, 16), x, (0, 1)), mode, records, look)
            y += 20
        y += look.font * SMALL * 1.5
        height = min(220.0, max(90.0, found.elements * 12.0))
        axes = Axes(Box(left, y, width, height), x, (0, float(found.elements)))
        frame(scene, axes)
        value_axis(scene, axes, "", look, self.element)
        time_axis(scene, axes, window, look)
        colours = palette(scale.diverging)
        # elements upwards: the first row of a picture is its top
        scene.bitmap(axes.box, shades(found.mean, scale.low, scale.high)[::-1], colours)
        bar = Box(axes.box.right + 14, y, 14, height)
        about = {"palette": colours, "style": look, "scale": scale}
        colour_bar(scene, bar, (scale.low, scale.high), series.unit, about)
        self._marks(scene, axes, name, verdicts)
        live = [self._live_map(axes, series, found, scale)] if look.interactive else []
        if live and mode is not None:
            live[0]["lane"] = lane
        y = axes.box.bottom + look.font * SMALL * 3.2
        if self.profile:
            place = Box(left, y, look.width - left - 10, 130)
            below = self._profile(scene, place, found, records, series.unit)
            y = below.box.bottom + look.font * SMALL * 2.9
            if look.interactive:
                live.append(self._live_profile(below, found, series.unit))
        scene.height = y + 4
        said = [*notes, *_said(found, records)]
        alt = (
            f"{name}: {len(series):,} vectors of up to {found.elements:,} elements; block means "
            f"from {number(scale.low)} to {number(scale.high)} {series.unit}".rstrip()
        )
        words = Words(title, listed(said), alt, (name,), self.kind)
        size = (scene.width, scene.height)
        data = live_picture(window, found.mean.shape[1], size, live) if live else None
        return finished(scene, words, look, data)

    def _live_map(self, axes: Axes, series: Series, found: Grid, scale: Scale) -> dict[str, Any]:
        about = {
            **{"name": series.name, "element": self.element, "elements": found.elements},
            **{"low": scale.low, "high": scale.high},
            "more": [scale.clipped_low, scale.clipped_high],
        }
        return live_map(axes, series.unit, map_index(found.mean, scale.low, scale.high), about)

    def _live_profile(self, axes: Axes, found: Grid, unit: str) -> dict[str, Any]:
        across = Across(self.element, *axes.x, min(found.elements, style().columns))
        place: Floats = np.arange(found.elements, dtype=np.float64) + 0.5
        series = [
            live_vector("least", "l0", (place, found.low), across),
            live_vector("greatest", "l0", (place, found.high), across),
            live_vector("last", "c0", (place[: len(found.last)], found.last), across),
        ]
        return live_axes(axes, unit, series, across)

    def _marks(self, scene: Scene, axes: Axes, name: str, verdicts: Verdicts) -> None:
        for outcome in verdicts.of(name)[:4]:
            since = outcome.since
            if verdicts.bad(name) and since is not None and axes.x[0] <= since < axes.x[1]:
                at = float(axes.px(since))
                scene.lines([(at, axes.box.y, at, axes.box.bottom)], Pen("card", 2.4, opacity=0.8))
                scene.lines([(at, axes.box.y, at, axes.box.bottom)], Pen("alarm", 1.2))
                scene.triangles([(at, axes.box.y + 7)], -10, "alarm")

    def _profile(self, scene: Scene, box: Box, found: Grid, records: Records, unit: str) -> Axes:
        look = style()
        when = local(found.last_time, records.window.zone)
        keys = [
            Key(f"last, {when}", "c0"),
            Key("least to greatest of the window", "l0", swatch=True),
        ]
        y = box.y + legend(scene, keys, Box(8, box.y, look.width - 16, 0), look)
        y += look.font * SMALL * 1.2
        across = (0.0, float(found.elements))
        axes = Axes(Box(box.x, y, box.w, box.h), across, _profile_range(found))
        frame(scene, axes)
        value_axis(scene, axes, unit, look)
        number_axis(scene, axes, self.element, look)
        draw_band(scene, axes, (found.low, found.high), Pen("l0", 0.8))
        draw_elements(scene, axes, found.last, Pen("c0", 1.3))
        return axes


def _profile_range(found: Grid) -> tuple[float, float]:
    spans = [_span(found.low, found.high), _span(found.last, found.last)]
    return range_of(spans) or (0.0, 1.0)


def _relative(mean: Floats, to: str) -> Floats:
    """Blocks less the mean of their row, or less its first block that has a value."""
    known = ~np.isnan(mean)
    if to == "mean":
        total = np.where(known, mean, 0).sum(axis=1)
        base = total / np.maximum(known.sum(axis=1), 1)
    else:
        base = mean[np.arange(len(mean)), known.argmax(axis=1)]
    return np.asarray(mean - base[:, None])


def element_of(series: Series, index: int, name: str) -> Series:
    """One element of a vector as a series of numbers; without the samples that do not have it."""
    if series.value.dtype != object:
        values = series.value[:, index].astype(np.float64)
        return Series(name, Kind.NUMERIC, series.unit, series.time, values)
    has = np.array([len(sample) > index for sample in series.value], bool)
    values = np.array([float(sample[index]) for sample in series.value[has]], np.float64)
    return Series(name, Kind.NUMERIC, series.unit, series.time[has], values)


def _width(series: Series) -> int:
    """Elements of the longest sample."""
    if series.value.dtype != object:
        return int(series.value.shape[1])
    return max((len(sample) for sample in series.value), default=0)


def draw_elements(scene: Scene, axes: Axes, values: Floats, pen: Pen) -> None:
    """A vector over its elements; where they are many, its envelope."""
    n = len(values)
    columns = style().columns
    if n > columns:
        index = np.arange(n, dtype=np.int64)
        found = envelope(index, values, 0, n, columns)
        x = axes.box.x + (found.column + 0.5) * (axes.px(float(n)) - axes.box.x) / columns
        for run in found.runs():
            scene.area(x[run], axes.py(found.low[run]), axes.py(found.high[run]), pen)
        return
    x, y = axes.px(np.arange(n) + 0.5), axes.py(values)
    pieces = pieces_of(np.isfinite(values))
    scene.polylines([(x[p], y[p]) for p in pieces if p.stop - p.start > 1], pen)
    dots = np.isfinite(values) if n <= 120 else _alone(pieces, n)
    scene.dots(x[dots], y[dots], Pen(pen.paint, max(3.6, 2.4 * pen.width)))


def draw_band(scene: Scene, axes: Axes, band: tuple[Floats, Floats], pen: Pen) -> None:
    """The area from a lower vector to a higher one, over their elements."""
    low, high = band
    n, columns = len(low), style().columns
    if n > columns:
        index = np.arange(n, dtype=np.int64)
        down, up = (envelope(index, values, 0, n, columns) for values in band)
        low, high, x = down.low, up.high, axes.box.x + (down.column + 0.5) * axes.box.w / columns
    else:
        x = axes.px(np.arange(n) + 0.5)
    for piece in pieces_of(np.isfinite(low) & np.isfinite(high)):
        scene.area(x[piece], axes.py(low[piece]), axes.py(high[piece]), pen)


def pieces_of(mask: NDArray[np.bool_]) -> list[slice]:
    """The stretches in which `mask` is true."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(change[::2], change[1::2], strict=True)]


def _alone(pieces: Sequence[slice], n: int) -> NDArray[np.bool_]:
    alone = np.zeros(n, bool)
    alone[[piece.start for piece in pieces if piece.stop - piece.start == 1]] = True
    return alone


def _span(low: Floats, high: Floats) -> tuple[float, float] | None:
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    return (float(low.min()), float(high.max())) if len(low) and len(high) else None


def _said(found: Grid, records: Records) -> list[str]:
    said = []
    changes = when_changed(found.lengths)
    if changes:
        time, before, after = changes[0]
        text = f"the length changed from {before:,} to {after:,} at "
        text += local(time, records.window.zone)
        said.append(text if len(changes) == 1 else f"{text}, the first of {len(changes):,} changes")
    if found.infinite:
        said.append(f"{found.infinite:,} elements are infinite and left out")
    rows, columns = found.mean.shape
    minutes = records.window.duration.total_seconds() / 60 / columns
    each = found.elements / rows
    across = "" if each == 1 else f" and {each:.3g} elements"
    said.append(f"each block is the mean of {minutes:.3g} min{across}")
    return said
