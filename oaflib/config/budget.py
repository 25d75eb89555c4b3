"""What one report may ask of a source: ``[sources.NAME.budget]``, and ``[budget]`` of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Annotated, Literal

from oaflib.config.rules import Whole, positive

Span = Annotated[timedelta, lambda value: _some(value)]
Over = Literal["coarsen", "refuse"]


@dataclass(frozen=True)
class Budget:
    """What one report may ask of a source, and how it is asked.

    Attributes
    ----------
    points : samples (of vectors: elements) of one report. seconds : spent waiting for the source;
        fewer than the limit of a cell, so that the report can say so.
    over : what becomes of more points: the largest variables come at low resolution, or nothing of
        them. What cannot be coarsened (texts, images) is refused either way; both are said.
    buckets : parts of the window at low resolution, each with its least and greatest sample.
    request : points in one request; more is asked for in several.
    least : the shortest span a refused query is cut down to.
    at_once : reports that ask the source at the same time.
    keep : whether what was read of days gone by is kept for other reports and runs.
    settled : how long ago a day must have ended for its data to count as complete.
    rest : how long a source that did not answer is left alone.
    """

    points: Whole = 250_000_000
    seconds: Annotated[float, positive] = 480.0  # a cell has 600
    over: Over = "coarsen"
    buckets: Whole = 2_000
    request: Whole = 10_000_000
    least: Span = timedelta(minutes=1)
    at_once: Whole = 4
    keep: bool = True
    settled: Span = timedelta(hours=6)
    rest: Span = timedelta(minutes=5)

    def under(self, share: Share | None) -> Budget:
        """This budget with what a dataset says otherwise."""
        if share is None:
            return self
        said = {entry.name: getattr(share, entry.name) for entry in fields(share)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})


USUAL = Budget()
OWN = Budget(points=1_000_000_000)
"""Of OAF's own store, which is on this disk: there is no database to spare, only time."""


@dataclass(frozen=True)
class Share:
    """``[budget]`` of a dataset: each key wins over the source's; see `Budget`."""

    points: Whole | None = None
    seconds: Annotated[float, positive] | None = None
    over: Over | None = None
    buckets: Whole | None = None


def _some(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than nothing")
    return value
