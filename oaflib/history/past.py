"""History as checks see it: what was known when a window ended."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from oaflib.config.interventions import Intervention, concerning
from oaflib.history.history import History
from oaflib.report import Statistics
from oaflib.series import Times
from oaflib.trend import DAY, Trend
from oaflib.window import Window, nanoseconds

_TOGETHER = 200  # variables read at once
_MOST = 256_000_000  # bytes of trends kept
_RECENT = 8 * DAY  # how far back most variables were logged at least once


class HistoryPast:
    """What history says before the end of `window`, without the window itself.

    So a replay of an old day judges by what was known then. `days` is how far it looks back; None:
    all the way.
    """

    def __init__(
        self,
        history: History,
        window: Window,
        ledger: Sequence[Intervention] = (),
        days: float | None = None,
        dataset: str = "",
    ) -> None:
        self.history = history
        self.window = window
        self.dataset = dataset
        self.ledger = [entry for entry in ledger if entry.time < window.end_ns]
        self._first = None if days is None else window.start - timedelta(days=days)
        self._trends: OrderedDict[str, Trend] = OrderedDict()
        self._bytes = 0
        self._counts: dict[str, Times] = {}
        self._expected: list[str] = []
        self._units: dict[str, str] | None = None

    def trend(self, variable: str) -> Trend:
        """The points of `variable` whose windows ended before this one did; empty without any."""
        if variable not in self._trends:
            self._read(variable)
        return self._trends[variable]

    def expect(self, variables: Iterable[str]) -> None:
        """Say which variables will be asked about: they are read many at a time.

        One by one each costs what two hundred beside each other do. For single numbers: the years
        of two hundred vectors do not fit in memory.
        """
        self._expected = sorted(set(variables))

    def _beside(self, variable: str) -> list[str]:
        """It, and what is read together with it."""
        place = bisect_left(self._expected, variable)
        if variable not in self._expected[place : place + 1]:
            return [variable]
        first = place - place % _TOGETHER
        return self._expected[first : first + _TOGETHER]

    def _read(self, variable: str) -> None:
        window = self.window
        found = self.history.trends(self._beside(variable), self._first, window.end, self.dataset)
        for name, trend in found.items():
            keep = trend.end <= window.end_ns
            keep &= ~((trend.start == window.start_ns) & (trend.end == window.end_ns))
            self._bytes -= _size(self._trends.pop(name, None))
            self._trends[name] = trend if keep.all() else trend.where(keep)
            self._bytes += _size(self._trends[name])
        while self._bytes > _MOST and len(self._trends) > len(found):
            self._bytes -= _size(self._trends.popitem(last=False)[1])

    def statistics(self, variable: str) -> list[Statistics]:
        """Statistics of earlier windows, the oldest first; empty when there are none."""
        trend = self.trend(variable)
        return [
            Statistics(
                variable=variable,
                kind="NUMERIC",
                unit=str(trend.units[i]),
                count=int(trend.count[i]),
                min=float(trend.min[i]),
                max=float(trend.max[i]),
                mean=float(trend.mean[i]),
                std=float(trend.std[i]),
                first=float(trend.first[i]),
                last=float(trend.last[i]),
                first_time=int(trend.start[i]),
                last_time=int(trend.end[i]),
            )
            for i in range(len(trend))
        ]

    def counts(self, variable: str) -> Times:
        """The samples of each earlier window, int64[n], the oldest first; zero if silent."""
        if variable not in self._counts:
            since, names = self._since_ns(), self._beside(variable)
            self._counts |= self.history.counts(names, self.window, since, self.dataset)
        return self._counts[variable]

    def unit(self, variable: str) -> str:
        """The last unit of its trend; empty when no point has one.

        What the days before say of all variables is read once: a whole trend costs a tenth of a
        second each.
        """
        if variable not in self._trends:
            if self._units is None:
                since = max(self._since_ns(), self.window.start_ns - _RECENT)
                self._units = self.history.units(self.dataset, self.window, since)
            if variable in self._units:
                return self._units[variable]
        return next((str(one) for one in self.trend(variable).units[::-1] if one), "")

    def _since_ns(self) -> int:
        return -(2**62) if self._first is None else nanoseconds(self._first)

    def interventions(self, variable: str) -> tuple[Intervention, ...]:
        """What was done to the variable's device before the window ended, in order of time."""
        return concerning(self.ledger, variable)


def _size(trend: Trend | None) -> int:
    """Bytes of its numbers."""
    if trend is None:
        return 0
    vectors = [trend.elements, trend.spreads]
    return 12 * trend.start.nbytes + sum(one.nbytes for one in vectors if one is not None)
