"""One report against what an expert writes today, and against the same calls in a plain script."""

from __future__ import annotations

import os
import shutil
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
    dataset,
    findings_of_oaf,
    findings_of_yardstick,
    made_world,
)

from oaflib.window import instant

PYTHON = sys.executable
OAF = "import sys; from oaflib.cli import main; sys.exit(main())"
ENV = {**os.environ, "PYTHONPATH": str(HERE.parent)}
MANY = 8
SCRIPT = """
import sys
from pathlib import Path
import oaflib as oaf
from oaflib.body import Body
from oaflib.publish.site import site_of
from oaflib.publish import place
from oaflib.study import words

shown = []
words.show = shown.append
study = oaf.open_study("BENCH_day", *sys.argv[1:])
records = oaf.extract(study)
front = oaf.front(study, records)._repr_html_()
records = oaf.compute(study, records)
statistics = oaf.statistics(records)
outcomes = oaf.check(study, records)
tables = statistics._repr_html_() + outcomes._repr_html_()
oaf.draw(study, records, outcomes, True)
report = oaf.conclude(study, statistics, outcomes)
pictures = {f"{n}.svg": each["image/svg+xml"].encode() for n, each in enumerate(shown)}
text = front + tables + "".join(f'<img src="figures/{name}" alt="">' for name in pictures)
place(report, Body(text, figures=pictures), study.project.publish, site_of(study.project))
"""
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


def one_of_many(world: World) -> Cost:
    """``oaf daily`` over so many datasets like the one: what one report costs, and the morning."""
    world.forget()
    words = ["daily", "--day", str(DAY), "--no-mail", "--only", "BENCH_like*"]
    whole = cost([PYTHON, "-c", OAF, *words], world.root, ENV)
    return Cost(whole.cpu / MANY, whole.wall / MANY, whole.peak, whole.largest)


def many(world: World) -> None:
    """Let the project have as many datasets like its one."""
    rows = ["Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode"]
    for number in range(MANY):
        (world.root / f"config/datasets/BENCH_like{number}.toml").write_text(dataset(40))
        rows.append(f"BENCH,LDB,like{number},jdoe,FALSE,TRUE,None")
    (world.root / "config/tasks.csv").write_text("\n".join(rows) + "\n")


def script(world: World) -> Cost:
    """The words of the template in a plain script, and its page published; no notebook."""
    world.forget()
    (world.root / "script.py").write_text(SCRIPT)
    shutil.rmtree(world.root / "runs/interactive", ignore_errors=True)
    times = [instant(WINDOW.start), instant(WINDOW.end)]
    return cost([PYTHON, "script.py", *times], world.root, ENV)


def figures(full: bool) -> Iterable[Figure]:
    """CPU, wall, memory against the yardstick; CPU against the script."""
    times = 9 if full else 3
    with tempfile.TemporaryDirectory(prefix="oaf-bench-") as name:
        world = made_world(Path(name) / "project")
        many(world)
        folder = Path(name) / "expert"
        folder.mkdir()
        command(world)  # the first of all compiles and fills caches
        experts, ours = pairs(lambda: yardstick(world, folder), lambda: command(world), times)
        same = findings_of_oaf(world.root / f"publish/reports/BENCH/day/{DAY}/report.json")
        theirs = findings_of_yardstick(folder / "report.ipynb")
        if same != theirs or len(same) != 4:
            raise RuntimeError(f"not the same findings: {sorted(same)} and {sorted(theirs)}")
        yield from _against("an expert's notebook, oaf run from the cold", experts, ours)
        experts, ours = pairs(lambda: yardstick(world, folder), lambda: one_of_many(world), times)
        yield from _against(f"an expert's notebook, one of a morning of {MANY}", experts, ours)[:2]
        scripts, ours = pairs(lambda: script(world), lambda: one_of_many(world), times)
        yield _slower(f"a plain script, one of a morning of {MANY}", scripts, ours)
        scripts, ours = pairs(lambda: script(world), lambda: command(world), times)
        yield _slower("a plain script, oaf run from the cold", scripts, ours)


def _against(what: str, experts: list[Cost], ours: list[Cost]) -> list[Figure]:
    found = []
    for name, field, unit, reach in (
        ("CPU", "cpu", "s", 8),
        ("wall", "wall", "s", 6),
        ("memory", "peak", "MB", 3),
    ):
        top = [getattr(entry, field) for entry in experts]
        bottom = [getattr(entry, field) for entry in ours]
        note = f"{middle(top):.3g} against {middle(bottom):.3g} {unit}"
        found.append(Figure(f"{name} against {what}", ratio(top, bottom), "×", reach, note=note))
    return found


def _slower(what: str, scripts: list[Cost], ours: list[Cost]) -> Figure:
    top, bottom = [entry.cpu for entry in ours], [entry.cpu for entry in scripts]
    note = f"{middle(top):.3g} against {middle(bottom):.3g} s"
    return Figure(f"CPU against {what}", ratio(top, bottom), "×", 1.15, most=True, note=note)
