"""When did a reading leave what it was: steps, and slow departures from a baseline. Pure.

A *step* is a jump of the level, sharp and lasting, that stands out among all the changes of the
level over the same number of points. A *departure* is found on what is left when the steps are
taken out, by a cumulative sum of deviations from the baseline (Page 1954): it adds up what stays
on one side and forgets what comes and goes; where it began to grow is the onset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 8  # points below which nothing is said
SIDE = 6  # points on each side of a step
_SHARP = 0.6  # share of a step that three points on each side must show
_STEP_SCORE = 7.0
_BASE = (10, 60)  # points of the baseline, at least and at most, of a third of the period
_SLACK = 1.0  # robust sigmas that a point may be off for nothing
_ENOUGH = 14.0  # sigmas added up that make a departure
_CANDIDATES = 60  # of steps that are looked at, the largest first
TIMES = 6.0  # scatters of a point that a departure must be, at least
_UNSURE = 0.5  # of `times` present scatters that a departure must be, at least
_RECENT = 4  # points that say what the level is now
_QUIET = 10.0  # a tenth of `percent` is worth a word where it is twice `TIMES` scatters
_CLIP = 5.0  # what one point may add, so that a few spikes make none
_SIGMA = 1.4826


@dataclass(frozen=True)
class Step:
    """A jump of the level: index of its first point, levels before and after, and its score."""

    index: int
    before: float
    after: float
    score: float

    @property
    def size(self) -> float:
        """How far the level jumped."""
        return self.after - self.before


@dataclass(frozen=True)
class Baseline:
    """What is normal: the level, its scatter from point to point, and how many points said so.

    `scatter` takes into account that neighbours are alike: it is what adds up.
    """

    level: float
    scatter: float
    count: int


@dataclass(frozen=True)
class Departure:
    """A lasting departure from the baseline.

    `onset` and `found` are indices: where it began, and where it was certain. `now` is the level at
    the end, steps taken out.
    """

    onset: int
    found: int
    baseline: Baseline
    now: float

    @property
    def change(self) -> float:
        """How far the level is from the baseline."""
        return self.now - self.baseline.level


def robust(values: Floats) -> float:
    """Robust standard deviation, of the median absolute deviation; else of the central 90 %."""
    if not len(values):
        return 0.0
    found = _SIGMA * float(np.median(np.abs(values - np.median(values))))
    if found > 0:
        return found
    low, high = np.percentile(values, [5, 95])
    return float(high - low) / 3.29


def resolution(values: Floats) -> float:
    """What cannot be told from nothing: rounding of the numbers, and the usual smallest change."""
    changes = np.abs(np.diff(values))
    changes = changes[changes > 0]
    size = float(np.median(np.abs(values))) if len(values) else 0.0
    least = float(np.percentile(changes, 2)) if len(changes) else 0.0
    return max(1e-9 * size, 0.3 * least, 5e-324)


def steps(values: Floats, side: int = SIDE) -> list[Step]:
    """The steps of `values`, in their order. A step needs three points after it."""
    n = len(values)
    if n < side + 3:
        return []
    jumps, sharp = _jumps(values, side)
    known = np.isfinite(jumps)
    usual = float(np.median(jumps[known]))
    extra = jumps - usual  # a steady slope jumps by the same everywhere
    least = max(robust(np.diff(values)) * 0.4, resolution(values))
    found: list[Step] = []
    high = np.maximum(np.abs(extra), np.abs(sharp - usual / 2)) > _STEP_SCORE * least
    high = np.convolve(high, np.ones(side - 1), "same") > 0  # the edge may be beside
    left = known.copy()
    for _ in range(_CANDIDATES):
        i = int(np.argmax(np.where(left & high, np.abs(extra), -1.0)))
        if not (left[i] and high[i]):
            break
        left &= np.abs(np.arange(n) - i) > side // 2
        i = _edge(values, i, extra[i])
        away = left & (np.abs(np.arange(n) - i) > side)
        rest = away if away.sum() >= FEW else known
        score = abs(extra[i]) / max(robust(extra[rest]), least)
        keen = abs(sharp[i] - usual / 2) / max(robust(sharp[rest]), least)
        left &= np.abs(np.arange(n) - i) > side // 2
        clear = score > _STEP_SCORE or keen > _STEP_SCORE
        if (
            clear
            and _sharp(values, i, extra[i], sharp[i] - usual / 2)
            and _lasting(values, i, side)
        ):
            before = float(np.median(values[max(0, i - side) : i]))
            found.append(Step(i, before, before + float(jumps[i]), float(max(score, keen))))
    return sorted(found, key=lambda step: step.index)


def _jumps(values: Floats, side: int) -> tuple[Floats, Floats]:
    """At each index, median after it less median before it: of `side` points, and of three."""
    n = len(values)
    jumps, sharp = np.full(n, np.nan), np.zeros(n)
    wide = np.median(np.lib.stride_tricks.sliding_window_view(values, side), axis=1)
    narrow = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    inner = np.arange(side, n - side + 1)
    jumps[inner] = wide[inner] - wide[inner - side]
    inner = np.arange(3, n - 2)
    sharp[inner] = narrow[inner] - narrow[inner - 3]
    for i in (*range(3, min(side, n - 2)), *range(max(3, n - side + 1), n - 2)):
        jumps[i] = np.median(values[i : i + side]) - np.median(values[max(0, i - side) : i])
    return jumps, sharp


def _lasting(values: Floats, i: int, side: int) -> bool:
    """Whether the points after `i` stay on the far side, and those before on the near one."""
    before, after = values[max(0, i - side) : i], values[i : i + side]
    low, high = np.median(before), np.median(values[i : i + side])
    middle = (low + high) / 2
    up = high > low
    return bool(np.mean((after > middle) == up) >= 0.8 and np.mean((before < middle) == up) >= 0.8)


def _edge(values: Floats, i: int, size: float) -> int:
    """The point near `i` before which the largest change in the jump's sense lies."""
    first, stop = max(3, i - 2), min(len(values) - 2, i + 3)
    return first + int(np.argmax(np.sign(size) * np.diff(values[first - 1 : stop])))


