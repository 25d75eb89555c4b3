"""Frequencies, averaged over the window or followed through it."""

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
    colour_bar,
    frame,
    heading,
    legend,
    log_axis,
    log_number_axis,
    number_axis,
    range_of,
    time_axis,
    value_axis,
)
from oaflib.plots.base import Plot, Verdicts, Words, finished, listed, shortened, title_of
from oaflib.plots.colours import palette, shades
from oaflib.plots.envelope import Floats, edges, envelope
from oaflib.plots.fourier import Spectrum, of_series, of_vectors, power
from oaflib.plots.grid import scale_of
from oaflib.plots.picture import Drawn, Trouble, style
from oaflib.plots.scene import Box, Pen, Scene
from oaflib.plots.ticks import number
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.series import Kind, Series, Times

_VECTORS = 400  # of a window; spread over it
_SHORT = 32


@dataclass(frozen=True)
class Spectra(Plot):
    """Amplitude over frequency, averaged over the window; variables of one unit share a picture.

    A series of numbers is cut into its regular stretches; a vector is a waveform of its own.

    Attributes
    ----------
    rate : samples a second within a vector; zero: unknown, so in cycles a sample (a tune).
    """

    kind: ClassVar[str] = "spectrum"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    rate: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.rate < 1e15:
            raise ValueError(f"rate is {self.rate}; it must be zero or more, in Hz")

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for every eight variables of a unit and kind."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        groups: dict[tuple[str, Kind], list[str]] = {}
        for name in Verdicts(outcomes).worst_first(names):
            variable = records.entries[name].variable
            groups.setdefault((variable.unit, variable.kind), []).append(name)
        parts = [
            (kind, group[i : i + colours.LINES])
            for (_, kind), group in groups.items()
            for i in range(0, len(group), colours.LINES)
        ]
        for kind, part in parts[: style().most]:
            yield self._picture(part, kind, records, notes)
            notes = []
        if len(parts) > style().most:
            more = sum(len(part) for _, part in parts[style().most :])
            yield Trouble(self.kind, f"{more} more variables are not drawn")

    def _picture(
        self, names: Sequence[str], kind: Kind, records: Records, notes: Sequence[str]
    ) -> Drawn:
        look, said = style(), list(notes)
        _, labels = shortened(names)
        title = self.title or f"Spectrum of {title_of(names)}"
        spectra: dict[str, Spectrum] = {}
        for name in names:
            found = spectrum_of(records[name], self.rate or 1.0)
            if found is None or not (found.density > 0).any():
                said.append(f"{name} has no regular, changing stretch of {_SHORT} samples")
            else:
                spectra[name] = found
                for at, _ in found.peaks():
                    said.append(f"{name}: line at {number(at)}")
        if not spectra:
            return Trouble(title, listed(said))
        timed = kind is Kind.NUMERIC
        scene = Scene(look.width, 2000)
        y = heading(scene, title, "", look)
        if len(names) > 1:
            pairs = enumerate(zip(names, labels, strict=True))
            keys = [Key(label, colours.line(i)) for i, (name, label) in pairs if name in spectra]
            y += legend(scene, keys, Box(8, y, look.width - 16, 0), look)
        axes = self._axes(y + look.font * SMALL * 1.5, list(spectra.values()), timed)
        frame(scene, axes)
        hertz = "Hz" if timed or self.rate else "cycles a sample"
        unit = records.entries[names[0]].variable.unit
        log_axis(scene, axes, f"{unit}/√Hz" if unit and hertz == "Hz" else "density", look)
        if timed:
            log_number_axis(scene, axes, f"frequency [{hertz}]", look)
        else:
            number_axis(scene, axes, f"frequency [{hertz}]", look)
        for i, name in enumerate(names):
            if name in spectra:
                _draw(scene, axes, spectra[name], (colours.line(i), timed))
        scene.height = axes.box.bottom + look.font * SMALL * 3.2
        first = next(iter(spectra.values()))
        said.append(f"mean of {first.segments:,} pieces of {2 * len(first.frequency):,} samples")
        alt = f"{title}; {listed(said, 8)}"
        return finished(scene, Words(title, listed(said), alt, tuple(names), self.kind), look)

    def _axes(self, y: float, spectra: Sequence[Spectrum], timed: bool) -> Axes:
        spans = []
        for found in spectra:
            logs = np.log10(found.density[found.density > 0])
            # a null of the window is no reason for twenty empty decades
            spans.append((float(np.percentile(logs, 0.5)), float(logs.max())))
        low = min(float(found.frequency[0]) for found in spectra)
        high = max(float(found.frequency[-1]) for found in spectra)
        x = (float(np.log10(low)), float(np.log10(high))) if timed else (0.0, high)
        box = Box(64, y, style().width - 78, 260)
        return Axes(box, x, range_of(spans) or (0.0, 1.0))


