"""Queries that people saved in the logging system, which OAF reports without a dataset file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oaflib.sources.base import Snapshot

# The property that lists the variables, whatever its spelling: getSelectedVariables, SELECTED_…
_SELECTED = re.compile(r"(GET)?(ALL)?(SELECTED)?VARIABLES?(NAMES?)?(LIST)?")
_NAMES_APART = re.compile(r"[,;|\s\[\]{}\"']+")


def saved(jpype: Any, service: Any, pattern: str, owner: str) -> list[Snapshot]:
    """The public snapshots whose name matches `pattern` (``%``), by name.

    `owner` empty: anybody's. The variables of a snapshot without any are an empty tuple. When is
    left to the task: a snapshot's times are texts of nobody knows which zone.
    """
    fits = re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)
    builder = _builder(jpype, service)
    found: dict[tuple[str, str], Snapshot] = {}
    # That an owner may be a pattern, and that an empty one is anybody, is nowhere written.
    for asked in (owner,) if owner else ("%", ""):
        criteria = builder(pattern, asked).withPublic().build()
        for entry in service.getSnapshotsFor(criteria) or ():
            name, by = str(entry.getName()), str(entry.getOwner())
            if fits.fullmatch(name) and owner in ("", by):
                found.setdefault((name, by), _snapshot(name, by, _attributes(entry)))
        if found:
            break
    return [found[key] for key in sorted(found)]


def _builder(jpype: Any, service: Any) -> Any:
    """The class that makes criteria; its package is told by the method that takes them."""
    for method in service.getClass().getMethods():
        if str(method.getName()) == "getSnapshotsFor" and len(method.getParameterTypes()) == 1:
            criteria = method.getParameterTypes()[0]
            for inner in criteria.getDeclaredClasses():
                if str(inner.getSimpleName()) == "SnapshotCriteriaBuilder":
                    return jpype.JClass(inner)
    raise TypeError("the snapshot service has no getSnapshotsFor(SnapshotCriteria)")


def _attributes(entry: Any) -> dict[str, str]:
    attributes = entry.getProperties().getAttributes(True)
    return {
        str(pair.getKey()): "" if pair.getValue() is None else str(pair.getValue())
        for pair in (attributes.entrySet() if attributes is not None else ())
    }


def _snapshot(name: str, owner: str, attributes: Mapping[str, str]) -> Snapshot:
    variables: tuple[str, ...] = ()
    others = []
    for key, text in sorted(attributes.items()):
        if _SELECTED.fullmatch(re.sub(r"[^A-Z]", "", key.upper())):
            names = (word for word in _NAMES_APART.split(text) if word)
            variables = tuple(dict.fromkeys([*variables, *names]))
        elif text:
            others.append(f"{key} {text}")
    description = f"saved by {owner}" + (f": {', '.join(others)}" if others else "")
    return Snapshot(name, variables, description)
