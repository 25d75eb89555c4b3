"""How checks speak: numbers with units, durations, instants, in UTC and without local time."""

from __future__ import annotations

import math

from oaflib.numeral import spelt
from oaflib.window import Window, instant, moment, parse_duration

_SECOND = 1_000_000_000
_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def ns_of(duration: float | str) -> int:
    """``10min`` or seconds to nanoseconds.

    Raises
    ------
    ValueError
        Neither, or not above zero.
    """
    if isinstance(duration, str):
        return round(parse_duration(duration).total_seconds() * _SECOND)
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f"{duration} is not a duration above zero in seconds")
    return max(1, round(duration * _SECOND))


def span(ns: float) -> str:
    """A duration as people say it: ``3 h 12 min``, ``45 s``, ``250 ms``."""
    seconds = ns / _SECOND
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 10:
        return f"{seconds:.2g} s"
    left = round(seconds)
    parts = []
    for name, size in _STEPS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def utc(ns: int) -> str:
    """An instant in ISO 8601, UTC, to the second."""
    return instant(moment(ns).replace(microsecond=0))


def between(window: Window) -> str:
    """``between … and …`` in UTC."""
    return f"between {utc(window.start_ns)} and {utc(window.end_ns)}"


def quantity(value: float, unit: str = "") -> str:
    """A number and its unit: ``12.3 mA``."""
    return f"{spelt(value)} {unit}".rstrip()


def share(part: int, whole: int) -> str:
    """A part of a whole in percent: ``3.1 %``; never ``0 %`` for something, nor ``100 %`` for
    less than all.
    """
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 0.01:
        return "less than 0.01 %"
    if 99.99 < percent < 100:
        return "more than 99.99 %"
    return f"{percent:.3g} %"


def plural(count: int, noun: str) -> str:
    """``1 sample``, ``2 samples``."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def some(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """The first names, and how many more."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
