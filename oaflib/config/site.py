"""``config/site.toml``: the laboratory's zone, mail server, logging systems, limits and folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from oaflib.changes import Policy
from oaflib.config.budget import OWN, USUAL, Budget
from oaflib.config.cluster import ClusterTable
from oaflib.config.document import Document
from oaflib.config.ids import fault_of_id
from oaflib.config.lines import Path as Keys
from oaflib.config.rules import (
    Clock,
    Domain,
    Notebook,
    Size,
    Url,
    Whole,
    fault_of_host,
    fault_of_sender,
    fault_of_user,
    is_here,
    parse_size,
    within,
)
from oaflib.config.strict import values_of
from oaflib.config.upkeep import DailyTable, KeepTable, PingTable
from oaflib.config.words import described, listed, near, quoted
from oaflib.errors import ConfigurationError, Problem
from oaflib.registry import sources
from oaflib.window import zone_named

_SECRET = re.compile(r"(.*[_-])?(password|passwd|pwd|passphrase|secret|token|api_?key)", re.I)
_OWN_STORE = "embedded"  # a kind of source
_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:[^/@\s]+@", re.I)


@dataclass(frozen=True)
class SourceSettings:
    """``[sources.NAME]`` of the site file: the kind, and what that kind needs.

    `options` are the other keys of the table; their paths, when relative, are meant from `root`,
    the project's folder. `budget` is the same for every kind: ``[sources.NAME.budget]``.
    """

    name: str
    kind: str
    options: dict[str, Any]
    root: Path = Path()
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True)
class MailTable:
    """``[mail]``: how mail leaves. Without a `server`, messages become files of the outbox.

    Attributes
    ----------
    security : ``starttls`` (port 587), ``tls`` (port 465) or ``plain`` (port 25). `port` 0 is
        the usual one of that security.
    user : login at the server; its password comes from the environment variable `password_env`
        or the file `password_file`, never from this file.
    ca_file : certificates to trust (PEM) instead of the system's.
    sender : ``oaf@example.org`` or ``OAF <oaf@example.org>``; empty: ``oaf@<domain>``.
    domain : a login in ``tasks.csv`` is mailed at ``login@domain``.
    operator : who hears of runs that could not be made; addresses or logins with blanks between.
    timeout, deadline : seconds to wait at each step, and for a message in all.
    lines : findings listed in a mail before it points at the page. prefix : of subjects.
    when : a mail of every report, of those that alarm, or only of those in which something changed;
        a row of the task table may say otherwise.
    group : a mail for each task, or one for each recipient and morning.
    reminders : with ``when = "changes"``, ages in days at which an ongoing alarm is mailed again.

    Raises
    ------
    ConfigurationError
        All that is wrong, each with its key.
    """

    server: str = ""
    port: int = 0
    security: Literal["plain", "starttls", "tls"] = "plain"
    user: str = ""
    password_env: str = ""
    password_file: str = ""
    ca_file: str = ""
    sender: str = ""
    domain: Domain = ""
    operator: str = ""
    reply_to: str = ""
    timeout: float = 30.0
    deadline: float = 90.0
    lines: int = 50
    prefix: str = "[OAF]"
    when: Literal["always", "alarms", "changes"] = "always"
    group: Literal["task", "morning"] = "task"
    reminders: tuple[int, ...] = (1, 3, 7, 30)

    def __post_init__(self) -> None:
        problems = [Problem("[mail]", key, fault) for key, fault in self._faults() if fault]
        if problems:
            raise ConfigurationError(problems)

    def _faults(self) -> Iterator[tuple[str, str]]:
        yield "port", within(self.port, 0, 65535)
        yield "timeout", within(self.timeout, 1, 60)
        yield "deadline", within(self.deadline, self.timeout, 600)
        for days in self.reminders:
            yield "reminders", within(days, 1, 3650)
        yield "lines", within(self.lines, 10, 200)
        if len(self.prefix) > 40 or not self.prefix.isprintable():
            yield "prefix", "must be at most 40 characters on one line"
        yield "server", fault_of_host(self.server)
        yield "sender", fault_of_sender(self.sender)
        yield "reply_to", fault_of_sender(self.reply_to)
        for word in self.operator.split():
            yield "operator", fault_of_user(word, self.domain)
        if self.server and not (self.sender or self.domain):
            yield "sender", "is missing, and there is no domain to make one of"
        yield from self._password_faults()

    def _password_faults(self) -> Iterator[tuple[str, str]]:
        given = bool(self.password_env) + bool(self.password_file)
        if given == 2:
            yield "password_file", "stands beside password_env; keep one of the two"
        if self.password_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.password_env):
            yield (
                "password_env",
                "is not the name of an environment variable; the password itself does not belong "
                "in this file",
            )
        if self.user and not given:
            yield "user", "needs a password: write password_env or password_file"
        if given and not self.user:
            yield "user", "is missing, but there is a password"
        if self.user and self.security == "plain" and not is_here(self.server):
            yield (
                "security",
                "is plain: the password would cross the network readable. Write starttls or tls",
            )


@dataclass(frozen=True)
class ExpertLimits:
    """``[limits.expert]``: what expert code may use; each as in `Limits`."""

    seconds: Whole = 600
    cell_seconds: Whole = 600
    memory: Size = "4GB"
    cpu_seconds: Whole = 900
    output: Size = "5MB"
    processes: Whole = 256
    files: Size = "1GB"

    @property
    def memory_bytes(self) -> int:
        """`memory` in bytes."""
        return parse_size(self.memory)

    @property
    def output_bytes(self) -> int:
        """`output` in bytes."""
        return parse_size(self.output)

    @property
    def file_bytes(self) -> int:
        """`files` in bytes."""
        return parse_size(self.files)


@dataclass(frozen=True)
class Limits(ExpertLimits):
    """``[limits]``: what one report may use.

    Attributes
    ----------
    seconds, cell_seconds : of the clock, for the whole run and for one cell.
    memory : address space. cpu_seconds : of processor time. output : of the notebook's outputs.
    processes : at once. files : the largest file that may be written; of expert code all of them.
    isolation : what expert code must run under: ``bwrap`` refuses it where that does not work,
        ``prlimit`` asks for no more than limits, ``best`` takes what the machine has. hide : files
        and folders it must not see, besides those that the site file names as secrets.
    expert : the limits of expert code, which runs after the standard part.
    """

    seconds: Whole = 1800
    cpu_seconds: Whole = 1800
    output: Size = "25MB"
    files: Size = "4GB"
    isolation: Literal["best", "prlimit", "bwrap"] = "best"
    hide: tuple[str, ...] = ()
    expert: ExpertLimits = ExpertLimits()


@dataclass(frozen=True)
class Paths:
    """``[paths]``: folders, relative to the project's folder or absolute."""

    runs: str = "runs"
    publish: str = "publish"
    templates: str = "notebooks/templates"
    experts: str = "notebooks/experts"

    def __post_init__(self) -> None:
        for name in ("runs", "publish", "templates", "experts"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if Path(self.runs) == Path(self.publish):
            raise ValueError("runs and publish are the same folder; what is published is public")


@dataclass(frozen=True)
class TrustedTable:
    """``[trusted]``: `notebooks` (templates, and expert code by its notebook or module) whose
    outputs may run scripts, on a page of their own.
    """

    notebooks: tuple[Notebook, ...] = ()


@dataclass(frozen=True)
class PublishTable:
    """``[publish]``: `pdf` prints every report, where Chromium is installed."""

    pdf: bool = False


@dataclass(frozen=True)
class Site:
    """What ``site.toml`` says.

    Attributes
    ----------
    url : where ``publish/`` is served, for the links in mails.
    expected_by : local time of day (``09:30``) by which the morning's reports are there.
    contact : whom the pages name for questions; empty: the operator of ``[mail]``.
    publish : how pages are published. daily, keep, ping : what is caught up, kept, and who is told.
    trusted : notebooks whose own scripts may run.
    cluster : where the runs are made, when not here.
    """

    title: str = "OAF"
    zone: Annotated[str, zone_named] = "UTC"
    machine: str = ""
    url: Url = ""
    expected_by: Clock = "09:30"
    contact: str = ""
    publish: PublishTable = PublishTable()
    mail: MailTable = MailTable()
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    limits: Limits = Limits()
    paths: Paths = Paths()
    trusted: TrustedTable = TrustedTable()
    daily: DailyTable = field(default_factory=DailyTable)
    keep: KeepTable = field(default_factory=KeepTable)
    ping: PingTable = field(default_factory=PingTable)
    cluster: ClusterTable = field(default_factory=ClusterTable)
    alarms: Policy = field(default_factory=Policy)


def read_site(document: Document, root: Path) -> Site:
    """The site that `document` says; what is wrong is noted there, and a default stands in."""
    table = dict(document.table)
    named = table.pop("sources", {})
    values, faults = values_of(Site, _without_secrets(document, table, ()))
    for path, message in faults:
        document.at(path, message)
    made = _sources(document, named, root)
    if not made and not document.problems:
        document.add("", "has no [sources.NAME]; write one for each logging system")
    site = Site(**values, sources=made)
    return replace(site, mail=_anchored(site.mail, root))


def _anchored(mail: MailTable, root: Path) -> MailTable:
    """The table with its files found from the project's folder, whatever the current one is."""
    password_file, ca_file = (
        str(root / name) if name else "" for name in (mail.password_file, mail.ca_file)
    )
    return replace(mail, password_file=password_file, ca_file=ca_file)


def _sources(document: Document, named: Any, root: Path) -> dict[str, SourceSettings]:
    if not isinstance(named, dict):
        document.at(("sources",), f"must be tables [sources.NAME], not {described(named)}")
        return {}
    made = {}
    for name, table in named.items():
        path = ("sources", name)
        if fault := fault_of_id(name, "a source"):
            document.at(path, fault)
        elif not isinstance(table, dict):
            document.at(path, f"must be a table [sources.{name}], not {described(table)}")
        else:
            kind = table.get("kind")
            _check_kind(document, path, kind)
            options = {key: value for key, value in table.items() if key not in ("kind", "budget")}
            options = _without_secrets(document, options, path)
            usual = OWN if kind == _OWN_STORE else USUAL
            budget = _budget(document, path, table.get("budget", {}), usual)
            made[name] = SourceSettings(name, str(kind), options, root, budget)
    return made


def _budget(document: Document, path: Keys, table: Any, usual: Budget) -> Budget:
    if not isinstance(table, dict):
        document.at((*path, "budget"), f"must be a table, not {described(table)}")
        return usual
    values, faults = values_of(Budget, table)
    for place, message in faults:
        document.at((*path, "budget", *place), message)
    return replace(usual, **values)


def _check_kind(document: Document, path: Keys, kind: Any) -> None:
    known = sources.names()
    if kind is None:
        document.at(path, f"'kind' is missing. Allowed: {listed(known)}")
    elif not isinstance(kind, str):
        document.at((*path, "kind"), f"must be a text in quotes, not {described(kind)}")
    elif kind not in known:
        message = (
            f"no source is of kind {quoted(kind)}.{near(kind, known)} Allowed: {listed(known)}"
        )
        document.at((*path, "kind"), message)


def _without_secrets(document: Document, table: dict[str, Any], path: Keys) -> dict[str, Any]:
    """`table` without what looks like a secret, which is refused: the file is shared."""
    kept = {}
    for key, value in table.items():
        if _SECRET.fullmatch(key) and isinstance(value, (str, int)):
            document.at(
                (*path, key),
                f"a secret does not belong in this file. Write {key}_env, the name of an "
                f"environment variable, or {key}_file, the path of a file that only OAF reads",
            )
        elif isinstance(value, str) and _IN_URL.search(value):
            document.at(
                (*path, key),
                "holds a password in its address, and this file is shared. Write the address "
                "without it, and password_env or password_file",
            )
        elif isinstance(value, dict):
            kept[key] = _without_secrets(document, value, (*path, key))
        else:
            kept[key] = value
    return kept


def faults_of_source(settings: SourceSettings) -> list[str]:
    """What a source says against its options; it is made, which loads it, but never entered."""
    try:
        sources.load(settings.kind)(settings)
    except ConfigurationError as error:
        return [problem.message for problem in error.problems]
    except (ValueError, TypeError, KeyError) as error:
        return [f"cannot be used: {type(error).__name__}: {error}"]
    return []
