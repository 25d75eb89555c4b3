"""What was logged: one variable's series."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Values = NDArray[np.generic]


class Kind(StrEnum):
    """The logging systems' kinds of data."""

    NUMERIC = "NUMERIC"
    VECTORNUMERIC = "VECTORNUMERIC"
    MATRIXNUMERIC = "MATRIXNUMERIC"
    TEXTUAL = "TEXTUAL"
    VECTORSTRING = "VECTORSTRING"

    @property
    def numeric(self) -> bool:
        """Whether its samples are numbers."""
        return self in (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC)


@dataclass(frozen=True)
class Variable:
    """A logged variable, ``DEVICE:FIELD``."""

    name: str
    kind: Kind = Kind.NUMERIC
    unit: str = ""
    title: str = ""

    @property
    def device(self) -> str:
        """The device that logs it."""
        return device_of(self.name)


@dataclass(frozen=True)
class Rows:
    """Where samples lie in a Parquet file of `columnar`'s layout that never changes.

    `count` rows from row `skip` of row group `group` on; they may go on in the groups after it.
    `whole` is how many rows of the variable the file holds together there, where that is known.
    """

    path: Path
    group: int
    skip: int
    count: int
    whole: int = 0


@dataclass(frozen=True, eq=False)
class Series:
    """One variable's samples, in order of time.

    Attributes
    ----------
    time : int64[n]
        Nanoseconds since 1970 UTC.
    value : array of n samples
        NUMERIC float64[n]; VECTORNUMERIC float64[n, m], or object[n] of float64 arrays where the
        length changes; MATRIXNUMERIC [n, rows, columns] in the camera's own type, or object[n] of
        2-d arrays where the size changes; TEXTUAL object[n] of str; VECTORSTRING object[n] of
        object arrays of str. Empty (n = 0) when nothing was logged.
    lies : Rows
        Where exactly these samples lie, one place after the other; empty when that is not known.

    Arrays are read-only.
    """

    name: str
    kind: Kind
    unit: str
    time: Times
    value: Values
    title: str = ""
    lies: tuple[Rows, ...] = ()

    def __post_init__(self) -> None:
        time = np.asarray(self.time, dtype=np.int64)
        value = np.asarray(self.value)
        if len(time) != len(value):
            raise ValueError(f"{self.name}: {len(time)} times but {len(value)} values")
        time, value = time.view(), value.view()
        time.flags.writeable = False
        value.flags.writeable = False
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "value", value)

    def __len__(self) -> int:
        return len(self.time)

    @property
    def device(self) -> str:
        """The device that logs it."""
        return device_of(self.name)

    @property
    def ragged(self) -> bool:
        """Whether its vectors or images change their size."""
        return self.value.dtype == object and self.kind in (Kind.VECTORNUMERIC, Kind.MATRIXNUMERIC)

    def where(self, keep: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Series:
        """The samples that `keep` selects (mask, indices or slice)."""
        return replace(self, time=self.time[keep], value=self.value[keep], lies=())

    def between(self, start_ns: int, end_ns: int) -> Series:
        """The samples of ``[start_ns, end_ns)``; needs the series in order of time."""
        first, stop = np.searchsorted(self.time, [start_ns, end_ns], side="left")
        return self.where(slice(int(first), int(stop)))


def empty_values(kind: Kind) -> Values:
    """An empty array of samples of that kind."""
    return np.empty(0, dtype=np.float64 if kind is Kind.NUMERIC else object)


def nothing(variable: Variable) -> Series:
    """The series of a variable for which nothing was logged."""
    return Series(
        variable.name,
        variable.kind,
        variable.unit,
        np.empty(0, np.int64),
        empty_values(variable.kind),
        variable.title,
    )


def device_of(name: str) -> str:
    """The device of a variable's name: ``DEVICE:FIELD`` or ``DEVICE/Property#field``."""
    return re.split(r"[:/]", name, maxsplit=1)[0] if not name.startswith("tango:") else name


def stack(samples: list[NDArray[np.generic]], ndim: int) -> Values:
    """Vectors (ndim 1) or images (ndim 2) as one array, or as object[n] where sizes differ."""
    shapes = {sample.shape for sample in samples}
    dtypes = {sample.dtype for sample in samples}
    if samples and len(shapes) == 1 and len(dtypes) == 1 and len(next(iter(shapes))) == ndim:
        return np.stack(samples)
    ragged = np.empty(len(samples), dtype=object)
    for i, sample in enumerate(samples):
        ragged[i] = sample
    return ragged


def value_bytes(series: Series) -> int:
    """Bytes of the samples in memory, texts as their length."""
    if series.value.dtype != object:
        return int(series.value.nbytes)
    if series.kind is Kind.TEXTUAL:
        return sum(len(text) for text in series.value if text)
    if series.kind is Kind.VECTORSTRING:
        return sum(len(text) for row in series.value for text in row if text)
    return sum(int(sample.nbytes) for sample in series.value)
