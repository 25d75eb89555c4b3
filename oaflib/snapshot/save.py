"""Saving a snapshot: the records, and everything the checks looked at."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import tomllib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import tomlkit

from oaflib.config.aliases import ALIASES
from oaflib.config.interventions import LEDGER
from oaflib.config.project import DATASETS, INSTRUMENTS, SITE, Project
from oaflib.errors import SnapshotError
from oaflib.records import Records, RecordsWriter
from oaflib.report import Severity
from oaflib.snapshot.manifest import FILE, Manifest, files_of, fine_name
from oaflib.snapshot.snapshot import OUTCOMES, Snapshot, open_folder
from oaflib.study.study import RECORDS, Study
from oaflib.study.words import check, compute, extract, history_of, versions
from oaflib.window import Window

_SITE_NOTE = """\
# The site as far as a replay needs it. Where the data came from, its logging systems and its mail
# server are not part of a snapshot: the records are beside this folder.
"""


@dataclass(frozen=True)
class Wanted:
    """What to keep: a dataset of a source over a window, and how its report is made.

    `kept` is a folder of records that may be of this window already: the report's run.
    """

    name: str
    dataset: str
    source: str
    window: Window
    template: str = ""
    expert_code: str = "None"
    default_plots: bool = True
    kept: Path | None = None


def save(project: Project, wanted: Wanted, target: Path, made_at: datetime) -> Snapshot:
    """Save the snapshot as the new folder `target`; it appears whole or not at all.

    Raises
    ------
    SnapshotError
        A bad name, or a snapshot that would not replay to the same outcomes.
    SourceError
        The source does not answer.
    """
    fine_name(wanted.name)
    window = replace(wanted.window, label=wanted.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    folder = work / target.name
    try:
        study = Study(
            project=project,
            dataset=project.dataset(wanted.dataset),
            window=window,
            source=wanted.source,
            folder=work,
            records_folder=_records_folder(wanted, work),
        )
        logged = extract(study)
        records = compute(study, logged)
        outcomes = list(check(study, records))
        _write_records(folder / RECORDS, logged, window)
        _write_project(folder, study, wanted)
        history_of(project).excerpt(
            folder / "runs" / "history", study.dataset.id, list(records), window.end_ns
        )
        document = [outcome.document() for outcome in outcomes]
        _write(folder / OUTCOMES, json.dumps(document, ensure_ascii=False, indent=1))
        severities = [outcome.severity for outcome in outcomes]
        manifest = Manifest(
            name=wanted.name,
            dataset=study.dataset.id,
            title=study.dataset.title,
            window=window,
            source=wanted.source,
            made_at=made_at,
            template=project.template(wanted.dataset, wanted.template).stem,
            expert_code=wanted.expert_code or "None",
            default_plots=wanted.default_plots,
            versions=versions(),
            rows=sum(entry.count for entry in logged.entries.values()),
            outcomes={str(one).lower(): severities.count(one) for one in Severity},
            files=files_of(folder),
        )
        _write(folder / FILE, manifest.write())
        _, _, again = open_folder(folder).judged(work / "again")
        if [outcome.document() for outcome in again] != document:
            raise SnapshotError(
                f"{wanted.name} would not replay to the outcomes of {wanted.dataset} now: "
                "a check looks at something a snapshot does not keep"
            )
        if target.exists():
            raise SnapshotError(f"{target} is there already")
        folder.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_folder(target)


def _records_folder(wanted: Wanted, work: Path) -> Path:
    """The kept records, when they are of this window; else a place for new ones."""
    from oaflib.errors import RecordsError
    from oaflib.records import open_records

    if wanted.kept is not None:
        try:
            if open_records(wanted.kept).window.key == wanted.window.key:
                return wanted.kept
        except RecordsError:
            pass
    return work / "extracted"


def _write_records(folder: Path, records: Records, window: Window) -> None:
    """A copy of its own, one series in memory at a time, and of nothing else.

    A run's records may be links to files of the store that hold other days and variables.
    """
    with RecordsWriter(folder, window, records.source) as writer:
        writer.asked = records.asked
        for name, entry in records.entries.items():
            if entry.lies:
                mean = replace(records.mean(name), lies=()) if entry.means else None
                writer.add(replace(records[name], lies=()), entry, mean)
            else:
                writer.missing(entry)


def _write_project(folder: Path, study: Study, wanted: Wanted) -> None:
    """The configuration, template and expert code; no secret, no address, no absolute path."""
    project = study.project
    with (project.root / SITE).open("rb") as file:
        given = tomllib.load(file)
    site: dict[str, Any] = {key: given[key] for key in ("title", "machine", "zone") if key in given}
    site["zone"] = project.site.zone
    site["sources"] = {wanted.source: {"kind": "embedded", "folder": "runs/store"}}
    if "limits" in given:
        site["limits"] = given["limits"]
    _write(folder / SITE, _SITE_NOTE + tomlkit.dumps(site))
    for name in (INSTRUMENTS, f"{DATASETS}/{study.dataset.id}.toml", LEDGER, ALIASES):
        if (project.root / name).exists():
            _write(folder / name, (project.root / name).read_bytes())
    template = project.template(wanted.dataset, wanted.template)
    _write(folder / "notebooks" / "templates" / template.name, _bare(template))
    (folder / "notebooks" / "experts").mkdir(parents=True)
    if wanted.expert_code and wanted.expert_code != "None":
        expert = _expert(project.experts, wanted.expert_code)
        code = _bare(expert) if expert.suffix == ".ipynb" else expert.read_bytes()
        _write(folder / "notebooks" / "experts" / expert.name, code)


def _expert(folder: Path, code: str) -> Path:
    """The file of a task's ``ExpCode``."""
    module, colon, _ = code.partition(":")
    names = (
        [f"{module.split('.')[0]}.py"] if colon else [code, f"{code.removesuffix('.ipynb')}.ipynb"]
    )
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise SnapshotError(f"the expert code '{code}' is not in {folder}: there is no {names[-1]}")


def _bare(notebook: Path) -> str:
    """A notebook without outputs: what they show is not what is kept."""
    document = json.loads(notebook.read_bytes())
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    document["metadata"].pop("widgets", None)
    return json.dumps(document, ensure_ascii=False, indent=1)


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
