"""What a computation is: a frozen dataclass that makes series out of records."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oaflib.errors import ComputationError
from oaflib.expression import compile_expression, open_intervals
from oaflib.records import Records, State
from oaflib.series import Kind, Series, Times, Values, device_of

Numbers = NDArray[np.float64]
_DEVICE = "{device}"


@dataclass(frozen=True, kw_only=True)
class Computation:
    """Base of all computations. The fields are the keys of a dataset's ``[[compute]]``.

    Attributes
    ----------
    name : of the variable made; several are made as ``name.output``.
    unit : of the variable made, instead of the one that follows from the inputs.
    title : for people.
    gate : expression; only samples taken while it is true are used.
    """

    kind: ClassVar[str] = ""
    parts: ClassVar[tuple[str, ...]] = ()

    name: str
    unit: str = ""
    title: str = ""
    gate: str = ""

    def __post_init__(self) -> None:
        if fault := _fault_of_name(self.name):
            raise ValueError(f"name {fault}")
        if self.gate.strip():
            compile_expression(self.gate)
        if self.pattern and _DEVICE not in self.name:
            raise ValueError(
                f"name '{self.name}' is one, and '{self.pattern}' may be several variables; "
                "write {device} in the name"
            )

    @property
    def pattern(self) -> str:
        """The ``%`` pattern that stands for several variables, one computation each; or nothing."""
        return ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The variables it makes; empty when that depends on what the records hold."""
        return () if self.pattern else self.made_names

    @property
    def made_names(self) -> tuple[str, ...]:
        """The names of what it makes, with ``{device}`` where it is not yet known."""
        return tuple(f"{self.name}.{part}" for part in self.parts) if self.parts else (self.name,)

    @property
    def inputs_named(self) -> tuple[str, ...]:
        """The variables of the records that it needs, as far as they are known by name."""
        return ()

    def expanded(self, records: Records) -> list[Self]:
        """One computation for each variable that the pattern means; itself without a pattern."""
        if not self.pattern:
            return [self]
        found = matching(self.pattern, records)
        if not found:
            near = _near(self.pattern.strip("%"), records)
            raise ComputationError(f"no variable matches '{self.pattern}'{near}")
        return [self.of_variable(variable) for variable in found]

    def of_variable(self, variable: str) -> Self:
        """This computation for one variable of those the pattern means."""
        device = device_of(variable)
        changed: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value == self.pattern and entry.name in ("variable", "each"):
                changed[entry.name] = variable if entry.name == "variable" else ""
            elif isinstance(value, str):
                changed[entry.name] = value.replace(_DEVICE, device)
            elif isinstance(value, dict):
                changed[entry.name] = {k: v.replace(_DEVICE, device) for k, v in value.items()}
        return replace(self, **changed)

    def compute(self, records: Records) -> list[Series]:
        """The series made; those of `made_names`, or of each expanded computation's.

        Raises
        ------
        ComputationError
            An input that is not there, or of a kind it does not take.
        ExpressionError
            An expression or gate that these records do not allow.
        """
        return [made for one in self.expanded(records) for made in one.make(records)]

    def make(self, records: Records) -> list[Series]:
        """As `compute`, of a computation without pattern."""
        raise NotImplementedError

    def series(
        self, part: str, time: ArrayLike, value: Values | list[Any], unit: str = ""
    ) -> Series:
        """The series of one output: NUMERIC of [n], VECTORNUMERIC of [n, m] or object[n].

        What is infinite becomes NaN.
        """
        value = np.asarray(value)
        kind = Kind.NUMERIC if value.ndim == 1 and value.dtype != object else Kind.VECTORNUMERIC
        if value.dtype != object:
            value = value.astype(np.float64, copy=False)
            finite = np.isfinite(value)
            value = value if finite.all() else np.where(finite, value, np.nan)
        name = f"{self.name}.{part}" if part else self.name
        unit = self.unit if self.unit and not self.parts else unit
        return Series(name, kind, unit, np.asarray(time, dtype=np.int64), value, self.title)


