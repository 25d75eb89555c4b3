"""A logbook as a source: lines of ``2026-11-22T08:00:00Z DEVICE:FIELD 3.2 pA``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.base import SourceSettings
from oaflib.sources.like import matches
from oaflib.sources.options import options_of
from oaflib.window import Window, nanoseconds, parse_instant


@dataclass(frozen=True)
class LogbookOptions:
    """``[sources.NAME]`` with ``kind = "logbook"``; `file` is relative to the project's folder."""

    file: str


@dataclass(frozen=True)
class Line:
    """One line: when (int64 ns UTC), which variable, its value and unit."""

    time: int
    name: str
    value: float
    unit: str


class LogbookSource:
    """The lines of a text file, read when it is entered.

    Raises
    ------
    SourceUnavailable
        On entering: the file cannot be read. It is no answer, so nothing is concluded.
    QueryRefused
        From `read`: a line of the file is not what it should be, with its number.
    """

    local = True  # nobody is asked over a network: nothing need be kept

    def __init__(self, settings: SourceSettings) -> None:
        self._path = settings.root / options_of(LogbookOptions, settings).file
        self._lines: list[Line] = []

    def __enter__(self) -> Self:
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise SourceUnavailable(f"the logbook {self._path} cannot be read: {error}") from error
        self._lines = [
            _line(number, line)
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.startswith("#")
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines = []

    def find(self, pattern: str) -> list[Variable]:
        """The variables that the logbook names and `pattern` matches, by name."""
        units = {line.name: line.unit for line in self._lines if matches(pattern, line.name)}
        return [Variable(name, Kind.NUMERIC, unit) for name, unit in sorted(units.items())]

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        """How many lines each variable has in the window."""
        return {entry.name: len(self._of(entry.name, window)) for entry in variables}

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        """The lines of the window, a piece for each unit a variable had."""
        for variable in variables:
            lines = self._of(variable.name, window)
            if not lines:
                yield nothing(variable)
            for unit in dict.fromkeys(line.unit for line in lines):
                of_unit = [line for line in lines if line.unit == unit]
                time = np.array([line.time for line in of_unit], dtype=np.int64)
                value = np.array([line.value for line in of_unit])
                yield Series(variable.name, Kind.NUMERIC, unit, time, value)

    def _of(self, name: str, window: Window) -> list[Line]:
        return [
            line
            for line in self._lines
            if line.name == name and window.start_ns <= line.time < window.end_ns
        ]


def _line(number: int, text: str) -> Line:
    parts = text.split(maxsplit=3)
    try:
        time, name, value = parts[:3]
        when = nanoseconds(parse_instant(time))
        return Line(when, name, float(value), parts[3].strip() if len(parts) > 3 else "")
    except ValueError as error:
        raise QueryRefused(
            f"line {number} of the logbook is not 'TIME DEVICE:FIELD VALUE UNIT': {error}"
        ) from error
