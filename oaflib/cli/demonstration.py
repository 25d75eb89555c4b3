"""``oaf demo``: a project with the demo machine's data in its embedded store."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from datetime import date
from pathlib import Path

from tqdm import tqdm

from oaflib import demo
from oaflib.cli.commands import say, store_of
from oaflib.config.project import Project, find_root, load_project
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded import Lake
from oaflib.study.words import history_of


def fill(given: Namespace) -> int:
    """Write the demo machine's days into the embedded store; days that are there stay."""
    root = Path(given.root or os.environ.get("OAF_ROOT") or Path.cwd())
    if given.root and not (root / "config").exists():
        demo.write_project(root)
        say(f"The demo project is {root}")
    project = load_project(find_root(given.root))
    folder = store_of(project)
    last: date = given.last_day or demo.LAST
    days = demo.days(last, given.days)
    count = 0
    with Lake(folder) as lake:
        for query in demo.snapshots():
            lake.save_snapshot(Snapshot(query.name, query.variables, query.description))
        for day in tqdm(days, desc="demo days", unit="day", disable=not sys.stderr.isatty()):
            origin = f"demo machine {day} of the days to {last}"
            if lake.holds(origin):
                continue
            with lake.writing(origin) as batch:
                for series in demo.generate(day, last):
                    batch.add(series)
                    count += len(series)
    _remember(project, last)
    say(f"The demo machine's days {days[0]} to {days[-1]} are in {folder} ({count:,} samples new).")
    return 0


def _remember(project: Project, last: date) -> None:
    """Bring the years before the demo into the history, as an expert brings a spreadsheet."""
    path = project.runs / "demo" / f"years-until-{last}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(demo.years(last))
    count = history_of(project).import_file(path)
    say(f"The years before it are in the history, and in {path} ({count:,} points).")
