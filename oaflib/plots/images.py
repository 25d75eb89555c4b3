"""Cameras: the first image, the last, their mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.plots.axes import SMALL, colour_bar, heading
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed
from oaflib.plots.colours import palette, shades
from oaflib.plots.envelope import Floats
from oaflib.plots.grid import reduced, scale_of
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene, Type, fitted
from oaflib.plots.ticks import local, number
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series

_MEAN_OF = 400  # images: more say no more, and take long to read


@dataclass(frozen=True, eq=False)
class _Shot:
    """One image of the montage."""

    label: str
    pixels: Floats
    size: tuple[int, int]


@dataclass(frozen=True)
class Image(Plot):
    """Images of a camera: the first and the last of the window, one in the middle, and the mean,
    all in the same colours.

    Images may change their size; the mean is of those of the last one's. Pixels are means of blocks
    where the image is larger than its place.
    """

    kind: ClassVar[str] = "image"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.MATRIXNUMERIC,)

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for each variable, the worst first."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        names = Verdicts(outcomes).worst_first(names)
        most = style().most * 2
        for name in names[:most]:
            yield self._picture(name, records, notes)
            notes = []
        if len(names) > most:
            yield Trouble(self.kind, f"{len(names) - most} more cameras are not drawn")

    def _picture(self, name: str, records: Records, notes: Sequence[str]) -> Drawn:
        window = records.window
        series = records[name].between(window.start_ns, window.end_ns)
        usable = np.array([image.ndim == 2 and image.size > 0 for image in series.value], bool)
        series = series.where(usable)
        if not len(series):
            return Trouble(self.title or name, f"{len(usable):,} images, all without pixels")
        shots, said = _shots(series, window.zone)
        scale = scale_of(np.concatenate([shot.pixels.ravel() for shot in shots]), 0.02, 0.0)
        if scale is None:
            return Trouble(self.title or name, f"{len(series):,} images, without a finite pixel")
        if not usable.all():
            said.append(f"{int((~usable).sum()):,} images without pixels are left out")
        look = style()
        title = self.title or name
        scene = Scene(look.width, 3000)
        y = heading(scene, title, "", look)
        across = 1 if len(shots) == 1 else 2
        room = (look.width - 100 - 12 * (across - 1)) / across
        size, colours = look.font * SMALL, palette(scale.diverging)
        top, tallest = y + size * 1.5, 0.0
        for i, shot in enumerate(shots):
            if i and i % across == 0:
                y, tallest = y + tallest, 0.0
            rows, columns = shot.size
            w = min(room, 320 * columns / rows)
            h = max(8.0, min(320.0, w * rows / columns))
            box = Box(8 + (i % across) * (room + 12), y + size * 1.5, w, h)
            label = fitted(f"{shot.label} · {columns}×{rows}", size, room)
            scene.text(box.x, y + size * 1.1, label, Type(size, "soft"))
            scene.bitmap(box, shades(shot.pixels, scale.low, scale.high), colours)
            scene.outline(box, Pen("frame", 0.8))
            tallest = max(tallest, h + size * 2.1)
        bar = Box(look.width - 84, top, 14, min(220.0, max(60.0, y + tallest - top - size)))
        about = {"palette": colours, "style": look, "scale": scale}
        colour_bar(scene, bar, (scale.low, scale.high), series.unit, about)
        scene.height = max(y + tallest + 4, bar.bottom + 12)
        alt = (
            f"{name}: {len(series):,} images, drawn {', '.join(shot.label for shot in shots)}; "
            f"pixels from {number(scale.low)} to {number(scale.high)} {series.unit}".rstrip()
        )
        words = Words(title, listed([*notes, *said]), alt, (name,), self.kind)
        return finished(scene, words, look)


def _shots(series: Series, zone: str) -> tuple[list[_Shot], list[str]]:
    """The images to show, and what to know of them."""
    said: list[str] = []
    n = len(series)
    shapes = [image.shape for image in series.value]
    changes = [i for i in range(1, n) if shapes[i] != shapes[i - 1]]
    if changes:
        at = local(int(series.time[changes[0]]), zone)
        text = f"the size changed {len(changes):,} times, first at {at}"
        said.append(text.replace("1 times, first", "once,") if len(changes) == 1 else text)
    picks = [(0, "first")]
    if n > 2:
        picks.append((n // 2, "middle"))
    if n > 1:
        picks.append((n - 1, "last"))
    shots = [
        _shot(f"{word}, {local(int(series.time[i]), zone)}", series.value[i]) for i, word in picks
    ]
    same = [i for i in range(n) if shapes[i] == shapes[-1]]
    if len(same) > 2:
        step = -(-len(same) // _MEAN_OF)
        used = same[::step]
        total = np.zeros(shapes[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            for i in used:
                total += np.asarray(series.value[i], np.float64)
        shots.append(_shot(f"mean of {len(used):,}", total / len(used)))
        if changes:
            said.append(f"the mean is of the {len(same):,} images of the last size")
    return shots, said


def _shot(label: str, image: np.ndarray[tuple[int, int], np.dtype[np.generic]]) -> _Shot:
    rows, columns = image.shape
    most = style().pixels / 3  # three or four images to a picture
    shrink = max(1.0, float(np.sqrt(rows * columns / most)))
    small = reduced(image, max(1, round(rows / shrink)), max(1, round(columns / shrink)))
    return _Shot(label, small, (rows, columns))
