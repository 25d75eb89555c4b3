"""What an expert types on the way from a notebook to a daily report."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from oaflib.cli.commands import now, say, warn
from oaflib.config.ids import fault_of_notebook
from oaflib.config.project import Project, find_root, load_what_is_right
from oaflib.config.tasks import Task
from oaflib.config.words import listed, near, quoted
from oaflib.errors import ConfigurationError
from oaflib.run.draft import draft, expert_draft, write_new
from oaflib.run.runner import Assignment
from oaflib.run.trial import Day, faults, tight, trial
from oaflib.window import calendar_day, instant


def new(given: Namespace) -> int:
    """A template, or a notebook of expert code, begun for an instrument family."""
    project = load_what_is_right(find_root(given.root))
    instrument = given.instrument.upper()
    if instrument not in project.instruments:
        known = list(project.instruments)
        raise ConfigurationError(
            f"no instrument is called {quoted(given.instrument)}.{near(instrument, known)} "
            f"There are: {listed(known)}"
        )
    dataset, source = _dataset(project, instrument, given.dataset)
    name = (given.name or f"{instrument.lower()}-new").removesuffix(".ipynb")
    if fault := fault_of_notebook(name):
        raise ConfigurationError(f"--name: {fault}")
    day = given.day or _yesterday(project)
    window = calendar_day(day, project.site.zone)
    values = {
        "dataset": dataset,
        "start": instant(window.start),
        "end": instant(window.end),
        "source": source,
    }
    made = (expert_draft if given.expert else draft)(project.template(dataset), name, values)
    path = (project.experts if given.expert else project.templates) / f"{name}.ipynb"
    write_new(made, path)
    say(
        str(path),
        f"It looks at {dataset} of {day}. Open it, change the part 'Yours', Run all; then",
        f"  oaf check-template {name}",
    )
    if given.lab:
        os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(path)])
    return 0


def check_template(given: Namespace) -> int:
    """Whether a notebook can be a daily report: what it lacks, and how it does on several days."""
    project = load_what_is_right(find_root(given.root))
    path, expert = _notebook(project, given.template)
    found = faults(path, project, expert=expert)
    for fault in found:
        say(f"{'note' if fault.minor else 'wrong'}: {path.name}: {fault.message}")
    if not all(fault.minor for fault in found):
        return 1
    dataset, source = _dataset(project, "", given.dataset or _dataset_in(path))
    row = next((task for task in project.tasks if task.id == dataset), None)
    assignment = _assignment(path.stem, dataset, source, row, expert=expert)
    last = given.day or _yesterday(project)
    days = [last - timedelta(days=back) for back in reversed(range(given.days))]
    say(f"{path.name} over {dataset} from {source}; nothing is published")
    bounds = project.site.limits.expert if expert else project.site.limits
    failed = False
    for day in trial(project, assignment, [calendar_day(day, project.site.zone) for day in days]):
        failed = failed or bool(day.failure)
        say(f"  {_line(day)}")
        for much in [] if day.failure else tight(day, bounds):
            say(f"    note: it takes more than half of what it may: {much}")
    if failed:
        say("It is not ready: a day failed.")
        return 1
    say(
        "It is ready. Its row of config/tasks.csv:", f"  {_row(path.stem, assignment, row, expert)}"
    )
    return 0


def _line(day: Day) -> str:
    """One day: its outcomes, or what went wrong, and what it took."""
    counts = Counter(str(outcome.severity) for outcome in day.report.outcomes)
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "no outcomes"
    took = f"{day.seconds:.1f} s"
    if day.cpu_seconds is not None:
        took += f", {day.cpu_seconds:.1f} s of processor"
    if day.peak_bytes is not None:
        took += f", {day.peak_bytes / 1e6:,.0f} MB"
    return f"{day.window.label}  {day.failure or said}  ({took})"


def _row(name: str, assignment: Assignment, row: Task | None, expert: bool) -> str:
    """The line of the task table that makes the notebook a daily report."""
    instrument, _, dataset = assignment.dataset.partition("_")
    user = row.user_id if row and row.user_id else "LOGIN"
    code, template = (name, row.template if row else "") if expert else ("None", name)
    return (
        f"{instrument},{assignment.source},{dataset},{user},TRUE,TRUE,{code},daily,day,{template}"
    )


def _assignment(
    name: str, dataset: str, source: str, row: Task | None, *, expert: bool
) -> Assignment:
    made = Assignment(dataset, source)
    if row:
        made = replace(made, default_plots=row.default_plots, template=row.template)
    return replace(made, expert_code=name) if expert else replace(made, template=name)


def _notebook(project: Project, named: str) -> tuple[Path, bool]:
    """The notebook meant, and whether it is expert code: by name, or as a path."""
    name = Path(named).name.removesuffix(".ipynb")
    places = ((project.templates, False), (project.experts, True))
    for folder, expert in places:
        path = folder / f"{name}.ipynb"
        if path.is_file() and (Path(named).name == named or path.samefile(named)):
            return path, expert
    there = [path.stem for folder, _ in places for path in sorted(folder.glob("*.ipynb"))]
    raise ConfigurationError(
        f"no notebook {quoted(named)} in {project.site.paths.templates} or "
        f"{project.site.paths.experts}.{near(name, there)} There are: {listed(there)}"
    )


def _dataset_in(path: Path) -> str:
    """The dataset that the notebook's own parameters cell names; empty when it names none."""
    import ast

    from oaflib.run.preflight import read_notebook

    for cell in read_notebook(path).cells:
        if "parameters" in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "dataset":
                    return str(ast.literal_eval(node.value))
    return ""


def _dataset(project: Project, instrument: str, named: str) -> tuple[str, str]:
    """The dataset to look at and its source: the one named, or the family's first."""
    rows = [task for task in project.tasks if instrument in ("", task.instrument)]
    if not named:
        ids = [task.id for task in rows]
        ids += [name for name in sorted(project.datasets) if name.startswith(f"{instrument}_")]
        if not ids:
            raise ConfigurationError(
                f"no dataset of {instrument} is there yet; write config/datasets/"
                f"{instrument}_<name>.toml, or name one that the source keeps with --dataset"
            )
        named = ids[0]
    project.refuse_wrong(named)
    project.dataset(named)
    warn(*project.wrong_beside(named))
    if instrument and not named.startswith(f"{instrument}_"):
        raise ConfigurationError(f"--dataset: {quoted(named)} is not one of {instrument}")
    of_it = [task.source for task in project.tasks if task.id == named]
    return named, of_it[0] if of_it else next(iter(project.site.sources))


def _yesterday(project: Project) -> date:
    return now().astimezone(ZoneInfo(project.site.zone)).date() - timedelta(days=1)
