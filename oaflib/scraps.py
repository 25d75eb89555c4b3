"""`conclude` inside the notebook, `read` outside: the one scrap that carries the report out.

The only door to scrapbook. Its encoder turns NaN into the text ``nan`` and refuses numpy's types,
so one scrap holds the whole report as strict plain JSON that we made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oaflib import lean as lean  # before nbformat

import nbformat  # isort: skip

from oaflib.errors import ReportError
from oaflib.report import Report, of_document

NAME = "oaf-report"
MEDIA_TYPE = "application/scrapbook.scrap.json+json"


def conclude(report: Report, token: str) -> None:
    """Put the report into the notebook; `token` proves that this run made it."""
    import scrapbook

    scrapbook.glue(NAME, {"token": token, "report": report.document()}, encoder="json")


def read(notebook: Path, token: str) -> Report:
    """The report that the executed `notebook` concluded with.

    Raises
    ------
    ReportError
        The notebook cannot be read, never concluded, or holds the report of another run.
    """
    scrap = _scrap(notebook)
    if scrap is None:
        raise ReportError(f"{notebook.name} never concluded: its last cell did not run")
    if not isinstance(scrap, dict) or scrap.get("token") != token:
        raise ReportError(f"{notebook.name} holds the report of another run, or a forged one")
    report = of_document(scrap.get("report"))
    if not report.finished:
        raise ReportError(f"{notebook.name} concluded without finishing")
    return report


def _scrap(notebook: Path) -> Any:
    import scrapbook

    try:
        scraps = scrapbook.read_notebook(str(notebook)).scraps
    except Exception as error:  # nbformat raises whatever its converters do
        raise ReportError(f"{notebook} is not a readable notebook: {error}") from error
    return scraps[NAME].data if NAME in scraps else None


def outputs(notebook: Path) -> list[dict[str, Any]]:
    """What an executed notebook shows, as media-type bundles in order; the scrap left out.

    Errors and printed text come as ``text/plain``. Empty when there is no notebook.
    """
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception:  # nbformat raises whatever its converters do
        return []
    bundles: list[dict[str, Any]] = []
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.strip():
            bundles.append({"text/markdown": cell.source})
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                bundles.append({"text/plain": output.text})
            elif output.output_type == "error":
                bundles.append({"text/plain": f"{output.ename}: {output.evalue}"})
            elif MEDIA_TYPE not in output.data:
                bundles.append(dict(output.data))
    return bundles
