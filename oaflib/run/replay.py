"""A report's notebook, ready to run again in Jupyter on the records that its run kept."""

from __future__ import annotations

from pathlib import Path

import nbformat

from oaflib.config.project import Project
from oaflib.run.preflight import read_notebook
from oaflib.run.runner import Assignment, parameters_for
from oaflib.window import Window

_TITLE = "Parameters of the replay"


def write_replay(project: Project, assignment: Assignment, window: Window) -> Path:
    """Write the template with this report's parameters into ``runs/replay/``; its path.

    The notebook uses the records of the report's run where they are kept, and so comes to the same
    numbers; else it asks the source.
    """
    template = read_notebook(project.template(assignment.dataset, assignment.template))
    values = parameters_for(project, assignment, window)
    tagged = next(
        number
        for number, cell in enumerate(template.cells)
        if "parameters" in cell.metadata.get("tags", [])
    )
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    title = nbformat.v4.new_markdown_cell(f"## {_TITLE}\n{assignment.dataset}, {window.label}")
    template.cells[tagged + 1 : tagged + 1] = [title, cell]
    folder = project.runs / "replay"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment.dataset}_{window.label}.ipynb"
    nbformat.write(template, path)
    return path
