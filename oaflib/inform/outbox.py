"""The outbox: mails that must leave, and what became of each. One row per message and recipient.

::

    queued ──▶ sending ──▶ handed ──▶ sent
      ▲           │           │
      └───────────┴───────────┴─────▶ dead

*sending* is claimed, *handed* means that only the last dot is left to send: from then until the
server's answer is recorded a crash leaves it uncertain whether the mail was taken. Such a mail is
handed over once more, with the same Message-ID and ``X-OAF-Attempt: 2``, and never a third time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oaflib.inform.envelope import Message, envelope, wire
from oaflib.inform.settings import MailSettings
from oaflib.state import State
from oaflib.window import moment, nanoseconds

LIFE = timedelta(days=5)
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=4)
COPIES = 2  # how often one mail may be handed over without an answer

_COLUMNS = "id, message_id, recipient, subject, state, attempts, copies, queued, due, reply"


@dataclass(frozen=True)
class Letter:
    """One row of the outbox. Times are int64 ns UTC.

    `attempts` counts tries since it was queued, `copies` how often it was handed over without an
    answer that says it was not taken; `reply` is the server's last word, or what went wrong.
    """

    id: int
    message_id: str
    recipient: str
    subject: str
    state: str
    attempts: int
    copies: int
    queued: int
    due: int
    reply: str


@dataclass(frozen=True)
class Standing:
    """What is in the outbox: how many, and when the oldest that waits was queued (None: none)."""

    waiting: int
    dead: int
    sent: int
    oldest: datetime | None


def queue(
    state: State,
    message: Message,
    recipients: Sequence[str],
    settings: MailSettings,
    now: datetime,
) -> int:
    """Put a message in the outbox, once per recipient; how many were not there before.

    Inside ``with state.transaction():`` the rows are written with whatever else the block writes.
    A message already there for a recipient (the same key), sent or not, is left as it is.
    """
    added = 0
    at = nanoseconds(now)
    with state.transaction() as db:
        for recipient in dict.fromkeys(recipients):
            mail = envelope(message, recipient, settings, now)
            added += db.execute(
                "INSERT OR IGNORE INTO outbox "
                "(message_id, recipient, subject, message, state, queued, due) "
                "VALUES (?, ?, ?, ?, 'queued', ?, ?)",
                (mail["Message-ID"], recipient, message.subject, wire(mail), at, at),
            ).rowcount
    return added


def letters(state: State, *states: str) -> list[Letter]:
    """The rows in those states (all when none is named), the first queued first."""
    wanted = states or ("queued", "sending", "handed", "sent", "dead")
    marks = ", ".join("?" for _ in wanted)
    query = f"SELECT {_COLUMNS} FROM outbox WHERE state IN ({marks}) ORDER BY id"
    return [_letter(row) for row in state.rows(query, wanted)]


def standing(state: State) -> Standing:
    """What waits, what is dead, what was sent."""
    counts = {
        row["state"]: (row["n"], row["oldest"])
        for row in state.rows(
            "SELECT state, count(*) AS n, min(queued) AS oldest FROM outbox GROUP BY state"
        )
    }
    waiting = [counts[name] for name in ("queued", "sending", "handed") if name in counts]
    oldest = min((since for _, since in waiting), default=None)
    return Standing(
        waiting=sum(count for count, _ in waiting),
        dead=counts.get("dead", (0,))[0],
        sent=counts.get("sent", (0,))[0],
        oldest=None if oldest is None else moment(oldest),
    )


def revive(state: State, ids: Sequence[int], now: datetime) -> int:
    """Queue dead letters again, as if new: the operator's decision. How many there were."""
    at = nanoseconds(now)
    with state.transaction() as db:
        return sum(
            db.execute(
                "UPDATE outbox SET state = 'queued', attempts = 0, copies = 0, queued = ?, "
                "due = ?, ended = NULL WHERE id = ? AND state = 'dead' AND message IS NOT NULL",
                (at, at, entry),
            ).rowcount
            for entry in ids
        )


def forget(state: State, before: datetime) -> int:
    """Drop the text of mails that ended before then; how many.

    The rows stay: they are why nothing is sent twice.
    """
    with state.transaction() as db:
        return db.execute(
            "UPDATE outbox SET message = NULL "
            "WHERE state IN ('sent', 'dead') AND message IS NOT NULL AND ended < ?",
            (nanoseconds(before),),
        ).rowcount


