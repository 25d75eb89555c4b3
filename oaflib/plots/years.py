"""A device's years on one plot: history, what was done to it, and where it is going."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from oaflib.config.interventions import Intervention
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
from oaflib.plots.base import Plot, Verdicts, Words, finished, histories
from oaflib.plots.interventions import draw_interventions, names_of_interventions
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.ticks import number
from oaflib.plots.waterfall import pieces_of
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind
from oaflib.trend import DAY, Floats, Trend
from oaflib.window import Window, moment, nanoseconds, parse_instant

# years need no clock
_DAY = re.compile(r"\b(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d+)?Z|\b(?![\w/-]))")
_BREAK = 8  # usual steps without a point after which the line breaks
_AHEAD = 0.5  # of the history's length that a forecast may take beside it


@dataclass(frozen=True)
class Years(Plot):
    """The history of each variable, years on one plot: band of extremes and mean of each window,
    interventions, limits, the onset that a check found, and the fan of its forecast.

    Attributes
    ----------
    of : ``mean``, or ``std`` for the spread within each window.
    """

    kind: ClassVar[str] = "years"
    kinds: ClassVar[tuple[Kind, ...]] = tuple(Kind)

    of: Literal["mean", "std"] = "mean"

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture a variable that has a history, the worst first."""
        if records.past is None:
            yield self.nothing(["there is no history"])
            return
        verdicts = Verdicts(outcomes)
        shown = 0
        for trend in histories(self.variables, records, verdicts):
            name = trend.variable
            if len(trend) and shown < style().most:
                shown += 1
                done = records.past.interventions(name)
                yield years(trend, verdicts.of(name), done, of=self.of, zone=records.window.zone)
        if not shown:
            yield self.nothing(["none of its variables has a history yet"])


def years(
    trend: Trend,
    outcomes: Sequence[Outcome] = (),
    done: Sequence[Intervention] = (),
    *,
    of: Literal["mean", "std"] = "mean",
    zone: str = "UTC",
) -> Drawn:
    """One variable's history as a picture; a `Trouble` without a finite point."""
    look = style()
    values = trend.mean if of == "mean" else trend.std
    good = np.isfinite(values)
    if not good.any():
        return Trouble(trend.variable, "its history holds no number")
    trend, values = trend.where(good), values[good]
    judged = next((one for one in outcomes if one.forecast), None)
    fan = _fan(judged, trend, values)
    limits = _limits(outcomes)
    last = max([int(trend.end[-1]), *([fan[0][-1]] if fan else [])])
    window = Window(moment(int(trend.start[0])), moment(max(last, int(trend.start[0]) + DAY)), zone)
    low, high = (trend.min, trend.max) if of == "mean" else (values, values)
    span = range_of(
        [
            _extremes(values),
            _central(low, high),
            *((value, value) for _, value in limits if _near(value, values)),
        ]
    )
    assert span is not None
    scene = Scene(look.width, 4000)
    said = "spread" if of == "std" else ""
    y = heading(scene, trend.variable, said, look) + look.font * SMALL * 1.5
    left = left_margin(*span, 240, look)
    x = (float(window.start_ns), float(window.end_ns))
    axes = Axes(Box(left, y, look.width - left - 12, 240), x, span)
    frame(scene, axes)
    value_axis(scene, axes, trend.unit, look)
    time_axis(scene, axes, window, look)
    if fan is not None:
        _draw_fan(scene, axes, fan)
    _draw_line(scene, axes, trend, (low, values, high), done)
    notes = draw_interventions(scene, axes, done)
    keys = [Key("mean of each window" if of == "mean" else "spread in each window", "c0")]
    if of == "mean" and bool((trend.max > trend.min).any()):
        keys.append(Key("its extremes", "l0", swatch=True))
    if trend.imported.any():
        _draw_imported(scene, axes, trend)
        keys.append(Key("imported", "c5"))
    for word, value in limits:
        at_y = float(axes.py(value))
        scene.lines([(axes.box.x, at_y, axes.box.right, at_y)], Pen("alarm", 1.2, 5.0))
        keys.append(Key(f"{word} {number(value)}", "alarm", dash=True))
    _draw_since(scene, axes, outcomes)
    if fan is not None:
        keys.append(Key("forecast, 90 %", "l5", swatch=True))
    y = axes.box.bottom + look.font * SMALL * 3.1
    y += legend(scene, keys, Box(8, y, look.width - 16, 0), look)
    y = names_of_interventions(scene, y, notes, look)
    scene.height = y + 6
    words = Words(
        trend.variable,
        "; ".join(_DAY.sub(_dated, one.reason) for one in outcomes[:3]),
        _alt(trend, values, judged),
        (trend.variable,),
        Years.kind,
    )
    return finished(scene, words, look)


def _extremes(values: Floats) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _central(low: Floats, high: Floats) -> tuple[float, float] | None:
    """The extremes of most windows: one spike does not make the years a flat line."""
    low, high = low[np.isfinite(low)], high[np.isfinite(high)]
    if not len(low) or not len(high):
        return None
    return float(np.percentile(low, 2)), float(np.percentile(high, 98))


def _near(limit: float, values: Floats) -> bool:
    """Whether a limit is near enough to be drawn without making the curve flat."""
    low, high = _extremes(values)
    room = 4 * max(high - low, 0.02 * abs(high), 1e-300)
    return low - room <= limit <= high + room


