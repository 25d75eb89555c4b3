"""Checks: records (and the past) to outcomes; pure."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from oaflib.checks.base import Check, Context, GroupCheck, Past, SeriesCheck, Verdict
from oaflib.checks.fold import fold
from oaflib.checks.room import judge_each, run_checks

if TYPE_CHECKING:
    from oaflib.checks.ageing_calibration import curves_of
    from oaflib.checks.defaults import ageing_checks, default_checks

__all__ = [
    "Check",
    "Context",
    "GroupCheck",
    "Past",
    "SeriesCheck",
    "Verdict",
    "ageing_checks",
    "curves_of",
    "default_checks",
    "fold",
    "judge_each",
    "run_checks",
]
_LATER = {
    "ageing_checks": "oaflib.checks.defaults",
    "curves_of": "oaflib.checks.ageing_calibration",
    "default_checks": "oaflib.checks.defaults",
}
"""What loads twenty checks with it, of which most datasets configure a few."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"oaflib.checks has no '{name}'")
    return getattr(import_module(_LATER[name]), name)
