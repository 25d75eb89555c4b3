"""What the site file says of an Archiver Appliance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from oaflib.sources.archiver.door import Access
from oaflib.sources.base import SourceSettings
from oaflib.sources.options import fault_of_address, fault_of_passwords, password
from oaflib.sources.patience import Patience


@dataclass(frozen=True)
class ArchiverOptions:
    """``[sources.NAME]`` with ``kind = "archiver"``.

    Attributes
    ----------
    url : the retrieval base: ``http://host:17668/retrieval``.
    format : ``raw`` (the binary protocol) or ``json``.
    invalid : a sample of severity INVALID is ``nan``, or ``keep`` its value; counted either way.
    timeout : seconds without a byte before a request is given up; deadline : seconds for one in
        all. attempts : of a request that may yet succeed; pause : seconds before the second.
    hours : the longest span one request asks for. parallel : requests at once, when names are
        looked up. batch : scalar PVs in one request.
    ca_file : certificates to trust (PEM) instead of the system's.
    user : a login (HTTP Basic), with `password_env` or `password_file`.
    """

    url: str
    format: Literal["raw", "json"] = "raw"
    invalid: Literal["nan", "keep"] = "nan"
    timeout: float = 30.0
    deadline: float = 900.0
    attempts: int = 4
    pause: float = 0.5
    hours: float = 25.0
    parallel: int = 4
    batch: int = 20
    ca_file: str = ""
    user: str = ""
    password_env: str = ""
    password_file: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url must be as http://host:17668/retrieval")
        if fault := fault_of_address(self.url):
            raise ValueError(fault)
        if parts.query or parts.fragment:
            raise ValueError("url has more than a path; write http://host:17668/retrieval")
        for name in ("timeout", "deadline", "attempts", "hours", "parallel", "batch"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0")
        if self.pause < 0:
            raise ValueError("pause cannot be less than 0")
        if fault := fault_of_passwords(self.password_env, self.password_file):
            raise ValueError(fault)
        if bool(self.user) != bool(self.password_env or self.password_file):
            raise ValueError("user and its password (password_env or password_file) go together")
        if self.user and parts.scheme != "https" and parts.hostname not in _HERE:
            raise ValueError("url is http: the password would cross the network readable")

    def access(self, settings: SourceSettings) -> Access:
        """How the appliance is reached; reads the password."""
        secret = password(settings, self.password_env, self.password_file)
        return Access(
            self.url.rstrip("/"),
            self.timeout,
            self.deadline,
            Patience(self.attempts, self.pause),
            str(settings.root / self.ca_file) if self.ca_file else None,
            (self.user, secret) if self.user else None,
        )


_HERE = ("localhost", "127.0.0.1", "::1")
