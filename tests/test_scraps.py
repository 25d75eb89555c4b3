"""The scrap that carries the report out is as scrapbook's, though scrapbook does not write it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
import scrapbook
from conftest import Notebook
from test_execute import asked

from oaflib import scraps
from oaflib.run.execution import execute

CODE = """
from datetime import UTC, datetime
import scrapbook
from oaflib import scraps
from oaflib.report import Report, write
from oaflib.window import between
window = between(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "UTC")
title = "\u00e9 \U0001f600"
report = Report("BCT", "B1", title, window, window.end, True, outcomes=())
scraps.conclude(report, "a token")
scrapbook.glue(scraps.NAME, {"token": "a token", "report": write(report)}, encoder="json")
"""


@pytest.mark.kernel
def test_ours_is_what_scrapbook_would_have_written(notebook: Notebook, tmp_path: Path) -> None:
    request = asked(notebook(CODE), tmp_path)
    assert execute(request) == ""
    ours, theirs = nbformat.read(request.notebook, as_version=4).cells[-1].outputs
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
    read = scrapbook.read_notebook(str(request.notebook)).scraps[scraps.NAME].data
    assert json.loads(read["report"]) == scraps.read(request.notebook, "a token").document()
