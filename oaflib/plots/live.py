"""What a page needs to read values off a picture and to zoom into it, as compact JSON.

The picture stays what it is; a script may say what is under the pointer, and draw a stretch of an
axes anew. Numbers are base64 of little-endian float32, so one series of a picture is about 7 kB; a
map has a byte for each block. A zoom shows the columns of the picture, wider: never more samples
than the picture had. Replaying the notebook has all of them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.plots.axes import SMALL, Axes
from oaflib.plots.curve import Curve
from oaflib.plots.envelope import Envelope, Floats, envelope
from oaflib.plots.ticks import value_ticks
from oaflib.window import Window

_FINE = 1_000_000_000  # places along an axis that tell two elements apart


@dataclass(frozen=True)
class Across:
    """An axis of numbers: what they count, where it starts, and its columns."""

    label: str
    low: float
    high: float
    columns: int

    def plain(self) -> dict[str, Any]:
        """As JSON: ``start`` and ``step`` are those of the columns."""
        step = (self.high - self.low) / self.columns
        return {"label": self.label, "start": self.low, "step": step, "columns": self.columns}


def live_axes(
    axes: Axes, unit: str, series: list[dict[str, Any]], across: Across | None = None
) -> dict[str, Any]:
    """One axes: its box (x, y, width, height in pixels of the picture), unit and series.

    ``y`` are the values at the bottom and the top, ``grid`` the pixels of its ticks. `across` is
    the horizontal where that is not time.
    """
    box = [round(side, 1) for side in axes.box]
    ticks = value_ticks(*axes.y, max(2, int(axes.box.h // (15 * SMALL * 2.6))), axes.whole)
    found: dict[str, Any] = {
        "box": box,
        "unit": unit,
        "y": [float(axes.y[0]), float(axes.y[1])],
        "grid": [round(float(y), 1) for y in axes.py(ticks.at)],
        "series": series,
    }
    if across is not None:
        found["across"] = across.plain()
    return found


def live_series(curve: Curve, paint: str, columns: int) -> dict[str, Any]:
    """One series: ``low`` and ``high`` for each column, NaN where there is none.

    Infinity is a column whose samples are all NaN: there a line breaks. It breaks too after
    ``reach`` columns without a sample (0: never); with ``steps`` a value holds until the next.
    ``high`` is left out where it is the same everywhere.
    """
    env, reach, window = curve.envelope, curve.reach, curve.window
    if env is None:
        env = envelope(curve.time, curve.value, window.start_ns, window.end_ns, columns)
        if curve.gap:
            column = (window.end_ns - window.start_ns) / columns
            reach = max(1, int(np.ceil(curve.gap / column)))
    found = live_columns(curve.name, paint, env)
    if reach:
        found["reach"] = reach
    if curve.steps:
        found["steps"] = True
    return found


def live_columns(name: str, paint: str, env: Envelope) -> dict[str, Any]:
    """A series of least and greatest values by column."""
    low, high = np.full(env.columns, np.nan), np.full(env.columns, np.nan)
    low[env.column], high[env.column] = env.low, env.high
    found: dict[str, Any] = {"name": name, "paint": paint}
    same = np.array_equal(low, high, equal_nan=True)
    broken = env.column[np.isnan(env.low)]
    low[broken] = high[broken] = np.inf
    found["low"] = packed(low)
    if not same:
        found["high"] = packed(high)
    return found


def live_vector(
    name: str, paint: str, points: tuple[Floats, Floats], across: Across
) -> dict[str, Any]:
    """A vector over the places of its elements, by the columns of `across`."""
    place, value = points
    good = np.isfinite(place) & np.isfinite(value)
    share = (place[good] - across.low) / (across.high - across.low)
    at = np.clip(share * _FINE, 0, _FINE - 1).astype(np.int64)
    order = np.argsort(at, kind="stable")
    env = envelope(at[order], value[good][order], 0, _FINE, across.columns)
    return live_columns(name, paint, env)


def live_map(
    axes: Axes, unit: str, index: NDArray[np.uint8], about: dict[str, Any]
) -> dict[str, Any]:
    """A map: a byte for each block, its first row at the bottom; 0 where there is nothing.

    1 to 254 run from ``low`` to ``high``, beyond which there may be more where ``more`` says so.
    `about`: ``name``, ``elements``, ``element`` (what they are), ``low``, ``high``, ``more``.
    """
    found = live_axes(axes, unit, [])
    rows, columns = index.shape
    text = base64.b64encode(index.tobytes()).decode()
    found["map"] = {**about, "rows": rows, "columns": columns, "index": text}
    return found


def map_index(values: Floats, low: float, high: float) -> NDArray[np.uint8]:
    """Values as bytes: 1 is `low` or less, 254 is `high` or more, 0 is NaN."""
    known = np.isfinite(values)
    index = np.zeros(values.shape, np.uint8)
    share = np.full(int(known.sum()), 0.5)
    if high > low:
        share = (values[known] / 2 - low / 2) / (high / 2 - low / 2)  # halves: no overflow
    index[known] = 1 + np.rint(np.clip(share, 0, 1) * 253).astype(np.uint8)
    return index


def live_picture(
    window: Window, columns: int, size: tuple[float, float], axes: list[dict[str, Any]]
) -> dict[str, Any]:
    """A picture: first column's start and each one's length in ms since 1970 UTC, zone and axes."""
    return {
        "version": 2,
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
    found = np.where(np.isinf(values), values, np.clip(values, -limit, limit)).astype("<f4")
    return base64.b64encode(found.tobytes()).decode()
