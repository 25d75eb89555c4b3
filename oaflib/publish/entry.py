"""One report in a few values: a line of the lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from oaflib.errors import ReportError
from oaflib.provenance import asked_of, low_resolution
from oaflib.report import Change, Report, Severity
from oaflib.window import instant, parse_instant, spell, zone_named

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,95}")
_TAKEN = re.compile(r".*\.(?:html|json|xml|js)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Entry:
    """What the lists say of one report.

    `severity` is the report's; `failed` says it did not finish. `counts` are by lower-case
    severity, `changes` by lower-case change; alarms that are ``silenced`` count as nothing else.
    `start`, `end` and `made_at` are UTC. `low` says what is at low resolution; `asked` what was
    asked of the source, as `asked_of` has it.
    """

    instrument: str
    dataset: str
    title: str
    label: str
    start: datetime
    end: datetime
    zone: str
    made_at: datetime
    severity: Severity
    failed: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, int] = field(default_factory=dict)
    low: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``<INST>_<dataset>``."""
        return f"{self.instrument}_{self.dataset}"

    @property
    def path(self) -> str:
        """The report's folder, from the repository's root."""
        return f"reports/{self.instrument}/{self.dataset}/{self.label}"

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """Later reports compare larger: by window end, then by when they were made."""
        return (self.end, self.made_at, self.label)

    @property
    def alarming(self) -> bool:
        """Whether it belongs among those WITH_ALM."""
        return self.failed or self.severity.alarming

    @property
    def day(self) -> str:
        """The calendar day of its zone the window ends in: where the calendar shows it."""
        final = self.end - timedelta(microseconds=1)
        return final.astimezone(ZoneInfo(self.zone)).date().isoformat()

    @property
    def month(self) -> str:
        """The month of `day`, ``2026-11``."""
        return self.day[:7]

    @property
    def span(self) -> str:
        """How long its window is: ``day`` for calendar days, else ``15min`` …"""
        return "day" if _DAY.fullmatch(self.label) else spell(self.end - self.start)

    @property
    def mark(self) -> str:
        """Severity in lower case, or ``failed``: what colours and symbols go by."""
        return "failed" if self.failed else str(self.severity).lower()

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "instrument": self.instrument,
            "name": self.dataset,
            "title": self.title,
            "label": self.label,
            "start": instant(self.start),
            "end": instant(self.end),
            "zone": self.zone,
            "made_at": instant(self.made_at),
            "severity": str(self.severity),
            "finished": not self.failed,
            "counts": dict(self.counts),
            "changes": dict(self.changes),
            **({"low_resolution": self.low} if self.low else {}),
            **({"asked": dict(self.asked)} if self.asked else {}),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Entry:
        """The entry that `document` says; raises KeyError, TypeError or ValueError."""
        return cls(
            instrument=document["instrument"],
            dataset=document["name"],
            title=document["title"],
            label=document["label"],
            start=parse_instant(document["start"]),
            end=parse_instant(document["end"]),
            zone=document["zone"],
            made_at=parse_instant(document["made_at"]),
            severity=Severity(document["severity"]),
            failed=not document["finished"],
            counts=document["counts"],
            changes=document["changes"],
            low=document.get("low_resolution", ""),
            asked=document.get("asked", {}),
        )

    @classmethod
    def of_report(cls, report: Report) -> Entry:
        """The entry of `report`.

        Raises
        ------
        ReportError
            An instrument, dataset or label that cannot be a folder's name.
        """
        for noun, value, allowed in (
            ("instrument", report.instrument, ID),
            ("dataset", report.dataset, ID),
            ("label", report.window.label, LABEL),
        ):
            if not allowed.fullmatch(value) or _TAKEN.fullmatch(value) or ".." in value:
                raise ReportError(
                    f"{noun} {value!r} cannot name a folder of the repository; "
                    "allowed are letters, digits, '.', '-' (and '_', '+' in labels), "
                    "not '..' and no ending such as .html"
                )
        zone_named(report.window.zone)
        return cls(
            instrument=report.instrument,
            dataset=report.dataset,
            title=report.title,
            label=report.window.label,
            start=report.window.start,
            end=report.window.end,
            zone=report.window.zone,
            made_at=report.made_at,
            severity=report.severity,
            failed=not report.finished,
            counts=report.counts,
            changes=_changes(report),
            low=low_resolution(report),
            asked=asked_of(report),
        )


def _changes(report: Report) -> dict[str, int]:
    """How many of each change; ``silenced`` only when there are."""
    counts = {
        change.lower(): sum(o.change is change and not o.silenced for o in report.outcomes)
        for change in Change
    }
    silenced = sum(bool(outcome.silenced) for outcome in report.outcomes)
    return {**counts, "silenced": silenced} if silenced else counts
