"""What does not hold: one line of ``oaf fsck``."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from oaflib.config.project import Project
from oaflib.publish.entry import Entry
from oaflib.state import RunRow
from oaflib.window import instant, moment, nanoseconds


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that does not hold.

    `rule` is the promise that is broken (``I1`` … ``I8``, see docs/operation.md), `where` a file or
    a report, `cause` the likely one, and `cure` what to do: mostly what to type.
    """

    rule: str
    where: str
    what: str
    cause: str
    cure: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where}: {self.what}; likely {self.cause}. {self.cure}"


@dataclass(frozen=True)
class Look:
    """What is looked at: reports whose windows end after `since` and not after `at`.

    `whole` also looks at what costs time whatever `since` says. `seen` counts what was looked at.
    `listed` keeps, by place, what the lists should say of a report that was read already: ten years
    of them fit into memory as numbers (`mark_of`), not as documents.
    """

    project: Project
    at: datetime
    since: datetime
    whole: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    listed: dict[str, int] = field(default_factory=dict)

    @property
    def since_ns(self) -> int:
        """`since` in int64 ns UTC."""
        return nanoseconds(self.since)

    @property
    def at_ns(self) -> int:
        """`at` in int64 ns UTC."""
        return nanoseconds(self.at)


def mark_of(entry: Entry) -> int:
    """The same for entries that say the same."""
    return hash(json.dumps(entry.document(), sort_keys=True))


def again(task: str, label: str, start: datetime, end: datetime) -> str:
    """What makes a report anew in its place."""
    try:
        return f"Type: oaf daily --day {date.fromisoformat(label)} --only {task} --again --no-mail"
    except ValueError:
        return f"Type: oaf run {task} --from {instant(start)} --to {instant(end)} --name {label}"


def again_of(row: RunRow) -> str:
    """The same of a run."""
    return again(row.task, row.label, moment(row.window_start), moment(row.window_end))
