"""``oaf watch``: until a signal says to stop."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event

from oaflib.changes import Changes
from oaflib.cli.commands import assignment_of, flush_mails, now, say
from oaflib.config.project import Project, find_root, load_site_only
from oaflib.config.rules import fault_of_user
from oaflib.daily.telling import base_of, settings_of
from oaflib.errors import ConfigurationError
from oaflib.inform.compose import compose
from oaflib.inform.outbox import queue
from oaflib.inform.recipients import addresses
from oaflib.inform.sheet import Links
from oaflib.online.span import Span
from oaflib.online.watch import Watch, Watcher
from oaflib.publish import site_of
from oaflib.sources.open import serving
from oaflib.state import State
from oaflib.window import Window

_SHORTEST = timedelta(seconds=1)
_USUAL = timedelta(minutes=15)


def watch(given: Namespace) -> int:
    """Look at a dataset again and again; 0 when its report stands at the end."""
    project = load_site_only(find_root(given.root))
    assignment = replace(assignment_of(given, project), name="")
    project.dataset(assignment.dataset)
    if given.every < _SHORTEST:
        raise ConfigurationError("--every is too short; at least 1s")
    began = now()
    if given.begin and given.begin > began:
        raise ConfigurationError("--from lies in the future")
    wanted = Watch(
        assignment=assignment,
        span=Span(given.begin or began, None if given.begin else given.last or _USUAL),
        every=given.every,
        until=given.until or (began + given.during if given.during else None),
        name=given.name,
        mail_every=given.mail_every,
    )
    post = _post(project, given.mail) if given.mail else None
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    page = project.publish / "ONLINE" / assignment.dataset / "index.html"
    say(f"Watching {assignment.dataset}, {wanted.span}; the page is {page}. Ctrl-C ends it.")
    watcher = Watcher(project, site_of(project), wanted, now, _line, post)
    with serving(project, [assignment.source]):  # what looks share is started once
        folder = watcher.go(stop)
    if folder is None:
        say("Not a single look came to an end, so there is no report.")
        return 1
    say(f"The report of the whole watch is {folder / 'index.html'}")
    return 0


def _line(text: str) -> None:
    import sys

    say(text)
    sys.stdout.flush()


def _post(project: Project, users: str) -> Callable[[Changes, Window], None]:
    """What mails new alarms to `users`, through the outbox."""
    settings = settings_of(project)
    for user in users.split():
        if fault := fault_of_user(user, settings.domain):
            raise ConfigurationError(f"--mail: {fault}")
    recipients = addresses(users, settings.domain)
    base = base_of(project).rstrip("/")

    def post(changes: Changes, window: Window) -> None:
        page = f"{base}/ONLINE/{changes.report.id}/index.html"
        message = compose(changes, Links.of_repository(base, page), settings)
        message = replace(message, key=f"online|{message.key}|{window.key}")
        with State(project.runs / "state.sqlite") as state:
            with state.transaction():
                queue(state, message, recipients, settings, now())
            flush_mails(project, state)

    return post
