"""What a player says in a cell of its own: tables that need no browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from oaflib.inform.texts import told
from oaflib.numeral import spelt
from oaflib.player.limits import Limit
from oaflib.player.timeline import Event
from oaflib.report import Severity
from oaflib.window import Window, moment, zone_named

_NOUNS = {Severity.ALARM: "alarm", Severity.INVALID: "not judged", Severity.WARNING: "warning"}


class Alarms(tuple[Event, ...]):
    """The alarms that appeared so far, in order of time."""

    window: Window

    def __new__(cls, events: Sequence[Event], window: Window) -> Alarms:
        made = super().__new__(cls, events)
        made.window = window
        return made

    def rows(self) -> list[tuple[str, ...]]:
        """Number, when it appeared, severity, check, variable, reason."""
        zone = zone_named(self.window.zone)
        return [
            (
                str(i),
                f"{moment(event.time).astimezone(zone):%H:%M:%S}",
                str(event.outcome.severity),
                event.outcome.check,
                event.outcome.variable or event.outcome.device,
                told(event.outcome.reason, self.window),
            )
            for i, event in enumerate(self)
        ]

    def __repr__(self) -> str:
        lines = ["  ".join(row) for row in self.rows()]
        return "\n".join(lines) if lines else "no alarm so far"

    def _repr_html_(self) -> str:
        head = ("", "appeared", "severity", "check", "variable", "reason")
        return table(head, self.rows()) if self else "<p>No alarm so far.</p>"


class Limits(tuple[Limit, ...]):
    """The limits that can be changed."""

    def rows(self) -> list[tuple[str, ...]]:
        """Check, key, value now, value as saved, unit."""
        return [
            (
                limit.label,
                limit.key,
                _short(limit.value),
                "" if limit.value == limit.kept else f"saved: {_short(limit.kept)}",
                limit.unit,
            )
            for limit in self
        ]

    def __repr__(self) -> str:
        return "\n".join("  ".join(row) for row in self.rows())

    def _repr_html_(self) -> str:
        return table(("check", "limit", "value", "", "unit"), self.rows())


@dataclass(frozen=True)
class WhatIf:
    """What another limit would have done: the alarms of its check, before and with it."""

    limit: Limit
    before: Alarms
    now: Alarms

    def __str__(self) -> str:
        limit = self.limit
        change = f"{limit.name} {_short(limit.kept)} as saved"
        if limit.value != limit.kept:
            change = f"{limit.name} {_short(limit.kept)} → {_short(limit.value)}"
        return f"{change}: {_told(self.now)} (as saved: {_told(self.before)})"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.now._repr_html_()}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table of texts."""
    top = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _told(alarms: Alarms) -> str:
    if not alarms:
        return "no alarm"
    found = [event.outcome.severity for event in alarms]
    parts = []
    for severity, noun in _NOUNS.items():
        if count := found.count(severity):
            parts.append(f"{count} {noun}{'s' * (count > 1 and noun != 'not judged')}")
    return f"{', '.join(parts)}, {'the first ' * (len(found) > 1)}at {alarms.rows()[0][1]}"


def _short(value: float | str | None) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else spelt(value)
