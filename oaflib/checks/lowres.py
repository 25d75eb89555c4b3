"""What checks found in variables that came at low resolution, said to be so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from oaflib.checks.base import Check
from oaflib.records import Records
from oaflib.report import Outcome, Severity


def at_low_resolution(check: Check, outcomes: Sequence[Outcome], records: Records) -> list[Outcome]:
    """The `outcomes` of `check` with a word on those of variables at low resolution.

    A check that needs every sample has not judged them: INVALID, or NOT_APPLICABLE where it only
    compares (`Check.coarse`). What others say is true of the extremes, at times known to a part of
    the window, and says so.
    """
    coarse = set(records.coarse)
    return [
        _said(outcome, records, check.coarse) if outcome.variable in coarse else outcome
        for outcome in outcomes
    ]


def _said(outcome: Outcome, records: Records, way: str) -> Outcome:
    if outcome.severity in (Severity.INVALID, Severity.NOT_APPLICABLE):
        return outcome
    width = records.entries[outcome.variable].resolution / 1e9
    if way == "judged":
        return replace(
            outcome, reason=f"{outcome.reason} (at low resolution, in parts of {width:.3g} s)"
        )
    return replace(
        outcome,
        severity=Severity.INVALID if way == "invalid" else Severity.NOT_APPLICABLE,
        found=None,
        since=None,
        reason=f"{outcome.variable} came at low resolution, in parts of {width:.3g} s: "
        f"{outcome.check} needs every sample, so it could not be judged",
    )
