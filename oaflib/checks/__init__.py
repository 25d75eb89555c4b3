"""Checks: records (and the past) to outcomes; pure."""

from oaflib.checks.ageing_calibration import curves_of
from oaflib.checks.base import Check, Context, GroupCheck, Past, SeriesCheck, Verdict
from oaflib.checks.defaults import ageing_checks, default_checks
from oaflib.checks.fold import fold
from oaflib.checks.room import judge_each, run_checks

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