def _limits(outcomes: Sequence[Outcome]) -> list[tuple[str, float]]:
    found: dict[tuple[str, float], None] = {}
    for one in outcomes:
        for word in ("low", "high"):
            value = one.limit.get(word)
            if one.forecast is not None and isinstance(value, (int, float)):
                found[(word, float(value))] = None
    return list(found)


def _fan(
    judged: Outcome | None, trend: Trend, values: Floats
) -> tuple[NDArray[np.int64], Floats, Floats] | None:
    """Times from now on and the two rims of the forecast; None where nothing is foretold."""
    said: Mapping[str, Any] = (judged.forecast if judged is not None else None) or {}
    if judged is None or said.get("state") != "crosses" or not said.get("earliest"):
        return None
    now = int(trend.end[-1])
    level = float(np.median(values[-5:]))
    limit = _crossed_limit(judged, level, values)
    if limit is None:
        return None
    early = _time(said["earliest"])
    late = _time(said["latest"]) if said.get("latest") else early + 4 * max(early - now, DAY)
    longest = now + int(_AHEAD * max(now - int(trend.start[0]), 30 * DAY))
    end = max(min(late, longest), now + DAY)
    time = np.linspace(now, end, 40).astype(np.int64)
    rims = [
        level + (limit - level) * np.minimum((time - now) / max(when - now, DAY), 1.0)
        for when in (early, late)
    ]
    return time, rims[0], rims[1]


def _crossed_limit(judged: Outcome, level: float, values: Floats) -> float | None:
    """The limit that the forecast is of: the one it moves to."""
    known = {word: value for word, value in judged.limit.items() if word in ("low", "high")}
    if len(known) == 1:
        return float(next(iter(known.values())))
    if not known:
        return None
    upward = level >= float(np.median(values[: max(1, len(values) // 3)]))
    return float(known["high" if upward else "low"])


def _time(day: str) -> int:
    when: datetime = parse_instant(f"{day}T12:00:00Z")
    return nanoseconds(when)


def _draw_fan(scene: Scene, axes: Axes, fan: tuple[NDArray[np.int64], Floats, Floats]) -> None:
    time, one, other = fan
    x = axes.px(time)
    low, high = axes.py(np.minimum(one, other)), axes.py(np.maximum(one, other))
    scene.area(x, low, high, Pen("l5", 1.0, opacity=0.55))


def _draw_line(
    scene: Scene,
    axes: Axes,
    trend: Trend,
    values: tuple[Floats, Floats, Floats],
    done: Sequence[Intervention],
) -> None:
    low, middle, high = values
    time = trend.time
    gaps = np.diff(time)
    usual = float(np.median(gaps)) if len(gaps) else float(DAY)
    periods = np.searchsorted(time, [one.time for one in done])
    cuts = np.union1d(np.flatnonzero(gaps > _BREAK * usual) + 1, periods).astype(int)
    for piece in np.split(np.arange(len(time)), cuts):
        if not len(piece):
            continue
        x = axes.px(time[piece])
        known = np.isfinite(low[piece]) & np.isfinite(high[piece])
        for run in pieces_of(known):
            if run.stop - run.start > 1:
                part = piece[run]
                ends = axes.py(low[part]), axes.py(high[part])
                scene.area(x[run], *ends, Pen("l0", 0.6, opacity=0.7))
        if len(piece) > 1:
            scene.polylines([(x, axes.py(middle[piece]))], Pen("c0", 1.5))
        else:
            scene.dots(x, axes.py(middle[piece]), Pen("c0", 3.6))


def _draw_imported(scene: Scene, axes: Axes, trend: Trend) -> None:
    """A rule along the foot of the axes where points come from a file."""
    edges = np.flatnonzero(np.diff(trend.imported.astype(int)))
    y = axes.box.bottom - 2
    for piece in np.split(np.arange(len(trend)), edges + 1):
        if trend.imported[piece[0]]:
            first, last = axes.px([trend.start[piece[0]], trend.end[piece[-1]]])
            scene.lines([(float(first), y, max(float(last), float(first) + 3), y)], Pen("c5", 3.0))


def _draw_since(scene: Scene, axes: Axes, outcomes: Sequence[Outcome]) -> None:
    for one in outcomes:
        if one.since is not None and one.severity.rank > 1 and axes.x[0] <= one.since <= axes.x[1]:
            at = float(axes.px(one.since))
            paint = "alarm" if one.severity.alarming else "warning"
            scene.lines([(at, axes.box.y, at, axes.box.bottom)], Pen(paint, 1.4))
            scene.triangles([(at, axes.box.y + 8)], -10, paint)


def _dated(found: re.Match[str]) -> str:
    """``2027-03-15T12:00:00Z`` as ``15 Mar 2027``; as it is where there is no such day."""
    try:
        day = date.fromisoformat(found[1])
    except ValueError:
        return found[0]
    return f"{day.day} {day:%b %Y}"


def _alt(trend: Trend, values: Floats, judged: Outcome | None) -> str:
    low, high = _extremes(values)
    said = f"{trend.variable}: {len(trend)} windows, from {number(low)} to {number(high)}"
    said += f" {trend.unit}" if trend.unit else ""
    return f"{said}; {judged.reason}" if judged is not None else said
