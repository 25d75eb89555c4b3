"""Who hears of a report, and with which links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from oaflib.changes import Changes
from oaflib.config.project import Project
from oaflib.config.tasks import Task
from oaflib.inform.compose import compose, failed
from oaflib.inform.outbox import queue
from oaflib.inform.recipients import addresses
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Links
from oaflib.state import State


@dataclass(frozen=True)
class Teller:
    """Queues the mails of a report.

    Attributes
    ----------
    base : address of the repository: the site's URL, else its folder as ``file://``.
    silent : tell nobody.
    """

    state: State
    settings: MailSettings
    base: str
    now: Callable[[], datetime]
    when: str = "always"
    silent: bool = False

    def report(self, task: Task, changes: Changes, attempt: int) -> None:
        """One mail a recipient of the task, and one to the operator when the report failed.

        To be called within the transaction that says the report is done.
        """
        if self.silent:
            return
        report = changes.report
        domain = self.settings.domain
        told = addresses(task.user_id, domain) if task.email and self._worth(changes) else ()
        if failed(report):
            told = (*told, *addresses(self.settings.operator, domain))
        if not told:
            return
        links = Links.under(self.base, report.instrument, report.dataset, report.window.label)
        message = compose(changes, links, self.settings)
        if attempt > 1:  # the report of a second try is another mail, not a second copy
            message = replace(message, key=f"{message.key}|{attempt}")
        queue(self.state, message, tuple(dict.fromkeys(told)), self.settings, self.now())

    def _worth(self, changes: Changes) -> bool:
        counts = changes.counts
        if self.when == "alarms":
            return changes.report.severity.alarming or bool(counts["cleared"])
        if self.when == "changes":
            return bool(counts["new"] or counts["cleared"])
        return True


def settings_of(project: Project) -> MailSettings:
    """The mail settings of the site file; relative files are meant from the project's folder."""
    table = project.site.mail
    known = {entry.name for entry in fields(MailSettings)}
    values = {name: value for name, value in vars(table).items() if name in known}
    for name in ("password_file", "ca_file"):
        if values[name] and not Path(values[name]).is_absolute():
            values[name] = str(project.root / values[name])
    return MailSettings(**values)


def base_of(project: Project) -> str:
    """Where the repository is read: the site's URL, else its folder."""
    return project.site.url or project.publish.absolute().as_uri()
