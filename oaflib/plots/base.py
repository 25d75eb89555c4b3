"""What a plot is: a frozen dataclass whose fields are the keys of a dataset's ``[[plot]]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from oaflib.plots.picture import PNG, SVG, Drawn, Picture, Style, Trouble
from oaflib.plots.scene import Scene, svg
from oaflib.records import Records, State
from oaflib.report import Outcome, Severity
from oaflib.series import Kind
from oaflib.trend import Trend


@dataclass(frozen=True)
class Plot:
    """Base of all plots. The fields are the keys of a dataset's ``[[plot]]``.

    Attributes
    ----------
    variables : names or ``%`` patterns; empty means every variable of a kind the plot takes.
    title : above the picture; made from the variables when empty.
    """

    kind: ClassVar[str] = ""
    kinds: ClassVar[tuple[Kind, ...]] = tuple(Kind)

    variables: tuple[str, ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, list):
                object.__setattr__(self, entry.name, tuple(value))
            elif entry.name == "variables" and isinstance(value, str):
                object.__setattr__(self, "variables", (value,))

    def figures(self, records: Records, outcomes: Sequence[Outcome]) -> Iterator[Drawn]:
        """The pictures, the worst first; a `Trouble` for what cannot be drawn."""
        raise NotImplementedError

    def chosen(self, records: Records) -> tuple[list[str], list[str]]:
        """The variables to draw, in order, and a sentence for each one that cannot be."""
        notes: list[str] = []
        names: dict[str, None] = {}
        for wanted in self.variables or ("%",):
            found = matching(wanted, records)
            if not found:
                notes.append(f"no variable of the records is called {wanted}")
            for name in found:
                entry = records.entries[name]
                if entry.state is State.ABSENT:
                    said = f"{name} does not exist in the source"
                elif entry.state is State.FAILED:
                    said = f"the request for {name} failed"
                elif entry.variable.kind not in self.kinds:
                    allowed = " or ".join(self.kinds)
                    said = f"{name} is {entry.variable.kind}; a {self.kind} takes {allowed}"
                elif entry.state is State.EMPTY:
                    said = f"nothing was logged for {name}"
                else:
                    names[name] = None
                    continue
                asked = bool(self.variables) and "%" not in wanted
                silent = entry.state is State.EMPTY and entry.variable.kind in self.kinds
                if asked or silent:
                    notes.append(said)
        return list(names), notes

    def nothing(self, notes: Sequence[str]) -> Trouble:
        """The sentence that stands for a plot without anything to draw."""
        return Trouble(self.title or self.kind, listed(notes) or "there is nothing to draw")


@dataclass(frozen=True)
class Words:
    """What is said of a picture."""

    title: str
    caption: str
    alt: str
    variables: tuple[str, ...]
    kind: str = ""


def finished(
    scene: Scene, words: Words, style: Style, interactive: Mapping[str, object] | None = None
) -> Picture:
    """The scene as a picture of that style."""
    if style.png:
        from oaflib.plots.raster import png

        data, media = png(scene, style.scale), PNG
    else:
        data, media = svg(scene, words.title, words.alt), SVG
    return Picture(
        title=words.title,
        caption=words.caption,
        alt=words.alt,
        variables=words.variables,
        data=data,
        media=media,
        width=round(scene.width),
        height=round(scene.height),
        kind=words.kind,
        interactive=interactive,
    )


class Verdicts:
    """What the outcomes say of each variable."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._of: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            for name in dict.fromkeys((outcome.variable, *outcome.members)):
                self._of.setdefault(name, []).append(outcome)

    def of(self, variable: str) -> list[Outcome]:
        """The outcomes on a variable, the worst first."""
        found = self._of.get(variable, ())
        return sorted(found, key=lambda outcome: -outcome.severity.rank)

    def worst(self, variable: str) -> Severity | None:
        """The worst severity of a variable; None when nothing judged it."""
        found = self.of(variable)
        return found[0].severity if found else None

    def rank(self, variable: str) -> int:
        """For sorting: larger is worse, -1 for a variable nothing judged."""
        worst = self.worst(variable)
        return -1 if worst is None else worst.rank

    def bad(self, variable: str) -> bool:
        """Whether a variable has a warning, an alarm or could not be judged."""
        return self.rank(variable) > Severity.OK.rank

    def worst_first(self, names: Sequence[str]) -> list[str]:
        """`names`, the worst first, else in their order."""
        return sorted(names, key=lambda name: -self.rank(name))


def histories(variables: Sequence[str], records: Records, verdicts: Verdicts) -> Iterator[Trend]:
    """The history of each variable of those names or patterns (all, of none), the worst first."""
    wanted = variables or ("%",)
    names = dict.fromkeys(name for one in wanted for name in matching(one, records))
    for name in verdicts.worst_first(list(names)):
        trend: Trend = records.past.trend(name)
        yield trend


def matching(wanted: str, records: Records) -> list[str]:
    """The records' variables of that name, or that a ``%`` pattern matches, in their order."""
    if wanted in records:
        return [wanted]
    if "%" not in wanted:
        return []
    pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("%")), re.DOTALL)
    return [name for name in records if pattern.fullmatch(name)]


def listed(entries: Sequence[str], most: int = 6) -> str:
    """Sentences joined, and how many more there are."""
    shown = "; ".join(entry[:200] for entry in entries[:most])
    more = len(entries) - most
    return f"{shown}; and {more} more" if more > 0 else shown


def field_of(name: str) -> str:
    """What a variable's name says after its device; the whole name where it has no device."""
    return re.split(r"[:#]", name)[-1]


def title_of(names: Sequence[str]) -> str:
    """What a picture of several variables is called."""
    common, _ = shortened(names)
    joined = ", ".join(names)
    if common or len(joined) > 60:
        return common or f"{len(names)} variables"
    return joined


def shortened(names: Sequence[str]) -> tuple[str, list[str]]:
    """What names have in common, with * where they differ, and what tells them apart.

    Cut only between the parts of a name. One name, or names with little in common: all of each.
    """
    if len(names) < 2:
        return "", list(names)
    parts = [re.findall(r"[^.:/#_ ]+[.:/#_ ]*|[.:/#_ ]+", name) for name in names]
    shortest = min(len(part) for part in parts)
    head = 0
    while head < shortest - 1 and len({part[head] for part in parts}) == 1:
        head += 1
    tail = 0
    while tail < shortest - head - 1 and len({part[-1 - tail] for part in parts}) == 1:
        tail += 1
    common = sum(map(len, parts[0][:head])) + sum(map(len, parts[0][len(parts[0]) - tail :]))
    if common < 6:
        return "", list(names)
    whole = ["".join(part[head : len(part) - tail]) for part in parts]
    middles = [middle.rstrip(".:/#_ ") for middle in whole]
    if len(set(middles)) < len(names) or not all(middles):
        return "", list(names)
    before = "".join(parts[0][:head])
    after = "".join(parts[0][len(parts[0]) - tail :]) if tail else ""
    return f"{before}*{whole[0][len(middles[0]) :]}{after}", middles
