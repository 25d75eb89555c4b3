"""Many outcomes of one cause: said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oaflib.checks.words import some
from oaflib.records import Records
from oaflib.report import Outcome, Severity

_LEAST = 3  # fewer are listed one by one
_TOGETHER = 500  # the part of a window within which beginnings are one
_BAD = (Severity.WARNING, Severity.ALARM, Severity.INVALID)


def fold(outcomes: Sequence[Outcome], records: Records) -> list[Outcome]:
    """`outcomes`, with those of one cause told as one, with `members`.

    One cause: three outcomes or more of one check, fault and severity that begin together, are of
    the same length where it is a time, and (where nothing says when they began) give the same
    reason. The one that stands for them keeps the place of the first. Outcomes that are OK or not
    applicable stay as they are.
    """
    slack = max(1_000_000_000, (records.window.end_ns - records.window.start_ns) // _TOGETHER)
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, outcome in enumerate(outcomes):
        if outcome.severity in _BAD and not outcome.members:
            sign = (outcome.check, outcome.fault, outcome.severity, outcome.since is None)
            cause = _cause(outcome) if outcome.since is None else ""
            groups.setdefault((*sign, cause), []).append(i)
    folded: dict[int, Outcome] = {}
    gone: set[int] = set()
    for group in groups.values():
        for cluster in _clusters(outcomes, group, slack):
            if len(cluster) >= _LEAST:
                told = _told([outcomes[i] for i in cluster])
                twins = sum(other.identity.startswith(told.identity) for other in folded.values())
                if twins:  # another cause with the same pattern: still two findings
                    told = replace(told, variable=f"{told.variable} ({twins + 1})")
                folded[cluster[0]] = told
                gone.update(cluster[1:])
    return [folded.get(i, outcome) for i, outcome in enumerate(outcomes) if i not in gone]


def pattern(names: Sequence[str]) -> str:
    """What all names have in common, with ``%`` for what differs."""
    if len(set(names)) == 1:
        return names[0]
    head = _shared(names)
    rest = [name[len(head) :][::-1] for name in names]
    return f"{head}%{_shared(rest)[::-1]}"


def _shared(names: Sequence[str]) -> str:
    """The characters with which all begin."""
    least, most = min(names), max(names)
    length = next((i for i, letter in enumerate(least) if letter != most[i]), len(least))
    return least[:length]


def _clusters(outcomes: Sequence[Outcome], group: list[int], slack: int) -> list[list[int]]:
    """The group cut where beginnings, or lengths of time, are apart; each in order."""
    pieces = _cut(group, [float(outcomes[i].since or 0) for i in group], float(slack))
    found = []
    for piece in pieces:
        if all(outcomes[i].unit == "s" and _number(outcomes[i]) is not None for i in piece):
            seconds = [_number(outcomes[i]) or 0.0 for i in piece]
            found += _cut(piece, seconds, max(slack / 1e9, 0.02 * max(seconds)))
        else:
            found.append(piece)
    return [sorted(piece) for piece in found]


def _cut(indices: list[int], keys: list[float], slack: float) -> list[list[int]]:
    """`indices` in order of `keys`, cut where a key is further than `slack` from its group's first.

    From the first and not from the one before: a long chain of small steps is no coincidence.
    """
    pieces: list[list[int]] = []
    first = 0.0
    for key, i in sorted(zip(keys, indices, strict=True)):
        if not pieces or key - first > slack:
            pieces.append([])
            first = key
        pieces[-1].append(i)
    return pieces


def _number(outcome: Outcome) -> float | None:
    return outcome.found if isinstance(outcome.found, float) else None


def _cause(outcome: Outcome) -> str:
    """The reason without the names that differ."""
    reason = outcome.reason
    for name in (outcome.variable, outcome.device):
        if name:
            reason = reason.replace(name, "…")
    return reason


def _told(cluster: list[Outcome]) -> Outcome:
    first = cluster[0]
    members = tuple(outcome.variable or outcome.device for outcome in cluster)
    devices = list(dict.fromkeys(outcome.device for outcome in cluster))
    whose = f"{len(members)} variables of {devices[0]}"
    if len(devices) > 1:
        whose = f"{len(devices)} devices"
        if len(members) > len(devices):
            whose = f"{len(members)} variables of {whose}"
    causes = {_cause(outcome) for outcome in cluster}
    same = "the same" if len(causes) == 1 else "at the same time"
    reason = f"{first.reason}; {whose} {same}, {some(members, 3)}"
    guidances = {outcome.guidance for outcome in cluster}
    limits = all(outcome.limit == first.limit for outcome in cluster)
    units = {outcome.unit for outcome in cluster}
    founds = {outcome.found for outcome in cluster}
    since = [outcome.since for outcome in cluster if outcome.since is not None]
    return replace(
        first,
        device=pattern(devices),
        variable=pattern(members),
        found=first.found if len(founds) == 1 else None,
        limit=first.limit if limits else {},
        unit=first.unit if len(units) == 1 else "",
        since=min(since) if since else None,
        reason=reason,
        guidance=first.guidance if len(guidances) == 1 else "",
        members=members,
    )
