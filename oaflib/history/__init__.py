"""History: long-term statistics of every variable, rebuildable from the reports."""

from oaflib.history.history import History
from oaflib.history.past import HistoryPast
from oaflib.trend import Trend

__all__ = ["History", "HistoryPast", "Trend"]
