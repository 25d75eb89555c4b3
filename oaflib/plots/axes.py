"""Axes: where values lie in a scene, and the grid, ticks, bands and legend around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oaflib.plots import colours
from oaflib.plots.picture import Style
from oaflib.plots.scene import Box, Pen, Scene, Type, fitted, text_width
from oaflib.plots.ticks import (
    Ticks,
    padded,
    power_of_ten,
    time_label,
    time_ticks,
    value_ticks,
)
from oaflib.window import Window

SMALL = 0.87  # size of ticks against that of the legend


@dataclass(frozen=True)
class Axes:
    """A rectangle of the scene and the values at its sides.

    `x` and `y` are (left, right) and (bottom, top) values; times are ns UTC. `whole`: the vertical
    holds whole numbers only.
    """

    box: Box
    x: tuple[float, float]
    y: tuple[float, float]
    whole: bool = False

    def px(self, x: ArrayLike) -> NDArray[np.float64]:
        """Pixels of values along the horizontal, not beyond the sides."""
        return np.asarray(self.box.x + _share(x, *self.x) * self.box.w)

    def py(self, y: ArrayLike) -> NDArray[np.float64]:
        """Pixels of values along the vertical, not beyond the sides; NaN stays NaN."""
        return np.asarray(self.box.bottom - _share(y, *self.y) * self.box.h)


def _share(value: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Where values lie between `low` (0) and `high` (1), cut to that."""
    found = np.asarray(value, dtype=np.float64)
    if max(abs(low), abs(high)) < 1e300:
        share = (found - low) / (high - low)
    else:  # halves do not overflow
        share = (found / 2 - low / 2) / (high / 2 - low / 2)
    return np.asarray(np.clip(share, 0, 1), dtype=np.float64)


def frame(scene: Scene, axes: Axes) -> None:
    """The ground on which data are drawn."""
    scene.rect(axes.box, "plot")


