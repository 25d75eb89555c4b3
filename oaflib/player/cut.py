"""Records as they were at an earlier time: what had been logged before it, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oaflib.records import Entry, Records, State, count_odd
from oaflib.series import Series
from oaflib.window import Window, moment


class CutRecords(Records):
    """The samples of `whole` before `end` (int64 ns UTC), of the window up to it.

    Series are views of those of `whole`. What is counted is counted anew; duplicates and conflicts,
    whose times nobody kept, are those of the whole. A variable without a sample yet is EMPTY.
    """

    def __init__(self, whole: Records, end: int) -> None:
        window = whole.window
        until = Window(window.start, moment(end), window.zone, window.label)
        super().__init__(until, {}, whole.folder, source=whole.source)
        self._whole = whole
        self.end = end
        self.entries = {name: self._entry(name, entry) for name, entry in whole.entries.items()}
        self.past = whole.past

    def __getitem__(self, name: str) -> Series:
        if name in self._made:
            return self._made[name]
        return self._whole[name].where(slice(0, self.entries[name].count))

    def with_series(self, made: list[Series], *, computed: bool = True) -> Records:
        """These records and `made` beside them."""
        beside = super().with_series(made, computed=computed)
        cut = object.__new__(CutRecords)
        cut.__dict__.update(beside.__dict__)
        cut._whole, cut.end = self._whole, self.end
        return cut

    def _entry(self, name: str, entry: Entry) -> Entry:
        if entry.state is not State.LOGGED:
            return entry
        series = self._whole[name]
        count = int(np.searchsorted(series.time, self.end))
        if count == len(series):
            return entry
        nan, inf = (0, 0)
        if entry.nan or entry.inf:
            nan, inf = count_odd(series.where(slice(0, count)))
        return replace(
            entry,
            state=State.LOGGED if count else State.EMPTY,
            count=count,
            nan=nan,
            inf=inf,
            nbytes=entry.nbytes * count // max(1, entry.count),
        )
