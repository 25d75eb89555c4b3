"""`conclude` inside the notebook, `read` outside: the one scrap that carries the report out.

One scrap of scrapbook's holds the whole report as the text of its strict JSON: scrapbook's encoder
turns NaN into the text ``nan`` and refuses numpy's types, and as values a report of thousands of
variables makes its notebook three times as large, and slow to read and to write.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oaflib.errors import ReportError
from oaflib.report import Report, of_document, write
from oaflib.report import read as parsed

NAME = "oaf-report"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
MEDIA_TYPE = "application/scrapbook.scrap.json+json"


def conclude(report: Report, token: str) -> None:
    """Put the report into the notebook; `token` proves that this run made it.

    Written as ``scrapbook.glue`` writes it and without importing scrapbook, which brings papermill
    and pandas along: a second of processor time in every kernel.
    """
    from IPython.core.interactiveshell import InteractiveShell

    if not InteractiveShell.initialized():
        return  # a plain script: there is no notebook to put it into
    data = {"token": token, "report": write(report)}
    scrap = {"name": NAME, "data": data, "encoder": "json"}
    InteractiveShell.instance().display_pub.publish(
        data={MEDIA_TYPE: {**scrap, "version": 1}},
        metadata={"scrapbook": {"name": NAME, "data": True, "display": False}},
    )


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
    found = scrap.get("report")
    report = parsed(found, notebook.name) if isinstance(found, str) else of_document(found)
    if not report.finished:
        raise ReportError(f"{notebook.name} concluded without finishing")
    return report


def _scrap(notebook: Path) -> Any:
    """The data of the last scrap of our name, as scrapbook would read it; None without one."""
    try:
        found = [
            bundle[MEDIA_TYPE]
            for cell in json.loads(notebook.read_bytes())["cells"]
            for output in cell.get("outputs", [])
            if MEDIA_TYPE in (bundle := output.get("data", {}))
        ]
        named = [scrap["data"] for scrap in found if scrap["name"] == NAME]
    except _UNREADABLE as error:
        raise ReportError(f"{notebook} is not a readable notebook: {error}") from error
    return named[-1] if named else None


def outputs(notebook: Path) -> list[dict[str, Any]]:
    """What an executed notebook shows, as media-type bundles in order; the scrap left out.

    Errors and printed text come as ``text/plain``. Empty when there is no notebook.
    """
    from oaflib import lean as lean  # before nbformat

    import nbformat  # isort: skip

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
