"""Made-up devices for `ageing.py`: so that nothing is fitted to the measured files alone."""

from __future__ import annotations

import numpy as np
from ageing_sets import Case, Crossing

_SEED = 20_261_122


def devices(count: int = 80, seed: int = _SEED) -> list[Case]:
    """Half of them ill (drift, ever faster, step), half well; of any scale, pace and scatter.

    The scatter is white, or alike from point to point, or has a weekly beat, or spikes.
    """
    rng = np.random.default_rng(seed)
    cases = []
    for i in range(count):
        n = int(rng.integers(60, 360))
        every = float(rng.choice([1 / 24, 1.0, 1.0, 7.0]))
        days = np.arange(n) * every
        scale = 10.0 ** rng.uniform(-6, 6)
        scatter = 10.0 ** rng.uniform(-3, -1.7)
        values = 1.0 + scatter * _noise(rng, n)
        onset = None
        if i % 2:
            at = int(rng.integers(n // 4, 3 * n // 4))
            onset = float(days[at])
            size = max(0.1, 8 * scatter) * rng.uniform(1, 4) * rng.choice([-1, 1])
            along = np.clip((np.arange(n) - at) / (n - at), 0, None)
            shape = ("step", "steady", "faster")[i // 2 % 3]
            values += size * {"step": along > 0, "steady": along, "faster": along**2}[shape]
        cases.append(Case(f"made {i}", days, scale * values, onset))
    return cases


def crossings(count: int = 120, seed: int = _SEED) -> list[Crossing]:
    """Wear that goes as a power of its age (0.5 to 3), exponentially, or as a walk that drifts.

    Asked at four to eight tenths of the life; with scatter, of any scale and pace.
    """
    rng = np.random.default_rng(seed + 1)
    found = []
    for i in range(count):
        n = int(rng.integers(60, 400))
        age = np.arange(1, n + 1) / n
        kind = i % 5
        if kind < 3:
            grown = age ** float(rng.choice([0.5, 0.7, 1.0, 1.0, 1.5, 2.0, 3.0]))
        elif kind == 3:
            rate = rng.uniform(0.5, 3)
            grown = np.expm1(rate * age) / np.expm1(rate)
        else:
            pace = np.abs(1 + 0.5 * np.cumsum(rng.normal(0, np.sqrt(4 / n), n)))
            grown = np.cumsum(pace) / pace.sum()
        scale = 10.0 ** rng.uniform(-6, 6) * rng.choice([-1, 1])
        size = rng.uniform(0.1, 1.0)
        truth = scale * (1 + size * grown)
        values = truth + abs(scale) * size * rng.uniform(0.003, 0.05) * _noise(rng, n)
        days = np.arange(n) * float(rng.choice([0.25, 1.0, 7.0]))
        share = rng.uniform(0.75, 0.95)
        limit = scale * (1 + size * share)
        when = float(days[np.flatnonzero(grown >= share)[0]])
        found.append(Crossing(f"made {i}", days, values, limit, when, rng.uniform(0.4, 0.8)))
    return found


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Scatter of about one: of one of four kinds."""
    white = rng.normal(0, 1, n)
    kind = int(rng.integers(4))
    if kind == 1:
        for i in range(1, n):
            white[i] = 0.7 * white[i - 1] + np.sqrt(1 - 0.49) * white[i]
    elif kind == 2:
        white = 0.7 * white + np.sin(2 * np.pi * np.arange(n) / 7)
    elif kind == 3:
        white[rng.random(n) < 0.01] *= 15
    return white
