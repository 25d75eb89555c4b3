"""The history of a variable's unit: spans of time in which samples were said to have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oaflib.series import Times


@dataclass(frozen=True, order=True)
class Span:
    """From `start` to `stop`, both of them samples (int64 ns UTC), the unit was `unit`."""

    start: int
    stop: int
    unit: str


def disputed(spans: Sequence[Span], new: Span) -> list[Span]:
    """The parts of `new` that `spans` say had another unit."""
    return [
        Span(max(old.start, new.start), min(old.stop, new.stop), old.unit)
        for old in spans
        if old.unit != new.unit and old.start <= new.stop and new.start <= old.stop
    ]


def said(spans: Sequence[Span], new: Span) -> list[Span]:
    """`spans` and `new`, in order of time; where they differ `new` is right."""
    left: list[Span] = []
    for old in spans:
        if old.unit == new.unit or old.stop < new.start or new.stop < old.start:
            left.append(old)
            continue
        if old.start < new.start:
            left.append(replace(old, stop=new.start - 1))
        if new.stop < old.stop:
            left.append(replace(old, start=new.stop + 1))
    joined: list[Span] = []
    for span in sorted([*left, new]):
        if joined and joined[-1].unit == span.unit:
            joined[-1] = replace(joined[-1], stop=max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def parts(spans: Sequence[Span], time: Times) -> Iterator[tuple[slice, str]]:
    """The ordered times cut where the unit changes.

    A time between two spans has the unit of the earlier one, a time before all of them that of the
    first; without spans the unit is unknown, ''.
    """
    starts = np.array([span.start for span in spans[1:]], dtype=np.int64)
    cuts = [0, *np.searchsorted(time, starts, side="left").tolist(), len(time)]
    units = [span.unit for span in spans] or [""]
    for first, stop, unit in zip(cuts[:-1], cuts[1:], units, strict=True):
        if stop > first:
            yield slice(first, stop), unit
