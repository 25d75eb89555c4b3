"""Who hears of a report and of the morning, and with which links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from oaflib.changes import Changes
from oaflib.config.project import Project
from oaflib.config.tasks import Task
from oaflib.inform import digest as digests
from oaflib.inform.compose import compose, failed
from oaflib.inform.digest import Part
from oaflib.inform.envelope import Message
from oaflib.inform.outbox import Letter, letters, queue, standing
from oaflib.inform.recipients import addresses
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Links, Picture
from oaflib.provenance import silent_source
from oaflib.report import Change, Report
from oaflib.state import State
from oaflib.window import moment, nanoseconds

_LATELY = timedelta(days=7)  # how long the operator is told of a mail that could not be delivered

Pictures = Callable[[], Sequence[Picture]]


@dataclass(frozen=True)
class Rules:
    """The site's ``[mail]`` policy: `group`, `when` and `reminders` as in the configuration.

    `silent` tells nobody.
    """

    group: str = "task"
    when: str = "always"
    reminders: tuple[int, ...] = (1, 3, 7, 30)
    silent: bool = False


@dataclass(frozen=True)
class More:
    """What else the operator should know: `problems` to mend, and `notes`."""

    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Owed:
    """Reports of earlier days that are yet to tell, and under which keys the state remembers it.

    `today` are those of this morning; None: all it tells.
    """

    label: str = ""
    told: Sequence[tuple[Task, Changes]] = ()
    keys: Sequence[str] = ()
    today: Sequence[tuple[Task, Changes]] | None = None


NOTHING = More()
NO_DEBT = Owed()


@dataclass(frozen=True)
class Told:
    """A message and whom it is for."""

    message: Message
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Teller:
    """Queues the mails of a report and of the morning.

    `base` is the address of the repository: the site's URL, else its folder as ``file://``.
    """

    state: State
    settings: MailSettings
    base: str
    now: Callable[[], datetime]
    rules: Rules = Rules()

    def post(self, mails: Sequence[Told]) -> None:
        """Queue them; within the transaction that says the report is done."""
        for mail in mails:
            queue(self.state, mail.message, mail.recipients, self.settings, self.now())

    def morning(
        self,
        label: str,
        told: Sequence[tuple[Task, Changes]],
        *,
        whole: bool,
        more: More = NOTHING,
        owed: Owed = NO_DEBT,
    ) -> None:
        """Queue what `of_morning` says; again after a kill queues nothing twice.

        Where mails are grouped by morning, what is `owed` of days caught up is in the same mail.
        """
        if self.rules.silent:
            return
        with self.state.transaction():
            self.post(self.of_morning(label, told, whole=whole, more=more, owed=owed))
            for key in owed.keys:
                self.state.keep(key, None)

    def of_report(
        self, task: Task, changes: Changes, attempt: int = 1, pictures: Pictures = tuple
    ) -> list[Told]:
        """One mail to the recipients of the task, and to the operator when the report failed.

        Where mails are grouped by morning, only the operator hears of it now; of a source that did
        not answer nobody does.
        """
        report = changes.report
        domain = self.settings.domain
        told: tuple[str, ...] = ()
        if self.rules.silent or silent_source(report):  # the morning's mail says it once
            return []
        if self.rules.group == "task" and self.worth(task, changes):
            told = addresses(task.user_id, domain)
        if failed(report):
            told = (*told, *addresses(self.settings.operator, domain))
        if not told:
            return []
        links = Links.under(self.base, report.instrument, report.dataset, report.window.label)
        shown = pictures() if changes.marked(Change.NEW) else ()
        message = compose(changes, links, self.settings, shown)
        if attempt > 1:  # the report of a second try is another mail, not a second copy
            message = replace(message, key=f"{message.key}|{attempt}")
        return [Told(message, tuple(dict.fromkeys(told)))]

    def of_morning(
        self,
        label: str,
        told: Sequence[tuple[Task, Changes]],
        *,
        whole: bool,
        more: More = NOTHING,
        owed: Owed = NO_DEBT,
    ) -> list[Told]:
        """The digests, where mails are grouped by morning; the operator's page of a `whole` one.

        Of days that were caught up there is one digest in any case, and of sources that did not
        answer a reader hears in one, however mails are grouped.
        """
        links = Links.of_repository(self.base)
        made = []
        late = self._entries(owed.told)
        today = told if owed.today is None else owed.today
        if self.rules.group == "morning":
            both = f"{owed.label} to {label}" if late else label
            made += self._digests(both, [*late, *self._entries(today)])
        elif late:
            made += self._digests(owed.label, late, late=True)
        if self.rules.group == "task":
            silent = [pair for pair in today if silent_source(pair[1].report)]
            made += self._digests(label, self._entries(silent))
        operators = addresses(self.settings.operator, self.settings.domain)
        if whole and operators and told:
            morning = self.digest(label, told, more)
            message = digests.operator_mail(morning, links, self.settings)
            made.append(Told(message, operators))
        return made

    def _digests(
        self, label: str, entries: Sequence[tuple[tuple[str, ...], Part]], *, late: bool = False
    ) -> list[Told]:
        """One mail for each recipient."""
        links = Links.of_repository(self.base)
        return [
            Told(digests.digest(parts, label, links, self.settings, late=late), (recipient,))
            for recipient, parts in digests.by_recipient(entries).items()
        ]

    def _entries(self, told: Sequence[tuple[Task, Changes]]) -> list[tuple[tuple[str, ...], Part]]:
        return [
            (addresses(task.user_id, self.settings.domain), self.part(changes))
            for task, changes in told
            if self.worth(task, changes)
        ]

    def digest(
        self, label: str, told: Sequence[tuple[Task, Changes]], more: More = NOTHING
    ) -> digests.Morning:
        """All the morning says: its reports, and the mails that wait or could not be delivered."""
        waiting = standing(self.state)
        return digests.Morning(
            label,
            tuple(self.part(changes) for _, changes in told),
            undelivered=tuple(self._dead()),
            waiting=waiting.waiting,
            oldest=waiting.oldest,
            problems=tuple(more.problems),
            notes=tuple(more.notes),
        )

    def part(self, changes: Changes) -> Part:
        """A report in a digest, with the address of its page."""
        report = changes.report
        links = Links.under(self.base, report.instrument, report.dataset, report.window.label)
        return Part(changes, links.report)

    def defers(self, report: Report) -> bool:
        """Whether the morning's mail, and none of its own, tells of a report."""
        return self.rules.group == "morning" or bool(silent_source(report))

    def worth(self, task: Task, changes: Changes) -> bool:
        """Whether the recipients of `task` hear of it: as its row says, else as the site does."""
        if not task.email:
            return False
        when = task.when or self.rules.when
        counts = changes.counts
        if when == "always" or failed(changes.report):
            return True
        if counts["new"] or counts["cleared"] or changes.silence_ends:
            return True
        if when == "alarms":
            return len(changes.report.alarms) > len(changes.silenced)
        return self._reminds(changes)

    def _reminds(self, changes: Changes) -> bool:
        """Whether an ongoing alarm is so many calendar days old as one of `reminders` says.

        Of windows shorter than a day, the one that reaches midnight reminds.
        """
        window = changes.report.window
        zone = ZoneInfo(window.zone)
        first, end = (at.astimezone(zone).date() for at in (window.start, window.end))
        for outcome in changes.marked(Change.ONGOING):
            age = changes.ages.get(outcome.identity)
            if age is None:
                continue
            onset = moment(age.since).astimezone(zone).date()
            ages = range((first - onset).days, (end - onset).days)
            if any(days in ages for days in self.rules.reminders):
                return True
        return False

    def _dead(self) -> list[Letter]:
        oldest = nanoseconds(self.now() - _LATELY)
        return [letter for letter in letters(self.state, "dead") if letter.queued >= oldest]


def rules_of(project: Project, *, silent: bool = False) -> Rules:
    """The policy of the site file."""
    table = project.site.mail
    return Rules(table.group, table.when, table.reminders, silent)


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
