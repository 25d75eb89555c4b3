"""What a check allows, said as a person would: one phrase for each of its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Spelt = Callable[[Any], str]

_STEPS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))


def phrases(limit: Mapping[str, Any], unit: str, spelt: Spelt) -> list[str]:
    """The limits in words, without ``low`` and ``high``; a key of somebody's own check as it is.

    Parameters
    ----------
    limit : as in `oaflib.report.Outcome`; what is None is not said.
    unit : of the numbers in it, safe to show.
    spelt : a number or text as the reader's page spells it, safe to show.
    """
    rest = {
        key: value
        for key, value in limit.items()
        if value is not None and key not in ("low", "high")
    }

    def sized(value: Any) -> str:
        return f"{spelt(value)} {unit}".rstrip()

    said = []
    slack = _slack(rest, sized, spelt)
    if "expected" in rest:
        said.append(f"expected {_either(rest.pop('expected'), sized)}{slack and f' ± {slack}'}")
    elif slack:
        said.append(f"may differ by {slack}")
    if "budget" in rest:
        per = f" in any {_duration(rest.pop('per'))}" if _is_number(rest.get("per")) else ""
        said.append(f"budget {sized(rest.pop('budget'))}{per}")
    said += [_said(key, value, sized, spelt) for key, value in rest.items()]
    return said


def measured(found: Any, unit: str, limit: Mapping[str, Any]) -> tuple[Any, str]:
    """A found value and its unit as people say them: spans of time in hours, ``1 element``."""
    if unit == "s" and _is_number(found) and found >= 0 and {"max_gap", "max_unchanged"} & {*limit}:
        return _duration(found), ""
    if _is_number(found) and found == 1 and unit in _COUNTED:
        return found, unit.removesuffix("s")
    return found, unit


_COUNTED = ("samples", "elements", "edges", "pixels")


def _slack(rest: dict[str, Any], sized: Spelt, spelt: Spelt) -> str:
    """By how much two may differ; the larger of the two counts, so it is said as *or*."""
    parts = [
        sized(value)
        for key in ("tolerance", "absolute")
        if _is_number(value := rest.pop(key, None)) and value
    ]
    percent = rest.pop("percent", None)
    if _is_number(percent) and percent:
        parts.append(f"{spelt(percent)} %")
    return " or ".join(parts)


_WITH_UNIT: Mapping[str, Callable[[Any, Spelt], str]] = {
    "warning_low": lambda value, sized: f"warning below {sized(value)}",
    "warning_high": lambda value, sized: f"warning above {sized(value)}",
    "minimum": lambda value, sized: f"at least {_singular(value, sized)}",
    "allowed": lambda value, sized: f"at most {sized(value)}" if _is_number(value) else "",
    "usual": lambda value, sized: f"usually {sized(value)}",
}
_WITHOUT: Mapping[str, Callable[[Any, Spelt], str]] = {
    "max_gap": lambda value, _: _at_most("gaps of at most", value),
    "max_unchanged": lambda value, _: _at_most("unchanged for at most", value),
    "allowed": lambda value, spelt: f"allowed {_either(value, spelt)}",
    "forbidden": lambda value, spelt: f"never {_either(value, spelt)}",
    "on": lambda value, spelt: f"on: {_listed(value, spelt)}",
    "off": lambda value, spelt: f"off: {_listed(value, spelt)}",
    "condition": lambda value, spelt: f"must hold: {spelt(value)}",
    "allowed_pixels": lambda value, spelt: _share(value, spelt, "pixels"),
    "allowed_saturated": lambda value, spelt: _share(value, spelt, "pixels"),
    "length": lambda value, spelt: f"{spelt(value)} elements expected",
}


def _said(key: str, value: Any, sized: Spelt, spelt: Spelt) -> str:
    """One limit; a key nobody knows, or a value that does not fit it, as it stands."""
    if key in _WITH_UNIT and (said := _WITH_UNIT[key](value, sized)):
        return said
    if key in _WITHOUT and (said := _WITHOUT[key](value, spelt)):
        return said
    return f"{spelt(key.replace('_', ' '))} {_listed(value, spelt)}".rstrip()


def _share(value: Any, spelt: Spelt, noun: str) -> str:
    return f"at most {spelt(100 * value)} % of the {noun}" if _is_number(value) else ""


def _at_most(words: str, seconds: Any) -> str:
    return f"{words} {_duration(seconds)}" if _is_number(seconds) else ""


def _singular(value: Any, sized: Spelt) -> str:
    words = sized(value)
    return words.removesuffix("s") if value == 1 and words.endswith(" samples") else words


def _duration(seconds: float) -> str:
    """``2 h 30 min``: two units at most."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    left = round(seconds)
    parts = []
    for name, size in _STEPS:
        count, left = divmod(left, int(size))
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def _either(value: Any, spelt: Spelt) -> str:
    return _listed(value, spelt, " or ")


def _listed(value: Any, spelt: Spelt, between: str = ", ") -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        some = between.join(spelt(entry) for entry in value[:8])
        return f"{some} …" if len(value) > 8 else some
    return spelt(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
