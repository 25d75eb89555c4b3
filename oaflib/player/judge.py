"""What the checks would have said at any time of a window, by judging what was there then."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from oaflib.checks import Check, fold, judge_each
from oaflib.compute import run_computations
from oaflib.player.cut import CutRecords
from oaflib.records import Records
from oaflib.report import Outcome, Severity
from oaflib.study.study import Study
from oaflib.study.words import checks_of, compute, past_of, troubles_of

_KEPT = 64  # cuts kept with their computed variables
_KEPT_BYTES = 4_000_000  # of computed variables, beyond which they are made again


@dataclass(frozen=True, order=True)
class Cell:
    """One check on one variable: the number of the check, and what its outcome names."""

    check: int
    device: str
    variable: str


Verdicts = dict[Cell, Outcome]


class Judge:
    """Judges a study over its window up to any time, as its report is judged at the end.

    `logged` are the records as extracted. Computed variables are computed of what was there; the
    past is that of the window. The checks are those of the whole window, also the default ones.
    """

    def __init__(self, study: Study, logged: Records) -> None:
        self.study = study
        self.logged = logged
        self.records = compute(study, logged)
        self.past = past_of(study)
        self.records.past = self.past
        self.checks: tuple[Check, ...] = tuple(checks_of(study, self.records))
        self._cuts: OrderedDict[int, Records] = OrderedDict()
        made = [entry for entry in self.records.entries.values() if entry.computed]
        self._keep = sum(entry.nbytes for entry in made) <= _KEPT_BYTES

    def records_at(self, end: int) -> Records:
        """The records of the window up to `end` (int64 ns UTC), computed variables with them."""
        window = self.records.window
        if end >= window.end_ns:
            return self.records
        if end in self._cuts:
            self._cuts.move_to_end(end)
            return self._cuts[end]
        cut, troubles = run_computations(
            self.study.dataset.computations, CutRecords(self.logged, end)
        )
        cut.troubles = tuple(troubles)
        cut.past = self.past
        if self._keep:
            self._cuts[end] = cut
            while len(self._cuts) > _KEPT:
                self._cuts.popitem(last=False)
        return cut

    def outcomes(self, end: int, checks: Sequence[Check] = ()) -> list[Outcome]:
        """What a report of the window up to `end` would say; of other `checks` where given."""
        records = self.records_at(end)
        said = judge_each(checks or self.checks, records, self.past)
        flat = [outcome for each in said for outcome in each]
        return fold([*flat, *troubles_of(records)], records)

    def verdicts(
        self, end: int, numbers: Sequence[int] = (), checks: Sequence[Check] = ()
    ) -> Verdicts:
        """The outcome in each cell at `end`, of the checks numbered (none: of all), not folded."""
        checks = checks or self.checks
        wanted = sorted(numbers) if numbers else range(len(checks))
        found = self._said(end, wanted, checks)
        # what a usage check says of a silent variable decides what the others say of it
        helping = [i for i, check in enumerate(checks) if check.kind == "usage" and i not in wanted]
        if helping and any(outcome.severity is Severity.INVALID for outcome in found.values()):
            whole = self._said(end, sorted([*helping, *wanted]), checks)
            found = {cell: outcome for cell, outcome in whole.items() if cell.check in wanted}
        return found

    def _said(self, end: int, numbers: Sequence[int], checks: Sequence[Check]) -> Verdicts:
        said = judge_each([checks[i] for i in numbers], self.records_at(end), self.past)
        return {
            Cell(i, outcome.device, outcome.variable): outcome
            for i, outcomes in zip(numbers, said, strict=True)
            for outcome in outcomes
        }
