"""Task × window → executed notebook and report. A fault stays in its run."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oaflib import scraps
from oaflib.body import Body
from oaflib.config.dataset import Dataset
from oaflib.config.notebook import Shelf
from oaflib.config.project import DATASETS, Project
from oaflib.config.tasks import parse_expert_code
from oaflib.config.veil import Veil, veil_of
from oaflib.config.words import listed, near, quoted
from oaflib.errors import ConfigurationError, OafError, ReportError
from oaflib.folders import sync
from oaflib.provenance import silent_source
from oaflib.report import Fault, Outcome, Report, Severity, write
from oaflib.run import limits, nursery
from oaflib.run.epilogue import add_replay
from oaflib.run.execution import execute
from oaflib.run.export import body_in, exported, with_live
from oaflib.run.isolation import PRLIMIT, level
from oaflib.run.preflight import check_template
from oaflib.run.request import FILE, NOTEBOOK, Request
from oaflib.run.silent import silent_report
from oaflib.sources.base import KeepsSnapshots
from oaflib.sources.open import open_source
from oaflib.window import Window, instant


@dataclass(frozen=True)
class Assignment:
    """What to report: a dataset from a source, and how its report is made."""

    dataset: str
    source: str
    default_plots: bool = True
    expert_code: str = "None"
    template: str = ""
    low_res: bool = False
    name: str = ""
    fresh: bool = False


def assigned(project: Project, dataset: str, source: str = "") -> Assignment:
    """How `dataset` is reported: as its first task says, where it has one.

    `source` is asked in place of the task's; without either, the first of the site.

    Raises
    ------
    ConfigurationError
        No such dataset or source, or something is wrong with this one.
    """
    project.refuse_wrong(dataset)
    task = next((task for task in project.tasks if task.id == dataset), None)
    name = source or (task.source if task else next(iter(project.site.sources)))
    project.source_settings(name)
    said = project.dataset(dataset)
    if task is None:
        if said.file is None:
            _kept_by_source(project, name, said)
        return Assignment(dataset, name)
    return Assignment(
        dataset,
        name,
        default_plots=task.default_plots,
        expert_code=task.expert_code,
        template=task.template,
    )


def _kept_by_source(project: Project, source: str, dataset: Dataset) -> None:
    """Nothing, where the source keeps the snapshot of a dataset that nothing else speaks of."""
    with open_source(project, source) as opened:
        kept = opened.snapshots(dataset.snapshot) if isinstance(opened, KeepsSnapshots) else []
    if dataset.snapshot not in {query.name for query in kept}:
        known = list(dict.fromkeys([*(task.id for task in project.tasks), *project.datasets]))
        raise ConfigurationError(
            f"no dataset is called {quoted(dataset.id)}: it has no task, no file {DATASETS}/"
            f"{dataset.id}.toml, and {source} keeps no snapshot '{dataset.snapshot}'."
            f"{near(dataset.id, known)} There are: {listed(sorted(known))}"
        )


def chosen(
    project: Project, made: Assignment, template: str = "", expert_code: str = ""
) -> Assignment:
    """The assignment with another template or expert code, where one is named.

    Raises
    ------
    ConfigurationError
        No such template, notebook or function.
    """
    if template:
        template = project.template(made.dataset, template).stem
    try:
        code = parse_expert_code(Shelf(project.experts), expert_code)
    except ValueError as error:
        raise ConfigurationError(f"expert code: {error}") from None
    return replace(made, template=template or made.template, expert_code=code or made.expert_code)


@dataclass(frozen=True)
class Run:
    """One execution: its report, and the folder with its notebook and records.

    `failure` says in a sentence why no notebook concluded; then the report holds one INVALID
    outcome and is not finished. `body` is what the notebook shows; None when it is yet to be
    exported.
    """

    report: Report
    folder: Path
    seconds: float
    failure: str = ""
    body: Body | None = None

    @property
    def notebook(self) -> Path | None:
        """The executed notebook, also of a run that broke; None when none was saved."""
        path = self.folder / "notebook.ipynb"
        return path if path.exists() else None


@dataclass(frozen=True)
class Places:
    """Where a run keeps what it makes, and where its records are (empty: in `folder`)."""

    folder: Path
    records: Path | None = None


def run_report(
    project: Project, assignment: Assignment, window: Window, places: Places | None = None
) -> Run:
    """Run the assignment's notebook over `window`; never raises for what the run does.

    The folder ``runs/reports/<INST>_<dataset>/<label>/`` keeps the executed notebook, the records,
    the log and ``report.json``, written last.
    """
    began = time.monotonic()
    places = places or Places(run_folder(project, assignment.dataset, window))
    folder = places.folder
    _clear(folder)
    veil = veil_of(project.site, project.root)
    try:
        request = _request(project, assignment, window, places)
        check_template(request.template, request.parameters)
        failure = execute(request)
        _draw(veil, folder)
        if failure:
            raise ReportError(failure)
        report = scraps.read(request.notebook, request.token)
        report = _provenance(report, request, _isolation(project, assignment))
        add_replay(request.notebook, beneath(folder, project.root))
        failure = ""
    except (OafError, OSError) as error:
        _draw(veil, folder)
        failure = veil.hidden(str(error))
        report = failed_report(project, assignment, window, failure)
        report = silent_report(report, folder, assignment.source)
        if silent_source(report):
            failure = report.outcomes[0].reason
    save_report(report, folder)
    body = _body(folder, report.finished)
    return Run(report, folder, time.monotonic() - began, failure, body)


def _draw(veil: Veil, folder: Path) -> None:
    """No secret of the site stays in what the run's notebooks wrote, whoever put it there."""
    if veil:
        veil.over(folder, leave=("records",))


