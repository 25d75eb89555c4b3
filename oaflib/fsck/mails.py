"""Mails: of each new alarm somebody was told (I2); what is called sent was written (I3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from oaflib.config.project import SITE, TASKS
from oaflib.daily.morning import OWED, UNTOLD, note
from oaflib.daily.telling import settings_of
from oaflib.fsck.finding import Finding, Look
from oaflib.fsck.runs import Told
from oaflib.inform.compose import about
from oaflib.inform.recipients import addresses
from oaflib.inform.transport import file_name
from oaflib.report import Change
from oaflib.state import State
from oaflib.window import nanoseconds

_LATER = 3 * 86_400 * 10**9  # ns: a digest tells what was made before it


@dataclass(frozen=True)
class _Letters:
    """Who was written to: of a report by its subject, and by digests at which times (ns)."""

    single: frozenset[tuple[str, str]]
    digests: tuple[tuple[str, int], ...]

    def tells(self, head: str, recipient: str, ended: int) -> bool:
        """Whether `recipient` has a mail on the report, or a digest since it `ended`."""
        return (head, recipient) in self.single or any(
            to == recipient and ended <= at <= ended + _LATER for to, at in self.digests
        )

    @property
    def readers(self) -> frozenset[str]:
        """Everybody who was ever written to."""
        return frozenset({to for _, to in self.single} | {to for to, _ in self.digests})


def mails(look: Look, state: State, told: Iterable[Told]) -> Iterator[Finding]:
    """The outbox by itself, and against the reports that are told."""
    yield from _outbox(look, state)
    letters = _letters(look, state)
    tasks = {task.id: task for task in reversed(look.project.tasks)}
    domain = settings_of(look.project).domain
    changed = _changed(look.project.root)
    for one in told:
        news = [o for o in one.report.outcomes if o.change is Change.NEW and not o.silenced]
        task = tasks.get(one.row.task)
        quiet = any(state.value(note(what, one.row.key)) is not None for what in (OWED, UNTOLD))
        if not news or task is None or quiet:
            continue
        head, ended = about(one.report), one.row.ended or 0
        if ended > changed:
            wanted = addresses(task.user_id, domain) if task.email else ()
            left = [to for to in wanted if not letters.tells(head, to, ended)]
        else:  # whoever stood in the table then: somebody was told
            somebody = any(letters.tells(head, to, ended) for to in letters.readers)
            left = [] if somebody else ["anybody"]
        if left:
            yield Finding(
                "I2",
                f"{one.row.task} {one.row.label}",
                f"of its {len(news)} new alarms no mail was ever queued to {', '.join(left)}",
                "an older copy of the state put back",
                f"Tell them by hand: publish/{one.row.place}/index.html",
            )


def _letters(look: Look, state: State) -> _Letters:
    single, digests = set(), []
    for row in state.rows(
        "SELECT message_id, recipient, subject, queued FROM outbox WHERE queued >= ?",
        (look.since_ns,),
    ):
        look.seen["mails"] += 1
        if str(row["message_id"]).startswith("<digest."):
            digests.append((str(row["recipient"]), int(row["queued"])))
        else:
            words = str(row["subject"]).partition(": ")[0].split()
            single.add((" ".join(words[-3:]), str(row["recipient"])))
    return _Letters(frozenset(single), tuple(digests))


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
