"""How well ageing is found, on measurements: ``python benchmarks/ageing.py [FOLDER]``.

Each series is judged as it grows, as every morning would, by the checks of OAF with nothing set but
the limit a forecast is asked for; beside them a straight line through everything so far, and a
fixed rule of six standard deviations of the first third (ten to sixty points).

A row a data set: how many of the devices that age were found and how late, false alarms for each
device and year on those that are well (or not yet ill), and, where there is a limit, how far the
forecast at half life is off, and how often the truth lies in its interval.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oaflib.checks.ageing_calibration import Calibration
from oaflib.checks.ageing_curve import curve_of, resets
from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_forecast import Quest, forecast
from oaflib.checks.ageing_points import Points, latest_period
from oaflib.checks.ageing_step import Step
from oaflib.report import Severity
from oaflib.trend import DAY
from oaflib.window import nanoseconds, parse_instant

MORNINGS = 60  # at how many lengths each series is judged


@dataclass(frozen=True)
class Case:
    """A device: its values over days, and from which day on it is ill (None: never).

    `reference` makes it a calibration: the values are deviations from a reference of that size.
    """

    name: str
    days: np.ndarray
    values: np.ndarray
    onset: float | None
    reference: float = 0.0

    def points(self, n: int) -> Points:
        """The first `n` points."""
        return Points((self.days[:n] * DAY).astype(np.int64), self.values[:n])


@dataclass(frozen=True)
class Crossing:
    """A device and the limit it crosses: asked at half life."""

    name: str
    days: np.ndarray
    values: np.ndarray
    limit: float
    when: float
    part: float


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


def by_line(case: Case, n: int) -> float | None:
    """A straight line through everything: a slope five standard errors from zero."""
    x, y = case.days[:n], case.values[:n]
    if n < 8:
        return None
    slope, offset = np.polyfit(x, y, 1)
    left = y - offset - slope * x
    error = left.std() / (x.std() * np.sqrt(n)) if x.std() else np.inf
    return float(x[0]) if abs(slope) > 5 * error else None


def by_six_sigma(case: Case, n: int) -> float | None:
    """The newest point is six standard deviations off the first third."""
    y = case.values[:n]
    base = y[: min(max(n // 3, 10), 60)]
    return float(case.days[n - 1]) if abs(y[-1] - base.mean()) > 6 * base.std() else None


METHODS = {"OAF": by_checks, "line": by_line, "6 sigma": by_six_sigma}


def scored(cases: list[Case], name: str) -> tuple[int, int, float, float, float]:
    """Found, ill, median delay in days and onset error, false alarms for a device and year."""
    method = METHODS[name]
    delays, errors, alarms, years = [], [], 0, 0.0
    ill = [case for case in cases if case.onset is not None]
    for case in cases:
        ends = np.unique(np.linspace(12, len(case.days), MORNINGS).astype(int))
        was, told = False, False
        well = case.days[-1] if case.onset is None else case.onset
        years += (well - case.days[0]) / 365.25
        for n in ends:
            now = float(case.days[n - 1])
            since = method(case, n)
            if now < well:
                alarms += since is not None and not was
            elif since is not None and not told and case.onset is not None:
                told = True
                delays.append(now - case.onset)
                errors.append(abs(since - case.onset))
            was = since is not None
    middle = [float(np.median(one)) if one else np.nan for one in (delays, errors)]
    return len(delays), len(ill), *middle, alarms / years


def foretold(crossings: list[Crossing], name: str) -> tuple[int, float, float, float]:
    """Told, median error and interval (in parts of the time left), share of truths within."""
    errors, widths, held, told = [], [], [], 0
    for one in crossings:
        now = one.days[0] + one.part * (one.when - one.days[0])
        keep = one.days <= now
        days, values = one.days[keep], one.values[keep]
        left = one.when - now
        upward = one.limit > values[0]
        if name == "OAF":
            said = forecast(Quest(days, values, one.limit, upward, 0, 20 * (now - days[0])))
            early, middle, late = (_day(said[key]) for key in ("earliest", "date", "latest"))
            told += said["state"] == "crosses"
            if said["state"] != "crosses":
                continue
        else:
            if name == "line":
                fit, cov = np.polyfit(days, values, 1, cov=True)
                slopes = fit[0] + 1.645 * np.sqrt(cov[0, 0]) * np.array([-1, 0, 1])
            else:
                slopes = np.full(3, (values[-1] - values[0]) / (days[-1] - days[0]))
            level = float(np.median(values[-5:]))
            with np.errstate(divide="ignore"):
                when = now + (one.limit - level) / slopes
            when = np.where(when < now, np.inf, when)
            early, late = float(when.min()), float(when.max())
            middle = float(when[1])
            told += bool(np.isfinite(middle))
        errors.append(abs(middle - one.when) / left)
        widths.append((min(late, 1e6) - early) / left)
        held.append(early <= one.when <= late + 1)
    if not errors:
        return 0, np.nan, np.nan, np.nan
    return told, float(np.median(errors)), float(np.median(widths)), float(np.mean(held))


def _day(text: str | None) -> float:
    return np.inf if text is None else nanoseconds(parse_instant(f"{text}T12:00Z")) / DAY


def hcal(folder: Path) -> list[Case]:
    """Noise and pedestal of detector groups, per day of 2022 before the beam stop of day 150."""
    table = _hcal_table(folder)
    lumi = table.groupby("day").lumi.median()
    dose = float(lumi.index[np.argmax(lumi.to_numpy() > 0.02)])
    cases = []
    for (group, stat), part in table.groupby(["group", "stat"]):
        daily = part.groupby("day").value.median()
        if len(daily) < 40:
            continue
        days, values = daily.index.to_numpy(float), daily.to_numpy()
        grown = np.median(values[-8:]) / np.median(values[:8]) - 1
        if abs(grown) > 0.1:  # what the year showed: it ages, since there is dose
            cases.append(Case(f"{group} {stat}", days, values, dose))
        elif abs(grown) < 0.03:
            cases.append(Case(f"{group} {stat}", days, values, None))
    return cases


def bearings(folder: Path) -> list[Case]:
    """Mean vibration; who broke is documented, the others are well until that began."""
    cases = []
    broke = {1: {"Bearing 3": 1840, "Bearing 4": 1570}, 2: {"Bearing 1": 532}}
    for test, onsets in broke.items():
        path = folder / f"merged_dataset_BearingTest_{test}.csv"
        table = pd.read_csv(path, index_col=0, parse_dates=True)
        days = (table.index - table.index[0]).total_seconds().to_numpy() / 86_400
        first = min(onsets.values())
        for name in table:
            onset = onsets.get(str(name)[:9])
            end = len(days) if onset is not None else first
            ill = None if onset is None else float(days[onset])
            cases.append(Case(f"{test} {name}", days[:end], table[name].to_numpy()[:end], ill))
    return cases


def batteries(folder: Path) -> list[Crossing]:
    """Capacity per cycle (a cycle as a day) to 80 and 70 % of the first; asked at half life."""
    table = pd.read_csv(folder / "CALCE_CS2_capacity.csv").rename(columns={"capacity": "value"})
    other = pd.read_csv(folder / "NASA_PCoE_capacity.csv").rename(columns={"capacity_Ah": "value"})
    found = []
    for cell, part in pd.concat([table, other]).groupby("cell"):
        days, values = part.cycle.to_numpy(float), part.value.to_numpy()
        smooth = part.value.rolling(7, center=True, min_periods=1).median().to_numpy()
        for share in (0.8, 0.7):
            limit = share * float(np.median(values[:5]))
            below = np.flatnonzero(smooth < limit)
            if len(below):
                when = float(days[below[0]])
                found.append(Crossing(f"{cell} {share}", days, values, limit, when, 0.5))
    return found


def dose(folder: Path) -> list[Crossing]:
    """Noise over dose (1/fb as a day): when is four fifths of the year's growth there?"""
    table = _hcal_table(folder)
    found = []
    for (group, stat), part in table.groupby(["group", "stat"]):
        part = part.groupby("lumi").value.median()
        days, values = part.index.to_numpy(float), part.to_numpy()
        first, late = np.median(values[:8]), np.median(values[-8:])
        if len(days) < 40 or late / first < 1.1:
            continue
        smooth = pd.Series(values).rolling(5, center=True, min_periods=1).median().to_numpy()
        limit = float(first + 0.8 * (late - first))
        when = float(days[np.flatnonzero(smooth > limit)[0]])
        found.append(Crossing(f"{group} {stat}", days, values, limit, when, 0.5))
    return found


