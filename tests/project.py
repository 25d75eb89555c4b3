"""A small project on disk for tests: configuration, templates, and a store with made series."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from oaflib.series import Kind, Series
from oaflib.window import calendar_day

ROOT = Path(__file__).resolve().parents[1]
DAY = date(2026, 11, 22)
ZONE = "Europe/Zurich"
HEADER = "Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode,Schedule,Window,Template"

SITE = """\
title = "Test machine"
zone = "Europe/Zurich"

[sources.LDB]
kind = "embedded"
folder = "runs/store"

[mail]
sender = "oaf@example.org"
domain = "example.org"
operator = "operator@example.org"
"""
# Two transformers that should agree, as a dataset's file says it.
PAIR = """\
title = "Two transformers"
variables = ["T.A:INTENSITY", "T.B:INTENSITY", "T.GONE:INTENSITY", "MODE:BMODE"]

[[compute]]
name = "ratio"
expression = "A / B"
inputs = { A = "T.A:INTENSITY", B = "T.B:INTENSITY" }

[[check]]
kind = "usage"

[[check]]
name = "agree"   # the two see the same beam
kind = "range"
variables = ["ratio"]
low = 0.98
high = 1.02  # agreed with the RF group
gate = "BMODE == 'STABLE'"
guidance = "Compare the calibration."
"""


@dataclass(frozen=True)
class MadeProject:
    """A project's folder, and short ways to change it."""

    root: Path

    def tasks(self, *rows: str, header: str = HEADER) -> None:
        """The task table."""
        (self.root / "config/tasks.csv").write_text("\n".join([header, *rows]) + "\n")

    def dataset(self, name: str, text: str) -> None:
        """A dataset's file."""
        (self.root / f"config/datasets/{name}.toml").write_text(text)

    def site(self, text: str) -> None:
        """More of the site file."""
        (self.root / "config/site.toml").write_text(SITE + text)

    def fill(self, *series: Series) -> None:
        """Put series into the store."""
        from oaflib.sources.embedded import Lake

        with Lake(self.root / "runs/store") as lake:
            lake.write(list(series))

    @property
    def mails(self) -> list[Path]:
        """The mails written as files, in the order of their names; not the operator's page."""
        return [path for path in self._written if b"[OAF] operator " not in path.read_bytes()]

    @property
    def pages(self) -> list[Path]:
        """The operator's pages, one a morning."""
        return [path for path in self._written if path not in self.mails]

    @property
    def _written(self) -> list[Path]:
        return sorted((self.root / "runs/outbox").glob("*.eml"))

    def report(self, instrument: str, dataset: str, label: str = "2026-11-22") -> Path:
        """A report's folder in the repository."""
        return self.root / "publish/reports" / instrument / dataset / label


def made_project(root: Path) -> MadeProject:
    """A project with the repository's own templates, one instrument and no tasks yet."""
    (root / "config/datasets").mkdir(parents=True)
    (root / "config/site.toml").write_text(SITE)
    (root / "config/instruments.toml").write_text(
        '[BCT]\ntitle = "Beam current transformers"\n[BWS]\ntitle = "Wire scanners"\n'
    )
    shutil.copytree(ROOT / "notebooks/templates", root / "notebooks/templates")
    (root / "notebooks/experts").mkdir()
    return MadeProject(root)


def numeric(
    name: str, values: Sequence[float] | np.ndarray | None = None, unit: str = "charges"
) -> Series:
    """A day of a NUMERIC variable, a sample a minute; without values a noisy 1e14."""
    window = calendar_day(DAY, ZONE)
    if values is None:
        values = 1e14 + 1e11 * np.random.default_rng(1).standard_normal(1440)
    value = np.asarray(values, dtype=np.float64)
    step = (window.end_ns - window.start_ns) // max(1, len(value))
    return Series(name, Kind.NUMERIC, unit, window.start_ns + step * np.arange(len(value)), value)


def made_currents(root: Path, names: Sequence[str]) -> MadeProject:
    """A project with a dataset for each of the beam currents, of which B2 exceeds its limit."""
    made = made_project(root)
    for name in names:
        made.dataset(
            f"BCT_{name}",
            f'title = "{name}"\nvariables = ["{name}:I"]\n[[check]]\nkind = "range"\n'
            f'variables = ["{name}:I"]\nhigh = 2e14\nseverity = "alarm"\n',
        )
    spike = np.full(1440, 1e14)
    spike[700] = 3e14
    made.fill(*(numeric(f"{name}:I", spike if name == "B2" else None) for name in names))
    return made
