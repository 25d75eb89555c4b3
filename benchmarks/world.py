"""The benches' day: variables at 1 Hz over 24 h in the embedded store, and a project around them.

Forty variables in twelve groups of one unit each; four of them carry a fault. The expert's notebook
of ``yardstick/`` reads the very same Parquet files and the same limits.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nbformat
import numpy as np

from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake
from oaflib.window import calendar_day

HERE = Path(__file__).resolve().parent
DAY = date(2026, 11, 22)
WINDOW = calendar_day(DAY, "Europe/Zurich")
SECOND = 10**9
GROUPS = 12
MAX_GAP, MAX_UNCHANGED = 600, 3600  # seconds

SITE = """\
title = "Bench"
zone = "Europe/Zurich"
[sources.LDB]
kind = "embedded"
folder = "runs/store"
[mail]
sender = "oaf@example.org"
domain = "example.org"
"""
SPIKE, FROZEN, SILENT, ABSENT = 3, 17, 25, 31
"""The faulty ones: a sample out of limits, a reading that stands still, a gap, nothing logged."""


@dataclass(frozen=True)
class World:
    """A project's folder with a full store."""

    root: Path

    @property
    def parquet(self) -> list[Path]:
        """The store's files."""
        return sorted((self.root / "runs/store").rglob("kind=*/**/*.parquet"))

    @property
    def limits(self) -> Path:
        """The variables with their unit and limits, as CSV."""
        return self.root / "limits.csv"

    def forget(self) -> None:
        """As if nothing had been reported yet."""
        for name in ("runs/reports", "runs/history", "publish"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for path in (self.root / "runs").glob("state.sqlite*"):
            path.unlink()


def name_of(number: int) -> str:
    """``BENCH.G03.07:READING`` is the eighth variable, of the fourth group."""
    return f"BENCH.G{number % GROUPS:02}.{number:04}:READING"


def unit_of(number: int) -> str:
    """Each group has a unit of its own."""
    return f"u{number % GROUPS}"


def level_of(number: int) -> float:
    """Where its readings lie; limits are five below and above."""
    return 100.0 + 10 * (number % GROUPS)


def made_world(root: Path, variables: int = 40, seconds: int = 86_400) -> World:
    """A project with one dataset, BENCH_day, of so many variables and samples each."""
    (root / "config/datasets").mkdir(parents=True)
    (root / "config/site.toml").write_text(SITE)
    (root / "config/instruments.toml").write_text('[BENCH]\ntitle = "Benches"\n')
    (root / "config/tasks.csv").write_text(
        "Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode\n"
        "BENCH,LDB,day,jdoe,FALSE,TRUE,None\n"
    )
    shutil.copytree(HERE.parent / "notebooks/templates", root / "notebooks/templates")
    (root / "notebooks/experts").mkdir()
    (root / "config/datasets/BENCH_day.toml").write_text(dataset(variables))
    with Lake(root / "runs/store") as lake, lake.writing("bench") as batch:
        for number in range(variables):
            batch.add(series(number, seconds))
    rows = [
        f"{name_of(n)},{unit_of(n)},{level_of(n) - 5},{level_of(n) + 5}" for n in range(variables)
    ]
    (root / "limits.csv").write_text("\n".join(["variable,unit,low,high", *rows]) + "\n")
    return World(root)


def series(number: int, seconds: int) -> Series:
    """A noisy reading that wanders over the day, with its fault if it has one."""
    dice = np.random.default_rng(number)
    time = WINDOW.start_ns + np.arange(seconds, dtype=np.int64) * SECOND
    wander = np.sin(np.arange(seconds) * (2 * np.pi / 86_400) + number)
    value = np.round(level_of(number) + wander + dice.normal(0, 0.3, seconds), 4)
    if number == SPIKE:
        value[seconds // 2] += 50
    if number == FROZEN and seconds >= 86_400:
        value[30_000:50_000] = value[30_000]
    if number == SILENT and seconds >= 86_400:
        time, value = (
            np.delete(time, slice(60_000, 62_400)),
            np.delete(value, slice(60_000, 62_400)),
        )
    if number == ABSENT:
        time = time - 3 * 86_400 * SECOND  # known, and silent on the day
    return Series(name_of(number), Kind.NUMERIC, unit_of(number), time, value)


def dataset(variables: int) -> str:
    """The dataset's file: the checks and twelve figures of the yardstick's notebook."""
    names = [name_of(number) for number in range(variables)]
    parts = [
        f'title = "Bench"\nvariables = {json.dumps(names)}',
        '[[check]]\nkind = "usage"',
        f'[[check]]\nkind = "gap"\nmax_gap = {MAX_GAP}',
        f'[[check]]\nkind = "stuck"\nmax_unchanged = {MAX_UNCHANGED}',
    ]
    for group in range(min(GROUPS, variables)):
        level = level_of(group)
        of_group = json.dumps(names[group::GROUPS])
        parts.append(
            f'[[check]]\nkind = "range"\nname = "limits of group {group}"\nvariables = {of_group}\n'
            f"low = {level - 5}\nhigh = {level + 5}"
        )
        parts.append(f'[[plot]]\nkind = "trend"\ntitle = "Group {group}"\nvariables = {of_group}')
    return "\n\n".join(parts) + "\n"


def findings_of_oaf(report: Path) -> set[tuple[str, str]]:
    """Variable and kind of check of all that is wrong, from a ``report.json``."""
    outcomes = json.loads(report.read_text())["outcomes"]
    return {
        (entry["variable"], entry["check"].split(" ")[0].replace("limits", "range"))
        for entry in outcomes
        if entry["severity"] in ("ALARM", "WARNING", "INVALID")
    }


def findings_of_yardstick(notebook: Path) -> set[tuple[str, str]]:
    """The same, of the expert's executed notebook, which prints them last."""
    last = nbformat.read(notebook, as_version=4).cells[-1]
    text = next(output.text for output in last.outputs if output.output_type == "stream")
    return {(variable, check) for variable, check in json.loads(text)}
