"""How good the data of a report are, as its document says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oaflib.records import Entry, Records, State

_NOTES = 20
_ADDED = ("nan", "inf", "duplicates", "conflicts", "unordered", "invalid", "warned", "disconnects")


def quality_of(records: Records) -> dict[str, Any]:
    """Counts over all variables extracted, and a sentence for each that needs one (at most 20).

    `coarse` counts variables at low resolution, `resolution` is the length in seconds of the parts
    they came in; without such variables 0.
    """
    entries = [entry for entry in records.entries.values() if not entry.computed]
    counts = {"variables": len(entries)}
    counts |= {str(state): sum(entry.state is state for entry in entries) for state in State}
    counts |= {name: sum(getattr(entry, name) for entry in entries) for name in _ADDED}
    coarse = [entry for entry in entries if entry.resolution]
    notes = [note for entry in entries if (note := _note(entry))]
    more = [f"and {len(notes) - _NOTES} more"] if len(notes) > _NOTES else []
    return {
        **counts,
        "coarse": len(coarse),
        "resolution": max((entry.resolution for entry in coarse), default=0) / 1e9,
        "notes": [*notes[:_NOTES], *more],
    }


def _note(entry: Entry) -> str:
    name = entry.variable.name
    if entry.state is State.FAILED:
        return f"{name}: {entry.reason}"
    if entry.resolution:
        count = (entry.reduced or {}).get("count")
        of = f"of {count:,} samples " if isinstance(count, int) else ""
        return f"{name}: {of}only the extremes of each {entry.resolution / 1e9:.3g} s"
    if entry.invalid or entry.disconnects:
        said = [
            f"{count:,} {word}"
            for count, word in (
                (entry.invalid, "samples its system calls invalid"),
                (entry.disconnects, "lost connections"),
            )
            if count
        ]
        return f"{name}: {', '.join(said)}" + (f" ({entry.note})" if entry.note else "")
    return ""


def coarsely(records: Records, computed: Records) -> Records:
    """`records` with what was computed from their means, marked as of low resolution too."""
    made = [name for name in computed if name not in records]
    found = records.with_series([])
    width = max(records.entries[name].resolution for name in records.coarse)
    for name in made:
        entry = computed.entries[name]
        if entry.state in (State.LOGGED, State.EMPTY):
            found = found.with_series([computed[name]])
        found.entries[name] = replace(entry, resolution=width if entry.count else 0)
    return found
