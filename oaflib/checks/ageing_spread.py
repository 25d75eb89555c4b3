"""Does a reading become noisier?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oaflib.checks.ageing import Statistic
from oaflib.checks.ageing_drift import Drift


@dataclass(frozen=True)
class Spread(Drift):
    """A spread that grows from window to window: noise that ages.

    As `drift`, of the standard deviation within each window; of each element of a vector, where the
    reports hold it; of all elements of an image together. Percents are of the baseline's spread.

    Attributes
    ----------
    low, high : limits of the spread; with one of them there is a forecast.
    of : ``std``, or ``range`` for the distance of the extremes.
    percent : a change of less, in percent of the baseline, is not worth a word.
    horizon : days ahead that the forecast looks.
    """

    kind: ClassVar[str] = "spread"

    of: Statistic = "std"
    percent: float = 20.0
