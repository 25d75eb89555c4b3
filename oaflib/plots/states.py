"""Texts over time: what was, from when to when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.plots import colours
from oaflib.plots.axes import Axes
from oaflib.plots.picture import Style
from oaflib.plots.scene import Box, Pen, Scene, Type, clean, fitted, text_width
from oaflib.records import Records, State
from oaflib.series import Kind, Series, Times
from oaflib.window import Window

MIXED = "…"
_MODES = re.compile(r"(BMODE|BEAM_?MODE|MACHINE_?MODE|ACCELERATOR_?MODE)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class States:
    """A text variable as stretches of time during which it did not change.

    Attributes
    ----------
    start : int64[k] ns UTC, in order; each stretch ends where the next begins, the last with the
        window.
    text : what was said in each, on one line and cut; ``None`` before anything is known.
    count : samples in the window.
    """

    name: str
    window: Window
    start: Times
    text: tuple[str | None, ...]
    count: int

    @property
    def values(self) -> list[str]:
        """The different texts, in the order of their first appearance."""
        return list(dict.fromkeys(text for text in self.text if text is not None))

    @property
    def changes(self) -> int:
        """How many times the text changed."""
        return max(0, sum(text is not None for text in self.text) - 1)


def states_of(name: str, records: Records) -> States:
    """The states of a TEXTUAL, VECTORSTRING or NUMERIC variable."""
    window = records.window
    series = records[name].between(window.start_ns, window.end_ns)
    before = records.entries[name].before
    first = None if before is None else said(before[1])
    if not len(series):
        return States(name, window, np.array([window.start_ns]), (first,), 0)
    keys = _keys(series)
    fresh = np.concatenate([[True], keys[1:] != keys[:-1]])
    at = np.flatnonzero(fresh)
    texts: list[str | None] = [said(value) for value in series.value[at]]
    start = series.time[at]
    if start[0] > window.start_ns:
        start = np.concatenate([[window.start_ns], start])
        texts = [first, *texts]
        if first == texts[1]:  # it was so before, and still is
            start, texts = np.delete(start, 1), texts[1:]
    return States(name, window, start, tuple(texts), len(series))


def said(value: Any) -> str:
    """A sample on one line, cut."""
    if value is None:
        return "no text"
    if isinstance(value, str):
        return clean(value, 60) if value.strip() else "(blank)"
    if isinstance(value, np.ndarray):
        few = ", ".join(clean(str(text), 20) for text in value[:3])
        return f"{len(value)}: {few}{' …' if len(value) > 3 else ''}"
    return f"{float(value):g}"


def _keys(series: Series) -> NDArray[Any]:
    """Small integers that are equal where samples are."""
    known: dict[Any, int] = {}
    if series.kind is Kind.NUMERIC:
        return np.unique(series.value, return_inverse=True, equal_nan=True)[1]
    if series.kind is Kind.VECTORSTRING:
        rows = (tuple(row) for row in series.value)
        return np.array([known.setdefault(row, len(known)) for row in rows])
    return np.array([known.setdefault(text, len(known)) for text in series.value])


def draw_states(scene: Scene, axes: Axes, states: States, paints: dict[str, str]) -> set[str]:
    """A lane of states over the height of `axes`; the texts that had room to be written.

    Stretches narrower than a pixel become one, painted as mixed.
    """
    box = axes.box
    bounds = np.append(axes.px(states.start), box.right)
    if crowded(states, axes):
        _draw_shares(scene, axes, states, paints)
        return set()
    boxes: dict[str, list[Box]] = {}
    written: set[str] = set()
    size = min(box.h * 0.72, 13.0)
    labels: list[tuple[float, str]] = []
    i, n = 0, len(states.text)
    while i < n:
        left, j = bounds[i], i
        while j < n - 1 and bounds[j + 2] - left < 1.0:
            j += 1
        told = {text for text in states.text[i : j + 1] if text is not None}
        text = MIXED if len(told) > 1 else next(iter(told), None)
        right = max(bounds[j + 1], left + (0.6 if i == j else 1.0))
        if text is not None:
            paint = paints.get(text, "frame") if text != MIXED else "frame"
            boxes.setdefault(paint, []).append(Box(left, box.y, right - left, box.h))
            room = right - left - 6
            if text != MIXED and room > size * 1.2:
                cut = fitted(text, size, room)
                if cut == text or (room > 50 and len(cut) > 4):
                    labels.append(((left + right) / 2, cut))
                    written.update([text] if cut == text else [])
        i = j + 1
    scene.rect(box, "plot")
    for paint, found in boxes.items():
        scene.rects(found, paint)
    edge = [(b, box.y, b, box.bottom) for b in bounds[1:-1]]
    if len(edge) <= 200:
        scene.lines(edge, Pen("plot", 0.8))
    for x, label in labels:
        scene.text(x, box.y + box.h / 2 + size * 0.36, label, Type(size, "ink", "middle"))
    return written


def crowded(states: States, axes: Axes) -> bool:
    """Whether most changes are too close to be seen apart."""
    return len(states.start) > axes.box.w and len(paintable(states)) > 1


def paintable(states: States) -> list[str]:
    """The texts of which a lane may have a colour of its own."""
    return states.values[: colours.LANES]


def _draw_shares(scene: Scene, axes: Axes, states: States, paints: dict[str, str]) -> None:
    """What share of the time each text had, column by column, one above the other."""
    columns, rows = int(axes.box.w // 3), 16
    start, end = axes.x
    instants = start + (np.arange(columns * rows) + 0.5) * ((end - start) / (columns * rows))
    at = np.searchsorted(states.start, instants.astype(np.int64), side="right") - 1
    named = sorted(set(paints.values()))
    palette = np.array([(128, 128, 128), *(colours.rgb(colours.PAINTS[p][0]) for p in named)])
    number = {text: named.index(paint) + 1 for text, paint in paints.items()}
    of_state = np.array([number.get(text or "", 0) for text in states.text], np.uint8)
    stacked = np.sort(of_state[np.maximum(at, 0)].reshape(columns, rows), axis=1)
    scene.bitmap(axes.box, stacked.T[::-1], palette.astype(np.uint8))


def mode_variable(records: Records) -> str | None:
    """The beam mode among the records, if a text variable is called so and was logged."""
    for name, entry in records.entries.items():
        if (
            entry.variable.kind is Kind.TEXTUAL
            and entry.state is State.LOGGED
            and _MODES.search(name)
        ):
            return name
    return None


def draw_modes(scene: Scene, axes: Axes, name: str, records: Records, style: Style) -> None:
    """The beam mode as a quiet lane."""
    states = states_of(name, records)
    quiet = ("band0", "band1")
    paints = {text: quiet[i % 2] for i, text in enumerate(states.values)}
    paints.update({text: "band2" for text in paints if "STABLE" in text and "UN" not in text})
    draw_states(scene, axes, states, paints)
    label, room = name.rsplit(":", 1)[-1], axes.box.x - 8
    size = max(style.font * 0.6, min(style.font * 0.8, room / text_width(label, 1.0)))
    y = axes.box.y + axes.box.h / 2 + size * 0.36
    scene.text(axes.box.x - 6, y, fitted(label, size, room), Type(size, "soft", "end"))


def state_paints(values: list[str]) -> dict[str, str]:
    """A paint for each text, in order of appearance."""
    return {text: colours.lane(i) for i, text in enumerate(values)}
