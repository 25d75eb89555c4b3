"""A message and its envelope: headers that cannot be forged, ids that are the same twice."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import parseaddr

from oaflib.inform.recipients import is_address
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Picture
from oaflib.inform.texts import shown

SUBJECT = 120  # characters
LIMIT = 256 * 1024  # bytes of a whole message


class _Whole(EmailPolicy):
    """Writes plain short headers on one line.

    Folding them the library encodes long ids, which no reader then knows, and leaves some subjects
    an empty first line. The other headers are folded and encoded as usual.
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        """The header as bytes, with its line end."""
        if _WHOLE.fullmatch(name) and value.isascii() and value.isprintable():
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_WHOLE = re.compile(r"(?i)subject|message-id|in-reply-to|references|list-id|x-oaf-.+")
_POLICY = _Whole(linesep="\r\n")


@dataclass(frozen=True)
class Message:
    """What to say, before it is said to anybody.

    `key` names what it is about (a run, a morning): the same key and recipient give the same
    Message-ID, and are sent once. `thread` is the dataset's, so that its mails stay together.
    `pictures` are those that `html` shows, by content id. `tags` become ``X-OAF-…`` headers for
    readers' filters.
    """

    key: str
    thread: str
    subject: str
    text: str
    html: str
    pictures: tuple[tuple[str, Picture], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.key or not self.thread:
            raise ValueError("a message needs a key and a thread")
        object.__setattr__(self, "subject", header_text(self.subject, SUBJECT))


def header_text(text: str, limit: int) -> str:
    """A text that a header can hold as it is.

    What looks like an encoded word (``=?utf-8?q?=0D=0A?=``) would be decoded on assignment, line
    ends and all, and so become a header of its own; it is taken apart.
    """
    return shown(shown(text, limit).replace("=?", "= ?"), limit)


def message_id(key: str, recipient: str, host: str, thread: str = "") -> str:
    """``<thread.hash@host>``: always the same for one key and recipient."""
    return f"<{_slug(thread or 'oaf', 20)}.{digest_of(key, recipient)}@{host}>"


def digest_of(key: str, recipient: str) -> str:
    """24 hexadecimal digits that stand for a message and its reader."""
    text = f"{key}\0{recipient.lower()}".encode(errors="backslashreplace")
    return hashlib.sha256(text).hexdigest()[:24]


def thread_id(thread: str, host: str) -> str:
    """The id that all mails of a thread refer to; no mail has it."""
    digest = hashlib.sha256(thread.encode(errors="backslashreplace")).hexdigest()
    return f"<{_slug(thread, 20)}.{digest[:12]}.thread@{host}>"


def envelope(
    message: Message, recipient: str, settings: MailSettings, date: datetime
) -> EmailMessage:
    """The message to one recipient, ready to be sent.

    Raises
    ------
    ValueError
        A `date` without a zone, or a `recipient` that is no address.
    """
    if not is_address(recipient):
        raise ValueError(f"{recipient!r} is not a mail address")
    if date.tzinfo is None:
        raise ValueError(f"the date {date} of a mail has no time zone")
    host = settings.host
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(settings.name, addr_spec=settings.address)
    mail["To"] = Address(addr_spec=recipient)
    if settings.reply_to:
        name, address = parseaddr(settings.reply_to)
        mail["Reply-To"] = Address(name, addr_spec=address)
    mail["Subject"] = message.subject
    mail["Date"] = date
    mail["Message-ID"] = message_id(message.key, recipient, host, message.thread)
    reference = thread_id(message.thread, host)
    mail["In-Reply-To"] = reference
    mail["References"] = reference
    mail["List-Id"] = f"OAF {_slug(message.thread)} <{_slug(message.thread)}.oaf.{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    for name, value in message.tags:
        mail[f"X-OAF-{_slug(name)}"] = _ascii(value)
    mail.set_content(message.text, cte=_encoding(message.text))
    mail.add_alternative(message.html, subtype="html", cte=_encoding(message.html))
    # The same mail is the same bytes, also made again.
    mail.set_boundary(f"oaf-{digest_of(message.key, recipient)}")
    if message.pictures:
        html = mail.get_payload()[1]  # type: ignore[index]
        for cid, picture in message.pictures:
            html.add_related(  # type: ignore[union-attr]
                picture.data,
                "image",
                picture.subtype,
                cid=f"<{cid}>",
                disposition="inline",
                filename=f"{cid.partition('@')[0]}.{picture.subtype}",
            )
        html.set_boundary(f"oaf-related-{digest_of(message.key, recipient)}")  # type: ignore[union-attr]
    return mail


def wire(mail: EmailMessage) -> bytes:
    """The bytes of a mail as SMTP carries them: ASCII, CRLF."""
    return mail.as_bytes(policy=_POLICY)


def _slug(text: str, limit: int = 32) -> str:
    """Letters, digits, ``-`` and ``_`` of a text, safe within an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:limit].strip("-") or "oaf"


def _ascii(text: str) -> str:
    plain = header_text(text, 60).encode("ascii", "backslashreplace").decode("ascii")
    return plain[:60].strip() or "-"


def _encoding(text: str) -> str:
    """Readable on the wire where that is not the longer way."""
    foreign = len(text.encode("utf-8", "backslashreplace")) - len(text)
    return "base64" if foreign * 12 > len(text) else "quoted-printable"
