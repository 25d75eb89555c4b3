"""An alarm that explains itself: value, limit, gate, and the samples around it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from oaflib.checks import Check
from oaflib.checks.room import context_of
from oaflib.inform.texts import allowed, told
from oaflib.numeral import spelt
from oaflib.player.timeline import Event
from oaflib.records import Records
from oaflib.series import Kind, Series, nothing
from oaflib.window import Window, instant, moment, zone_named

AROUND = 60  # samples on each side


@dataclass(frozen=True)
class Explanation:
    """Why an event happened.

    Attributes
    ----------
    since : int64 ns UTC of the first bad sample, else of the event.
    gate : whether the check's gate was open then, in words; empty without one.
    around : the samples around `since`, of the variable itself; none of a text or a missing one.
    """

    event: Event
    since: int
    gate: str
    around: Series
    window: Window

    def rows(self) -> list[tuple[str, str]]:
        """What it says, as pairs of word and text."""
        outcome = self.event.outcome
        pairs = [
            ("appeared", self._clock(self.event.time)),
            ("what", f"{outcome.severity}: {outcome.check} ({outcome.fault})"),
            ("variable", outcome.variable or outcome.device),
            ("reason", told(outcome.reason, self.window)),
            ("value", _number(outcome.found, outcome.unit)),
            ("limit", allowed(outcome.limit, outcome.unit)),
            ("gate", told(self.gate, self.window)),
            ("since", "" if outcome.since is None else self._clock(outcome.since)),
            ("guidance", outcome.guidance),
        ]
        return [(word, text) for word, text in pairs if text]

    def samples(self, each_side: int = 4) -> list[tuple[str, str, bool]]:
        """The nearest samples as (clock, value, whether it is the first bad one)."""
        middle = int(np.searchsorted(self.around.time, self.since))
        first, stop = max(0, middle - each_side), middle + each_side + 1
        return [
            (self._clock(int(time)), _sample(value), i == middle)
            for i, (time, value) in enumerate(
                zip(self.around.time[first:stop], self.around.value[first:stop], strict=True), first
            )
        ]

    def document(self) -> dict[str, Any]:
        """Plain JSON values; the samples as seconds since the window's start, and numbers."""
        series, start = self.around, self.window.start_ns
        drawn = series.kind is Kind.NUMERIC and series.value.dtype.kind in "fiu"
        finite = np.isfinite(series.value.astype(float)) if drawn else np.zeros(0, bool)
        return {
            "rows": self.rows(),
            "samples": self.samples(),
            "seconds": ((series.time - start)[finite] / 1e9).tolist() if drawn else [],
            "values": series.value[finite].astype(float).tolist() if drawn else [],
            "since": (self.since - start) / 1e9,
            "limit": {
                key: float(value)
                for key, value in self.event.outcome.limit.items()
                if isinstance(value, (int, float)) and np.isfinite(value)
            },
        }

    def __str__(self) -> str:
        told = [f"{word:10} {text}" for word, text in self.rows()]
        told += [f"{'> ' if bad else '  '}{clock}  {value}" for clock, value, bad in self.samples()]
        return "\n".join(told)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(word)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for word, text in self.rows()
        )
        near = ""
        for clock, value, bad in self.samples():
            style = " style='font-weight:bold'" if bad else ""
            near += f"<tr{style}><td>{escape(clock)}</td><td>{escape(value)}</td></tr>"
        head = (
            f"<thead><tr><th>time</th><th>{escape(self.around.unit or 'value')}</th></tr></thead>"
        )
        return f"<table>{rows}</table>" + (f"<table>{head}{near}</table>" if near else "")

    def _clock(self, ns: int) -> str:
        local = moment(ns).astimezone(zone_named(self.window.zone))
        return f"{local:%H:%M:%S}" + (f".{local:%f}"[:4] if local.microsecond else "")


def explain(event: Event, check: Check, records: Records) -> Explanation:
    """Why `event` of `check` happened; `records` are those of the whole window."""
    outcome = event.outcome
    since = outcome.since if outcome.since is not None else event.time
    series = _series(outcome.variable, records)
    at = int(np.searchsorted(series.time, since))
    around = series.where(slice(max(0, at - AROUND), at + AROUND + 1))
    return Explanation(event, since, _gate(check, records, since), around, records.window)


def _series(name: str, records: Records) -> Series:
    if name in records:
        series = records[name]
        if series.kind in (Kind.NUMERIC, Kind.TEXTUAL):
            return series
        return nothing(records.entries[name].variable)
    from oaflib.series import Variable

    return nothing(Variable(name))


def _gate(check: Check, records: Records, at: int) -> str:
    if not check.gate:
        return ""
    context = context_of(check.gate, records, None)
    if isinstance(context, str):
        return context
    starts, stops = context.open_spans()
    inside = int(np.searchsorted(starts, at, side="right")) - 1
    if inside >= 0 and at < stops[inside]:
        return f"{check.gate}: open since {instant(moment(int(starts[inside])))}"
    return f"{check.gate}: not open at that time"


def _number(value: Any, unit: str) -> str:
    if value is None:
        return ""
    text = spelt(value) if isinstance(value, (int, float)) else str(value)
    return f"{text} {unit}".strip()


def _sample(value: Any) -> str:
    return spelt(float(value)) if isinstance(value, (float, np.floating)) else str(value)
