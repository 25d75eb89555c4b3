"""``%`` patterns in the languages of other systems; only ``%`` is special, never ``_`` or ``?``."""

from __future__ import annotations

import re


def regex_of(pattern: str) -> str:
    """A regular expression (Python's or Java's) that matches whole names by `pattern`.

    Only characters that are special are escaped, for Java refuses a backslash before a letter.
    """
    return ".*".join(re.sub(r"([^\w\s:/-])", r"\\\1", part) for part in pattern.split("%"))


def like_of(pattern: str, escape: str = "\\") -> str:
    """The pattern for SQL's ``LIKE … ESCAPE``; `escape` is the character said there."""
    return re.sub(rf"([_{re.escape(escape)}])", lambda found: escape + found[1], pattern)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole `name` matches."""
    return re.fullmatch(regex_of(pattern), name, re.DOTALL) is not None
