"""Which devices wear, the worst first: their table, and their years in pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from oaflib.checks.ageing import statistic
from oaflib.checks.ageing_forecast import Slope, slope_of
from oaflib.checks.ageing_points import latest_period, points_of
from oaflib.checks.ageing_rank import worst_first
from oaflib.checks.ageing_shift import FEW
from oaflib.config.interventions import Intervention
from oaflib.numeral import compact
from oaflib.records import Records
from oaflib.report import Outcome, Severity
from oaflib.study.curves import curves_of, departure_of, from_reference, returns
from oaflib.study.families.sheet import DASH, Family, FamilyTable, figure
from oaflib.study.views import unbroken
from oaflib.trend import Floats, Trend
from oaflib.window import moment

if TYPE_CHECKING:
    from oaflib.plots.picture import Drawn, Style
    from oaflib.study.study import Study

_YEAR = 365.25
_PICTURED = 12  # findings that get a picture; the table has all
_STEADY = 3  # pictures to which steady devices fill up
_HEAD = (
    "device",
    "verdict",
    "crosses",
    "now",
    "limit",
    "a year",
    "90 %",
    "since",
    "check",
)


@dataclass(frozen=True, eq=False)
class View:
    """What a check on history looks at: one number a window, and where its present period begins.

    `trend` has that number as its mean: a statistic, an element, the usage so far, or the departure
    from a `reference` instrument.
    """

    trend: Trend
    outcome: Outcome
    done: tuple[Intervention, ...]
    reference: str = ""

    @property
    def now(self) -> float:
        """The present level: the median of the last five windows; NaN without any."""
        good = self.trend.mean[np.isfinite(self.trend.mean)]
        return float(np.median(good[-5:])) if len(good) else float("nan")

    @property
    def slope(self) -> Slope | None:
        """How it goes a day, since the onset that was found, else since the period began."""
        points = latest_period(points_of(self.trend, self.trend.mean), self.done)
        since = self.outcome.since
        if since is not None and len(points) and points.time[-1] > since:
            first = int(np.searchsorted(points.time, since))
            points = points.since(min(first, max(0, len(points) - FEW)), "")
        if len(points) < FEW:
            return None
        with np.errstate(all="ignore"):  # a constant has no scatter
            found = slope_of(points.days, points.value)
        return found if np.isfinite([found.low, found.high]).all() else None


def devices(study: Study, records: Records, outcomes: Sequence[Outcome]) -> Family:
    """Each device of an ageing or calibration page, the worst first.

    What is judged, since when, its slope a year with an interval of 90 %, and when it crosses its
    limit. By the state of the forecast, then by how soon.
    """
    checks = {check.label: check for check in study.dataset.checks}
    zone = ZoneInfo(records.window.zone)
    rows, methods, more = [], [], 0
    for outcome in ranked(outcomes):
        if outcome.severity is Severity.NOT_APPLICABLE and not outcome.forecast:
            more += 1
            continue
        rows.append(_row(view_of(outcome, checks.get(outcome.check), records), zone))
        methods.append(str((outcome.forecast or {}).get("method", "")))
    method = "; ".join(dict.fromkeys(filter(None, methods)))
    note = "Slopes and dates with intervals of 90 %; a slope since the onset, where one was found."
    note += f" Forecast: {method}." if method else ""
    note += f" {more} not judged yet: too little history." if more else ""
    if not rows:
        note = "No device of this dataset has enough history yet."
    return Family([FamilyTable("The worst first", _HEAD, tuple(rows), note)])


def ranked(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes by their devices, the worst first, then the other outcomes of each."""
    found = [outcome for device in worst_first(outcomes) for outcome in device.outcomes]
    return sorted(found, key=lambda outcome: -outcome.severity.urgency)


def pictures(
    study: Study, records: Records, outcomes: Sequence[Outcome], style: Style
) -> Iterator[Drawn]:
    """The years of each device with a finding, the worst first; of a vector also its map."""
    from oaflib.plots.curves import curves
    from oaflib.plots.elements import element_map
    from oaflib.plots.picture import using
    from oaflib.plots.years import years

    checks = {check.label: check for check in study.dataset.checks}
    every = [one for one in ranked(outcomes) if one.severity is not Severity.NOT_APPLICABLE]
    found = [one for one in every if one.severity is not Severity.OK]
    steady = [one for one in every if one.severity is Severity.OK]
    zone = records.window.zone
    for outcome in [*found[:_PICTURED], *steady[: max(0, _STEADY - len(found))]]:
        view = view_of(outcome, checks.get(outcome.check), records)
        trend: Trend = records.past.trend(outcome.variable)
        with using(style):
            drawn = [years(view.trend, [view.outcome], view.done, zone=zone)]
            if trend.elements is not None:
                marked = [i for name in outcome.members if (i := element_of(name)) is not None]
                found_map = element_map(trend, zone, done=view.done, marked=marked)
                drawn = [*drawn, found_map] if marked else [found_map]
            if view.reference:
                parts = curves_of(records.past, outcome.variable, view.reference)
                drawn.append(curves(view.trend.variable, parts, view.done, zone=zone))
        yield from drawn


