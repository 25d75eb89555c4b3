"""Which device ages worst: the order of an ageing page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oaflib.report import Outcome, Severity

_STATES = ("crossed", "crosses", "cannot tell", "not within horizon")


@dataclass(frozen=True)
class Ranked:
    """A device and its outcomes, the worst first; `crossing` is its first crossing's date, or
    empty.
    """

    device: str
    severity: Severity
    crossing: str
    outcomes: tuple[Outcome, ...]


def worst_first(outcomes: Iterable[Outcome]) -> list[Ranked]:
    """The devices that outcomes judge, the one that ages worst first.

    By severity, then by the state of the forecast and its date (sooner is worse), then by how long
    it has been so, then by name. Outcomes on no device are left out.
    """
    devices: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.device:
            devices.setdefault(outcome.device, []).append(outcome)
    ranked = []
    for device, found in devices.items():
        found.sort(key=_order)
        ranked.append(Ranked(device, found[0].severity, _crossing(found), tuple(found)))
    return sorted(ranked, key=lambda one: (*_order(one.outcomes[0]), one.device))


def place_of(
    severity: Severity, forecast: Mapping[str, Any] | None, since: int | None
) -> tuple[int, int, str, int]:
    """A sort key: the worst comes first."""
    said: Mapping[str, Any] = forecast or {}
    state = said.get("state", "")
    place = _STATES.index(state) if state in _STATES else len(_STATES)
    return -severity.rank, place, said.get("date") or "9999", 2**62 if since is None else since


def _order(outcome: Outcome) -> tuple[int, int, str, int]:
    return place_of(outcome.severity, outcome.forecast, outcome.since)


def _crossing(outcomes: Sequence[Outcome]) -> str:
    dates = [(one.forecast or {}).get("date") for one in outcomes]
    return min((date for date in dates if date), default="")
