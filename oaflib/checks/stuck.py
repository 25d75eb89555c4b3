"""Has the reading stopped moving?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from oaflib.checks.base import Context, Duration, GroupCheck, Verdict
from oaflib.checks.facts import Runs, held, missing, open_time, runs_where, unchanged
from oaflib.checks.siblings import Others, families
from oaflib.checks.words import ns_of, plural, quantity, span, utc
from oaflib.records import Entry
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series, Variable

_SECOND = 1_000_000_000
_LIVE = 0.2  # share of samples that differ from the one before, of a reading and not a setting
_MANY = 1000  # samples of which most readings show a third value
_LONG = 20  # samples; a shorter run proves nothing
_TIMES = 10  # how much longer than its other runs a run must be
_PASTS = 5  # earlier windows that tell whether a variable normally changes


@dataclass(frozen=True)
class Still:
    """How a variable moved. `run_start` and `run_stop` (int64 ns UTC) bound its longest rest."""

    count: int
    odd: int
    activity: float  # share of samples that change, outside the longest run
    longest: int  # samples of the longest run
    ordinary: int  # samples of the longest other run
    distinct: int  # 1, 2, or 3 for more
    run_start: int
    run_stop: int
    run_open: int  # ns of it while the gate was open
    to_the_end: bool
    at_rest: bool  # at zero, or at an end of its range
    rests_elsewhere: bool  # starts the window there, or returns to that value for long
    value: float | str | None
    reach: float

    @property
    def live(self) -> bool:
        """Whether it moves as a reading does."""
        return self.distinct > 2 and self.activity >= _LIVE and self.count > _LONG


@dataclass(frozen=True)
class Stuck(GroupCheck[Still]):
    """No change for longer than `max_unchanged`.

    Without `max_unchanged` the check learns what is normal and leaves settings alone:

    * a reading that changes all the time and then freezes for ten times longer than it ever rests
      otherwise is stuck; not so at zero or at an end of its range, where it rests again and again
      (no beam, night), or rests together with its siblings;
    * a variable that is constant over the whole window is a setting, unless its siblings (same
      name but for numbers and places) move all the time, or it did in earlier windows: then it is
      stuck. One that only toggles between two neighbouring values counts as constant there.

    Texts are judged only with `max_unchanged`. NaN samples are left out; all NaN is INVALID.

    Attributes
    ----------
    max_unchanged : ``2h``, or seconds; constants are then stuck too.
    tolerance : a change up to this much, in the variable's unit, is none.
    """

    kind: ClassVar[str] = "stuck"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    alone: ClassVar[bool] = True

    max_unchanged: Duration | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("max_unchanged")
        self._not_negative("tolerance")

    def takes(self, variable: Variable) -> bool:
        """Texts only with `max_unchanged`: a text is a state, and states last."""
        return variable.kind.numeric or self.max_unchanged is not None

    def note(self, series: Series, context: Context) -> Still:
        odd = missing(series)
        bad = int(np.count_nonzero(odd))
        if bad:
            series = series.where(~odd)
        if not len(series):
            return Still(0, bad, 0.0, 0, 0, 0, 0, 0, 0, False, False, False, None, 0.0)
        return _still(series, unchanged(series, self.tolerance), bad, context)

    def compare(
        self, notes: Mapping[str, Still], entries: Mapping[str, Entry], context: Context
    ) -> list[Outcome]:
        outcomes = []
        for names in families(entries[name].variable for name in notes):
            kin = [notes[name] for name in names]
            for i, name in enumerate(names):
                variable = entries[name].variable
                verdict = self._verdict(kin[i], Others(kin, i), variable, context)
                outcomes.append(self.outcome(variable, verdict))
        return outcomes

    def _verdict(
        self, still: Still, others: Others[Still], variable: Variable, context: Context
    ) -> Verdict:
        if not still.count:
            reason = f"all of {plural(still.odd, 'sample')} are NaN or infinite: none moves"
            return Verdict(Severity.INVALID, reason)
        if self.max_unchanged is not None:
            return self._explicit(still, variable)
        if still.count == 1:
            reason = "one sample: whether it moves cannot be told"
            return Verdict(Severity.NOT_APPLICABLE, reason, still.value)
        if still.distinct == 1 or (still.distinct == 2 and _dwarfed(still, others)):
            return self._constant(still, others, variable, context)
        return self._freezes(still, others, variable)

    def _explicit(self, still: Still, variable: Variable) -> Verdict:
        limit = ns_of(self.max_unchanged or 0)
        said = f"unchanged at {_spell(still, variable)} for {span(still.run_open)}"
        fine = Verdict(
            Severity.OK,
            f"{said} at most, allowed {span(limit)}",
            still.run_open / _SECOND,
            {"max_unchanged": limit / _SECOND},
            unit="s",
        )
        if still.run_open <= limit:
            return fine
        reason = f"{said} since {utc(still.run_start)}, allowed {span(limit)}"
        return fine.but(self.violated, reason, still.run_start)

    def _constant(
        self, still: Still, others: Others[Still], variable: Variable, context: Context
    ) -> Verdict:
        spelt = _spell(still, variable)
        words = f"constant at {spelt}"
        if still.distinct == 2:
            words = f"moves by {quantity(still.reach, variable.unit)} only, around {spelt}"
        words += f" over all of {plural(still.count, 'sample')}"
        fine = Verdict(Severity.OK, f"{words}: a setting, or at rest", still.value)
        earlier = context.earlier(variable.name)[-7:]
        moved = sum(1 for day in earlier if day.std is not None and day.std > 0)
        if still.distinct == 1 and len(earlier) >= _PASTS and moved >= 0.8 * len(earlier):
            reason = f"{words}, but it moved in {moved} of the last {len(earlier)} windows"
            return fine.but(self.violated, reason, still.run_start)
        live = sum(other.live for other in others)
        if still.count <= _LONG or 2 * live <= len(others) or not live:
            return fine
        reason = f"{words}, while {live} of its {plural(len(others), 'sibling')} move"
        if len(others) == 1:
            reason = f"{words}, while its sibling moves"
        severity = self.violated if live > 1 else Severity.WARNING
        return fine.but(severity, reason, still.run_start)

    def _freezes(self, still: Still, others: Others[Still], variable: Variable) -> Verdict:
        length = still.run_stop - still.run_start
        longest = f"longest unchanged for {span(length)}"
        fine = Verdict(Severity.OK, f"{longest}, at {_spell(still, variable)}", still.value)
        if still.activity < _LIVE or still.count - still.longest < _LONG:
            return fine.but(Severity.OK, f"changes rarely, as settings and states do; {longest}")
        if still.longest < _LONG or still.longest < _TIMES * still.ordinary:
            return fine
        asleep = sum(_overlap(still, other) for other in others)
        if others and 2 * asleep > len(others):
            return fine.but(Severity.OK, f"{fine.reason}, together with its siblings")
        if still.at_rest and (still.rests_elsewhere or not still.to_the_end):
            return fine.but(Severity.OK, f"{fine.reason}, where it rests")
        start, stop = utc(still.run_start), utc(still.run_stop)
        until = "the end of the window" if still.to_the_end else stop
        reason = (
            f"stuck at {_spell(still, variable)} since {start}, for {span(length)} until {until}"
        )
        if still.at_rest and not others:
            reason += ": at rest, or dead"
            return fine.but(Severity.WARNING, reason, still.run_start)
        return fine.but(self.violated, reason, still.run_start)


def _still(series: Series, same: Any, odd: int, context: Context) -> Still:
    alike = runs_where(same)
    rests = Runs(alike.first, alike.stop + 1)  # runs of two samples or more: few, of a reading
    length = rests.length
    worst = int(np.argmax(length)) if len(length) else -1
    first, stop = (int(rests.first[worst]), int(rests.stop[worst])) if len(length) else (0, 1)
    longest = stop - first
    outside = max(1, len(series) - longest)
    others = np.delete(length, worst) if len(length) else length
    run_start = int(series.time[first])
    if stop == len(series):
        run_stop = int(series.time[-1]) + held(series.time, context)
    else:
        run_stop = int(series.time[stop])
    counted = open_time(np.array([run_start, run_stop]), context)
    value: float | str | None = None
    reach, distinct, at_rest, elsewhere = 0.0, 3, False, False
    if series.kind is Kind.NUMERIC:
        numbers = series.value
        value = float(numbers[first])
        low, high = float(numbers.min()), float(numbers.max())
        reach = high - low
        at_rest = value in (0.0, low, high)
        elsewhere = first == 0 or _returns(rests, worst, numbers, value)
        if _only(numbers[:_MANY], low, high) and _only(numbers, low, high):
            distinct = 2
    elif series.kind is Kind.TEXTUAL:
        value = str(series.value[first])
    return Still(
        count=len(series),
        odd=odd,
        activity=float((len(same) - np.count_nonzero(same)) / outside),
        longest=longest,
        ordinary=int(others.max(initial=1)) if longest < len(series) else 0,
        distinct=1 if longest == len(series) else distinct,
        run_start=run_start,
        run_stop=run_stop,
        run_open=int(counted[1] - counted[0]),
        to_the_end=stop == len(series),
        at_rest=at_rest,
        rests_elsewhere=elsewhere,
        value=value,
        reach=reach,
    )


def _only(numbers: Any, low: float, high: float) -> bool:
    return bool(((numbers == low) | (numbers == high)).all())


def _returns(runs: Runs, worst: int, numbers: Any, value: float) -> bool:
    long = runs.length >= _LONG
    long[worst] = False
    return bool((numbers[runs.first[long]] == value).any())


def _dwarfed(still: Still, others: Others[Still]) -> bool:
    """Whether all it moves is nothing beside its siblings' movement."""
    reaches = [other.reach for other in others if other.live]
    return bool(reaches) and still.reach < 1e-3 * float(np.median(reaches))


def _overlap(still: Still, other: Still) -> bool:
    """Whether `other` rests for half of the time that `still` does."""
    if other.longest < _LONG:
        return False
    both = min(still.run_stop, other.run_stop) - max(still.run_start, other.run_start)
    return 2 * both >= still.run_stop - still.run_start


def _spell(still: Still, variable: Variable) -> str:
    if isinstance(still.value, float):
        return quantity(still.value, variable.unit)
    return f"'{still.value}'" if still.value is not None else "the same values"