def view_of(outcome: Outcome, check: Any, records: Records) -> View:
    """What `check` looked at when it gave `outcome`."""
    name = outcome.variable
    trend: Trend = records.past.trend(name)
    done = tuple(records.past.interventions(name))
    element = element_of(outcome.members[0]) if outcome.members else None
    if element is not None and trend.elements is not None and element < trend.elements.shape[1]:
        name = outcome.members[0]
        trend = _with(trend, name, trend.elements[:, element])
    elif check is not None and check.kind == "wear":
        of = {"counter": "last", "samples": "count", "sum": "sum"}[check.count]
        trend = _with(trend, name, _used(trend, statistic(trend, of), check, done))
    elif check is not None and getattr(check, "of", "mean") != "mean":
        trend = _with(trend, name, statistic(trend, check.of))
    reference = getattr(check, "reference", None)
    if isinstance(reference, str) and reference and outcome.variable != reference:
        trend = departure_of(records.past, name, reference)
        done = returns(trend, done)
    elif isinstance(reference, (int, float)):  # its limits are departures from the reference
        done = returns(from_reference(trend, reference), done)
        limit = {key: reference + outcome.limit[key] for key in outcome.limit}
        outcome = replace(outcome, limit=limit, unit=trend.unit)
    return View(trend, outcome, done, reference if isinstance(reference, str) else "")


def element_of(name: str) -> int | None:
    """The 4 of ``NAME[4]``; None for the name of a whole variable."""
    found = re.search(r"\[(\d+)\]$", name)
    return int(found[1]) if found else None


def _with(trend: Trend, name: str, value: Floats) -> Trend:
    """The trend with `value` as all that is known of each window."""
    known: dict[str, Any] = dict.fromkeys(("min", "max", "mean", "first", "last"), value)
    known |= {"std": np.full(len(value), np.nan), "elements": None, "spreads": None}
    return replace(trend, variable=name, **known)


def _used(trend: Trend, value: Floats, check: Any, done: Sequence[Intervention]) -> Floats:
    """The usage so far at each window; from zero again at each intervention."""
    if check.count == "counter":
        grown = np.diff(value, prepend=value[:1])
        value = np.where(grown < 0, np.maximum(value, 0.0), grown)
    total = np.cumsum(np.nan_to_num(value)) + (0.0 if done else check.used)
    for entry in done:
        first = int(np.searchsorted(trend.time, entry.time))
        if 0 < first < len(total):
            total[first:] -= total[first - 1]
    return total


def _row(view: View, zone: ZoneInfo) -> tuple[str, ...]:
    outcome, unit = view.outcome, view.trend.unit
    said = outcome.forecast or {}
    slope = view.slope
    name = view.trend.variable
    since = None if outcome.since is None else moment(outcome.since).astimezone(zone).date()
    return (
        name if element_of(name) is not None else outcome.device or outcome.variable,
        str(outcome.severity),
        _when(said) or DASH,
        narrow(figure(view.now, unit)),
        unbroken(narrow(_allowed(outcome.limit)) or DASH),
        DASH if slope is None else signed(slope.value * _YEAR),
        DASH if slope is None else unbroken(_interval(slope)),
        _kept(DASH if since is None else dated(since)),
        outcome.check,
    )


def _allowed(limit: Mapping[str, Any]) -> str:
    """``≤ 30``, ``≥ 1,700`` or ``0.9 … 1.1``."""
    low, high = (limit.get(word) for word in ("low", "high"))
    if low is not None and low == -(high or 0):
        return f"± {figure(high)}"
    if low is not None and high is not None:
        return f"{figure(low)} … {figure(high)}"
    if high is not None:
        return f"≤ {figure(high)}"
    return "" if low is None else f"≥ {figure(low)}"


def _when(said: Mapping[str, Any]) -> str:
    """The day a limit is crossed and its interval, or why there is none."""
    state = said.get("state", "")
    if state == "crosses":
        return f"{_kept(dated(date.fromisoformat(said['date'])))} ({_between(said)})"
    if state == "crossed":
        day = said["date"] and _kept(dated(date.fromisoformat(said["date"])))
        return f"crossed {day}" if day else state
    if state == "not within horizon":
        return f"not within {said['horizon_days']:g} days"
    note = f": {said['note']}" if said.get("note") else ""
    return f"{state}{note}"


def _between(said: Mapping[str, Any]) -> str:
    first = date.fromisoformat(said["earliest"])
    if not said["latest"]:
        return _kept(f"{dated(first)} to no end")
    last = date.fromisoformat(said["latest"])
    until = _kept(f"to {dated(last)}")
    return f"{_kept(dated(first, year=first.year != last.year))} {until}"


def _kept(text: str) -> str:
    """All of it on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _interval(slope: Slope) -> str:
    low, high = sorted((slope.low * _YEAR, slope.high * _YEAR))
    return f"{signed(low)} to {signed(high)}"


def dated(day: date, year: bool = True) -> str:
    """``14 Mar 2027``."""
    return f"{day.day} {day:%b %Y}" if year else f"{day.day} {day:%b}"


def signed(value: float) -> str:
    """A change as people write it: ``+2,403``, ``−0.11``."""
    if value == 0:
        return "0"
    whole = 1_000 <= abs(value) < 1e6
    return f"{'+' if value > 0 else ''}{compact(round(value) if whole else value, 3)}"


def narrow(text: str) -> str:
    """A power of ten without blanks, ``3×10⁹``: the table has nine columns."""
    return text.replace(" × ", "×")
