"""What the pages know of the place they are read in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from oaflib.config.interventions import Intervention
from oaflib.config.project import Project
from oaflib.publish.entry import Entry


@dataclass(frozen=True)
class Site:
    """The repository's own facts, from ``config/site.toml`` and the task table.

    Attributes
    ----------
    title : what the pages are headed with.
    zone : IANA name of the zone people read times in.
    url : public address of the repository, for feeds; empty when there is none.
    expected_by : local time of day by which the morning's reports are there, or None.
    contact : whom to ask about the pages, an address or a few words.
    families : instrument to what it is called in words (``BCT``: Beam current transformers).
    periods : dataset id to how often its report is due; a dataset not among them is retired. Empty
        means unknown: nothing is late, nothing retired.
    pdf : print each report's page beside it, where Chromium is installed.
    ledger : what was done to devices, in order of time.
    """

    title: str = "OAF"
    zone: str = "UTC"
    url: str = ""
    expected_by: time | None = None
    contact: str = ""
    families: Mapping[str, str] = field(default_factory=dict)
    periods: Mapping[str, timedelta] = field(default_factory=dict)
    pdf: bool = False
    ledger: Sequence[Intervention] = ()

    @property
    def tz(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)

    def due(self, entry: Entry) -> datetime | None:
        """When the report after `entry` must be there; None when nobody expects one.

        A daily or slower one by `expected_by` of the morning after its window, a faster one
        a whole period after its window ended.
        """
        period = self.periods.get(entry.id)
        if period is None:
            return None
        if period < timedelta(days=1):
            return entry.end + 2 * period
        ends = entry.end.astimezone(self.tz) + period  # wall clock: a day may last 23 hours
        morning = self.expected_by or time(12)
        due = datetime.combine(ends.date(), morning, tzinfo=self.tz)
        return due if due >= ends else due + timedelta(days=1)

    def retired(self, entry: Entry) -> bool:
        """Whether no task makes this dataset any more."""
        return bool(self.periods) and entry.id not in self.periods


def site_of(project: Project) -> Site:
    """What the pages of a project know of it."""
    from oaflib.study.words import ledger_of

    steps = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1), "hourly": timedelta(hours=1)}
    return Site(
        title=project.site.title,
        zone=project.site.zone,
        url=project.site.url,
        expected_by=time.fromisoformat(project.site.expected_by),
        pdf=project.site.publish.pdf,
        ledger=ledger_of(project),
        contact=project.site.contact or project.site.mail.operator,
        families={entry.id: entry.title for entry in project.instruments.values()},
        periods={task.id: steps[task.schedule] for task in project.tasks},
    )
