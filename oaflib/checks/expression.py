"""Does a condition of the author's own hold?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from oaflib.checks.base import Check, Context, Duration, Past, Verdict, doubted
from oaflib.checks.excursions import Leniency, excursions
from oaflib.checks.room import context_of
from oaflib.checks.words import plural, share, some
from oaflib.errors import ExpressionError
from oaflib.expression import Frame, Sort, compile_expression, evaluate, resolve
from oaflib.records import Records, State
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Variable


@dataclass(frozen=True)
class Condition(Check):
    """A condition that is false: ``abs(A - B) < 0.1 or MODE == 'SETUP'``.

    The language is that of gates. Where the condition cannot be told (NaN, a silent variable),
    it is not taken as true: without a violation elsewhere the outcome is INVALID.

    Attributes
    ----------
    expression : what must be true; needed.
    inputs : names in the expression to variables, where a name is not a variable's own.
    min_duration : shorter violations do not count: ``30s``, or seconds.
    allowed_fraction : share of the samples that may violate it.
    """

    kind: ClassVar[str] = "expression"
    fault: ClassVar[Fault] = Fault.BAD_USAGE

    expression: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    min_duration: Duration | None = None
    allowed_fraction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._durations("min_duration")
        self._fraction("allowed_fraction")
        if self.variables:
            raise ValueError("expression names its variables itself; leave out variables")
        if not self.expression.strip():
            raise ValueError("expression is empty; write a condition, as in A < 3")
        try:
            compile_expression(self.expression)
        except ExpressionError as error:
            raise ValueError(f"expression: {error}") from error

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        subject = Variable(self.expression)
        try:
            expression = compile_expression(self.expression)
            bound = resolve(expression, records, self.inputs)
            context = context_of(self.gate, records, past)
            devices = {records.entries[name].variable.device for name in bound.values()}
            verdict = self._verdict(records, bound, context)
        except ExpressionError as error:
            devices, verdict = set[str](), Verdict(Severity.INVALID, str(error))
        return [replace(self.outcome(subject, verdict), device=some(sorted(devices), 3))]

    def _verdict(
        self, records: Records, bound: Mapping[str, str], context: Context | str
    ) -> Verdict:
        if isinstance(context, str):
            return Verdict(Severity.INVALID, context)
        for name in bound.values():
            entry = records.entries[name]
            if entry.state is not State.EMPTY:
                unable = self.unable(entry, context)
                if unable is not None:
                    return unable
        series = {name: records[variable] for name, variable in bound.items()}
        found = evaluate(self.expression, series, Frame.of(records.window))
        if found.sort is not Sort.TRUTH:
            reason = f"{self.expression} is a {found.sort}, not a condition: nothing to hold"
            return Verdict(Severity.INVALID, reason)
        truths: Any = found.value if found.value.ndim == 1 else _rows(found.value)
        time = found.time
        if context.gate is not None:
            inside = context.gate.mask(time)
            time, truths = time[inside], truths[inside]
        silent = [name for name in bound.values() if records.entries[name].state is State.EMPTY]
        if not len(time):
            what = f"nothing was logged of {', '.join(silent)}" if silent else "no samples"
            return Verdict(Severity.INVALID, f"{what}: {self.expression} cannot be told")
        limit = {"condition": self.expression}
        count = len(time)
        fine = Verdict(Severity.OK, f"{self.expression} in {plural(count, 'sample')}", None, limit)
        leniency = Leniency(self.min_duration, self.allowed_fraction)
        known = truths >= 0
        out = excursions(truths[known] == 0, time[known], leniency, context)
        if out is not None:
            reason = f"{self.expression} is false"
            if count > 1:
                reason += f", {out.words}"
            return Verdict(self.violated, reason, None, limit, out.since)
        unknown = int((~known).sum())
        if unknown and not leniency.forgives(unknown, count):
            reason = f"for {share(unknown, count)} of {plural(count, 'sample')} it cannot be told"
            since = int(time[np.argmax(~known)])
            return fine.but(Severity.INVALID, f"{reason} whether {self.expression}", since)
        return doubted(fine, context)


def _rows(truths: Any) -> Any:
    """Of each row: false when one is, else unknown when one is, else true."""
    unknown = (truths < 0).any(axis=1)
    return np.where((truths == 0).any(axis=1), 0, np.where(unknown, -1, 1)).astype(np.int8)