def _hcal_table(folder: Path) -> pd.DataFrame:
    names = ["run", "lumi", "day", "date", "group", "stat", "value"]
    table = pd.read_csv(folder / "SaveFile_2022.txt.gz", sep=r"\s+", header=None, names=names)
    return table[(table.day < 160) & table.stat.isin(["MeanRMS", "MeanMean"])]


def water(folder: Path) -> Iterator[tuple[Case, np.ndarray]]:
    """Deviation of sondes from what technicians corrected, a median a day; and days of resets.

    It is exactly zero where nothing was corrected: noise of 0.05 % of the reading is added.
    """
    for path in sorted(folder.glob("*.csv.gz")):
        table = pd.read_csv(path, parse_dates=["datetime"], na_values=["NULL"], low_memory=False)
        for name in ("cond", "ph", "do", "temp", "turb"):
            both = table[["datetime", name, f"{name}_cor"]].dropna()
            both = both[(both[name] > -9000) & (both[f"{name}_cor"] > -9000)].set_index("datetime")
            daily = (both[name] - both[f"{name}_cor"]).resample("D").median().dropna()
            size = float(both[f"{name}_cor"].abs().median())
            if len(daily) < 40 or not size:
                continue
            rng = np.random.default_rng(len(daily))
            values = daily.to_numpy() + rng.normal(0, 5e-4 * size, len(daily))
            days = (daily.index - daily.index[0]).days.to_numpy(float)
            off = np.abs(daily.to_numpy()) > 0.005 * size
            lasting = np.convolve(off, np.ones(4), "full")[: len(off)] >= 4
            onset = float(days[max(0, int(np.argmax(lasting)) - 3)]) if lasting.any() else None
            back = np.flatnonzero(lasting[:-1] & ~off[1:]) + 1
            yield Case(f"{path.name[:-7]} {name}", days, values, onset, size), days[back]


