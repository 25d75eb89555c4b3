"""What a picture can show of a series, made from its samples: see `Envelopes`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oaflib.series import Series
from oaflib.window import Window


def bucket_width(window: Window, buckets: int) -> int:
    """The length in ns of each of `buckets` parts of the window.

    Raises
    ------
    ValueError
        No buckets.
    """
    if buckets < 1:
        raise ValueError(f"an envelope of {buckets} buckets shows nothing; ask for 1 or more")
    return -(-(window.end_ns - window.start_ns) // buckets)


def envelope_of(series: Series, window: Window, buckets: int) -> Series:
    """The extremes of each part of the window, of a NUMERIC series in order of time.

    Of equal samples the first. Real samples, at most two a part; see `Envelopes.envelope`.
    """
    width = bucket_width(window, buckets)
    series = series.between(window.start_ns, window.end_ns)
    if not len(series):
        return series
    value = np.asarray(series.value, dtype=np.float64)
    good = np.isfinite(value)
    part = (series.time - window.start_ns) // width
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    sizes = np.diff(starts, append=len(part))
    kept = np.zeros(len(part), dtype=bool)
    for extreme, worst in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        best = extreme.reduceat(np.where(good, value, worst), starts)
        places = np.flatnonzero(good & (value == np.repeat(best, sizes)))
        kept[places[np.flatnonzero(np.diff(part[places], prepend=-1))]] = True
    odd = starts[np.add.reduceat(good, starts, dtype=np.int64) == 0]
    kept[odd] = True
    return replace(series.where(kept), value=np.where(good[kept], value[kept], np.nan))
