"""One series as a picture shows it: its envelope, or its samples where they are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oaflib.plots.axes import Axes
from oaflib.plots.envelope import Envelope, Floats, breaks, envelope
from oaflib.plots.scene import Pen, Scene
from oaflib.records import Entry, Records
from oaflib.series import Series, Times
from oaflib.window import Window

_DOTS = 120  # up to so many samples each is a dot
_FEW = 12  # and up to so many a large one


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn of one NUMERIC series.

    Attributes
    ----------
    envelope : where samples are many; None where they are few.
    time, value : the samples where they are few (int64 ns UTC; float64, NaN where there is none).
    gap : time between samples (ns) from which the line breaks; None: it never does for that.
    steps : a value holds until the next one: settings and counts.
    infinite, missing : how many samples are infinite (0, or at least this many) and NaN.
    """

    name: str
    unit: str
    window: Window
    envelope: Envelope | None
    time: Times
    value: Floats
    count: int
    gap: int | None = None
    steps: bool = False
    infinite: int = 0
    missing: int = 0

    @property
    def limits(self) -> tuple[float, float] | None:
        """Least and greatest finite value; None when there is none."""
        if self.envelope is not None:
            return self.envelope.limits
        good = self.value[np.isfinite(self.value)]
        return (float(good.min()), float(good.max())) if len(good) else None

    def draw(self, scene: Scene, axes: Axes, pen: Pen) -> None:
        """Draw it into `axes`, whose horizontal is the window."""
        self.draw_band(scene, axes, pen)
        self.draw_line(scene, axes, pen)

    def draw_band(self, scene: Scene, axes: Axes, pen: Pen) -> None:
        """What lies between the extremes of each column; all of a curve that is nowhere thick."""
        if self.envelope is not None:
            self._draw_envelope(self.envelope, scene, axes, pen)

    def draw_line(self, scene: Scene, axes: Axes, pen: Pen) -> None:
        """The means within a thick band; the samples where they are few."""
        env = self.envelope
        if env is None:
            self._draw_samples(scene, axes, pen)
            return
        x, middle = self._across(env, axes), axes.py(env.mean)
        runs = [run for run in env.runs(self.reach) if self._thick(env, axes, run)]
        scene.polylines([(x[run], middle[run]) for run in runs], pen)

    def _across(self, env: Envelope, axes: Axes) -> Floats:
        return np.asarray(axes.box.x + (env.column + 0.5) * (axes.box.w / env.columns))

    def _thick(self, env: Envelope, axes: Axes, run: slice) -> bool:
        if run.stop - run.start == 1:
            return False
        wide = np.sort(axes.py(env.low[run]) - axes.py(env.high[run]))
        # the median; NumPy's own imports masked arrays: 12 ms
        return float(wide[(len(wide) - 1) // 2] + wide[len(wide) // 2]) / 2 >= 3.0

    def _draw_envelope(self, env: Envelope, scene: Scene, axes: Axes, pen: Pen) -> None:
        x, low, high = self._across(env, axes), axes.py(env.low), axes.py(env.high)
        for run in env.runs(self.reach):
            if run.stop - run.start == 1:  # alone in its column: a bar, or a dot
                dot = _dot(pen, env.columns)
                if low[run][0] - high[run][0] > dot:
                    scene.lines([(x[run][0], low[run][0], x[run][0], high[run][0])], pen)
                else:
                    scene.dots(x[run], (low[run] + high[run]) / 2, Pen(pen.paint, dot))
            else:
                thick = self._thick(env, axes, run)
                band = Pen(pen.paint, pen.width, opacity=0.45) if thick else pen
                scene.area(x[run], low[run], high[run], band)
        scene.triangles([(at, axes.box.y) for at in x[env.above]], 6, pen.paint)
        scene.triangles([(at, axes.box.bottom) for at in x[env.below]], -6, pen.paint)

    def _draw_samples(self, scene: Scene, axes: Axes, pen: Pen) -> None:
        good = np.isfinite(self.value)
        if good.any():
            at = np.flatnonzero(good)
            broken = np.diff(at) > 1
            if self.gap:
                broken |= np.diff(self.time[at]) > self.gap
            x, y = axes.px(self.time[at]), axes.py(self.value[at])
            pieces = np.split(np.arange(len(at)), np.flatnonzero(broken) + 1)
            if self.steps:
                scene.polylines([self._held(x, y, piece, axes) for piece in pieces], pen)
            else:
                scene.polylines([(x[p], y[p]) for p in pieces if len(p) > 1], pen)
            alone = np.concatenate([p for p in pieces if len(p) == 1] or [np.empty(0, np.intp)])
            dots = np.arange(len(at)) if len(at) <= _DOTS else alone
            scene.dots(x[dots], y[dots], Pen(pen.paint, _dot(pen, len(at))))
        above, below = self.value == np.inf, self.value == -np.inf
        scene.triangles([(a, axes.box.y) for a in axes.px(self.time[above])], 6, pen.paint)
        scene.triangles([(a, axes.box.bottom) for a in axes.px(self.time[below])], -6, pen.paint)

    def _held(
        self, x: Floats, y: Floats, piece: np.ndarray[tuple[int], np.dtype[np.intp]], axes: Axes
    ) -> tuple[Floats, Floats]:
        after = piece[-1] + 1
        end = x[after] if after < len(x) else axes.box.right
        if self.gap:  # it logs regularly: after its last sample nothing is known
            end = x[piece[-1]]
        xs = np.append(np.repeat(x[piece], 2)[1:], end)
        return xs, np.repeat(y[piece], 2)

    @property
    def reach(self) -> int:
        """How many columns may be without a sample before the line breaks; 0: any number."""
        if not self.gap or self.envelope is None:
            return 0
        column = (self.window.end_ns - self.window.start_ns) / self.envelope.columns
        return max(1, int(np.ceil(self.gap / column)))


def curve(series: Series, entry: Entry, window: Window, columns: int) -> Curve:
    """What is drawn of `series` within `window` over `columns` columns of pixels."""
    series = series.between(window.start_ns, window.end_ns)
    value = series.value.astype(np.float64, copy=False)
    gap = breaks(series.time)
    if len(series) > columns:
        found = envelope(series.time, value, window.start_ns, window.end_ns, columns)
        infinite = int(found.above.sum() + found.below.sum())
        missing = len(series) - int(found.count.sum())
        none = np.empty(0)
        return Curve(
            *(series.name, series.unit, window, found, series.time[:0], none, len(series), gap),
            infinite=infinite,
            missing=missing if not infinite else entry.nan,
        )
    finite = np.isfinite(value)
    steps = held(value[finite])
    time, value, count = series.time, value, len(series)
    before = entry.before
    if steps and before and isinstance(before[1], float) and np.isfinite(before[1]):
        time = np.concatenate([[window.start_ns], time])
        value = np.concatenate([[before[1]], value])
    return Curve(
        *(series.name, series.unit, window, None, time, value, count, gap, steps),
        infinite=int(np.isinf(value).sum()),
        missing=int(np.isnan(value).sum()),
    )


def held(value: Floats) -> bool:
    """Whether finite values look like a setting or a count: whole, and mostly as before."""
    if not len(value) or (value % 1).any():
        return False
    if len(value) < 3:
        return len(value) == 2
    return float(np.mean(value[1:] == value[:-1])) >= 0.5


def curve_of(name: str, records: Records, columns: int) -> Curve:
    """The curve of a variable of `records`."""
    return curve(records[name], records.entries[name], records.window, columns)


def _dot(pen: Pen, samples: int) -> float:
    """The diameter of a sample that stands for itself; of few, seen under a mark of its instant."""
    return max(6.0 if samples <= _FEW else 4.0, pen.width * 2.6)