def gas(folder: Path) -> list[Case]:
    """A gas sensor against its analyser: daily deviation from the curve of the first month."""
    table = pd.read_csv(folder / "AirQualityUCI_give.csv.gz").replace(-200, np.nan)
    when = pd.to_datetime(table["Date"] + " " + table["Time"], format="mixed")
    pairs = {"CO(GT)": "PT08.S1(CO)", "C6H6(GT)": "PT08.S2(NMHC)", "NO2(GT)": "PT08.S4(NO2)"}
    cases = []
    for truth, sensor in pairs.items():
        both = pd.DataFrame({"a": table[truth], "b": table[sensor]}).set_index(when).dropna()
        both = both[~both.index.isna()]
        daily = both.resample("D").mean().dropna()
        was = curve_of(*daily.iloc[:30].to_numpy().T)
        assert was is not None
        off = (was.reference_of(daily["b"].to_numpy()) - daily["a"].to_numpy()).astype(float)
        size = float(daily["a"].median())
        days = (daily.index - daily.index[0]).days.to_numpy(float)
        month = pd.Series(off).rolling(30, min_periods=30).median().to_numpy()
        # ill: from where on the monthly bias stays beyond a quarter of what is measured
        bad = np.abs(month) > 0.25 * size
        fine = np.flatnonzero(~bad)
        onset = None
        if len(fine) and fine[-1] + 1 < len(days) and bad[-1]:
            onset = float(days[max(0, fine[-1] + 1 - 15)])
        cases.append(Case(f"{sensor}", days, off, onset, size))
    return cases


def main(folder: Path) -> None:
    """Print the tables."""
    sets: dict[str, list[Case]] = {
        "detector noise with dose": hcal(folder / "cern-cms-hcal-ageing"),
        "bearings to failure": bearings(folder / "ims-bearings"),
        "gas sensors, calibration": gas(folder / "airquality-uci"),
    }
    pairs = list(water(folder / "lro-water-quality"))
    sets["water sondes, calibration"] = [case for case, _ in pairs]
    head = f"{'':<28}{'':<9}{'found':>8}{'delay d':>9}{'onset d':>9}{'false/y':>9}"
    print(head)
    for name, cases in sets.items():
        for method in METHODS:
            found, ill, delay, error, alarms = scored(cases, method)
            row = f"{found}/{ill}"
            print(f"{name:<28}{method:<9}{row:>8}{delay:>9.2f}{error:>9.2f}{alarms:>9.2f}")
    found = real = extra = 0
    for case, days in pairs:
        seen = [case.days[step.index] for step in resets(case.points(len(case.days)))]
        real += len(days)
        found += sum(any(abs(one - day) <= 1 for one in seen) for day in days)
        extra += sum(all(abs(one - day) > 1 for day in days) for one in seen)
    print(f"\nresets of water sondes recognised: {found} of {real}, {extra} others\n")
    print(f"{'':<28}{'':<9}{'told':>8}{'error':>9}{'width':>9}{'within':>9}")
    forecasts = {
        "batteries at half life": batteries(folder / "batteries-run-to-eol"),
        "detector noise with dose": dose(folder / "cern-cms-hcal-ageing"),
    }
    for name, crossings in forecasts.items():
        for method in ("OAF", "line", "ends"):
            told, miss, width, within = foretold(crossings, method)
            row = f"{told}/{len(crossings)}"
            print(f"{name:<28}{method:<9}{row:>8}{miss:>9.2f}{width:>9.2f}{within:>9.2f}")


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[1]
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../shared/data")
