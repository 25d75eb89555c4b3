"""How often to ask again what may pass by itself, and how long to wait between."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """`attempts` in all; pauses double from `pause` seconds up to `longest`.

    Each pause is between a half and the whole of that, by chance, so that many reports whose source
    went down together do not come back together.
    """

    attempts: int = 4
    pause: float = 0.5
    longest: float = 20.0

    def tries(self) -> Iterator[int]:
        """The number of each attempt from 1 on, waiting before all but the first."""
        for number in range(1, self.attempts + 1):
            if number > 1:
                whole = min(self.longest, self.pause * 2 ** (number - 2))
                time.sleep(whole * random.uniform(0.5, 1.0))
            yield number
