"""The mail of one report. Pure: data in, `Message` out, no clock and no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from oaflib.changes import Changes
from oaflib.inform.envelope import LIMIT, Message
from oaflib.inform.lines import cleared_lines, found_lines, section
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Line, Links, Picture, Section, Sheet, Tone, render
from oaflib.inform.texts import counted, shown, span, zone_of
from oaflib.provenance import half_answered, low_resolution
from oaflib.report import Change, Report, Severity

BODY = LIMIT * 3 // 8  # bytes of text and HTML; encoded they are up to half more
_PICTURES = 4  # at most, and as many as fit
_ROOM = LIMIT // 4  # bytes of pictures; encoded they are a third more


@dataclass(frozen=True)
class Verdict:
    """A report in a few words and a colour."""

    words: str
    tone: Tone


def verdict(changes: Changes) -> Verdict:
    """What the subject says after the colon."""
    report = changes.report
    counts, change = report.counts, changes.counts
    alarms = counts["alarm"] + counts["invalid"] - len(changes.silenced)
    parts: list[str] = []
    if change["new"]:
        parts.append(f"{change['new']} NEW")
    if change["ongoing"]:
        parts.append(f"{change['ongoing']} ongoing")
    if alarms and not parts:
        parts.append(counted(alarms, "alarm"))
    if change["cleared"]:
        parts.append(f"{change['cleared']} cleared")
    if not report.finished:
        return Verdict(", ".join(["FAILED", *parts]), "invalid")
    if not report.outcomes:
        return Verdict(", ".join(["nothing was judged", *parts]), "invalid")
    if alarms:
        real = any(
            outcome.severity is Severity.ALARM and not outcome.silenced
            for outcome in report.outcomes
        )
        return Verdict(", ".join(parts), "alarm" if real else "invalid")
    if changes.silenced:
        return Verdict(", ".join(["no other alarm", *parts]), "calm")
    if counts["warning"]:
        return Verdict(", ".join([counted(counts["warning"], "warning"), *parts]), "warning")
    if not counts["ok"]:
        return Verdict(", ".join(["nothing to judge", *parts]), "calm")
    return Verdict(", ".join(["OK", *parts]), "good")


def subject(changes: Changes, prefix: str = "[OAF]") -> str:
    """``[OAF] BWS PS 2026-11-22: 2 NEW, 1 ongoing, 1 cleared``."""
    return f"{prefix} {about(changes.report)}: {verdict(changes).words}".strip()


def about(report: Report) -> str:
    """``BWS PS 2026-11-22``: a report in the subject of its mails."""
    name = shown(f"{report.instrument} {report.dataset}", 50)
    return f"{name} {shown(report.window.label, 30)}"


def compose(
    changes: Changes,
    links: Links,
    settings: MailSettings,
    pictures: Sequence[Picture] = (),
) -> Message:
    """The mail that one report makes, the same for all its recipients.

    Parameters
    ----------
    changes : the report, marked by `oaflib.changes.advance`.
    links : where to look.
    settings : how many lines, which prefix.
    pictures : small PNG or JPEG pictures of alarms; at most four new ones, as many as fit.
    """
    report = changes.report
    sheet, text, html = fitted(lambda lines: _sheet(changes, links, lines), settings.lines)
    shown_pictures: tuple[tuple[str, Picture], ...] = ()
    if pictures:
        sheet, shown_pictures = _illustrated(sheet, pictures)
        text, html = render(sheet)
    counts = changes.counts
    return Message(
        key=f"{report.id}|{report.window.key}",
        thread=report.id,
        subject=subject(changes, settings.prefix),
        text=text,
        html=html,
        pictures=shown_pictures,
        tags=(
            ("Dataset", report.id),
            ("Report", report.window.label),
            ("Severity", str(report.severity)),
            ("Changes", " ".join(f"{name}={count}" for name, count in counts.items())),
        ),
    )


def fitted(sheet_of: Callable[[int], Sheet], lines: int) -> tuple[Sheet, str, str]:
    """The sheet of at most `lines` lines, or of as many as a mail has room for, and its forms."""
    sheet = sheet_of(lines)
    text, html = render(sheet)
    while len(text.encode()) + len(html.encode()) > BODY and lines > 1:
        lines //= 2
        sheet = sheet_of(lines)
        text, html = render(sheet)
    return sheet, text, html


def _sheet(changes: Changes, links: Links, lines: int) -> Sheet:
    report, words = changes.report, verdict(changes)
    name, _ = zone_of(report.window)
    title = f"{report.instrument} {report.dataset} · {report.window.label}"
    about = shown(report.title, 120)
    return Sheet(
        title=shown(title, 120)
        + (f" · {about}" if about else "")
        + (" · LOW RESOLUTION" if low_resolution(report) else ""),
        subtitle=span(report.window),
        verdict=words.words,
        tone=words.tone,
        sections=_sections(changes, lines),
        notes=_notes(changes),
        links=links,
        footer=(
            f"Times are {shown(name, 40)}. Made by OAF, which judges and never acts. "
            "You get this because a task of tasks.csv names you.",
        ),
    )


def _sections(changes: Changes, lines: int) -> tuple[Section, ...]:
    """NEW first and with most of the room, then ongoing, then cleared, then warnings."""
    window, ages = changes.report.window, changes.ages
    warned = [o for o in changes.report.outcomes if o.severity is Severity.WARNING]
    unmarked = found_lines(changes.marked(None), window, ages)
    new = found_lines(changes.marked(Change.NEW), window, ages)
    ongoing = found_lines(changes.marked(Change.ONGOING), window, ages, brief=True)
    checked = {outcome.identity for outcome in changes.report.outcomes}
    cleared = cleared_lines(changes.cleared, window, checked)
    later = min(lines // 5, cost(ongoing)) + min(lines // 10, cost(cleared))
    made = []
    for title, entries, reserve in (
        ("ALARMS", unmarked, later),
        ("NEW", new, later),
        ("ONGOING", ongoing, min(lines // 10, cost(cleared))),
        ("CLEARED", cleared, 0),
        ("WARNINGS", found_lines(warned, window, {}), 0),
    ):
        if entries:
            part = section(title, entries, max(1, lines - reserve))
            lines = max(0, lines - cost(part.lines))
            made.append(part)
    return tuple(made)


def cost(lines: Sequence[Line]) -> int:
    """How many lines of text they take."""
    return sum(line.cost for line in lines)


_COUNTED: Mapping[str, str] = {
    "ok": "OK",
    "warning": "warning",
    "alarm": "alarm",
    "invalid": "could not be judged",
    "not_applicable": "not applicable",
}


def _notes(changes: Changes) -> tuple[str, ...]:
    report = changes.report
    notes = []
    if not report.finished:
        notes.append(
            "The report did not finish: what it does not say is not known. "
            "Open alarms stay open until a report judges them."
        )
    if low := low_resolution(report):
        notes.append(f"Low resolution: {shown(low, 200)}.")
    if half := half_answered(report):
        notes.append(f"{half} (why stands on the page).")
    if changes.unjudged:
        count = len(changes.unjudged)
        notes.append(
            f"{counted(count, 'older alarm')} could not be judged this time and "
            f"{'stays' if count == 1 else 'stay'} open."
        )
    notes += [f"A silence has ended: {shown(sentence, 400)}." for sentence in changes.silence_ends]
    if changes.silenced:
        notes.append(f"{len(changes.silenced)} silenced (on the page).")
    if not changes.compared:
        notes.append("Made after later reports of this dataset: not compared with earlier ones.")
    counts = report.counts
    said = [f"{count} {_word(key, count)}" for key, count in counts.items() if count or key == "ok"]
    notes.append(f"Checks: {', '.join(said)}.")
    return tuple(notes)


def _word(key: str, count: int) -> str:
    word = _COUNTED[key]
    return f"{word}s" if key in ("warning", "alarm") and count != 1 else word


def _illustrated(
    sheet: Sheet, pictures: Sequence[Picture]
) -> tuple[Sheet, tuple[tuple[str, Picture], ...]]:
    """The sheet with pictures at the lines they belong to, while they fit."""
    by_identity = {picture.identity: picture for picture in pictures if picture.subtype}
    used: list[tuple[str, Picture]] = []
    room = _ROOM
    sections = []
    for part in sheet.sections:
        lines = []
        for line in part.lines:
            fitting = next((by_identity[i] for i in line.identities if i in by_identity), None)
            if fitting is not None and len(used) < _PICTURES and len(fitting.data) <= room:
                cid = f"picture{len(used) + 1}@oaf"
                used.append((cid, fitting))
                room -= len(fitting.data)
                lines.append(replace(line, picture=cid))
            else:
                lines.append(line)
        sections.append(replace(part, lines=tuple(lines)))
    return replace(sheet, sections=tuple(sections)), tuple(used)


def failed(report: Report) -> bool:
    """Whether the operator should know: it did not finish, or nothing was judged."""
    return not report.finished or (report.severity is Severity.INVALID and not report.outcomes)
