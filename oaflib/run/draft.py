"""A template begun for an expert: the family's own, with a place for what is theirs."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat

from oaflib.errors import ConfigurationError, TemplateError
from oaflib.run.preflight import parameters_of, read_notebook

_YOURS = """\
## Yours
What you look at in this family: change this text and the cell below.
`records["DEVICE:FIELD"]` is a series with `.time` (int64 ns UTC), `.value` and `.unit`;
what you find is an outcome: `outcomes.append(oaf.alarm("DEVICE:FIELD", "what is wrong", \
fault="ageing"))`."""
_NAMES = "sorted(records)"
_EXPERT = """\
import oaflib as oaf

study = oaf.open_study(dataset, start, end, source, run)
records = oaf.compute(study, oaf.extract(study))
outcomes = []"""


def draft(template: Path, title: str, values: dict[str, str]) -> Any:
    """A notebook like `template`, titled, with `values` for its parameters and a part *Yours*.

    The part comes before the plots, where there are any, else before the conclusion.

    Raises
    ------
    TemplateError
        `template` cannot take the parameters.
    """
    notebook = _fresh(template)
    _assign(notebook, template, values)
    at = _section(notebook, "## Plots", "## Expert's part", "## Conclude")
    notebook.cells[at:at] = [
        nbformat.v4.new_markdown_cell(_YOURS),
        nbformat.v4.new_code_cell(_NAMES),
    ]
    notebook.cells[0].source = f"# {title}\n" + "\n".join(notebook.cells[0].source.splitlines()[1:])
    return notebook


def expert_draft(template: Path, title: str, values: dict[str, str]) -> Any:
    """A notebook of expert code: it adds its own to a report, and takes `template`'s parameters.

    Raises
    ------
    TemplateError
        `template` cannot take the parameters.
    """
    notebook = _fresh(template)
    _assign(notebook, template, values)
    at = _section(notebook, "## Extract", "## Conclude")
    notebook.cells[at:] = [
        nbformat.v4.new_markdown_cell("## Extract\nFinds the records of the standard part."),
        nbformat.v4.new_code_cell(_EXPERT),
        nbformat.v4.new_markdown_cell(_YOURS),
        nbformat.v4.new_code_cell(_NAMES),
        nbformat.v4.new_markdown_cell("## Conclude\nNothing counts as done before this."),
        nbformat.v4.new_code_cell("oaf.conclude(study, outcomes=outcomes)"),
    ]
    notebook.cells[0].source = f"# {title}\nAdds to the report of its dataset."
    return notebook


def write_new(notebook: Any, path: Path) -> None:
    """Write a notebook where there is none yet.

    Raises
    ------
    ConfigurationError
        There is one: an expert's work is never overwritten.
    """
    if path.exists():
        raise ConfigurationError(f"{path} is there already; give the new one another --name")
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _fresh(template: Path) -> Any:
    """A copy without outputs."""
    notebook = deepcopy(read_notebook(template))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _assign(notebook: Any, template: Path, values: dict[str, str]) -> None:
    """Give the parameters cell those values; comments and the other lines stay."""
    missing = sorted(set(values) - parameters_of(template))
    if missing:
        raise TemplateError(f"{template.name} has no parameter {', '.join(missing)}")
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    lines = []
    for line in cell.source.splitlines():
        name = line.partition("=")[0].partition(":")[0].strip()
        comment = line.partition("  #")[2]
        said = f'{name} = "{values[name]}"' if name in values else line
        lines.append(f"{said}  #{comment}" if name in values and comment else said)
    cell.source = "\n".join(lines)


def _section(notebook: Any, *titles: str) -> int:
    """Where the first of these sections that is there begins; the end when none is."""
    for title in titles:
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown" and cell.source.splitlines()[:1] == [title]:
                return number
    return len(notebook.cells)
