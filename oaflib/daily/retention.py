"""What has been kept long enough, and what is never taken: planned first, then done.

Of a run first its records go, which the logging system has, then its notebook and log. A page is
never taken whole: it is thinned, that is, its pictures and its notebook go; the verdict, every
check and the statistics stay, and with them calendars, links and history. Snapshots are not
looked at.
"""

from __future__ import annotations

import email
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from oaflib.changes import AlarmState
from oaflib.config.project import Project
from oaflib.errors import ReportError
from oaflib.publish import Site, place
from oaflib.report import Report, read
from oaflib.state import State

_LOG = 10_000_000  # bytes of a log that cron appends to


@dataclass(frozen=True, order=True)
class Piece:
    """Something that may go: when it was made (s since 1970), what, where, its bytes, and why."""

    made: float
    what: str
    path: Path
    size: int
    why: str = ""


@dataclass(frozen=True)
class Spared:
    """Reports whose pages stay whole: (dataset, label)."""

    open_since: dict[str, dict[str, int]]
    untold: frozenset[tuple[str, str]]
    latest: frozenset[tuple[str, str]]

    def keeps(self, report: Report) -> bool:
        """Whether the page stays: the latest, with an alarm that goes on, or not yet told."""
        key = (report.id, report.window.label)
        if key in self.latest or key in self.untold:
            return True
        known = self.open_since.get(report.id, {})
        return any(outcome.identity in known for outcome in report.alarms)


def plan(project: Project, state: State, now: datetime) -> list[Piece]:
    """All that goes now, the oldest first; nothing is changed."""
    keep = project.site.keep
    found = [
        *_records(project, now),
        *_aged(project.runs / "reports", "run", 2, keep.runs, now),
        *_aged(project.runs / "replay", "replay", 1, keep.replays, now),
        *_aged(project.runs / "interactive", "replay", 1, keep.replays, now),
        *_aged(project.runs / "cache" / "snapshots", "unpacked snapshot", 1, keep.replays, now),
        *_mails(project.runs / "outbox", keep.mails, now),
        *_pages(project, spared(state), now),
    ]
    return sorted(_once([*found, *_too_much(project, found)]))


def carry_out(pieces: Iterable[Piece], project: Project, site: Site) -> list[str]:
    """Take the pieces away; a sentence for each that could not be."""
    troubles = []
    for piece in pieces:
        try:
            if piece.what == "page":
                _thin(piece.path, project, site)
            elif piece.path.is_dir():
                shutil.rmtree(piece.path)
            else:
                piece.path.unlink()
        except (OSError, ReportError) as error:
            troubles.append(f"{piece.path} could not be taken away: {error}")
    _turned(project.runs / "morning.log")
    for folder in (project.runs / "reports").glob("*"):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return troubles


def spared(state: State) -> Spared:
    """What the state says of reports that must stay."""
    open_since: dict[str, dict[str, int]] = {}
    for row in state.rows("SELECT value FROM kv WHERE key LIKE 'alarms/%'"):
        try:
            known = AlarmState.read(row["value"])
        except ReportError:
            continue
        ongoing = {alarm.identity: alarm.since for alarm in known.alarms if alarm.open}
        open_since.setdefault(known.dataset, {}).update(ongoing)
    latest: dict[str, tuple[int, str]] = {}
    for run in state.runs():
        latest[run.task] = max(latest.get(run.task, (0, "")), (run.window_end, run.label))
    return Spared(
        open_since,
        frozenset(_untold(state)),
        frozenset((task, label) for task, (_, label) in latest.items()),
    )


def _untold(state: State) -> Iterator[tuple[str, str]]:
    """The reports of mails that nobody got: they wait, or died."""
    for row in state.rows("SELECT message FROM outbox WHERE state != 'sent'"):
        if row["message"]:
            mail = email.message_from_bytes(row["message"])
            yield (str(mail["X-OAF-Dataset"]), str(mail["X-OAF-Report"]))


def _records(project: Project, now: datetime) -> Iterator[Piece]:
    days = project.site.keep.records
    for run in _runs(project):
        for name in ("records", "expert/tmp"):
            folder = run / name
            if folder.is_dir() and not folder.is_symlink() and _old(run, days, now):
                yield Piece(_made(run), "records", folder, size_of(folder), f"over {days} d")


