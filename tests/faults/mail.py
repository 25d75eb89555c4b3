"""Mail servers in every mood: each mail is taken or given up as the policy says, none is lost."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import trustme
from mailserver import NOW, Mailbox, free_port, message, serving
from test_inform_smtp import busy, dribble, gone, half, noise, rude, scripted, silent

from faults.tried import Tried
from oaflib.inform.outbox import Letter, letters, queue
from oaflib.inform.send import flush
from oaflib.inform.settings import MailSettings
from oaflib.inform.transport import SmtpServer
from oaflib.state import State

READERS = tuple(f"{name}@example.org" for name in ("anna", "bert", "carl", "dora"))
TIMEOUT, DEADLINE = 2.0, 4.0
SETTINGS = MailSettings(
    server="127.0.0.1", domain="example.org", timeout=TIMEOUT, deadline=DEADLINE
)
Serving = Callable[[Mailbox], AbstractContextManager[int]]


@dataclass(frozen=True)
class Mood:
    """How a server behaves before it is well; who is given up for good, and how many copies."""

    name: str
    mailbox: Callable[[], Mailbox] = Mailbox
    talk: Callable[..., None] | None = None
    security: str = "plain"
    dead: tuple[str, ...] = ()
    copies: int = 0
    lasts: bool = False  # it never gets well


def _mixed() -> Mailbox:
    return Mailbox(
        rcpt={
            READERS[0]: ["450 later"] * 2,
            READERS[1]: ["550 nobody"],
            READERS[2]: ["451 greylisted"],
        }
    )


def _grey() -> Mailbox:
    return Mailbox(rcpt={name: ["451 greylisted, come again"] * 3 for name in READERS})


MOODS = (
    Mood("down", talk=None, security="down"),
    Mood("a banner, a byte at a time", talk=dribble),
    Mood("no banner", talk=silent),
    Mood("554 instead of a banner", talk=rude),
    Mood("421, too busy", talk=busy),
    Mood("closes at once", talk=gone),
    Mood("noise", talk=noise),
    Mood("drops before the last dot", talk=half),
    Mood("greylisting", _grey),
    Mood("4xx, 5xx and good recipients", _mixed, dead=(READERS[1],)),
    Mood("5xx for all", lambda: Mailbox(rcpt={n: ["550 no"] for n in READERS}), dead=READERS),
    Mood("4xx after the content", lambda: Mailbox(data=["451 wait"] * 6)),
    Mood("5xx after the content", lambda: Mailbox(data=["554 spam"]), dead=(READERS[0],)),
    Mood("drops after the content, once", lambda: Mailbox(drop_after_data=1), copies=1),
    Mood(
        "drops after the content, always",
        lambda: Mailbox(drop_after_data=99), dead=READERS, copies=4, lasts=True,
    ),
    Mood("slower than the deadline", lambda: Mailbox(data_seconds=6.0), copies=4),
    Mood("a certificate nobody trusts", security="starttls"),
    Mood("no STARTTLS", security="none"),
    Mood("4xx for ever", lambda: Mailbox(rcpt={n: ["450 no"] * 999 for n in READERS}),
         dead=READERS, lasts=True),
)  # fmt: skip


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """Each mood, with four readers."""
    for number, mood in enumerate(MOODS):
        yield _tried(mood, folder / str(number))


def _tried(mood: Mood, folder: Path) -> Tried:
    folder.mkdir(parents=True)
    bad, well = mood.mailbox(), Mailbox()
    worst = 0.0
    now = NOW
    with State(folder / "state.sqlite") as state:
        queue(state, message(), READERS, SETTINGS, now)
        if mood.lasts:
            with serving(bad) as server:
                while _waiting(state) and now < NOW + timedelta(days=7):
                    worst = max(worst, _flush(state, replace(SETTINGS, port=server.port), now))
                    now += timedelta(hours=4)
        else:
            for _ in range(2):
                worst = max(worst, _in_mood(mood, bad, state, now))
                now += timedelta(minutes=20)
            with serving(bad if bad.rcpt or bad.data else well) as server:
                while _waiting(state) and now < NOW + timedelta(days=7):
                    worst = max(worst, _flush(state, replace(SETTINGS, port=server.port), now))
                    now += timedelta(hours=4)
        rows = letters(state)
    return _row(mood, rows, Counter(to for to, _ in bad.taken + well.taken), worst)


def _row(mood: Mood, rows: list[Letter], taken: Counter[str], worst: float) -> Tried:
    wrong = []
    for row in rows:
        wanted = "dead" if row.recipient in mood.dead else "sent"
        if row.state != wanted:
            wrong.append(f"{row.recipient} is {row.state}, not {wanted}: {row.reply}")
        if row.state == "sent" and not taken[row.recipient]:
            wrong.append(f"{row.recipient} is called sent and nothing arrived")
    copies = sum(count - 1 for count in taken.values() if count)
    if max(taken.values(), default=0) > 2 or copies > mood.copies:
        wrong.append(f"arrived: {dict(taken)}")
    if worst > len(READERS) * (DEADLINE + TIMEOUT) + 5:
        wrong.append(f"one go took {worst:.1f} s")
    lost = sum(row.state == "queued" for row in rows) + (len(READERS) - len(rows))
    states = Counter(row.state for row in rows)
    note = ", ".join(f"{count} {name}" for name, count in sorted(states.items()))
    good = len(READERS) if not wrong else 0
    return Tried(f"SMTP: {mood.name}", len(READERS), good, lost, copies, worst, note, wrong)


def _in_mood(mood: Mood, mailbox: Mailbox, state: State, now: object) -> float:
    if mood.security == "down":
        return _flush(state, replace(SETTINGS, port=free_port()), now)
    if mood.talk is not None:
        with scripted(mood.talk) as port:
            return _flush(state, replace(SETTINGS, port=port), now)
    if mood.security in ("starttls", "none"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
        options = {"tls_context": tls} if mood.security == "starttls" else {}
        with serving(mailbox, **options) as server:
            return _flush(state, replace(SETTINGS, port=server.port, security="starttls"), now)
    with serving(mailbox) as server:
        return _flush(state, replace(SETTINGS, port=server.port), now)


def _waiting(state: State) -> bool:
    return bool(letters(state, "queued", "sending", "handed"))


def _flush(state: State, settings: MailSettings, now: object) -> float:
    began = time.monotonic()
    flush(state, SmtpServer(settings), now)  # type: ignore[arg-type]
    return time.monotonic() - began
