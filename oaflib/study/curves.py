"""Two instruments over the years: how far one left the other, their curve day by day, resets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oaflib.checks.ageing_calibration import paired_means
from oaflib.checks.ageing_curve import Curve, curve_of, resets
from oaflib.checks.ageing_points import Points, latest_period, points_of
from oaflib.config.interventions import Intervention
from oaflib.history import HistoryPast
from oaflib.series import device_of
from oaflib.trend import DAY, Floats, Trend, curve_names, trend_of

_BASE = (10, 60)  # windows that say what was calibrated, of a third of the period
_WINDOWS = 30  # whose means make a curve where the reports hold none
_NEAR = 5 * DAY  # a reset this near to a line of the ledger is that line's


def departure_of(past: HistoryPast, reading: str, reference: str) -> Trend:
    """How far each window's mean lies from the curve of the present period's beginning.

    In the reference's unit; empty where both have no window in common.
    """
    first, second = past.trend(reference), past.trend(reading)
    pair, time = paired_means(first, second)
    good = np.isfinite(pair).all(axis=1)
    pair, time = pair[good], time[good]
    title = _called(reading, reference)
    period = latest_period(Points(time, pair[:, 1] - pair[:, 0]), past.interventions(reading))
    begin = len(time) - len(period)
    base = min(len(period), max(len(period) // 3, _BASE[0]), _BASE[1])
    was = curve_of(*pair[begin : begin + base].T) if base else None
    if was is None:
        return trend_of(title, time[:0], np.empty(0))
    value = was.reference_of(pair[:, 1]) - pair[:, 0]
    return replace(trend_of(title, time, value, first.unit), imported=_imported(second, time))


def _called(reading: str, reference: str) -> str:
    """Both by their devices where they have the same field."""
    one, other = device_of(reading), device_of(reference)
    alike = reading[len(one) :] == reference[len(other) :]
    return f"{one} against {other}" if alike and one != other else f"{reading} against {reference}"


def curves_of(past: HistoryPast, reading: str, reference: str) -> dict[str, Trend]:
    """Slope, offset and residual over time: as the reports have them day by day, and before them of
    the last thirty windows' means.
    """
    names = curve_names(reading, reference)
    stored = {part: past.trend(name) for part, name in names.items()}
    first, second = past.trend(reference), past.trend(reading)
    pair, time = paired_means(first, second)
    known = min((trend.time[0] for trend in stored.values() if len(trend)), default=2**62)
    found: list[Curve] = []
    at: list[int] = []
    for stop in range(_WINDOWS, len(time) + 1):
        if time[stop - 1] >= known:
            break
        made = curve_of(*pair[stop - _WINDOWS : stop].T)
        if made is not None:
            found.append(made)
            at.append(int(time[stop - 1]))
    drawn = {}
    for part in names:
        before = np.array([getattr(curve, part) for curve in found])
        times = np.append(np.array(at, dtype=np.int64), stored[part].time)
        unit = "" if part == "slope" else second.unit
        drawn[part] = trend_of(part, times, np.append(before, stored[part].mean), unit)
    return drawn


def returns(departure: Trend, done: Sequence[Intervention]) -> tuple[Intervention, ...]:
    """The ledger's interventions, and the returns to the reference that it does not explain."""
    points = points_of(departure, departure.mean)
    seen = list(done)
    for step in resets(points):
        time = int(points.time[step.index])
        if all(abs(time - one.time) > _NEAR for one in done):
            seen.append(Intervention(time, departure.variable, "recalibrated, by its looks"))
    return tuple(sorted(seen))


def from_reference(trend: Trend, reference: float) -> Trend:
    """A constant's departure from the value it should have."""
    value: Floats = trend.mean - reference
    return trend_of(trend.variable, trend.time, value, trend.unit)


def _imported(trend: Trend, time: np.ndarray) -> np.ndarray:
    place = np.searchsorted(trend.time, time)
    return np.asarray(trend.imported[np.minimum(place, len(trend) - 1)], dtype=bool)
