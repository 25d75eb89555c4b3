"""Did a reading leave its own habits?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from oaflib.checks.base import Context, GroupCheck, Verdict
from oaflib.checks.episodes import MOST, Episode, episodes
from oaflib.checks.facts import missing
from oaflib.checks.siblings import families
from oaflib.checks.words import plural, quantity, span, utc
from oaflib.records import Entry
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series, Variable

_SETTING = 0.05  # share of samples that change, below which it is no reading
_FEW = 160


@dataclass(frozen=True)
class Left:
    """When a reading left its habits: an episode between two times (int64 ns UTC)."""

    episode: Episode
    start: int
    stop: int


@dataclass(frozen=True)
class Behaviour:
    """What is unusual in one variable; `reason` says why it was not looked at."""

    lefts: tuple[Left, ...] = ()
    share: float = 0.0
    count: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Unusual(GroupCheck[Behaviour]):
    """A shift of the level, a change of the noise or a spike, against the variable's own habits.

    Needs no limit. A reading is held against itself over the window, by robust measures (see
    `episodes`): what it does most of the time, regularly, or again and again, is its habit. What
    half of its siblings or more do at the same time has a common cause (the machine, the weather)
    and is not unusual. Settings, and readings of fewer than 160 samples, are not applicable; NaN
    is left out. A warning, unless `severity` says otherwise: unusual need not be wrong.
    """

    kind: ClassVar[str] = "unusual"
    coarse: ClassVar[Literal["judged", "invalid", "left out"]] = "left out"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    severity: Literal["warning", "alarm"] = "warning"

    def note(self, series: Series, context: Context) -> Behaviour:  # noqa: ARG002
        odd = missing(series)
        if odd.all():
            return Behaviour(count=len(series), reason="nan")
        good = series.where(~odd) if odd.any() else series
        value = good.value.astype(np.float64, copy=False)
        if len(value) < _FEW:
            what = plural(len(value), "finite sample")
            return Behaviour(count=len(value), reason=f"{what}: too few to know its habits")
        if np.count_nonzero(value[1:] != value[:-1]) < _SETTING * len(value):
            return Behaviour(count=len(value), reason="changes rarely, as settings and states do")
        found = episodes(value)
        last = len(value) - 1
        lefts = tuple(
            Left(episode, int(good.time[episode.first]), int(good.time[min(episode.stop, last)]))
            for episode in found
        )
        whole = sum(one.stop - one.first for one in found if not one.faint) / len(value)
        return Behaviour(lefts, whole, len(value))

    def compare(
        self,
        notes: Mapping[str, Behaviour],
        entries: Mapping[str, Entry],
        context: Context,  # noqa: ARG002
    ) -> list[Outcome]:
        outcomes = []
        for names in families(entries[name].variable for name in notes):
            kin = _Kin([notes[name] for name in names])
            for i, name in enumerate(names):
                variable = entries[name].variable
                outcomes.append(self.outcome(variable, self._verdict(kin, i, variable)))
        return outcomes

    def _verdict(self, kin: _Kin, i: int, variable: Variable) -> Verdict:
        behaviour = kin.notes[i]
        if behaviour.reason == "nan":
            reason = f"all of {plural(behaviour.count, 'sample')} are NaN or infinite"
            return Verdict(Severity.INVALID, reason)
        if behaviour.reason:
            return Verdict(Severity.NOT_APPLICABLE, behaviour.reason)
        clear = [left for left in behaviour.lefts if not left.episode.faint]
        own = [left for left in clear if not kin.share(left, i)]
        if behaviour.share > MOST:
            return Verdict(Severity.OK, "restless all the time: that is its habit")
        if not own:
            also = ", but for what its siblings do too" if clear else ""
            return Verdict(Severity.OK, f"as usual{also}")
        worst = max(own, key=lambda left: abs(left.episode.size))
        since = min(left.start for left in own)
        reason = _told(worst, variable.unit)
        if len(own) > 1:
            reason += f"; {plural(len(own) - 1, 'lesser episode')} beside it"
        limit = {"usual": worst.episode.usual}
        return Verdict(self.violated, reason, worst.episode.value, limit, since)


def _told(left: Left, unit: str) -> str:
    episode = left.episode
    value, usual = quantity(episode.value, unit), quantity(episode.usual, unit)
    sigmas = f"{min(abs(episode.size), 999):.3g} robust sigmas"
    if episode.sort == "spike":
        return f"spike to {value} at {utc(left.start)}, {sigmas} from {usual}"
    when = f"since {utc(left.start)}, for {span(left.stop - left.start)}, {sigmas}"
    if episode.sort == "level":
        return f"level {value} instead of {usual} {when}"
    noisy = "noisier" if episode.size > 0 else "quieter"
    return f"{noisy}, {value} instead of {usual} {when}"


class _Kin:
    """Siblings, and when each of them left its habits."""

    def __init__(self, notes: Sequence[Behaviour]) -> None:
        self.notes = notes
        lefts: dict[str, list[tuple[int, int, int]]] = {}
        for i, note in enumerate(notes):
            for left in note.lefts:
                lefts.setdefault(left.episode.sort, []).append((i, left.start, left.stop))
        self._lefts = {sort: np.array(rows, dtype=np.int64).T for sort, rows in lefts.items()}

    def share(self, left: Left, own: int) -> bool:
        """Whether half of the siblings of `own`, at least two, leave their habits with it."""
        who, start, stop = self._lefts[left.episode.sort]
        slack = max(left.stop - left.start, 1) // 4
        with_it = (start < left.stop + slack) & (left.start - slack < stop) & (who != own)
        along = len(np.unique(who[with_it]))
        return along >= 2 and 2 * along >= len(self.notes) - 1
