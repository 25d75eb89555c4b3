"""Do two devices that measure the same thing say the same?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.checks.base import Check, Context, Duration, Past, Verdict, doubted
from oaflib.checks.excursions import Leniency, excursions
from oaflib.checks.facts import Floats, cadence
from oaflib.checks.room import context_of, selected, tidy
from oaflib.checks.words import ns_of, plural, quantity, share
from oaflib.records import Records
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series, Times, Variable


@dataclass(frozen=True)
class Agreement(Check):
    """Two readings of the same thing that differ by more than `absolute`, and `percent`.

    The first of the variables is the reference; each other one is compared with it. They are
    brought to the times of the one that is logged more rarely: each of its samples meets the
    nearest one of the other, not further away than `max_age`. With both limits given, the larger
    one counts at each time. NaN agrees with nothing.

    Attributes
    ----------
    absolute : difference allowed, in the variables' unit.
    percent : difference allowed, in percent of the reference.
    floor : only times count at which the reference is above this in size (so that noise is not
        compared with noise when there is no beam).
    max_age : how far apart in time two samples may be: ``2s``, or seconds; by default the usual
        step of the faster one.
    min_duration : shorter disagreements do not count.
    allowed_fraction : share of the samples that may disagree.
    """

    kind: ClassVar[str] = "agreement"
    fault: ClassVar[Fault] = Fault.CALIBRATION
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    absolute: float | None = None
    percent: float | None = None
    floor: float = 0.0
    max_age: Duration | None = None
    min_duration: Duration | None = None
    allowed_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("max_age", "min_duration")
        self._fraction("allowed_fraction")
        self._not_negative("absolute", "percent", "floor")
        if self.absolute is None and self.percent is None:
            raise ValueError("agreement has no limit; give absolute, percent or both")
        if not self.variables or (len(self.variables) == 1 and "%" not in self.variables[0]):
            raise ValueError("agreement needs two variables or more, the reference first")

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        names, outcomes = selected(self, records.entries)
        if len(names) < 2:
            if not outcomes:
                only = f"only {names[0]}" if names else "none"
                reason = f"{only} of {', '.join(self.variables)} is there to compare"
                return [self.outcome(Variable(""), Verdict(Severity.INVALID, reason))]
            return outcomes
        context = context_of(self.gate, records, past)
        first = records.entries[names[0]]
        for name in names[1:]:
            entry = records.entries[name]
            if isinstance(context, str):
                verdict = Verdict(Severity.INVALID, context)
            else:
                verdict = (
                    self.unable(first, context)
                    or self.unable(entry, context)
                    or self._compare(
                        tidy(records[names[0]], records.window),
                        tidy(records[name], records.window),
                        context,
                    )
                )
            outcomes.append(self.outcome(entry.variable, verdict))
        return outcomes

    def _compare(self, reference: Series, other: Series, context: Context) -> Verdict:
        for series in (reference, other):
            if not len(series):
                return Verdict(Severity.INVALID, f"nothing was logged of {series.name}")
        if reference.unit and other.unit and reference.unit != other.unit:
            reason = f"{reference.name} is in {reference.unit}, this in {other.unit}"
            return Verdict(Severity.INVALID, f"{reason}: they cannot be compared")
        with np.errstate(all="ignore"):
            return doubted(self._judged_together(reference, other, context), context)

    def _judged_together(self, reference: Series, other: Series, context: Context) -> Verdict:
        time, a, b = together(reference, other, self.max_age)
        if context.gate is not None:
            inside = context.gate.mask(time)
            time, a, b = time[inside], a[inside], b[inside]
        if self.floor:
            above = ~(np.abs(a) <= self.floor)
            time, a, b = time[above], a[above], b[above]
        if not len(time):
            reason = f"no samples of it and of {reference.name} at the same time"
            if self.floor:
                reason += f" with the reference above {quantity(self.floor, reference.unit)}"
            return Verdict(Severity.INVALID, reason)
        return self._judged(reference, (time, a, b), context)

    def _judged(
        self, reference: Series, paired: tuple[Times, Floats, Floats], context: Context
    ) -> Verdict:
        time, a, b = paired
        known = np.isfinite(a) & np.isfinite(b)
        difference = b - a
        allowed = np.zeros(len(time))
        if self.absolute is not None:
            allowed += self.absolute
        if self.percent is not None:
            allowed = np.maximum(allowed, self.percent / 100 * np.abs(a))
        limits = {"absolute": self.absolute, "percent": self.percent}
        limit = {name: value for name, value in limits.items() if value is not None}
        if not known.any():
            return Verdict(Severity.INVALID, "all of the samples are NaN or infinite", None, limit)
        bad = np.abs(difference) > allowed
        out = excursions(
            bad[known], time[known], Leniency(self.min_duration, self.allowed_fraction), context
        )
        picked = difference[known] if out is None else difference[known][out.mask]
        worst = float(picked[np.argmax(np.abs(picked))])
        middle = float(np.median(difference[known]))
        relative = ""
        at = a[known] if out is None else a[known][out.mask]
        size = float(np.median(np.abs(at)))
        if self.percent is not None and size > 0:
            relative = f" ({100 * abs(worst) / size:.3g} %)"
        words = (
            f"differs from {reference.name} by up to {quantity(worst, reference.unit)}{relative}"
        )
        words += f", {quantity(middle, reference.unit)} in the median"
        allowance = [quantity(self.absolute, reference.unit)] if self.absolute is not None else []
        allowance += [f"{self.percent:g} %"] if self.percent is not None else []
        fine = Verdict(Severity.OK, f"{words}, allowed {' or '.join(allowance)}", worst, limit)
        if out is not None:
            reason = f"{words}, allowed {' or '.join(allowance)}, {out.words}"
            return fine.but(self.violated, reason, out.since)
        odd = int((~known).sum())
        if odd > self.allowed_fraction * len(time):
            reason = f"{share(odd, len(time))} of {plural(len(time), 'pair')} hold a NaN"
            return fine.but(Severity.INVALID, f"{reason}; else {fine.reason}")
        return fine


def together(
    first: Series, second: Series, max_age: Duration | None = None
) -> tuple[Times, Floats, Floats]:
    """Times of the one logged more rarely, and both values then; only where both have a sample.

    The other's sample is the nearest, at most `max_age` away (its own usual step when left out).
    """
    slow, fast = (first, second) if len(first) <= len(second) else (second, first)
    age = ns_of(max_age) if max_age is not None else max(1, cadence(fast.time) or 1_000_000_000)
    right = np.clip(np.searchsorted(fast.time, slow.time), 1, max(1, len(fast) - 1))
    if len(fast) == 1:
        right = np.zeros(len(slow), dtype=np.intp)
        nearest = right
    else:
        left = right - 1
        closer = slow.time - fast.time[left] <= fast.time[right] - slow.time
        nearest = np.where(closer, left, right)
    near = np.abs(fast.time[nearest] - slow.time) <= age
    slow_value = slow.value[near].astype(np.float64, copy=False)
    fast_value = fast.value[nearest[near]].astype(np.float64, copy=False)
    pair = (slow_value, fast_value) if slow is first else (fast_value, slow_value)
    return slow.time[near], *pair
