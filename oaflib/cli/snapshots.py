"""``oaf snapshot``: what + when + data, kept; and what replays from it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from oaflib.cli.commands import assignment_of, now, say, window_of
from oaflib.config.ids import fault_of_dataset_id
from oaflib.config.project import Project, find_root, load_site_only
from oaflib.errors import ConfigurationError, OafError, SnapshotError
from oaflib.inform.texts import counted
from oaflib.run.replay import run_snapshot
from oaflib.run.runner import Run, run_folder
from oaflib.snapshot import Shelf, Snapshot, Wanted, pack, save
from oaflib.snapshot.manifest import Manifest
from oaflib.snapshot.snapshot import open_folder
from oaflib.window import instant


def snapshot(given: Namespace) -> int:
    """One word of ``oaf snapshot``."""
    project = load_site_only(find_root(given.root))
    shelf = Shelf.of(project.runs)
    if given.word in ("save", "list"):
        return (_save if given.word == "save" else _list)(given, project, shelf)
    words = {"show": _show, "pin": _pin, "unpin": _unpin, "import": _import, "zip": _zip}
    return words[given.word](given, shelf)


def named(given: Namespace, project: Project) -> Snapshot | None:
    """The snapshot that ``oaf replay`` was asked for; None when it was a dataset."""
    shelf = Shelf.of(project.runs)
    what = given.dataset
    if what not in shelf.names() and not fault_of_dataset_id(what, project.instruments):
        return None
    if given.day or given.last or given.begin or given.end:
        raise ConfigurationError(f"{what} is a snapshot: it has its own window, leave yours out")
    return shelf.open(what)


def run_one(given: Namespace, project: Project) -> Run:
    """The report of a snapshot."""
    odd = [name for name in ("dataset", "day", "last", "begin", "source") if getattr(given, name)]
    if odd:
        raise ConfigurationError(
            "a snapshot has its own dataset, window and source; leave yours out"
        )
    return run_snapshot(project, Shelf.of(project.runs).open(given.snapshot))


def _save(given: Namespace, project: Project, shelf: Shelf) -> int:
    name = given.name.removesuffix(".zip")
    packed = given.zip or name != given.name
    if not fault_of_dataset_id(name, project.instruments):
        raise SnapshotError(f"'{name}' is the name of a dataset; call the snapshot something else")
    given.name = ""
    window = window_of(given, project.site.zone)
    assignment = assignment_of(given, project)
    target = shelf.place(name)
    wanted = Wanted(
        name,
        assignment.dataset,
        assignment.source,
        window,
        assignment.template,
        assignment.expert_code,
        assignment.default_plots,
        kept=run_folder(project, assignment.dataset, window) / "records",
    )
    if packed:
        whole = shelf.cache / f"{name}.saved"
        saved = save(project, wanted, whole, now())
        try:
            target = pack(saved.folder, target.with_name(f"{name}.zip"))
        finally:
            _remove(whole)
    else:
        saved = save(project, wanted, target, now())
    say(*_told(saved.manifest), str(target))
    return 0


def _list(given: Namespace, project: Project, shelf: Shelf) -> int:
    if given.source:
        project.source_settings(given.source)
    for name in [] if given.source else shelf.names():
        try:
            manifest = shelf.manifest(name)
            line = f"{manifest.dataset:24} {_span(manifest)}  {_size(manifest.nbytes)}"
        except SnapshotError as error:
            line = f"cannot be opened: {error}"
        say(f"{name:24} {line}{'  pinned' if shelf.pinned(name) else ''}")
    if given.here:
        return 0
    failed = False
    for source in [given.source] if given.source else project.site.sources:
        failed |= _list_source(project, source)
    return int(failed)


def _list_source(project: Project, name: str) -> bool:
    """The public snapshots of a source, which are queries without data; whether it failed."""
    from oaflib.registry import sources
    from oaflib.sources.base import KeepsSnapshots
    from oaflib.sources.open import open_source

    if not hasattr(sources.load(project.source_settings(name).kind), "snapshots"):
        return False
    try:
        with open_source(project, name) as source:
            kept = source.snapshots() if isinstance(source, KeepsSnapshots) else []
    except OafError as error:
        say(f"{name}: its snapshots cannot be listed: {error}")
        return True
    for query in kept:
        what = f"a query of {name}: {counted(len(query.variables), 'variable')}"
        say(f"{query.name:24} {what}  {query.description}".rstrip())
    return False


def _show(given: Namespace, shelf: Shelf) -> int:
    opened = shelf.open(given.snapshot)
    manifest = opened.manifest
    say(*_told(manifest))
    say(f"source       {manifest.source}   template {manifest.template}", *_alarms(opened))
    say(f"expert code  {manifest.expert_code}", f"saved        {instant(manifest.made_at)}")
    say("versions     " + ", ".join(f"{key} {value}" for key, value in manifest.versions.items()))
    say(f"files        {len(manifest.files)}, each as it was saved (SHA-256)", str(opened.folder))
    if given.snapshot in shelf.names() and shelf.pinned(given.snapshot):
        say("pinned: kept for ever")
    return 0


def _pin(given: Namespace, shelf: Shelf) -> int:
    shelf.pin(given.snapshot, given.reason)
    say(f"{given.snapshot} is kept for ever")
    return 0


def _unpin(given: Namespace, shelf: Shelf) -> int:
    shelf.unpin(given.snapshot)
    say(f"{given.snapshot} is no longer pinned")
    return 0


def _import(given: Namespace, shelf: Shelf) -> int:
    manifest = shelf.take(Path(given.snapshot), given.name)
    name = given.name or manifest.name
    say(*_told(replace(manifest, name=name)), str(shelf.find(name)))
    return 0


def _zip(given: Namespace, shelf: Shelf) -> int:
    if given.file.suffix != ".zip":
        raise ConfigurationError(f"{given.file} must end in .zip")
    say(str(shelf.pack(given.snapshot, given.file)))
    return 0


def _told(manifest: Manifest) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in manifest.outcomes.items() if count)
    return [
        f"{manifest.name}: {manifest.dataset}, {manifest.title}",
        f"window       {_span(manifest)}",
        f"data         {manifest.rows:,} samples, {_size(manifest.nbytes)}",
        f"outcomes     {counts or 'none'}",
    ]


def _alarms(opened: Snapshot) -> list[str]:
    return [
        f"  {outcome.severity} {outcome.variable or outcome.device}: {outcome.reason}"
        for outcome in opened.outcomes
        if outcome.severity.alarming
    ]


def _span(manifest: Manifest) -> str:
    return f"{instant(manifest.window.start)} to {instant(manifest.window.end)}"


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB"


def _remove(folder: Path) -> None:
    import shutil

    open_folder(folder)  # never anything but a snapshot
    shutil.rmtree(folder)
