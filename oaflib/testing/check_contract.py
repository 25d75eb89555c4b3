"""What every check must do: inherit `CheckContract` and say what is well and what is not.

::

    class TestMyCheck(CheckContract):
        check = MyCheck(high=3.0)
        well = (my_series([1.0, 2.0]),)
        wrong = (my_series([1.0, 9.0]),)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, Literal

import pytest

from oaflib.checks.base import Check
from oaflib.records import Entry, Records, State, records_of
from oaflib.report import Fault, Outcome, Report, Severity, read, write
from oaflib.series import Kind, Series, Variable
from oaflib.testing.made import made
from oaflib.window import Window

_SECOND = 10**9


class CheckContract:
    """The suite; a test class that inherits it says `check`, `well` and `wrong`.

    Attributes
    ----------
    check : a check with its limits.
    well, wrong : series of `window` on which it finds nothing, and a violation.
    """

    check: ClassVar[Check]
    well: ClassVar[Sequence[Series]] = ()
    wrong: ClassVar[Sequence[Series]] = ()
    window: ClassVar[Window] = Window(
        datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "Europe/Zurich"
    )

    def judged(self, check: Check, *series: Series) -> list[Outcome]:
        """What `check` says of the series; the records are all there is."""
        return list(check.judge(records_of(list(series), self.window)))

    def test_its_name_its_fault_and_its_manual(self) -> None:
        kind = type(self.check)
        assert kind.kind
        assert kind.fault in list(Fault)
        assert kind.kinds
        assert kind.__doc__
        assert kind.__doc__.strip().splitlines()[0].endswith(".") or "\n\n" in kind.__doc__

    def test_what_is_well_is_ok(self) -> None:
        assert self.well
        outcomes = self.judged(self.check, *self.well)
        assert outcomes
        assert {outcome.severity for outcome in outcomes} == {Severity.OK}
        assert all(outcome.reason for outcome in outcomes)

    @pytest.mark.parametrize("severity", ["warning", "alarm"])
    def test_what_is_wrong_is_told_with_value_and_reason(
        self, severity: Literal["warning", "alarm"]
    ) -> None:
        assert self.wrong
        check = replace(self.check, severity=severity, guidance="Look at it.")
        outcomes = self.judged(check, *self.wrong)
        found = [outcome for outcome in outcomes if outcome.severity == severity.upper()]
        assert found, [outcome.reason for outcome in outcomes]
        for outcome in found:
            assert outcome.check == check.label
            assert outcome.fault == check.word
            assert outcome.reason
            assert outcome.guidance == "Look at it."
            assert outcome.found is not None
            assert outcome.device

    def test_no_answer_is_no_good_answer(self) -> None:
        """An absent variable, nothing logged and a failed request: three, and none is OK."""
        kind = self.check.kinds[0]
        entries = {
            "A:ABSENT": Entry(Variable("A:ABSENT", kind), State.ABSENT),
            "A:EMPTY": Entry(Variable("A:EMPTY", kind), State.EMPTY),
            "A:FAILED": Entry(Variable("A:FAILED", kind), State.FAILED, reason="timeout"),
        }
        check = replace(self.check, variables=tuple(entries))
        outcomes = check.judge(Records(self.window, entries, source="LDB"))
        assert outcomes
        assert not [outcome for outcome in outcomes if outcome.severity is Severity.OK]

    def test_odd_data_are_judged_without_a_stumble(self) -> None:
        """NaN, infinities, empty and ragged vectors, hostile texts; and it can be written down."""
        for kind in Kind:
            for count in (1, 2, 40):
                start = self.window.start_ns
                series = made("A:X", kind, [start + i * 60 * _SECOND for i in range(count)])
                outcomes = self.judged(replace(self.check, variables=("A:X",)), series)
                assert read(write(self._report(outcomes))).outcomes

    def test_the_gate_that_never_opened_applies_to_nothing(self) -> None:
        gate = made("G:OPEN", Kind.NUMERIC, [self.window.start_ns])
        gate = replace(gate, value=gate.value * 0)
        check = replace(self.check, gate="`G:OPEN` > 0.5", variables=())
        names = {series.name for series in self.wrong}
        outcomes = [o for o in self.judged(check, *self.wrong, gate) if o.variable in names]
        assert {outcome.severity for outcome in outcomes} <= {Severity.NOT_APPLICABLE}

    def _report(self, outcomes: Sequence[Outcome]) -> Report:
        blank = Outcome("x", Fault.BREAKAGE, "A", "A:X", Severity.OK, reason="so that there is one")
        return Report(
            instrument="X",
            dataset="x",
            title="x",
            description="",
            window=self.window,
            made_at=self.window.end,
            finished=True,
            outcomes=(*outcomes, blank),
        )
