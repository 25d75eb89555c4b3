"""How new what was read is, and whether the source still gives anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from oaflib.records import Records
from oaflib.window import moment


@dataclass
class Freshness:
    """What one look after the other tells of it.

    A source is said to give nothing new when a whole look brought no sample newer than the look
    before, and the newest is older than a period and than what its quickest variable usually needs.
    """

    _newest: int | None = None
    _usual: float = 0.0

    @property
    def newest(self) -> datetime | None:
        """Time of the newest sample so far, UTC."""
        return None if self._newest is None else moment(self._newest)

    def trouble(self, records: Records, source: str, every: timedelta) -> str:
        """Take in another look at `source`; why it is not of now, empty when it is."""
        newest, usual = newest_of(records)
        before, self._newest = self._newest, newest
        self._usual = max(self._usual, usual)
        if newest is None:
            return f"{source} has logged nothing in this window"
        behind = (records.window.end_ns - newest) / 1e9
        if before is None or newest > before:
            return ""
        if behind <= max(every.total_seconds(), 3 * self._usual):
            return ""
        return f"{source} has given nothing new since {moment(newest).isoformat()}"


def newest_of(records: Records) -> tuple[int | None, float]:
    """The time of the newest sample (int64 ns UTC, None without any), and how many seconds
    usually lie between two samples of the variable that logs most often (0 when unknown).
    """
    newest: int | None = None
    usual = 0.0
    most = 0
    for name, entry in records.entries.items():
        if not entry.count or entry.computed:
            continue
        time = records[name].time
        newest = int(time[-1]) if newest is None else max(newest, int(time[-1]))
        if len(time) > max(most, 1):
            most, usual = len(time), float(np.median(np.diff(time))) / 1e9
    return newest, usual
