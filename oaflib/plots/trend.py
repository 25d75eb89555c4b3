"""Numbers over time."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from oaflib.expression import open_intervals
from oaflib.plots import colours
from oaflib.plots.axes import (
    SMALL,
    Axes,
    Key,
    frame,
    heading,
    left_margin,
    legend,
    range_of,
    time_axis,
    value_axis,
)
from oaflib.plots.base import Plot, Verdicts, Words, field_of, finished, listed, shortened, title_of
from oaflib.plots.curve import Curve, curve_of
from oaflib.plots.interventions import done_within, draw_interventions
from oaflib.plots.live import live_axes, live_picture, live_series
from oaflib.plots.picture import Drawn, Style, style, using
from oaflib.plots.scene import Box, Pen, Scene, Type, text_width
from oaflib.plots.states import draw_modes, mode_variable
from oaflib.plots.ticks import number, value_ticks
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind
from oaflib.shares import spread

_MANY = 200  # strips that are worth several processes
_PANELS = 3  # of different units, in one picture
_LIMITS = 4  # lines of limits an axes takes before it is unreadable
_MARKS = 12


@dataclass(frozen=True)
class Limit:
    """A limit of a check, to be drawn across an axes."""

    word: str
    value: float
    paint: str


@dataclass
class Panel:
    """Curves that share an axis of values."""

    unit: str
    curves: list[Curve] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    common: str = ""


@dataclass(frozen=True)
class Trend(Plot):
    """Numbers over time; those of one unit share an axis, limits and alarms are marked.

    Each line is the band between the least and the greatest value of each column of pixels, so no
    spike is lost; it breaks where samples are NaN or where a regular series stops. More than eight
    variables of a unit are drawn as strips, the worst first.

    Attributes
    ----------
    gate : expression; where it is not true the ground is shaded.
    separate : an axis for each variable, whatever its unit.
    """

    kind: ClassVar[str] = "trend"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    gate: str = ""
    separate: bool = False

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """One picture for up to three units; strips for a unit of many variables."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        verdicts = Verdicts(outcomes)
        groups = self._groups(names, records)
        few = [group for group in groups if len(group) <= colours.LINES]
        yield from self._strips([g for g in groups if len(g) > colours.LINES], records, outcomes)
        few.sort(key=lambda group: -max(verdicts.rank(name) for name in group))
        for first in range(0, len(few), _PANELS):
            panels = [self._panel(group, records) for group in few[first : first + _PANELS]]
            yield self._picture(panels, records, verdicts, notes if first == 0 else [])

    def _strips(
        self, groups: Sequence[Sequence[str]], records: Records, outcomes: Sequence[Outcome]
    ) -> Iterator[Drawn]:
        """Strips of each unit; of very many variables the worst, shared out between the units."""
        from oaflib.plots.strips import ROWS, SmallMultiples

        look = style()
        left, shares = ROWS * look.most, {}
        for place, i in enumerate(sorted(range(len(groups)), key=lambda i: len(groups[i]))):
            shares[i] = max(1, min(len(groups[i]), left // (len(groups) - place)))
            left -= shares[i]

        def drawn(i: int) -> list[Drawn]:
            with using(replace(look, strips=shares[i])):
                strips = SmallMultiples(tuple(groups[i]), self.title)
                return list(strips.figures(records, outcomes))

        every = range(len(groups))
        many = sum(shares.values()) >= _MANY
        made: dict[int, list[Drawn] | None] = dict.fromkeys(every)
        if many and (processes := min(len(os.sched_getaffinity(0)), len(groups))) > 1:
            made.update(spread(drawn, every, processes))
        for i in every:
            yield from made[i] or drawn(i)

    def _groups(self, names: Sequence[str], records: Records) -> list[list[str]]:
        """The variables that share an axis: of one unit, and without units of one field."""
        groups: dict[object, list[str]] = {}
        for name in names:
            unit = records.entries[name].variable.unit
            key: object = name if self.separate else unit or ("", field_of(name))
            groups.setdefault(key, []).append(name)
        return list(groups.values())

    def _panel(self, group: Sequence[str], records: Records) -> Panel:
        common, labels = shortened(group)
        curves = [curve_of(name, records, style().columns) for name in group]
        return Panel(records.entries[group[0]].variable.unit, curves, labels, common)

    def _picture(
        self, panels: Sequence[Panel], records: Records, verdicts: Verdicts, notes: Sequence[str]
    ) -> Drawn:
        look = style()
        names = tuple(curve.name for panel in panels for curve in panel.curves)
        title = self.title or _title(panels)
        drawing = _Drawing(records, verdicts, look, [*notes])
        scene = drawing.scene(panels, title, self.gate)
        alt = listed([_alt(c, verdicts) for panel in panels for c in panel.curves], 8)
        caption = listed([*_what(panels, records), *drawing.notes], 8)
        words = Words(title, caption, alt, names, self.kind)
        return finished(scene, words, look, drawing.live(scene))


@dataclass
class _Drawing:
    """A picture of panels on its way."""

    records: Records
    verdicts: Verdicts
    look: Style
    notes: list[str]
    placed: list[tuple[Axes, Panel]] = field(default_factory=list)
    modes: Box | None = None

    def live(self, scene: Scene) -> dict[str, Any] | None:
        """The values of what was drawn, for a page that reads them off."""
        if not self.look.interactive:
            return None
        columns = self.look.columns
        axes: list[dict[str, Any]] = []
        for place, panel in self.placed:
            curves = enumerate(panel.curves)
            made = live_axes(
                place, panel.unit, [live_series(c, colours.line(i), columns) for i, c in curves]
            )
            made["limits"] = [
                [round(float(place.py(limit.value)), 1), limit.word, limit.value, limit.paint]
                for limit in self._limits(panel)[:_LIMITS]
                if place.y[0] <= limit.value <= place.y[1]
            ]
            if self.modes is not None and not axes:
                made["lane"] = [round(self.modes.y, 1), round(self.modes.h, 1)]
            axes.append(made)
        return live_picture(self.records.window, columns, (scene.width, scene.height), axes)

    def scene(self, panels: Sequence[Panel], title: str, gate: str) -> Scene:
        look, window = self.look, self.records.window
        ranges = [self._range(panel) for panel in panels]
        height = {1: 230.0, 2: 170.0}.get(len(panels), 140.0)
        left = max(left_margin(*r, height, look) for r in ranges)
        width = look.width - left - 10
        scene = Scene(look.width, 2000)
        if len(panels) == 1 and panels[0].labels == [title] and self.verdicts.bad(title):
            title = f"{colours.SYMBOLS[self.verdicts.of(title)[0].severity]} {title}"
        y = heading(scene, title, "", look)
        mode = mode_variable(self.records)
        x = (float(window.start_ns), float(window.end_ns))
        if mode is not None:
            lane = Axes(Box(left, y, width, 18), x, (0, 1))
            draw_modes(scene, lane, mode, self.records, look)
            self.modes = lane.box
            y += 24
        closed = self._closed(gate)
        done = done_within([curve.name for panel in panels for curve in panel.curves], self.records)
        for i, (panel, limits) in enumerate(zip(panels, ranges, strict=True)):
            y += self._legend(scene, panel, Box(8, y, look.width - 16, 0), title)
            y += look.font * SMALL * (1.4 if unit_said(panel.unit, limits) else 0.4)
            whole = all(curve.steps for curve in panel.curves)
            axes = Axes(Box(left, y, width, height), x, limits, whole)
            frame(scene, axes)
            shade(scene, axes, closed)
            value_axis(scene, axes, panel.unit, look)
            time_axis(scene, axes, window, look, label=i == len(panels) - 1)
            self._draw(scene, axes, panel)
            said = draw_interventions(scene, axes, done)
            self.placed.append((axes, panel))
            y = axes.box.bottom + 8
        scene.height = y + look.font * SMALL * 2.6
        self.notes.extend(said if done else ())
        return scene

    def _legend(self, scene: Scene, panel: Panel, box: Box, title: str) -> float:
        taken = 0.0
        if panel.labels == [title.lstrip("✕!? ")]:  # the title says it
            return 0.0
        if panel.common and panel.common != title:
            size = self.look.font * 0.87
            scene.text(box.x, box.y + size, panel.common, Type(size, "soft"))
            taken = size * 1.5
        keys = []
        for i, (curve, label) in enumerate(zip(panel.curves, panel.labels, strict=True)):
            worst = self.verdicts.worst(curve.name)
            bad = self.verdicts.bad(curve.name)
            text = f"{label} {colours.SYMBOLS[worst]}" if bad and worst else label
            if curve.limits is None:
                text += " (no number)"
            keys.append(Key(text, colours.line(i), strong=bad))
        return taken + legend(scene, keys, Box(box.x, box.y + taken, box.w, 0), self.look)

    def _range(self, panel: Panel) -> tuple[float, float]:
        own = range_of([curve.limits for curve in panel.curves])
        if own is None:
            return 0.0, 1.0
        low, high = own
        room = (high / 2 - low / 2) * 2
        near = []
        for limit in self._limits(panel):
            reach = room if limit.paint == "soft" else 5 * room  # a violation should be seen as one
            if low - reach <= limit.value <= high + reach:
                near.append(limit.value)
        if not near:
            return own
        return range_of([(min(low, *near), max(high, *near))]) or own

    def _limits(self, panel: Panel) -> list[Limit]:
        found: dict[tuple[str, float], Limit] = {}
        for curve in sorted(panel.curves, key=lambda c: -self.verdicts.rank(c.name)):
            for outcome in self.verdicts.of(curve.name):
                for word, value in limits_of(outcome, curve.unit, curve.limits):
                    paint = colours.WORDS[outcome.severity]
                    paint = paint if paint in ("alarm", "warning") else "soft"
                    found.setdefault((word, value), Limit(word, value, paint))
        return list(found.values())

    def _draw(self, scene: Scene, axes: Axes, panel: Panel) -> None:
        order = sorted(
            range(len(panel.curves)), key=lambda i: self.verdicts.rank(panel.curves[i].name)
        )
        many = len(panel.curves) > 1
        for i in order:
            curve = panel.curves[i]
            noisy = curve.envelope is not None
            pen = Pen(colours.line(i), 1.3, opacity=0.85 if many and noisy else 1.0)
            curve.draw_band(scene, axes, pen)
            self._said(curve)
        for i in order:  # lines over all bands, the worst on top
            panel.curves[i].draw_line(scene, axes, Pen(colours.line(i), 1.3))
        self._draw_limits(scene, axes, panel)
        self._draw_marks(scene, axes, panel)

    def _said(self, curve: Curve) -> None:
        if curve.limits is None:
            what = "only NaN" if curve.missing else "no finite sample"
            self.notes.append(f"{curve.name} has {what}")
        elif curve.infinite:
            self.notes.append(f"{curve.name} has infinite samples, at the triangles on the edge")

    def _draw_limits(self, scene: Scene, axes: Axes, panel: Panel) -> None:
        limits = self._limits(panel)
        if len(limits) > _LIMITS:
            self.notes.append(f"{len(limits) - _LIMITS} more limits are not drawn")
        low, high = axes.y
        size = self.look.font * SMALL
        on_axis = [limit for limit in limits[:_LIMITS] if low <= limit.value <= high]
        used: list[float] = []
        for limit in on_axis:
            y = float(axes.py(limit.value))
            scene.lines([(axes.box.x, y, axes.box.right, y)], Pen(limit.paint, 1.4, 5.0))
            text = f"{limit.word} {number(limit.value)}"
            baseline = _free(y, axes.box, size, used)
            w = text_width(text, size)
            ground = Box(axes.box.right - w - 8, baseline - size, w + 6, size * 1.3)
            scene.rect(ground, "plot", 0.75)
            scene.text(
                axes.box.right - 5, baseline, text, Type(size, limit.paint, "end", bold=True)
            )
        # the others are named at the left edge they lie beyond, clear of the lines
        taken = [float(axes.py(limit.value)) + size * 0.35 for limit in on_axis]
        for limit in limits[:_LIMITS]:
            if limit not in on_axis:
                text = f"{limit.word} {number(limit.value)} {'↑' if limit.value > high else '↓'}"
                baseline = _free(float(axes.py(limit.value)), axes.box, size, taken)
                scene.text(axes.box.x + 6, baseline, text, Type(size, limit.paint, bold=True))

    def _draw_marks(self, scene: Scene, axes: Axes, panel: Panel) -> None:
        seen: set[tuple[int, str]] = set()
        for curve in panel.curves:
            for outcome in self.verdicts.of(curve.name):
                word = colours.WORDS[outcome.severity]
                if outcome.since is None or word in ("ok", "na"):
                    continue
                if axes.x[0] <= outcome.since < axes.x[1] and len(seen) < _MARKS:
                    seen.add((outcome.since, word))
        for since, word in sorted(seen):
            x = float(axes.px(since))
            scene.lines([(x, axes.box.y, x, axes.box.bottom)], Pen(word, 1.0, 2.5))
            scene.triangles([(x, axes.box.y + 8)], -10, word)

    def _closed(self, gate: str) -> list[tuple[float, float]]:
        if not gate.strip():
            return []
        found = open_intervals(gate, self.records)
        self.notes.append(f"shaded: not {gate}")
        self.notes.extend(found.notes)
        bounds = [found.start, *found.open.ravel().tolist(), found.end]
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        return [(float(a), float(b)) for a, b in pairs if b > a]


def _free(y: float, box: Box, size: float, used: list[float]) -> float:
    """A baseline near `y` for a text within `box`, away from those in `used`; noted there."""
    steps = [sign * n * size * 0.6 for n in range(1, 12) for sign in (-1, 1)]
    for baseline in (y - 4, y + size * 1.1, *(y + step for step in steps)):
        inside = box.y + size <= baseline <= box.bottom - 3
        if inside and all(abs(baseline - other) >= size * 1.12 for other in used):
            used.append(baseline)
            return baseline
    return y - 4


def unit_said(unit: str, limits: tuple[float, float]) -> bool:
    """Whether anything is written above the axis of values."""
    return bool(value_ticks(*limits).unit(unit))


def shade(scene: Scene, axes: Axes, spans: Sequence[tuple[float, float]]) -> None:
    """A quiet ground under spans of the horizontal."""
    boxes = []
    for start, end in spans:
        x0, x1 = axes.px([start, end])
        if x1 - x0 >= 0.3:
            boxes.append(Box(float(x0), axes.box.y, float(x1 - x0), axes.box.h))
    scene.rects(boxes, "closed")


def limits_of(
    outcome: Outcome, unit: str, span: tuple[float, float] | None
) -> list[tuple[str, float]]:
    """The numbers of an outcome's limit that belong on an axis of `unit`.

    `span` is the range of the values: a check whose finding lies outside it judged something else
    of them, as their noise or their slope.
    """
    if outcome.unit != unit or span is None:
        return []
    room = (span[1] / 2 - span[0] / 2) * 0.1
    if isinstance(outcome.found, (int, float)) and not isinstance(outcome.found, bool):
        if not span[0] - room <= outcome.found <= span[1] + room:
            return []
    elif outcome.found is not None:
        return []
    found = []
    for word in ("low", "high", "expected"):
        value = outcome.limit.get(word)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found.append((word, float(value)))
    return found


def _title(panels: Sequence[Panel]) -> str:
    said = [title_of([curve.name for curve in panel.curves]) for panel in panels]
    joined = " and ".join(dict.fromkeys(said))
    if len(joined) <= 64 and not any(re.match(r"\d+ variables", text) for text in said):
        return joined
    names = [curve.name for panel in panels for curve in panel.curves]
    return shortened(names)[0] or f"{len(names)} variables over time"


def _alt(curve: Curve, verdicts: Verdicts) -> str:
    limits = curve.limits
    if limits is None:
        text = f"{curve.name}: {curve.count:,} samples, none a finite number"
    else:
        text = (
            f"{curve.name}: {curve.count:,} samples from {number(limits[0])} to "
            f"{number(limits[1])} {curve.unit}".rstrip()
        )
    for outcome in verdicts.of(curve.name)[:1]:
        if verdicts.bad(curve.name):
            text += f" ({colours.WORDS[outcome.severity]} of {outcome.check}: {outcome.reason})"
    return text


def _what(panels: Sequence[Panel], records: Records) -> list[str]:
    """How to read the lines."""
    said = []
    columns = max((c.envelope.columns for p in panels for c in p.curves if c.envelope), default=0)
    if columns:
        seconds = records.window.duration.total_seconds() / columns
        span = f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.3g} min"
        said.append(f"Bands from the least to the greatest value of each {span}")
    return said
