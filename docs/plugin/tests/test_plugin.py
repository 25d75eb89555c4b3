"""The contract suites of OAF, each inherited by what this package offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from oaf_example.bars import Bars
from oaf_example.logbook import LogbookSource
from oaf_example.rate import Rate

from oaflib.series import Kind, Series
from oaflib.sources.base import SourceSettings
from oaflib.testing import CheckContract, PlotContract, SourceContract
from oaflib.window import instant, moment

SECOND = 10**9


def offsets(values: Sequence[float]) -> Series:
    time = CheckContract.window.start_ns + 60 * SECOND * np.arange(len(values))
    return Series("A.BCT:OFFSET", Kind.NUMERIC, "pA", time, np.array(values))


class TestRate(CheckContract):
    check = Rate(high=0.1)
    well = (offsets([1.0, 2.0, 1.5]),)
    wrong = (offsets([1.0, 20.0, 1.5]),)


class TestBars(PlotContract):
    plot = Bars()
    drawn = (offsets([1.0, 2.0]),)


class TestLogbook(SourceContract):
    kinds: ClassVar = (Kind.NUMERIC,)
    resolution: ClassVar = 1000  # a time in words has microseconds

    def filled(self, series: Sequence[Series], folder: Path) -> LogbookSource:
        lines = [
            f"{instant(moment(int(time)))} {entry.name} {value!r} {entry.unit}"
            for entry in series
            for time, value in zip(entry.time, entry.value.tolist(), strict=True)
        ]
        (folder / "book.txt").write_text("\n".join(lines))
        return self._source(folder)

    def unreachable(self, folder: Path) -> LogbookSource:
        return self._source(folder)

    def _source(self, folder: Path) -> LogbookSource:
        return LogbookSource(SourceSettings("BOOK", "logbook", {"file": "book.txt"}, folder))
