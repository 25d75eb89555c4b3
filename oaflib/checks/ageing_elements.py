"""A vector's elements, judged one by one and told as one outcome, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oaflib.checks.ageing_points import Floats, Points, latest_period
from oaflib.checks.ageing_rank import place_of
from oaflib.checks.ageing_verdict import Judged
from oaflib.checks.words import plural, some
from oaflib.config.interventions import Intervention
from oaflib.report import Severity
from oaflib.series import Kind, Series, Times
from oaflib.trend import Trend
from oaflib.window import Window

KEPT = {"mean": "elements", "std": "spreads"}  # the statistics that history has of each element
_SUSPECT = 2.0  # scatters from its beginning from which on an element is looked at closely
_ALWAYS = 16  # elements, the most suspect ones, that always are
_LATE = 6  # windows that say where an element is now


def element_rows(
    past: Trend, series: Series, window: Window, of: str
) -> tuple[Times, Floats] | None:
    """Times, and statistic `of` of each element, [n, m]: history and today.

    None where history has no such statistic of elements.
    """
    known = getattr(past, KEPT.get(of, ""), None)
    if known is None:
        return None
    time: Times = past.time
    late = not len(past) or past.end[-1] <= window.start_ns
    if late and len(series) and series.kind is Kind.VECTORNUMERIC and series.value.ndim == 2:
        with np.errstate(invalid="ignore", divide="ignore"):
            good = np.isfinite(series.value)
            count = good.sum(axis=0)
            mean = np.where(good, series.value, 0.0).sum(axis=0) / count
            off = np.where(good, series.value - mean, 0.0)
            row = mean if of == "mean" else np.sqrt((off**2).sum(axis=0) / count)
        width = max(known.shape[1], len(row))
        known = np.stack([_wide(one, width) for one in (*known, row)])
        time = np.append(time, (window.start_ns + window.end_ns) // 2)
    return time, known


def by_element(
    name: str,
    time: Times,
    rows: Floats,
    units: NDArray[np.object_],
    done: Sequence[Intervention],
    weigh: Callable[[Points], Judged],
) -> Judged:
    """One verdict on all elements of `name`: the worst one's, those that are bad as `members`."""
    judged: list[tuple[int, Judged]] = []
    known = np.asarray(np.isfinite(rows).any(axis=0))
    for i in _suspects(rows, known):
        good = np.isfinite(rows[:, i])
        points = Points(time[good], rows[good, i], str(units[-1]), units=units[good])
        points = latest_period(points, done)
        if len(points):
            judged.append((int(i), weigh(points)))
    if not judged:
        return Judged(Severity.NOT_APPLICABLE, "no element has a history since the period began")
    judged.sort(key=lambda pair: place_of(pair[1].severity, pair[1].forecast, pair[1].since))
    worst, verdict = judged[0]
    bad = [i for i, one in judged if one.severity.rank > Severity.OK.rank]
    every = plural(int(known.sum()), "element")
    if not bad:
        return replace(verdict, reason=f"{every}, the most suspect {worst}: {verdict.reason}")
    others = ""
    if len(bad) > 1:
        which = f"all {every}" if len(bad) == int(known.sum()) else f"{len(bad)} of {every}"
        others = f"; {which}: {some([str(i) for i in bad], 8)}"
    return replace(
        verdict,
        reason=f"element {worst}: {verdict.reason}{others}",
        members=tuple(f"{name}[{i}]" for i in bad),
    )


def _suspects(rows: Floats, known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Elements worth a close look: of thousands most are plainly as they were."""
    n = len(rows)
    base = rows[: min(n, max(n // 3, 10), 60)]
    with np.errstate(all="ignore"):
        first = _middle(base)
        scatter = _middle(np.abs(np.diff(rows, axis=0)))
        off = np.abs(_middle(rows[-_LATE:]) - first) / scatter
    off = np.where(known, np.nan_to_num(off, nan=np.inf, posinf=np.inf), -1.0)
    order = np.argsort(-off, kind="stable")
    count = max(_ALWAYS, int((off >= _SUSPECT).sum()))
    return np.asarray([i for i in order[:count] if known[i]], dtype=np.intp)


def _middle(rows: Floats) -> Floats:
    """The median of each column, NaN left out; NaN where there is nothing."""
    out = np.full(rows.shape[1], np.nan)
    some_known = np.isfinite(rows).any(axis=0) if len(rows) else np.zeros(len(out), dtype=bool)
    if some_known.any():
        out[some_known] = np.nanmedian(rows[:, some_known], axis=0)
    return out


def _wide(row: Floats, width: int) -> Floats:
    out = np.full(width, np.nan)
    out[: len(row)] = row
    return out
