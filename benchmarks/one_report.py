"""One report against what an expert writes today, and against the same calls in a plain script."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from measure import Cost, Figure, cost, middle, pairs, ratio
from world import (
    DAY,
    HERE,
    WINDOW,
    World,
    findings_of_oaf,
    findings_of_yardstick,
    made_world,
)

from oaflib.window import instant

PYTHON = sys.executable
OAF = "import sys; from oaflib.cli import main; sys.exit(main())"
ENV = {**os.environ, "PYTHONPATH": str(HERE.parent)}
LEAN = {**os.environ, "PYTHONPATH": str(HERE / "yardstick/lean")}  # see yardstick/README.md


def yardstick(world: World, folder: Path) -> Cost:
    """The expert's notebook through the command lines of papermill and nbconvert."""
    out = folder / "report.ipynb"
    parameters = folder / "parameters.yaml"
    lines = [f"files: [{', '.join(map(str, world.parquet))}]", f"limits: {world.limits}"]
    lines += [f"start: '{instant(WINDOW.start)}'", f"end: '{instant(WINDOW.end)}'"]
    parameters.write_text("\n".join(lines) + "\n")
    papermill = f"{PYTHON} -m papermill {HERE}/yardstick/report.ipynb {out} -f {parameters}"
    html = f"{PYTHON} -m jupyter nbconvert --to html {out}"
    return cost(["sh", "-c", f"{papermill} && {html}"], folder, LEAN)


def command(world: World) -> Cost:
    """``oaf run``, from the cold: run, exported, published."""
    world.forget()
    return cost([PYTHON, "-c", OAF, "run", "BENCH_day", "--day", str(DAY)], world.root, ENV)


def figures(full: bool) -> Iterable[Figure]:
    """CPU, wall, memory against the yardstick."""
    with tempfile.TemporaryDirectory(prefix="oaf-bench-") as name:
        world = made_world(Path(name) / "project")
        folder = Path(name) / "expert"
        folder.mkdir()
        command(world)  # the first of all compiles and fills caches
        experts, ours = pairs(
            lambda: yardstick(world, folder), lambda: command(world), 9 if full else 3
        )
        same = findings_of_oaf(world.root / f"publish/reports/BENCH/day/{DAY}/report.json")
        theirs = findings_of_yardstick(folder / "report.ipynb")
        if same != theirs or len(same) != 4:
            raise RuntimeError(f"not the same findings: {sorted(same)} and {sorted(theirs)}")
        for what, field, unit, reach in (
            ("CPU", "cpu", "s", 8),
            ("wall", "wall", "s", 6),
            ("memory", "peak", "MB", 3),
        ):
            top = [getattr(entry, field) for entry in experts]
            bottom = [getattr(entry, field) for entry in ours]
            yield Figure(
                f"one report against an expert's notebook: {what}",
                ratio(top, bottom),
                reach=reach,
                note=f"{middle(top):.3g} against {middle(bottom):.3g} {unit}",
            )
