"""A mail to the operator that needs no database and no disk: for when those are what is broken."""

from __future__ import annotations

import hashlib
import html
import sys
from collections.abc import Sequence
from datetime import datetime

from oaflib.errors import ConfigurationError, DeliveryError
from oaflib.inform.envelope import Message, envelope, wire
from oaflib.inform.recipients import addresses
from oaflib.inform.settings import MailSettings
from oaflib.inform.texts import shown
from oaflib.inform.transport import SmtpServer


def tell(settings: MailSettings, subject: str, lines: Sequence[str], now: datetime) -> str:
    """Send `lines` to the operator at once; nothing when all was taken, else a sentence.

    Not through the outbox: it is sent again whenever it is told again.
    """
    operators = addresses(settings.operator, settings.domain)
    if not operators:
        return "there is no [mail] operator to tell"
    if not settings.server:
        return "there is no [mail] server to tell the operator by"
    said = [shown(line, 1000) for line in lines]
    text = "\n".join(said) + "\n"
    digest = hashlib.sha256(f"{text}{now.isoformat()}".encode()).hexdigest()[:16]
    message = Message(
        key=f"direct|{digest}",
        thread="operator",
        subject=f"{settings.prefix} operator: {subject}".strip(),
        text=text,
        html="<!doctype html><html><body>"
        + "".join(f"<p>{html.escape(line)}</p>" for line in said)
        + "</body></html>",
        tags=(("Dataset", "operator"),),
    )
    failures = []
    try:
        with SmtpServer(settings) as server:
            for operator in operators:
                try:
                    mail = wire(envelope(message, operator, settings, now))
                    server.deliver(operator, mail, lambda: None)
                except DeliveryError as error:
                    failures.append(f"{operator}: {error}")
    except (DeliveryError, ConfigurationError) as error:
        failures.append(str(error))
    return f"the operator could not be told: {'; '.join(failures)}" if failures else ""


def say_or_mail(settings: MailSettings, subject: str, lines: Sequence[str], now: datetime) -> None:
    """`tell`, and on standard error what cannot be told: cron mails that, by its own ways."""
    problem = tell(settings, subject, lines, now)
    if problem:
        sys.stderr.write(f"oaf: {problem}\n")
