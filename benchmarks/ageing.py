"""How well ageing is found, on measurements: ``python benchmarks/ageing.py [FOLDER]``.

Each series is judged as it grows, as every morning would, by the checks of OAF with nothing set but
the limit a forecast is asked for; beside them two rivals: a straight line through everything so far
(a slope five standard errors from zero), and a fixed rule (the newest point six standard deviations
off the first third, ten to sixty points).

A device counts as found when an alarm begins after its onset, or in the last twentieth of the time
before (no onset is known better) and stands; one that stands since long before cried wolf. The
delay of one not found is all the time it had; `lost` is the mean share of that time that passed
unnoticed. A false alarm is one that begins on a device that is well, or not yet ill.

A rival is beaten outright when it is no better in found, lost and false alarms, and worse in one.
Else it is beaten at equal false alarms when it still loses more with the threshold that hindsight
finds best for these very data among those that make no more false alarms than OAF. The forecasts of
a rival are beaten by a smaller error with an interval that holds the truth nearer to 90 % of times.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import ageing_made as made
import ageing_sets as sets
import numpy as np
from ageing_sets import Case, Crossing

from oaflib.checks.ageing_calibration import Calibration
from oaflib.checks.ageing_curve import resets
from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_forecast import Quest, forecast
from oaflib.checks.ageing_points import latest_period
from oaflib.checks.ageing_step import Step
from oaflib.report import Severity
from oaflib.trend import DAY
from oaflib.window import nanoseconds, parse_instant

MORNINGS = 60  # at how many lengths each series is judged
GRACE = 0.05  # of the time before an onset, to which it is known
PARTS = (0.35, 0.5, 0.65, 0.8)  # of a life, at which a forecast is asked for
LINE, SIGMAS = 5.0, 6.0
RIVALS = {"line": LINE, "6 sigma": SIGMAS}


@dataclass(frozen=True)
class Score:
    """What a method made of a data set; `delay` is the median in days, of those found."""

    found: int
    ill: int
    delay: float
    onset: float
    lost: float
    false: int
    years: float

    @property
    def rate(self) -> float:
        """False alarms for a device and year."""
        return self.false / self.years if self.years else np.nan


@dataclass(frozen=True)
class Morning:
    """One case at one length: what OAF says, and how far the rivals' measures are."""

    now: float
    since: float | None
    line: float
    sigma: float


def mornings(case: Case) -> list[Morning]:
    """The case, as it grows."""
    ends = np.unique(np.linspace(12, len(case.days), MORNINGS).astype(int))
    return [
        Morning(float(case.days[n - 1]), by_checks(case, n), by_line(case, n), by_sigmas(case, n))
        for n in ends
    ]


def by_checks(case: Case, n: int) -> float | None:
    """The onset in days, where a check finds something in the first `n` points."""
    points = case.points(n)
    if case.reference:
        check = Calibration(reference=case.reference)
        found = [check.weigh_deviation(points, case.reference)]
    else:
        period = latest_period(points, ())
        found = [Drift().weigh_points(period), Step().weigh_points(period)]
    bad = [one.since for one in found if one.severity in (Severity.WARNING, Severity.ALARM)]
    return min(since for since in bad if since is not None) / DAY if bad else None


def by_line(case: Case, n: int) -> float:
    """Standard errors by which the slope of a straight line through everything is off zero."""
    x, y = case.days[:n], case.values[:n]
    slope, offset = np.polyfit(x - x.mean(), y, 1)
    left = y - offset - slope * (x - x.mean())
    error = left.std() / (x.std() * np.sqrt(n))
    return float(abs(slope) / error) if error else 0.0


