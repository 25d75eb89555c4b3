"""What a check on history concludes of one variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oaflib.checks.base import Verdict


@dataclass(frozen=True)
class Judged(Verdict):
    """A verdict with a forecast, and the elements of a vector that it is about."""

    forecast: Mapping[str, Any] | None = None
    members: tuple[str, ...] = ()
