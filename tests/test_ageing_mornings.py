"""Ageing and calibration through the commands: what a user types, and what report.json says."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from project import DAY as TODAY
from project import ZONE, MadeProject, made_project, numeric
from test_ageing import KEYS
from test_history import everything

from oaflib.cli import main
from oaflib.history import History
from oaflib.trend import curve_names
from oaflib.window import calendar_day

A, REF = "LHC.BCTDC.A6R4.B1:OFFSET", "LHC.BCTDC.B6R4.B1:OFFSET"
DATASET = f"""\
title = "Offsets"
variables = ["{A}", "{REF}"]

[[check]]
kind = "drift"
variables = ["{A}"]
high = 140.0

[[check]]
kind = "calibration"
variables = ["{A}"]
reference = "{REF}"
percent = 50.0
"""
N = 120


def project_of(tmp_path, values: np.ndarray) -> MadeProject:
    """A project whose variable has years in a spreadsheet, and yesterday in the store."""
    made = made_project(tmp_path)
    made.tasks("BCT,LDB,B1,jdoe,FALSE,FALSE,None,daily,day,")
    made.dataset("BCT_B1", DATASET)
    reference = 100 + 5 * np.sin(np.arange(1440) / 99)
    made.fill(numeric(A, reference * values[-1] / 100, "mA"), numeric(REF, reference, "mA"))
    lines = ["timestamp,variable,value,unit"]
    for i, value in enumerate(values):
        window = calendar_day(TODAY - timedelta(days=len(values) - i), ZONE)
        when = f"{window.start:%Y-%m-%dT12:00:00Z}"
        lines += [f"{when},{A},{value},mA", f"{when},{REF},100,mA"]
    old = made.root / "offsets.csv"
    old.write_text("\n".join(lines) + "\n")
    assert main(["history", "--root", str(made.root), "import", str(old)]) == 0
    return made


@pytest.mark.kernel
def test_a_morning_foretells_in_the_fixed_form_and_keeps_the_curve(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drift of 0.3 a day since 60 days, 22 short of its limit."""
    values = 100 + np.random.default_rng(4).normal(0, 0.3, N)
    values += 0.3 * np.maximum(0, np.arange(N) - N + 60)
    made = project_of(tmp_path, values)
    assert main(["daily", "--root", str(made.root), "--day", str(TODAY), "--no-mail"]) == 0
    report = json.loads((made.report("BCT", "B1") / "report.json").read_text())
    by_check = {one["check"]: one for one in report["outcomes"]}
    said = by_check["drift"]["forecast"]
    assert set(said) == KEYS
    assert said["state"] == "crosses"
    assert said["coverage"] == 0.9
    assert said["horizon_days"] == 365.0
    assert said["method"]
    for key in ("date", "earliest", "latest"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", said[key])
    truth = str(TODAY + timedelta(days=round(22 / 0.3)))
    assert said["earliest"] <= truth <= said["latest"]
    assert by_check["drift"]["severity"] == "WARNING"
    onset = by_check["drift"]["since"]
    assert onset.endswith("Z")
    assert abs((TODAY - timedelta(days=60) - calendar(onset)).days) < 12
    assert by_check["calibration"]["severity"] == "WARNING"

    names = curve_names(A, REF)
    kept = {one["variable"]: one for one in report["statistics"]}
    assert set(names.values()) <= set(kept)
    assert kept[names["slope"]]["mean"] == pytest.approx(values[-1] / 100)
    history = History(made.root / "runs/history")
    assert len(history.trend(names["slope"], dataset="BCT_B1")) == 1
    before = everything(history)
    assert main(["history", "--root", str(made.root), "rebuild"]) == 0
    assert everything(History(made.root / "runs/history")) == before
    capsys.readouterr()
    assert main(["history", "--root", str(made.root), "show", names["slope"]]) == 0
    assert "2026-11-22" in capsys.readouterr().out


def calendar(text: str) -> date:
    return datetime.fromisoformat(text).date()
