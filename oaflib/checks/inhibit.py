"""One silence, said once: what cannot be judged because nothing was logged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from oaflib.checks.base import Check
from oaflib.records import Records, State
from oaflib.report import Outcome, Severity


def inhibit(judged: Iterable[tuple[Check, list[Outcome]]], records: Records) -> list[Outcome]:
    """All outcomes in order, where a variable's silence is told by its usage check alone.

    Of a variable without a single sample, the checks that could judge nothing are NOT_APPLICABLE
    and say why, when a usage check has already said that it is silent, absent or refused. Without
    one they stay INVALID: no answer is never a good answer.
    """
    judged = list(judged)
    told = {
        outcome.variable: outcome.reason
        for check, outcomes in judged
        for outcome in outcomes
        if check.kind == "usage" and outcome.severity.alarming
        if outcome.variable in records.entries
        if records.entries[outcome.variable].state is not State.LOGGED
    }
    return [
        _quiet(outcome, told[outcome.variable])
        if check.kind != "usage"
        and outcome.severity is Severity.INVALID
        and outcome.variable in told
        else outcome
        for check, outcomes in judged
        for outcome in outcomes
    ]


def _quiet(outcome: Outcome, reason: str) -> Outcome:
    return replace(
        outcome,
        severity=Severity.NOT_APPLICABLE,
        found=None,
        since=None,
        reason=f"nothing to judge: {reason}",
    )
