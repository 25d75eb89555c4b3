"""The service's small answers, fills and statistics and such, as OAF's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from oaflib.report import Statistics
from oaflib.series import Variable
from oaflib.sources.base import Fill
from oaflib.sources.java.convert import nanoseconds

ALGORITHMS = ("MAX", "MIN", "AVG", "COUNT", "SUM", "REPEAT", "INTERPOLATE")
_INTERVALS = {
    "WEEK": timedelta(weeks=1),
    "DAY": timedelta(days=1),
    "HOUR": timedelta(hours=1),
    "MINUTE": timedelta(minutes=1),
    "SECOND": timedelta(seconds=1),
}


@dataclass(frozen=True)
class Header:
    """What a vector's elements are called from `since` (int64 ns UTC) on."""

    since: int
    names: tuple[str, ...]


def fill_of(entry: Any, end: int) -> Fill:
    """The fill; it and its last mode end at `end` (int64 ns UTC) while they last."""
    modes = []
    for mode in entry.getBeamModes() or ():
        until = mode.getEndTime()
        name = str(mode.getBeamModeValue().toString())
        start = nanoseconds(mode.getStartTime())
        modes.append((name, start, max(end, start) if until is None else nanoseconds(until)))
    start, until = nanoseconds(entry.getStartTime()), entry.getEndTime()
    return Fill(
        int(entry.getFillNumber()),
        start,
        max(end, start) if until is None else nanoseconds(until),
        tuple(sorted(modes, key=lambda mode: mode[1:])),
    )


def statistics_of(variable: Variable, item: Any) -> Statistics | None:
    """The service's statistics; None where a number is missing or not finite.

    A NaN among the samples makes the service's numbers NaN, and those say nothing.
    """
    count = count_of(item)
    numbers = [
        math.nan if number is None else _number(number)
        for number in (
            item.getMinValue(),
            item.getMaxValue(),
            item.getAvgValue(),
            item.getStandardDeviationValue(),
        )
    ]
    if not count or not all(math.isfinite(number) for number in numbers):
        return None
    low, high, mean, std = numbers
    return Statistics(
        variable=variable.name,
        kind=str(variable.kind),
        unit=variable.unit,
        count=count,
        min=low,
        max=high,
        mean=mean,
        std=std,
        first_time=nanoseconds(item.getMinTstamp()),
        last_time=nanoseconds(item.getMaxTstamp()),
        title=variable.title,
    )


def count_of(item: Any) -> int:
    """How many samples the service's statistics are of."""
    return int(_number(item.getValueCount()))


def scaling_of(bucket: timedelta, algorithm: str) -> str:
    """What the service calls that bucket and algorithm: ``1_MINUTE_AVG``.

    Raises
    ------
    ValueError
        `bucket` is not whole seconds, or no such algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no algorithm is called '{algorithm}': {', '.join(ALGORITHMS)}")
    for name, unit in _INTERVALS.items():
        if bucket >= unit and bucket % unit == timedelta(0):
            return f"{bucket // unit}_{name}_{algorithm}"
    raise ValueError(f"a bucket of {bucket} is not one or more whole seconds")


def _number(value: Any) -> float:
    """A primitive, or any ``java.lang.Number``: a BigDecimal is no Python number."""
    return float(value) if isinstance(value, int | float) else float(value.doubleValue())
