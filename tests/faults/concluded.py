"""Runs that conclude at once, without a kernel: for mornings that are held by the hundred."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime

import nbformat

from oaflib.config.project import Project
from oaflib.report import Outcome, Report
from oaflib.run.runner import Assignment, Run, run_folder, save_report
from oaflib.window import Window


def concluded(
    project: Project,
    assignment: Assignment,
    window: Window,
    outcomes: Sequence[Outcome],
    at: datetime,
) -> Future[Run]:
    """What a notebook would have concluded with, its run's folder in place.

    As of a crew, the future raises what kept the run from it.
    """
    future: Future[Run] = Future()
    try:
        future.set_result(_made(project, assignment, window, outcomes, at))
    except OSError as error:
        future.set_exception(error)
    return future


def _made(
    project: Project,
    assignment: Assignment,
    window: Window,
    outcomes: Sequence[Outcome],
    at: datetime,
) -> Run:
    folder = run_folder(project, assignment.dataset, window)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    instrument, _, name = assignment.dataset.partition("_")
    report = Report(instrument, name, "", window, at, True, tuple(outcomes))
    nbformat.write(nbformat.v4.new_notebook(), folder / "notebook.ipynb")
    save_report(report, folder)
    return Run(report, folder, 0.1)
