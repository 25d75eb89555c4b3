"""A real SMTP server for the tests, with the moods of real ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from oaflib.inform.envelope import Message
from oaflib.inform.settings import MailSettings
from oaflib.state import State

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass
class Mailbox:
    """What a real server took, and how it should behave."""

    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rcpt: dict[str, list[str]] = field(default_factory=dict)  # answers before it accepts
    data: list[str] = field(default_factory=list)
    drop_after_data: int = 0
    data_seconds: float = 0.0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answers = self.rcpt.get(address)
        if answers:
            return answers[0] if answers[0].startswith("5") else answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data:
            return self.data.pop(0)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.taken += [(recipient, mail) for recipient in envelope.rcpt_tos]
        if self.data_seconds:
            await asyncio.sleep(self.data_seconds)
        if self.drop_after_data:
            self.drop_after_data -= 1
            server.transport.abort()
        return "250 taken as 4711"


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop(no_assert=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    with serving(mailbox) as controller:
        yield controller


@pytest.fixture
def settings(server: Controller) -> MailSettings:
    return MailSettings(
        server="127.0.0.1", port=server.port, domain="example.org", timeout=2, deadline=4
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "runs" / "state.sqlite") as opened:
        yield opened


def message(key: str = "BWS_PS|day", text: str = "one alarm") -> Message:
    return Message(key, "BWS_PS", "[OAF] BWS PS: 1 NEW", text, f"<p>{text}</p>")