def _sharp(values: Floats, i: int, size: float, sharp: float) -> bool:
    """Whether most of the jump happens between two points, or three."""
    at_once = abs(values[min(i + 1, len(values) - 1)] - values[i - 1]) > 0.5 * abs(size)
    return bool(sharp / size > _SHARP and at_once) if size else False


def without(values: Floats, found: list[Step]) -> Floats:
    """`values` with the steps taken out: all at the level of the first points."""
    flat = values.astype(np.float64, copy=True)
    for step in found:
        flat[step.index :] -= step.size
    return flat


def baseline_of(values: Floats) -> Baseline:
    """What the first points say is normal: a third of all, ten to sixty."""
    n = len(values)
    count = min(n, max(n // 3, _BASE[0]), _BASE[1])
    base = values[:count]
    place = np.arange(count) - (count - 1) / 2
    slope = _slope(base)
    left = base - np.median(base) - slope * place
    sigma = max(robust(left), robust(np.diff(base)) / np.sqrt(2), resolution(base))
    # neighbours that are alike make sums larger than their scatter says
    longest = sigma
    for size in (2, 4, 8):
        if count >= 4 * size:
            cut = left[: count // size * size].reshape(-1, size)
            longest = max(longest, np.sqrt(size) * robust(np.median(cut, axis=1)) / 1.25)
    return Baseline(float(np.median(base)), float(min(longest, 3 * sigma)), count)


def departure(
    values: Floats, percent: float = 0.0, least: float = 0.0, times: float = TIMES
) -> Departure | None:
    """The lasting departure that holds at the end of `values`; None when there is none.

    It must have been `least` or more, `percent` of the baseline's level (or a tenth of that, where
    the baseline is quiet), and `times` the scatter of a point; and half of that is left.
    """
    if len(values) < FEW:
        return None
    base = baseline_of(values)
    off = np.clip((values - base.level) / base.scatter, -_CLIP, _CLIP)
    best = max((_page(off * sign) for sign in (1.0, -1.0)), key=lambda found: found[2])
    onset, found, total = best
    if found < 0 or total <= 0:
        return None
    level = _running(values[max(found - 2, 0) :]) - base.level
    now = float(level[-1])
    made = Departure(onset, found, base, base.level + now)
    enough = max(least, material(base, percent, times))
    unsure = _UNSURE * times * _restless(values[-4 * SIDE :])
    farthest = float((np.sign(now) * level).max())  # what was far enough may come half back
    holds = farthest >= max(enough, unsure) and abs(now) >= max(enough / 2, unsure)
    return made if holds else None


def _restless(values: Floats) -> float:
    """The scatter that changes between neighbours show, of those that come and go too."""
    changes = np.diff(values)
    return float(np.percentile(np.abs(changes - np.median(changes)), 75)) / 1.63


def _running(values: Floats) -> Floats:
    """The median of each point and the three before it, as far as there are."""
    padded = np.concatenate([np.full(_RECENT - 1, np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _RECENT)
    return np.asarray(np.nanmedian(windows, axis=1))


def material(base: Baseline, percent: float, times: float = TIMES) -> float:
    """How far a level must be from the baseline to be worth a word.

    `percent` of it; where it is quiet a tenth of that, when it is twice as many scatters.
    """
    share = percent / 100 * abs(base.level)
    return max(times * base.scatter, min(share, max(share / _QUIET, 2 * times * base.scatter)))


def _page(off: Floats) -> tuple[int, int, float]:
    """Onset, where it was found, and the sum at the end; found is -1 when the sum is not enough."""
    total, onset, found = 0.0, 0, -1
    for i, one in enumerate(off):
        if total <= 0:
            onset = i
        total = min(max(0.0, total + one - _SLACK), 2 * _ENOUGH)
        if total <= 0:
            found = -1
        elif found < 0 and total > _ENOUGH:
            found = i
    return onset, found, total if found >= 0 else 0.0


def _slope(values: Floats) -> float:
    """Robust slope a point (Theil 1950, Sen 1968)."""
    from scipy.stats import theilslopes

    return float(theilslopes(values).slope) if len(values) > 2 else 0.0
