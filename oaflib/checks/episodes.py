"""Where a reading leaves its own habits: shifts of its level, changes of its noise, spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oaflib.checks.facts import Floats, Mask, runs_where, spread, thinned
from oaflib.checks.ranks import median, percentiles

PIECES = 100  # into which a series is cut
_SMALLEST = 8  # samples in a piece
_FINE = 20  # times finer, to find what repeats
_LEVEL = (6.0, 3.0)  # robust sigmas that begin an episode, and that it lasts for
_NOISE = (8.0, 4.0)
_FAINT = 0.6  # of the upper limit
_SPIKE = 10.0
_TAIL = 3.0  # times what one sample in a hundred does
_HABIT = 3  # episodes of one sort and sign that make a habit
MOST = 0.4  # share of the samples beyond which the episode is the usual
_REPEATS = 0.5  # autocorrelation of what repeats


@dataclass(frozen=True)
class Episode:
    """Samples `first` to `stop` (exclusive) that are unusual.

    `size` in robust standard deviations, with its sign; `value` what it was then and `usual` what
    it is else, in the variable's unit (a level, or a standard deviation for noise). A faint one
    says nothing by itself, but something of what its siblings do.
    """

    sort: Literal["level", "noise", "spike"]
    first: int
    stop: int
    size: float
    value: float
    usual: float
    faint: bool = False


def episodes(value: Floats) -> list[Episode]:
    """What is unusual in finite samples, in order of time; nothing for too few of them.

    The series is cut into a hundred pieces of equal count. A piece's level and noise are held
    against all pieces', and a sample against its piece's level, in robust standard deviations.
    A shift of level smaller than the noise of single samples is none.
    What the series does regularly (a daily cycle seen four times) or again and again (a third
    time) is its habit and not unusual.
    """
    count = len(value)
    size = count // PIECES
    if size < _SMALLEST:
        size = _SMALLEST
    pieces = count // size
    if pieces < 20:
        return []
    cut = value[: pieces * size].reshape(pieces, size)
    rows = np.sort(cut, axis=1)  # once, for medians and trimmed means
    middles = rows[:, (size - 1) // 2 : size // 2 + 1].mean(axis=1)
    steps = np.diff(cut, axis=1)
    step = spread(steps.ravel()) / float(np.sqrt(2))
    told = levels = _trimmed(rows)
    level = without_cycle(cut.ravel(), pieces)
    if level is not None:
        levels = _trimmed(np.sort(level.reshape(pieces, size), axis=1))
    found = _levels(levels, told, step, size)
    found += _noises(np.abs(steps).mean(axis=1), step, size)
    found += _spikes(cut, middles)
    kept = [episode for sort in ("level", "noise", "spike") for episode in _no_habit(found, sort)]
    return sorted(kept, key=lambda episode: episode.first)


def without_cycle(value: Floats, pieces: int) -> Floats | None:
    """`value` less what repeats at least four times in it; None when nothing does."""
    fine = max(1, len(value) // (pieces * _FINE))
    count = len(value) // fine
    means = value[: count * fine].reshape(count, fine).mean(axis=1)
    period = _period(means)
    if not period:
        return None
    bins = round(period)
    phase = np.floor(np.arange(count) % period / period * bins).astype(np.int64) % bins
    order = np.argsort(phase, kind="stable")
    bounds = np.flatnonzero(np.diff(phase[order])) + 1
    profile = np.zeros(bins)
    for part in np.split(order, bounds):
        profile[phase[part[0]]] = median(means[part])
    cycle = np.repeat(profile[phase], fine)
    tail = np.full(len(value) - len(cycle), cycle[-1])
    return np.asarray(value - np.append(cycle, tail))


def _period(means: Floats) -> float:
    """After how many entries `means` repeats, from 8 to a quarter of them; 0 when it does not.

    Refined at its later returns, so that a period between two entries does not drift away.
    """
    count = len(means)
    centred = np.clip(means, *percentiles(means, [1, 99]))
    centred = centred - median(centred)
    power = np.abs(np.fft.rfft(centred, 2 * count)) ** 2
    auto = np.fft.irfft(power)[:count]
    if not auto[0] > 0:
        return 0.0
    auto = auto / auto[0] * count / (count - np.arange(count))
    fallen = np.flatnonzero(auto < 0.1)
    if not len(fallen) or fallen[0] >= count // 4:
        return 0.0
    start = int(fallen[0])
    best = start + int(np.argmax(auto[start : count // 4]))
    if best < 8 or auto[best] <= _REPEATS:
        return 0.0
    period = float(best)
    for times in range(2, int(count / 2 / best) + 1):
        near = round(period * times)
        first = max(0, near - 2)
        period = (first + int(np.argmax(auto[first : near + 3]))) / times
    return period


def _trimmed(rows: Floats) -> Floats:
    """Mean of each sorted row without its lowest and highest eighth."""
    edge = max(1, rows.shape[1] // 8)
    return np.asarray(rows[:, edge:-edge].mean(axis=1))


def _levels(levels: Floats, told: Floats, step: float, size: int) -> list[Episode]:
    middle, scale = median(levels), max(spread(levels), step / np.sqrt(size))
    if not scale > 0:
        return []
    away = (levels - middle) / scale
    usual = median(told)
    found = []
    for first, stop in _lasting(away, _LEVEL):
        top = first + int(np.argmax(np.abs(away[first:stop])))
        value, sized = median(told[first:stop]), float(away[top])
        shift = abs(median(levels[first:stop]) - middle)
        faint = abs(sized) <= _LEVEL[0] or shift < step
        found.append(Episode("level", first * size, stop * size, sized, value, usual, faint))
    return found


def _noises(noises: Floats, step: float, size: int) -> list[Episode]:
    if not step > 0 or not median(noises) > 0:
        return []
    logs = np.log(np.maximum(noises, 1e-3 * step))
    middle = median(logs)
    scale = max(spread(logs), 1 / np.sqrt(size))
    away = (logs - middle) / scale
    away[noises == 0] = 0.0  # a reading that stands still is stuck or at rest, not quieter
    usual = float(np.exp(middle)) / 1.128  # mean step of white noise to its standard deviation
    found = []
    for first, stop in _lasting(away, _NOISE):
        top = first + int(np.argmax(np.abs(away[first:stop])))
        value, sized = median(noises[first:stop]) / 1.128, float(away[top])
        faint = abs(sized) <= _NOISE[0] or stop - first < 2
        found.append(Episode("noise", first * size, stop * size, sized, value, usual, faint))
    return found


def _spikes(cut: Floats, middles: Floats) -> list[Episode]:
    away = (cut - middles[:, None]).ravel()
    scale = spread(away)
    if not scale > 0 or not max(away.max(), -away.min()) / scale > _SPIKE:
        return []
    size = np.abs(away) / scale
    limit = max(_SPIKE, _TAIL * float(percentiles(thinned(size), [99])[0]))
    if not size.max() > limit:
        return []
    runs = runs_where(size > limit)
    flat = cut.ravel()
    width = cut.shape[1]
    if len(runs.first) > width:
        return []
    found = []
    for first, stop in zip(runs.first.tolist(), runs.stop.tolist(), strict=True):
        top = first + int(np.argmax(size[first:stop]))
        usual = float(middles[top // width])
        sized = float(away[top] / scale)
        found.append(Episode("spike", first, stop, sized, float(flat[top]), usual))
    return found


def _lasting(away: Floats, limits: tuple[float, float]) -> list[tuple[int, int]]:
    """Runs beyond the lower limit, on one side, that come near the upper one somewhere."""
    begin, last = limits
    found = []
    for side in (away, -away):
        beyond: Mask = side > last
        runs = runs_where(beyond)
        for first, stop in zip(runs.first.tolist(), runs.stop.tolist(), strict=True):
            if side[first:stop].max() > _FAINT * begin:
                found.append((first, stop))
    return sorted(found)


def _no_habit(found: list[Episode], sort: str) -> list[Episode]:
    """The episodes of that sort, but for those of a sign that comes again and again."""
    kept = []
    for sign in (1, -1):
        alike = [e for e in found if e.sort == sort and e.size * sign > 0]
        if sum(not e.faint for e in alike) < _HABIT:
            kept += alike
    return kept
