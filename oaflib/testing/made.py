"""Series made up for tests, and how to compare what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oaflib.series import Kind, Series, Values, Variable, nothing
from oaflib.sources.base import Source
from oaflib.window import Window

_TEXTS = ("STABLE BEAMS", "", "Größe µm", 'a,b\n"c"', "ramp")


def made(name: str, kind: Kind, times: Sequence[int], unit: str = "") -> Series:
    """A series of that kind at `times` (int64 ns UTC), its values odd on purpose.

    NaN and infinities among the numbers, vectors and images of changing size (an empty one too),
    empty texts, and texts with commas, quotation marks and newlines.
    """
    time = np.array(times, dtype=np.int64)
    return Series(name, kind, unit, time, _values(kind, len(time)))


def gathered(source: Source, variables: Sequence[Variable], window: Window) -> dict[str, Series]:
    """What the source reads, one series a variable, in order of time.

    Raises
    ------
    AssertionError
        A variable's pieces are not one after the other, or a variable is missing.
    """
    pieces: dict[str, list[Series]] = {}
    last = ""
    for piece in source.read(variables, window):
        assert piece.name == last or piece.name not in pieces, f"{piece.name} comes twice"
        last = piece.name
        pieces.setdefault(piece.name, []).append(piece)
    missing = {variable.name for variable in variables} - set(pieces)
    assert not missing, f"no series, not even an empty one, for {sorted(missing)}"
    return {name: _whole(parts) for name, parts in pieces.items()}


def same(one: Series, other: Series) -> bool:
    """Whether both have the same name, kind, unit, times and samples; NaN equals NaN."""
    return (
        (one.name, one.kind, one.unit) == (other.name, other.kind, other.unit)
        and np.array_equal(one.time, other.time)
        and len(one) == len(other)
        and all(_same_sample(a, b, one.kind) for a, b in zip(one.value, other.value, strict=True))
    )


def _values(kind: Kind, count: int) -> Values:
    every = np.empty(count, dtype=object)
    for i in range(count):
        if kind is Kind.NUMERIC:
            every[i] = (i * 1.1, np.nan, -np.inf, 1e-300, -0.0, 2.0**53)[i % 6]
        elif kind is Kind.VECTORNUMERIC:
            every[i] = np.array([i / 3, np.nan, 3.0, np.inf])[: (i + 1) % 5]
        elif kind is Kind.MATRIXNUMERIC:
            every[i] = np.arange((2 + i % 3) * 3, dtype=np.uint16).reshape(2 + i % 3, 3) + i
        elif kind is Kind.TEXTUAL:
            every[i] = _TEXTS[i % len(_TEXTS)]
        else:
            every[i] = np.array(_TEXTS[: i % 4], dtype=object)
    return every.astype(np.float64) if kind is Kind.NUMERIC else every


def _whole(parts: list[Series]) -> Series:
    kept = [part for part in parts if len(part)]
    if not kept:
        first = parts[0]
        return nothing(Variable(first.name, first.kind, first.unit, first.title))
    time = np.concatenate([part.time for part in kept])
    value = np.empty(len(time), dtype=object)
    for place, sample in enumerate(sample for part in kept for sample in part.value):
        value[place] = sample
    order = np.argsort(time, kind="stable")
    value = value[order]
    if kept[0].kind is Kind.NUMERIC:
        value = value.astype(np.float64)
    return Series(kept[0].name, kept[0].kind, kept[-1].unit, time[order], value)


def _same_sample(one: Any, other: Any, kind: Kind) -> bool:
    if kind is Kind.TEXTUAL:
        return bool(one == other)
    if kind is Kind.VECTORSTRING:
        return list(one) == list(other)
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
