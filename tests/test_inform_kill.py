"""A process that sends is killed at any instant: nothing lost, nothing three times."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from mailserver import NOW, mailbox, message, server, settings, state

from oaflib.inform.outbox import letters, queue, standing
from oaflib.inform.send import flush
from oaflib.inform.transport import SmtpServer

__all__ = ["mailbox", "server", "settings", "state"]
pytestmark = [pytest.mark.smtp, pytest.mark.slow]

SENDER = """
import sys
from datetime import datetime
from oaflib.inform.send import flush
from oaflib.inform.settings import MailSettings
from oaflib.inform.transport import SmtpServer
from oaflib.state import State

settings = MailSettings(server="127.0.0.1", port=int(sys.argv[2]), domain="example.org")
with State(sys.argv[1]) as state:
    print("ready", flush=True)
    flush(state, SmtpServer(settings), datetime.fromisoformat(sys.argv[3]))
"""

KILLS = 20
MAILS = 250


def test_kills_lose_nothing_and_copy_only_what_was_uncertain(state, settings, mailbox, server):
    mailbox.data_seconds = 0.002
    everyone = [f"reader{number}@example.org" for number in range(MAILS)]
    queue(state, message(), everyone, settings, NOW)
    instants = random.Random(1)
    uncertain: set[str] = set()
    kills = 0
    for turn in range(KILLS):
        now = NOW + timedelta(minutes=turn)
        child = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(state.path), str(server.port), now.isoformat()],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(instants.uniform(0, 0.12))
        kills += child.poll() is None
        child.kill()
        child.communicate()
        uncertain |= {letter.recipient for letter in letters(state, "handed")}
    assert kills == KILLS, "the sender had finished before it could be killed; send more"
    while mailbox_busy(mailbox):
        pass
    done = flush(state, SmtpServer(settings), NOW + timedelta(hours=12))

    copies = Counter(recipient for recipient, _ in mailbox.taken)
    dead = {letter.recipient for letter in letters(state, "dead")}
    assert standing(state).waiting == 0
    assert done.problem == ""
    # Dead is only what was handed over twice, and so, twice, perhaps taken.
    assert dead <= uncertain
    assert set(copies) == set(everyone)
    assert max(copies.values()) <= 2
    twice = {recipient for recipient, count in copies.items() if count > 1}
    assert twice <= uncertain
    assert len(twice) <= kills
    for recipient in twice:
        marks = [mail["X-OAF-Attempt"] for to, mail in mailbox.taken if to == recipient]
        assert marks == [None, "2"]
    assert len({mail["Message-ID"] for _, mail in mailbox.taken}) == MAILS
    assert state.rows("PRAGMA integrity_check")[0][0] == "ok"


def mailbox_busy(mailbox) -> bool:
    """Whether the server is still taking in what killed senders had sent."""
    before = len(mailbox.taken)
    time.sleep(0.1)
    return len(mailbox.taken) != before
