"""The tables of ``site.toml`` for the operator: what is caught up, kept, and who is pinged."""

from __future__ import annotations

from dataclasses import dataclass

from oaflib.config.rules import Size, Url, parse_size, within


@dataclass(frozen=True)
class DailyTable:
    """``[daily]``: `catch_up` is how many missed days a morning makes (7; 0: none)."""

    catch_up: int = 7

    def __post_init__(self) -> None:
        if fault := within(self.catch_up, 0, 60):
            raise ValueError(f"catch_up {fault}")


@dataclass(frozen=True)
class KeepTable:
    """``[keep]``: what stays, and for how long. 0 days: for ever.

    Attributes
    ----------
    records : days that a run keeps the records it was made from. runs : days of executed notebooks
        and logs. pages : days of published reports; never those with an alarm that goes on.
    replays : days of what ``oaf replay`` and interactive work left. mails : days of sent mails.
    pieces, pieces_size : days and size of what was read of the sources, kept by variable and day.
    size : of all runs together; the oldest records go first. free : least free space of the
        disks, below which the operator is warned.
    """

    records: int = 30
    runs: int = 180
    pages: int = 0
    replays: int = 30
    mails: int = 31
    pieces: int = 14
    pieces_size: Size = "50GB"
    size: Size = "100GB"
    free: Size = "1GB"

    def __post_init__(self) -> None:
        for name in ("records", "runs", "pages", "replays", "mails", "pieces"):
            if fault := within(getattr(self, name), 0, 36500):
                raise ValueError(f"{name} {fault}")

    @property
    def size_bytes(self) -> int:
        """`size` in bytes."""
        return parse_size(self.size)

    @property
    def free_bytes(self) -> int:
        """`free` in bytes."""
        return parse_size(self.free)


@dataclass(frozen=True)
class PingTable:
    """``[ping]``: addresses asked for when a morning ends: a dead man's switch.

    Attributes
    ----------
    url : after a morning in which every report was made. fail : after any other; empty: none.
    start : when a morning begins; empty: none. timeout : seconds each may take.
    """

    url: Url = ""
    start: Url = ""
    fail: Url = ""
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if fault := within(self.timeout, 1, 60):
            raise ValueError(f"timeout {fault}")
        for name in ("url", "start", "fail"):
            if getattr(self, name).startswith("file:"):
                raise ValueError(f"{name} must begin with https:// or http://")
