"""Values, times and verdicts as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from oaflib.limits import phrases
from oaflib.numeral import spelt
from oaflib.report import Change, Found, Outcome, Report, Severity
from oaflib.window import INSTANT, Window, instant, parse_instant

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SYMBOLS = {
    "ok": "✓",
    "warning": "△",
    "alarm": "▲",
    "invalid": "?",
    "not_applicable": "–",
    "failed": "✕",
    "none": "·",
}
NAMES = {
    "ok": "fine",
    "warning": "warning",
    "alarm": "alarm",
    "invalid": "could not be judged",
    "not_applicable": "not applicable",
    "failed": "run failed",
    "none": "no report",
}
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_DAY = re.compile(r"(?<![\w./-])(\d{4}-\d\d-\d\d)(?![\w/-]|\.\w)")
_QUANTITY = re.compile(r"(?<=\d) (?=(?:%|×|d|h|min|ms|s)(?!\w))|(?<=×) (?=10)")
"""The blanks within a duration, a share or a power of ten, which stay on one line."""
_LONG_AGO = timedelta(days=180)


def tidy(text: Any, most: int = 2_000) -> str:
    """`text`, cut to `most` characters, with control and direction characters made visible."""
    shown = str(text)[: most + 1]
    if len(shown) > most:
        shown = shown[: most - 1] + "…"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", shown)


def number(value: Found, digits: int = 4) -> str:
    """A value to `digits` figures, thousands apart, powers of ten as such; a text as it is."""
    if value is None:
        return "none"
    if isinstance(value, (bool, str)):
        return tidy(value, 120)
    return spelt(value, digits)


def against(found: Found, limit: Mapping[str, Any], unit: str = "") -> tuple[str, str]:
    """Value and limit in words, to as many figures as it takes to tell them apart."""
    for digits in (4, 6, 9, 12, 17):
        value = number(found, digits)
        if not any(
            isinstance(edge, float) and edge != found and number(edge, digits) == value
            for edge in limit.values()
        ):
            break
    return value, allowed(limit, digits, unit)


def allowed(limit: Mapping[str, Any], digits: int = 4, unit: str = "") -> str:
    """A limit in words: ``≥ 0.98``, ``0.98 … 1.02``, ``expected ON``; empty when there is none.

    `low` and `high` go without `unit`, which stands beside the value found.
    """
    parts = []
    low, high = limit.get("low"), limit.get("high")
    if low is not None and high is not None:
        parts.append(f"{number(low, digits)} … {number(high, digits)}")
    elif low is not None:
        parts.append(f"≥ {number(low, digits)}")
    elif high is not None:
        parts.append(f"≤ {number(high, digits)}")

    def spelt(value: Any) -> str:
        plain = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number(value, digits) if plain else tidy(value, 120)

    return ", ".join([*parts, *phrases(limit, tidy(unit, 40), spelt)])


def local(at: datetime, zone: str, form: str = "full", near: datetime | None = None) -> Markup:
    """A moment in `zone`, UTC in its tooltip. `form` is full, short (no year), seconds or time.

    Further than half a year from `near` it is a day with its year, whatever the form.
    """
    there = at.astimezone(ZoneInfo(zone))
    day = f"{there.day} {MONTHS[there.month - 1][:3]}"
    clock = f"{there:%H:%M}"
    if near is not None and abs(at - near) > _LONG_AGO:
        shown = f"{day} {there.year}"
    elif form == "full":
        shown = f"{day} {there.year} {clock} {there:%Z}"
    elif form == "short":
        shown = f"{day} {clock}"
    elif form == "seconds":
        shown = f"{day} {there:%H:%M:%S}"
    else:
        shown = clock
    utc = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(instant(at), utc, shown)


def foretold(forecast: Mapping[str, Any]) -> str:
    """A forecast in a sentence: when, between when and when, by which method."""
    state, day = forecast.get("state", ""), forecast.get("date")
    if state == "crosses" and day:
        said = f"Crosses its limit about {_day(day)}"
        first, last = forecast.get("earliest"), forecast.get("latest")
        if first:
            coverage = forecast.get("coverage") or 0.9
            until = f"and {_day(last)}" if last else "and no end that can be told"
            said += f", with {100 * coverage:.0f} % between {_day(first)} {until}"
    elif state == "crossed":
        said = "Beyond its limit" + (f" since {_day(day)}" if day else "")
    elif state == "not within horizon":
        said = f"Does not cross its limit within {forecast.get('horizon_days', 0):g} days"
    else:
        said = "When it crosses its limit cannot be told"
    note, method = (str(forecast.get(key) or "") for key in ("note", "method"))
    return tidy(f"{said}{': ' if note else ''}{note}. Method: {method or 'not said'}.", 600)


def _day(text: str, short: bool = False) -> str:
    """``2027-05-20`` as people write it; `short` has ``20 May 2027`` on one line."""
    try:
        day = date.fromisoformat(str(text)[:10])
    except ValueError:
        return str(text)
    if short:
        return f"{day.day}\N{NO-BREAK SPACE}{MONTHS[day.month - 1][:3]}\N{NO-BREAK SPACE}{day.year}"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def spoken(day: date, year: bool = False) -> str:
    """``Monday 23 November``, with the year where asked."""
    text = f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
    return f"{text} {day.year}" if year else text


def spoken_window(window: Window) -> str:
    """What a window is called in a heading: a day in words, else its local start and end."""
    start, end = (at.astimezone(ZoneInfo(window.zone)) for at in (window.start, window.end))
    if window.label == start.date().isoformat():
        return spoken(start.date(), year=True)
    if start.date() == end.date():
        return f"{spoken(start.date(), year=True)}, {start:%H:%M} to {end:%H:%M} {end:%Z}"
    if (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0):
        final = date.fromordinal(end.date().toordinal() - 1)
        return f"{spoken(start.date())} to {spoken(final, year=True)}"
    return (
        f"{spoken(start.date())} {start:%H:%M} to "
        f"{spoken(end.date(), year=True)} {end:%H:%M} {end:%Z}"
    )


def counted(count: int, one: str, many: str = "") -> str:
    """``1 alarm``, ``2 alarms``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def verdict(report: Report) -> str:
    """What the report says, in one sentence."""
    if not report.finished:
        return "The run did not finish, so the instrument was not judged."
    if not report.outcomes:
        return "No check ran, so the instrument was not judged."
    counts = report.counts
    parts = []
    if counts["alarm"]:
        parts.append(counted(counts["alarm"], "alarm") + _news(report))
    if counts["invalid"]:
        parts.append(counted(counts["invalid"], "check") + " could not be judged")
    if counts["warning"]:
        parts.append(counted(counts["warning"], "warning"))
    if parts:
        return f"{', '.join(parts)}; {counts['ok']} fine."
    if counts["ok"]:
        return "All fine." if counts["ok"] == 1 else f"All {counts['ok']} checks are fine."
    return "No check applied: the conditions they wait for did not occur."


