"""Send what the outbox holds: `flush`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from oaflib.errors import LockHeld
from oaflib.inform.outbox import (
    Letter,
    claim,
    due,
    expire,
    hand_over,
    letters,
    recover,
    settle,
    standing,
)
from oaflib.inform.transport import Broken, Refused, Transport, TryLater, Uncertain, Unreachable
from oaflib.state import State

_SETTLED = {"down": "failed", "broken": "failed"}
_BROKEN = 2  # failed connections in a row, after which the rest waits for the next time


@dataclass(frozen=True)
class Flushed:
    """What one flush did.

    `sent`, `failed` (to be tried again) and `dead` count tries of this flush, `waiting` what is
    still to be sent afterwards. `undelivered` are the letters that died, `problem` why no mail gets
    through at all (empty when it does).
    """

    sent: int = 0
    failed: int = 0
    dead: int = 0
    waiting: int = 0
    undelivered: tuple[Letter, ...] = ()
    problem: str = ""


def flush(state: State, transport: Transport, now: datetime) -> Flushed:
    """Try every mail whose turn has come, and record what became of it.

    One at a time per machine: a mail found half sent was left by a process that is gone.

    Raises
    ------
    LockHeld
        Another process is sending.
    ConfigurationError
        The password or the CA file cannot be read.
    """
    with _alone(state.path.with_name(f"{state.path.name}.mail-lock")), transport:
        sent = failed = broken = 0
        dead = recover(state, now)
        problem = ""
        for letter in due(state, now):
            mail = claim(state, letter, now)
            if mail is None:
                continue
            outcome, reply = _try(state, transport, letter, mail)
            ended = settle(state, letter, _SETTLED.get(outcome, outcome), reply, now)
            sent += ended == "sent"
            failed += ended == "queued"
            if ended == "dead":
                dead.append(letter.id)
            broken = broken + 1 if outcome in ("broken", "uncertain") else 0
            if outcome == "down" or broken >= _BROKEN:
                problem = reply
                dead += expire(state, reply, now)
                break
        lost = tuple(letter for letter in letters(state, "dead") if letter.id in set(dead))
        return Flushed(sent, failed, len(dead), standing(state).waiting, lost, problem)


def _try(state: State, transport: Transport, letter: Letter, mail: bytes) -> tuple[str, str]:
    """One delivery: how it ended, and the words for it."""
    try:
        return "sent", transport.deliver(letter.recipient, mail, partial(hand_over, state, letter))
    except Refused as error:
        return "refused", str(error)
    except Uncertain as error:
        return "uncertain", str(error)
    except Broken as error:
        return "broken", str(error)
    except TryLater as error:
        return "failed", str(error)
    except Unreachable as error:
        return "down", str(error)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"another process is sending mail (it holds {path})") from None
        yield
    finally:
        os.close(descriptor)
