"""The limits of a dataset's checks: which there are, and the same checks with one changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from oaflib.checks import Check
from oaflib.checks.room import selected
from oaflib.config.words import listed
from oaflib.errors import ConfigurationError
from oaflib.records import Records
from oaflib.window import parse_duration, spell

LINES = ("low", "high", "warning_low", "warning_high")  # limits of the value itself: drawn
_NOT_LIMITS = frozenset(entry.name for entry in fields(Check))
Value = float | str


@dataclass(frozen=True)
class Limit:
    """A number of a check that can be changed.

    Attributes
    ----------
    check : the check's number. label : what the check is called. key : as in the dataset's file.
    value : as it is now; a duration is a text (``5min``). kept : as it was saved; None: not set.
    least, most : what a slider of it spans, in the unit of `number`: durations in seconds.
    variables : whose limit it is.
    """

    check: int
    label: str
    key: str
    value: Value
    kept: Value | None
    least: float
    most: float
    variables: tuple[str, ...]
    unit: str = ""

    @property
    def number(self) -> float:
        """The value as a number; durations in seconds."""
        return seconds(self.value) if isinstance(self.value, str) else float(self.value)

    @property
    def name(self) -> str:
        """What it is called from a code cell: ``A and B agree: high``."""
        return f"{self.label}: {self.key}"

    def document(self) -> dict[str, Any]:
        """Plain JSON values for the front end."""
        return {
            "check": self.check,
            "name": self.name,
            "key": self.key,
            "value": self.number,
            "least": self.least,
            "most": self.most,
            "unit": "s" if isinstance(self.value, str) else self.unit,
            "variables": list(self.variables),
            "line": self.key in LINES,
        }


def limits_of(
    checks: Sequence[Check], records: Records, kept: Sequence[Check] = ()
) -> tuple[Limit, ...]:
    """Every limit that the checks have a value for; `kept` are the checks as they were saved."""
    found: list[Limit] = []
    for number, check in enumerate(checks):
        names, _ = selected(check, records.entries)
        was = (kept or checks)[number]
        for key, value in _numbers(check):
            before = getattr(was, key)
            least, most = _span(key, value, before, names, records)
            unit = records.entries[names[0]].variable.unit if names and key in LINES else ""
            found.append(
                Limit(
                    *(number, check.label, key, value, before),
                    *(least, most, tuple(names), unit),
                )
            )
    return tuple(found)


def changed(check: Check, key: str, value: Value) -> Check:
    """`check` with another limit.

    Raises
    ------
    ConfigurationError
        It has no such limit, or cannot have that value.
    """
    known = {entry.name: entry.type for entry in fields(check) if entry.name not in _NOT_LIMITS}
    if key not in known:
        raise ConfigurationError(
            f"{check.label} has no limit '{key}'. There are: {listed(list(known))}"
        )
    now = getattr(check, key)
    if isinstance(value, str) and "Duration" not in str(known[key]):
        raise ConfigurationError(f"{check.label}: {key} is '{value}'; it must be a number")
    if isinstance(now, bool) or not isinstance(now, (int, float, str, type(None))):
        raise ConfigurationError(f"{key} of {check.label} is not a number: it cannot be changed")
    if isinstance(now, str) and not isinstance(value, str):
        value = spelled(float(value))
    if isinstance(now, int) and isinstance(value, float) and value.is_integer():
        value = int(value)
    change: dict[str, Any] = {key: value}
    try:
        return replace(check, **change)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{check.label}: {key} = {value}: {error}") from error


def number_of(checks: Sequence[Check], check: int | str) -> int:
    """The number of a check, given as that or by its label.

    Raises
    ------
    ConfigurationError
        There is none, or several are called so.
    """
    if isinstance(check, int) and 0 <= check < len(checks):
        return check
    found = [i for i, one in enumerate(checks) if one.label == check]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"{len(found)} checks are called '{check}'; say which: {found}")
    known = list(dict.fromkeys(one.label for one in checks))
    raise ConfigurationError(f"no check is called '{check}'. There are: {listed(known)}")


def seconds(duration: str) -> float:
    """A duration's length."""
    return parse_duration(duration).total_seconds()


def spelled(number: float) -> str:
    """Seconds as a duration: ``90s``, ``5min``."""
    return spell(timedelta(seconds=max(1, round(number))))


def _numbers(check: Check) -> Iterator[tuple[str, Value]]:
    for entry in fields(check):
        value = getattr(check, entry.name)
        if entry.name in _NOT_LIMITS or value is None or isinstance(value, bool):
            continue
        if isinstance(value, (int, float)) or (isinstance(value, str) and _is_duration(value)):
            yield entry.name, value


def _is_duration(text: str) -> bool:
    try:
        return seconds(text) > 0
    except ValueError:
        return False


def _span(
    key: str, value: Value, kept: Value | None, names: Sequence[str], records: Records
) -> tuple[float, float]:
    """What a slider spans: for a limit of the value, the samples and room around them."""
    given = [one for one in (value, kept) if one is not None]
    numbers = [seconds(one) if isinstance(one, str) else float(one) for one in given]
    if key in LINES:
        for name in names[:40]:
            series = records[name]
            if len(series) and series.value.dtype.kind in "fiu":
                numbers += _reach(series.value)
        least, most = min(numbers), max(numbers)
        room = 0.2 * (most - least) or abs(most) or 1.0
        return least - room, most + room
    most = 3 * max(map(abs, numbers)) or 1.0
    if key.endswith("fraction"):
        most = min(1.0, max(most, 0.05))
    return (0.0 if min(numbers) >= 0 else -most), most


def _reach(values: Any) -> list[float]:
    """The central 99.8 % of the finite values: one wild sample does not make a slider useless."""
    import numpy as np

    flat = values.reshape(-1)[:: max(1, values.size // 200_000)]
    flat = flat[np.isfinite(flat)]
    return [float(x) for x in np.percentile(flat, [0.1, 99.9])] if len(flat) else []


def differences(
    checks: Sequence[Check], kept: Sequence[Check]
) -> dict[int, Mapping[str, Value | None]]:
    """What is changed: number of the check to its changed keys."""
    found: dict[int, Mapping[str, Value | None]] = {}
    for number, (now, was) in enumerate(zip(checks, kept, strict=True)):
        names = [entry.name for entry in fields(now)]
        pairs = {name: (getattr(now, name), getattr(was, name)) for name in names}
        keys = {key: new for key, (new, old) in pairs.items() if new != old}
        if keys:
            found[number] = keys
    return found
