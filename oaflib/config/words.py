"""The wording that complaints share: what was found, what is allowed, what was perhaps meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

_LONGEST = 1500
_SHOWN = 60
_LISTED = 40


def legible(text: str) -> str:
    """`text` on one line, with what cannot be seen spelled out, and cut where nobody reads on."""
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} … {text[-half:]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def quoted(text: str) -> str:
    """`text` in quotes, with what cannot be seen spelled out, cut to a readable length."""
    seen = legible(text[: _SHOWN + 1])
    return f"'{seen}'" if len(text) <= _SHOWN else f"'{seen[:_SHOWN]}…'"


def listed(names: Iterable[str]) -> str:
    """The names with commas, the first ones of very many."""
    every = list(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return (", ".join(every[:_LISTED]) or "none") + more


def near(name: str, names: Iterable[str]) -> str:
    """`` Did you mean 'x'?``, or nothing when no name is near."""
    folded = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold()[:100], folded, 1)
    return f" Did you mean '{folded[found[0]]}'?" if found else ""


def described(value: Any) -> str:
    """What a TOML value is, for somebody who expected something else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, (int, float)):
        return f"the number {value!r}" if abs(value) < 1e20 else "a huge number"
    if isinstance(value, (datetime, date, time)):
        return f"the date or time {value}"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else f"a {type(value).__name__}"


def unseen(text: str, allowed: str = "") -> str:
    """The complaint about the first control character of `text`; nothing when there is none."""
    if text.isprintable():  # nearly always, and many times faster
        return ""
    for char in text:
        if not char.isprintable() and char not in allowed and not char.isspace():
            return f"holds the character U+{ord(char):04X}, which cannot be seen; type it again"
        if char in "\r\n\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029" and char not in allowed:
            return f"holds a line break or tab (U+{ord(char):04X})"
    return ""
