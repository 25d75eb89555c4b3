"""One variable against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.plots.axes import SMALL, Axes, frame, heading, left_margin, number_axis, value_axis
from oaflib.plots.base import Plot, Words, finished, listed
from oaflib.plots.colours import palette, shades
from oaflib.plots.envelope import Floats
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.ticks import number, padded
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series

_DOTS = 1500
_CELL = 5.0  # pixels of a cell of the density


@dataclass(frozen=True)
class Correlation(Plot):
    """The other variables against the first one, which lies horizontally.

    Each sample is paired with the nearest of the first variable in time. Few pairs are dots, many
    are cells coloured by how many they hold. The line is the straight fit.

    Attributes
    ----------
    within : seconds two samples of a pair may lie apart; the cadence of the slower when zero.
    """

    kind: ClassVar[str] = "correlation"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    within: float = 0.0

    def figures(
        self,
        records: Records,
        outcomes: Sequence[Outcome],  # noqa: ARG002 (every plot is given both)
    ) -> Iterator[Drawn]:
        """A picture for each variable but the first."""
        names, notes = self.chosen(records)
        if len(names) < 2:
            said = "a correlation needs two variables with samples"
            yield Trouble(self.title or self.kind, listed([said, *notes]))
            return
        first, others = names[0], names[1:]
        for name in others[: style().most]:
            yield self._picture(first, name, records, notes)
            notes = []
        if len(others) > style().most:
            yield Trouble(self.kind, f"{len(others) - style().most} more pairs are not drawn")

    def _picture(self, first: str, name: str, records: Records, notes: Sequence[str]) -> Drawn:
        look, window = style(), records.window
        a = records[first].between(window.start_ns, window.end_ns)
        b = records[name].between(window.start_ns, window.end_ns)
        title = self.title or f"{name} against {first}"
        x, y = paired(a, b, self.within)
        if len(x) < 2:
            return Trouble(title, f"{len(x)} pairs of finite samples near enough in time")
        axes, scene = self._axes(title, a, b, (x, y))
        if len(x) <= _DOTS:
            scene.dots(axes.px(x), axes.py(y), Pen("c0", 3.4, opacity=0.6))
        else:
            self._density(scene, axes, x, y)
        fit = straight(x, y)
        said = [*notes, f"{len(x):,} pairs"]
        if fit is not None:
            slope, offset, r = fit
            ends = np.array([x.min(), x.max()])
            heights = axes.py(slope * ends + offset)
            scene.polylines([(axes.px(ends), heights)], Pen("c1", 1.6))
            said.append(f"r = {r:.4f}; fit: {number(slope)} · x + {number(offset)}")
        scene.height = axes.box.bottom + look.font * SMALL * 3.2
        alt = f"{name} against {first}: {listed(said)}"
        return finished(scene, Words(title, listed(said), alt, (first, name), self.kind), look)

    def _axes(
        self, title: str, a: Series, b: Series, data: tuple[Floats, Floats]
    ) -> tuple[Axes, Scene]:
        look = style()
        x, y = data
        scene = Scene(look.width, 2000)
        top = heading(scene, title, "", look) + look.font * SMALL * 1.5
        limits = padded(float(y.min()), float(y.max()))
        left = left_margin(*limits, 320, look)
        box = Box(left, top, look.width - left - 14, 320)
        axes = Axes(box, padded(float(x.min()), float(x.max())), limits)
        frame(scene, axes)
        value_axis(scene, axes, b.unit, look, b.name)
        unit = f" [{a.unit}]" if a.unit else ""
        number_axis(scene, axes, f"{a.name}{unit}", look)
        return axes, scene

    def _density(self, scene: Scene, axes: Axes, x: Floats, y: Floats) -> None:
        columns, rows = int(axes.box.w // _CELL), int(axes.box.h // _CELL)
        across = ((axes.px(x) - axes.box.x) / axes.box.w * columns).astype(int)
        down = ((axes.py(y) - axes.box.y) / axes.box.h * rows).astype(int)
        place = np.minimum(down, rows - 1) * columns + np.minimum(across, columns - 1)
        counts = np.bincount(place, minlength=rows * columns).reshape(rows, columns).astype(float)
        depth = np.where(counts > 0, np.log1p(counts), np.nan)
        # many are dark, as ink would be; a single pair must still be seen
        index = shades(-depth, -float(np.nanmax(depth)), 0.0)
        scene.bitmap(axes.box, index, palette())


def paired(a: Series, b: Series, within: float = 0.0) -> tuple[Floats, Floats]:
    """Finite values of `a` and `b` at nearly the same time: the nearest of `a` for each of `b`.

    `within` in seconds; zero: the median time between samples of the slower one.
    """
    none = np.empty(0)
    if not len(a) or not len(b):
        return none, none
    steps = [np.median(np.diff(s.time)) for s in (a, b) if len(s) > 1]
    reach = within * 1e9 if within > 0 else float(max(steps, default=0))
    after = np.clip(np.searchsorted(a.time, b.time), 1, max(1, len(a) - 1))
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(a) - 1)
    nearer = np.where(
        np.abs(a.time[after] - b.time) < np.abs(b.time - a.time[before]), after, before
    )
    x = a.value[nearer].astype(np.float64, copy=False)
    y = b.value.astype(np.float64, copy=False)
    good = (np.abs(a.time[nearer] - b.time) <= reach) & np.isfinite(x) & np.isfinite(y)
    return x[good], y[good]


def straight(x: Floats, y: Floats) -> tuple[float, float, float] | None:
    """Slope, offset and correlation of the least-squares line; None where there is no spread."""
    with np.errstate(over="ignore", invalid="ignore"):
        dx, dy = x - x.mean(), y - y.mean()
        xx, yy, xy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if not (0 < xx < np.inf and 0 < yy < np.inf):
        return None
    slope = xy / xx
    return slope, float(y.mean() - slope * x.mean()), xy / float(np.sqrt(xx) * np.sqrt(yy))
