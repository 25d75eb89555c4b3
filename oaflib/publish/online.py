"""How a dataset that is watched stands: what its page says above the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Online:
    """The state of a watch when its page was made; all times are UTC.

    Attributes
    ----------
    at : when the page was made.
    span : what is looked at, in words (``the last 15min``).
    every : between two looks.
    newest : time of the newest sample; None when there is none.
    trouble : why what is shown is not of now; empty when it is.
    ended : the watch is over.
    frozen : where its report is, from the repository's root; empty when there is none.
    """

    at: datetime
    span: str
    every: timedelta
    newest: datetime | None = None
    trouble: str = ""
    ended: bool = False
    frozen: str = ""

    @property
    def following(self) -> datetime:
        """When the next look is due."""
        return self.at + self.every

    @property
    def overdue(self) -> datetime:
        """From when on a page that still says this is no longer kept up."""
        return self.at + 3 * self.every

    @property
    def lag(self) -> float | None:
        """Seconds from the newest sample to the page."""
        return None if self.newest is None else (self.at - self.newest).total_seconds()