def body_of(run: Run, trusted: Sequence[str] = ()) -> Body:
    """What the run's notebook shows, and its expert's.

    Of notebooks that are `trusted` also with their own scripts, beside the page.
    """
    body = run.body or body_in(run.folder, run.report.finished)
    return with_live(body, run.folder, run.report.provenance, trusted) if trusted else body


def _body(folder: Path, finished: bool) -> Body | None:
    """Exported beside other runs; what goes wrong is told by whoever publishes it."""
    try:
        return exported(folder, finished, nursery.living())
    except Exception:
        return None


def failed_report(project: Project, assignment: Assignment, window: Window, reason: str) -> Report:
    """The report of a run that never concluded: one INVALID outcome."""
    instrument, _, name = assignment.dataset.partition("_")
    try:
        dataset = project.dataset(assignment.dataset)
        title, description = dataset.title or dataset.id, dataset.description
    except OafError:
        title, description = assignment.dataset, ""
    outcome = Outcome(
        check="run",
        fault=Fault.BREAKAGE,
        device=assignment.dataset,
        variable="",
        severity=Severity.INVALID,
        reason=f"No report could be made: {reason}",
        guidance="The executed notebook and the log show how far it came.",
    )
    return Report(
        instrument=instrument,
        dataset=name,
        title=title,
        description=description,
        window=window,
        made_at=datetime.now(UTC),
        finished=False,
        outcomes=(outcome,),
        provenance={"source": assignment.source, "template": assignment.template, "seconds": 0.0},
    )


def save_report(report: Report, folder: Path) -> None:
    """Write ``report.json`` beside the notebook, whole or not at all.

    When it is there the notebooks and the records are too, also after a power cut.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keep(folder)
    beside = folder / "report.json.tmp"
    with beside.open("w", encoding="utf-8") as file:
        file.write(write(report))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / "report.json")


def keep(folder: Path) -> None:
    """Have what a run made survive a power cut: what its report and a replay of it rest on."""
    records, expert = folder / "records", folder / "expert"
    files = (folder / "report.json", folder / FILE, folder / NOTEBOOK, expert / NOTEBOOK)
    for path in (*files, *records.glob("*")):
        with suppress(FileNotFoundError):
            if path.stat().st_nlink == 1:  # else it is a file of the source's, which is safe
                with path.open("rb") as file:
                    os.fsync(file.fileno())
    for place in (records, expert, folder):
        with suppress(FileNotFoundError):
            sync(place)


def parameters_for(project: Project, assignment: Assignment, window: Window) -> dict[str, Any]:
    """What the template is given: plain JSON values."""
    return {
        "dataset": assignment.dataset,
        "start": instant(window.start),
        "end": instant(window.end),
        "source": assignment.source,
        "default_plots": assignment.default_plots,
        "expert_code": assignment.expert_code or "None",
        "low_res": assignment.low_res,
        "name": assignment.name,
        "run": beneath(run_folder(project, assignment.dataset, window), project.root),
    }


def run_folder(project: Project, dataset: str, window: Window) -> Path:
    """Where the run of `dataset` over `window` keeps what it makes."""
    return project.runs / "reports" / dataset / window.label


def _request(project: Project, assignment: Assignment, window: Window, places: Places) -> Request:
    bounds = project.site.limits
    folder = places.folder
    parameters = parameters_for(project, assignment, window)
    return Request(
        template=project.template(assignment.dataset, assignment.template),
        folder=folder,
        root=project.root,
        records=places.records or folder / "records",
        parameters={**parameters, "run": beneath(folder, project.root)},
        seconds=bounds.seconds,
        cell_seconds=bounds.cell_seconds,
        memory=bounds.memory_bytes,
        cpu_seconds=bounds.cpu_seconds,
        output=bounds.output_bytes,
        keeps=_variables_of(project, assignment.source),
        processes=bounds.processes,
        files=bounds.file_bytes,
        fresh=assignment.fresh,
    )


def _variables_of(project: Project, source: str) -> tuple[str, ...]:
    """The environment variables that the source's options name, as ``password_env`` does."""
    settings = project.site.sources.get(source)
    options = settings.options if settings else {}
    return tuple(str(name) for key, name in options.items() if key.endswith("_env"))


def _provenance(report: Report, request: Request, isolation: str) -> Report:
    facts: dict[str, Any] = {
        **report.provenance,
        "template": request.template.name,
        "isolation": isolation,
    }
    return replace(report, provenance=facts)


def _isolation(project: Project, assignment: Assignment) -> str:
    """The level the report's notebook ran under, and its expert's code."""
    if (assignment.expert_code or "None") == "None":
        return PRLIMIT
    try:
        found = level(project)
    except OafError as error:
        return f"{PRLIMIT}; the expert's code did not run: {error}"
    lack = f" ({found.lack})" if found.lack else ""
    return f"{PRLIMIT}; the expert's code {found.name}{lack}"


def _clear(folder: Path) -> None:
    """An empty folder for the run; what an earlier one of this window left is gone.

    Its processes too: they outlive a morning that was killed.
    """
    if folder.exists():
        end_left(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def end_left(folder: Path) -> None:
    """End the processes, on this machine, of an earlier run in `folder`."""
    with suppress(OSError, ValueError, KeyError):  # a run that had not begun
        limits.end_all(str(json.loads((folder / FILE).read_bytes())["token"]))


def beneath(path: Path, root: Path) -> str:
    """The text of `path` as seen from the project, so that the notebook works after a move."""
    try:
        return str(path.relative_to(root))
    except ValueError:
        return str(path)