def _news(report: Report) -> str:
    alarms = [o for o in report.outcomes if o.severity is Severity.ALARM]
    new = sum(o.change is Change.NEW for o in alarms)
    if not new or len(alarms) == 1:
        return " (new)" if new else ""
    return f" ({new} new)" if new < len(alarms) else " (all new)"


def what(outcome: Outcome) -> str:
    """The outcome's reason, or its fault where no reason was given."""
    return tidy(outcome.reason, 600) or tidy(f"{outcome.check}: {outcome.fault}", 600)


def there(text: str, zone: str, near: datetime | None = None) -> Markup:
    """`text` with the UTC instants it names (``2026-11-22T12:26:24Z``) told in `zone`, and its days
    (``2027-02-05``) as people write them; `near` as in `local`.
    """
    pieces = INSTANT.split(text)
    shown = Markup("")
    for number, piece in enumerate(pieces):
        plain = _DAY.sub(lambda day: _day(day[1], short=True), piece)
        plain = _QUANTITY.sub("\N{NO-BREAK SPACE}", plain)
        shown += _instant(piece, zone, near) if number % 2 else escape(plain)
    return shown


def _instant(text: str, zone: str, near: datetime | None) -> Markup:
    try:
        form = "seconds" if text[17:19] != "00" else "short"
        return local(parse_instant(text), zone, form, near)
    except (ValueError, OverflowError):
        return escape(text)


def size(count: float) -> str:
    """Bytes in the unit people use."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def marked(mark: str) -> Markup:
    """A severity as a chip: colour, symbol and word."""
    return Markup('<span class="chip {0}"><span aria-hidden="true">{1}</span> {2}</span>').format(
        mark, SYMBOLS[mark], NAMES[mark]
    )


def bdi(text: Any) -> Markup:
    """A name set apart from the direction of the text around it; long ones may break at marks."""
    shown = escape(tidy(text, 160))
    return Markup("<bdi>{}</bdi>").format(
        Markup(re.sub(r"([:._/-])(?=[A-Za-z0-9])", r"\1<wbr>", str(shown)))
    )
