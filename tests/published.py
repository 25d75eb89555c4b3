"""Made-up reports, notebooks and a whole repository for the tests of pages."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from oaflib.body import Body
from oaflib.publish import Site, place
from oaflib.report import Change, Fault, Outcome, Report, Severity, Statistics
from oaflib.run.page import export_body
from oaflib.window import Window, calendar_day, nanoseconds

ZONE = "Europe/Zurich"
SITE = Site(
    title="OAF, beam instrumentation",
    zone=ZONE,
    url="",
    expected_by=time(9, 30),
    contact="bi-oaf@example.org",
    families={
        "BCT": "Beam current transformers",
        "BWS": "Wire scanners",
        "BPM": "Beam position monitors",
        "BLM": "Beam loss monitors",
        "BSRT": "Synchrotron light telescopes",
        "BTV": "Screens",
    },
)
DATASETS = (
    ("BCT", "LHC-B1-cmp", "LHC beam 1 transformers, compared"),
    ("BCT", "LHC-B2-cmp", "LHC beam 2 transformers, compared"),
    ("BCT", "L2", "Linac 2 transformers"),
    ("BWS", "PS", "PS wire scanners"),
    ("BWS", "SPS-414", "SPS wire scanner 414"),
    ("BWS", "LHC-B1-cmp", "LHC beam 1 wire scanners"),
    ("BPM", "SPS-ring", "SPS orbit"),
    ("BPM", "LHC-crates", "LHC position monitors, crate temperatures"),
    ("BLM", "PSB", "Booster loss monitors"),
    ("BSRT", "LHC", "LHC synchrotron light telescopes"),
    ("BTV", "TT10", "Transfer line screens"),
)
DAY = date(2026, 11, 22)


def outcome(
    device: str = "BCTDC.A6R4.B1",
    severity: Severity = Severity.OK,
    change: Change | None = None,
    **more: Any,
) -> Outcome:
    """One outcome of the range check, in ordinary words."""
    values: dict[str, Any] = {
        "check": "range",
        "fault": Fault.CALIBRATION,
        "device": device,
        "variable": f"{device}:BEAM_INTENSITY",
        "severity": severity,
        "change": change,
        "found": 1.031 if severity is Severity.ALARM else 1.004,
        "limit": {"low": 0.98, "high": 1.02},
    }
    return Outcome(**{**values, **more})


def report(
    day: date = DAY,
    outcomes: Sequence[Outcome] = (),
    ids: tuple[str, str, str] = DATASETS[0],
    finished: bool = True,
    window: Window | None = None,
) -> Report:
    """A report of one day, made at 8:04 of the next."""
    window = window or calendar_day(day, ZONE)
    made_at = window.end + timedelta(hours=8, minutes=4)
    return Report(
        instrument=ids[0],
        dataset=ids[1],
        title=ids[2],
        description="DC and fast transformers of beam 1, against each other.",
        window=window,
        made_at=made_at.astimezone(UTC),
        finished=finished,
        outcomes=tuple(outcomes) or (outcome(),),
        statistics=(
            Statistics(
                "BCTDC.A6R4.B1:BEAM_INTENSITY",
                "NUMERIC",
                "charges",
                86_400,
                0.0,
                3.1e14,
                1.24e14,
                9.1e13,
                0.0,
                2.9e14,
                title="Beam 1 intensity, system A",
            ),
            Statistics(
                "BCTDC.B6R4.B1:BEAM_INTENSITY",
                "NUMERIC",
                "charges",
                86_398,
                0.0,
                3.08e14,
                1.23e14,
                9.0e13,
                0.0,
                2.88e14,
                nan=2,
            ),
            Statistics(
                "BCTFR.A6R4.B1:BUNCH_INTENSITY",
                "VECTORNUMERIC",
                "charges",
                8_640,
                0.0,
                1.19e11,
                4.1e10,
                5e10,
                shape="3564",
            ),
            Statistics("BCTDC.A6R4.B1:STATUS", "TEXTUAL", "", 0),
        ),
        provenance={
            "source": "LDB",
            "template": "notebooks/templates/BCT.ipynb",
            "rows": 1_242_116,
            "bytes": 18_400_212,
            "seconds": 6.82,
            "versions": {"oaflib": "0.1.0", "python": "3.11.9", "numpy": "2.4.1"},
            "parameters": {"start": "2026-11-21T23:00:00Z", "end": "2026-11-22T23:00:00Z"},
        },
    )


def picture(kind: str = "png", seed: int = 0) -> bytes:
    """A real matplotlib picture."""
    import numpy
    from matplotlib.figure import Figure

    rng = numpy.random.default_rng(seed)
    figure = Figure(figsize=(8.6, 3.0), dpi=110, layout="constrained")
    axes = figure.subplots()
    hours = numpy.linspace(0, 24, 1500)
    beam = numpy.clip(numpy.sin(hours / 24 * 9) + 0.3, 0, None) * 1e14
    axes.plot(hours, beam * (1 + 0.004 * rng.normal(size=hours.size)), lw=0.8, color="#205a80")
    axes.plot(hours, beam * 1.025, lw=0.8, color="#b8863b")
    axes.set_xlabel("22 November 2026, local time [h]")
    axes.set_ylabel("intensity [charges]")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, 24)
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    """A display output."""
    return new_output("display_data", data=data, metadata=metadata or {})


def png(seed: int = 0) -> Any:
    """A picture as a notebook keeps it."""
    return shown(
        {
            "image/png": base64.b64encode(picture(seed=seed)).decode(),
            "text/plain": "<Figure size 860x300 with 1 Axes>",
        }
    )


def notebook(path: Path, cells: Sequence[Any] | None = None) -> Path:
    """An executed notebook of a report at `path`."""
    frame = (
        "<div><style scoped>.x{color:red}</style><table border='1' class='dataframe'><thead><tr>"
        "<th></th><th>median ratio</th><th>spread</th></tr></thead><tbody><tr><th>STABLE</th>"
        "<td>1.031</td><td>0.004</td></tr><tr><th>FLATTOP</th><td>1.029</td><td>0.006</td></tr>"
        "</tbody></table></div>"
    )
    made = cells or [
        new_code_cell("instrument = 'BCT'\nday = '2026-11-22'", execution_count=1),
        new_markdown_cell("## Intensities\nBoth systems, **as logged**."),
        new_code_cell("draw(records)", execution_count=2, outputs=[png(1)]),
        new_markdown_cell("## Ratio by beam mode"),
        new_code_cell(
            "ratio.groupby('mode')",
            execution_count=3,
            outputs=[new_output("execute_result", data={"text/html": frame})],
        ),
        new_code_cell(
            "conclude(report)  # says all of it",
            execution_count=4,
            outputs=[shown({"application/scrapbook.scrap.json+json": {"data": 1}})],
        ),
    ]
    nbformat.write(new_notebook(cells=made), path)
    return path


def body(folder: Path) -> Body:
    """The body of the ordinary notebook."""
    return export_body(notebook(folder / "made.ipynb"))


def drift(day: date, high: float = 1.02) -> float:
    """A ratio that creeps over its limit in the last days before `DAY`."""
    age = (DAY - day).days
    return 1.034 - 0.0011 * age + 0.002 * math.sin(day.toordinal() * 1.7)


def outcomes_of(ids: tuple[str, str, str], day: date) -> list[Outcome]:
    """What a believable day of a dataset finds."""
    age = (DAY - day).days
    family = ids[0]
    names = [f"{family}.{letter}{cell}" for letter in "AB" for cell in ("6R4", "5L4", "5R4")]
    made = [
        outcome(name, check=check, fault=fault)
        for name in names
        for check, fault in (
            ("range", Fault.CALIBRATION),
            ("stuck", Fault.BREAKAGE),
            ("gaps", Fault.BREAKAGE),
        )
    ]
    if family == "BCT" and ids[1] == "LHC-B1-cmp":
        value = drift(day)
        bad = value > 1.02
        made[0] = outcome(
            "BCTDC.A6R4.B1",
            Severity.ALARM if bad else Severity.OK,
            (Change.NEW if age == 0 else Change.ONGOING) if bad else None,
            variable="ratio",
            found=value,
            since=nanoseconds(datetime(day.year, day.month, day.day, 5, 12, tzinfo=UTC)),
            reason="Ratio of system A to system B is outside its limits for 7 h 40 min of stable "
            "beam."
            if bad
            else "",
            guidance="Compare the calibration current of both front ends, then the offsets "
            "without beam.",
        )
        made[4] = outcome(
            names[1],
            Severity.WARNING,
            check="gaps",
            fault=Fault.BREAKAGE,
            found=0.962,
            limit={"low": 0.98},
            reason="3.8 % of samples are missing.",
        )
    if ids[:2] == ("BWS", "PS") and age < 6:
        made[1] = outcome(
            "PR.BWS.65.H",
            Severity.ALARM,
            Change.ONGOING if age < 5 else Change.NEW,
            check="usage",
            fault=Fault.OVER_USAGE,
            variable="PR.BWS.65.H:NB_SCANS",
            found=412,
            limit={"high": 250},
            unit="scans",
            reason="412 scans in a day, more than the wire is made for.",
            guidance="Ask the operators which sequence runs it.",
        )
        made[2] = (
            outcome(
                "PR.BWS.54.V",
                Severity.INVALID,
                Change.NEW if age == 0 else None,
                check="logged",
                fault=Fault.NO_USAGE,
                found=None,
                limit={},
                variable="PR.BWS.54.V:PROFILE",
                reason="Nothing was logged, so nothing can be said.",
            )
            if age in (0, 3)
            else made[2]
        )
    if ids[:2] == ("BSRT", "LHC") and age in (1, 2):
        made[0] = outcome("BSRT.5R4.B1", Severity.ALARM, Change.NEW, reason="Image is dark.")
    if ids[:2] == ("BSRT", "LHC") and age == 0:
        made[0] = outcome("BSRT.5R4.B1", change=Change.CLEARED, reason="The image is back.")
    if ids[:2] == ("BPM", "SPS-ring") and age % 9 == 4:
        made[3] = outcome(names[2], Severity.WARNING, reason="Near its limit.")
    return made


def failure() -> Outcome:
    """What a run that broke says."""
    return outcome(
        "", Severity.INVALID, check="run", fault=Fault.BREAKAGE, variable="", found=None, limit={},
        reason="Cell 7 raised KeyError: 'BLM.1R1:LOSS_RS09'.",
    )  # fmt: skip


def repository(root: Path, days: int = 40) -> Path:
    """A repository of `days` days of all datasets, one of them failed, one late."""
    shared = body(root.parent)
    site = with_periods()
    for back in reversed(range(days)):
        day = DAY - timedelta(days=back)
        for ids in DATASETS:
            if ids[1] == "TT10" and back == 0:
                continue
            failed = ids[:2] == ("BLM", "PSB") and back == 0
            found = outcomes_of(ids, day)
            if failed:
                found = [failure()]
            heavy = shared if back < 3 else None
            place(report(day, found, ids, not failed), heavy, root, site)
    return root


def with_periods(site: Site = SITE) -> Site:
    """The site that expects every dataset daily."""
    from dataclasses import replace

    daily = {f"{ids[0]}_{ids[1]}": timedelta(days=1) for ids in DATASETS}
    return replace(site, periods=daily)
