"""Two instruments side by side: their pairs over the years, and each day's curve. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from oaflib.checks.ageing import amount, past_of, statistic
from oaflib.checks.ageing_curve import Curve, curve_of
from oaflib.checks.ageing_drift import drifting
from oaflib.checks.ageing_points import latest_period, points_of, with_today
from oaflib.checks.ageing_shift import FEW
from oaflib.checks.agreement import together
from oaflib.checks.base import Context
from oaflib.checks.words import utc
from oaflib.config.interventions import Intervention
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Times
from oaflib.trend import Floats, Trend, curve_names
from oaflib.window import Window

_RESIDUAL = 50.0  # percent by which a residual grows before it is worth a word


def paired_means(reference: Trend, other: Trend) -> tuple[Floats, Times]:
    """The means of windows that both have: float64[n, 2], and the windows' middles in ns UTC."""
    _, first, second = np.intersect1d(reference.start, other.start, return_indices=True)
    pair = np.stack([statistic(reference, "mean")[first], statistic(other, "mean")[second]], axis=1)
    return pair, other.time[second]


def day_curve(reference: Series, other: Series) -> Curve | None:
    """The calibration curve of one window; None without a usable pair, or in two units."""
    if not len(reference) or not len(other):
        return None
    if reference.unit and other.unit and reference.unit != other.unit:
        return None
    _, a, b = together(reference, other)
    return curve_of(a, b)


def curve_statistics(
    curve: Curve, reference: Series, other: Series, window: Window
) -> Iterator[Statistics]:
    """A day's curve as the report's statistics of three variables; two where the reference hardly
    varied, and so no offset is known.
    """
    names = curve_names(other.name, reference.name)
    for part, unit in (("slope", ""), ("offset", other.unit), ("residual", other.unit)):
        value = float(getattr(curve, part))
        if not np.isfinite(value) or (part == "offset" and not curve.offset_known):
            continue
        yield Statistics(
            variable=names[part],
            kind=str(Kind.NUMERIC),
            unit=unit,
            count=1,
            min=value,
            max=value,
            mean=value,
            std=0.0,
            first=value,
            last=value,
            first_time=window.start_ns,
            last_time=window.start_ns,
            title=f"{part} of the calibration curve, of {curve.count} pairs",
        )


def moved(
    pair: tuple[str, str],
    present: Curve | None,
    context: Context,
    done: Sequence[Intervention],
    since: int,
    noticed: float,
) -> list[tuple[str, int]]:
    """Which of slope, offset and residual left what they were: in words, and since when.

    Of the days from `since` (int64 ns UTC) on, where `pair` is the variable and its reference. The
    slope must have moved by `noticed` percent, the offset by that share of the usual reading, a
    residual by half.
    """
    found = []
    past = {part: past_of(context, name) for part, name in curve_names(*pair).items()}
    size = np.abs(statistic(past_of(context, pair[1]), "mean"))
    level = float(np.nanmedian(size)) if np.isfinite(size).any() else 0.0
    middle = (context.window.start_ns + context.window.end_ns) // 2
    for part, trend in past.items():
        points = points_of(trend, statistic(trend, "mean"))
        if present is not None and (part != "offset" or present.offset_known):
            points = with_today(points, middle, float(getattr(present, part)), points.unit)
        points = latest_period(points, done)
        points = points.since(int(np.searchsorted(points.time, since)), points.begun)
        if len(points) < FEW:
            continue
        percent = _RESIDUAL if part == "residual" else noticed if part == "slope" else 0.0
        least = noticed / 100 * level if part == "offset" else 0.0
        left, _ = drifting(points, percent, least)
        if left is None or (part == "residual" and left.change < 0):
            continue
        onset = int(points.time[left.onset])
        was, now = (amount(one, points.unit) for one in (left.baseline.level, left.now))
        found.append((f"its {part} went from {was} to {now} since {utc(onset)}", onset))
    return found
