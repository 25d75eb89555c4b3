"""Gaussian fits of many profiles at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_ROUNDS = 60
_CELLS = 400_000
_LEAST = 5
_QUITE = 1e-9


@dataclass(frozen=True, eq=False)
class GaussianFits:
    """``offset + amplitude * exp(-(x - center)**2 / (2 sigma**2))`` of each profile; all [k].

    `quality` is R², the share of the profile's variance that the curve explains; 0, with the
    others NaN, where there is no fit: too few points, a flat profile, a peak outside the positions.
    """

    center: Numbers
    sigma: Numbers
    amplitude: Numbers
    offset: Numbers
    quality: Numbers


def fit_gaussians(positions: Numbers, profiles: Numbers) -> GaussianFits:
    """Least-squares fits of `profiles` [k, m] over `positions` [k, m]; unknown points are NaN.

    Levenberg and Marquardt's method, for all profiles in step, from a start by moments. A peak may
    point down (negative amplitude).
    """
    k, m = profiles.shape
    found = np.full((k, 5), np.nan)
    found[:, 4] = 0.0
    size = max(1, _CELLS // max(1, m))
    for first in range(0, k, size):
        part = slice(first, first + size)
        found[part] = _fit(positions[part], profiles[part])
    return GaussianFits(*found.T)


def _fit(positions: Numbers, profiles: Numbers) -> Numbers:
    found = np.full((len(profiles), 5), np.nan)
    found[:, 4] = 0.0
    weight = (np.isfinite(positions) & np.isfinite(profiles)).astype(np.float64)
    count = weight.sum(axis=1)
    x, y = (np.where(weight > 0, part, 0.0) for part in (positions, profiles))
    low = np.where(weight > 0, y, np.inf).min(axis=1, initial=np.inf)
    high = np.where(weight > 0, y, -np.inf).max(axis=1, initial=-np.inf)
    left = np.where(weight > 0, x, np.inf).min(axis=1, initial=np.inf)
    right = np.where(weight > 0, x, -np.inf).max(axis=1, initial=-np.inf)
    use = np.flatnonzero((count >= _LEAST) & (high > low) & (right > left))
    if not use.size:
        return found
    x, y, weight, low, high, left, right = (
        part[use] for part in (x, y, weight, low, high, left, right)
    )
    # In units of the profile's own width and height, so that one tolerance serves all.
    width, height = right - left, high - low
    x = (x - left[:, None]) / width[:, None]
    y = (y - low[:, None]) / height[:, None]
    down = _points_down(y, weight)
    params = _descended(x, y, weight, _start(x, y, weight, down))
    mean = (weight * y).sum(axis=1) / weight.sum(axis=1)
    spread = (weight * (y - mean[:, None]) ** 2).sum(axis=1)
    # A poor fit may have been started the wrong way up.
    poor = np.flatnonzero(_cost(x, y, weight, params) > 0.1 * spread)
    if poor.size:
        xs, ys, ws = x[poor], y[poor], weight[poor]
        other = _descended(xs, ys, ws, _start(xs, ys, ws, ~down[poor]))
        better = _cost(xs, ys, ws, other) < _cost(xs, ys, ws, params[poor])
        params[poor[better]] = other[better]
    center, sigma, amplitude, offset = params.T
    sigma = np.abs(sigma)
    residual = (weight * (y - _model(x, center, sigma, amplitude, offset)) ** 2).sum(axis=1)
    quality = 1 - residual / spread
    narrowest = 0.2 / weight.sum(axis=1)
    good = (
        np.isfinite([center, sigma, amplitude, offset, quality]).all(axis=0)
        & (center > -0.25) & (center < 1.25)
        & (sigma > narrowest) & (sigma < 2)
        & (np.abs(amplitude) > 1e-6) & (quality > 0)
    )  # fmt: skip
    made = np.stack(
        [
            left + center * width,
            sigma * width,
            amplitude * height,
            low + offset * height,
            quality,
        ],
        axis=1,
    )
    found[use[good]] = made[good]
    return found


def _points_down(y: Numbers, weight: Numbers) -> NDArray[np.bool_]:
    """Whether the points crowd at the top rather than at the bottom."""
    known = np.where(weight > 0, y, np.nan)
    low, high = np.nanquantile(known, [0.25, 0.75], axis=1)
    return np.asarray(1 - high < low)


def _start(x: Numbers, y: Numbers, weight: Numbers, down: NDArray[np.bool_]) -> Numbers:
    """Center, sigma, amplitude and offset by moments of what stands out of the level."""
    known = np.where(weight > 0, y, np.nan)
    low, high = np.nanquantile(known, [0.25, 0.75], axis=1)
    base = np.where(down, high, low)
    out = np.where(down[:, None], base[:, None] - y, y - base[:, None]) * weight
    top = out.max(axis=1)
    out = np.where(out > 0.3 * top[:, None], out, 0.0)
    total = np.maximum(out.sum(axis=1), 1e-12)
    center = (out * x).sum(axis=1) / total
    spread = np.sqrt((out * (x - center[:, None]) ** 2).sum(axis=1) / total)
    sigma = np.clip(1.3 * spread, 0.5 / x.shape[1], 1.0)  # the cut takes the tails away
    return np.stack([center, sigma, np.where(down, -top, top), base], axis=1)


def _descended(x: Numbers, y: Numbers, weight: Numbers, start: Numbers) -> Numbers:
    """The parameters [k, 4] at the least sum of squares that is found from `start`."""
    params = start.copy()
    damping = np.full(len(params), 1e-2)
    cost = _cost(x, y, weight, params)
    active = np.arange(len(params))
    for _ in range(_ROUNDS):
        xs, ys, ws, p = x[active], y[active], weight[active], params[active]
        u = (xs - p[:, :1]) / p[:, 1:2]
        bell = np.exp(-0.5 * u * u)
        slope = p[:, 2:3] * bell * u / p[:, 1:2]
        jacobian = np.stack([slope, slope * u, bell, np.ones_like(bell)], axis=2) * ws[:, :, None]
        residual = (ys - p[:, 2:3] * bell - p[:, 3:4]) * ws
        normal = np.einsum("kmi,kmj->kij", jacobian, jacobian)
        gradient = np.einsum("kmi,km->ki", jacobian, residual)
        diagonal = np.einsum("kii->ki", normal)
        normal[:, range(4), range(4)] += damping[active, None] * diagonal + 1e-12
        step = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
        tried = p + np.where(np.isfinite(step), step, 0.0)
        tried[:, 1] = np.clip(np.abs(tried[:, 1]), 1e-3 / x.shape[1], 10.0)
        tried[:, 0] = np.clip(tried[:, 0], -1.0, 2.0)
        after = _cost(xs, ys, ws, tried)
        better = after < cost[active]
        gain = (cost[active] - after) / np.maximum(cost[active], 1e-30)
        params[active[better]] = tried[better]
        damping[active] = np.clip(np.where(better, damping[active] / 5, damping[active] * 8),
                                  1e-12, 1e12)  # fmt: skip
        small = np.abs(step).max(axis=1) < _QUITE
        over = (better & (gain < _QUITE)) | (~better & (small | (damping[active] >= 1e10)))
        cost[active] = np.where(better, after, cost[active])
        active = active[~over]
        if not active.size:
            break
    return params


def _model(
    x: Numbers, center: Numbers, sigma: Numbers, amplitude: Numbers, offset: Numbers
) -> Numbers:
    u = (x - center[:, None]) / sigma[:, None]
    return np.asarray(offset[:, None] + amplitude[:, None] * np.exp(-0.5 * u * u))


def _cost(x: Numbers, y: Numbers, weight: Numbers, params: Numbers) -> Numbers:
    return np.asarray((weight * (y - _model(x, *params.T)) ** 2).sum(axis=1))
