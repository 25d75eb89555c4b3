"""History as checks see it: what was known when a window ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from oaflib.config.interventions import Intervention, concerning
from oaflib.history.history import History
from oaflib.report import Statistics
from oaflib.trend import DAY, Trend
from oaflib.window import Window, nanoseconds

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
        self._trends: dict[str, Trend] = {}
        self._units: dict[str, str] | None = None

    def trend(self, variable: str) -> Trend:
        """The points of `variable` whose windows ended before this one did; empty without any."""
        if variable not in self._trends:
            found = self.history.trend(variable, self._first, self.window.end, self.dataset)
            window = self.window
            keep = found.end <= window.end_ns
            keep &= ~((found.start == window.start_ns) & (found.end == window.end_ns))
            self._trends[variable] = found.where(keep)
        return self._trends[variable]

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
