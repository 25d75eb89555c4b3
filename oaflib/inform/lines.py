"""From outcomes to lines: the worst first, common reasons folded, cut where a reader stops."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from oaflib.changes import Age, PastAlarm
from oaflib.inform.sheet import Line, Section, Tone
from oaflib.inform.texts import allowed, counted, number, quantity, shown, some_of, told, when
from oaflib.limits import measured
from oaflib.report import Outcome, Severity
from oaflib.window import Window

_REASON = 320  # characters; a forecast stands at the end of a long one
_FOLD = 4  # findings with a common reason, from which they are one line
_FIGURE = re.compile(r"[-−+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+| × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
_TONES: Mapping[Severity, Tone] = {
    Severity.ALARM: "alarm",
    Severity.INVALID: "invalid",
    Severity.WARNING: "warning",
}


def found_lines(
    outcomes: Iterable[Outcome], window: Window, ages: Mapping[str, Age], *, brief: bool = False
) -> list[Line]:
    """One line per finding, or per common reason of four and more; the worst first, then
    what crosses its limit first.

    `brief` lines, of what the reader was told before, leave reason and advice to the page.
    """
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(_common(outcome), []).append(outcome)
    lines: list[tuple[int, int, str, str, Line]] = []
    for members in groups.values():
        parts = [members] if len(members) >= _FOLD else [[member] for member in members]
        for part in parts:
            line = _line(part, window, ages, brief=brief)
            crosses = str((part[0].forecast or {}).get("date") or "never")
            lines.append((-part[0].severity.urgency, -len(part), crosses, line.head, line))
    return [line for *_, line in sorted(lines, key=lambda entry: entry[:4])]


def cleared_lines(
    alarms: Iterable[PastAlarm], window: Window, checked: Container[str]
) -> list[Line]:
    """One line per alarm that is gone, with what it was.

    Of one whose identity is not among `checked`, nobody knows whether the fault is gone.
    """
    lines = []
    for alarm in sorted(alarms, key=lambda alarm: (-alarm.severity.urgency, alarm.identity)):
        names = (_name(alarm.device, alarm.variable), shown(alarm.check, 60))
        was = f"was {alarm.severity} since {when(alarm.since, window)}"
        gone = alarm.identity in checked
        lines.append(
            Line(
                head=", ".join(filter(None, names)),
                tone="good" if gone else "calm",
                value=f"{was} ({counted(alarm.reports, 'report')})"
                + ("" if gone else ", and is no longer checked"),
                identities=(alarm.identity,),
            )
        )
    return lines


def cut(lines: Sequence[Line], budget: int) -> tuple[tuple[Line, ...], int]:
    """As many lines as `budget` lines of text hold, and how many findings are left out.

    Where all do not fit, those that could not be judged leave three quarters to the alarms.
    """
    invalid = [line for line in lines if line.tone == "invalid"]
    others = [line for line in lines if line.tone != "invalid"]
    need = sum(line.cost for line in others)
    room = budget if not others else max(budget // 4, budget - need)
    first, used = _take(invalid, room)
    second, _ = _take(others, budget - used)
    kept = [*second, *first]
    left = sum(line.weight for line in lines) - sum(line.weight for line in kept)
    return tuple(kept), left


def section(title: str, lines: Sequence[Line], budget: int) -> Section:
    """A section of at most `budget` lines of text; its title says how many findings it is about."""
    kept, more = cut(lines, budget)
    return Section(f"{title} ({sum(line.weight for line in lines)})", kept, more)


def _take(lines: Sequence[Line], room: int) -> tuple[list[Line], int]:
    used = 0
    for index, line in enumerate(lines):
        if used + line.cost > room:
            return list(lines[:index]), used
        used += line.cost
    return list(lines), used


def _common(outcome: Outcome) -> tuple[str, ...]:
    """What findings of one cause share: all but the names and figures in them."""
    reason = outcome.reason[:400]
    for name in (outcome.variable, outcome.device):
        if name:
            reason = reason.replace(name, "…")
    return (
        str(outcome.severity),
        outcome.check,
        str(outcome.fault),
        outcome.unit,
        json.dumps(dict(outcome.limit), sort_keys=True, default=str),
        _FIGURE.sub("#", reason),
        outcome.guidance,
    )


def _line(part: Sequence[Outcome], window: Window, ages: Mapping[str, Age], *, brief: bool) -> Line:
    first = part[0]
    since = _since(part, window, ages)
    about = f"{shown(first.check, 60)}, {first.fault}"
    reason, advice = shown(told(first.reason, window), _REASON), shown(first.advice, 180)
    facts: list[str] = []
    if len(part) > 1:
        names = [_name(outcome.device, outcome.variable) for outcome in part]
        head = f"{len(part)} findings of {about}"
        facts.append(some_of(names))
        if not brief and reason:
            facts.append(f"first: {reason}")
    else:
        head = _head(first)
        if brief and head != shown(first.check, 60):
            head = f"{head}, {shown(first.check, 60)}"
        else:
            facts.append(f"{about}: {reason}" if reason else about)
        if first.members:
            count = counted(len(first.members), "member")
            facts.append(f"{count}: {some_of(list(first.members))}")
    line = Line(
        head=head,
        tag=str(first.severity),
        tone=_TONES.get(first.severity, "calm"),
        value=", ".join(filter(None, (_value(part), since))),
        facts=tuple(facts),
        advice=advice,
        identities=tuple(outcome.identity for outcome in part),
    )
    return (
        replace(line, facts=line.facts[:1] if len(part) > 1 else (), advice="") if brief else line
    )


def _head(outcome: Outcome) -> str:
    """What it is about; the check itself when there is neither device nor variable.

    Nor is a condition a name: the reason has it.
    """
    variable = "" if outcome.variable == outcome.limit.get("condition") else outcome.variable
    if outcome.subject not in (outcome.device, outcome.variable):
        return shown(outcome.subject, 80)
    return _name(outcome.device, variable) or shown(outcome.check, 60) or "(no name)"


def _name(device: str, variable: str) -> str:
    """Device and variable, without saying the device twice."""
    clean_device, clean_variable = shown(device, 80), shown(variable, 100)
    if not clean_device or clean_variable.startswith(clean_device):
        return clean_variable
    return f"{clean_device} {clean_variable}".rstrip()


def _value(part: Sequence[Outcome]) -> str:
    """The value, or the range of values, against the limit."""
    first = part[0]
    told_by_reason = first.found is None and "condition" in first.limit and first.reason
    # a drift is found per day, and its limits are of the level
    limit = "" if told_by_reason else allowed(first.limit, first.unit.removesuffix("/d"))
    if len(part) == 1:
        found, unit = measured(first.found, first.unit, first.limit)
        value = quantity(found, unit) if found is not None else ""
    else:
        figures = [o.found for o in part if isinstance(o.found, (int, float))]
        value = f"{number(min(figures))} to {quantity(max(figures), first.unit)}" if figures else ""
    if value and limit:
        return f"{value} ({_allowed(first, limit)})"
    return value or (_allowed(first, limit) if limit else "")


def _allowed(outcome: Outcome, limit: str) -> str:
    edges = any(outcome.limit.get(key) is not None for key in ("low", "high"))
    level = "level " if outcome.unit.endswith("/d") else ""
    return f"{level}allowed: {limit}" if edges else limit


def _since(part: Sequence[Outcome], window: Window, ages: Mapping[str, Age]) -> str:
    """Since when, for how long, and whether it comes and goes."""
    known = [ages[outcome.identity] for outcome in part if outcome.identity in ages]
    if not known:
        starts = [outcome.since for outcome in part if outcome.since is not None]
        return f"since {when(min(starts), window)}" if starts else ""
    oldest = min(known, key=lambda age: age.since)
    # Found for the first time and without a first bad sample: the window's start says nothing.
    fresh = oldest.reports == 1 and all(outcome.since is None for outcome in part)
    words = "" if fresh else f"since {when(oldest.since, window)}"
    if oldest.reports > 1:
        days = f"{counted(oldest.days, 'day')}, " if oldest.days else ""
        words += f" ({days}{counted(oldest.reports, 'report')})"
    flapping = [age for age in known if age.flapping]
    if flapping:
        times = max(age.onsets for age in flapping)
        words += f"; comes and goes, {times} times lately"
    return words.removeprefix("; ")
