"""Is the device logged at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.checks.facts import missing, runs_where
from oaflib.checks.words import between, plural, share, span, utc
from oaflib.records import Entry
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series, Times


@dataclass(frozen=True)
class Usage(SeriesCheck):
    """Nothing logged, or less than `minimum` samples.

    A variable the source does not know, and one whose request failed, are INVALID and say so;
    one it knows and for which nothing was logged is a violation. With a gate, only samples logged
    while it was open count. Samples that are all NaN are INVALID: the device logs, but nothing can
    be said of it.

    What is logged on change may be silent: a text known from before the window holds until it
    changes; a number may be silent for as many windows in a row as it was before and came back,
    twice or more.

    Attributes
    ----------
    minimum : samples there must be in the window.
    allowed_nan : share of samples that may be NaN, infinite or empty before it is a warning.
    """

    kind: ClassVar[str] = "usage"
    fault: ClassVar[Fault] = Fault.NO_USAGE
    alone: ClassVar[bool] = True

    minimum: int = 1
    allowed_nan: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum < 1:
            raise ValueError(f"minimum is {self.minimum}; it must be 1 or more")
        self._fraction("allowed_nan")

    def weigh(self, series: Series, context: Context) -> Verdict:
        count = len(series)
        when = _when(context)
        fine = Verdict(
            Severity.OK,
            f"{plural(count, 'sample')} {when}",
            found=float(count),
            limit=self._limit,
            unit="samples",
        )
        start = int(context.open_spans()[0][0])
        if count < self.minimum:
            return fine.but(self.violated, f"{fine.reason}, fewer than {self.minimum:,}", start)
        odd = missing(series)
        bad = int(np.count_nonzero(odd))
        if not bad:
            return fine
        since = int(series.time[np.argmax(odd)])
        if bad == count:
            reason = f"all of {plural(count, 'sample')} are NaN or infinite: nothing was measured"
            return fine.but(Severity.INVALID, reason, since)
        reason = f"{share(bad, count)} of {plural(count, 'sample')} are NaN or infinite"
        if bad > self.allowed_nan * count:
            reason += f", more than {100 * self.allowed_nan:g} %"
            return fine.but(Severity.WARNING, reason, since)
        return fine.but(Severity.OK, f"{fine.reason}; {reason}")

    def silent(self, entry: Entry, context: Context) -> Verdict:
        reason = f"nothing was logged {_when(context)}"
        before = entry.before
        if before is not None and not entry.count:
            ago = span(context.window.start_ns - before[0])
            last = f"its last sample came {ago} before the window, at {utc(before[0])}"
            if entry.variable.kind is Kind.TEXTUAL:
                said = f"unchanged at '{before[1]}' since {utc(before[0])}"
                return Verdict(Severity.OK, f"{reason}: {said}", 0.0, self._limit, unit="samples")
            reason += f"; {last}"
        habit = "" if context.past is None else _habit(context.past.counts(entry.variable.name))
        if habit and context.gate is None:
            return Verdict(Severity.OK, f"{reason}; {habit}", 0.0, self._limit, unit="samples")
        start = int(context.open_spans()[0][0])
        return Verdict(self.violated, reason, 0.0, self._limit, start, "samples")

    @property
    def _limit(self) -> dict[str, int]:
        return {"minimum": self.minimum}


def _habit(counts: Times) -> str:
    """Why a silent window is no wonder after windows with that many samples; empty when it is.

    A variable logged on change is silent now and then and comes back. It did so twice or more, and
    was silent for longer before; a device that died does not come back and gets no such excuse.
    """
    silent = counts == 0
    runs = runs_where(silent)
    over = runs.length[runs.stop < len(counts)]
    now = 1 + int(runs.length[-1]) if len(silent) and silent[-1] else 1
    if len(over) < 2 or now > over.max():
        return ""
    windows = f"{int(silent.sum())} of the last {len(counts)} windows"
    return f"it is logged on change and was silent in {windows}, up to {over.max()} in a row"


def _when(context: Context) -> str:
    if context.gate is None:
        return between(context.window)
    return f"while the gate was open ({span(context.gate.total)})"
