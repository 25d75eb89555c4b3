"""A window cut at the midnights of its zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from oaflib.window import Window, calendar_day, zone_named


def days(window: Window) -> Iterator[Window]:
    """The calendar days of the window; the first and the last may be parts of one."""
    zone = zone_named(window.zone)
    start = window.start
    while start < window.end:
        midnight = calendar_day(start.astimezone(zone).date(), window.zone).end
        yield replace(window, start=start, end=min(midnight, window.end))
        start = midnight


def is_day(window: Window) -> bool:
    """Whether it is one whole calendar day of its zone, of 23, 24 or 25 hours."""
    local = window.start.astimezone(zone_named(window.zone))
    day = calendar_day(local.date(), window.zone)
    return (window.start, window.end) == (day.start, day.end)
