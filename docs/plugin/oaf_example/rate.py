"""Does a reading move faster than its device can?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from oaflib.checks.base import Context, SeriesCheck, Verdict
from oaflib.report import Fault, Severity
from oaflib.series import Kind, Series


@dataclass(frozen=True)
class Rate(SeriesCheck):
    """A change from one sample to the next faster than `high`.

    Attributes
    ----------
    high : the greatest change that is possible, in the variable's unit a second.
    """

    kind: ClassVar[str] = "rate"
    fault: ClassVar[Fault] = Fault.BREAKAGE
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    high: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.high > 0:
            raise ValueError(f"high is {self.high}; say how fast the reading can change")

    def weigh(self, series: Series, context: Context) -> Verdict:
        """The fastest change, against `high`; INVALID with fewer than two finite samples."""
        finite = np.isfinite(series.value)
        time, value = series.time[finite], series.value[finite]
        if len(time) < 2:
            return Verdict(Severity.INVALID, "fewer than two finite samples say no rate")
        with np.errstate(over="ignore"):
            rates = np.abs(np.diff(value)) / np.maximum(np.diff(time) / 1e9, 1e-9)
        at = int(np.argmax(rates))
        fastest = float(rates[at])
        unit = f"{series.unit}/s"
        limit = {"high": self.high}
        if fastest > self.high or not np.isfinite(fastest):
            found = fastest if np.isfinite(fastest) else None
            reason = f"it changed by {fastest:.4g} {unit}, faster than {self.high:g} {unit}"
            return Verdict(self.violated, reason, found, limit, int(time[at + 1]), unit)
        reason = f"at most {fastest:.4g} {unit}"
        return Verdict(Severity.OK, reason, fastest, limit, unit=unit)