def by_sigmas(case: Case, n: int) -> float:
    """Standard deviations by which the newest point is off the first third."""
    y = case.values[:n]
    base = y[: min(max(n // 3, 10), 60)]
    return float(abs(y[-1] - base.mean()) / base.std()) if base.std() else 0.0


def scored(
    cases: list[Case], told: list[list[bool]], begun: list[list[float]], at: list[list[float]]
) -> Score:
    """The score of alarms `told` on mornings `at`; `begun` are the onsets said."""
    delays, errors, lost, false, years = [], [], [], 0, 0.0
    for case, alarms, said, days in zip(cases, told, begun, at, strict=True):
        well = case.days[-1] if case.onset is None else case.onset
        years += (well - case.days[0]) / 365.25
        early = well if case.onset is None else well - GRACE * (well - case.days[0])
        later = next((i for i, day in enumerate(days) if day >= well), len(days))
        stands = later < len(days) and alarms[later]
        rises = [i for i, on in enumerate(alarms) if on and not (i and alarms[i - 1])]
        # the last one before the onset may be that of the onset itself, known no better
        ahead = [i for i in rises if early <= days[i] < well][-1:] if stands else []
        after = ahead or [i for i in rises if days[i] >= well]
        false += sum(days[i] < well for i in rises if i not in ahead)
        if case.onset is None:
            continue
        time = case.days[-1] - case.onset
        delay = max(0.0, days[after[0]] - case.onset) if after else time
        lost.append(delay / time)
        if after:
            delays.append(delay)
            errors.append(abs(said[after[0]] - case.onset))
    middle = [float(np.median(one)) if one else np.nan for one in (delays, errors)]
    share = float(np.mean(lost)) if lost else np.nan
    return Score(len(delays), len(lost), *middle, share, false, years)


def compared(cases: list[Case], show: bool = False) -> dict[str, Score]:
    """OAF, the rivals, and the rivals tuned by hindsight to no more false alarms than OAF."""
    grown = [mornings(case) for case in cases]
    at = [[one.now for one in days] for days in grown]
    ours = [[one.since is not None for one in days] for days in grown]
    begun = [[np.nan if one.since is None else one.since for one in days] for days in grown]
    scores = {"OAF": scored(cases, ours, begun, at)}
    if show:
        for i, case in enumerate(cases):
            one = scored([case], ours[i : i + 1], begun[i : i + 1], at[i : i + 1])
            print(
                f"   {case.name:<32}{one.found}/{one.ill}{one.delay:8.2f}{one.lost:8.3f}"
                f"{one.false:4d}"
            )
    for name, usual in RIVALS.items():
        field = name.split()[-1]
        size = [[getattr(one, field) for one in days] for days in grown]

        def at_threshold(limit: float, size: list[list[float]] = size) -> Score:
            return scored(cases, [[one > limit for one in days] for days in size], at, at)

        scores[name] = at_threshold(usual)
        tuned = [at_threshold(usual * 2.0**k) for k in np.arange(-3, 12, 0.125)]
        quiet = [one for one in tuned if one.false <= scores["OAF"].false]
        scores[f"{name}, tuned"] = min(quiet or tuned[-1:], key=lambda one: (one.lost, one.false))
    return scores


def verdict(scores: dict[str, Score], rival: str) -> str:
    """Whether OAF beats `rival`, and how."""
    ours, other, tuned = scores["OAF"], scores[rival], scores[f"{rival}, tuned"]
    pairs = [
        (ours.found, other.found),
        (-ours.lost, -other.lost),
        (-ours.false, -other.false),
    ]
    if all(a >= b for a, b in pairs) and any(a > b for a, b in pairs):
        return "beaten outright"
    equal = "beaten" if (tuned.lost, -tuned.found) > (ours.lost, -ours.found) else "better"
    return f"{equal} at equal false alarms"


@dataclass(frozen=True)
class Foretold:
    """Forecasts: how many told, median error and width in parts of the time left, share held."""

    told: int
    asked: int
    error: float
    width: float
    held: float


def foretold(crossings: list[Crossing], name: str, show: bool = False) -> Foretold:
    """What OAF, a straight line or the two ends say of each crossing."""
    errors, widths, held, told = [], [], [], 0
    for one in crossings:
        now = one.days[0] + one.part * (one.when - one.days[0])
        keep = one.days <= now
        days, values = one.days[keep], one.values[keep]
        left = one.when - now
        early, middle, late = says(name, days, values, one.limit)
        told += bool(np.isfinite(middle))
        errors.append(min(abs(middle - one.when) / left, 10.0))
        widths.append((min(late, 1e6) - early) / left)
        slack = 1.0 if name == "OAF" else 0.0  # it says calendar days
        held.append(early - slack <= one.when <= late + slack)
        if show:
            print(
                f"   {one.name:<32}{left:9.2f}{middle - one.when:9.2f}{early - one.when:9.2f}"
                f"{late - one.when:9.2f}"
            )
    return Foretold(
        told,
        len(crossings),
        float(np.median(errors)),
        float(np.median(widths)),
        float(np.mean(held)),
    )


def says(
    name: str, days: np.ndarray, values: np.ndarray, limit: float
) -> tuple[float, float, float]:
    """Earliest, likeliest and latest day of the crossing; infinite where it is not told."""
    now = float(days[-1])
    if name == "OAF":
        upward = limit > np.median(values[:5])
        said = forecast(Quest(days, values, limit, bool(upward), 0, 20 * (now - days[0])))
        early, middle, late = (_day(said[key]) for key in ("earliest", "date", "latest"))
        return early, middle, late
    fit, cov = np.polyfit(days, values, 1, cov=True)
    slopes = fit[0] + 1.645 * np.sqrt(cov[0, 0]) * np.array([-1, 0, 1])
    level = float(np.median(values[-5:]))
    with np.errstate(divide="ignore"):
        when = now + (limit - level) / slopes
    when = np.where(when < now, np.inf, when)
    return float(when.min()), float(when[1]), float(when.max())


def _day(text: str | None) -> float:
    return np.inf if text is None else nanoseconds(parse_instant(f"{text}T12:00Z")) / DAY


def main(folder: Path, show: bool = False) -> None:
    """Print the tables."""
    pairs = list(sets.water(folder / "lro-water-quality"))
    every: dict[str, list[Case]] = {
        "detector noise with dose": sets.hcal(folder / "cern-cms-hcal-ageing"),
        "bearings to failure": sets.bearings(folder / "ims-bearings"),
        "gas sensors, calibration": sets.gas(folder / "airquality-uci"),
        "water sondes, calibration": [case for case, _ in pairs],
        "made devices": made.devices(),
    }
    columns = ("found", "delay d", "onset d", "lost", "false/y")
    print(f"{'':<27}{'':<16}{''.join(f'{name:>9}' for name in columns)}")
    for name, cases in every.items():
        scores = compared(cases, show)
        for method, one in scores.items():
            row = f"{one.found}/{one.ill}"
            said = verdict(scores, method) if method in RIVALS else ""
            print(
                f"{name:<27}{method:<16}{row:>9}{one.delay:>9.2f}{one.onset:>9.2f}"
                f"{one.lost:>9.3f}{one.rate:>9.2f}  {said}"
            )
    found = real = extra = 0
    for case, days in pairs:
        seen = [case.days[step.index] for step in resets(case.points(len(case.days)))]
        real += len(days)
        found += sum(any(abs(one - day) <= 1 for one in seen) for day in days)
        extra += sum(all(abs(one - day) > 1 for day in days) for one in seen)
    print(f"\nresets of water sondes recognised: {found} of {real}, {extra} others\n")
    print(f"{'':<27}{'':<16}{'told':>9}{'error':>9}{'width':>9}{'within':>9}")
    cells = sets.batteries(folder / "batteries-run-to-eol")
    noise = sets.dose(folder / "cern-cms-hcal-ageing")
    forecasts = {
        "batteries at half life": cells,
        "batteries at any": [replace(one, part=part) for one in cells for part in PARTS],
        "noise at half dose": noise,
        "noise at any dose": [replace(one, part=part) for one in noise for part in PARTS],
        "made wear": made.crossings(),
    }
    for name, crossings in forecasts.items():
        results = {method: foretold(crossings, method, show) for method in ("OAF", "line")}
        for method, one in results.items():
            row = f"{one.told}/{one.asked}"
            said = ""
            if method != "OAF":
                ours = results["OAF"]
                better = (ours.error < one.error, abs(ours.held - 0.9) < abs(one.held - 0.9))
                said = ("better", "even", "beaten")[sum(better)]
            print(
                f"{name:<27}{method:<16}{row:>9}{one.error:>9.2f}{one.width:>9.2f}{one.held:>9.2f}"
                f"  {said}"
            )


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    words = [word for word in sys.argv[1:] if word != "--each"]
    main(Path(words[0]) if words else here / "../shared/data", "--each" in sys.argv)
