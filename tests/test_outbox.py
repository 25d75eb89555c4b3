"""The outbox by itself: every state, every step between two, and what a crash leaves."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mailserver import NOW, message, state

from oaflib.errors import LockHeld
from oaflib.inform.outbox import (
    COPIES,
    LIFE,
    UNCERTAIN,
    Letter,
    Standing,
    backoff,
    claim,
    due,
    expire,
    forget,
    hand_over,
    letters,
    queue,
    recover,
    revive,
    settle,
    standing,
)
from oaflib.inform.send import Flushed, flush
from oaflib.inform.settings import MailSettings
from oaflib.inform.transport import Broken, Refused, TryLater, Uncertain, Unreachable
from oaflib.state import State
from oaflib.window import nanoseconds

__all__ = ["state"]
SETTINGS = MailSettings(domain="example.org")
ANNA, BERT, CARL = "anna@example.org", "bert@example.org", "carl@example.org"
MINUTE = timedelta(minutes=1)


def put(state: State, *recipients: str, key: str = "BWS_PS|day", at: datetime = NOW) -> None:
    queue(state, message(key), recipients, SETTINGS, at)


def only(state: State) -> Letter:
    (letter,) = letters(state)
    return letter


def times(state: State, column: str) -> list[int | None]:
    return [row[column] for row in state.rows(f"SELECT {column} FROM outbox ORDER BY id")]


def ns(offset: timedelta = timedelta(0)) -> int:
    return nanoseconds(NOW + offset)


# Queueing


def test_a_message_is_queued_once_for_each_recipient(state: State) -> None:
    assert queue(state, message(), [ANNA, BERT, ANNA], SETTINGS, NOW) == 2
    assert queue(state, message(text="other"), [BERT, CARL], SETTINGS, NOW + MINUTE) == 1
    first, second, third = letters(state)
    assert [first.recipient, second.recipient, third.recipient] == [ANNA, BERT, CARL]
    assert len({one.message_id for one in letters(state)}) == 3
    assert first == Letter(
        1, first.message_id, ANNA, "[OAF] BWS PS: 1 NEW", "queued", 0, 0, ns(), ns(), ""
    )
    assert (third.queued, third.due) == (ns(MINUTE), ns(MINUTE))
    assert b"one alarm" in state.rows("SELECT message FROM outbox WHERE id = 2")[0]["message"]


def test_a_message_is_queued_with_the_rest_of_its_transaction_or_not_at_all(state: State) -> None:
    def failing() -> None:
        with state.transaction():
            put(state, ANNA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert letters(state) == []


def test_a_message_that_was_sent_is_not_queued_again(state: State) -> None:
    put(state, ANNA)
    settle(state, only(state), "sent", "250 taken", NOW)
    assert queue(state, message(), [ANNA], SETTINGS, NOW + MINUTE) == 0
    assert only(state).state == "sent"


# Looking


def test_letters_are_found_by_their_states(state: State) -> None:
    put(state, ANNA, BERT, CARL)
    settle(state, letters(state)[0], "sent", "250", NOW)
    settle(state, letters(state)[1], "refused", "550", NOW)
    assert [one.recipient for one in letters(state, "sent", "queued")] == [ANNA, CARL]
    assert [one.recipient for one in letters(state, "dead")] == [BERT]
    assert [one.recipient for one in letters(state)] == [ANNA, BERT, CARL]


def test_what_is_in_the_outbox_is_counted(state: State) -> None:
    assert standing(state) == Standing(0, 0, 0, None)
    put(state, ANNA, BERT, CARL)
    put(state, ANNA, key="another", at=NOW + 2 * MINUTE)
    put(state, BERT, key="another", at=NOW + MINUTE)
    put(state, CARL, key="another", at=NOW + 3 * MINUTE)
    put(state, CARL, key="a third", at=NOW + 4 * MINUTE)
    one, two, three, four, five, *_ = letters(state)
    settle(state, one, "sent", "250", NOW)
    settle(state, two, "refused", "550", NOW)
    settle(state, three, "sent", "250", NOW)
    claim(state, four, NOW)
    claim(state, five, NOW)
    hand_over(state, five)
    assert {name: len(letters(state, name)) for name in ("queued", "sending", "handed")} == {
        "queued": 2,
        "sending": 1,
        "handed": 1,
    }
    assert standing(state) == Standing(waiting=4, dead=1, sent=2, oldest=NOW + MINUTE)
    settle(state, four, "sent", "250", NOW)
    settle(state, five, "sent", "250", NOW)
    assert standing(state) == Standing(waiting=2, dead=1, sent=4, oldest=NOW + 3 * MINUTE)


def test_the_longest_waiting_is_due_first_and_none_before_its_time(state: State) -> None:
    put(state, ANNA, key="late", at=NOW + MINUTE)
    put(state, BERT, CARL, key="early")
    assert due(state, NOW - MINUTE) == []
    assert [one.recipient for one in due(state, NOW)] == [BERT, CARL]
    assert [one.recipient for one in due(state, NOW + MINUTE)] == [BERT, CARL, ANNA]
    claim(state, due(state, NOW)[0], NOW)
    assert [one.recipient for one in due(state, NOW)] == [CARL]


# One try


def test_a_claim_counts_the_try_and_sets_the_next(state: State) -> None:
    put(state, ANNA, BERT)
    first, second = letters(state)
    data = claim(state, first, NOW + MINUTE)
    assert data is not None
    assert [data] == [row["message"] for row in state.rows("SELECT message FROM outbox LIMIT 1")]
    assert b"X-OAF-Attempt" not in data
    assert b"To: anna@example.org" in data
    claimed, other = letters(state)
    assert (claimed.state, claimed.attempts, claimed.copies) == ("sending", 1, 0)
    assert claimed.due == ns(MINUTE + backoff(1))
    assert times(state, "tried") == [ns(MINUTE), None]
    assert other == second


def test_what_somebody_else_has_claimed_or_whose_text_is_gone_is_not_claimed(state: State) -> None:
    put(state, ANNA)
    letter = only(state)
    assert claim(state, letter, NOW) is not None
    assert claim(state, letter, NOW) is None
    assert only(state).attempts == 1
    settle(state, letter, "failed", "450", NOW)
    with state.transaction() as db:
        db.execute("UPDATE outbox SET message = NULL")
    assert claim(state, only(state), NOW) is None
    assert only(state).state == "queued"
    with state.transaction() as db:
        db.execute("DELETE FROM outbox")
    assert claim(state, letter, NOW) is None


def test_handed_over_is_noted_for_that_letter_alone(state: State) -> None:
    put(state, ANNA, BERT)
    claim(state, letters(state)[0], NOW)
    hand_over(state, letters(state)[0])
    assert [(one.state, one.copies) for one in letters(state)] == [("handed", 1), ("queued", 0)]


def test_a_second_copy_says_that_it_is_one(state: State) -> None:
    put(state, ANNA)
    tried(state, NOW, "uncertain")
    assert only(state).copies == 1
    data = claim(state, only(state), NOW)
    assert data is not None
    assert data.startswith(b"X-OAF-Attempt: 2\r\n")


def tried(state: State, now: datetime, outcome: str, reply: str = "said", *, handed: bool = True):
    """The only letter, tried, with that outcome: the state it leads to."""
    letter = only(state)
    assert claim(state, letter, now) is not None
    if handed:
        hand_over(state, letter)
    return settle(state, letter, outcome, reply, now)


def test_sent_is_the_end(state: State) -> None:
    put(state, ANNA)
    assert tried(state, NOW + MINUTE, "sent", "250 taken") == "sent"
    letter = only(state)
    assert (letter.state, letter.reply, letter.copies) == ("sent", "250 taken", 1)
    assert times(state, "ended") == [ns(MINUTE)]


def test_refused_for_good_is_dead_and_was_not_taken(state: State) -> None:
    put(state, ANNA)
    assert tried(state, NOW + MINUTE, "refused", "550 nobody") == "dead"
    letter = only(state)
    assert (letter.state, letter.reply, letter.copies) == ("dead", "550 nobody", 0)
    assert times(state, "ended") == [ns(MINUTE)]


def test_failed_waits_its_turn_and_was_not_taken(state: State) -> None:
    put(state, ANNA)
    assert tried(state, NOW, "failed", "450 later") == "queued"
    letter = only(state)
    assert (letter.state, letter.reply, letter.copies) == ("queued", "450 later", 0)
    assert letter.due == ns(backoff(1))
    assert times(state, "ended") == [None]


def test_uncertain_is_tried_once_more_and_then_given_up(state: State) -> None:
    put(state, ANNA)
    assert COPIES == 2
    assert tried(state, NOW, "uncertain", "cut") == "queued"
    assert (only(state).copies, only(state).reply) == (1, "cut")
    assert tried(state, NOW + timedelta(hours=1), "uncertain", "cut again") == "dead"
    assert (only(state).copies, only(state).reply) == (2, f"{UNCERTAIN} (cut again)")
    assert times(state, "ended") == [ns(timedelta(hours=1))]
    assert UNCERTAIN.startswith("handed to the server twice, and twice its answer was lost")


def test_a_clear_answer_to_a_second_copy_leaves_the_first_uncertain(state: State) -> None:
    put(state, ANNA)
    tried(state, NOW, "uncertain")
    assert tried(state, NOW, "failed", "450") == "queued"
    assert only(state).copies == 1
    assert tried(state, NOW, "uncertain") == "dead"


def test_what_is_not_taken_within_its_life_is_given_up(state: State) -> None:
    put(state, ANNA)
    assert tried(state, NOW + LIFE - timedelta(microseconds=1), "failed") == "queued"
    assert tried(state, NOW + LIFE, "failed", "450 later") == "dead"
    assert only(state).reply == "not taken in 5 days: 450 later"
    assert times(state, "ended") == [ns(LIFE)]


def test_the_waits_double_up_to_four_hours() -> None:
    minutes = [backoff(attempt) / MINUTE for attempt in range(9)]
    assert minutes == [5, 5, 10, 20, 40, 80, 160, 240, 240]
    assert backoff(10**9) == timedelta(hours=4)


# While nothing gets through, and afterwards


def test_what_has_waited_its_whole_life_is_given_up_while_no_mail_gets_through(
    state: State,
) -> None:
    put(state, ANNA, BERT)
    put(state, CARL, key="young", at=NOW + MINUTE)
    settle(state, letters(state)[1], "sent", "250", NOW)
    assert expire(state, "down", NOW + LIFE - timedelta(microseconds=1)) == []
    assert expire(state, "down", NOW + LIFE) == [1]
    first, second, third = letters(state)
    assert (first.state, first.reply) == ("dead", "not taken in 5 days: down")
    assert (second.state, third.state) == ("sent", "queued")
    assert times(state, "ended")[0] == ns(LIFE)


def test_the_operator_revives_what_is_dead(state: State) -> None:
    put(state, ANNA, BERT, CARL)
    one, two, three = letters(state)
    for letter in (one, two):
        claim(state, letter, NOW)
        hand_over(state, letter)
        settle(state, letter, "uncertain", "cut", NOW)
        claim(state, letter, NOW)
        hand_over(state, letter)
        settle(state, letter, "uncertain", "cut", NOW)
    with state.transaction() as db:
        db.execute("UPDATE outbox SET message = NULL WHERE id = ?", (two.id,))
    assert revive(state, [one.id, two.id, three.id, 99], NOW + LIFE) == 1
    revived = letters(state)[0]
    assert (revived.state, revived.attempts, revived.copies) == ("queued", 0, 0)
    assert (revived.queued, revived.due) == (ns(LIFE), ns(LIFE))
    assert times(state, "ended")[0] is None
    assert [one.state for one in letters(state)] == ["queued", "dead", "queued"]
    assert letters(state)[2] == three


def test_one_of_two_dead_is_revived_and_the_other_stays(state: State) -> None:
    put(state, ANNA, BERT)
    for letter in letters(state):
        settle(state, letter, "refused", "550", NOW)
    assert revive(state, [2], NOW) == 1
    assert [one.state for one in letters(state)] == ["dead", "queued"]


def test_the_text_of_what_ended_long_ago_is_dropped_and_its_row_stays(state: State) -> None:
    put(state, ANNA, BERT, CARL)
    put(state, ANNA, key="young")
    one, two, _, four = letters(state)
    settle(state, one, "sent", "250", NOW)
    settle(state, two, "refused", "550", NOW)
    settle(state, four, "sent", "250", NOW + MINUTE)
    assert forget(state, NOW) == 0
    assert forget(state, NOW + MINUTE) == 2
    assert forget(state, NOW + MINUTE) == 0
    assert [text is None for text in times(state, "message")] == [True, True, False, False]
    assert queue(state, message(), [ANNA], SETTINGS, NOW) == 0


# After a crash


def crashed(state: State, *, tries: int, handed: bool) -> None:
    """So many processes died in the middle of the only letter."""
    for number in range(tries):
        with state.transaction() as db:
            db.execute("UPDATE outbox SET state = 'queued'")
        assert claim(state, only(state), NOW + number * MINUTE) is not None
        if handed:
            hand_over(state, only(state))


def test_what_was_being_prepared_goes_back_at_once(state: State) -> None:
    put(state, ANNA)
    crashed(state, tries=2, handed=False)
    assert recover(state, NOW + 3 * MINUTE) == []
    letter = only(state)
    assert (letter.state, letter.due, letter.copies) == ("queued", ns(3 * MINUTE), 0)


def test_a_mail_that_brings_the_process_down_waits_its_turn(state: State) -> None:
    put(state, ANNA)
    crashed(state, tries=3, handed=False)
    assert recover(state, NOW + 3 * MINUTE) == []
    letter = only(state)
    assert (letter.state, letter.due) == ("queued", ns(2 * MINUTE + backoff(3)))


def test_what_was_handed_over_goes_back_once(state: State) -> None:
    put(state, ANNA)
    crashed(state, tries=1, handed=True)
    assert recover(state, NOW + MINUTE) == []
    assert (only(state).state, only(state).copies) == ("queued", 1)
    assert only(state).due == ns(MINUTE)


def test_what_was_handed_over_twice_is_not_sent_a_third_time(state: State) -> None:
    put(state, ANNA)
    crashed(state, tries=2, handed=True)
    put(state, BERT, CARL)
    settle(state, letters(state)[1], "sent", "250", NOW)
    assert recover(state, NOW + 5 * MINUTE) == [1]
    first, second, third = letters(state)
    assert (first.state, first.reply) == ("dead", UNCERTAIN)
    assert (second.state, third.state) == ("sent", "queued")
    assert third.due == ns()
    assert times(state, "ended")[0] == ns(5 * MINUTE)


# All that is due


class Server:
    """A transport that answers as it is told to, the last answer for ever."""

    def __init__(self, *answers: Exception | str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.opened = 0

    def __enter__(self) -> Server:
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.opened -= 1

    def deliver(self, recipient: str, mail: bytes, handing: Callable[[], Any]) -> str:
        assert self.opened == 1
        self.asked.append(recipient)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, (Uncertain, str)):
            handing()
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_each_answer_leads_where_it_should(state: State) -> None:
    recipients = [f"reader{number}@example.org" for number in range(5)]
    put(state, *recipients)
    server = Server("250 a", Refused("550 b"), TryLater("450 c"), Uncertain("cut d"), "250 e")
    done = flush(state, server, NOW)
    assert server.asked == recipients
    assert [(one.state, one.reply, one.copies) for one in letters(state)] == [
        ("sent", "250 a", 1),
        ("dead", "550 b", 0),
        ("queued", "450 c", 0),
        ("queued", "cut d", 1),
        ("sent", "250 e", 1),
    ]
    assert done == Flushed(2, 2, 1, 2, tuple(letters(state, "dead")), "")


def test_a_server_that_is_away_is_asked_once(state: State) -> None:
    put(state, ANNA, BERT)
    put(state, CARL, key="old", at=NOW - LIFE)
    server = Server(Unreachable("nobody there"))
    done = flush(state, server, NOW)
    assert server.asked == [CARL]
    assert (done.sent, done.failed, done.dead, done.waiting) == (0, 0, 1, 2)
    assert done.problem == "nobody there"
    assert [one.recipient for one in done.undelivered] == [CARL]
    put(state, CARL, key="older", at=NOW - LIFE)
    done = flush(state, Server(Unreachable("still nobody")), NOW + timedelta(minutes=3))
    assert (done.dead, done.waiting) == (1, 2)


def test_what_expires_while_the_server_is_away_is_told(state: State) -> None:
    put(state, ANNA, BERT, at=NOW - LIFE)
    done = flush(state, Server(Unreachable("nobody there")), NOW)
    assert (done.dead, done.waiting) == (2, 0)
    assert [one.recipient for one in done.undelivered] == [ANNA, BERT]


@pytest.mark.parametrize("trouble", [Broken("broken"), Uncertain("cut")])
def test_after_two_broken_connections_in_a_row_the_rest_waits(
    state: State, trouble: Exception
) -> None:
    put(state, *(f"reader{number}@example.org" for number in range(6)))
    server = Server(trouble, "250", trouble, trouble, "250")
    done = flush(state, server, NOW)
    assert len(server.asked) == 4
    assert (done.sent, done.failed, done.dead, done.waiting) == (1, 3, 0, 5)
    assert done.problem == str(trouble)


def test_what_a_crash_left_is_told_with_the_rest(state: State) -> None:
    put(state, ANNA)
    crashed(state, tries=2, handed=True)
    put(state, BERT)
    done = flush(state, Server("250"), NOW + MINUTE)
    assert (done.sent, done.failed, done.dead, done.waiting) == (1, 0, 1, 0)
    assert [(one.recipient, one.reply) for one in done.undelivered] == [(ANNA, UNCERTAIN)]
    assert flush(state, Server("250"), NOW + MINUTE) == Flushed()


def test_a_letter_that_is_gone_when_its_turn_comes_is_passed_over(state: State) -> None:
    put(state, ANNA, BERT)
    with state.transaction() as db:
        db.execute("UPDATE outbox SET message = NULL WHERE id = 1")
    server = Server("250")
    assert flush(state, server, NOW).sent == 1
    assert server.asked == [BERT]


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_one_sends_at_a_time(state: State) -> None:
    put(state, ANNA)
    lock = state.path.with_name(f"{state.path.name}.mail-lock")
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    server = Server("250")
    with pytest.raises(LockHeld, match="another process is sending mail"):
        flush(state, server, NOW)
    assert (server.asked, only(state).state) == ([], "queued")
    os.close(held)
    assert flush(state, server, NOW).sent == 1
    assert lock.stat().st_mode & 0o777 == 0o600
    before = descriptors()
    flush(state, server, NOW)
    assert descriptors() == before
