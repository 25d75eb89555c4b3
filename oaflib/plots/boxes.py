"""Values by cycle, beam mode or any other state: a box each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.plots.axes import SMALL, Axes, frame, heading, number_axis
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed, matching
from oaflib.plots.envelope import Floats, percentiles
from oaflib.plots.grid import at_times
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene, Type, fitted, text_width
from oaflib.plots.states import mode_variable, states_of
from oaflib.plots.ticks import number, padded
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind

_GROUPS = 24


@dataclass(frozen=True)
class Boxes(Plot):
    """Values grouped by a state: half of them lie in the box, nine tenths between the whiskers,
    the line is the median, the dots are the least and the greatest.

    Attributes
    ----------
    by : the variable that says the state (cycle, user, beam mode); the beam mode when empty.
    """

    kind: ClassVar[str] = "boxes"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    by: str = ""

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for each variable, the worst first."""
        names, notes = self.chosen(records)
        by: str | None = mode_variable(records)
        if self.by:
            by = next(iter(matching(self.by, records)), None)
        if by is None:
            what = f"no variable of the records is called {self.by}"
            asked = "there is no beam mode among the records; say which state in 'by'"
            yield Trouble(self.title or self.kind, what if self.by else asked)
            return
        names = [name for name in Verdicts(outcomes).worst_first(names) if name != by]
        if not names:
            yield self.nothing(notes)
            return
        for name in names[: 2 * style().most]:
            yield self._picture(name, by, records, notes)
            notes = []
        if len(names) > 2 * style().most:
            yield Trouble(self.kind, f"{len(names) - 2 * style().most} more are not drawn")

    def _picture(self, name: str, by: str, records: Records, notes: Sequence[str]) -> Drawn:
        look = style()
        groups = grouped(name, by, records)
        title = self.title or f"{name} by {by}"
        if not groups:
            return Trouble(title, "no finite sample at a time when the state is known")
        said = list(notes)
        if len(groups) > _GROUPS:
            said.append(f"{len(groups) - _GROUPS} more states, with fewer samples, are not drawn")
            most = sorted(groups, key=lambda text: -len(groups[text]))[:_GROUPS]
            groups = {text: values for text, values in groups.items() if text in most}
        five = {t: percentiles(v, (0, 5, 25, 50, 75, 95, 100)) for t, v in groups.items()}
        low = min(f[0] for f in five.values())
        high = max(f[-1] for f in five.values())
        scene = Scene(look.width, 3000)
        y = heading(scene, title, "", look)
        size, height = look.font * SMALL, 26.0
        left = min(220.0, 16 + max(text_width(text, size) for text in groups))
        room = max(text_width(f"{len(v):,}", size) for v in groups.values()) + 14
        box = Box(left, y, look.width - left - room, height * len(groups))
        axes = Axes(box, padded(low, high), (0, 1))
        frame(scene, axes)
        unit = records.entries[name].variable.unit
        number_axis(scene, axes, unit, look)
        for i, (text, stats) in enumerate(five.items()):
            self._box(scene, axes, y + i * height, stats)
            base = y + (i + 0.5) * height + size * 0.36
            scene.text(left - 8, base, fitted(text, size, left - 12), Type(size, "ink", "end"))
            count = f"{len(groups[text]):,}"
            scene.text(look.width - 6, base, count, Type(size, "soft", "end"))
        scene.height = axes.box.bottom + size * 3.2
        said.append("At the right the number of samples")
        alt = f"{name} by {by}: " + listed(
            [f"{t}: median {number(f[3])}, {len(groups[t]):,} samples" for t, f in five.items()], 12
        )
        words = Words(title, listed(said), alt, (name, by), self.kind)
        return finished(scene, words, look)

    def _box(self, scene: Scene, axes: Axes, top: float, stats: Sequence[float]) -> None:
        least, p5, p25, p50, p75, p95, most = axes.px(stats).tolist()
        middle = top + 13
        scene.lines([(p5, middle, p25, middle), (p75, middle, p95, middle)], Pen("c0", 1.3))
        scene.lines([(x, middle - 4, x, middle + 4) for x in (p5, p95)], Pen("c0", 1.3))
        scene.rect(Box(p25, top + 5, max(1.0, p75 - p25), 16), "l0")
        scene.lines([(p50, top + 4, p50, top + 22)], Pen("c0", 2.4))
        scene.dots([least, most], [middle, middle], Pen("c0", 3.6))


def grouped(name: str, by: str, records: Records) -> dict[str, Floats]:
    """Finite samples of `name` by the state `by` had at their times, in order of appearance."""
    window = records.window
    series = records[name].between(window.start_ns, window.end_ns)
    states = states_of(by, records)
    value = series.value.astype(np.float64, copy=False)
    place = at_times(states.start, series.time)
    known = (place >= 0) & np.isfinite(value)
    texts = np.array([text or "" for text in states.text], dtype=object)
    groups: dict[str, Floats] = {}
    kinds, index = np.unique(texts, return_inverse=True)
    of_sample = index[np.maximum(place, 0)]
    for text in states.values:
        chosen = known & (of_sample == int(np.searchsorted(kinds, text)))
        if chosen.any():
            groups[text] = value[chosen]
    return groups
