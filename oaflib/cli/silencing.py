"""``oaf silence`` and ``oaf acknowledge``: say of alarms that somebody knows of them."""

from __future__ import annotations

import getpass
from argparse import Namespace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from oaflib import silences
from oaflib.cli.commands import now, say
from oaflib.config.project import Project, find_root, load_site_only
from oaflib.errors import ConfigurationError
from oaflib.silences import Silence


def silence(given: Namespace) -> int:
    """Write a silence into the project's file, or list what is there."""
    project = load_site_only(find_root(given.root))
    if given.list:
        if given.device or given.until:
            raise ConfigurationError("--list goes alone: it says what is silenced")
        return _listed(project)
    absent = [
        name
        for name, value in (
            ("DEVICE", given.device),
            ("--until DAY", given.until),
            ("--reason TEXT", given.reason),
        )
        if not value
    ]
    if absent:
        raise ConfigurationError(f"a silence needs {', '.join(absent)} (or --list)")
    # The report in hand this morning is yesterday's: made again, it is silenced too.
    begin = given.begin or _today(project) - timedelta(days=1)
    return _add(project, given, begin, given.until)


def acknowledge(given: Namespace) -> int:
    """Write down that somebody knows of an alarm, until it clears."""
    project = load_site_only(find_root(given.root))
    return _add(project, given, _today(project), None)


def _add(project: Project, given: Namespace, begin: date, until: date | None) -> int:
    made = Silence(
        given.device.strip(),
        given.check.strip(),
        begin,
        until,
        given.reason.strip(),
        (given.author or _login()).strip(),
    )
    silences.add(project.root / silences.FILE, made)
    say(f"{_named(made)}: {made}", f"Written into {silences.FILE}; the next report heeds it.")
    return 0


def _listed(project: Project) -> int:
    """The silences that hold, then those to come or ended."""
    known = silences.read(project.root / silences.FILE)
    if not known:
        say("Nothing is silenced.")
    today = _today(project)
    for entry in known:
        if entry.until is not None and entry.until < today:
            word = "ended"
        else:
            word = "to come" if entry.since > today else "holds"
        say(f"{word:8} {_named(entry)}: {entry} (from {entry.since})")
    return 0


def _named(entry: Silence) -> str:
    return f"{entry.device}, check {entry.check}" if entry.check else entry.device


def _today(project: Project) -> date:
    return now().astimezone(ZoneInfo(project.site.zone)).date()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user the system has no name for
        raise ConfigurationError("who are you? say it with --author NAME") from None
