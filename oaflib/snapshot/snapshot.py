"""An opened snapshot: a folder that is a small project of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from oaflib.config.project import Project, load_site_only
from oaflib.errors import SnapshotError
from oaflib.records import Records
from oaflib.report import Outcome
from oaflib.snapshot.manifest import FILE, Manifest, read_manifest, verify
from oaflib.study.study import RECORDS, Study
from oaflib.study.words import check, compute, extract

OUTCOMES = "outcomes.json"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot in `folder`, its files as they were saved.

    The folder is a project: ``config/``, ``notebooks/`` and the history that the checks looked back
    on; beside them the records and what the checks said (``outcomes.json``).
    """

    folder: Path
    manifest: Manifest

    @property
    def project(self) -> Project:
        """The configuration it was saved with."""
        return load_site_only(self.folder)

    @property
    def outcomes(self) -> list[Outcome]:
        """What the dataset's checks said when it was saved."""
        try:
            document = json.loads((self.folder / OUTCOMES).read_bytes())
            return [Outcome.of(entry) for entry in document]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"{self.folder / OUTCOMES} cannot be read: {error!r}") from error

    def study(self, folder: Path) -> Study:
        """The study of the snapshot; `folder` takes what is made, never the snapshot's own."""
        project = self.project
        return Study(
            project=project,
            dataset=project.dataset(self.manifest.dataset),
            window=self.manifest.window,
            source=self.manifest.source,
            folder=folder,
            records_folder=self.folder / RECORDS,
        )

    def judged(self, folder: Path) -> tuple[Study, Records, list[Outcome]]:
        """The study, its records with the computed variables, and what the checks say now."""
        study = self.study(folder)
        records = compute(study, extract(study))
        return study, records, list(check(study, records))


def open_folder(folder: Path) -> Snapshot:
    """The snapshot in `folder`, every file held against its SHA-256.

    Raises
    ------
    SnapshotError
        Not a snapshot, of another version, or changed since it was saved.
    """
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise SnapshotError(f"{folder} is not a snapshot: no {FILE} ({error.strerror})") from error
    manifest = read_manifest(data, str(folder / FILE))
    verify(folder, manifest)
    return Snapshot(folder, manifest)
