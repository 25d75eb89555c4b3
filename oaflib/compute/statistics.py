"""One variable's numbers over a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oaflib.records import Entry
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Values

_NUMBERS = (
    *("count", "min", "max", "mean", "std", "first", "last", "first_time", "last_time"),
    *("nan", "inf", "duplicates"),
)
_MOST = 4096  # elements beyond which a report would be mostly these


def summarise(series: Series, entry: Entry) -> Statistics:
    """Count, min, max, mean, standard deviation, first and last of the finite samples.

    Vectors and images are summed up over all their elements; vectors of one length, of 4096
    elements at most, also element by element. Texts have first and last only. Of what came at low
    resolution the numbers are those over all samples where they are known; mean and standard
    deviation are None where they are not.
    """
    if entry.resolution:
        return _of_coarse(series, entry)
    shared = {
        "variable": series.name,
        "kind": str(series.kind),
        "unit": series.unit,
        "count": len(series),
        "nan": entry.nan,
        "inf": entry.inf,
        "duplicates": entry.duplicates,
        "title": series.title,
        "shape": shape(series),
    }
    if not len(series):
        return Statistics(**shared)  # type: ignore[arg-type]
    shared["first_time"], shared["last_time"] = int(series.time[0]), int(series.time[-1])
    if series.kind is Kind.TEXTUAL:
        first, last = (str(series.value[i])[:200] for i in (0, -1))
        return Statistics(**shared, first=first, last=last)  # type: ignore[arg-type]
    if not series.kind.numeric:
        return Statistics(**shared)  # type: ignore[arg-type]
    flat = finite(series.value)
    if series.kind is Kind.NUMERIC:
        shared["first"], shared["last"] = float(series.value[0]), float(series.value[-1])
    if not len(flat):
        return Statistics(**shared)  # type: ignore[arg-type]
    return Statistics(
        **shared,  # type: ignore[arg-type]
        min=float(flat.min()),
        max=float(flat.max()),
        mean=float(flat.mean(dtype=np.float64)),
        std=float(flat.std(dtype=np.float64)),
        elements=by_element(series),
    )


def _of_coarse(series: Series, entry: Entry) -> Statistics:
    found = replace(
        summarise(series, replace(entry, resolution=0)), mean=None, std=None, elements=None
    )
    known = {key: value for key, value in (entry.reduced or {}).items() if value is not None}
    kept = {name: known[name] for name in _NUMBERS if name in known}
    return replace(found, **kept)


def by_element(series: Series) -> dict[str, tuple[float | None, ...]] | None:
    """``mean`` and ``std`` of each element over the window, to nine digits; None where not vectors
    of one length of 4096 elements at most.
    """
    value = series.value
    if series.kind is not Kind.VECTORNUMERIC or value.ndim != 2 or not 0 < value.shape[1] <= _MOST:
        return None
    good = np.isfinite(value)
    count = good.sum(axis=0)
    safe = np.where(good, value, 0.0)
    mean = safe.sum(axis=0) / np.maximum(count, 1)
    std = np.sqrt((np.where(good, safe - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count, 1))
    return {"mean": _rounded(mean, count), "std": _rounded(std, count)}


def _rounded(row: NDArray[np.float64], count: NDArray[np.intp]) -> tuple[float | None, ...]:
    return tuple(
        float(f"{number:.9g}") if some and np.isfinite(number) else None
        for number, some in zip(row, count, strict=True)
    )


def finite(value: Values) -> Values:
    """All finite elements of samples of any shape, as one flat array."""
    if value.dtype == object:
        flat = np.concatenate([np.ravel(sample) for sample in value]) if len(value) else value
    else:
        flat = value.ravel()
    if flat.dtype.kind != "f":
        return flat
    good = np.isfinite(flat)
    return flat if good.all() else flat[good]


def shape(series: Series) -> str:
    """The size of its vectors or images in words: ``3564``, ``1–4``, ``400 × 300``."""
    if not len(series) or series.kind in (Kind.NUMERIC, Kind.TEXTUAL):
        return ""
    if series.value.dtype != object:
        return " × ".join(str(size) for size in series.value.shape[1:])
    shapes = {sample.shape for sample in series.value}
    if series.kind is Kind.MATRIXNUMERIC:
        return ", ".join(f"{rows} × {columns}" for rows, columns in sorted(shapes)[:4])
    low, high = min(shapes)[0], max(shapes)[0]
    return str(low) if low == high else f"{low}–{high}"
