"""Times as files write them: ISO 8601 with a zone, or nanoseconds since 1970 UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)? ?(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_SECOND = 10**9
_LIMITS = (-(2**63), 2**63 - 1)


class Reader:
    """Reads the times of one file; `zone` is that of times written without one, or None.

    `leaps` counts the leap seconds met: ``23:59:60`` becomes the last nanosecond before it.
    """

    def __init__(self, zone: ZoneInfo | None) -> None:
        self.zone = zone
        self.leaps = 0

    def time(self, text: str) -> int:
        """Int64 ns UTC.

        Raises
        ------
        ValueError
            Not a time, one without a zone, or one that a clock change makes doubtful.
        """
        text = text.strip()
        if _WHOLE.fullmatch(text):
            return _within(int(text), text)
        found = _ISO.fullmatch(text)
        if not found:
            raise ValueError(
                f"'{text[:60]}' is not a time; write 2026-11-22T08:00:00Z, or whole nanoseconds"
            )
        day, hour, minute, second, fraction, offset = found.groups(default="")
        seconds = int(second or 0)
        nanoseconds = int(fraction[:9].ljust(9, "0"))
        leap = seconds == 60
        if leap:
            seconds, nanoseconds = 59, _SECOND - 1
        if int(hour) > 23 or int(minute) > 59 or seconds > 59:
            raise ValueError(f"'{text}' is no time of day")
        clock = int(hour) * 3600 + int(minute) * 60 + seconds
        moment = _midnight(day) + clock - self._offset(text, day, clock, offset)
        self.leaps += leap
        return _within(moment * _SECOND + nanoseconds, text)

    def _offset(self, text: str, day: str, clock: int, offset: str) -> int:
        """Seconds east of UTC."""
        if offset in ("Z", "z"):
            return 0
        if offset:
            return _of_offset(offset)
        if self.zone is None:
            raise ValueError(
                f"'{text}' has no zone; write {text}Z or {text}+01:00, or name the zone of all "
                "such times with --zone"
            )
        return _of_zone(self.zone, day, clock // 60)


def _within(ns: int, text: str) -> int:
    if not _LIMITS[0] <= ns <= _LIMITS[1]:
        raise ValueError(f"'{text}' is outside the years 1677 to 2262")
    return ns


@lru_cache(maxsize=1024)
def _midnight(day: str) -> int:
    """Seconds from 1970 to that day, as in UTC."""
    try:
        return (date.fromisoformat(day) - date(1970, 1, 1)).days * 86_400
    except ValueError as error:
        raise ValueError(f"'{day}' is no day: {error}") from None


@lru_cache(maxsize=64)
def _of_offset(offset: str) -> int:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"'{offset}' is no offset from UTC")
    return (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60)


@lru_cache(maxsize=4096)
def _of_zone(zone: ZoneInfo, day: str, minute: int) -> int:
    """The offset that `zone` had at that minute of the day."""
    naive = datetime.fromisoformat(day).replace(hour=minute // 60, minute=minute % 60)
    first, second = (naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first is None or second is None:
        raise ValueError(f"the zone {zone.key} has no offset at {naive}")
    if first > second:
        raise ValueError(f"{naive:%Y-%m-%d %H:%M} comes twice in {zone.key}; write it with a zone")
    if first < second:
        raise ValueError(f"{naive:%Y-%m-%d %H:%M} does not exist in {zone.key}: clocks went ahead")
    return int(first.total_seconds())


def of_datetime(moment: datetime, zone: ZoneInfo | None) -> int:
    """Int64 ns UTC of a datetime; a naive one is in `zone`.

    Raises
    ------
    ValueError
        Naive without a `zone`, or made doubtful by a clock change.
    """
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
        return Reader(ZoneInfo("UTC")).time(moment.isoformat())
    return Reader(zone).time(moment.isoformat())
