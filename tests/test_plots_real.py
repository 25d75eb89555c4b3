"""Pictures of real measurements, and what they weigh."""

import json
import subprocess
import sys
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from oaflib import demo, registry
from oaflib.plots import Picture, Style, default_plots, draw
from oaflib.records import records_of
from oaflib.run.svg import safe_svg
from oaflib.series import Kind, Series, stack
from oaflib.window import Window, calendar_day, moment

DATA = Path(__file__).resolve().parents[1] / "../shared/data"


def real(path):
    found = DATA / path
    if not found.exists():
        pytest.skip(f"no {path} beside the repository")
    return found


def window_of(time, zone):
    return Window(moment(time[0]), moment(time[-1]) + timedelta(seconds=1), zone)


def nanoseconds(column):
    import pandas as pd

    return (
        pd.to_datetime(column, utc=True, format="ISO8601")
        .astype("datetime64[ns, UTC]")
        .astype("int64")
        .to_numpy()
    )


def all_pictures(records, **style):
    found = list(draw(default_plots(records), records, [], Style(**style)))
    said = [drawn for drawn in found if not isinstance(drawn, Picture)]
    assert all("more" in trouble.reason for trouble in said), said
    return [drawn for drawn in found if isinstance(drawn, Picture)]


@pytest.mark.data
def test_a_fill_of_the_lhc_with_its_wire_scans():
    import pandas as pd

    folder = "cern-lhc-logging/MD2162_fill6196"
    current = pd.read_csv(real(f"{folder}_BCTFR_B1_intensity.csv.gz"))
    scans = pd.read_csv(real(f"{folder}_BWS_B1_emittance_vectors.csv"))
    series = [
        Series(name, Kind.NUMERIC, "charges", nanoseconds(rows.timestamp_utc), rows.value)
        for name, rows in current.groupby("variable")
    ]
    for name, rows in scans.groupby("variable"):
        vectors = stack([np.array(json.loads(text), float) for text in rows.value_json], 1)
        series.append(
            Series(name, Kind.VECTORNUMERIC, "um", nanoseconds(rows.timestamp_utc), vectors)
        )
    records = records_of(series, window_of(series[0].time, "Europe/Zurich"))
    trend, scanned = all_pictures(records)
    assert "1.7767×10¹⁰ charges" in trend.alt
    assert len(scanned.variables) == 8  # two elements of four wires


@pytest.mark.data
def test_orbits_of_the_xfel():
    import pyarrow.parquet as pq

    rows = pq.read_table(real("desy-xfel-orbits/xfel_orbits_1Hz_min000-149.parquet")).to_pandas()
    rows = rows.sort_values("timestamp_approx", kind="stable")
    time = rows.timestamp_approx.astype("datetime64[ns]").astype("int64").to_numpy()
    orbit = np.stack(rows.orbit_x.to_numpy()).astype(float)
    records = records_of(
        [Series("XFEL:X", Kind.VECTORNUMERIC, "mm", time, orbit)], window_of(time, "Europe/Berlin")
    )
    (picture,) = all_pictures(records)
    # two dead monitors at -8 mm do not take the colours of the others
    assert "block means from −0." in picture.alt


@pytest.mark.data
def test_images_of_the_sns_target():
    import pandas as pd

    kept = np.load(real("sns-target-images/target_images_2021-09-07.npz"))
    order = np.argsort(kept["timestamp_local"])
    local = pd.to_datetime(kept["timestamp_local"][order].astype(str))
    time = local.tz_localize("America/New_York").tz_convert("UTC").astype("datetime64[ns, UTC]")
    stamps = time.astype("int64").to_numpy()
    camera = Series("TIS:Image", Kind.MATRIXNUMERIC, "", stamps, kept["images"][order])
    (picture,) = all_pictures(records_of([camera], window_of(stamps, "America/New_York")))
    assert "mean of 20" in picture.alt
    assert picture.nbytes < 100_000


@pytest.fixture(scope="module")
def demo_day():
    found = {}
    for series in demo.generate(date(2026, 11, 22)):
        found.setdefault(series.name, series)
    return records_of(list(found.values()), calendar_day(date(2026, 11, 22), "Europe/Zurich"))


def test_the_whole_demo_machine_is_drawn_and_survives_the_page(demo_day):
    for picture in all_pictures(demo_day):
        kept = safe_svg(picture.data.decode())
        assert kept is not None
        assert abs(len(kept) - len(picture.data)) < 2000, picture.title
        assert picture.alt


def test_the_whole_demo_machine_in_low_resolution(demo_day):
    light = sum(picture.nbytes for picture in all_pictures(demo_day, low_res=True))
    assert light < sum(picture.nbytes for picture in all_pictures(demo_day))


def test_drawing_needs_neither_matplotlib_nor_pandas():
    code = (
        "import sys, numpy as np\n"
        "from datetime import date\n"
        "from oaflib import registry\n"
        "from oaflib.plots import draw, default_plots\n"
        "from oaflib.records import records_of\n"
        "from oaflib.series import Kind, Series\n"
        "from oaflib.window import calendar_day\n"
        "day = calendar_day(date(2026, 11, 22))\n"
        "time = day.start_ns + np.arange(5) * 10**9\n"
        "records = records_of([Series('A:V', Kind.NUMERIC, '', time, np.ones(5))], day)\n"
        "for name in registry.plots.names():\n"
        "    list(draw([registry.plots.load(name)()], records, []))\n"
        "assert len(list(draw(default_plots(records), records, []))) == 1\n"
        "heavy = {'matplotlib', 'pandas', 'scipy', 'plotly', 'IPython'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", registry.plots.names())
def test_the_manual_knows_every_kind_and_key(kind):
    manual = (Path(__file__).parents[1] / "docs/plots.md").read_text()
    (row,) = [line for line in manual.splitlines() if line.startswith(f"| `{kind}` |")]
    maker = registry.plots.load(kind)
    for entry in fields(maker):
        if entry.name not in ("variables", "title"):
            assert f"`{entry.name}" in row, entry.name
