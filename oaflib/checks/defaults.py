"""What is judged when a dataset does not say."""

from __future__ import annotations

from oaflib.checks.base import Check
from oaflib.checks.gap import Gap
from oaflib.checks.stuck import Stuck
from oaflib.checks.usage import Usage
from oaflib.records import Records


def default_checks(records: Records) -> list[Check]:
    """The checks of a dataset that configures none; they need no limit."""
    return [Usage(), Gap(), Stuck()] if records else []
