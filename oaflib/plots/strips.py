"""Hundreds of devices, each a strip of one axes, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from oaflib.plots import colours
from oaflib.plots.axes import SMALL, Axes, frame, heading, range_of, time_axis
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed, shortened, title_of
from oaflib.plots.curve import Curve, curve_of
from oaflib.plots.interventions import done_within
from oaflib.plots.picture import Drawn, style
from oaflib.plots.scene import Box, Pen, Scene, Type, fitted, text_width
from oaflib.plots.states import draw_modes, mode_variable
from oaflib.plots.ticks import number
from oaflib.plots.trend import limits_of
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind

ROWS = 50  # in one picture


@dataclass(frozen=True)
class SmallMultiples(Plot):
    """Many numbers over time, each in a strip of its own, those with alarms on top.

    Attributes
    ----------
    scale : ``own``: each strip from its least to its greatest value, which stand beside it;
        ``shared``: all strips of one unit alike.
    """

    kind: ClassVar[str] = "small_multiples"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    scale: Literal["own", "shared"] = "own"

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for every fifty variables, as many as the style allows."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        verdicts = Verdicts(outcomes)
        names = verdicts.worst_first(names)
        common, labels = shortened(names)
        most = style().strips or ROWS * style().most
        if len(names) > most:
            notes.append(f"{len(names) - most} more variables, none worse, are not drawn")
        for first in range(0, min(len(names), most), ROWS):
            part = slice(first, min(first + ROWS, most))
            rows = _Rows(records, verdicts, names[part], labels[part], self.scale)
            title = self.title or common or title_of(names)
            if len(names) > ROWS:
                title += f" ({first + 1} to {min(first + ROWS, most, len(names))} of {len(names)})"
            yield rows.picture(title, notes if first == 0 else [], self.kind)


@dataclass(frozen=True)
class _Rows:
    """The strips of one picture."""

    records: Records
    verdicts: Verdicts
    names: Sequence[str]
    labels: Sequence[str]
    scale: str

    def picture(self, title: str, notes: Sequence[str], kind: str) -> Drawn:
        look, window = style(), self.records.window
        n = len(self.names)
        columns = look.columns * (8 if n <= 16 else 6 if n <= 30 else 4) // 16
        curves = [curve_of(name, self.records, columns) for name in self.names]
        shared = self._shared(curves)
        height = 30.0 if n <= 16 else 22.0 if n <= 30 else 17.0
        size = min(look.font * SMALL, height * 0.68)
        left = min(250.0, 26 + max(text_width(label, size) for label in self.labels))
        right = 118.0
        scene = Scene(look.width, 4000)
        unit = curves[0].unit
        note = "each strip in its own scale, least and greatest value at its right"
        if self.scale == "shared":
            note = "all strips in one scale; least and greatest value at the right"
        y = heading(scene, title, f"[{unit}] · {note}" if unit else note, look)
        x = (float(window.start_ns), float(window.end_ns))
        box = Box(left, y, look.width - left - right, 14)
        mode = mode_variable(self.records)
        if mode is not None:
            draw_modes(scene, Axes(box, x, (0, 1)), mode, self.records, look)
            y += 20
        whole = Axes(Box(left, y, box.w, n * height), x, (0, 1))
        frame(scene, whole)
        time_axis(scene, whole, window, look)
        for i, (curve, label) in enumerate(zip(curves, self.labels, strict=True)):
            strip = Box(left, y + i * height, box.w, height)
            limits = shared.get(curve.unit) if self.scale == "shared" else range_of([curve.limits])
            self._row(scene, Axes(strip, x, limits or (0.0, 1.0)), curve, label)
            for one in done_within([curve.name], self.records):
                at = float(whole.px(one.time))
                scene.lines([(at, strip.y, at, strip.bottom)], Pen("soft", 1.4))
                notes = [*notes, f"{label}: {one}"]
        scene.height = whole.box.bottom + look.font * SMALL * 3.2
        bad = [name for name in self.names if self.verdicts.bad(name)]
        alt = f"{n} variables as strips over time"
        alt += f"; with warnings or alarms: {', '.join(bad[:8])}" if bad else "; none with an alarm"
        words = Words(title, listed(notes), alt, tuple(self.names), kind)
        return finished(scene, words, look)

    def _shared(self, curves: Sequence[Curve]) -> dict[str, tuple[float, float] | None]:
        units = {curve.unit for curve in curves}
        return {unit: range_of([c.limits for c in curves if c.unit == unit]) for unit in units}

    def _row(self, scene: Scene, axes: Axes, curve: Curve, label: str) -> None:
        box = axes.box
        size = min(style().font * SMALL, box.h * 0.68)
        middle = box.y + box.h / 2 + size * 0.35
        worst = self.verdicts.worst(curve.name)
        bad = worst is not None and self.verdicts.bad(curve.name)
        paint = colours.WORDS[worst] if worst is not None and bad else "c0"
        if worst is not None and bad:
            ground = f"{colours.WORDS[worst]}fill"
            scene.rect(Box(0, box.y, box.x, box.h), ground)
            scene.text(6, middle, colours.SYMBOLS[worst], Type(size, paint, bold=True))
        room = box.x - 24
        fitting = max(9.5, min(size, room / max(1.0, text_width(label, 1.0))))
        label = fitted(label, fitting, room)
        scene.text(box.x - 6, middle, label, Type(round(fitting, 1), "ink", "end"))
        scene.lines([(0, box.bottom, scene.width, box.bottom)], Pen("grid", 0.8))
        if curve.limits is None:
            said = "only NaN" if curve.missing else "no finite sample"
            scene.text(box.x + 8, middle, said, Type(size, "soft"))
            return
        inner = Axes(Box(box.x, box.y + 1.5, box.w, box.h - 3), axes.x, axes.y)
        for outcome in self.verdicts.of(curve.name):
            for _, value in limits_of(outcome, curve.unit, curve.limits):
                if axes.y[0] <= value <= axes.y[1]:
                    at = float(inner.py(value))
                    scene.lines([(box.x, at, box.right, at)], Pen(paint, 0.9, 3.0, 0.7))
            if bad and outcome.since is not None and axes.x[0] <= outcome.since < axes.x[1]:
                at = float(axes.px(outcome.since))
                scene.lines([(at, box.y, at, box.bottom)], Pen(paint, 1.0))
        curve.draw(scene, inner, Pen(paint, 1.0))
        low, high = curve.limits
        said = number(low, 4) if low == high else f"{number(low, 4)} … {number(high, 4)}"
        small = min(size, 112 / max(1.0, text_width(said, 1.0)))
        scene.text(box.right + 5, middle, said, Type(round(small, 1), "soft"))
