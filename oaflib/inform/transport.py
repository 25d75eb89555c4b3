"""Ways out: an SMTP server, or a folder of ``.eml`` files. The only door to SMTP."""

from __future__ import annotations

import contextlib
import os
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from email import message_from_bytes
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from oaflib.config.veil import Veil
from oaflib.errors import ConfigurationError, DeliveryError, Problem
from oaflib.folders import make, sync
from oaflib.inform.settings import MailSettings
from oaflib.inform.texts import shown

Handing = Callable[[], None]


class Refused(DeliveryError):
    """The server will not take this mail, ever (5xx)."""


class TryLater(DeliveryError):
    """The server did not take this mail; it may another time (4xx, a broken connection)."""


class Broken(TryLater):
    """The connection broke, or the server was too slow, before the mail was handed over."""


class Unreachable(DeliveryError):
    """No mail gets through at present: server down, certificate, login or sender refused."""


class Uncertain(DeliveryError):
    """The mail was handed over whole, and no answer came."""


class Transport(Protocol):
    """A way out, open while it is used as a context manager."""

    def __enter__(self) -> Transport: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...

    def deliver(self, recipient: str, mail: bytes, handing: Handing) -> str:
        """Send one mail; what the server said.

        `handing` is called when all but the last step is done; the mail leaves only after it
        returns.

        Raises
        ------
        Refused, TryLater, Unreachable, Uncertain
        """
        ...


def transport_for(settings: MailSettings, outbox: Path) -> Transport:
    """The way out that the settings name; ``.eml`` files in `outbox` when there is no server."""
    return SmtpServer(settings) if settings.server else Folder(outbox)


class Folder:
    """Mails as ``.eml`` files, each complete the moment it has its name.

    A mail's name follows from its Message-ID: delivering it again replaces the file, so nothing is
    ever uncertain here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, recipient: str, mail: bytes, handing: Handing) -> str:  # noqa: ARG002
        """Write the mail; its file name. `handing` is not called."""
        name = file_name(recipient, mail)
        partial = self.folder / f".{name}.tmp"
        try:
            make(self.folder)
            with partial.open("wb") as file:
                file.write(mail)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.folder / name)
            sync(self.folder)
        except OSError as error:
            raise Unreachable(f"{self.folder} cannot be written to: {error.strerror}") from error
        return name


def file_name(recipient: str, mail: bytes) -> str:
    """``2026-11-23_BWS_PS_jdoe_<hash>.eml``: date, thread, reader and id of a mail."""
    head = message_from_bytes(mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=SMTP_POLICY)
    thread, _, digest = str(head["Message-ID"]).partition("@")[0].strip("<").rpartition(".")
    day = head["Date"].datetime.strftime("%Y-%m-%d")
    parts = (day, thread, recipient.partition("@")[0], digest)
    return (
        "_".join(re.sub(r"[^A-Za-z0-9_-]+", "-", part)[:40].strip("-") for part in parts) + ".eml"
    )


class SmtpServer:
    """One SMTP server; one connection for many mails, made when the first leaves."""

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings
        self._session: _Session | None = None

    def __enter__(self) -> SmtpServer:
        # What the operator must mend is said before any mail is touched.
        self.settings.password()
        if self.settings.security != "plain":
            trust(self.settings)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.hang_up(politely=kind is None)

    def deliver(self, recipient: str, mail: bytes, handing: Handing) -> str:
        """Send one mail to one recipient; the server's answer."""
        deadline = time.monotonic() + self.settings.deadline
        session = self._open(deadline)
        try:
            return session.send_one(self.settings.address, recipient, mail, handing)
        except BaseException as error:
            # After a clear answer (4xx, 5xx) the connection is still good.
            if type(error) not in (Refused, TryLater):
                self._drop()
            raise

    def _open(self, deadline: float) -> _Session:
        session = self._session
        if session is not None and session.alive(deadline):
            return session
        self._drop()
        self._session = _connect(self.settings, deadline)
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.hang_up(politely=False)