def value_axis(scene: Scene, axes: Axes, unit: str, style: Style, label: str = "") -> Ticks:
    """Grid, ticks and, above the axis, what they count; on the left."""
    box, size = axes.box, style.font * SMALL
    ticks = value_ticks(*axes.y, max(2, int(box.h // (size * 2.6))), axes.whole)
    heights = axes.py(ticks.at)
    scene.lines([(box.x, y, box.right, y) for y in heights], Pen("grid"))
    for y, text in zip(heights, ticks.labels, strict=True):
        scene.text(box.x - 6, y + size * 0.35, text, Type(size, "soft", "end"))
    said = " ".join(filter(None, (label, f"[{ticks.unit(unit)}]" if ticks.unit(unit) else "")))
    if said:
        scene.text(4, box.y - size * 0.55, fitted(said, size, box.right - 4), Type(size, "soft"))
    return ticks


def time_axis(scene: Scene, axes: Axes, window: Window, style: Style, label: bool = True) -> None:
    """Ticks in the window's zone, at the bottom, and under them which day and zone."""
    box, size = axes.box, style.font * SMALL
    ticks = time_ticks(window, 8)
    at = axes.px(ticks.at)
    scene.lines([(x, box.y, x, box.bottom) for x in at], Pen("grid"))
    scene.lines([(box.x, box.bottom, box.right, box.bottom)], Pen("frame"))
    if not label:
        return
    right = -np.inf
    for x, text in zip(at, ticks.labels, strict=True):
        half = text_width(text, size) / 2
        place = min(max(x, half + 2), scene.width - half - 2)
        if place - half > right + 4:
            scene.text(place, box.bottom + size * 1.25, text, Type(size, "soft", "middle"))
            right = place + half
    scene.text(
        scene.width - 8, box.bottom + size * 2.6, time_label(window), Type(size, "soft", "end")
    )


def number_axis(scene: Scene, axes: Axes, label: str, style: Style) -> None:
    """Ticks of numbers at the bottom, and under them what they count."""
    box, size = axes.box, style.font * SMALL
    ticks = value_ticks(*axes.x, max(2, int(box.w // (size * 5))))
    at = axes.px(ticks.at)
    scene.lines([(x, box.y, x, box.bottom) for x in at], Pen("grid"))
    scene.lines([(box.x, box.bottom, box.right, box.bottom)], Pen("frame"))
    for x, text in zip(at, ticks.labels, strict=True):
        scene.text(x, box.bottom + size * 1.25, text, Type(size, "soft", "middle"))
    said = " ".join(filter(None, (label, ticks.unit("") if ticks.exponent else "")))
    scene.text(
        box.right, box.bottom + size * 2.6, fitted(said, size, box.w), Type(size, "soft", "end")
    )


def log_axis(scene: Scene, axes: Axes, unit: str, style: Style) -> None:
    """As `value_axis`, for axes whose vertical holds logarithms to base ten."""
    box, size = axes.box, style.font * SMALL
    at, labels = _decades(*axes.y, max(2, int(box.h // (size * 2.2))))
    heights = axes.py(at)
    scene.lines([(box.x, y, box.right, y) for y in heights], Pen("grid"))
    for y, text in zip(heights, labels, strict=True):
        scene.text(box.x - 6, y + size * 0.35, text, Type(size, "soft", "end"))
    if unit:
        scene.text(4, box.y - size * 0.55, fitted(f"[{unit}]", size, box.right), Type(size, "soft"))


def log_number_axis(scene: Scene, axes: Axes, label: str, style: Style) -> None:
    """As `number_axis`, for axes whose horizontal holds logarithms to base ten."""
    box, size = axes.box, style.font * SMALL
    at, labels = _decades(*axes.x, max(2, int(box.w // (size * 5))))
    places = axes.px(at)
    scene.lines([(x, box.y, x, box.bottom) for x in places], Pen("grid"))
    scene.lines([(box.x, box.bottom, box.right, box.bottom)], Pen("frame"))
    for x, text in zip(places, labels, strict=True):
        scene.text(x, box.bottom + size * 1.25, text, Type(size, "soft", "middle"))
    quiet = Type(size, "soft", "end")
    scene.text(box.right, box.bottom + size * 2.6, fitted(label, size, box.w), quiet)


def _decades(low: float, high: float, most: int) -> tuple[list[float], list[str]]:
    """Whole powers of ten between two logarithms; plain ticks where there are too few."""
    first, last = int(np.ceil(low)), int(np.floor(high))
    if last - first < 2:
        fine = [(digit, power) for power in range(first - 1, last + 2) for digit in (1, 2, 5)]
        at = [float(np.log10(digit) + power) for digit, power in fine]
        seen = [i for i in range(len(at)) if low <= at[i] <= high]
        if len(seen) >= 2:
            return [at[i] for i in seen], [_product(*fine[i]) for i in seen]
        ticks = value_ticks(low, high, most)
        return list(ticks.at), [f"10^{label}" for label in ticks.labels]
    step = -(-(last - first + 1) // most)
    powers = list(range(first, last + 1, step))
    return [float(power) for power in powers], [power_of_ten(power) for power in powers]


def _product(digit: int, power: int) -> str:
    if -4 <= power <= 4:
        return f"{digit * 10.0**power:.5g}"
    return f"{digit}×{power_of_ten(power)}" if digit > 1 else power_of_ten(power)


def left_margin(low: float, high: float, height: float, style: Style) -> float:
    """Room for the ticks of an axis of values."""
    size = style.font * SMALL
    ticks = value_ticks(low, high, max(2, int(height // (size * 2.6))))
    return max(44.0, max(text_width(text, size) for text in ticks.labels) + 14)


@dataclass(frozen=True)
class Key:
    """An entry of a legend."""

    text: str
    paint: str
    dash: bool = False
    strong: bool = False
    swatch: bool = False


def legend(scene: Scene, keys: Sequence[Key], box: Box, style: Style) -> float:
    """Entries in rows from the top of `box`, over its width; the height they took."""
    size = style.font * 0.93
    x, y, row = box.x, box.y, size * 1.45
    longest = box.w - 30
    for key in keys:
        text = fitted(key.text, size, longest)
        width = 26 + text_width(text, size) + 14
        if x > box.x and x + width > box.right:
            x, y = box.x, y + row
        if key.swatch:
            scene.rect(Box(x + 2, y + size * 0.22, 16, size * 0.8), key.paint)
        else:
            pen = Pen(key.paint, 3.0, 4.0 if key.dash else 0.0)
            scene.lines([(x + 1, y + size * 0.65, x + 19, y + size * 0.65)], pen)
        scene.text(x + 25, y + size, text, Type(size, "ink", bold=key.strong))
        x += width
    return y + row - box.y if keys else 0.0


def heading(scene: Scene, title: str, note: str, style: Style) -> float:
    """The title, and a quieter line under it; the height they took."""
    size = style.font * 1.08
    room = scene.width - 16
    scene.text(8, size * 1.35, fitted(title, size, room), Type(size, "ink", bold=True))
    if not note:
        return size * 1.9
    small = style.font * SMALL
    scene.text(8, size * 1.4 + small * 1.45, fitted(note, small, room), Type(small, "soft"))
    return size * 1.9 + small * 1.55


def colour_bar(
    scene: Scene, box: Box, limits: tuple[float, float], unit: str, bar: dict[str, Any]
) -> None:
    """What the colours of a map mean: a vertical bar with ticks on its right.

    `bar`: ``palette``, ``style``, and ``scale``, which knows of values beyond its ends.
    """
    style: Style = bar["style"]
    size = style.font * SMALL
    index = np.arange(255, 0, -1, dtype=np.uint8)[:, None]
    scene.bitmap(box, index, bar["palette"])
    axes = Axes(box, (0, 1), limits)
    ticks = value_ticks(*limits, max(2, int(box.h // (size * 2.6))))
    for y, text in zip(axes.py(ticks.at), ticks.labels, strict=True):
        scene.text(box.right + 5, y + size * 0.35, text, Type(size, "soft"))
    said = ticks.unit(unit)
    if said:
        at = min(box.right + 46, scene.width - 4)
        lift = 8 if bar["scale"].clipped_high else 0
        text = fitted(f"[{said}]", size, 140)
        scene.text(at, box.y - size * 0.55 - lift, text, Type(size, "soft", "end"))
    if bar["scale"].clipped_high:
        scene.triangles([(box.x + box.w / 2, box.y - 9)], 7, "soft")
    if bar["scale"].clipped_low:
        scene.triangles([(box.x + box.w / 2, box.bottom + 9)], -7, "soft")


def range_of(pieces: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """The range that holds all of them, padded; None when there is none."""
    known = [piece for piece in pieces if piece is not None]
    if not known:
        return None
    return padded(min(low for low, _ in known), max(high for _, high in known))


def severity_paint(word: str) -> str:
    """The strong paint of a severity's word."""
    return word if word in colours.PAINTS else "soft"