def _runs(project: Project) -> Iterator[Path]:
    for path in (project.runs / "reports").glob("*/*"):
        if path.is_dir() and not path.is_symlink():
            yield path


def _aged(folder: Path, what: str, depth: int, days: int, now: datetime) -> Iterator[Piece]:
    for path in folder.glob("/".join(["*"] * depth)):
        if not path.is_symlink() and _old(path, days, now):
            yield Piece(_made(path), what, path, size_of(path), f"over {days} d")


def _mails(outbox: Path, days: int, now: datetime) -> Iterator[Piece]:
    for path in outbox.glob("*.eml"):
        if _old(path, days, now):
            yield Piece(_made(path), "mail", path, size_of(path), f"over {days} d")


def _pages(project: Project, stays: Spared, now: datetime) -> Iterator[Piece]:
    days = project.site.keep.pages
    if not days:
        return
    for path in (project.publish / "reports").glob("*/*/*"):
        thick = (path / "notebook.ipynb").exists() or any((path / "figures").glob("*"))
        if not thick or not _old(path, days, now):
            continue
        try:
            report = read((path / "report.json").read_bytes())
        except (OSError, ReportError):
            continue
        if report.window.end < now - timedelta(days=days) and not stays.keeps(report):
            size = size_of(path / "figures") + size_of(path / "notebook.ipynb")
            yield Piece(_made(path), "page", path, size, f"over {days} d")


def _too_much(project: Project, gone: Sequence[Piece]) -> Iterator[Piece]:
    """Of the runs that stay what is beyond `size`: the oldest records, then the oldest runs."""
    bound = project.site.keep.size_bytes
    taken = {piece.path for piece in gone}
    runs = [run for run in _runs(project) if run not in taken]
    sizes = {run: size_of(run) for run in runs}
    for piece in gone:
        if piece.what == "records" and piece.path.parent in sizes:
            sizes[piece.path.parent] -= piece.size
    total = sum(sizes.values())
    runs.sort(key=_made)
    for run in runs:
        records = run / "records"
        if total > bound and records.is_dir() and records not in taken:
            size = size_of(records)
            total -= size
            sizes[run] -= size
            yield Piece(_made(run), "records", records, size, f"beyond {project.site.keep.size}")
    for run in runs[:-1]:
        if total > bound:
            total -= sizes[run]
            yield Piece(_made(run), "run", run, sizes[run], f"beyond {project.site.keep.size}")


def _once(pieces: Sequence[Piece]) -> list[Piece]:
    """Without what lies in a folder that goes as a whole."""
    whole = {piece.path for piece in pieces if piece.what == "run"}
    return [piece for piece in pieces if not whole.intersection(piece.path.parents)]


def _thin(folder: Path, project: Project, site: Site) -> None:
    """The page again, without its notebook and pictures."""
    report = read((folder / "report.json").read_bytes(), str(folder))
    place(report, None, project.publish, replace(site, pdf=False))


def _turned(log: Path) -> None:
    """A log that grew too large becomes ``.1``, over the one before."""
    try:
        if log.stat().st_size > _LOG:
            log.replace(log.with_name(f"{log.name}.1"))
    except OSError:
        return


def _old(path: Path, days: int, now: datetime) -> bool:
    return days > 0 and _made(path) < (now - timedelta(days=days)).timestamp()


def _made(path: Path) -> float:
    """When a report or run was made; a folder's own time changes with what is taken from it."""
    for candidate in (path / "report.json", path):
        try:
            return candidate.lstat().st_mtime
        except OSError:
            continue
    return 0.0


def size_of(path: Path) -> int:
    """The bytes of a file, or of all in a folder; what other folders share counts for nothing."""
    if not path.is_dir():
        try:
            return path.lstat().st_size
        except OSError:
            return 0
    total = 0
    for inner, _, names in os.walk(path):
        for name in names:
            try:
                about = Path(inner, name).lstat()
                total += about.st_size if about.st_nlink == 1 else 0
            except OSError:
                continue
    return total
