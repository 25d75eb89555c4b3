"""A trial: what a notebook lacks to be a daily report, and how it does on several days.

Nothing is published and nobody is mailed; the daily reports' own runs are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from oaflib.config.project import Project
from oaflib.config.site import ExpertLimits
from oaflib.errors import TemplateError
from oaflib.report import Outcome, Report, Severity
from oaflib.run.preflight import parameters_of, read_notebook
from oaflib.run.runner import Assignment, parameters_for, run_report
from oaflib.window import Window, calendar_day

EXPERT_CHECK = "expert code"  # the outcome of expert code that failed
_NEEDED_BY_EXPERTS = ("dataset", "start", "end", "run")


@dataclass(frozen=True)
class Fault:
    """What a notebook lacks, and what mends it. A `minor` one stops nothing."""

    message: str
    minor: bool = False


@dataclass(frozen=True)
class Day:
    """How the notebook did on one window.

    `seconds` on the clock, of the whole run; `cpu_seconds` of processor and `peak_bytes` of memory
    of the notebook's kernel and what it started; None where the run did not conclude.
    """

    window: Window
    report: Report
    failure: str
    seconds: float
    cpu_seconds: float | None
    peak_bytes: int | None


def faults(notebook: Path, project: Project, *, expert: bool) -> list[Fault]:
    """What the notebook lacks, without running it."""
    try:
        known = parameters_of(notebook)
        cells = [cell for cell in read_notebook(notebook).cells if cell.cell_type == "code"]
    except TemplateError as error:
        return [Fault(str(error))]
    wanted = _NEEDED_BY_EXPERTS if expert else tuple(_standard(project))
    found = [
        Fault(f"its parameters cell does not define '{name}'")
        for name in wanted
        if name not in known
    ]
    calls = [_calls(cell.source) for cell in cells]
    if not any("conclude" in names for names in calls):
        found.append(Fault("no cell says oaf.conclude: nothing counts as done without it"))
    elif "conclude" not in calls[-1]:
        found.append(Fault("cells come after the one that says oaf.conclude; let it be the last"))
    if not expert and not any("check" in names for names in calls):
        found.append(Fault("no cell says oaf.check: the dataset's checks would all be INVALID"))
    if any(cell.get("outputs") for cell in cells):
        found.append(
            Fault("outputs are saved in it; clear them before it goes into git", minor=True)
        )
    found += [
        Fault(f"it names the path {path}, which other machines lack", minor=True)
        for path in _absolute_paths(cells)
    ]
    return found


def trial(project: Project, assignment: Assignment, windows: Sequence[Window]) -> Iterator[Day]:
    """Run the assignment over each window as the daily job would, one after the other."""
    site = project.site
    aside = replace(site, paths=replace(site.paths, runs=str(project.runs / "trial")))
    for window in windows:
        run = run_report(replace(project, site=aside), assignment, window)
        used = run.report.provenance
        failed = [o for o in run.report.outcomes if o.check == EXPERT_CHECK and _invalid(o)]
        yield Day(
            window,
            run.report,
            run.failure or (failed[0].reason if failed else ""),
            run.seconds,
            used.get("cpu_seconds"),
            used.get("peak_bytes"),
        )


def tight(day: Day, bounds: ExpertLimits, share: float = 0.5) -> list[str]:
    """Which of its limits the day used more than a `share` of."""
    found = []
    if day.seconds > share * bounds.seconds:
        found.append(f"{day.seconds:.0f} of {bounds.seconds:g} s")
    if day.cpu_seconds is not None and day.cpu_seconds > share * bounds.cpu_seconds:
        found.append(f"{day.cpu_seconds:.0f} of {bounds.cpu_seconds} s of processor time")
    if day.peak_bytes is not None and day.peak_bytes > share * bounds.memory_bytes:
        found.append(f"{day.peak_bytes / 1e6:,.0f} of {bounds.memory_bytes / 1e6:,.0f} MB")
    return found


def _standard(project: Project) -> dict[str, Any]:
    """The parameters that every run passes."""
    return parameters_for(project, Assignment("X_x", "X"), calendar_day(date(2026, 1, 1)))


def _invalid(outcome: Outcome) -> bool:
    return outcome.severity is Severity.INVALID


def _calls(source: str) -> set[str]:
    """The words of OAF that a cell says: ``oaf.conclude(…)`` or ``conclude(…)``."""
    names = set()
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute):
                names.add(called.attr)
            elif isinstance(called, ast.Name):
                names.add(called.id)
    return names


def _absolute_paths(cells: Sequence[Any]) -> list[str]:
    found = []
    for cell in cells:
        for node in ast.walk(_tree(cell.source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if text.startswith(("/", "~/")) and text.count("/") > 1 and "\n" not in text:
                    found.append(repr(text))
    return list(dict.fromkeys(found))


def _tree(source: str) -> ast.AST:
    """The cell's syntax; of a cell with Jupyter's own words (``%``, ``!``) what is Python in it."""
    lines = [
        "pass" if line.lstrip().startswith(("%", "!", "?")) else line
        for line in source.splitlines()
    ]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])  # running it tells where
