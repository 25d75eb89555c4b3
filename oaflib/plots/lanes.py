"""Texts and states over time, a lane each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from oaflib.plots import colours
from oaflib.plots.axes import SMALL, Axes, Key, frame, heading, legend, time_axis
from oaflib.plots.base import Plot, Verdicts, Words, field_of, finished, listed, shortened, title_of
from oaflib.plots.picture import Drawn, style
from oaflib.plots.scene import Box, Pen, Scene, Type, fitted, text_width
from oaflib.plots.states import MIXED, States, crowded, draw_states, state_paints, states_of
from oaflib.plots.ticks import number
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind

_ROWS = 30
_KEYS = 16


@dataclass(frozen=True)
class Lanes(Plot):
    """Texts, lists of texts and states over time: a lane each, a block for each stretch without
    a change.

    What was before the first sample is drawn where the source knows it, and left blank where not.
    Numbers are taken too, as states: for flags, modes and settings.
    """

    kind: ClassVar[str] = "lanes"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TEXTUAL, Kind.VECTORSTRING, Kind.NUMERIC)

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for every thirty variables."""
        texts = self if self.variables else _Texts(title=self.title)
        names, notes = texts.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        verdicts = Verdicts(outcomes)
        parts = []
        for group in _families(verdicts.worst_first(names)):
            parts += [group[first : first + _ROWS] for first in range(0, len(group), _ROWS)]
        most = style().most
        left_out = sum(len(part) for part in parts[most:])
        if left_out:
            notes.append(f"{left_out} more variables are not drawn")
        for part in parts[:most]:
            yield self._picture(part, records, verdicts, notes)
            notes = []

    def _picture(
        self, names: Sequence[str], records: Records, verdicts: Verdicts, notes: Sequence[str]
    ) -> Drawn:
        look, window = style(), records.window
        lanes = [states_of(name, records) for name in names]
        _, labels = shortened(names)
        title = self.title or title_of(names)
        height = 34.0 if len(names) <= 10 else 26.0
        size = min(look.font * SMALL, height * 0.5)
        left = min(230.0, max(44.0, 32 + max(text_width(label, size) for label in labels)))
        if len(names) == 1 and not self.title:
            left, labels = 16.0, [""]
        scene = Scene(look.width, 4000)
        y = heading(scene, title, "", look) + 2
        x = (float(window.start_ns), float(window.end_ns))
        whole = Axes(Box(left, y, look.width - left - 10, height * len(names)), x, (0, 1))
        frame(scene, whole)
        paints = state_paints(list(dict.fromkeys(text for lane in lanes for text in lane.values)))
        written: set[str] = set()
        time_axis(scene, whole, window, look)
        for i, (lane, label) in enumerate(zip(lanes, labels, strict=True)):
            box = Box(left, y + i * height + 2, whole.box.w, height - 4)
            written |= draw_states(scene, Axes(box, x, (0, 1)), lane, paints)
            self._mark(scene, Axes(box, x, (0, 1)), lane, verdicts)
            middle = box.y + box.h / 2 + size * 0.35
            if label:
                said = fitted(label, size, left - 30)
                scene.text(left - 6, middle, said, Type(size, "ink", "end"))
        y = whole.box.bottom + look.font * SMALL * 3.1
        keys = [Key(t, paints[t], swatch=True) for t in paints if t not in written]
        if len(keys) > _KEYS:
            notes = [*notes, f"{len(keys) - _KEYS} more texts have no name in the legend"]
        if any(crowded(lane, whole) for lane in lanes):
            said = (
                "where changes are too close to be told apart, colours share the height as texts "
            )
            notes = [*notes, f"{said}share the time"]
        elif any(_merged(lane, whole) for lane in lanes):
            keys = [
                *keys[: _KEYS - 1],
                Key("changes too fast to be told apart", "frame", swatch=True),
            ]
        y += legend(scene, keys[:_KEYS], Box(8, y, look.width - 16, 0), look)
        scene.height = y + 6
        words = Words(
            title, listed(notes), listed([_alt(s) for s in lanes], 8), tuple(names), self.kind
        )
        return finished(scene, words, look)

    def _mark(self, scene: Scene, axes: Axes, lane: States, verdicts: Verdicts) -> None:
        worst = verdicts.worst(lane.name)
        if worst is None or not verdicts.bad(lane.name):
            return
        word, box = colours.WORDS[worst], axes.box
        scene.text(*(4, box.y + box.h / 2 + 5, colours.SYMBOLS[worst]), Type(15, word, bold=True))
        for outcome in verdicts.of(lane.name):
            if outcome.since is not None and axes.x[0] <= outcome.since < axes.x[1]:
                at = float(axes.px(outcome.since))
                scene.lines([(at, box.y - 1, at, box.bottom + 1)], Pen(word, 1.6))
                scene.triangles([(at, box.y + 6)], -8, word)


@dataclass(frozen=True)
class _Texts(Plot):
    """What lanes show when they are not told."""

    kind: ClassVar[str] = "lanes"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TEXTUAL, Kind.VECTORSTRING)


def _families(names: Sequence[str]) -> list[list[str]]:
    """Three or more variables of one field together, the others together; in their order."""
    fields: dict[str, list[str]] = {}
    for name in names:
        fields.setdefault(field_of(name), []).append(name)
    alone = [name for name in names if len(fields[field_of(name)]) < 3]
    families = [group for group in fields.values() if len(group) >= 3]
    return sorted([*families, *([alone] if alone else [])], key=lambda g: names.index(g[0]))


def _merged(lane: States, axes: Axes) -> bool:
    at = axes.px(lane.start)
    return bool(len(at) > 1 and (at[1:] - at[:-1]).min() < 1.0)


def _alt(lane: States) -> str:
    values = lane.values
    few = ", ".join(values[:6]) + (f" and {len(values) - 6} more" if len(values) > 6 else "")
    plural = "s" if lane.changes != 1 else ""
    return f"{lane.name}: {number(lane.changes)} change{plural} among {few or MIXED}"
