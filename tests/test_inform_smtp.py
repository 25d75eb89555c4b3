"""Mail leaves through a real SMTP server, and each way it can fail is known for what it is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from mailserver import NOW, free_port, mailbox, message, server, settings, state

from oaflib.errors import LockHeld
from oaflib.inform.outbox import forget, letters, queue, revive, standing
from oaflib.inform.send import flush
from oaflib.inform.settings import MailSettings
from oaflib.inform.transport import SmtpServer, transport_for
from oaflib.state import State

__all__ = ["mailbox", "server", "settings", "state"]
pytestmark = pytest.mark.smtp


def test_a_mail_arrives_whole_and_is_recorded_as_sent(state, settings, mailbox):
    text = "first\n.\n..dots\nµ‑meter\n"
    assert queue(state, message(text=text), ["a@example.org"], settings, NOW) == 1
    done = flush(state, SmtpServer(settings), NOW)
    assert (done.sent, done.failed, done.dead, done.waiting) == (1, 0, 0, 0)
    ((recipient, mail),) = mailbox.taken
    assert recipient == "a@example.org"
    assert mail["X-OAF-Attempt"] is None
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n") == text
    (letter,) = letters(state)
    assert (letter.state, letter.reply) == ("sent", "250 taken as 4711")
    assert letter.message_id == mail["Message-ID"]


def test_the_same_message_is_sent_to_nobody_twice(state, settings, mailbox):
    queue(state, message(), ["a@example.org", "b@example.org", "a@example.org"], settings, NOW)
    assert flush(state, SmtpServer(settings), NOW).sent == 2
    later = NOW + timedelta(hours=1)
    assert queue(state, message(text="made again"), ["a@example.org"], settings, later) == 0
    assert queue(state, message(), ["c@example.org"], settings, later) == 1
    assert flush(state, SmtpServer(settings), later).sent == 1
    assert [recipient for recipient, _ in mailbox.taken] == [f"{x}@example.org" for x in "abc"]


def test_greylisting_is_waited_out(state, settings, mailbox):
    mailbox.rcpt["a@example.org"] = ["451 4.7.1 greylisted, come back"] * 2
    queue(state, message(), ["a@example.org"], settings, NOW)
    first = flush(state, SmtpServer(settings), NOW)
    assert (first.sent, first.failed, first.dead, first.waiting) == (0, 1, 0, 1)
    assert letters(state)[0].reply == (
        "<a@example.org> is not taken now: 451 4.7.1 greylisted, come back"
    )
    # Not before its turn.
    assert flush(state, SmtpServer(settings), NOW + timedelta(minutes=4)).failed == 0
    assert flush(state, SmtpServer(settings), NOW + timedelta(minutes=5)).failed == 1
    assert flush(state, SmtpServer(settings), NOW + timedelta(minutes=15)).sent == 1
    ((_, mail),) = mailbox.taken
    assert mail["X-OAF-Attempt"] is None


def test_each_recipient_has_its_own_fate(state, settings, mailbox):
    mailbox.rcpt = {
        "gone@example.org": ["550 no such user"],
        "later@example.org": ["450 busy"],
    }
    everyone = ["gone@example.org", "a@example.org", "later@example.org", "b@example.org"]
    queue(state, message(), everyone, settings, NOW)
    done = flush(state, SmtpServer(settings), NOW)
    assert (done.sent, done.failed, done.dead, done.waiting) == (2, 1, 1, 1)
    assert [recipient for recipient, _ in mailbox.taken] == ["a@example.org", "b@example.org"]
    assert [(letter.recipient, letter.reply) for letter in done.undelivered] == [
        ("gone@example.org", "<gone@example.org> is refused: 550 no such user")
    ]
    assert flush(state, SmtpServer(settings), NOW + timedelta(hours=1)).sent == 1
    assert standing(state).dead == 1


@pytest.mark.parametrize(
    ("answer", "fate"), [("452 disk full", "queued"), ("554 looks like spam", "dead")]
)
def test_a_mail_refused_after_its_content(state, settings, mailbox, answer, fate):
    mailbox.data = [answer]
    queue(state, message(), ["a@example.org", "b@example.org"], settings, NOW)
    assert flush(state, SmtpServer(settings), NOW).sent == 1
    assert {letter.recipient: letter.state for letter in letters(state)} == {
        "a@example.org": fate,
        "b@example.org": "sent",
    }
    assert letters(state)[0].copies == 0


def test_a_dead_letter_comes_back_when_the_operator_says_so(state, settings, mailbox):
    mailbox.data = ["554 no"]
    queue(state, message(), ["a@example.org"], settings, NOW)
    (dead,) = flush(state, SmtpServer(settings), NOW).undelivered
    later = NOW + timedelta(days=9)
    assert revive(state, [dead.id, 999], later) == 1
    assert flush(state, SmtpServer(settings), later).sent == 1


def test_a_connection_lost_after_the_mail_is_one_copy_more_and_never_two(state, settings, mailbox):
    mailbox.drop_after_data = 1
    queue(state, message(), ["a@example.org"], settings, NOW)
    first = flush(state, SmtpServer(settings), NOW)
    assert (first.sent, first.failed) == (0, 1)
    assert flush(state, SmtpServer(settings), NOW + timedelta(hours=1)).sent == 1
    (_, one), (_, two) = mailbox.taken
    assert one["Message-ID"] == two["Message-ID"]
    assert (one["X-OAF-Attempt"], two["X-OAF-Attempt"]) == (None, "2")

    mailbox.taken.clear()
    mailbox.drop_after_data = 9
    queue(state, message("another"), ["a@example.org"], settings, NOW)
    for hour in range(2, 30):
        flush(state, SmtpServer(settings), NOW + timedelta(hours=hour))
    assert len(mailbox.taken) == 2
    assert letters(state, "dead")[0].reply.startswith("handed to the server twice")


def test_a_server_that_is_down_keeps_everything_and_is_asked_once(state, settings):
    down = replace(settings, port=free_port())
    queue(state, message(), [f"{name}@example.org" for name in "abc"], settings, NOW)
    done = flush(state, SmtpServer(down), NOW)
    assert (done.sent, done.failed, done.dead, done.waiting) == (0, 1, 0, 3)
    assert "cannot be reached: [Errno 111] Connection refused" in done.problem
    assert standing(state).oldest == NOW
    assert flush(state, SmtpServer(settings), NOW + timedelta(hours=5)).sent == 3


def test_what_nobody_takes_for_five_days_is_given_up(state, settings):
    down = replace(settings, port=free_port())
    queue(state, message(), ["a@example.org", "b@example.org"], settings, NOW)
    for hour in range(0, 119, 4):
        assert flush(state, SmtpServer(down), NOW + timedelta(hours=hour)).dead == 0
    done = flush(state, SmtpServer(down), NOW + timedelta(days=5))
    assert (done.dead, done.waiting) == (2, 0)
    assert all("not taken in 5 days" in letter.reply for letter in done.undelivered)


def test_a_server_that_never_heard_of_is_named(state, settings):
    queue(state, message(), ["a@example.org"], settings, NOW)
    unknown = replace(settings, server="no-such-host.invalid")
    assert "no-such-host.invalid is not known" in flush(state, SmtpServer(unknown), NOW).problem


@contextmanager
def scripted(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does as told, to many connections one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(10)
                with suppress(OSError):
                    talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        over.set()
        thread.join()
        listener.close()


def dribble(connection: socket.socket) -> None:
    for byte in b"220 " + b"x" * 400 + b"\r\n":
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def rude(connection: socket.socket) -> None:
    connection.sendall(b"554 go away\r\n")


def busy(connection: socket.socket) -> None:
    connection.sendall(b"421 too many of you\r\n")


def gone(connection: socket.socket) -> None:
    pass


def noise(connection: socket.socket) -> None:
    connection.sendall(b"\xff\x00\x1b[31m\r\n" * 50)


@pytest.mark.parametrize("talk", [dribble, silent, rude, busy, gone, noise])
@pytest.mark.alone
def test_a_server_out_of_its_mind_holds_nobody_up(state, settings, talk):
    queue(state, message(), ["a@example.org", "b@example.org"], settings, NOW)
    with scripted(talk) as port:
        begun = time.monotonic()
        odd = replace(settings, port=port, timeout=0.5, deadline=1)
        done = flush(state, SmtpServer(odd), NOW)
        assert time.monotonic() - begun < 3
    assert (done.sent, done.failed, done.dead, done.waiting) == (0, 1, 0, 2)
    assert done.problem.isprintable()


@pytest.mark.alone
def test_a_server_slow_to_take_the_mail_is_not_waited_for_for_ever(state, settings, mailbox):
    mailbox.data_seconds = 3
    queue(state, message(), ["a@example.org"], settings, NOW)
    hasty = replace(settings, timeout=0.5, deadline=1)
    begun = time.monotonic()
    assert flush(state, SmtpServer(hasty), NOW).failed == 1
    assert time.monotonic() - begun < 2.5
    assert letters(state)[0].copies == 1


def half(connection: socket.socket) -> None:
    """Takes everything but the content of the mail."""
    file = connection.makefile("rb")
    connection.sendall(b"220 hello\r\n")
    while line := file.readline():
        if line.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
            file.readline()
            return
        connection.sendall(b"250 ok\r\n")


def test_a_connection_lost_before_the_last_dot_is_no_second_copy(state, settings):
    queue(state, message(text="x" * 3_000_000), ["a@example.org"], settings, NOW)
    with scripted(half) as port:
        assert flush(state, SmtpServer(replace(settings, port=port)), NOW).failed == 1
    (letter,) = letters(state)
    assert (letter.state, letter.copies) == ("queued", 0)


def test_after_two_broken_connections_the_rest_waits(state, settings):
    queue(state, message(), [f"{name}@example.org" for name in "abcdef"], settings, NOW)
    with scripted(half) as port:
        done = flush(state, SmtpServer(replace(settings, port=port)), NOW)
    assert (done.failed, done.waiting) == (2, 6)
    assert done.problem


def test_nobody_sends_beside_another(state, settings, mailbox):
    mailbox.data_seconds = 0.6
    queue(state, message(), ["a@example.org"], settings, NOW)
    path = state.path

    def other() -> None:
        with State(path) as mine:
            flush(mine, SmtpServer(settings), NOW)

    thread = threading.Thread(target=other)
    thread.start()
    while not mailbox.taken:
        time.sleep(0.01)
    with pytest.raises(LockHeld, match="another process is sending mail"):
        flush(state, SmtpServer(settings), NOW)
    thread.join()
    assert flush(state, SmtpServer(settings), NOW).sent == 0
    assert len(mailbox.taken) == 1


def test_what_was_sent_long_ago_is_forgotten_but_not_sent_again(state, settings, mailbox):
    queue(state, message(), ["a@example.org"], settings, NOW)
    flush(state, SmtpServer(settings), NOW)
    later = NOW + timedelta(days=31)
    assert forget(state, later) == 1
    assert queue(state, message(), ["a@example.org"], settings, later) == 0
    assert flush(state, SmtpServer(settings), later).sent == 0


# Without a server


def test_without_a_server_mails_become_files(state, tmp_path):
    settings = MailSettings(domain="example.org")
    folder = tmp_path / "runs" / "outbox"
    queue(state, message(), ["j.doe@example.org", "x/y/z@example.org"], settings, NOW)
    done = flush(state, transport_for(settings, folder), NOW)
    assert (done.sent, done.failed, done.dead) == (2, 0, 0)
    names = sorted(path.name for path in folder.iterdir())
    assert [name.rpartition("_")[0] for name in names] == [
        "2026-11-23_BWS_PS_j-doe",
        "2026-11-23_BWS_PS_x-y-z",
    ]
    mail = message_from_bytes((folder / names[0]).read_bytes(), policy=default)
    assert mail["To"] == "j.doe@example.org"


def test_a_folder_that_cannot_be_written_keeps_the_mail(state, tmp_path):
    settings = MailSettings(domain="example.org")
    folder = tmp_path / "outbox"
    folder.write_text("in the way")
    queue(state, message(), ["a@example.org"], settings, NOW)
    done = flush(state, transport_for(settings, folder), NOW)
    assert (done.failed, done.waiting) == (1, 1)
    assert "cannot be written to: File exists" in done.problem
