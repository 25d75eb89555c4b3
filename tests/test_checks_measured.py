"""The default checks on measurements: they find what is broken, and do not cry wolf."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oaflib.checks import default_checks, fold, run_checks
from oaflib.checks.peers import Peers
from oaflib.records import Records, entry_of, records_of
from oaflib.report import Severity
from oaflib.series import Kind, Series
from oaflib.window import Window

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "../shared/data"
sys.path.insert(0, str(REPOSITORY / "benchmarks"))
import anomalies  # noqa: E402

pytestmark = pytest.mark.data


def there(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path


def logger_day(name: str, end: datetime) -> Records:
    """A Campbell logger's day, one variable a column; the times as if they were UTC."""
    path = there("sandia-pecos-pv") / name
    table = pd.read_csv(path, skiprows=[0, 2, 3], parse_dates=["TIMESTAMP"])
    time = table["TIMESTAMP"].astype("datetime64[ns]").astype("int64").to_numpy()
    window = Window(datetime(2015, 11, 11, tzinfo=UTC), end)
    names = table.columns[2:]
    return records_of(
        [Series(n, Kind.NUMERIC, "", time, table[n].to_numpy(float)) for n in names], window
    )


def findings(records: Records) -> list:
    outcomes = fold(run_checks(default_checks(records), records), records)
    return [o for o in outcomes if o.severity not in (Severity.OK, Severity.NOT_APPLICABLE)]


def test_a_solar_plants_day_has_one_dead_channel():
    records = logger_day("Baseline6kW_2015_11_11.dat.gz", datetime(2015, 11, 12, tzinfo=UTC))
    assert len(records) == 49
    found = findings(records)
    assert [(o.check, o.severity) for o in found] == [("gap", "ALARM"), ("stuck", "ALARM")]
    gap, dead = found
    assert len(gap.members) == 49  # the file ends at 22:30
    assert "1 h 30 min since 2015-11-11T22:30:00Z" in gap.reason
    assert dead.variable == "Sys1Str2Idc_Avg"
    assert "while 3 of its 3 siblings move" in dead.reason


def test_a_weather_masts_day_is_nearly_quiet():
    records = logger_day("MET_2015_11_11.dat.gz", datetime(2015, 11, 11, 22, 31, tzinfo=UTC))
    found = findings(records)
    assert not [o for o in found if o.severity.alarming]
    assert len(found) <= 2


@pytest.fixture(scope="module")
def orbits() -> Records:
    """Orbits of the European XFEL: each plane as one vector, and each monitor by itself."""
    folder = there("desy-xfel-orbits")
    table = pd.read_parquet(folder / "xfel_orbits_1Hz_min000-149.parquet")
    names = pd.read_csv(folder / "bpm_names.csv")["bpm"].tolist()
    time = table["timestamp_approx"].astype("datetime64[ns]").astype("int64").to_numpy()
    series = []
    for plane in "XY":
        value = np.stack(table[f"orbit_{plane.lower()}"]).astype(float)
        series.append(Series(f"XFEL.ORBIT:{plane}", Kind.VECTORNUMERIC, "mm", time, value))
        for i, name in enumerate(names):
            series.append(Series(f"{name}:{plane}", Kind.NUMERIC, "mm", time, value[:, i]))
    start, end = datetime(2022, 2, 25, tzinfo=UTC), datetime(2022, 2, 25, 2, 30, tzinfo=UTC)
    return records_of(series, Window(start, end))


DEAD = {"XFEL.DIAG/BPM/BPMH.2249.SA2:X", "XFEL.DIAG/BPM/BPMH.2303.SA2:X"}


def test_two_dead_monitors_among_103(orbits: Records):
    bad = [o for o in Peers().judge(orbits) if o.severity is not Severity.OK]
    assert {o.variable for o in bad} == {"XFEL.ORBIT:X", *DEAD}
    assert {o.severity for o in bad} == {Severity.ALARM}
    vector = next(o for o in bad if o.variable == "XFEL.ORBIT:X")
    assert vector.reason == (
        "element 10 is dead at −8 mm, element 29 is dead at −8 mm, unlike the other 101 elements"
    )


def test_the_defaults_find_them_too_and_little_else(orbits: Records):
    found = findings(orbits)
    alarms = {(o.check, o.variable) for o in found if o.severity.alarming}
    assert alarms == {("vector", "XFEL.ORBIT:X"), *(("stuck", name) for name in DEAD)}
    assert len([o for o in found if o.severity is Severity.WARNING]) <= 4  # of 208 variables


def test_labelled_anomalies_are_found_better_than_by_six_sigma():
    there("skab"), there("nab")
    for cases, least in ((anomalies.skab(DATA), 0.6), (anomalies.nab(DATA), 0.1)):
        every = list(cases)
        ours = anomalies.score(every, anomalies.by_defaults, False)
        plain = anomalies.score(every, anomalies.by_six_sigma, False)
        assert ours[0][2] > least
        for mine, sigma in zip(ours, plain, strict=True):
            assert mine[2] > sigma[2]


def test_each_series_is_loaded_once():
    loaded: list[str] = []

    class Counting(Records):
        def __getitem__(self, name: str) -> Series:
            loaded.append(name)
            return super().__getitem__(name)

    start = datetime(2026, 11, 22, tzinfo=UTC)
    window = Window(start, datetime(2026, 11, 23, tzinfo=UTC))
    time = window.start_ns + np.arange(1440) * 60_000_000_000
    rng = np.random.default_rng(0)
    made = {
        f"BPM.{i}:POS": Series(f"BPM.{i}:POS", Kind.NUMERIC, "mm", time, rng.normal(size=1440))
        for i in range(20)
    }
    records = Counting(window, {n: entry_of(s) for n, s in made.items()}, made=made)
    outcomes = run_checks([*default_checks(records), Peers(name="all")], records)
    assert sorted(loaded) == sorted(made)
    assert len(outcomes) == 20 * 7
