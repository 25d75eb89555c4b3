"""Mails: of each new alarm somebody was told (I2); what is called sent was written (I3)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from oaflib.config.project import SITE, TASKS
from oaflib.daily.morning import OWED, UNTOLD, note
from oaflib.daily.telling import settings_of
from oaflib.fsck.finding import Finding, Look
from oaflib.fsck.runs import Told
from oaflib.inform.recipients import addresses
from oaflib.inform.transport import file_name
from oaflib.state import State
from oaflib.window import nanoseconds

_LATER = 3 * 86_400 * 10**9  # ns: a digest tells what was made before it


@dataclass(frozen=True)
class _Letters:
    """Who was written to: of a report by its subject, and by digests at which times (ns).

    The times come in order.
    """

    single: Mapping[str, Set[str]]
    digests: Mapping[str, Sequence[int]]

    def tells(self, subject: str, recipient: str, ended: int) -> bool:
        """Whether `recipient` has a mail on the report, or a digest since it `ended`."""
        if recipient in self.single.get(subject, ()):
            return True
        times = self.digests.get(recipient, ())
        later = bisect_left(times, ended)
        return later < len(times) and times[later] <= ended + _LATER

    def tells_anybody(self, subject: str, ended: int) -> bool:
        """The same of whoever it may be."""
        return subject in self.single or any(self.tells(subject, to, ended) for to in self.digests)


def mails(look: Look, state: State, told: Iterable[Told]) -> Iterator[Finding]:
    """The outbox by itself, and against the reports that are told."""
    yield from _outbox(look, state)
    letters = _letters(look, state)
    tasks = {task.id: task for task in reversed(look.project.tasks)}
    domain = settings_of(look.project).domain
    changed = _changed(look.project.root)
    for one in told:
        task = tasks.get(one.row.task)
        if not one.news or task is None:
            continue
        if any(state.value(note(what, one.row.key)) is not None for what in (OWED, UNTOLD)):
            continue
        ended = one.row.ended or 0
        if ended > changed:
            wanted = addresses(task.user_id, domain) if task.email else ()
            left = [to for to in wanted if not letters.tells(one.subject, to, ended)]
        else:  # whoever stood in the table then: somebody was told
            left = [] if letters.tells_anybody(one.subject, ended) else ["anybody"]
        if left:
            yield Finding(
                "I2",
                f"{one.row.task} {one.row.label}",
                f"of its {one.news} new alarms no mail was ever queued to {', '.join(left)}",
                "an older copy of the state put back",
                f"Tell them by hand: publish/{one.row.place}/index.html",
            )


def _letters(look: Look, state: State) -> _Letters:
    single: defaultdict[str, set[str]] = defaultdict(set)
    digests: defaultdict[str, list[int]] = defaultdict(list)
    for row in state.rows(
        "SELECT message_id, recipient, subject, queued FROM outbox WHERE queued >= ? "
        "ORDER BY queued",
        (look.since_ns,),
    ):
        look.seen["mails"] += 1
        if str(row["message_id"]).startswith("<digest."):
            digests[str(row["recipient"])].append(int(row["queued"]))
        else:
            words = str(row["subject"]).partition(": ")[0].split()
            single[" ".join(words[-3:])].add(str(row["recipient"]))
    return _Letters(single, digests)


def _changed(root: Path) -> int:
    """When (ns UTC) it was last changed who hears of what."""
    paths = [root / name for name in (SITE, *TASKS)]
    return max(path.stat().st_mtime_ns for path in paths if path.exists())


def _outbox(look: Look, state: State) -> Iterator[Finding]:
    """I3: rows that cannot be true."""
    settings = settings_of(look.project)
    kept = look.project.site.keep.mails
    oldest = nanoseconds(look.at - timedelta(days=kept)) if kept else 0
    folder = look.project.runs / "outbox"
    for row in state.rows("SELECT * FROM outbox WHERE queued >= ?", (look.since_ns,)):
        where = f"'{row['subject']}' to {row['recipient']}"
        if row["state"] in ("queued", "sending", "handed") and row["message"] is None:
            cause, cure = "a damaged state", "Tell them by hand; it stays in oaf mail --list"
            yield Finding("I3", where, f"is {row['state']} and has no text", cause, cure)
        if row["state"] != "sent":
            continue
        if row["ended"] is None:
            cause, cure = "a damaged state", "Ask the reader"
            yield Finding("I3", where, "is called sent, and nobody wrote when", cause, cure)
        elif not settings.server and row["message"] is not None and row["ended"] > oldest:
            name = file_name(row["recipient"], bytes(row["message"]))
            if not (folder / name).exists():
                cause, cure = "it was taken away by hand", "Nothing, if somebody read it"
                yield Finding("I3", where, f"was written as {name}, which is gone", cause, cure)
