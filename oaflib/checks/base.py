"""What a check is: a frozen dataclass of limits that judges records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from oaflib.records import Records
from oaflib.report import Fault, Outcome
from oaflib.series import Kind


class Past(Protocol):
    """History, as checks see it."""


@dataclass(frozen=True)
class Check:
    """Base of all checks. The fields are the keys of a dataset's ``[[check]]``.

    Attributes
    ----------
    variables : names or ``%`` patterns; empty means every variable of a kind the check takes.
    name : what the outcome is called on the page; the kind when empty.
    severity : of a violation.
    gate : expression; the check applies only while it is true.
    guidance : what the expert should do about a violation.
    """

    kind: ClassVar[str] = ""
    fault: ClassVar[Fault]
    kinds: ClassVar[tuple[Kind, ...]] = tuple(Kind)

    variables: tuple[str, ...] = ()
    name: str = ""
    severity: Literal["warning", "alarm"] = "alarm"
    gate: str = ""
    guidance: str = ""

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        """One outcome a variable judged; never raises for what the data are like."""
        raise NotImplementedError
