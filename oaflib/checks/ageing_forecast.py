"""When will it cross its limit: a date, an interval, or that it cannot be told, and why. Pure.

What wears goes as a power of its age: steadily (1), ever faster (above 1) or settling (below 1).
Each exponent is fitted to the period; how well it fits, and what wear does in general, say how
likely it is; the crossing dates of all, so weighed and each with some slack of its pace, are the
forecast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.checks.words import plural
from oaflib.trend import DAY
from oaflib.window import moment

Floats = NDArray[np.float64]

COVERAGE = 0.9
METHOD = "power law of age, exponents weighed by fit, robust slope for its sign"
_EXPONENTS = np.geomspace(0.4, 8.0, 61)
_USUAL, _WIDTH = 0.8, 0.4  # of the logarithm of the exponent: wear tends to accelerate
_WORTH = 6.0  # independent points that a period is worth, at most
_OLD = 0.3, 0.25  # the first 30 % of a period count a quarter: run-in
_SURER = 1.57  # width of an interval of 99 % in those of 90 %
_BLEND = 0.5  # of the curve in where it starts from; the rest is the present level
_PACES = np.array([0.74, 0.86, 1.0, 1.16, 1.35])  # of the time left: no pace is kept exactly
_KEPT = np.array([0.12, 0.24, 0.28, 0.24, 0.12])  # how likely each is
_BLOCKS = 40
_FEW = 8
_FAR = 10.0  # times the age of a period beyond which nothing is said
_LATEST = 36_500.0  # days


@dataclass(frozen=True)
class Slope:
    """A robust slope a day, with its interval of 90 %, and the rms scatter about it."""

    value: float
    low: float
    high: float
    scatter: float

    @property
    def sure(self) -> bool:
        """Whether its sign is known, at 99 %: many are asked every day."""
        low = self.value - _SURER * (self.value - self.low)
        high = self.value + _SURER * (self.high - self.value)
        return low > 0 or high < 0


@dataclass(frozen=True)
class Quest:
    """What is asked: when do `values` over `days` (of which the last is now) cross `limit`?

    `upward`: the limit is an upper one. `begin` is day 0 in int64 ns UTC.
    """

    days: Floats
    values: Floats
    limit: float
    upward: bool
    begin: int
    horizon: float


def slope_of(days: Floats, values: Floats) -> Slope:
    """Theil–Sen slope of block medians; the interval widened as neighbouring residuals are alike.

    Needs three points; with fewer it is zero and unsure.
    """
    from scipy.stats import theilslopes

    x, y = _blocks(days, values, 100)
    if len(x) < 3 or x[-1] <= x[0]:
        return Slope(0.0, -np.inf, np.inf, 0.0)
    found = theilslopes(y, x, alpha=COVERAGE)
    left = y - found.intercept - found.slope * x
    alike = 0.0
    if len(left) > 5 and left.std() > 0:
        alike = float(np.clip(np.corrcoef(left[:-1], left[1:])[0, 1], 0.0, 0.95))
    wider = np.sqrt((1 + alike) / (1 - alike))
    value = float(found.slope)
    return Slope(
        value,
        value - wider * (value - float(found.low_slope)),
        value + wider * (float(found.high_slope) - value),
        float(np.sqrt(np.mean(left**2))),
    )


def forecast(quest: Quest) -> dict[str, Any]:
    """The forecast document of ``oaf-report/1``."""
    days, values = quest.days, quest.values
    sign = 1.0 if quest.upward else -1.0
    if not len(days):
        return _said(quest, "cannot tell", note="there is no history")
    level = float(np.median(values[-5:])) if len(values) >= 5 else float(values[-1])
    if sign * (level - quest.limit) >= 0:
        return _crossed(quest, sign)
    age = float(days[-1] - days[0])
    if len(days) < _FEW:
        return _said(
            quest, "cannot tell", note=f"{plural(len(days), 'point')}: too few to extrapolate"
        )
    slope = slope_of(days, values)
    left = abs(quest.limit - level)
    toward = sign * slope.value > 0 and slope.sure
    if not toward:
        fastest = sign * (slope.high if quest.upward else slope.low)
        if fastest <= 0 or fastest * quest.horizon < left:
            why = "it moves away from the limit" if fastest <= 0 else "no drift towards the limit"
            return _said(quest, "not within horizon", note=why)
        if quest.horizon > _FAR * age:
            why = f"{age:.3g} days of history say nothing of {quest.horizon:.0f} days to come"
        else:
            why = "the scatter hides whether it drifts"
        return _said(quest, "cannot tell", note=why)
    early, middle, late = _crossings(days, values, quest.limit, level)
    if early > quest.horizon:
        return _said(quest, "not within horizon", (early, middle, late))
    if middle > min(_FAR * age, _LATEST):
        return _said(
            quest,
            "cannot tell",
            note=f"it may cross in {early:.0f} days, but {age:.3g} days of history do not say when",
        )
    if middle > quest.horizon:
        return _said(quest, "not within horizon", (early, middle, late))
    return _said(quest, "crosses", (early, middle, late))


def _crossings(
    days: Floats, values: Floats, limit: float, level: float
) -> tuple[float, float, float]:
    """Days from now of the 5 %, 50 % and 95 % of the crossings; infinite where never."""
    age = days[-1] - days[0]
    x, y = _blocks((days - days[0]) / age, values, _BLOCKS)
    weight = np.where(x >= _OLD[0], 1.0, _OLD[1])
    weight /= weight.sum()
    z = x[None, :] ** _EXPONENTS[:, None]
    zc = z - (weight * z).sum(axis=1, keepdims=True)
    yc = y - (weight * y).sum()
    rate = (weight * zc * yc).sum(axis=1) / (weight * zc**2).sum(axis=1)
    misfit = (weight * (yc - rate[:, None] * zc) ** 2).sum(axis=1)
    floor = (1e-3 * abs(level - y[0])) ** 2 + 1e-300
    worth = min(_WORTH, len(x) / 3)
    log = -0.5 * worth * np.log(misfit + floor)
    log -= 0.5 * ((np.log(_EXPONENTS) - _USUAL) / _WIDTH) ** 2
    # from halfway between where it is now and where the curve says it is
    curve = (weight * y).sum() + rate * (1.0 - (weight * z).sum(axis=1))
    ahead = (limit - (1 - _BLEND) * level - _BLEND * curve) / rate
    with np.errstate(over="ignore", invalid="ignore"):
        when = (
            np.where(
                rate * (limit - level) > 0,
                np.maximum(1.0 + ahead, 1.0) ** (1 / _EXPONENTS) - 1.0,
                np.inf,
            )
            * age
        )
    chance = (np.exp(log - log.max())[:, None] * _KEPT).ravel()
    when = (when[:, None] * _PACES).ravel()
    order = np.argsort(when)
    total = np.cumsum(chance[order]) / chance.sum()
    at = [order[min(int(np.searchsorted(total, q)), len(order) - 1)] for q in (0.05, 0.5, 0.95)]
    early, middle, late = (float(when[i]) for i in at)
    return early, middle, late


def _crossed(quest: Quest, sign: float) -> dict[str, Any]:
    beyond = sign * (quest.values - quest.limit) >= 0
    inside = np.flatnonzero(~beyond)
    first = int(inside[-1]) + 1 if len(inside) else 0
    first = min(first, len(beyond) - 1)
    on = float(quest.days[first] - quest.days[-1])
    return _said(quest, "crossed", (on, on, on), "the level is beyond the limit")


def _said(
    quest: Quest,
    state: str,
    when: tuple[float, float, float] | None = None,
    note: str = "",
) -> dict[str, Any]:
    known = when is not None and state in ("crosses", "crossed")
    early, middle, late = when if known and when is not None else (np.inf, np.inf, np.inf)
    if when is not None and state == "not within horizon":
        early = when[0]
        note = note or f"most likely in {when[1]:.0f} days" if when[1] < _LATEST else note
    return {
        "state": state,
        "date": _date(quest, middle),
        "earliest": _date(quest, early),
        "latest": _date(quest, late),
        "coverage": COVERAGE,
        "horizon_days": quest.horizon,
        "method": METHOD,
        "note": note,
    }


def _date(quest: Quest, ahead: float) -> str | None:
    """The day, `ahead` days from now; None where it is beyond what calendars hold."""
    if not np.isfinite(ahead) or abs(ahead) > _LATEST:
        return None
    when: datetime = moment(int(quest.begin + (float(quest.days[-1]) + ahead) * DAY))
    return when.astimezone(UTC).date().isoformat()


def _blocks(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most `most` blocks of equal time: mean times and median values."""
    if len(x) <= most or x[-1] <= x[0]:
        return x, y
    index = np.minimum(((x - x[0]) / (x[-1] - x[0]) * most).astype(int), most - 1)
    cuts = np.flatnonzero(np.diff(index)) + 1
    return (
        np.array([part.mean() for part in np.split(x, cuts)]),
        np.array([np.median(part) for part in np.split(y, cuts)]),
    )
