"""Measured days of other machines through extraction's normal form, checks, plots and the document.

An ion source with pauses, light sources whose orbits come in different units, and the texts of LHC
fills: judged in words by the default checks, without a configuration.
"""

from __future__ import annotations

import csv
import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oaflib.checks import default_checks, fold, run_checks
from oaflib.checks.text import Text
from oaflib.checks.unit import Unit
from oaflib.compute import run_computations
from oaflib.compute.statistics import summarise
from oaflib.plots import Style, Trouble, default_plots, draw
from oaflib.records import Records, records_of
from oaflib.report import Outcome, Report, Severity, read, write
from oaflib.series import Kind, Series, Variable
from oaflib.sources.extract import normalise
from oaflib.window import Window, nanoseconds

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
pytestmark = pytest.mark.data


def data(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the measurements {name} are not beside the repository")
    return folder


def records(pieces: list[Series], window: Window) -> Records:
    made = []
    for name in dict.fromkeys(piece.name for piece in pieces):
        mine = [piece for piece in pieces if piece.name == name]
        variable = Variable(name, mine[0].kind, mine[0].unit)
        made.append(normalise(variable, mine, window)[0])
    return records_of(made, window)


def judged(found: Records, checks: Any = None) -> list[Outcome]:
    """The outcomes; and on the way the report is written and read, and everything is drawn."""
    outcomes = fold(run_checks(checks or default_checks(found), found), found)
    statistics = tuple(summarise(found[name], found.entries[name]) for name in found)
    report = Report(
        "X", "Y", "t", found.window, found.window.end, True, tuple(outcomes), statistics
    )
    assert read(write(report)).outcomes == tuple(outcomes)
    pictures = list(draw(default_plots(found), found, outcomes, Style()))
    assert pictures
    assert not [picture for picture in pictures if isinstance(picture, Trouble)]
    assert not [outcome.reason for outcome in outcomes if "itself failed" in outcome.reason]
    return outcomes


def alarms(outcomes: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.severity is Severity.ALARM]


def test_an_ion_source_that_pauses_is_not_called_broken() -> None:
    names = ("FCV1:I", "EXT:I", "BIAS:I", "INJ:P", "EXTR:P", "INJ:COIL", "EXT:COIL", "MID:COIL",
             "SEXT:COIL", "XRAY:RATE")  # fmt: skip
    units = ("uA", "mA", "mA", "mbar", "mbar", "A", "A", "A", "A", "")
    pieces = []
    for path in sorted(data("lbnl-venus-ecr").glob("run1_mon*_16452*.txt.gz")):
        epoch = int(re.findall(r"\d{10}", path.name)[0])
        with gzip.open(path, "rt") as lines:
            table = np.loadtxt(lines)
        time = epoch * 10**9 + (table[:, 1] * 1e9).astype(np.int64)
        pieces += [
            Series(name, Kind.NUMERIC, unit, time, table[:, 2 + i])
            for i, (name, unit) in enumerate(zip(names, units, strict=True))
        ]
    start = datetime.fromtimestamp(min(int(p.time[0]) for p in pieces) / 1e9, UTC)
    stop = datetime.fromtimestamp(max(int(p.time[-1]) for p in pieces) / 1e9 + 1, UTC)
    found = records(pieces, Window(start, stop, "America/Los_Angeles"))
    assert sum(len(found[name]) for name in found) > 10_000
    assert alarms(judged(found)) == []


@pytest.mark.parametrize("machine", ["ALS_2007", "CLS_2005", "SPEAR3_2004"])
def test_light_source_orbits_and_their_units(machine: str) -> None:
    from scipy.io import loadmat

    (path,) = data("mml-light-sources-bpm").glob(f"{machine}*.mat")
    held = loadmat(path, squeeze_me=True, struct_as_record=False)
    plane = held["BPMxData"]
    year, month, day, hour, minute, second = plane.TimeStamp
    start = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
    start += timedelta(seconds=float(second))
    time = nanoseconds(start) + (np.asarray(plane.t) * 1e9).astype(np.int64)
    orbit = Series(
        f"{machine}:ORBIT_X", Kind.VECTORNUMERIC, str(plane.UnitsString), time, plane.Data.T.copy()
    )
    window = Window(start, start + timedelta(seconds=float(plane.t[-1]) + 1))
    found = records([orbit], window)
    assert alarms(judged(found)) == []
    (outcome,) = run_checks([Unit(expected="mm")], found)
    expected = Severity.ALARM if plane.UnitsString == "m" else Severity.OK
    assert outcome.severity is expected
    assert (machine == "CLS_2005") == (expected is Severity.ALARM)


def test_an_orbit_whose_unit_changes_within_the_window() -> None:
    from scipy.io import loadmat

    (path,) = data("mml-light-sources-bpm").glob("CLS_2005*.mat")
    plane = loadmat(path, squeeze_me=True, struct_as_record=False)["BPMxData"]
    start = datetime(2005, 5, 1, tzinfo=UTC)
    time = nanoseconds(start) + np.arange(361) * 10**9
    metres = Series("CLS:X", Kind.VECTORNUMERIC, "m", time[:180], plane.Data.T[:180].copy())
    millimetres = Series("CLS:X", Kind.VECTORNUMERIC, "mm", time[180:], 1e3 * plane.Data.T[180:])
    window = Window(start, start + timedelta(seconds=361))
    series, entry = normalise(
        Variable("CLS:X", Kind.VECTORNUMERIC, "mm"), [metres, millimetres], window
    )
    assert entry.units == ("m", "mm")
    found = records_of([series], window)
    found.entries["CLS:X"] = entry
    units = [o for o in run_checks(default_checks(found), found) if o.check == "unit"]
    assert [outcome.severity for outcome in units] == [Severity.ALARM]


def test_the_texts_of_lhc_fills() -> None:
    path = data("cern-lhc-fills") / "2016FillsWBM.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            {key.strip(): (value or "").strip() for key, value in row.items() if key}
            for row in csv.DictReader(file, skipinitialspace=True)
        ]
    rows = [row for row in rows if re.match(r"\d{4}\.", row["Begin Time"])]
    assert len(rows) > 150
    moments = [
        datetime.strptime(row["Begin Time"], "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC)
        for row in rows
    ]
    time = np.array([nanoseconds(moment) for moment in moments])

    def texts(column: str) -> Series:
        values = np.array([row[column] for row in rows], dtype=object)
        return Series(f"CMS.FILL:{column.replace(' ', '_')}", Kind.TEXTUAL, "", time, values)

    energy = np.array([float(row["Energy"] or "nan") for row in rows])
    pieces = [
        texts("Type"),
        texts("Injection Scheme"),
        Series("CMS.FILL:ENERGY", Kind.NUMERIC, "GeV", time, energy),
    ]
    window = Window(min(moments), max(moments) + timedelta(days=1), "Europe/Zurich")
    found = records(pieces, window)
    judged(found)
    kinds = sorted(set(found["CMS.FILL:Type"].value))
    (fine,) = run_checks([Text(variables=("CMS.FILL:Type",), allowed=tuple(kinds))], found)
    assert fine.severity is Severity.OK
    (odd,) = run_checks([Text(variables=("CMS.FILL:Type",), allowed=tuple(kinds[:1]))], found)
    assert (odd.severity is Severity.ALARM) == (len(kinds) > 1)
    computed, troubles = run_computations((), found)
    assert (list(computed), troubles) == (list(found), [])
