"""The measured data sets that `ageing.py` scores, and when each of their devices fell ill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oaflib.checks.ageing_curve import curve_of
from oaflib.checks.ageing_points import Points
from oaflib.trend import DAY


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
    """A device and the limit it crosses, and at which part of its life it is asked when."""

    name: str
    days: np.ndarray
    values: np.ndarray
    limit: float
    when: float
    part: float = 0.5


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
            cases.append(Case(f"{group} {stat}", days, values, max(dose, days[0])))
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
