"""How mail leaves: the ``[mail]`` table of ``site.toml``, checked."""

from __future__ import annotations

import ipaddress
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from oaflib.errors import ConfigurationError, Problem
from oaflib.inform.recipients import DOMAIN, is_address

Security = Literal["plain", "starttls", "tls"]
_PORTS = {"plain": 25, "starttls": 587, "tls": 465}


@dataclass(frozen=True)
class MailSettings:
    """Where mail goes out, as whom, and how patiently.

    Attributes
    ----------
    server : the SMTP server; empty: messages become ``.eml`` files in the outbox folder.
    port : 0 for the usual one: 25 plain, 587 starttls, 465 tls.
    user : login; the password comes from the environment variable `password_env`, or from
        `password_file`, which only its owner may read. Never from the configuration.
    ca_file : certificates to trust (PEM) instead of the system's.
    sender : ``oaf@example.org`` or ``OAF <oaf@example.org>``; empty: ``oaf@<domain>``.
    domain : a login in tasks.csv is mailed at ``login@domain``.
    operator : addresses or logins, separated by blanks, told of failed reports and dead mails.
    timeout : seconds to wait for the server, at each step; at most 60.
    deadline : seconds a message may take in all.
    lines : lines of findings in a mail, beyond which it says how many more are on the page.
    prefix : what subjects begin with.

    Raises
    ------
    ConfigurationError
        All that is wrong, in one go.
    """

    server: str = ""
    port: int = 0
    security: Security = "plain"
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    sender: str = ""
    domain: str = ""
    operator: str = ""
    reply_to: str = ""
    timeout: float = 30.0
    deadline: float = 90.0
    lines: int = 50
    prefix: str = "[OAF]"

    def __post_init__(self) -> None:
        problems = [Problem("[mail]", key, message) for key, message in self._faults()]
        if problems:
            raise ConfigurationError(problems)

    def _faults(self) -> list[tuple[str, str]]:
        faults: list[tuple[str, str]] = []

        def need(held: bool, key: str, message: str) -> None:
            if not held:
                faults.append((key, message))

        known = self.security in _PORTS
        need(known, "security", f"is {self.security!r}; allowed: plain, starttls, tls")
        need(0 <= self.port <= 65535, "port", f"is {self.port}; allowed: 1 to 65535, 0 for usual")
        need(0 < self.timeout <= 60, "timeout", f"is {self.timeout} s; allowed: more than 0 to 60")
        need(
            self.timeout <= self.deadline <= 600,
            "deadline",
            f"is {self.deadline} s; allowed: timeout ({self.timeout:g}) to 600",
        )
        need(10 <= self.lines <= 200, "lines", f"is {self.lines}; allowed: 10 to 200")
        need(
            self.prefix.isprintable() and len(self.prefix) <= 40,
            "prefix",
            "must be at most 40 printable characters",
        )
        need(
            not self.server or DOMAIN.fullmatch(self.server) is not None or _is_ip(self.server),
            "server",
            f"is {self.server!r}, not the name or address of a host (the port has its own key)",
        )
        need(
            not self.domain or DOMAIN.fullmatch(self.domain) is not None,
            "domain",
            f"is {self.domain!r}, not a mail domain such as example.org",
        )
        for key, text in (("sender", self.sender), ("reply_to", self.reply_to)):
            need(
                not text
                or (text.isprintable() and "=?" not in text and is_address(parseaddr(text)[1])),
                key,
                f"is {text!r}; allowed: oaf@example.org or OAF <oaf@example.org>",
            )
        if self.server:
            need(bool(self.sender or self.domain), "sender", "is missing, and there is no domain")
        passwords = bool(self.password_env) + bool(self.password_file)
        need(passwords < 2, "password_file", "and password_env are both given; keep one")
        need(
            not self.user or passwords > 0,
            "user",
            "needs a password: name its environment variable in password_env or its file in "
            "password_file",
        )
        need(bool(self.user) or not passwords, "user", "is missing, but there is a password")
        need(
            not self.user or self.security != "plain" or _is_loopback(self.server),
            "security",
            "is plain: the password would cross the network readable; use starttls or tls",
        )
        return faults

    @property
    def address(self) -> str:
        """The bare address mail comes from."""
        return parseaddr(self.sender)[1] if self.sender else f"oaf@{self.domain or 'localhost'}"

    @property
    def name(self) -> str:
        """The name mail comes from."""
        return (parseaddr(self.sender)[0] if self.sender else "") or "OAF"

    @property
    def host(self) -> str:
        """The domain of message ids and list ids."""
        return self.address.rpartition("@")[2]

    @property
    def actual_port(self) -> int:
        """The port, the usual one when none was given."""
        return self.port or _PORTS[self.security]

    def password(self, environment: Mapping[str, str] | None = None) -> str:
        """The password, read now; kept nowhere. Empty when there is no `user`.

        Raises
        ------
        ConfigurationError
            The variable is not set; the file is missing, empty, somebody else's, or readable by
            others than its owner.
        """
        if not self.user:
            return ""
        if self.password_env:
            found = (os.environ if environment is None else environment).get(self.password_env, "")
            if not found:
                raise _refusal(
                    "password_env",
                    f"the environment variable {self.password_env} is not set or empty",
                )
            return found
        return _secret(Path(self.password_file))


def _secret(path: Path) -> str:
    """The first line of a file that only its owner can read."""
    try:
        with path.open("rb") as file:
            # Of the open file, so that nobody can swap it between look and read.
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refusal("password_file", f"{path} is not an ordinary file")
            if status.st_mode & 0o077:
                raise _refusal(
                    "password_file",
                    f"{path} can be read by others (its rights are "
                    f"{stat.S_IMODE(status.st_mode):04o}); do: chmod 600 {path}",
                )
            if status.st_uid not in (os.geteuid(), 0):
                raise _refusal(
                    "password_file", f"{path} belongs to another user (uid {status.st_uid})"
                )
            content = file.read(4096)
    except OSError as error:
        raise _refusal("password_file", f"{path} cannot be read: {error.strerror}") from error
    try:
        secret = content.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise _refusal("password_file", f"{path} is not UTF-8 text") from None
    if not secret or "\n" in secret:
        raise _refusal("password_file", f"{path} must hold the password, on one line")
    return secret


def _refusal(key: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem("[mail]", key, message)])


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(server: str) -> bool:
    """Whether the server is this very machine, so that a password stays within."""
    if server in ("", "localhost"):
        return True
    return _is_ip(server) and ipaddress.ip_address(server).is_loopback
