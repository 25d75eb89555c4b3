"""A variable computed from others by an expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from oaflib.compute.base import Computation, taken
from oaflib.expression import Frame, bind, compile_expression, evaluate, open_intervals, resolve
from oaflib.records import Records
from oaflib.series import Kind, Series


@dataclass(frozen=True, kw_only=True)
class ExpressionComputation(Computation):
    """``name = expression``, for instance the ratio of two transformers: ``A / B``.

    Attributes
    ----------
    expression : in the small language of expressions.
    inputs : letters or words of the expression to variables.
    at : the input at whose times it is computed; without it, that with most samples.
    max_hold : how long a sample of a number is valid; without it, five of its intervals when it is
        logged steadily, else until the next.
    each : a ``%`` pattern: computed for the device of each variable that matches, which
        ``{device}`` stands for in the name and in the inputs.
    """

    kind: ClassVar[str] = "expression"

    expression: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    max_hold: timedelta | None = None
    each: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        compiled = compile_expression(self.expression)
        if not compiled.names:
            raise ValueError(f"expression '{self.expression}' speaks of no variable")
        idle = [name for name in self.inputs if name not in compiled.names]
        if idle:
            raise ValueError(f"inputs: {', '.join(idle)} is not in '{self.expression}'")
        if self.at and self.at not in compiled.names:
            names = ", ".join(compiled.names)
            raise ValueError(f"at: '{self.at}' is not in '{self.expression}'; names: {names}")

    @property
    def pattern(self) -> str:
        return self.each

    @property
    def inputs_named(self) -> tuple[str, ...]:
        return () if self.each else tuple(self.inputs.values())

    def make(self, records: Records) -> list[Series]:
        compiled = compile_expression(self.expression)
        for variable in resolve(compiled, records, self.inputs).values():
            taken(records, variable, tuple(Kind))
        hold = None if self.max_hold is None else self.max_hold // timedelta(microseconds=1) * 1000
        frame = Frame.of(records.window, self.at or "finest", hold)
        made = evaluate(compiled, bind(compiled, records, self.inputs), frame)
        series = made.series(self.name, self.title)
        if self.gate.strip():
            series = open_intervals(self.gate, records).select(series)
        if self.unit:
            series = Series(
                series.name, series.kind, self.unit, series.time, series.value, series.title
            )
        return [series]
