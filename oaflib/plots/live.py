"""What a page needs to read values off a picture of series over time, as compact JSON.

The picture stays what it is; a script may lay a line over it and say the least and the greatest
value of the column of time under the pointer. Numbers are base64 of little-endian float32, so one
series is about 7 kB. There is no zoom: it would need more data than the whole page may have, and
replaying the notebook has all of them.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from oaflib.plots.axes import Axes
from oaflib.plots.curve import Curve
from oaflib.plots.envelope import Floats, envelope
from oaflib.window import Window


def live_axes(axes: Axes, unit: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    """One axes: its box (x, y, width, height in pixels of the picture), unit and series."""
    box = [round(side, 1) for side in axes.box]
    return {"box": box, "unit": unit, "series": series}


def live_series(curve: Curve, paint: str, columns: int) -> dict[str, Any]:
    """One series: ``low`` and ``high`` for each column, NaN where there is none.

    ``high`` is left out where it is the same everywhere.
    """
    env = curve.envelope
    if env is None:
        window = curve.window
        env = envelope(curve.time, curve.value, window.start_ns, window.end_ns, columns)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    low[env.column], high[env.column] = env.low, env.high
    found: dict[str, Any] = {"name": curve.name, "paint": paint, "low": packed(low)}
    if not np.array_equal(low, high, equal_nan=True):
        found["high"] = packed(high)
    return found


def live_picture(
    window: Window, columns: int, size: tuple[float, float], axes: list[dict[str, Any]]
) -> dict[str, Any]:
    """A picture: first column's start and each one's length in ms since 1970 UTC, zone and axes."""
    return {
        "version": 1,
        "start": window.start_ns / 1e6,
        "step": (window.end_ns - window.start_ns) / columns / 1e6,
        "columns": columns,
        "zone": window.zone,
        "size": [round(size[0]), round(size[1])],
        "axes": axes,
    }


def packed(values: Floats) -> str:
    """Numbers as base64 of little-endian float32; beyond its range they become the largest."""
    limit = float(np.finfo(np.float32).max)
    found = np.clip(values, -limit, limit).astype("<f4")
    return base64.b64encode(found.tobytes()).decode()
