"""One variable's numbers over a window."""

from __future__ import annotations

import numpy as np

from oaflib.records import Entry
from oaflib.report import Statistics
from oaflib.series import Kind, Series, Values


def summarise(series: Series, entry: Entry) -> Statistics:
    """Count, min, max, mean, standard deviation, first and last of the finite samples.

    Vectors and images are summed up over all their elements; texts have first and last only.
    """
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
