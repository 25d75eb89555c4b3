"""What a notebook shows of records, statistics and outcomes: small HTML tables, text elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from oaflib.numeral import spelt
from oaflib.records import Records, State
from oaflib.report import Found, Outcome, Severity, Statistics
from oaflib.window import INSTANT, moment, parse_instant, zone_named

if TYPE_CHECKING:
    from oaflib.study.study import Study

_SHOWN = 60  # rows of a table before the rest is counted
_LONG = 30  # characters of a cell that may be broken anywhere


class Front:
    """The front figure: what is reported, over when, and the variables extracted."""

    def __init__(self, study: Study, records: Records) -> None:
        self.study = study
        self.records = records

    def __repr__(self) -> str:
        window, dataset = self.study.window, self.study.dataset
        tz = ZoneInfo(window.zone)
        lines = [
            dataset.title or dataset.id,
            dataset.description,
            f"{window.start.astimezone(tz):%Y-%m-%d %H:%M} to "
            f"{window.end.astimezone(tz):%Y-%m-%d %H:%M} {window.zone}",
            *(" ".join(row) for row in self._rows()),
        ]
        return "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        head, *_ = repr(self).split("\n", 1)
        window = self.study.window
        tz = ZoneInfo(window.zone)
        when = f"{window.start.astimezone(tz):%A %d %B %Y, %H:%M} to "
        when += f"{window.end.astimezone(tz):%A %d %B %Y, %H:%M} ({window.zone})"
        text = escape(self.study.dataset.description)
        return f"<h2>{escape(head)}</h2><p>{text}</p><p>{escape(when)}</p>" + table(
            ("variable", "kind", "unit", "samples", ""), self._rows()
        )

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for name, entry in self.records.entries.items():
            said = {
                State.LOGGED: "",
                State.EMPTY: entry.reason or "nothing logged",
                State.ABSENT: entry.reason or "the source has no such variable",
                State.FAILED: f"request failed: {entry.reason}",
            }[entry.state]
            notes = [said] if said else []
            for count, what in (
                (entry.nan, "NaN"),
                (entry.inf, "infinite"),
                (entry.duplicates, "exact duplicates removed"),
                (entry.conflicts, "at a time that has another value"),
            ):
                if count:
                    notes.append(f"{count:,} {what}")
            kind = str(entry.variable.kind) if entry.state is not State.ABSENT else ""
            rows.append((name, kind, entry.variable.unit, f"{entry.count:,}", "; ".join(notes)))
        return rows


class StatisticsTable(list[Statistics]):
    """Statistics of every variable, shown as a table."""

    def __init__(self, entries: Iterable[Statistics] = ()) -> None:
        super().__init__(entries)

    def _repr_html_(self) -> str:
        head = ("variable", "unit", "samples", "min", "mean", "max", "spread", "first", "last")
        return table(
            head,
            [
                (
                    entry.variable,
                    entry.unit,
                    f"{entry.count:,}",
                    *(number(value) for value in (entry.min, entry.mean, entry.max, entry.std)),
                    number(entry.first),
                    number(entry.last),
                )
                for entry in self
            ],
        )


class Outcomes(list[Outcome]):
    """Outcomes, shown the worst first; their times in `zone`."""

    def __init__(self, outcomes: Iterable[Outcome] = (), zone: str = "UTC") -> None:
        super().__init__(outcomes)
        self.zone = zone

    def __add__(self, other: Sequence[Outcome]) -> Outcomes:  # type: ignore[override]
        return Outcomes([*self, *other], self.zone)

    def _repr_html_(self) -> str:
        worst = sorted(self, key=lambda outcome: -outcome.severity.rank)
        told = [outcome for outcome in worst if outcome.severity.rank > Severity.OK.rank]
        quiet = len(worst) - len(told)
        rows = [
            (
                str(outcome.severity),
                str(outcome.fault),
                outcome.device or outcome.variable,
                outcome.check,
                f"{number(outcome.found)} {outcome.unit}".strip(),
                "" if outcome.since is None else self._clock(moment(outcome.since)),
                INSTANT.sub(lambda at: self._clock(parse_instant(at[0])), outcome.reason),
            )
            for outcome in told
        ]
        head = ("severity", "fault", "device", "check", "found", "since", "reason")
        shown = table(head, rows) if rows else ""
        times = f" Times are in {escape(self.zone)}." if rows else ""
        return f"{shown}<p>{quiet:,} fine or not applicable.{times}</p>"

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(zone_named(self.zone)):%Y-%m-%d %H:%M:%S}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A small HTML table of texts, all escaped; long ones are cut and said to be.

    Columns of words get the class ``words``, by which the page sets them to the left.
    """
    shown = rows[:_SHOWN]
    words = [any(_is_word(row[i]) for row in shown) for i in range(len(head))]
    cells = "".join(map(_cell, ["th"] * len(head), head, words))
    body = "".join(
        "<tr>" + "".join(map(_cell, ["td"] * len(row), row, words)) + "</tr>" for row in shown
    )
    more = f"<p>… and {len(rows) - _SHOWN:,} more.</p>" if len(rows) > _SHOWN else ""
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>{more}"


def _is_word(text: str) -> bool:
    return bool(text) and not (text[0].isdigit() or text[0] in "+-−–.…∞")


def _cell(tag: str, text: str, word: bool) -> str:
    if word:
        # JupyterLab sets cells to the right; a page has no styles but its own, and knows the class
        return f'<{tag} class="words" style="text-align:left">{escape(text)}</{tag}>'
    kept = unbroken(text) if tag == "td" else text
    return f"<{tag}>{escape(kept)}</{tag}>"


def unbroken(text: str) -> str:
    """A short text that stays on one line; a range may break before its *to*."""
    if len(text) >= _LONG:
        return text
    kept = text.replace(" ", "\N{NO-BREAK SPACE}")
    return kept.replace("\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}", " to\N{NO-BREAK SPACE}")


def number(value: Found) -> str:
    """A number as people write it; a text as it is; nothing for None."""
    if value is None:
        return ""
    return value[:80] if isinstance(value, str) else spelt(value)
