"""What stays of a watch: an ordinary report in its place, and a snapshot of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from oaflib.config.project import Project
from oaflib.errors import OafError
from oaflib.publish import Site, place
from oaflib.run.runner import Assignment, Run, body_of, run_report
from oaflib.snapshot import Shelf, Wanted, save
from oaflib.window import Window


@dataclass(frozen=True)
class Frozen:
    """The report's folder in the repository, the snapshot's name, and why there is none."""

    folder: Path
    snapshot: str
    trouble: str = ""

    def __str__(self) -> str:
        kept = f"the snapshot is called {self.snapshot}" if self.snapshot else self.trouble
        return f"{self.folder / 'index.html'}; {kept}"


def freeze(
    project: Project,
    site: Site,
    assignment: Assignment,
    window: Window,
    now: Callable[[], datetime],
) -> Frozen:
    """Report `assignment` over `window`, publish it, and keep it as a snapshot of its label.

    Raises
    ------
    OSError
        The disk is full or not writable.
    """
    run = run_report(project, assignment, window)
    folder = place(run.report, body_of(run), project.publish, site)
    name = assignment.name or f"{assignment.dataset}.{window.label}"
    try:
        save(
            project,
            _wanted(name, assignment, window, run),
            Shelf.of(project.runs).place(name),
            now(),
        )
    except (OafError, OSError) as error:
        return Frozen(folder, "", f"there is no snapshot: {error}")
    return Frozen(folder, name)


def _wanted(name: str, assignment: Assignment, window: Window, run: Run) -> Wanted:
    return Wanted(
        name,
        assignment.dataset,
        assignment.source,
        window,
        assignment.template,
        assignment.expert_code,
        assignment.default_plots,
        kept=run.folder / "records",
    )
