"""Silences: alarms that somebody knows of, for a while, in a file that people edit and review.

``config/silences.csv`` has the columns ``device,check,from,until,reason,author``. ``device`` is a
device, a variable or a ``%`` pattern of either; ``check`` is empty for all checks. ``from`` and
``until`` are the first and the last day that it holds, days that reports are about; ``until`` may
be ``cleared``: an acknowledgement of an alarm that was there on ``from``, which ends when it does.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from oaflib.changes import Changes
from oaflib.errors import ConfigurationError, Problem
from oaflib.report import Change, Outcome
from oaflib.window import moment

_FORMULA = ("=", "+", "-", "@")
FILE = "config/silences.csv"
CLEARED = "cleared"
COLUMNS = ("device", "check", "from", "until", "reason", "author")


@dataclass(frozen=True)
class Silence:
    """One line of the file. `until` None: until the alarm clears."""

    device: str
    check: str
    since: date
    until: date | None
    reason: str
    author: str

    def covers(self, outcome: Outcome) -> bool:
        """Whether the finding is one it speaks of, whenever."""
        names = (outcome.device, outcome.variable)
        return self.check in ("", outcome.check) and any(
            _matches(self.device, name) for name in names if name
        )

    def holds(self, day: date, onset: date) -> bool:
        """Whether it holds on `day` for an alarm that is there since `onset`.

        An acknowledgement is of an alarm that was there when it was given, not of the next one.
        """
        if self.until is None:
            return onset <= self.since
        return self.since <= day <= self.until

    def __str__(self) -> str:
        how = "acknowledged" if self.until is None else f"silenced until {self.until}"
        return f"{how} by {self.author}: {self.reason}"


def apply(changes: Changes, silences: Sequence[Silence]) -> Changes:
    """Say of each alarm who silenced it, on the last day of the report's window.

    A silence that ended and whose alarm was there then and still is, is said in `silence_ended`;
    and in `Changes.silence_ends` when it ended on the day before the window, or later.
    """
    if not silences:
        return changes
    report = changes.report
    zone = ZoneInfo(report.window.zone)
    day = (report.window.end - timedelta(microseconds=1)).astimezone(zone).date()
    first = report.window.start.astimezone(zone).date()
    lately = first - timedelta(days=1)
    marked: list[Outcome] = []
    ends: dict[str, None] = {}
    for outcome in report.outcomes:
        outcome = replace(outcome, silenced="", silence_ended="")
        covering = [silence for silence in silences if silence.covers(outcome)]
        if not outcome.severity.alarming or not covering:
            marked.append(outcome)
            continue
        age = changes.ages.get(outcome.identity)
        onset = moment(age.since).astimezone(zone).date() if age else day
        holding = [silence for silence in covering if silence.holds(day, onset)]
        if holding:
            marked.append(replace(outcome, silenced=str(holding[-1])))
            continue
        ended = _ended(covering, onset, day)
        if ended is None or outcome.change is not Change.ONGOING:
            marked.append(outcome)
            continue
        marked.append(replace(outcome, silence_ended=str(ended)))
        if ended.until and ended.until >= lately:
            name = outcome.device or outcome.variable
            ends[f"{name} ({outcome.check}) is still there; it was {ended}"] = None
    return replace(changes, report=report.with_outcomes(marked), silence_ends=tuple(ends))


def _ended(covering: Sequence[Silence], onset: date, day: date) -> Silence | None:
    """The last silence that ended before `day` and held while the alarm was there already."""
    ended = [s for s in covering if s.until is not None and onset <= s.until < day]
    return max(ended, key=lambda silence: silence.until or date.min, default=None)


def read(path: Path) -> tuple[Silence, ...]:
    """The silences in the file; none when there is no file.

    Raises
    ------
    ConfigurationError
        All that is wrong with it, by line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # a BOM is what Excel leaves
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(FILE, "", f"cannot be read: {error}")]) from error
    rows = csv.reader(io.StringIO(text))
    try:
        lines = [(rows.line_num, cells) for cells in rows]
    except csv.Error as error:  # a cell of a megabyte, where a quote was never closed
        raise ConfigurationError([Problem(FILE, f"line {rows.line_num}", str(error))]) from error
    header = tuple(cell.strip().lower() for cell in lines[0][1]) if lines else ()
    if header != COLUMNS:
        message = f"the first line must be {','.join(COLUMNS)}, not {','.join(header)[:80]}"
        raise ConfigurationError([Problem(FILE, "line 1", message)])
    silences, problems = [], []
    for line, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            silences.append(_silence([cell.strip() for cell in cells]))
        except ValueError as error:
            problems.append(Problem(FILE, f"line {line}", str(error)))
    if problems:
        raise ConfigurationError(problems)
    return tuple(silences)


def add(path: Path, silence: Silence) -> None:
    """Write one more line at the end of the file, made when it is not there.

    Raises
    ------
    ConfigurationError
        The silence is not one, or the file is wrong; then it stays as it is.
    """
    cells = _cells(silence)
    try:
        if _silence(cell.strip() for cell in cells) != silence:
            raise ValueError("device, check, reason and author must not begin or end in blanks")
        for name, cell in zip(COLUMNS, cells, strict=True):
            if cell.startswith(_FORMULA):
                raise ValueError(
                    f"{name} begins with {cell[0]!r}, which a spreadsheet takes for a formula"
                )
    except ValueError as error:
        raise ConfigurationError([Problem(FILE, "", str(error))]) from None
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    read(path)
    if path.exists():
        kept = path.read_text(encoding="utf-8-sig").rstrip("\r\n") + "\n"
    else:
        writer.writerow(COLUMNS)
        kept = ""
    writer.writerow(cells)
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(kept + out.getvalue(), encoding="utf-8", newline="")
    beside.replace(path)


def _silence(cells: Iterable[str]) -> Silence:
    row = list(cells)
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} cells; there must be {len(COLUMNS)}: {','.join(COLUMNS)}")
    device, check, since, until, reason, author = row
    for name, value in (("device", device), ("reason", reason), ("author", author)):
        if not value:
            raise ValueError(f"{name} is empty; a silence says whose, why, and by whom")
    for name, value in zip(COLUMNS, row, strict=True):
        if not value.isprintable():
            raise ValueError(f"{name} holds characters that cannot be seen")
    if not device.replace("%", ""):
        raise ValueError("device is '%': that would silence everything; name a device or a family")
    try:
        begin = date.fromisoformat(since)
        end = None if until == CLEARED else date.fromisoformat(until)
    except ValueError:
        raise ValueError(
            f"from '{since}' and until '{until}' must be days like 2026-11-22; "
            f"until may be '{CLEARED}'"
        ) from None
    if end is not None and end < begin:
        raise ValueError(f"until {end} lies before from {begin}")
    return Silence(device, check, begin, end, reason, author)


def _cells(silence: Silence) -> list[str]:
    until = CLEARED if silence.until is None else silence.until.isoformat()
    since = silence.since.isoformat()
    return [silence.device, silence.check, since, until, silence.reason, silence.author]


def _matches(pattern: str, name: str) -> bool:
    parts = (re.escape(part) for part in pattern.split("%"))
    return re.fullmatch(".*".join(parts), name, re.DOTALL) is not None
