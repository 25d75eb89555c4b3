"""What the front page says, kept in ``index.json`` for programs and for the next publishing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from markupsafe import Markup

from oaflib.provenance import SILENT, summed
from oaflib.publish.entry import Entry
from oaflib.publish.shelf import Shelf, worst
from oaflib.publish.site import Site
from oaflib.publish.spark import Course
from oaflib.publish.words import NAMES, SYMBOLS, counted, spoken
from oaflib.report import Change, Outcome, Report
from oaflib.window import instant

SCHEMA = "oaf-index/1"
DAYS = 14
SHOWN = 50
"""Alarms of one report that the front page lists; its own page has all."""

Trends = Mapping[str, Course]


@dataclass(frozen=True)
class Finding:
    """An outcome on the front page: where it stands, and how its value went."""

    outcome: Outcome
    anchor: str
    course: Course = field(default_factory=Course)

    def document(self) -> dict[str, Any]:
        """Plain JSON values: the outcome's own, and ``anchor``, ``trend`` and ``marks``."""
        return {**self.outcome.document(), "anchor": self.anchor, **self.course.document()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Finding:
        """The finding that `document` says."""
        return cls(Outcome.of(document), document["anchor"], Course.of(document))


@dataclass(frozen=True)
class Card:
    """A dataset on the front page: its most recent report, what it found, its last days."""

    entry: Entry
    alarms: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()
    more: int = 0
    days: Mapping[str, str] = field(default_factory=dict)

    @property
    def silent(self) -> str:
        """The source that did not answer; else nothing."""
        first = self.alarms[0].outcome if self.alarms and self.entry.failed else None
        return first.device if first is not None and first.check == SILENT else ""

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.entry.id,
            "href": f"{self.entry.path}/index.html",
            **self.entry.document(),
            "alarms": [finding.document() for finding in self.alarms],
            "cleared": [finding.document() for finding in self.cleared],
            "more": self.more,
            "days": dict(self.days),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Card:
        """The card that `document` says."""
        return cls(
            Entry.of(document),
            tuple(map(Finding.of, document["alarms"])),
            tuple(map(Finding.of, document["cleared"])),
            document["more"],
            {str(day): str(mark) for day, mark in document["days"].items() if mark in NAMES},
        )


@dataclass(frozen=True)
class Line:
    """One finding and the dataset it is of."""

    card: Card
    finding: Finding

    @property
    def href(self) -> str:
        """From the repository's root to the finding in its report."""
        return f"{self.card.entry.path}/index.html#{self.finding.anchor}"


@dataclass(frozen=True)
class Front:
    """All cards, by dataset id, and what follows from them."""

    cards: tuple[Card, ...]
    site: Site

    @cached_property
    def made_at(self) -> datetime:
        """When the newest report was made: how old the page is."""
        return max(
            (card.entry.made_at for card in self.cards), default=datetime(1970, 1, 1, tzinfo=UTC)
        )

    @cached_property
    def today(self) -> date:
        """The local day of `made_at`."""
        return self.made_at.astimezone(self.site.tz).date()

    @cached_property
    def current(self) -> tuple[Card, ...]:
        """Cards of datasets that a task still makes."""
        return tuple(card for card in self.cards if not self.site.retired(card.entry))

    @cached_property
    def retired(self) -> tuple[Card, ...]:
        """Cards of datasets no task makes any more."""
        return tuple(card for card in self.cards if self.site.retired(card.entry))

    @cached_property
    def new(self) -> tuple[Line, ...]:
        """New alarms, the worst first; so is one nobody compared with the day before."""
        return self._lines(lambda o: o.change is not Change.ONGOING and not o.silenced)

    @cached_property
    def ongoing(self) -> tuple[Line, ...]:
        """Alarms that were there before, the worst first."""
        return self._lines(lambda o: o.change is Change.ONGOING and not o.silenced)

    @cached_property
    def silenced(self) -> tuple[Line, ...]:
        """Alarms that somebody silenced, the worst first."""
        return self._lines(lambda outcome: outcome.silenced)

    @cached_property
    def cleared(self) -> tuple[Line, ...]:
        """What was an alarm in the report before and is none."""
        return tuple(Line(card, finding) for card in self.current for finding in card.cleared)

    @cached_property
    def failed(self) -> tuple[Card, ...]:
        """Datasets whose most recent run did not finish."""
        return tuple(card for card in self.current if card.entry.failed)

    @cached_property
    def late(self) -> tuple[Card, ...]:
        """Datasets whose next report was due before this page was made."""
        return tuple(
            card
            for card in self.current
            if (due := self.site.due(card.entry)) is not None and due < self.made_at
        )

    @cached_property
    def pending(self) -> tuple[Card, ...]:
        """Datasets whose next report is due later on the day this page was made."""
        return tuple(
            card
            for card in self.current
            if (due := self.site.due(card.entry)) is not None
            and due >= self.made_at
            and due.astimezone(self.site.tz).date() == self.today
            and self.site.periods[card.entry.id] >= timedelta(days=1)
        )

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Datasets with a task and no report yet."""
        return tuple(sorted(set(self.site.periods) - {card.entry.id for card in self.cards}))

    @cached_property
    def next_due(self) -> datetime | None:
        """When the next reports must be there, of those datasets that are in time."""
        waiting = {card.entry.id for card in (*self.late, *self.pending)}
        dues = [self.site.due(card.entry) for card in self.current if card.entry.id not in waiting]
        return min((due for due in dues if due is not None), default=None)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many alarms are new, ongoing and cleared, and how many reports there are."""

        def of(name: str) -> int:
            return sum(c.entry.changes.get(name, 0) for c in self.current if not c.entry.failed)

        new = sum(
            c.entry.counts.get("alarm", 0) + c.entry.counts.get("invalid", 0)
            for c in self.current
            if not c.entry.failed
        )
        new -= of("ongoing") + of("silenced")
        return {
            "new": max(new, 0),
            "ongoing": of("ongoing"),
            "cleared": of("cleared"),
            "silenced": of("silenced"),
            "failed": len(self.failed),
            "late": len(self.late),
            "reports": len(self.current),
        }

    @cached_property
    def asked(self) -> list[dict[str, Any]]:
        """What the newest reports asked of each source together, by source."""
        return summed(card.entry.asked for card in self.current)

    @cached_property
    def silent(self) -> Mapping[str, tuple[Card, ...]]:
        """The datasets whose source did not answer, by source."""
        found: dict[str, list[Card]] = {}
        for card in self.failed:
            if card.silent:
                found.setdefault(card.silent, []).append(card)
        return {source: tuple(cards) for source, cards in sorted(found.items())}

    @cached_property
    def sentence(self) -> str:
        """``Monday 23 November: 3 new alarms, 5 ongoing, 1 report failed, 24 reports``."""
        counts = self.counts
        if not self.cards:
            return "No report yet."
        told = ("new", "ongoing", "cleared", "silenced")
        parts = [f"{counts[name]} {name}" for name in told if counts[name]]
        if name := next((name for name in told[:2] if counts[name]), ""):
            parts[0] = counted(counts[name], f"{name} alarm")
        else:
            parts.insert(0, "no other alarm" if counts["silenced"] else "no alarm")
        parts += [
            f"{counted(counts[name], 'report')} {name}"
            for name in ("failed", "late")
            if counts[name]
        ]
        parts.append(counted(counts["reports"], "report"))
        return f"{spoken(self.today)}: {', '.join(parts)}"

    @cached_property
    def families(self) -> tuple[tuple[str, tuple[Card, ...]], ...]:
        """Current cards by instrument."""
        return grouped(self.current)

    @cached_property
    def week(self) -> tuple[date, ...]:
        """The last fourteen days that reports are about, the earliest first."""
        final = max((card.entry.day for card in self.current), default="1970-01-01")
        last = date.fromisoformat(final)
        return tuple(last - timedelta(days=back) for back in reversed(range(DAYS)))

    def strip(self, card: Card) -> Markup:
        """A card's last fourteen days as symbols, the earliest first; drawn once for all pages."""
        if card.entry.id not in self._strips:
            cells = []
            for day in self._days:
                mark = card.days.get(day, "none")
                cells.append(f'<i class="{mark}" title="{day}: {NAMES[mark]}">{SYMBOLS[mark]}</i>')
            drawn = f'<span class="strip" aria-hidden="true">{"".join(cells)}</span>'
            self._strips[card.entry.id] = Markup(drawn)
        return self._strips[card.entry.id]

    @cached_property
    def _days(self) -> tuple[str, ...]:
        return tuple(day.isoformat() for day in self.week)

    @cached_property
    def _strips(self) -> dict[str, Markup]:
        return {}

    def family_mark(self, cards: Sequence[Card], day: date) -> tuple[str, int]:
        """The worst mark of a family's day, and how many of its datasets were alarming."""
        marks = [card.days.get(day.isoformat(), "none") for card in cards]
        bad = sum(mark in ("alarm", "invalid", "failed") for mark in marks)
        return worst(marks), bad

    def document(self) -> dict[str, Any]:
        """``index.json``."""
        return {
            "schema": SCHEMA,
            "title": self.site.title,
            "zone": self.site.zone,
            "made_at": instant(self.made_at),
            "sentence": self.sentence,
            "counts": self.counts,
            "late": [card.entry.id for card in self.late],
            "asked": self.asked,
            "datasets": [card.document() for card in self.cards],
        }

    def text(self) -> str:
        """``index.json`` as strict JSON."""
        return json.dumps(self.document(), allow_nan=False, ensure_ascii=False, indent=1) + "\n"

    def with_card(self, card: Card) -> Front:
        """The same with one dataset's card put in or replaced."""
        others = [other for other in self.cards if other.entry.id != card.entry.id]
        cards = sorted([*others, card], key=lambda one: one.entry.id)
        return Front(tuple(cards), self.site)

    def _lines(self, chosen: Any) -> tuple[Line, ...]:
        lines = [
            Line(card, finding)
            for card in self.current
            if not card.entry.failed
            for finding in card.alarms
            if chosen(finding.outcome)
        ]
        lines.sort(key=lambda line: (-line.finding.outcome.severity.urgency, line.card.entry.id))
        return tuple(lines)


def grouped(cards: Sequence[Card]) -> tuple[tuple[str, tuple[Card, ...]], ...]:
    """`cards` by instrument, both in order."""
    names = sorted({card.entry.instrument for card in cards})
    return tuple(
        (name, tuple(card for card in cards if card.entry.instrument == name)) for name in names
    )


def card_of(report: Report, anchors: Sequence[str], shelf: Shelf, trends: Trends) -> Card:
    """The card of a dataset whose most recent report is `report`."""
    entry = Entry.of_report(report)
    ordered = sorted(
        zip(report.outcomes, anchors, strict=True),
        key=lambda pair: (
            bool(pair[0].silenced),
            pair[0].change is Change.ONGOING,
            -pair[0].severity.urgency,
            pair[0].device,
        ),
    )
    alarms = [
        Finding(outcome, anchor, trends.get(outcome.identity, Course()))
        for outcome, anchor in ordered
        if outcome.severity.alarming
    ]
    cleared = [
        Finding(outcome, anchor) for outcome, anchor in ordered if outcome.change is Change.CLEARED
    ]
    last = date.fromisoformat(entry.day)
    days = [(last - timedelta(days=back)).isoformat() for back in reversed(range(2 * DAYS))]
    return Card(
        entry,
        tuple(alarms[:SHOWN]),
        tuple(cleared[:SHOWN]),
        max(len(alarms) - SHOWN, 0),
        {day: mark for day in days if (mark := shelf.mark(day)) != "none"},
    )


def front_of(text: str | bytes, site: Site) -> Front:
    """The front that ``index.json`` says; raises ValueError, KeyError or TypeError if it is not."""
    document = json.loads(text)
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema is {document['schema']!r}, not '{SCHEMA}'")
    return Front(tuple(map(Card.of, document["datasets"])), site)
