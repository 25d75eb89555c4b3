"""One row of the campaign's table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tried:
    """How often one fault was tried, and what came of it.

    `survived` counts the tries after which every invariant held. `lost` counts reports, alarms and
    mails that are gone, `duplicates` mails that somebody got once more. `worst` is the longest
    time (s) that a try took to its end. `violations` says in words what did not hold.
    """

    what: str
    tried: int
    survived: int
    lost: int = 0
    duplicates: int = 0
    worst: float = 0.0
    note: str = ""
    violations: Sequence[str] = field(default=())

    @property
    def held(self) -> bool:
        """Whether nothing was lost and every try survived."""
        return self.tried == self.survived and not self.lost and not self.violations


def table(rows: Sequence[tuple[str, Tried]]) -> str:
    """The rows, each with its family, for a terminal and for the documentation."""
    head = ("family", "what", "tried", "survived", "lost", "copies", "worst", "note")
    cells = [head]
    for family, row in rows:
        worst = f"{row.worst:.1f} s" if row.worst else ""
        counts = (f"{row.tried:,}", f"{row.survived:,}", str(row.lost), str(row.duplicates))
        cells.append((family, row.what, *counts, worst, row.note))
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def summary(rows: Sequence[tuple[str, Tried]], took: Mapping[str, float]) -> str:
    """A line for each family, which took so many seconds, and one for all."""
    lines = []
    for family, seconds in took.items():
        lines.append(f"{family}: {_counted([r for f, r in rows if f == family])}, {seconds:.0f} s")
    every = [row for _, row in rows]
    broken = sum(not row.held for row in every)
    verdict = f"{broken} rows did not hold" if broken else "All held"
    return "\n".join([*lines, f"{verdict}: {_counted(every)}, {sum(took.values()):.0f} s."])


def _counted(rows: Sequence[Tried]) -> str:
    tried, survived = (sum(getattr(row, of) for row in rows) for of in ("tried", "survived"))
    lost, copies = (sum(getattr(row, of) for row in rows) for of in ("lost", "duplicates"))
    return f"{tried:,} tried, {survived:,} survived, {lost} lost, {copies} mails twice"


def budget(seconds: float) -> float:
    """How long (s) what is random may go on: ``OAF_MINUTES`` if set, else `seconds`."""
    minutes = os.environ.get("OAF_MINUTES")
    return 60 * float(minutes) if minutes else seconds
