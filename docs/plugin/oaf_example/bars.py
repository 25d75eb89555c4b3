"""The last value of each variable, a bar each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.plots.axes import SMALL, Axes, frame, heading, number_axis
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed
from oaflib.plots.picture import Drawn, style
from oaflib.plots.scene import Box, Scene, Type, fitted
from oaflib.plots.ticks import number, padded
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind

_HEIGHT = 26.0
_MOST = 30


@dataclass(frozen=True)
class Bars(Plot):
    """The last finite value of each variable as a bar from zero, the worst variables first."""

    kind: ClassVar[str] = "bars"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """One picture of at most 30 bars."""
        names, notes = self.chosen(records)
        last = {name: _last(records, name) for name in Verdicts(outcomes).worst_first(names)}
        bars = {name: value for name, value in last.items() if value is not None}
        notes += [f"{name} has no finite value" for name in last if name not in bars]
        if not bars:
            yield self.nothing(notes)
            return
        shown = dict(list(bars.items())[:_MOST])
        if len(bars) > _MOST:
            notes.append(f"{len(bars) - _MOST} more are not drawn")
        look = style()
        title = self.title or "Last values"
        units = list(dict.fromkeys(records.entries[name].variable.unit for name in shown))
        scene = Scene(look.width, 3000)
        top = heading(scene, title, "", look)
        size, left = look.font * SMALL, look.width * 0.4
        box = Box(left, top, look.width - left - 20, _HEIGHT * len(shown))
        axes = Axes(box, padded(min(0.0, *shown.values()), max(0.0, *shown.values())), (0, 1))
        frame(scene, axes)
        number_axis(scene, axes, ", ".join(filter(None, units)), look)
        zero, *ends = axes.px([0.0, *shown.values()]).tolist()
        for row, (name, end) in enumerate(zip(shown, ends, strict=True)):
            y = top + row * _HEIGHT
            width = max(1.0, abs(end - zero))
            scene.rect(Box(min(zero, end), y + 5, width, _HEIGHT - 10), "c0")
            text = fitted(name, size, left - 12)
            scene.text(left - 8, y + _HEIGHT / 2 + size * 0.36, text, Type(size, "ink", "end"))
        scene.height = box.bottom + size * 3.2
        alt = f"{title}: " + listed([f"{name} {number(value)}" for name, value in shown.items()])
        yield finished(scene, Words(title, listed(notes), alt, tuple(shown), self.kind), look)


def _last(records: Records, name: str) -> float | None:
    value = records[name].value
    finite = value[np.isfinite(value)]
    return float(finite[-1]) if len(finite) else None