def recover(state: State, now: datetime) -> list[int]:
    """Put right what a crash left half sent; only for whoever alone sends. The ids of the dead.

    A mail that was being prepared goes back; one that was handed over goes back once, marked.
    """
    at = nanoseconds(now)
    with state.transaction() as db:
        # After three crashes on the same mail it takes its turn like any that failed.
        db.execute(
            "UPDATE outbox SET state = 'queued', due = CASE WHEN attempts < 3 THEN ? ELSE due END "
            "WHERE state = 'sending' OR (state = 'handed' AND copies < ?)",
            (at, COPIES),
        )
        lost = [row["id"] for row in db.execute("SELECT id FROM outbox WHERE state = 'handed'")]
        for entry in lost:
            _finish(db, entry, "dead", at, UNCERTAIN)
    return lost


UNCERTAIN = (
    "handed to the server twice, and twice its answer was lost: most likely delivered, "
    "not sent a third time"
)


def due(state: State, now: datetime) -> list[Letter]:
    """Queued letters whose turn has come, the longest waiting first."""
    query = f"SELECT {_COLUMNS} FROM outbox WHERE state = 'queued' AND due <= ? ORDER BY due, id"
    return [_letter(row) for row in state.rows(query, (nanoseconds(now),))]


def claim(state: State, letter: Letter, now: datetime) -> bytes | None:
    """Mark as being sent, and the bytes to send; None when somebody else has it or it is gone.

    The next try is set now, so that a mail that brings the process down waits its turn too.
    """
    at = nanoseconds(now)
    wait = backoff(letter.attempts + 1)
    with state.transaction() as db:
        row = db.execute(
            "SELECT message FROM outbox WHERE id = ? AND state = 'queued' AND message IS NOT NULL",
            (letter.id,),
        ).fetchone()
        if row is None:
            return None
        db.execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, tried = ?, due = ? "
            "WHERE id = ?",
            (at, nanoseconds(now + wait), letter.id),
        )
    mark = b"X-OAF-Attempt: %d\r\n" % (letter.copies + 1) if letter.copies else b""
    return mark + bytes(row["message"])


def hand_over(state: State, letter: Letter) -> None:
    """Note, durably, that the server may have it from here on."""
    with state.transaction() as db:
        db.execute(
            "UPDATE outbox SET state = 'handed', copies = copies + 1 WHERE id = ?", (letter.id,)
        )


def settle(state: State, letter: Letter, outcome: str, reply: str, now: datetime) -> str:
    """Record how a try ended, and the state it leads to: ``sent``, ``queued`` or ``dead``.

    Parameters
    ----------
    outcome : ``sent``; ``refused`` for good; ``failed``, not taken, to be tried again;
        ``uncertain``, handed over and no answer came.
    """
    at = nanoseconds(now)
    with state.transaction() as db:
        if outcome == "sent":
            return _finish(db, letter.id, "sent", at, reply)
        copies = db.execute("SELECT copies FROM outbox WHERE id = ?", (letter.id,)).fetchone()[0]
        if outcome != "uncertain":
            copies = letter.copies  # a clear answer came, or the last dot never left
            db.execute("UPDATE outbox SET copies = ? WHERE id = ?", (copies, letter.id))
        if outcome == "refused":
            return _finish(db, letter.id, "dead", at, reply)
        if copies >= COPIES:
            return _finish(db, letter.id, "dead", at, f"{UNCERTAIN} ({reply})")
        if letter.queued <= nanoseconds(now - LIFE):
            return _finish(db, letter.id, "dead", at, _expired(reply))
        db.execute("UPDATE outbox SET state = 'queued', reply = ? WHERE id = ?", (reply, letter.id))
    return "queued"


def backoff(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th try: 5, 10, 20 … minutes, at most 4 hours."""
    doublings = min(max(attempt, 1) - 1, 16)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def expire(state: State, reply: str, now: datetime) -> list[int]:
    """Give up what has waited its whole life while no mail gets through; their ids."""
    with state.transaction() as db:
        old = db.execute(
            "SELECT id FROM outbox WHERE state = 'queued' AND queued <= ?",
            (nanoseconds(now - LIFE),),
        ).fetchall()
        for row in old:
            _finish(db, row["id"], "dead", nanoseconds(now), _expired(reply))
    return [int(row["id"]) for row in old]


def _expired(reply: str) -> str:
    return f"not taken in {LIFE.days} days: {reply}"


def _finish(db: sqlite3.Connection, entry: int, state: str, at: int, reply: str) -> str:
    db.execute(
        "UPDATE outbox SET state = ?, ended = ?, reply = ? WHERE id = ?", (state, at, reply, entry)
    )
    return state


def _letter(row: sqlite3.Row) -> Letter:
    return Letter(**dict(row))
