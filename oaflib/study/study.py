"""A study: one dataset over one window, and the folder where its run keeps what it made."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oaflib.config.dataset import Dataset
from oaflib.config.project import Project, find_root, load_site_only
from oaflib.errors import ConfigurationError
from oaflib.report import Statistics
from oaflib.window import Window, between, parse_instant

REQUEST = "request.json"
UNANSWERED = "unanswered.txt"  # why the source did not answer, for whoever started the run
RECORDS = "records"
SNAPSHOT = "snapshot.json"


@dataclass(frozen=True)
class Study:
    """What a notebook works on.

    Attributes
    ----------
    folder : where the run keeps its records; made when missing.
    records_folder : where the records are, or will be; of the standard part for expert code.
    token : proves to the runner that this run concluded; empty when pressed by hand.
    role : ``report``, or ``expert`` for expert code that adds to a report.
    derived : statistics that checks made (calibration curves): they join the report's.
    fresh : the source is asked also for what was kept of it.
    """

    project: Project
    dataset: Dataset
    window: Window
    source: str
    folder: Path
    records_folder: Path
    token: str = ""
    role: str = "report"
    low_res: bool = False
    fresh: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    derived: list[Statistics] = field(default_factory=list)


def open_study(
    dataset: str, start: str, end: str, source: str = "LDB", run: str = "", **options: Any
) -> Study:
    """The study of `dataset` over ``[start, end)``.

    Parameters
    ----------
    dataset : ``<INST>_<dataset>``.
    start, end : ISO 8601 with zone.
    source : a name of ``[sources]`` in the site file.
    run : the folder of a run, or of a snapshot; its records are used again, and with a snapshot
        its configuration. Empty: ``runs/interactive/``.
    options : ``name`` (label of the window), ``low_res``.

    Raises
    ------
    ConfigurationError
        The project, dataset or source is not what the configuration says.
    """
    unknown = set(options) - {"name", "low_res", "default_plots", "expert_code"}
    if unknown:
        raise ConfigurationError(
            f"open_study takes no {', '.join(sorted(unknown))}; allowed: name, low_res"
        )
    project, kept = _project(run)
    try:
        window = between(
            parse_instant(start), parse_instant(end), project.site.zone, options.get("name", "")
        )
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"the study's window: {error}") from error
    project.source_settings(source)
    described = project.dataset(dataset)
    folder = Path(run) if run else project.runs / "interactive" / f"{dataset}_{window.label}"
    if kept:
        folder = _outside(window)
    if not folder.is_absolute():
        folder = project.root / folder
    folder.mkdir(parents=True, exist_ok=True)
    request = _request(folder)
    return Study(
        project=project,
        dataset=described,
        window=window,
        source=source,
        folder=folder,
        records_folder=Path(request.get("records", (kept or folder) / RECORDS)),
        token=request.get("token", ""),
        role=request.get("role", "report"),
        low_res=bool(options.get("low_res", False)),
        fresh=bool(request.get("fresh", False)),
        parameters={"dataset": dataset, "start": start, "end": end, "source": source, **options},
    )


def _project(run: str) -> tuple[Project, Path | None]:
    """The project, and the folder of the snapshot that `run` names, which is its own project."""
    if run and Path(run).is_absolute() and (Path(run) / SNAPSHOT).is_file():
        return load_site_only(run), Path(run)
    root = find_root()
    if run and (root / run / SNAPSHOT).is_file():
        return load_site_only(root / run), root / run
    return load_site_only(root), None


def _outside(window: Window) -> Path:
    """Where a replay of a snapshot puts what it makes: in the project around, never in it."""
    try:
        return load_site_only(find_root()).runs / "replay" / window.label
    except ConfigurationError:  # a snapshot opens where there is no project, too
        return Path(tempfile.mkdtemp(prefix="oaf-replay-"))


def _request(folder: Path) -> dict[str, Any]:
    """What the runner asked of this run; nothing when a person pressed Run."""
    path = folder / REQUEST
    if "OAF_TOKEN" not in os.environ or not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document if document.get("token") == os.environ["OAF_TOKEN"] else {}
