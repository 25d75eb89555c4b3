"""When: half-open windows of time, UTC inside, cut by the calendar of the site's zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oaflib.errors import ConfigurationError

# An instant in a sentence, as `instant` writes it.
INSTANT = re.compile(r"(\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True)
class Window:
    """Half-open interval ``[start, end)``.

    `start` and `end` are aware datetimes, kept in UTC. `zone` is the IANA name of the zone in which
    the window was cut and people read it; `label` is its name in paths, pages and mails.

    Raises
    ------
    ValueError
        A naive datetime, or an end not after the start.
    """

    start: datetime
    end: datetime
    zone: str = "UTC"
    label: str = ""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment.tzinfo is None:
                raise ValueError(f"window {name} {moment} has no time zone")
            object.__setattr__(self, name, moment.astimezone(UTC))
        if self.end <= self.start:
            raise ValueError(f"window ends at {self.end}, not after its start {self.start}")
        if not self.label:
            local = self.start.astimezone(ZoneInfo(self.zone))
            object.__setattr__(
                self, "label", f"{local:%Y-%m-%dT%H%M}_{spell(self.end - self.start)}"
            )

    @property
    def start_ns(self) -> int:
        """Start in int64 nanoseconds since 1970 UTC."""
        return nanoseconds(self.start)

    @property
    def end_ns(self) -> int:
        """End in int64 nanoseconds since 1970 UTC; the first one outside."""
        return nanoseconds(self.end)

    @property
    def duration(self) -> timedelta:
        """How long it is in real time: 23 or 25 hours on two days of the year."""
        return self.end - self.start

    @property
    def key(self) -> str:
        """The window's identity, whatever its zone or label."""
        return f"{instant(self.start)}/{instant(self.end)}"


def nanoseconds(moment: datetime) -> int:
    """Aware datetime to int64 nanoseconds since 1970 UTC, exactly."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    delta = moment - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000


def moment(ns: int) -> datetime:
    """Int64 nanoseconds since 1970 UTC to a UTC datetime, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=int(ns) // 1_000)


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with ``Z``; microseconds only where there are some."""
    text = moment.astimezone(UTC).isoformat()
    return text.replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """ISO 8601 with a zone to an aware datetime.

    Raises
    ------
    ValueError
        Not ISO 8601, or without a zone: a naive time is nobody's time.
    """
    value = datetime.fromisoformat(text)
    if value.tzinfo is None and text[10:11] in ("+", "-"):  # Python reads the zone as the time
        day, zone = text[:10], text[10:]
        raise ValueError(f"'{text}' has no time of day; write it as {day}T00:00{zone}")
    if value.tzinfo is None:
        raise ValueError(f"'{text}' has no time zone; write it as {text}Z or {text}+01:00")
    return value


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name.

    Raises
    ------
    ConfigurationError
        No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"no time zone is called '{name}'; use an IANA name such as Europe/Zurich or UTC"
        ) from None


def calendar_day(day: date, zone: str = "UTC") -> Window:
    """The calendar day `day` in `zone`: local midnight to the next, 23 to 25 hours."""
    tz = zone_named(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=tz)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=tz)
    return Window(start.astimezone(UTC), end.astimezone(UTC), zone, day.isoformat())


def yesterday(at: datetime, zone: str = "UTC") -> Window:
    """The last calendar day of `zone` that is over at `at`."""
    local = at.astimezone(zone_named(zone))
    return calendar_day(local.date() - timedelta(days=1), zone)


def last(duration: timedelta, at: datetime, zone: str = "UTC") -> Window:
    """The `duration` before `at`."""
    return Window(at - duration, at, zone)


def last_days(days: int, at: datetime, zone: str = "UTC") -> Window:
    """The last `days` whole calendar days of `zone` that are over at `at`."""
    final = yesterday(at, zone)
    day = date.fromisoformat(final.label) - timedelta(days=days - 1)
    first = calendar_day(day, zone)
    if days == 1:
        return final
    return Window(first.start, final.end, zone, f"{first.label}_{days}d")


def parse_duration(text: str) -> timedelta:
    """``15min``, ``8h``, ``7d``, ``2w``, ``90s`` to a timedelta.

    Raises
    ------
    ValueError
        Anything else.
    """
    found = re.fullmatch(r"(\d+)\s*(s|min|h|d|w)", text.strip())
    if not found or int(found[1]) == 0:
        raise ValueError(f"'{text}' is not a duration; write a number and s, min, h, d or w: 15min")
    try:
        return int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        raise ValueError(f"'{text}' is longer than any calendar") from None


def spell(duration: timedelta) -> str:
    """A timedelta in the largest unit that divides it: ``15min``, ``7d``."""
    for name, unit in reversed(_UNITS.items()):
        if name != "w" and duration % unit == timedelta(0):
            return f"{duration // unit}{name}"
    return f"{duration.total_seconds():g}s"


def of_rule(rule: str, at: datetime, zone: str = "UTC") -> Window:
    """A task's window rule, anchored at `at`.

    ``day`` is the last calendar day that is over; ``last 7d`` and ``last 2w`` whole calendar days;
    ``last 15min`` and ``last 8h`` end at `at`, cut to the minute.

    Raises
    ------
    ValueError
        Not a rule.
    """
    words = rule.strip().lower().split(maxsplit=1)
    if words == ["day"]:
        return yesterday(at, zone)
    if len(words) == 2 and words[0] == "last":
        duration = parse_duration(words[1])
        try:
            if re.search(r"[dw]$", words[1]):
                return last_days(duration // timedelta(days=1), at, zone)
            return last(duration, at.astimezone(UTC).replace(second=0, microsecond=0), zone)
        except OverflowError:
            raise ValueError(f"'{rule}' reaches back further than any calendar") from None
    raise ValueError(f"'{rule}' is not a window; allowed: day, last 15min, last 8h, last 7d …")


def between(start: datetime, end: datetime, zone: str = "UTC", name: str = "") -> Window:
    """``[start, end)``, labelled `name`, or as the calendar days it covers, or start and length."""
    if name:
        return Window(start, end, zone, name)
    tz = zone_named(zone)
    first = start.astimezone(tz).date()
    final = end.astimezone(tz).date() - timedelta(days=1)
    if final >= first:
        days = (final - first).days + 1
        whole = Window(calendar_day(first, zone).start, calendar_day(final, zone).end, zone, "-")
        if (whole.start, whole.end) == (start, end):
            label = first.isoformat() if days == 1 else f"{first.isoformat()}_{days}d"
            return Window(start, end, zone, label)
    return Window(start, end, zone)
