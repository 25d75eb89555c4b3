"""A survey: the statistics of each series and what checks see in it, while it is extracted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from types import TracebackType

import numpy as np

from oaflib.checks.base import Check, Context, SeriesCheck
from oaflib.checks.room import Look, look, takes, tidy
from oaflib.compute.statistics import summarise
from oaflib.records import Entry
from oaflib.report import Statistics
from oaflib.series import Series
from oaflib.window import Window

_THREADS = 4  # reading a series takes a third of the time of judging it: more would wait
_LARGE = 32_000_000  # bytes of a series from which on only one is held at a time

Told = tuple[dict[str, Statistics], list[dict[str, Look]]]


class Survey:
    """One pass over the series of a window; a context manager, complete when it is left.

    Only checks that judge each series by itself, without a gate, take part: the others are judged
    when all records are there.

    Parameters
    ----------
    beside : crunch numbers in a few threads while the next series is awaited, which pays where
        that takes longer; no more than a handful of series is in memory. Else at once.

    Attributes
    ----------
    summaries : statistics by variable.
    seen : what a check saw in each variable, by check (see `oaflib.checks.room.look`).
    """

    def __init__(
        self, checks: Sequence[Check], window: Window, source: str = "", *, beside: bool = False
    ) -> None:
        self.summaries: dict[str, Statistics] = {}
        self.seen: dict[Check, dict[str, Look]] = {
            check: {} for check in checks if _alone(check) and check.applies(window)
        }
        self._context = Context(window, source=source)
        threads = min(_THREADS, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="survey") if beside else None
        self._room = BoundedSemaphore(threads + 1)

    def __enter__(self) -> Survey:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=error is not None)

    def take(self, series: Series, entry: Entry) -> None:
        """Look at a series, as the records will give it; waits while enough are in hand."""
        if not len(series) or entry.resolution:
            return
        self._room.acquire()
        if self._pool is None or entry.nbytes > _LARGE:
            self._survey(series, entry)
        else:
            self._pool.submit(self._survey, series, entry)

    def told(self) -> Told:
        """What was found so far, check by check; it is forgotten here."""
        told = dict(self.summaries), [dict(seen) for seen in self.seen.values()]
        self.summaries.clear()
        for seen in self.seen.values():
            seen.clear()
        return told

    def hear(self, told: Told) -> None:
        """Take over what was found in another process."""
        self.summaries.update(told[0])
        for mine, theirs in zip(self.seen.values(), told[1], strict=True):
            mine.update(theirs)

    def _survey(self, series: Series, entry: Entry) -> None:
        name = entry.variable.name
        try:
            with np.errstate(all="ignore"):  # absurd numbers are for the checks to judge
                self.summaries[name] = summarise(series, entry)
                tidied = tidy(series, self._context.window)
                for check, seen in self.seen.items():
                    if isinstance(check, SeriesCheck) and takes(check, entry):
                        seen[name] = look(check, tidied, entry, self._context)
        except Exception:
            pass
        finally:
            self._room.release()


def _alone(check: Check) -> bool:
    """Whether what it sees in a series depends on that series only."""
    if not isinstance(check, SeriesCheck) or not check.alone or check.gate:
        return False
    try:
        hash(check)
    except TypeError:  # a plug-in's, or a table among its limits
        return False
    return True
