"""What vectors look like: mean, spread and last, over their elements or over positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

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
    range_of,
    value_axis,
)
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed, shortened, title_of
from oaflib.plots.envelope import Floats
from oaflib.plots.grid import grid
from oaflib.plots.live import Across, live_axes, live_picture, live_vector
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.ticks import local, number, padded
from oaflib.plots.waterfall import draw_band, draw_elements, pieces_of
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series

_EVERY = 60  # up to so many vectors of a window each is drawn
_OTHERS = 40


@dataclass(frozen=True)
class Profile(Plot):
    """The last vector of the window, over the others: all of them where they are few, else the
    least and the greatest value of each element.

    Several variables of one unit share a picture, each with its last vector only.

    Attributes
    ----------
    positions : a vector variable with the place of each element (a wire scanner's positions); the
        number of the element when empty.
    element : what the elements are, when there are no positions.
    separate : a picture for each variable.
    """

    kind: ClassVar[str] = "profile"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    positions: str = ""
    element: str = "element"
    separate: bool = False

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for every eight variables of a unit."""
        names, notes = self.chosen(records)
        names = [name for name in names if name != self.positions]
        if not names:
            yield self.nothing(notes)
            return
        if self.positions and self.positions not in records:
            reason = f"no variable of the records is called {self.positions}"
            yield Trouble(self.title or self.kind, reason)
            return
        groups: dict[str, list[str]] = {}
        for name in Verdicts(outcomes).worst_first(names):
            key = name if self.separate else records.entries[name].variable.unit
            groups.setdefault(key, []).append(name)
        parts = [
            group[i : i + colours.LINES]
            for group in groups.values()
            for i in range(0, len(group), colours.LINES)
        ]
        for part in parts[: style().most]:
            yield self._picture(part, records, notes)
            notes = []
        if len(parts) > style().most:
            yield Trouble(self.kind, f"{sum(map(len, parts[style().most :]))} more are not drawn")

    def _picture(self, names: Sequence[str], records: Records, notes: Sequence[str]) -> Drawn:
        look = style()
        _, labels = shortened(names)
        title = self.title or title_of(names)
        said = list(notes)
        looks: dict[str, _Look] = {}
        for name in names:
            found = self._look(name, records, len(names) == 1, said)
            if found is not None:
                looks[name] = found
        if not looks:
            return Trouble(title, listed(said))
        scene = Scene(look.width, 2000)
        y = heading(scene, title, "", look)
        if len(names) == 1:
            keys = looks[names[0]].keys(records.window.zone)
        else:
            pairs = enumerate(zip(names, labels, strict=True))
            keys = [Key(label, colours.line(i)) for i, (name, label) in pairs if name in looks]
        y += legend(scene, keys, Box(8, y, look.width - 16, 0), look)
        axes = _axes(y + look.font * SMALL * 1.5, list(looks.values()))
        frame(scene, axes)
        value_axis(scene, axes, records.entries[names[0]].variable.unit, look)
        number_axis(scene, axes, self._across(records), look)
        for found in looks.values():
            found.draw_others(scene, axes)
        for i, name in enumerate(names):
            if name in looks:
                looks[name].draw_last(scene, axes, Pen(colours.line(i), 1.6))
        scene.height = axes.box.bottom + look.font * SMALL * 3.2
        alt = listed([_alt(name, found) for name, found in looks.items()], 8)
        live = None
        if look.interactive:
            longest = max(len(found.vectors[-1]) for found in looks.values())
            across = Across(self._across(records), *axes.x, min(longest, look.columns))
            series = [
                live_vector(label, colours.line(i), looks[name].last, across)
                for i, (name, label) in enumerate(zip(names, labels, strict=True))
                if name in looks
            ]
            unit = records.entries[names[0]].variable.unit
            size = (scene.width, scene.height)
            drawn = [live_axes(axes, unit, series, across)]
            live = live_picture(records.window, look.columns, size, drawn)
        words = Words(title, listed(said), alt, tuple(names), self.kind)
        return finished(scene, words, look, live)

    def _across(self, records: Records) -> str:
        if not self.positions:
            return self.element
        unit = records.entries[self.positions].variable.unit
        return f"{self.positions} [{unit}]" if unit else self.positions

    def _look(self, name: str, records: Records, alone: bool, said: list[str]) -> _Look | None:
        """What is drawn of a variable; None, and a note, when there is nothing to draw."""
        window = records.window
        series = records[name].between(window.start_ns, window.end_ns)
        kept = np.array([len(sample) > 0 for sample in series.value], bool)
        series = series.where(kept)
        if not len(series):
            said.append(f"the vectors of {name} have no elements")
            return None
        picks = np.unique(np.linspace(0, len(series) - 1, min(len(series), _OTHERS)).astype(int))
        few = alone and len(series) <= _EVERY
        chosen = picks if few else picks[-1:]
        vectors = [np.asarray(series.value[i], np.float64) for i in chosen]
        places = [np.arange(0.5, len(vector), dtype=np.float64) for vector in vectors]
        if self.positions:
            where = records[self.positions].between(window.start_ns, window.end_ns)
            found = [_place(where, int(series.time[i]), len(series.value[i])) for i in chosen]
            if found[-1] is None:
                said.append(f"no positions have the {len(vectors[-1]):,} elements of {name}")
            else:
                pairs = [(v, at) for v, at in zip(vectors, found, strict=True) if at is not None]
                vectors, places = [v for v, _ in pairs], [at for _, at in pairs]
        band = None
        if alone and not few and not self.positions:
            reduced = grid(series, window, 1, 60)
            band = (reduced.low, reduced.high)
        return _Look(vectors, places, int(series.time[-1]), len(series), band)


@dataclass(frozen=True, eq=False)
class _Look:
    """Vectors of a variable and where their elements lie, the last one last."""

    vectors: list[Floats]
    places: list[Floats]
    last_time: int
    count: int
    band: tuple[Floats, Floats] | None

    @property
    def last(self) -> tuple[Floats, Floats]:
        """Where the elements of the last vector lie, and their values."""
        return self.places[-1], self.vectors[-1]

    def keys(self, zone: str) -> list[Key]:
        """What the lines are."""
        keys = [Key(f"last, {local(self.last_time, zone)}", "c0")]
        if self.band is not None:
            keys.append(Key("least to greatest of the window", "l0", swatch=True))
        elif len(self.vectors) > 1:
            some = (
                f"{len(self.vectors) - 1} of the others" if self.count > _OTHERS else "the others"
            )
            keys.append(Key(some, "l0"))
        return keys

    def spans(self) -> list[tuple[float, float] | None]:
        """The range of what is drawn, piece by piece."""
        return [span_of(vector) for vector in (*self.vectors, *(self.band or ()))]

    def draw_others(self, scene: Scene, axes: Axes) -> None:
        """What the last vector is drawn upon."""
        if self.band is not None:
            draw_band(scene, axes, self.band, Pen("l0", 0.8))
        for vector, place in zip(self.vectors[:-1], self.places[:-1], strict=True):
            draw_line(scene, axes, (place, vector), Pen("l0", 1.0))

    def draw_last(self, scene: Scene, axes: Axes, pen: Pen) -> None:
        """The last vector."""
        draw_line(scene, axes, (self.places[-1], self.vectors[-1]), pen)


def draw_line(scene: Scene, axes: Axes, points: tuple[Floats, Floats], pen: Pen) -> None:
    """A vector over the places of its elements; its envelope where they are many and even."""
    place, vector = points
    if len(vector) > style().columns and place[0] == 0.5:
        draw_elements(scene, axes, vector, pen)
        return
    x, y = axes.px(place), axes.py(vector)
    pieces = pieces_of(np.isfinite(place) & np.isfinite(vector))
    scene.polylines([(x[p], y[p]) for p in pieces if p.stop - p.start > 1], pen)
    alone = [p.start for p in pieces if p.stop - p.start == 1]
    scene.dots(x[alone], y[alone], Pen(pen.paint, pen.width * 2.4))


def span_of(values: Floats) -> tuple[float, float] | None:
    """Least and greatest finite value; None when there is none."""
    good = values[np.isfinite(values)]
    return (float(good.min()), float(good.max())) if len(good) else None


def _axes(y: float, looks: Sequence[_Look]) -> Axes:
    limits = range_of([span for found in looks for span in found.spans()]) or (0.0, 1.0)
    left = left_margin(*limits, 240, style())
    spans = [span_of(place) for found in looks for place in found.places]
    known = [span for span in spans if span is not None] or [(0.0, 1.0)]
    across = min(low for low, _ in known), max(high for _, high in known)
    across = (0.0, across[1] + 0.5) if across[0] == 0.5 else padded(*across, 0.02)
    return Axes(Box(left, y, style().width - left - 12, 240), across, limits)


def _place(where: Series, time: int, length: int) -> Floats | None:
    """The positions of a vector: of the same length, and nearest to it in time."""
    order = np.argsort(np.abs(where.time - time), kind="stable")
    for i in order[:50]:
        if len(where.value[i]) == length:
            return np.asarray(where.value[i], dtype=np.float64)
    return None


def _alt(name: str, found: _Look) -> str:
    last = found.vectors[-1]
    span = span_of(last)
    if span is None:
        return f"{name}: the last vector has no finite element"
    at = int(np.argmax(np.where(np.isfinite(last), last, -np.inf)))
    return (
        f"{name}: last of {found.count:,} vectors, {len(last):,} elements from {number(span[0])} "
        f"to {number(span[1])}, greatest at element {at}"
    )
