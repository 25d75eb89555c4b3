"""Words and numbers as a reader sees them; nothing in them can steer the reader's screen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oaflib.limits import phrases
from oaflib.numeral import spelt
from oaflib.window import INSTANT, Window, moment, nanoseconds, parse_instant

# Control, format (right-to-left marks, zero-width), surrogate, private, unassigned, separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me", "Mc"})
_STACK = 3  # combining marks on one letter, beyond which they are a prank


def shown(value: object, limit: int = 240) -> str:
    """`value` on one line, at most `limit` characters, with every unseen character spelled out.

    Line ends and tabs become blanks; other control and format characters ``‹U+202E›``.
    """
    text = str(value)[: limit * 4]
    parts: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if character in "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029":
            parts.append(" ")
        elif category in _UNSEEN or marks > _STACK:
            parts.append(f"‹U+{ord(character):04X}›")
        else:
            parts.append(character)
    line = " ".join("".join(parts).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plain(text: str) -> str:
    """`text` for a terminal or a log: lines and tabs stay, nothing in it steers the screen."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _UNSEEN
        else f"‹U+{ord(character):04X}›"
        for character in text
    )


def number(value: object) -> str:
    """A found value for reading: six digits of a number, a short text, ``nothing`` for None."""
    if value is None:
        return "nothing"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return shown(value, 80)
    return spelt(value)


def quantity(value: object, unit: str) -> str:
    """A value with its unit."""
    clean = shown(unit, 24)
    return f"{number(value)} {clean}".rstrip() if value is not None else number(value)


def allowed(limit: Mapping[str, Any], unit: str) -> str:
    """What was allowed, in words; empty when no limit is said."""
    words: list[str] = []
    low, high = limit.get("low"), limit.get("high")
    if low is not None and high is not None:
        words.append(f"{number(low)} to {quantity(high, unit)}")
    elif low is not None:
        words.append(f"at least {quantity(low, unit)}")
    elif high is not None:
        words.append(f"at most {quantity(high, unit)}")
    return ", ".join([*words, *phrases(limit, shown(unit, 24), number)[:4]])


def zone_of(window: Window) -> tuple[str, ZoneInfo]:
    """The zone people read this window in; UTC when its name is not one."""
    try:
        return window.zone, ZoneInfo(window.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC", ZoneInfo("UTC")


def when(ns: int, window: Window) -> str:
    """A time of int64 ns UTC as read on the spot; without the date on the window's first day."""
    _, zone = zone_of(window)
    try:
        local = moment(ns).astimezone(zone)
    except (OverflowError, ValueError):
        return "an impossible time"
    first = window.start.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == first else f"{local:%Y-%m-%d %H:%M}"


def told(reason: str, window: Window) -> str:
    """A reason with the UTC instants it names as read on the spot."""

    def local(found: re.Match[str]) -> str:
        try:
            return when(nanoseconds(parse_instant(found[0])), window)
        except (ValueError, OverflowError):
            return found[0]

    return INSTANT.sub(local, reason)


def span(window: Window) -> str:
    """From when to when, in the window's zone, for a sub-title."""
    name, zone = zone_of(window)
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    return f"{_stamp(start)} to {_stamp(end)} {shown(name, 40)}"


def _stamp(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H:%M}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 report``, ``2 reports``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def some_of(names: list[str], limit: int = 4) -> str:
    """A few of the names, and how many more there are."""
    few = ", ".join(shown(name, 60) for name in names[:limit])
    rest = len(names) - limit
    return f"{few} and {rest} more" if rest > 0 else few
