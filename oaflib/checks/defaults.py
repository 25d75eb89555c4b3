"""What is judged when a dataset does not say."""

from __future__ import annotations

from oaflib.checks.ageing_drift import Drift
from oaflib.checks.ageing_spread import Spread
from oaflib.checks.ageing_step import Step
from oaflib.checks.base import Check
from oaflib.checks.gap import Gap
from oaflib.checks.image import Image
from oaflib.checks.peers import Peers
from oaflib.checks.stuck import Stuck
from oaflib.checks.unit import Unit
from oaflib.checks.unusual import Unusual
from oaflib.checks.usage import Usage
from oaflib.checks.vector import Vector
from oaflib.records import Records


def default_checks(records: Records) -> list[Check]:
    """The checks of a dataset that configures none; they need no limit, and alarm with reason.

    Nothing logged, gaps, stuck readings, units; for vectors and images their elements and pixels;
    and, as warnings, what is unlike its siblings or its own habits.
    """
    variables = [entry.variable for entry in records.entries.values()]
    checks = every_default()
    return [check for check in checks if any(check.takes(variable) for variable in variables)]


def every_default() -> list[Check]:
    """The default checks for every kind of data."""
    return [
        Usage(),
        Gap(),
        Stuck(),
        Unit(),
        Vector(),
        Image(),
        Peers(habits=("spread", "level")),  # the dead are found by stuck and vector
        Unusual(),
    ]


def ageing_checks() -> list[Check]:
    """The checks of years of history when a dataset configures none; warnings, as all default ones
    of habits are.
    """
    return [Drift(), Step(severity="warning"), Spread()]
