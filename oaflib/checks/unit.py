"""Is it still logged in the same unit?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.records import Entry
from oaflib.report import Fault, Outcome, Severity
from oaflib.series import Kind, Series

_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


@dataclass(frozen=True)
class Unit(SeriesCheck):
    """A unit that changed within the window or since the earlier ones, or is not `expected`.

    Values before and after a change of unit must not be compared: a length logged in µm after
    years in mm looks a thousand times too large. Units are compared as they are written, but for
    blanks and the two characters for micro. A variable logged without unit has none to change.

    Attributes
    ----------
    expected : the unit it should have; empty means the one it always had.
    """

    kind: ClassVar[str] = "unit"
    fault: ClassVar[Fault] = Fault.CALIBRATION
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.VECTORNUMERIC)
    reads: ClassVar[bool] = False

    expected: str = ""

    def judge_series(self, series: Series, entry: Entry, context: Context) -> Outcome:  # noqa: ARG002
        verdict = self.unable(entry, context)
        if verdict is None and not entry.count:
            verdict = Verdict(Severity.NOT_APPLICABLE, "nothing was logged: no unit to judge")
        return self.outcome(entry.variable, verdict or self._verdict(entry, context))

    def _verdict(self, entry: Entry, context: Context) -> Verdict:
        unit = entry.variable.unit
        met = list(dict.fromkeys(u for u in entry.units if u)) or [unit]
        spelt = f"in {unit}" if unit else "without unit"
        earlier = context.earlier_unit(entry.variable.name)
        wanted = self.expected or earlier
        limit = {"expected": wanted} if wanted else {}
        fine = Verdict(Severity.OK, f"logged {spelt}", unit, limit, unit="")
        if len({_normal(u) for u in met}) > 1:
            reason = f"logged in {' and in '.join(met)} within the window: the unit changed"
            return fine.but(self.violated, reason)
        if self.expected and _normal(unit) != _normal(self.expected):
            return fine.but(self.violated, f"logged {spelt}, expected {self.expected}")
        if unit and earlier and _normal(unit) != _normal(earlier):
            return fine.but(self.violated, f"logged {spelt}, in {earlier} until now")
        return fine


def _normal(unit: str) -> str:
    return "".join(unit.translate(_MICRO).split())