@dataclass(frozen=True, kw_only=True)
class OfVariable(Computation):
    """Base of computations on one variable, or on each of a pattern's.

    Attributes
    ----------
    variable : a name, or a ``%`` pattern; then ``{device}`` in the name and in other variables'
        names stands for the device of each.
    """

    takes: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)

    variable: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.variable.strip():
            raise ValueError("variable is empty")

    @property
    def pattern(self) -> str:
        return self.variable if "%" in self.variable else ""

    @property
    def inputs_named(self) -> tuple[str, ...]:
        return () if self.pattern else (self.variable,)

    def make(self, records: Records) -> list[Series]:
        series = taken(records, self.variable, self.takes)
        return self.of(self.gated(series, records), records)

    def gated(self, series: Series, records: Records) -> Series:
        """The samples of `series` in the window, and while the gate was open."""
        series = in_window(series, records)
        if self.gate.strip():
            series = open_intervals(self.gate, records).select(series)
        return series

    def of(self, series: Series, records: Records) -> list[Series]:
        """What is made of the variable's samples."""
        raise NotImplementedError


def in_window(series: Series, records: Records) -> Series:
    """The samples of the window; records may hold one before it."""
    start, end = records.window.start_ns, records.window.end_ns
    if len(series) and (series.time[0] < start or series.time[-1] >= end):
        return series.between(start, end)
    return series


def taken(records: Records, name: str, kinds: tuple[Kind, ...]) -> Series:
    """The series called `name`.

    Raises
    ------
    ComputationError
        Not extracted, absent, failed, or not of `kinds`.
    """
    if name not in records:
        raise ComputationError(f"'{name}' is not extracted{_near(name, records)}")
    entry = records.entries[name]
    if entry.state is State.ABSENT:
        raise ComputationError(f"{name} does not exist: {entry.reason or 'no such variable'}")
    if entry.state is State.FAILED:
        raise ComputationError(
            f"nothing is known of {name}: {entry.reason or 'its request failed'}"
        )
    series = records[name]
    if series.kind not in kinds:
        allowed = " or ".join(kinds)
        raise ComputationError(f"{name} is {series.kind}; this takes {allowed}")
    return series


def matching(pattern: str, records: Records) -> list[str]:
    """The variables whose whole name matches: ``%`` is any characters, the rest itself."""
    whole = re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)
    return sorted(name for name in records if whole.fullmatch(name))


def numbers(series: Series) -> Numbers:
    """The samples as float64, [n] or [n, m]; infinities become NaN. Not for ragged series."""
    value = np.asarray(series.value, dtype=np.float64)
    finite = np.isfinite(value)
    return value if finite.all() else np.where(finite, value, np.nan)


def rows(series: Series) -> Iterator[Numbers]:
    """Each sample of a vector or image series as float64, infinities as NaN; one at a time."""
    for sample in series.value:
        row = np.asarray(sample, dtype=np.float64)
        finite = np.isfinite(row)
        yield row if finite.all() else np.where(finite, row, np.nan)


def blocks(series: Series) -> Iterator[tuple[NDArray[np.intp], Numbers]]:
    """The vectors of each length together: their places in the series, and [k, m]."""
    if series.value.dtype != object:
        if len(series):
            yield np.arange(len(series)), numbers(series)
        return
    lengths = np.array([len(row) for row in series.value], dtype=np.intp)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        block = np.stack([np.asarray(series.value[i], dtype=np.float64) for i in places])
        yield places, np.where(np.isfinite(block), block, np.nan)


def moment_of(records: Records) -> Times:
    """Where one number of the whole window is stamped: its start; int64[1]."""
    return np.array([records.window.start_ns], dtype=np.int64)


def _near(name: str, records: Records) -> str:
    near = difflib.get_close_matches(name, list(records), 2, 0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    listed = list(records)
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return f"; there are: {', '.join(listed[:8]) or 'none'}{more}"


def _fault_of_name(name: str) -> str:
    if not name or name != name.strip():
        return f"{name!r} is empty, or begins or ends with a blank"
    if len(name) > 300:
        return f"has {len(name)} characters; at most 300"
    if not name.isprintable() or "%" in name or "`" in name:
        return f"{name!r} holds a character that a variable's name cannot hold (%, `, unprintable)"
    return ""
