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
from oaflib.plots.grid import Grid, grid
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.ticks import local, number, padded
from oaflib.plots.waterfall import draw_band, draw_elements, pieces_of
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind


@dataclass(frozen=True)
class Profile(Plot):
    """The last vector of the window, within the least and the greatest value of each element.

    Several variables of one unit share a picture, each with its last vector only.

    Attributes
    ----------
    positions : a vector variable with the place of each element (a wire scanner's positions); the
        number of the element when empty.
    element : what the elements are, when there are no positions.
    """

    kind: ClassVar[str] = "profile"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.VECTORNUMERIC,)

    positions: str = ""
    element: str = "element"

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
            groups.setdefault(records.entries[name].variable.unit, []).append(name)
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
        look, window = style(), records.window
        _, labels = shortened(names)
        title = self.title or title_of(names)
        grids: dict[str, Grid] = {}
        said = list(notes)
        for name in names:
            series = records[name]
            if any(len(sample) for sample in series.value):
                grids[name] = grid(series, window, 1, 1 if len(names) > 1 else 60)
            else:
                said.append(f"the vectors of {name} have no elements")
        if not grids:
            return Trouble(title, listed(said))
        unit = records.entries[names[0]].variable.unit
        scene = Scene(look.width, 2000)
        y = heading(scene, title, "", look)
        y += legend(scene, self._keys(grids, names, labels, records), Box(8, y, 704, 0), look)
        places = {name: self._places(found, records, said) for name, found in grids.items()}
        axes = self._axes(y + look.font * SMALL * 1.5, grids, places)
        frame(scene, axes)
        value_axis(scene, axes, unit, look)
        where = records.entries[self.positions].variable.unit if self.positions else ""
        label = f"{self.positions} [{where}]" if where else self.positions
        number_axis(scene, axes, label or self.element, look)
        for i, name in enumerate(names):
            if name in grids:
                alone = len(grids) == 1
                self._draw(scene, axes, grids[name], (places[name], colours.line(i), alone))
        scene.height = axes.box.bottom + look.font * SMALL * 3.2
        alt = listed([_alt(name, found) for name, found in grids.items()], 8)
        return finished(scene, Words(title, listed(said), alt, tuple(names), self.kind), look)

    def _keys(
        self,
        grids: dict[str, Grid],
        names: Sequence[str],
        labels: Sequence[str],
        records: Records,
    ) -> list[Key]:
        if len(names) == 1:
            when = local(grids[names[0]].last_time, records.window.zone)
            band = Key("least to greatest of the window", "l0", swatch=True)
            return [Key(f"last, {when}", "c0"), band]
        pairs = enumerate(zip(names, labels, strict=True))
        return [Key(label, colours.line(i)) for i, (name, label) in pairs if name in grids]

    def _places(self, found: Grid, records: Records, said: list[str]) -> Floats | None:
        """The positions of the elements of the last vector; None for their numbers."""
        if not self.positions:
            return None
        window = records.window
        series = records[self.positions].between(window.start_ns, window.end_ns)
        for sample in series.value[::-1]:
            if len(sample) == len(found.last):
                return np.asarray(sample, dtype=np.float64)
        said.append(f"no positions have the {len(found.last):,} elements of the last vector")
        return None

    def _axes(
        self,
        y: float,
        grids: dict[str, Grid],
        places: dict[str, Floats | None],
    ) -> Axes:
        look = style()
        pieces = []
        for found in grids.values():
            pieces.append(_span(found.last))
            if len(grids) == 1 and all(place is None for place in places.values()):
                pieces += [_span(found.low), _span(found.high)]
        limits = range_of(pieces) or (0.0, 1.0)
        left = left_margin(*limits, 240, look)
        across = (0.0, float(max(found.elements for found in grids.values())))
        spans = [span for place in places.values() if place is not None and (span := _span(place))]
        if spans:
            across = padded(min(low for low, _ in spans), max(high for _, high in spans), 0.02)
        return Axes(Box(left, y, look.width - left - 12, 240), across, limits)

    def _draw(
        self, scene: Scene, axes: Axes, found: Grid, how: tuple[Floats | None, str, bool]
    ) -> None:
        place, paint, alone = how
        if place is None:
            if alone:
                draw_band(scene, axes, (found.low, found.high), Pen("l0", 0.8))
            draw_elements(scene, axes, found.last, Pen(paint, 1.4))
            return
        x, y = axes.px(place), axes.py(found.last)
        pieces = pieces_of(np.isfinite(place) & np.isfinite(found.last))
        scene.polylines([(x[piece], y[piece]) for piece in pieces], Pen(paint, 1.4))


def _span(values: Floats) -> tuple[float, float] | None:
    good = values[np.isfinite(values)]
    return (float(good.min()), float(good.max())) if len(good) else None


def _alt(name: str, found: Grid) -> str:
    span = _span(found.last)
    if span is None:
        return f"{name}: the last vector has no finite element"
    at = int(np.nanargmax(np.where(np.isfinite(found.last), found.last, -np.inf)))
    return (
        f"{name}: last vector of {len(found.last):,} elements from {number(span[0])} to "
        f"{number(span[1])}, greatest at element {at}"
    )
