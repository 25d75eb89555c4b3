"""One silence, said once: what cannot be judged because a device logged nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from oaflib.checks.base import Check
from oaflib.records import Records, State
from oaflib.report import Outcome, Severity
from oaflib.series import Kind, device_of
from oaflib.window import instant, moment


def inhibit(judged: Iterable[tuple[Check, list[Outcome]]], records: Records) -> list[Outcome]:
    """All outcomes in order, where a silence is told by a usage check alone.

    The checks that could judge nothing of a variable without a single sample are NOT_APPLICABLE and
    say why, when a usage check has already said of it, of the variable it is computed from, or of
    its device (``PR.BWS.68.H_ROT`` for ``PR.BWS.68.H_ROT.APP.IN``) that it is silent. Without one
    they stay INVALID: no answer is never a good answer. A text that holds since before the window
    is not silent; what judges its samples has nothing to judge.
    """
    judged = list(judged)
    told = {
        outcome.variable: outcome.reason
        for check, outcomes in judged
        for outcome in outcomes
        if check.kind == "usage" and outcome.severity.alarming
        if _silent(outcome.variable, records)
    }
    return [
        _quiet(outcome, told, records) if check.kind != "usage" else outcome
        for check, outcomes in judged
        for outcome in outcomes
    ]


def _quiet(outcome: Outcome, told: dict[str, str], records: Records) -> Outcome:
    if outcome.severity is not Severity.INVALID or not _silent(outcome.variable, records):
        return outcome
    entry = records.entries[outcome.variable]
    if entry.variable.kind is Kind.TEXTUAL and entry.before is not None:
        since = instant(moment(entry.before[0]).replace(microsecond=0))
        reason = f"nothing to judge: unchanged at '{entry.before[1]}' since {since}"
        return _not_applicable(outcome, reason)
    cause = _cause(outcome.variable, told, records)
    if cause is None:
        return outcome
    whose = "" if cause == outcome.variable else f"{cause}: "
    return _not_applicable(outcome, f"nothing to judge: {whose}{told[cause]}")


def _not_applicable(outcome: Outcome, reason: str) -> Outcome:
    severity = Severity.NOT_APPLICABLE
    return replace(outcome, severity=severity, found=None, since=None, reason=reason)


def _cause(variable: str, told: dict[str, str], records: Records) -> str | None:
    """The silent variable, already told, that explains the silence of `variable`."""
    if variable in told:
        return variable
    entry = records.entries[variable]
    device = device_of(variable)
    for name in told:
        whole = device_of(name)
        if entry.computed and name in entry.reason:
            return name
        if device == whole or device.startswith(f"{whole}."):
            return name
    return None


def _silent(variable: str, records: Records) -> bool:
    entry = records.entries.get(variable)
    return entry is not None and entry.state is not State.LOGGED
