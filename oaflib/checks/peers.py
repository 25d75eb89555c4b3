"""One device against its siblings, with no limit to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from oaflib.checks.base import Context, GroupCheck, Verdict
from oaflib.checks.facts import Floats, Mask, missing, spread
from oaflib.checks.ranks import median, percentiles
from oaflib.checks.siblings import families
from oaflib.checks.words import plural, quantity, some
from oaflib.records import Entry
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series, Variable

_FEW = 20  # samples below which a device has no habits
_LIVE = 0.2  # share of samples that change, of a device that lives
_QUIET = 1e-9  # of the siblings' spread: nothing
_LOOK = 10_000  # samples looked at for habits; more say nothing new


@dataclass(frozen=True, eq=False)
class Habits:
    """How a device (or each element of a vector) behaved: arrays of one entry an element."""

    level: Floats  # median
    spread: Floats  # robust, of the steps between samples
    activity: Floats  # share of samples that differ from the one before
    count: int
    start: int

    @property
    def width(self) -> int:
        """Elements."""
        return len(self.level)


@dataclass(frozen=True)
class Finding:
    """What sets one member apart: the value, and a clause that says it."""

    value: float
    clause: str
    dead: bool


@dataclass(frozen=True)
class Peers(GroupCheck[Habits]):
    """A device that behaves unlike its siblings; no limit is needed.

    Siblings are the elements of a vector, or variables of the same name but for numbers and
    places, and the same unit. Each is held against all the others on three habits: ``activity``
    (does it move at all), ``spread`` (its noise) and ``level`` (its median). What is ordinary is
    learnt from the others: a level is out when it is further from their median than `factor` robust
    standard deviations and than three times the range that nine of ten of them fill; a spread when
    the same holds of its logarithm. A member that does not move while most others do is dead,
    wherever it stands. Fewer than `least` siblings, or mostly dead ones, are not applicable.

    A dead member is a violation; an unusual level or noise is a warning.

    Attributes
    ----------
    factor : robust standard deviations of the others.
    least : siblings there must be.
    habits : which to compare.
    ignore : elements of a vector, by index from 0, or variables that are known to be unlike.
    """

    kind: ClassVar[str] = "peers"
    coarse: ClassVar[Literal["judged", "invalid", "left out"]] = "left out"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    factor: float = 8.0
    least: int = 5
    habits: tuple[str, ...] = ("activity", "spread", "level")
    ignore: tuple[int | str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.factor > 0:
            raise ValueError(f"factor is {self.factor}; it must be above zero")
        if self.least < 3:
            raise ValueError(f"least is {self.least}; it must be 3 or more")
        alien = set(self.habits) - {"activity", "spread", "level"}
        if alien or not self.habits:
            raise ValueError(f"habits {some(sorted(alien))}; allowed: activity, spread, level")

    def note(self, series: Series, context: Context) -> Habits:  # noqa: ARG002
        start = int(series.time[0])
        if series.ragged:
            return Habits(*_none(0), len(series), start)
        if series.kind is Kind.NUMERIC:
            odd = missing(series)
            good = series.value[~odd] if odd.any() else series.value
            if len(good) < _FEW:
                return Habits(*_none(1), len(good), start)
            return Habits(*habits_of_one(good), len(good), start)
        value = series.value
        if len(value) < _FEW or value.shape[1] == 0:
            return Habits(*_none(value.shape[1]), len(value), start)
        return Habits(*habits_of(value), len(value), start)

    def compare(
        self,
        notes: Mapping[str, Habits],
        entries: Mapping[str, Entry],
        context: Context,  # noqa: ARG002
    ) -> list[Outcome]:
        outcomes = []
        scalars = []
        for name, habits in notes.items():
            variable = entries[name].variable
            if variable.kind is Kind.VECTORNUMERIC:
                outcomes.append(self.outcome(variable, self._elements(habits, variable)))
            else:
                scalars.append(variable)
        for names in families(scalars):
            outcomes += self._family(names, notes, entries)
        return outcomes

    def _elements(self, habits: Habits, variable: Variable) -> Verdict:
        if habits.count < _FEW or habits.width <= self.least:
            what = f"{plural(habits.count, 'vector')} of {plural(habits.width, 'element')}"
            reason = f"{what}: too few to be compared"
            return Verdict(Severity.NOT_APPLICABLE, reason)
        skip = np.isin(np.arange(habits.width), [i for i in self.ignore if not isinstance(i, str)])
        found = self.strangers(habits, skip, variable.unit)
        if found is None:
            reason = f"most of {plural(habits.width, 'element')} do not move: nothing to compare"
            return Verdict(Severity.NOT_APPLICABLE, reason)
        fine = Verdict(Severity.OK, f"{plural(habits.width, 'element')} behave alike", 0.0)
        if not found:
            return fine
        dead = [i for i, finding in found.items() if finding.dead]
        first = dead[0] if dead else next(iter(found))
        said = [f"element {i} {finding.clause}" for i, finding in found.items()]
        severity = self.violated if dead else Severity.WARNING
        reason = f"{some(said)}, unlike the other {plural(habits.width - len(found), 'element')}"
        return Verdict(severity, reason, found[first].value, since=habits.start)

    def _family(
        self, names: list[str], notes: Mapping[str, Habits], entries: Mapping[str, Entry]
    ) -> list[Outcome]:
        there = [name for name in names if notes[name].count >= _FEW]
        every = Habits(
            level=np.array([notes[name].level[0] for name in there]),
            spread=np.array([notes[name].spread[0] for name in there]),
            activity=np.array([notes[name].activity[0] for name in there]),
            count=len(there),
            start=0,
        )
        unit = entries[names[0]].variable.unit
        skip = np.array([name in self.ignore for name in there], dtype=bool)
        found: dict[int, Finding] | None = None
        if len(there) > self.least:
            found = self.strangers(every, skip, unit)
        outcomes = []
        for name in names:
            variable = entries[name].variable
            others = plural(len(there) - 1, "sibling") if len(there) > 1 else "no sibling"
            if name not in there:
                what = plural(notes[name].count, "finite sample")
                verdict = Verdict(Severity.NOT_APPLICABLE, f"{what}: too few to be compared")
            elif found is None:
                verdict = Verdict(Severity.NOT_APPLICABLE, f"{others} that live: too few")
            elif there.index(name) in found:
                finding = found[there.index(name)]
                severity = self.violated if finding.dead else Severity.WARNING
                reason = f"{finding.clause}, unlike its {others}"
                verdict = Verdict(severity, reason, finding.value, since=notes[name].start)
            else:
                value = float(notes[name].level[0])
                verdict = Verdict(Severity.OK, f"behaves like its {others}", value)
            outcomes.append(self.outcome(variable, verdict))
        return outcomes

    def strangers(self, habits: Habits, skip: Mask, unit: str) -> dict[int, Finding] | None:
        """The members unlike the others, by index; None when most of them are dead."""
        judged = ~skip & np.isfinite(habits.level)
        lives = judged & (habits.activity >= _LIVE) & (habits.spread > 0)
        if 2 * int(lives.sum()) <= int(judged.sum()) or lives.sum() < self.least:
            return None
        found: dict[int, Finding] = {}
        typical = float(np.median(habits.spread[lives]))
        if "activity" in self.habits:
            still = ~skip & ~((habits.spread > _QUIET * typical) & (habits.activity > 0.01))
            for i in np.flatnonzero(still):
                value = float(habits.level[i])
                clause = f"is dead at {quantity(value, unit)}"
                if not np.isfinite(value):
                    clause = "is dead, NaN"
                found[int(i)] = Finding(value, clause, dead=True)
        for habit, log in (("level", False), ("spread", True)):
            if habit not in self.habits:
                continue
            values = getattr(habits, habit)
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.log(values) if log else values
            out = self.apart(scale, lives)
            if "activity" not in self.habits:
                out &= lives  # the dead are somebody else's business
            typical_value = float(np.median(values[lives]))
            for i in np.flatnonzero(out & judged):
                if int(i) in found:
                    continue
                noun = "noise" if log else "level"
                clause = f"has a {noun} of {quantity(float(values[i]), unit)}"
                clause += f" where {quantity(typical_value, unit)} is usual"
                found[int(i)] = Finding(float(values[i]), clause.replace("a noise", "noise"), False)
        return found

    def apart(self, values: Floats, lives: Mask) -> Mask:
        """Which values are out of what the living others make ordinary."""
        ordinary = values[lives & np.isfinite(values)]
        if len(ordinary) < self.least:
            return np.zeros(len(values), dtype=bool)
        middle = float(np.median(ordinary))
        # leave-one-out in the limit: robust measures that one or a few members cannot move
        low, high = np.percentile(ordinary, [5, 95])
        if len(ordinary) < 20:
            low, high = np.sort(ordinary)[[1, -2]]
        margin = max(self.factor * spread(ordinary), 3 * float(high - low))
        away = np.abs(values - middle)
        return np.asarray(np.isfinite(values) & (away > margin) & (margin > 0))


def habits_of(value: Any) -> tuple[Floats, Floats, Floats]:
    """Level, spread of the steps and activity of each column of [n, m]; NaN elements left out."""
    value = np.asarray(value, dtype=np.float64)
    stride = max(1, len(value) // _LOOK)
    steps = value[1::stride] - value[:-1:stride]  # of neighbours, where not all are looked at
    value = value[::stride]
    if not np.isfinite(value).all() or not np.isfinite(steps).all():
        value = np.where(np.isfinite(value), value, np.nan)
        steps = np.where(np.isfinite(steps), steps, np.nan)
    there = np.isfinite(value).sum(axis=0)
    known = np.isfinite(steps).sum(axis=0)
    level = np.full(value.shape[1], np.nan)
    noise = np.zeros(value.shape[1])
    activity = np.zeros(value.shape[1])
    if (there == len(value)).all() and (known == len(steps)).all():
        level = np.median(value, axis=0)
        noise = _spreads(steps, np.percentile)
    else:
        some_there, some_known = there > 0, known > 0
        if some_there.any():
            level[some_there] = np.nanmedian(value[:, some_there], axis=0)
        if some_known.any():
            noise[some_known] = _spreads(steps[:, some_known], np.nanpercentile)
    moved = (np.nan_to_num(steps) != 0).sum(axis=0)
    activity = np.divide(moved, known, out=activity, where=known > 0)
    return level, noise, activity


def habits_of_one(value: Any) -> tuple[Floats, Floats, Floats]:
    """As `habits_of` of the finite samples of one device, float[n]; each of one entry."""
    value = np.asarray(value, dtype=np.float64)
    stride = max(1, len(value) // _LOOK)
    steps = value[1::stride] - value[:-1:stride]
    if not np.isfinite(steps).all():  # between the largest floats
        return habits_of(value[:, None])
    noise = _spreads(steps, lambda steps, at, axis: percentiles(steps, at))  # noqa: ARG005
    activity = np.count_nonzero(steps) / len(steps)
    return np.array([median(value[::stride])]), noise[None], np.array([activity])


def _spreads(steps: Floats, percentile: Any) -> Floats:
    """Robust standard deviation of each column over √2; by percentiles where most steps are 0."""
    low, q1, q3, high = percentile(steps, [5, 25, 75, 95], axis=0)
    found = (q3 - q1) / 1.349
    return np.asarray(np.where(found > 0, found, (high - low) / 3.29) / np.sqrt(2))


def _none(width: int) -> tuple[Floats, Floats, Floats]:
    return np.full(width, np.nan), np.zeros(width), np.zeros(width)
