"""What was done to devices, as marks in time on a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from oaflib.config.interventions import Intervention
from oaflib.plots.axes import SMALL, Axes
from oaflib.plots.picture import Style
from oaflib.plots.scene import Pen, Scene, Type, fitted
from oaflib.records import Records

_MARKS = 12  # interventions that a picture names


def done_within(names: Iterable[str], records: Records) -> list[Intervention]:
    """What was done, within the window, to the devices of some variables; in order of time."""
    if records.past is None:
        return []
    window = records.window
    found = {one for name in names for one in records.past.interventions(name)}
    return sorted(one for one in found if window.start_ns <= one.time < window.end_ns)


def draw_interventions(scene: Scene, axes: Axes, done: Sequence[Intervention]) -> list[str]:
    """Lines at interventions, numbered; what each number says."""
    seen = [one for one in done if axes.x[0] <= one.time <= axes.x[1]]
    notes = []
    for i, one in enumerate(seen[-_MARKS:], start=1):
        at = float(axes.px(one.time))
        scene.lines([(at, axes.box.y, at, axes.box.bottom)], Pen("soft", 1.2, 3.0))
        scene.text(at + 3, axes.box.y + 12, str(i), Type(11, "soft", bold=True))
        notes.append(f"{i} {one}")
    return notes


def names_of_interventions(scene: Scene, y: float, notes: Sequence[str], look: Style) -> float:
    """What the numbers of interventions say, below a picture; where they end."""
    size = look.font * SMALL
    for note in notes:
        y += size * 1.35
        scene.text(10, y, fitted(note, size, look.width - 20), Type(size, "soft"))
    return y
