"""Times of being wrong: which of them count, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from oaflib.checks.base import Context, Duration
from oaflib.checks.facts import Mask, Runs, held, open_time, runs_where
from oaflib.checks.words import ns_of, plural, share, span
from oaflib.series import Times


@dataclass(frozen=True)
class Leniency:
    """What is let pass: excursions shorter than `min_duration`, a share of the samples."""

    min_duration: Duration | None = None
    allowed_fraction: float = 0.0

    def forgives(self, count: int, whole: int) -> bool:
        """Whether `count` wrong samples of `whole` are within the allowed share."""
        return count <= self.allowed_fraction * whole


@dataclass(frozen=True, eq=False)
class Excursions:
    """The excursions that count: which samples, since when (int64 ns UTC), and in words."""

    mask: Mask
    since: int
    words: str


def excursions(bad: Mask, time: Times, leniency: Leniency, context: Context) -> Excursions | None:
    """The excursions among samples of which `bad` are wrong; None when none counts.

    An excursion lasts from its first sample to the sample after its last one, as far as the gate
    was open.
    """
    runs = runs_where(bad)
    if not len(runs.first):
        return None
    lengths = lasting(runs, time, context)
    if leniency.min_duration is not None:
        long = lengths >= ns_of(leniency.min_duration)
        runs, lengths = Runs(runs.first[long], runs.stop[long]), lengths[long]
    counted = runs.mask(len(time))
    count = int(counted.sum())
    if not count or leniency.forgives(count, len(time)):
        return None
    words = f"in {plural(count, 'sample')} ({share(count, len(time))})"
    total = int(lengths.sum())
    if len(runs.first) > 1:
        words += f", {len(runs.first):,} excursions"
        words += f" of {span(total)} together" if total else ""
    elif total:
        words += f", for {span(total)}"
    return Excursions(counted, int(time[runs.first[0]]), words)


def lasting(runs: Runs, time: Times, context: Context) -> Times:
    """How long each run of samples lasted while it counted; ns."""
    ends = np.append(time, time[-1] + held(time, context))[runs.stop]
    return np.asarray(open_time(ends, context) - open_time(time[runs.first], context))


def worst(values: Any, low: float | None, high: float | None) -> tuple[float, bool]:
    """The value furthest outside, and whether it is above."""
    below = -np.inf if low is None else low - values.min()
    above = -np.inf if high is None else values.max() - high
    return float(values.max() if above >= below else values.min()), bool(above >= below)
