"""An executed notebook to the body of a report page, through nbconvert."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from oaflib.body import Body
from oaflib.compiled import compiled
from oaflib.run.clean import cleaned, escaped
from oaflib.run.outputs import Sheet

_HERE = Path(__file__).parent
_SEPARATOR = "<!--oaf:code-->"
_CODE_LIMIT = 200_000
_ERROR = "papermill-error-cell-tag"  # says in jargon what the page says in a sentence
ON_PAGE = "on-page"  # tag of cells that show what the page has in a part of its own


def export_body(notebook: Path, finished: bool = True, prefix: str = "") -> Body:
    """What the executed notebook at `notebook` shows.

    Parameters
    ----------
    notebook : an ``.ipynb`` file; of a run that broke it may be partial, cut or missing.
    finished : whether the run concluded. If not, the cell it stopped in is marked, and so are those
        that never ran: the notebook's own record of that cannot be trusted.
    prefix : what picture names begin with, for a second notebook on the same page.

    Returns
    -------
    A body that is always safe to publish. A file that is not a notebook gives a body that says so.
    """
    try:
        node = _read(notebook)
    except FileNotFoundError:
        return Body(html=_notice("The run left no notebook."))
    except Exception as error:  # nbformat raises whatever its validators and JSON raise
        reason = escaped(f"{type(error).__name__}: {error}"[:500])
        return Body(
            html=_notice(f"The run left a notebook that cannot be read: {reason}"),
            notebook=notebook,
        )
    sheet = Sheet(prefix)
    stop = None if finished else _stopped(node.cells)
    for number, cell in enumerate(node.cells):
        state, note = _state(number, cell, stop)
        shown = sheet.outputs(number, cell) if cell.cell_type == "code" else ""
        if cell.cell_type == "markdown":
            cell.source = sheet.markdown(cell)
            shown = "" if _ERROR in cell.metadata.get("tags", []) else cell.source.strip()
        if finished and ON_PAGE in cell.metadata.get("tags", []):
            shown = ""
        cell.metadata["oaf"] = {"html": shown, "note": note, "state": state}
        if len(cell.source) > _CODE_LIMIT:
            cell.source = cell.source[:_CODE_LIMIT] + "\n… (cut; the notebook has it all)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = _rendered(node)
    body, _, code = page.partition(_SEPARATOR)
    body = sheet.extracted(body)
    return Body(
        html=body.strip(),
        code=code.strip(),
        figures=sheet.figures,
        notebook=notebook,
        interactive=sheet.interactive,
    )


def warm() -> None:
    """Load the exporter and its template, so that a process forked from this one need not."""
    nbformat: Any = import_module("nbformat")
    cells = [nbformat.v4.new_markdown_cell("# x"), nbformat.v4.new_code_cell("1")]
    for cell in cells:
        cell.metadata["oaf"] = {"html": "", "note": "", "state": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _rendered(nbformat.v4.new_notebook(cells=cells))


def _read(path: Path) -> Any:
    nbformat: Any = import_module("nbformat")  # untyped
    with warnings.catch_warnings():  # a missing cell id is no fault of a report
        warnings.simplefilter("ignore")
        return nbformat.read(path, as_version=4)


@lru_cache(maxsize=1)
def _exporter() -> Any:
    nbconvert: Any = import_module("nbconvert")  # untyped, and slow to load
    exporter = nbconvert.HTMLExporter(
        default_preprocessors=[],
        template_name="nbtemplate",
        extra_template_basedirs=[str(_HERE)],
        embed_images=False,
        exclude_anchor_links=True,
    )
    exporter.environment.bytecode_cache = compiled(_HERE / "nbtemplate")
    exporter.register_filter("cleaned", cleaned)
    highlight = nbconvert.filters.Highlight2HTML(pygments_lexer="ipython3", parent=exporter)
    exporter.register_filter("highlight_code", highlight)
    return exporter


def _rendered(node: Any) -> str:
    """The notebook through our template.

    Not by `HTMLExporter.from_notebook_node`: it parses the finished page with another parser and
    writes it anew, after which what was cleaned is no longer known to be clean.
    """
    nbconvert: Any = import_module("nbconvert")
    page, _ = nbconvert.TemplateExporter.from_notebook_node(_exporter(), node)
    return str(page)


def _stopped(cells: list[Any]) -> int:
    """The cell a broken run stopped in: the first with an error, else the last that was counted."""
    code = [(number, cell) for number, cell in enumerate(cells) if cell.cell_type == "code"]
    for number, cell in code:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return number
    counted = [number for number, cell in code if cell.get("execution_count")]
    return counted[-1] if counted else -1


def _state(number: int, cell: Any, stop: int | None) -> tuple[str, str]:
    if stop is None or cell.cell_type != "code" or not cell.source.strip():
        return "", ""
    if number == stop:
        return "stopped", "The run stopped in this cell."
    if number > stop:
        return "unrun", "This cell did not run."
    return "", ""


def _notice(text: str) -> str:
    return f'<p class="notice stopped">{text}</p>'