@dataclass(frozen=True)
class Spectrogram(Plot):
    """Frequency upwards, time to the right, amplitude density as colour.

    Attributes
    ----------
    rate : samples a second within a vector; zero: unknown, so in cycles a sample (a tune).
    """

    kind: ClassVar[str] = "spectrogram"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    rate: float = 0.0

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """A picture for each variable, the worst first."""
        names, notes = self.chosen(records)
        if not names:
            yield self.nothing(notes)
            return
        names = Verdicts(outcomes).worst_first(names)
        for name in names[: style().most]:
            yield self._picture(name, records, notes)
            notes = []
        if len(names) > style().most:
            yield Trouble(self.kind, f"{len(names) - style().most} more are not drawn")

    def _picture(self, name: str, records: Records, notes: Sequence[str]) -> Drawn:
        look, window = style(), records.window
        series = records[name].between(window.start_ns, window.end_ns)
        title = self.title or f"Spectrogram of {name}"
        columns = look.pixels // 160
        bounds = edges(window.start_ns, window.end_ns, min(columns, 400))
        timed = series.kind is Kind.NUMERIC
        found = _through_time(series, bounds) if timed else _of_vectors(series, bounds, self.rate)
        if found is None:
            return Trouble(title, f"there is no regular stretch of {_SHORT} finite samples")
        density, top = found
        with np.errstate(divide="ignore"):
            logs = np.log10(density)
        scale = scale_of(np.where(np.isfinite(logs), logs, np.nan), 0.2)
        if scale is None:
            return Trouble(title, "the values do not change")
        scene = Scene(look.width, 2000)
        y = heading(scene, title, "", look) + look.font * SMALL * 1.5
        box = Box(64, y, look.width - 64 - 84, 240)
        axes = Axes(box, (float(window.start_ns), float(window.end_ns)), (0.0, top))
        frame(scene, axes)
        hertz = "Hz" if timed or self.rate else "cycles a sample"
        value_axis(scene, axes, hertz, look, "frequency")
        time_axis(scene, axes, window, look)
        index = shades(np.where(np.isfinite(logs), logs, np.nan), scale.low, scale.high)
        scene.bitmap(box, index[::-1], palette())
        about = {"palette": palette(), "style": look, "scale": scale}
        bar = Box(box.right + 14, y, 14, 240)
        unit = f"log₁₀ {series.unit}/√Hz" if series.unit and hertz == "Hz" else "log₁₀"
        colour_bar(scene, bar, (scale.low, scale.high), unit, about)
        scene.height = box.bottom + look.font * SMALL * 3.2
        alt = f"{title}, up to {number(top)} {hertz}"
        return finished(scene, Words(title, listed(notes), alt, (name,), self.kind), look)


def spectrum_of(series: Series, rate: float) -> Spectrum | None:
    """The spectrum of a series of numbers, or of the waveforms of one of vectors."""
    if series.kind is Kind.NUMERIC:
        return of_series(series)
    if not len(series):
        return None
    picks = np.unique(np.linspace(0, len(series) - 1, min(_VECTORS, len(series))).astype(int))
    length = len(series.value[-1])
    if length < _SHORT:
        return None
    samples = (np.asarray(series.value[i], np.float64) for i in picks)
    return of_vectors(samples, length, rate)


def _draw(scene: Scene, axes: Axes, found: Spectrum, how: tuple[str, bool]) -> None:
    paint, logarithmic = how
    x = np.log10(found.frequency) if logarithmic else found.frequency
    with np.errstate(divide="ignore"):
        y = np.log10(found.density)
    place = np.rint((axes.px(x) - axes.box.x) * 10).astype(np.int64)
    end = int(axes.box.w * 10) + 1
    if len(x) <= style().columns:
        good = np.isfinite(y)
        scene.polylines([(axes.px(x[good]), axes.py(y[good]))], Pen(paint, 1.2))
        return
    band = envelope(place, y, 0, end, style().columns)
    at = axes.box.x + (band.column + 0.5) * (end / 10 / style().columns)
    for run in band.runs():
        low, high = axes.py(band.low[run]), axes.py(band.high[run])
        if run.stop - run.start > 1:
            scene.area(at[run], low, high, Pen(paint, 1.1, opacity=0.75))


def _through_time(series: Series, bounds: Times) -> tuple[Floats, float] | None:
    """Density[frequency, column] of pieces of a regular series, and the greatest frequency."""
    steps = np.diff(series.time)
    usual = float(np.median(steps)) if len(steps) else 0.0
    if usual <= 0:
        return None
    width = float(bounds[1] - bounds[0])
    n = int(2 ** np.clip(np.ceil(np.log2(max(2.0, 4 * width / usual))), 6, 9))
    if len(series) < n:
        n = 2 ** int(np.log2(max(1, len(series))))
    if n < _SHORT:
        return None
    out = np.full((n // 2, len(bounds) - 1), np.nan)
    middles = (np.asarray(bounds[:-1]) + np.asarray(bounds[1:])) // 2
    centre = np.searchsorted(series.time, middles)
    for column, at in enumerate(centre):
        first = min(max(0, int(at) - n // 2), len(series) - n)
        piece = np.asarray(series.value[first : first + n], np.float64)
        reach = usual * n
        whole = series.time[first + n - 1] - series.time[first] <= 1.2 * reach
        nearest = int(series.time[min(int(at), len(series) - 1)])
        near = abs(nearest - int(middles[column])) <= reach
        if whole and near and np.isfinite(piece).all():
            out[:, column] = np.sqrt(power(piece, 1e9 / usual)[1:])
    return (out, 0.5e9 / usual) if np.isfinite(out).any() else None


def _of_vectors(series: Series, bounds: Times, rate: float) -> tuple[Floats, float] | None:
    """Density[frequency, column] of waveforms of the usual length, the last of each column."""
    if not len(series):
        return None
    length = len(series.value[-1])
    if length < _SHORT:
        return None
    rows = min(length // 2, 160)
    starts = np.arange(rows) * (length // 2) // rows
    out = np.full((rows, len(bounds) - 1), np.nan)
    cuts = np.searchsorted(series.time, bounds)
    for column in np.flatnonzero(cuts[1:] > cuts[:-1]):
        sample = np.asarray(series.value[cuts[column + 1] - 1], np.float64)
        if len(sample) == length and np.isfinite(sample).all():
            whole = power(sample, rate or 1.0)[1 : length // 2 + 1]
            out[:, column] = np.sqrt(np.maximum.reduceat(whole, starts))  # a line is thin
    return (out, 0.5 * (rate or 1.0)) if np.isfinite(out).any() else None
