"""Mornings of many short reports: on one core and two, none lost, linear, and the runner small.

``OAF_RUNS=1000 python benchmarks/morning.py`` counts what is lost of so many.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from measure import Cost, Figure, cost
from one_report import ENV
from world import DAY, SITE, World, dataset, made_world, name_of, series

from oaflib.sources.embedded import Lake

RUNNER = """
import os, sys
os.sched_setaffinity(0, range(int(sys.argv[1])))
from oaflib.cli import main
code = main(sys.argv[2:])
status = open("/proc/self/status").read()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
open("peak.txt", "w").write(peak)
sys.exit(code)
"""


def short_world(root: Path, reports: int) -> World:
    """So many datasets of the same two variables, a sample every minute of a day."""
    world = made_world(root, 1, 10)
    with Lake(root / "runs/store") as lake, lake.writing("short") as batch:
        for number in (1, 2):
            whole = series(number, 86_400)
            batch.add(whole.where(slice(0, None, 60)))
    text = dataset(3).replace(json.dumps(name_of(0)) + ", ", "")
    rows = ["Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode"]
    for number in range(reports):
        (root / f"config/datasets/BENCH_d{number}.toml").write_text(_only(text))
        rows.append(f"BENCH,LDB,d{number},jdoe,FALSE,TRUE,None")
    (root / "config/tasks.csv").write_text("\n".join(rows) + "\n")
    (root / "config/site.toml").write_text(SITE)
    return world


def _only(text: str) -> str:
    """The parts of the dataset's file that do not speak of the variable that is left out."""
    return "\n\n".join(part for part in text.split("\n\n") if name_of(0) not in part)


def morning(world: World, cores: int) -> Cost:
    """``oaf daily`` on so many cores, from nothing."""
    world.forget()
    words = ["daily", "--day", str(DAY), "--jobs", str(cores), "--no-mail", "--root"]
    command = [sys.executable, "-c", RUNNER, str(cores), *words, str(world.root)]
    return cost(command, world.root, ENV)


def lost(world: World, reports: int) -> int:
    """How many of so many reports are not there, finished."""
    found = world.root.glob(f"publish/reports/BENCH/*/{DAY}/report.json")
    return reports - sum(json.loads(path.read_text())["finished"] for path in found)


def figures(full: bool) -> Iterable[Figure]:
    """One core against two; full: 500 reports, and a thousand runs."""
    cores = min(2, len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix="oaf-bench-") as name:
        count = 100 if full else 16
        world = short_world(Path(name) / "a", count)
        morning(world, cores)
        one, two = morning(world, 1), morning(world, cores)
        yield Figure(
            f"{count} short reports, one core against {cores}",
            one.wall / two.wall,
            reach=1.8,
            note=f"{one.wall:.0f} s against {two.wall:.0f} s; {two.cpu / count:.2f} s CPU a report",
        )
        yield Figure("of them lost", lost(world, count), "", 0, most=True)
        if not full:
            return
        less, more = short_world(Path(name) / "b", 125), short_world(Path(name) / "c", 500)
        quarter, whole = morning(less, cores), morning(more, cores)
        yield Figure(
            "500 short reports against 125: CPU",
            whole.cpu / quarter.cpu,
            reach=4.4,
            most=True,
            note=f"{whole.cpu:.0f} s against {quarter.cpu:.0f} s; {whole.wall:.0f} s on the wall",
        )
        peak = int((more.root / "peak.txt").read_text()) / 1e3
        yield Figure("the runner itself, 500 reports", peak, "MB", 300, most=True)
        yield Figure("lost of 500", lost(more, 500), "", 0, most=True)


def main(runs: int) -> None:
    """Count what is lost of so many runs, in mornings of a hundred."""
    gone = 0
    with tempfile.TemporaryDirectory(prefix="oaf-bench-") as name:
        world = short_world(Path(name), 100)
        for number in range(0, runs, 100):
            spent = morning(world, min(2, len(os.sched_getaffinity(0))))
            gone += lost(world, 100)
            print(f"{number + 100} runs, {gone} lost; {spent.wall:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(os.environ.get("OAF_RUNS", "100")))
