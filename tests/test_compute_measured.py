"""Gates and computations on what real machines logged."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oaflib.compute import run_computations
from oaflib.compute.group import Grouped
from oaflib.compute.resample import Resampled
from oaflib.compute.spectrum import Spectrum
from oaflib.compute.usage import Usage
from oaflib.expression import open_intervals
from oaflib.records import Records, records_of
from oaflib.series import Kind, Series
from oaflib.window import Window, calendar_day, moment

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
DAY = calendar_day(date(2026, 11, 22))
SECOND = 10**9

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.exists(), reason="no measurements beside the repository"),
]


def vectors(rows: list[np.ndarray]) -> Records:
    time = DAY.start_ns + np.arange(len(rows), dtype=np.int64)
    return records_of([Series("V:X", Kind.VECTORNUMERIC, "", time, np.stack(rows))], DAY)


@pytest.fixture(scope="module")
def intensity() -> Records:
    """LHC fast transformer, 1 Hz, nine hours of an MD with several fills of single bunches."""
    path = DATA / "cern-lhc-logging/MD2162_fill6196_BCTFR_B1_intensity.csv.gz"
    table = pd.read_csv(path).drop_duplicates()  # as extraction does
    time = pd.to_datetime(table.timestamp_utc).to_numpy().astype("datetime64[ns]").astype(np.int64)
    name = str(table.variable[0])
    series = Series(name, Kind.NUMERIC, "charges", time, table.value.to_numpy())
    return records_of([series], Window(moment(time[0]), moment(time[-1] + SECOND)))


def test_beam_present_by_a_transformer(intensity: Records) -> None:
    gate = open_intervals("BEAM_INTENSITY > 1e9", intensity)
    series = intensity["LHC.BCTFR.A6R4.B1:BEAM_INTENSITY"]
    above = series.value > 1e9
    np.testing.assert_array_equal(gate.mask(series.time), above)
    assert len(gate.open) == np.count_nonzero(np.diff(np.append(0, above.astype(int))) == 1)
    assert gate.total == pytest.approx(above.sum() * SECOND, rel=0.01)
    lasting = open_intervals("lasting(BEAM_INTENSITY > 1e9, '5min')", intensity)
    long = gate.open[gate.open[:, 1] - gate.open[:, 0] > 300 * SECOND]
    np.testing.assert_array_equal(lasting.open[:, 1], long[:, 1])
    np.testing.assert_array_equal(lasting.open[:, 0], long[:, 0] + 300 * SECOND)


def test_every_injection_counted_and_averaged(intensity: Records) -> None:
    name = "LHC.BCTFR.A6R4.B1:BEAM_INTENSITY"
    chain = [
        Usage(name="injections", variable=name, measure="edges", threshold=1e9),
        Usage(name="beam_time", variable=name, measure="time", threshold=1e9),
        Usage(name="dose", variable=name, measure="integral"),
        Grouped(
            name="fill", variable=name, gate="BEAM_INTENSITY > 1e9", statistics=("mean", "max")
        ),
        Resampled(name="hourly", variable=name, step=timedelta(hours=1), statistic="max"),
    ]
    found, troubles = run_computations(chain, intensity)
    assert troubles == []
    series, gate = intensity[name], open_intervals("BEAM_INTENSITY > 1e9", intensity)
    assert found["injections"].value[0] == len(gate.open)
    assert found["beam_time"].value[0] == pytest.approx(gate.total / SECOND)
    assert found["dose"].value[0] == pytest.approx(series.value.sum(), rel=0.01)
    assert found["dose"].unit == "charges s"
    means = [series.value[(series.time >= a) & (series.time < b)].mean() for a, b in gate.open]
    np.testing.assert_allclose(found["fill.mean"].value, means)
    assert found["hourly"].value.max() == series.value.max() == found["fill.max"].value.max()


def test_the_tunes_of_every_monitor() -> None:
    table = pd.read_parquet(DATA / "cern-lhc-bpm/LHCB1_BPM_TBT_2024-03-08_give.parquet")
    for end, tune in (("HPOS", 0.27), ("VPOS", 0.322)):
        rows = table[table.variable.str.endswith(end)].value.to_numpy()
        one = Spectrum(name="n", variable="V:X", low=0.2, high=0.4)
        found = {series.name: series for series in one.compute(vectors([*rows]))}
        frequencies = found["n.peak_frequency"].value
        assert len(frequencies) > 2000
        dead = [not np.any(row) for row in rows]  # a monitor that reads zero has no tune
        np.testing.assert_array_equal(np.isnan(frequencies), dead)
        assert np.nanmedian(frequencies) == pytest.approx(tune, abs=2e-4)
        assert np.nanpercentile(np.abs(frequencies - tune), 90) < 1e-3


def test_the_revolution_frequency_of_a_ring() -> None:
    for path in sorted((DATA / "sns-ring-bcm").glob("*.gz")):
        with gzip.open(path, "rt") as file:
            words = np.array(file.read().split(), dtype=np.float64)
        one = Spectrum(name="n", variable="V:X", sampling=1 / words[0], low=0.5e6, high=2e6)
        found = {series.name: series for series in one.compute(vectors([words[1:]]))}
        # 248 m around, protons of 1.3 GeV.
        assert found["n.peak_frequency"].value[0] == pytest.approx(1.0976e6, rel=5e-4)
        assert found["n.peak_frequency"].unit == "Hz"
