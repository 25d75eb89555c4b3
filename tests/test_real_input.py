"""Measurements of real machines, through the commands a user types: ingest, then the morning."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import h5py
import numpy as np
import pandas as pd
import pytest
from project import HEADER, MadeProject, made_project

from oaflib.cli import main

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
pytestmark = [pytest.mark.data, pytest.mark.kernel, pytest.mark.slow]
INTENSITY = "LHC.BCTFR.A6R4.B1:BEAM_INTENSITY"


def data(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the measurements {name} are not beside the repository")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    return made_project(tmp_path)


def oaf(project: MadeProject, *words: str | Path) -> int:
    return main([str(words[0]), "--root", str(project.root), *map(str, words[1:])])


def report(project: MadeProject, instrument: str, dataset: str, label: str) -> dict:
    return json.loads((project.report(instrument, dataset, label) / "report.json").read_text())


def loud(document: dict) -> list[dict]:
    return [e for e in document["outcomes"] if e["severity"] in ("ALARM", "INVALID", "WARNING")]


def test_lhc_fill_6196(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data("cern-lhc-logging")
    files = sorted(folder.glob("MD2162_fill6196_B[CW]*"))
    assert len(files) == 2
    assert oaf(project, "ingest", *files) == 0
    first = capsys.readouterr().out
    assert "35,931" in first or "duplicate" in first or "repetition" in first
    assert oaf(project, "ingest", *files) == 0
    assert capsys.readouterr().out.count("is in the store already") == 2
    project.dataset("BCT_LHC-B1", f'title = "Beam 1"\nvariables = ["{INTENSITY}"]\n')
    project.dataset("BWS_LHC-B1", 'title = "Wires"\nvariables = ["LHC.BWS.5R4.B1%"]\n')
    project.tasks(
        "BCT,LDB,LHC-B1,jdoe,TRUE,TRUE,None,daily,day,",
        "BWS,LDB,LHC-B1,jdoe,TRUE,TRUE,None,daily,day,",
    )
    assert oaf(project, "daily", "--day", "2017-09-13") == 0
    raw = pd.read_csv(files[0])
    times = pd.to_datetime(raw["timestamp_utc"]).dt.tz_localize("UTC")
    begin = pd.Timestamp("2017-09-13", tz="Europe/Zurich")
    day = raw[(times >= begin) & (times < begin + pd.DateOffset(days=1))].drop_duplicates()
    (intensity,) = report(project, "BCT", "LHC-B1", "2017-09-13")["statistics"]
    assert intensity["variable"] == INTENSITY
    assert intensity["count"] == len(day)
    assert intensity["max"] == day["value"].max()
    assert intensity["mean"] == pytest.approx(day["value"].mean(), rel=1e-12)
    wires = report(project, "BWS", "LHC-B1", "2017-09-13")
    assert wires["finished"] is True
    assert {entry["kind"] for entry in wires["statistics"]} == {"VECTORNUMERIC"}
    assert len(project.mails) == 2


def test_a_solar_plants_day_tells_its_dead_channel(project: MadeProject) -> None:
    path = data("sandia-pecos-pv") / "Baseline6kW_2015_11_11.dat.gz"
    table = pd.read_csv(path, skiprows=[0, 2, 3], low_memory=False)
    times = pd.to_datetime(table["TIMESTAMP"], format="%m/%d/%Y %H:%M")
    channels = table.drop(columns=["TIMESTAMP", "RECORD"]).astype(float)
    assert channels.shape[1] == 49
    long = project.root / "pv.csv.gz"
    with gzip.open(long, "wt") as out:
        out.write("timestamp,variable,value\n")
        for name, column in channels.items():
            for when, value in zip(times, column, strict=True):
                out.write(f"{when.isoformat()}-07:00,PV:{name},{value!r}\n")
    project.site("")
    site = project.root / "config/site.toml"
    site.write_text(site.read_text().replace("Europe/Zurich", "America/Denver"))
    (project.root / "config/instruments.toml").write_text('[PV]\ntitle = "Solar plant"\n')
    project.dataset("PV_6kW", 'title = "6 kW plant"\nvariables = ["PV:%"]\n')
    project.tasks("PV,LDB,6kW,jdoe,TRUE,TRUE,None,daily,day,")
    assert oaf(project, "ingest", long) == 0
    assert oaf(project, "daily", "--day", "2015-11-11") == 0
    document = report(project, "PV", "6kW", "2015-11-11")
    assert len(document["statistics"]) == 49
    alone = [entry for entry in loud(document) if not entry.get("members")]
    assert [entry["variable"] for entry in alone] == ["PV:Sys1Str2Idc_Avg"]
    assert alone[0]["severity"] == "ALARM"
    assert alone[0]["fault"] in ("breakage", "no usage")


def test_the_images_of_a_target(project: MadeProject) -> None:
    path = data("sns-target-images") / "target_images_2021-09-07.npz"
    with np.load(path, allow_pickle=False) as held:
        images, local = held["images"], held["timestamp_local"]
    zone = ZoneInfo("America/New_York")
    times = [datetime.fromisoformat(text).replace(tzinfo=zone) for text in local]
    made = project.root / "target.h5"
    with h5py.File(made, "w") as file:
        group = file.create_group("Target_Diag:TIS:Image")
        group["time"] = np.array([int(when.timestamp()) * 10**9 for when in times])
        group["value"] = images
    site = project.root / "config/site.toml"
    site.write_text(site.read_text().replace("Europe/Zurich", "America/New_York"))
    (project.root / "config/instruments.toml").write_text('[TIS]\ntitle = "Target imaging"\n')
    project.dataset("TIS_SNS", 'title = "Target"\nvariables = ["Target_Diag:TIS:Image"]\n')
    (project.root / "config/tasks.csv").write_text(
        f"{HEADER}\nTIS,LDB,SNS,jdoe,FALSE,TRUE,None,daily,day,\n"
    )
    assert oaf(project, "ingest", made) == 0
    assert oaf(project, "daily", "--day", "2021-09-07") == 0
    document = report(project, "TIS", "SNS", "2021-09-07")
    (statistics,) = document["statistics"]
    assert (statistics["kind"], statistics["count"]) == ("MATRIXNUMERIC", 20)
    assert statistics["shape"] == "200 × 400"
    assert statistics["max"] == images.max()
    page = project.report("TIS", "SNS", "2021-09-07")
    assert list((page / "figures").iterdir())
