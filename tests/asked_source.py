"""A source for tests that counts what it is asked, and refuses and fails as it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from oaflib.config.budget import Budget
from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.errors import QueryRefused, SourceUnavailable
from oaflib.records import Records
from oaflib.series import Kind, Series, Variable, nothing
from oaflib.sources.connection import Connection, Place
from oaflib.sources.extract import Extraction
from oaflib.sources.pieces import Shelf
from oaflib.window import Window, calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
NOW = DAY.end + timedelta(hours=8)


class Asked:
    """Holds `series`; every question is a line of `questions`.

    `most` samples in one answer, else it refuses; it goes away after `answers` questions about
    samples.
    """

    def __init__(self, *series: Series, most: int = 10**9, answers: int = 10**9) -> None:
        self.series = {one.name: one for one in series}
        self.most, self.answers = most, answers
        self.questions: list[str] = []

    def __enter__(self) -> Self:
        self.questions.append("open")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def find(self, pattern: str) -> list[Variable]:
        self.questions.append(f"find {pattern}")
        head, _, tail = pattern.partition("%")
        return [
            Variable(one.name, one.kind, one.unit)
            for one in self.series.values()
            if one.name == pattern
            or ("%" in pattern and one.name.startswith(head) and one.name.endswith(tail))
        ]

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        self.questions.append(f"count {len(variables)}")
        return {one.name: len(self._of(one, window)) for one in variables}

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        hours = window.duration.total_seconds() / 3600
        names = " ".join(one.name for one in variables)
        self.questions.append(f"read {names} {hours:g}h")
        self.answers -= 1
        if self.answers < 0:
            raise SourceUnavailable("nobody there")
        found = [self._of(one, window) for one in variables]
        if sum(map(len, found)) > self.most:
            raise QueryRefused("too many samples")
        yield from found

    def _of(self, variable: Variable, window: Window) -> Series:
        held = self.series.get(variable.name)
        return held.between(window.start_ns, window.end_ns) if held else nothing(variable)


def samples(
    name: str, window: Window = DAY, count: int = 1440, kind: Kind = Kind.NUMERIC
) -> Series:
    """So many noisy samples of the window."""
    noise = np.random.default_rng(len(name))
    step = (window.end_ns - window.start_ns) // count
    time = window.start_ns + step * np.arange(count)
    value: Any = noise.standard_normal(count)
    if kind is Kind.VECTORNUMERIC:
        value = noise.standard_normal((count, 8))
    elif kind is Kind.TEXTUAL:
        value = np.array(["ON", "OFF"] * (count // 2), dtype=object)
    return Series(name, kind, "A", time, value)


def dataset(*names: str, **more: Any) -> Dataset:
    """A dataset of these variables."""
    return Dataset("BCT", "B1", "B1", variables=tuple(map(VariableChoice, names)), **more)


def extracted(
    source: Asked, about: Dataset, folder: Path, window: Window = DAY, now: datetime = NOW,
    *, fresh: bool = False, **budget: Any,
) -> Records:  # fmt: skip
    """The records of an extraction whose pieces are kept beside `folder`."""
    shelf = Shelf(folder.parent / "pieces", timedelta(hours=6), now, fresh)
    with Connection(Place("LDB", "asked"), lambda: source, Budget(**budget)) as connection:
        return Extraction(about, window, connection, shelf).into(folder)


def early() -> datetime:
    """A time at which the day has ended and is not complete yet."""
    return DAY.end.astimezone(UTC) + timedelta(hours=1)
