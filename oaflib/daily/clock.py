"""Whether the machine's clock can be believed: a wrong day reported is worse than a late one."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from oaflib.errors import ClockError
from oaflib.state import State
from oaflib.window import instant, moment, nanoseconds

_KEY = "clock"
_FORWARD = timedelta(hours=48)
_ABSENCE = timedelta(days=30)  # a machine that was off for longer must have its time from somewhere
_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


@dataclass(frozen=True)
class Mark:
    """A morning by three clocks: the wall's, and the machine's since which boot.

    `at` and `end` (of the latest window made) in int64 ns UTC, `up` in seconds since boot.
    """

    at: int
    end: int
    boot: str
    up: float


def mark(state: State, now: datetime, end: int) -> None:
    """Remember this morning, and the end of the latest window it made."""
    known = _read(state)
    end = max(end, known.end) if known and known.end <= nanoseconds(now) else end
    state.keep(_KEY, json.dumps(asdict(Mark(nanoseconds(now), end, boot_id(), up()))))


def doubt(state: State, now: datetime, synchronised: Callable[[], bool] | None = None) -> None:
    """Refuse a clock that contradicts the last morning.

    Raises
    ------
    ClockError
        It is before the end of a window that was made already. Or nothing (NTP) keeps it right, and
        it went forward by more than two days while the machine ran for less, or by more than a
        month while the machine was off.
    """
    known = _read(state)
    if known is None:
        return
    advice = "Nothing was done. Set the clock right, or say --trust-clock if it is"
    if nanoseconds(now) < known.end:
        raise ClockError(
            f"the clock says {instant(now.replace(microsecond=0))}, but a report until "
            f"{instant(moment(known.end))} was made already: it stepped back. {advice}"
        )
    passed = now - moment(known.at)
    if passed <= _FORWARD or (synchronised or is_synchronised)():
        return
    if known.boot and known.boot == boot_id():
        ran = timedelta(seconds=max(0.0, up() - known.up))
        if passed - ran > _FORWARD:
            raise ClockError(
                f"the clock went forward by {_length(passed)} since the last morning, in which "
                f"the machine ran for {_length(ran)}, and NTP is not in step. {advice}"
            )
    elif passed > _ABSENCE:
        raise ClockError(
            f"the last morning was {_length(passed)} ago, and nothing keeps the clock of this "
            f"machine right (NTP is not in step). {advice}"
        )


def _read(state: State) -> Mark | None:
    text = state.value(_KEY)
    try:
        return Mark(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return None


def _length(length: timedelta) -> str:
    """``3 d 4 h``."""
    hours = length // timedelta(hours=1)
    return f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h"


def boot_id() -> str:
    """What distinguishes this boot of the machine from others; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def up() -> float:
    """Seconds since boot, those asleep included; no clock setting changes it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def is_synchronised() -> bool:
    """Whether the kernel says that something (NTP) keeps its clock right."""
    buffer = ctypes.create_string_buffer(512)  # struct timex, all zero: only ask
    try:
        found = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError):
        return False
    return 0 <= int(found) < _UNSYNCHRONISED
