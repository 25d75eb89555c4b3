"""The window of a watch: it slides with the clock, or grows from a start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from oaflib.window import Window, between, last, spell

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Span:
    """What each look looks at.

    Attributes
    ----------
    start : when the watch began, or from when on a growing window reaches.
    last : how far back a sliding window reaches; None for one that grows.
    """

    start: datetime
    last: timedelta | None = None

    def __str__(self) -> str:
        return f"the last {spell(self.last)}" if self.last else "all since the start"

    def window(self, at: datetime, zone: str) -> Window:
        """What a look at `at` looks at."""
        at = at.replace(microsecond=0)
        if self.last:
            return last(self.last, at, zone)
        start = self.start.replace(microsecond=0)
        return Window(start, max(at, start + _SECOND), zone)

    def whole(self, at: datetime, zone: str, name: str = "") -> Window:
        """All that was looked at until `at`."""
        start = (self.start - (self.last or timedelta())).replace(microsecond=0)
        return between(start, max(at.replace(microsecond=0), start + _SECOND), zone, name)
