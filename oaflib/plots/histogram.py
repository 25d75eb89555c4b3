"""How often each value was logged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oaflib.plots import colours
from oaflib.plots.axes import (
    SMALL,
    Axes,
    Key,
    frame,
    heading,
    left_margin,
    legend,
    number_axis,
    value_axis,
)
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed, shortened, title_of
from oaflib.plots.envelope import Floats, percentiles
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene, Type
from oaflib.plots.ticks import apart, number
from oaflib.plots.trend import limits_of
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series

_VALUES = 5_000_000  # of a series of vectors; more change nothing that can be seen


@dataclass(frozen=True)
class Histogram(Plot):
    """How the values of the window are distributed; variables of one unit share a picture.

    Heights are shares of each variable's finite samples. The few values far from all others are
    not drawn but counted in the caption.

    Attributes
    ----------
    bins : how many; whole numbers of a small range get a bin each.
    """

    kind: ClassVar[str] = "histogram"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    bins: int = 80

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.bins <= 1000:
            raise ValueError(f"bins is {self.bins}; allowed: 2 to 1000")

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for every eight variables of a unit."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        verdicts = Verdicts(outcomes)
        groups: dict[str, list[str]] = {}
        for name in verdicts.worst_first(names):
            groups.setdefault(records.entries[name].variable.unit, []).append(name)
        parts = [
            group[i : i + colours.LINES]
            for group in groups.values()
            for i in range(0, len(group), colours.LINES)
        ]
        for part in parts[: style().most]:
            yield self._picture(part, records, verdicts, notes)
            notes = []
        if len(parts) > style().most:
            more = sum(map(len, parts[style().most :]))
            yield Trouble(self.kind, f"{more} more variables are not drawn")

    def _picture(
        self, names: Sequence[str], records: Records, verdicts: Verdicts, notes: Sequence[str]
    ) -> Drawn:
        look = style()
        samples = [finite_values(records[name]) for name in names]
        title = self.title or title_of(names)
        if not any(len(values) for values in samples):
            return Trouble(title, "none of the samples is a finite number")
        edges = self._edges(samples)
        shares, said = [], list(notes)
        for name, values in zip(names, samples, strict=True):
            counts = counted(values, edges)
            shares.append(100 * counts / max(1, len(values)))
            beyond = len(values) - int(counts.sum())
            if beyond:
                ends = f"{number(float(values.min()))} to {number(float(values.max()))}"
                said.append(f"{name}: {beyond:,} samples lie beyond the picture (all: {ends})")
        top = max(float(share.max()) for share in shares)
        scene = Scene(look.width, 2000)
        y = heading(scene, title, "", look)
        _, labels = shortened(names)
        if len(names) > 1:
            keys = [
                Key(label, colours.line(i), strong=verdicts.bad(name))
                for i, (label, name) in enumerate(zip(labels, names, strict=True))
            ]
            y += legend(scene, keys, Box(8, y, look.width - 16, 0), look)
        y += look.font * SMALL * 1.4
        left = left_margin(0, top, 220, look)
        axes = Axes(
            Box(left, y, look.width - left - 14, 220),
            (float(edges[0]), float(edges[-1])),
            (0.0, top * 1.06),
        )
        unit = records.entries[names[0]].variable.unit
        frame(scene, axes)
        value_axis(scene, axes, "%", look, "share of samples")
        number_axis(scene, axes, unit, look)
        for i, share in enumerate(shares):
            x = np.repeat(axes.px(edges), 2)
            heights = np.concatenate([[0], np.repeat(axes.py(share), 2), [0]])
            heights[[0, -1]] = axes.box.bottom
            if len(shares) == 1:
                floor = np.full(len(x), axes.box.bottom)
                scene.area(x, floor, heights, Pen("l0", 0.4))
            scene.polylines([(x, heights)], Pen(colours.line(i), 1.4))
        found: list[tuple[str, float]] = []
        for name, values in zip(names, samples, strict=True):
            if len(values):
                span = float(values.min()), float(values.max())
                for outcome in verdicts.of(name):
                    found += [pair for pair in limits_of(outcome, unit, span) if pair not in found]
        self._limits(scene, axes, found)
        scene.height = axes.box.bottom + look.font * SMALL * 3.2
        alt = listed([_alt(n, v) for n, v in zip(names, samples, strict=True)], 8)
        return finished(scene, Words(title, listed(said), alt, tuple(names), self.kind), look)

    def _edges(self, samples: Sequence[Floats]) -> Floats:
        values = np.concatenate([values for values in samples if len(values)])
        least, most = float(values.min()), float(values.max())
        low, high = percentiles(values, (0.1, 99.9))
        room = (high / 2 - low / 2) * 0.6
        low, high = max(least, low - room), min(most, high + room)
        if low == high and least < most:
            low, high = least, most
        whole = (
            high / 2 - low / 2 < 100
            and high - low < 3 * self.bins
            and high - low >= 1
            and not (values % 1).any()
        )
        if whole:
            return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1)
        low, high = apart(low, high)
        share = np.linspace(0, 1, self.bins + 1)
        return np.asarray(low * (1 - share) + high * share)  # never overflows

    def _limits(self, scene: Scene, axes: Axes, found: Sequence[tuple[str, float]]) -> None:
        size = style().font * SMALL
        inside = [pair for pair in found if axes.x[0] <= pair[1] <= axes.x[1]]
        for i, (word, value) in enumerate(inside[:4]):
            x = float(axes.px(value))
            scene.lines([(x, axes.box.y, x, axes.box.bottom)], Pen("alarm", 1.3, 5.0))
            right = x > axes.box.x + axes.box.w / 2
            setting = Type(size, "alarm", "end" if right else "start", bold=True)
            y = axes.box.y + size * (1.35 + 1.15 * i)
            scene.text(x - 5 if right else x + 5, y, f"{word} {number(value)}", setting)


def counted(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """How many values lie in each of the equal bins; those beyond the ends are left out."""
    low, high, bins = float(edges[0]), float(edges[-1]), len(edges) - 1
    inside = values[(values >= low) & (values <= high)]
    share = (inside / 2 - low / 2) / (high / 2 - low / 2)
    place = np.minimum((share * bins).astype(np.int64), bins - 1)
    return np.bincount(place, minlength=bins)


def finite_values(series: Series) -> Floats:
    """All finite numbers of a series, of a large one evenly picked."""
    if series.value.dtype == object:
        rows = [np.asarray(sample, np.float64).ravel() for sample in series.value]
        flat = np.concatenate(rows) if rows else np.empty(0)
    else:
        flat = np.asarray(series.value.reshape(-1)[:: -(-series.value.size // _VALUES) or 1], float)
    return flat[np.isfinite(flat)]


def _alt(name: str, values: Floats) -> str:
    if not len(values):
        return f"{name}: no finite number"
    low, middle, high = percentiles(values, (5, 50, 95))
    return f"{name}: median {number(middle)}, nine tenths from {number(low)} to {number(high)}"
