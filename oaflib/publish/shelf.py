"""All reports of one dataset, in shards small enough that an old dataset costs no more than a new.

Beside the reports lie ``index.json`` (the latest sixty, and one letter a day for the calendar) and
one file a month (``2026-11.json``) with a line for each of its reports.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oaflib.errors import ReportError
from oaflib.publish.disk import write_changed
from oaflib.publish.entry import Entry
from oaflib.report import read

SCHEMA = "oaf-dataset/1"
RECENT = 60
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
LETTERS = {
    "none": ".",
    "not_applicable": "n",
    "ok": "o",
    "warning": "w",
    "alarm": "a",
    "invalid": "i",
    "failed": "f",
}
MARKS = {letter: mark for mark, letter in LETTERS.items()}
_RANK = {letter: rank for rank, letter in enumerate(LETTERS.values())}


@dataclass(frozen=True)
class Shelf:
    """A dataset's reports in short.

    `recent` are the latest sixty, the latest first; `months` gives for every month with reports one
    letter a day, the worst of that day (`MARKS`).
    """

    recent: tuple[Entry, ...] = ()
    months: Mapping[str, str] = field(default_factory=dict)

    @property
    def latest(self) -> Entry:
        """The report whose window ends last; IndexError on an empty shelf."""
        return self.recent[0]

    def mark(self, day: str) -> str:
        """The worst mark of a day, ``none`` when it has no report."""
        letters = self.months.get(day[:7], "")
        position = int(day[8:]) - 1
        return MARKS[letters[position]] if position < len(letters) else "none"

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "months": dict(sorted(self.months.items())),
            "recent": [entry.document() for entry in self.recent],
        }


def load(folder: Path) -> Shelf:
    """The shelf kept in a dataset's `folder`; made again from the reports when it is not whole."""
    try:
        return index_of(folder)
    except FileNotFoundError:
        if not any(folder.glob("*/report.json")):
            return Shelf()
    except (OSError, ReportError):
        pass
    return rebuilt(folder)


def index_of(folder: Path) -> Shelf:
    """The shelf as ``index.json`` of a dataset's `folder` has it.

    Raises
    ------
    OSError
        It cannot be read, or is not there.
    ReportError
        It is not whole.
    """
    data = (folder / "index.json").read_bytes()
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        recent = tuple(Entry.of(entry) for entry in document["recent"])
        return Shelf(recent, {str(month): str(days) for month, days in document["months"].items()})
    except _UNREADABLE as error:
        raise ReportError(f"{folder / 'index.json'} is not whole: {error!r}") from error


def month(folder: Path, name: str) -> list[Entry]:
    """All reports of a month that has some, the earliest first; made anew if damaged."""
    try:
        return month_of(folder, name)
    except (OSError, ReportError):
        entries = [entry for entry in on_disk(folder) if entry.month == name]
        return sorted(entries, key=lambda entry: entry.order)


def month_of(folder: Path, name: str) -> list[Entry]:
    """The reports of a month as its file has them, the earliest first; raises as `index_of`."""
    data = (folder / f"{name}.json").read_bytes()
    try:
        return [Entry.of(entry) for entry in json.loads(data)["reports"]]
    except _UNREADABLE as error:
        raise ReportError(f"{folder / name}.json is not whole: {error!r}") from error


def added(folder: Path, shelf: Shelf, entry: Entry, replaced: Entry | None) -> Shelf:
    """`shelf` with `entry` on it, `replaced` (of the same label) gone; writes the month files."""
    months = dict(shelf.months)
    for name in {entry.month, *([replaced.month] if replaced else [])}:
        known = month(folder, name) if name in months else []
        entries = [other for other in known if other.label != entry.label]
        if name == entry.month:
            entries = sorted([*entries, entry], key=lambda other: other.order)
        months[name] = _kept(folder, name, entries)
    recent = [other for other in shelf.recent if other.label != entry.label]
    recent = sorted([*recent, entry], key=lambda other: other.order, reverse=True)[:RECENT]
    result = Shelf(tuple(recent), {name: days for name, days in months.items() if days})
    _write(folder, result)
    return result


def rebuilt(folder: Path) -> Shelf:
    """The shelf made from the reports in `folder`, and its month files written again."""
    entries = sorted(on_disk(folder), key=lambda entry: entry.order)
    by_month: dict[str, list[Entry]] = {}
    for entry in entries:
        by_month.setdefault(entry.month, []).append(entry)
    months = {name: _kept(folder, name, inside) for name, inside in by_month.items()}
    shelf = Shelf(tuple(reversed(entries[-RECENT:])), months)
    _write(folder, shelf)
    return shelf


def on_disk(folder: Path) -> list[Entry]:
    """The reports in a dataset's `folder`, as their own documents say; damaged ones left out."""
    found = []
    for path in folder.glob("*/report.json"):
        if path.parent.name.startswith("."):
            continue
        try:
            entry = Entry.of_report(read(path.read_bytes(), str(path)))
        except (OSError, ReportError):
            continue
        if entry.label == path.parent.name:
            found.append(entry)
    return found


def neighbours(folder: Path, shelf: Shelf, entry: Entry) -> tuple[Entry | None, Entry | None]:
    """The reports of the same length before and after `entry`, or None."""
    known = list(reversed(shelf.recent))
    if len(known) == RECENT and entry.order <= known[0].order:
        names = sorted(shelf.months)
        here = bisect_left(names, entry.month)
        nearby = [*names[max(here - 1, 0) : here + 2]]
        known = [other for name in nearby for other in month(folder, name)]
    alike = [other for other in known if other.span == entry.span and other.label != entry.label]
    alike.sort(key=lambda other: (other.end, other.start))
    before = [other for other in alike if (other.end, other.start) < (entry.end, entry.start)]
    after = alike[len(before) :]
    return (before[-1] if before else None, after[0] if after else None)


def worst(marks: Iterable[str]) -> str:
    """The worst of some marks; ``none`` of none."""
    return max(marks, key=lambda mark: _RANK[LETTERS[mark]], default="none")


def _kept(folder: Path, name: str, entries: list[Entry]) -> str:
    """Write a month's file; its letters, nothing for a month without reports."""
    path = folder / f"{name}.json"
    if not entries:
        path.unlink(missing_ok=True)
        return ""
    documents = ",\n".join(json.dumps(entry.document()) for entry in entries)
    write_changed(path, f'{{"schema": "oaf-month/1", "reports": [\n{documents}\n]}}\n')
    letters = ["."] * 31
    for entry in entries:
        day = int(entry.day[8:]) - 1
        letters[day] = max(letters[day], LETTERS[entry.mark], key=_RANK.__getitem__)
    return "".join(letters)


def _write(folder: Path, shelf: Shelf) -> None:
    write_changed(folder / "index.json", json.dumps(shelf.document(), indent=1) + "\n")