def trust(settings: MailSettings) -> ssl.SSLContext:
    """Certificates and host names are checked, against `ca_file` or the system's authorities.

    Raises
    ------
    ConfigurationError
        `ca_file` is missing or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            [Problem("[mail]", "ca_file", f"{settings.ca_file} cannot be used: {error}")]
        ) from error


def _connect(settings: MailSettings, deadline: float) -> _Session:
    """A session, secured and logged in as the settings say."""
    password = settings.password()
    context = trust(settings) if settings.security != "plain" else None
    session: _Session | None = None
    where = f"{settings.server}:{settings.actual_port}"
    try:
        session = _Session(settings, deadline, context if settings.security == "tls" else None)
        session.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            session.starttls(context=context)
            session.ehlo()
        if settings.user:
            session.login(settings.user, password)
        return session
    except smtplib.SMTPAuthenticationError as error:
        reason = f"{where} refused the login of {settings.user}: {_said(error)}"
    except smtplib.SMTPNotSupportedError as error:
        reason = f"{where} does not offer what [mail] asks for: {error}"
    except ssl.SSLCertVerificationError as error:
        reason = (
            f"the certificate of {where} is not trusted ({error.verify_message}); is ca_file right?"
        )
    except ssl.SSLError as error:
        reason = f"no secure connection to {where} ({error.reason or error}); is security right?"
    except socket.gaierror as error:
        reason = f"{settings.server} is not known ({error.strerror}); is the name right?"
    except TimeoutError:
        reason = f"{where} did not answer in {settings.timeout:g} s"
    except smtplib.SMTPResponseException as error:
        reason = f"{where} refused the connection: {_said(error)}"
    except (smtplib.SMTPException, OSError) as error:
        reason = f"{where} cannot be reached: {error}"
    if session is not None:
        session.hang_up(politely=False)
    raise Unreachable(shown(Veil([password]).hidden(reason)))  # a server may say it back


class _Session(smtplib.SMTP):
    """An SMTP connection that never outlasts its deadline (``time.monotonic``)."""

    def __init__(self, settings: MailSettings, deadline: float, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._deadline = deadline
        self._tls = tls
        # Asking the network for one's own name can take half a minute.
        own = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "localhost"
        super().__init__(
            settings.server, settings.actual_port, local_hostname=own, timeout=settings.timeout
        )

    def alive(self, deadline: float) -> bool:
        """Whether the server still listens; from now on with a new deadline."""
        self._deadline = deadline
        try:
            return self.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def hang_up(self, *, politely: bool) -> None:
        """Close the connection, with a QUIT when there is time for it."""
        if politely:
            self._deadline = time.monotonic() + 5
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.quit()
        with contextlib.suppress(OSError):
            self.close()

    def send_one(self, sender: str, recipient: str, mail: bytes, handing: Handing) -> str:
        """One mail to one recipient, step by step, so that each failure is known for what it is."""
        try:
            self._step_mail(sender, len(mail))
            self._step(self.rcpt(recipient), (250, 251), f"<{recipient}>")
            self._step(self.docmd("DATA"), (354,), "the mail")
            body = re.sub(rb"(?m)^\.", b"..", mail)
            self.send(body if body.endswith(b"\r\n") else body + b"\r\n")
        except (smtplib.SMTPException, OSError) as error:
            raise Broken(f"the connection broke or was too slow: {shown(error)}") from error
        handing()
        try:
            self.send(b".\r\n")
            code, said = self.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise Uncertain(f"no answer after the mail was sent: {shown(error)}") from error
        self._step((code, said), (250,), "the mail")
        return f"{code} {shown(said.decode('utf-8', 'replace'))}"

    def _step_mail(self, sender: str, size: int) -> None:
        options = [f"size={size}"] if self.does_esmtp and self.has_extn("size") else []
        answer = self.mail(sender, options)
        if 500 <= answer[0] < 600 and answer[0] not in (552, 554):
            raise Unreachable(f"the sender {sender} is refused: {_words(answer)}")
        self._step(answer, (250,), "the mail")

    def _step(self, answer: tuple[int, bytes], good: tuple[int, ...], what: str) -> None:
        code = answer[0]
        if code in good:
            return
        if code == 421 or code < 0:
            raise Broken(f"the server hangs up: {_words(answer)}")
        if 500 <= code < 600:
            raise Refused(f"{what} is refused: {_words(answer)}")
        raise TryLater(f"{what} is not taken now: {_words(answer)}")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        if self._tls is None:
            return plain
        plain.settimeout(self._left())
        return self._tls.wrap_socket(plain, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer, within the deadline however slowly it dribbles."""
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock, self._left)
        return super().getreply()

    def send(self, s: Any) -> None:
        """Bytes or text to the server, in pieces, within the deadline."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("please run connect() first")
        data = s.encode("ascii") if isinstance(s, str) else bytes(s)
        for start in range(0, len(data), 16_384):
            self.sock.settimeout(self._left())
            self.sock.sendall(data[start : start + 16_384])

    def _left(self) -> float:
        """Seconds one step may take from now."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the mail took more than {self._settings.deadline:g} s")
        return min(left, self._settings.timeout)


class _Replies:
    """The lines a server sends, each read within what is left of the deadline."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._left = left
        self._held = b""

    def readline(self, limit: int) -> bytes:
        """One line with its end, at most `limit` bytes; empty when the server has hung up."""
        while b"\n" not in self._held and len(self._held) < limit:
            self._sock.settimeout(self._left())
            piece = self._sock.recv(4096)
            if not piece:
                break
            self._held += piece
        end = self._held.find(b"\n")
        size = limit if end < 0 else min(end + 1, limit)
        line, self._held = self._held[:size], self._held[size:]
        return line

    def close(self) -> None:
        """Nothing of its own to close."""


def _said(error: smtplib.SMTPResponseException) -> str:
    message = error.smtp_error
    return _words((error.smtp_code, message if isinstance(message, bytes) else message.encode()))


def _words(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {shown(answer[1].decode('utf-8', 'replace'))}"
