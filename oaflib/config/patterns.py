"""Names of variables and their ``%`` patterns."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from oaflib.config.words import quoted, unseen

_LONGEST = 300


def fault_of_variable(name: str) -> str:
    """What is wrong with a variable's name or pattern; nothing when it is right."""
    if not name.strip():
        return "a variable's name is empty"
    if name != name.strip():
        return f"{quoted(name)} begins or ends with a blank"
    if fault := unseen(name):
        return f"the name {quoted(name)} {fault}"
    if len(name) > _LONGEST:
        return f"{quoted(name)} has {len(name)} characters; at most {_LONGEST} are allowed"
    if "*" in name:
        return f"{quoted(name)} holds '*'; any characters are written '%': {name.replace('*', '%')}"
    if not name.strip("%"):
        return f"{quoted(name)} asks for every variable of the source; say more of the name"
    return ""


def known_among(wanted: str, names: Iterable[str]) -> bool:
    """Whether some name of `names`, patterns among them, can be one that `wanted` means."""
    return any(wanted == name or overlap(wanted, name) for name in names)


@lru_cache(maxsize=10_000)
def overlap(one: str, other: str) -> bool:
    """Whether some text matches both patterns, in which ``%`` stands for any characters."""
    if "%" not in one and "%" not in other:
        return one == other
    if not _ends_agree(one, other):
        return False
    # reach[j]: the part of `one` read so far and other[:j] can be spelled by the same text.
    reach = [True] + [False] * len(other)
    for j, char in enumerate(other):
        reach[j + 1] = reach[j] and char == "%"
    for mark in one:
        after = [reach[0] and mark == "%"] + [False] * len(other)
        for j, char in enumerate(other):
            either = "%" in (mark, char)
            after[j + 1] = reach[j + 1] or after[j] if either else reach[j] and mark == char
        reach = after
    return reach[-1]


def _ends_agree(one: str, other: str) -> bool:
    """A quick no: what stands before the first ``%``, and after the last, differs."""
    for a, b in ((one, other), (one[::-1], other[::-1])):
        head, tail = a.split("%", 1)[0], b.split("%", 1)[0]
        shared = min(len(head), len(tail))
        if head[:shared] != tail[:shared]:
            return False
        if ("%" not in a and len(tail) > len(head)) or ("%" not in b and len(head) > len(tail)):
            return False
    return True
