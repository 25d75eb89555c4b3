"""All of it: what was looked at, and what does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from oaflib.config.project import Project
from oaflib.errors import StateError
from oaflib.fsck.finding import Finding, Look
from oaflib.fsck.mails import mails
from oaflib.fsck.memory import history_found, snapshots_found, state_found
from oaflib.fsck.repository import repository
from oaflib.fsck.runs import runs
from oaflib.state import State
from oaflib.window import instant

SCHEMA = "oaf-fsck/1"
_BEGINNING = datetime(1971, 1, 1, tzinfo=UTC)
_RESTORE = "Put back the newest of runs/backup/ (docs/operation.md, Back-up and restore)"


@dataclass(frozen=True)
class Checked:
    """What a check found. `days` is how far back it looked, None: all the way; `seen` counts."""

    at: datetime
    days: int | None
    findings: tuple[Finding, ...] = ()
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return not self.findings

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "at": instant(self.at.replace(microsecond=0)),
            "days": self.days,
            "sound": self.sound,
            "seen": self.seen,
            "findings": [asdict(finding) for finding in self.findings],
        }


def fsck(project: Project, at: datetime, days: int | None) -> Checked:
    """Look at everything that the project keeps of the last `days` before `at`; None: of always.

    Nothing is changed, and nobody is kept waiting: what a morning at work has not finished yet may
    be among the findings.
    """
    since = _BEGINNING if days is None else at - timedelta(days=days)
    look = Look(project, at, since, whole=days is None)
    found = [*_remembered(look), *repository(look), *snapshots_found(look)]
    seen: Counter[str] = look.seen
    return Checked(at, days, tuple(sorted(set(found))), dict(seen))


def _remembered(look: Look) -> Iterator[Finding]:
    path = look.project.runs / "state.sqlite"
    if not path.exists():
        if (look.project.publish / "reports").is_dir():
            what, cause = "is not there, and there are reports", "it was taken away by hand"
            yield Finding("state", str(path), what, cause, _RESTORE)
        return
    try:
        with closing(State(path, read_only=True)) as state:
            yield from state_found(look, state)
            told, found = runs(look, state)
            yield from found
            yield from mails(look, state, told)
            yield from history_found(look, told)
    except StateError as error:
        yield Finding("state", str(path), str(error), "a damaged disk", _RESTORE)
