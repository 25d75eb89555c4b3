"""A report's notebook, ready to run again in Jupyter on the records that its run kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from oaflib.config.project import Project
from oaflib.run.preflight import read_notebook
from oaflib.run.runner import (
    Assignment,
    Places,
    Run,
    beneath,
    parameters_for,
    run_folder,
    run_report,
)
from oaflib.snapshot import Shelf, Snapshot
from oaflib.study.study import RECORDS
from oaflib.window import Window

_TITLE = "Parameters of the replay"


def write_replay(project: Project, assignment: Assignment, window: Window) -> Path:
    """Write the template with this report's parameters into ``runs/replay/``; its path.

    The notebook uses the records of the report's run where they are kept, and so comes to the same
    numbers; else it asks the source.
    """
    template = project.template(assignment.dataset, assignment.template)
    values = parameters_for(project, assignment, window)
    name = f"{assignment.dataset}_{window.label}"
    return _written(template, values, project.runs / "replay" / f"{name}.ipynb", name)


def write_replay_of(project: Project, snapshot: Snapshot) -> Path:
    """Write the snapshot's template with its parameters into ``runs/replay/``; its path.

    The notebook opens the snapshot as its project: its records, limits and history, and no source.
    """
    assignment, window = assignment_of(snapshot), snapshot.manifest.window
    template = snapshot.project.template(assignment.dataset, assignment.template)
    values = parameters_for(project, assignment, window)
    values["run"] = beneath(snapshot.folder, project.root)
    name = snapshot.manifest.name
    return _written(template, values, project.runs / "replay" / f"{name}.ipynb", name)


def write_player(project: Project, snapshot: Snapshot) -> Path:
    """Write ``notebooks/replay.ipynb`` for the snapshot into ``runs/replay/``; its path."""
    values = {"snapshot": str(snapshot.folder)}
    name = snapshot.manifest.name
    if name in Shelf.of(project.runs).names():
        values["snapshot"] = name
    path = project.runs / "replay" / f"{name}-player.ipynb"
    return _written(project.root / "notebooks" / "replay.ipynb", values, path, name)


def run_snapshot(project: Project, snapshot: Snapshot) -> Run:
    """The report of a snapshot, made from it alone and kept as a run of `project`."""
    assignment, window = assignment_of(snapshot), snapshot.manifest.window
    places = Places(run_folder(project, assignment.dataset, window), snapshot.folder / RECORDS)
    return run_report(snapshot.project, assignment, window, places)


def assignment_of(snapshot: Snapshot) -> Assignment:
    """How the snapshot's dataset was to be reported."""
    manifest = snapshot.manifest
    return Assignment(
        manifest.dataset,
        manifest.source,
        manifest.default_plots,
        manifest.expert_code,
        manifest.template,
        name=manifest.name,
    )


def _written(notebook: Path, values: dict[str, Any], path: Path, what: str) -> Path:
    template = read_notebook(notebook)
    tagged = next(
        number
        for number, cell in enumerate(template.cells)
        if "parameters" in cell.metadata.get("tags", [])
    )
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    title = nbformat.v4.new_markdown_cell(f"## {_TITLE}\n{what}")
    template.cells[tagged + 1 : tagged + 1] = [title, cell]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(template, path)
    return path
