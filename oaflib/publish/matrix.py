"""Device against check, one symbol a cell: a family at one glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oaflib.publish.words import what
from oaflib.report import Outcome

ROWS = 100


@dataclass(frozen=True)
class Cell:
    """The worst outcome of a device and a check: its mark, anchor, and sentence."""

    mark: str
    anchor: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Matrix:
    """Rows of cells, worst devices first; `left_out` counts devices past `ROWS`."""

    checks: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int = 0


def matrix(outcomes: Sequence[Outcome], anchors: Sequence[str]) -> Matrix:
    """The matrix of a report's outcomes, with the anchor of each."""
    worst: dict[tuple[str, str], int] = {}
    rank: dict[str, int] = {}
    for index, outcome in enumerate(outcomes):
        key = (outcome.device, outcome.check)
        if key not in worst or outcomes[worst[key]].severity.urgency < outcome.severity.urgency:
            worst[key] = index
        rank[outcome.device] = max(rank.get(outcome.device, 0), outcome.severity.urgency)
    checks = tuple(dict.fromkeys(outcome.check for outcome in outcomes))
    devices = sorted(rank, key=lambda device: (-rank[device], device))
    rows = []
    for device in devices[:ROWS]:
        cells = []
        for check in checks:
            found = worst.get((device, check))
            if found is None:
                cells.append(Cell("none"))
                continue
            outcome = outcomes[found]
            mark = str(outcome.severity).lower()
            cells.append(Cell(mark, anchors[found], what(outcome)))
        rows.append((device, tuple(cells)))
    return Matrix(checks, tuple(rows), max(len(devices) - ROWS, 0))
