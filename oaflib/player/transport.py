"""A time cursor that plays: where it is, whether it moves, how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FASTEST = 1000.0


@dataclass
class Transport:
    """The cursor of a window of `length` seconds; `clock` tells seconds, whatever since."""

    length: float
    clock: Callable[[], float]
    speed: float = 60.0
    playing: bool = False
    _at: float = 0.0
    _since: float = 0.0

    @property
    def at(self) -> float:
        """Seconds from the window's start; at its end it stops."""
        if self.playing:
            reached = self._at + self.speed * (self.clock() - self._since)
            if reached < self.length:
                return max(0.0, reached)
            self._at, self.playing = self.length, False
        return self._at

    def seek(self, at: float) -> None:
        """Go to `at`, at most to one of the ends."""
        self._at, self._since = min(max(0.0, at), self.length), self.clock()

    def play(self, speed: float | None = None) -> None:
        """Move on; from the start when it is at the end.

        Raises
        ------
        ValueError
            A speed that is not between 1 and 1000.
        """
        speed = self.speed if speed is None else float(speed)
        if not 1 <= speed <= FASTEST:
            raise ValueError(f"speed is {speed:g}; it must be between 1 and 1000")
        self.seek(0.0 if self.at >= self.length else self.at)
        self.speed, self.playing = speed, True

    def pause(self) -> None:
        """Stay where it is."""
        self.seek(self.at)
        self.playing = False
