"""Statistics from the appliance's ``stats`` post-processor, where they can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from oaflib.report import Statistics
from oaflib.series import Series, Variable
from oaflib.sources.archiver.wire import Chunk
from oaflib.window import Window

_SECOND = 10**9


def summarised(
    variable: Variable,
    chunks: Sequence[Chunk],
    window: Window,
    bins: tuple[int, Mapping[str, int]],
) -> Statistics | None:
    """The statistics of a window from those of its bins; None where they are not those of OAF.

    `bins` are their width in s and the count of samples. A bin is ``[mean, std, min, max, count]``
    at its middle; the appliance leaves NaN out, takes infinities in, and tells the highest severity
    of the bin. The bin before the window holds the sample before it.
    """
    width, counted = bins
    rows = []
    unit = variable.unit
    for chunk in chunks:
        unit = chunk.headers.get("EGU", unit)
        for time, value, severity in zip(chunk.time, chunk.value, chunk.severity, strict=True):
            start = int(time) // (width * _SECOND) * width * _SECOND
            if not window.start_ns <= start < window.end_ns:
                continue
            if severity >= 3 or np.shape(value) != (5,):
                return None
            if value[4] > 0:
                rows.append(value)
    total = sum(row[4] for row in rows)
    if total != counted[variable.name] or not np.isfinite(rows).all():
        return None
    count = int(total)
    mean = math.fsum(row[0] * row[4] for row in rows) / count if count else None
    std = None
    if mean is not None:
        # The appliance's deviation is that of a sample (n - 1), ours that of all (n).
        squares = (row[1] ** 2 * (row[4] - 1) + row[4] * (row[0] - mean) ** 2 for row in rows)
        std = math.sqrt(math.fsum(squares) / count)
    return Statistics(
        variable=variable.name,
        kind=str(variable.kind),
        unit=unit,
        count=count,
        min=min((float(row[2]) for row in rows), default=None),
        max=max((float(row[3]) for row in rows), default=None),
        mean=None if mean is None else float(mean),
        std=std,
        first=None,
        last=None,
        title=variable.title,
    )


def scaled(variable: Variable, chunks: Sequence[Chunk], window: Window, width: int) -> Series:
    """What a post-processor with bins of `width` ns made, a sample a bin that has one.

    Its stamps are the middles of bins; a sample stands at the start of its bin, or at that of the
    window where the bin began before. The bin before the window holds the sample before it.
    """
    times: list[int] = []
    values: list[float] = []
    for chunk in chunks:
        for time, value in zip(chunk.time, chunk.value, strict=True):
            start = int(time) // width * width
            if start + width <= window.start_ns or start >= window.end_ns:
                continue
            if np.ndim(value) == 0 and np.isfinite(value):
                times.append(max(start, window.start_ns))
                values.append(float(value))
    time = np.array(times, np.int64)
    about = (variable.name, variable.kind, variable.unit)
    return Series(*about, time, np.array(values, np.float64), variable.title)
