"""A whole morning in one mail: for a reader of several datasets, and for the operator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from oaflib.changes import Changes
from oaflib.inform.compose import Verdict, cost, failed, fitted, verdict
from oaflib.inform.envelope import Message
from oaflib.inform.lines import cut, found_lines
from oaflib.inform.outbox import Letter
from oaflib.inform.settings import MailSettings
from oaflib.inform.sheet import Line, Links, Section, Sheet, Tone
from oaflib.inform.texts import counted, shown, some_of, told
from oaflib.provenance import silent_source
from oaflib.report import Change, Report, Severity

_LATE = (
    "These days had been missed and were caught up. One mail for all the datasets that are yours."
)
_ENDS = 10  # silences said to have ended
_NAMES = 40  # datasets listed by name when there is nothing to say of them


@dataclass(frozen=True)
class Part:
    """One report of the morning, and the address of its page."""

    changes: Changes
    href: str = ""

    @property
    def name(self) -> str:
        """``BWS PS``, safe to show."""
        report = self.changes.report
        return shown(f"{report.instrument} {report.dataset}", 60)


@dataclass(frozen=True)
class Failure:
    """A report that could not be made: which task, why, and the address of its page if any."""

    task: str
    label: str
    reason: str
    href: str = ""


@dataclass(frozen=True)
class Morning:
    """What the operator should know of one morning.

    `waiting` mails, the oldest queued at `oldest`; `undelivered` the letters that died;
    `problems` anything else, one sentence each (tasks left out, disk nearly full, no mail server);
    `notes` what is worth knowing and asks for nothing (days caught up).
    """

    label: str
    parts: tuple[Part, ...] = ()
    failures: tuple[Failure, ...] = ()
    undelivered: tuple[Letter, ...] = ()
    waiting: int = 0
    oldest: datetime | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def every_failure(self) -> tuple[Failure, ...]:
        """Those named, and the reports among `parts` that did not finish or judged nothing."""
        known = {(failure.task, failure.label) for failure in self.failures}
        silent = silences_of(self.parts)
        found = (
            failure_of(part)
            for part in self.parts
            if failed(part.changes.report) and not silent_source(part.changes.report)
        )
        others = (f for f in found if (f.task, f.label) not in known)
        return (*(_silence(source, parts) for source, parts in silent.items()),
                *self.failures, *others)  # fmt: skip


def by_recipient(
    entries: Iterable[tuple[Sequence[str], Part]],
) -> Mapping[str, tuple[Part, ...]]:
    """For each address the parts that are for it, in the order given."""
    found: dict[str, list[Part]] = {}
    for recipients, part in entries:
        for recipient in recipients:
            held = found.setdefault(recipient, [])
            if part not in held:
                held.append(part)
    return {recipient: tuple(parts) for recipient, parts in found.items()}


def silences_of(parts: Iterable[Part]) -> Mapping[str, tuple[Part, ...]]:
    """The parts whose source did not answer, by source."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        if source := silent_source(part.changes.report):
            found.setdefault(source, []).append(part)
    return {source: tuple(found[source]) for source in sorted(found)}


def _silence(source: str, parts: Sequence[Part]) -> Failure:
    """One line for all the reports of a source that did not answer."""
    reports = [part.changes.report for part in parts]
    labels = tuple(dict.fromkeys(report.window.label for report in reports))
    names = some_of([f"{report.instrument} {report.dataset}" for report in reports])
    said = told(reports[0].outcomes[0].reason, reports[0].window)
    reason = f"{said}; {counted(len(parts), 'report')} INVALID: {names}"
    return Failure(source, labels[0] if len(labels) == 1 else "", reason, parts[0].href)


def failure_of(part: Part) -> Failure:
    """Why a report among the parts did not finish, in its own words."""
    report = part.changes.report
    reasons = [o.reason for o in report.outcomes if o.severity is Severity.INVALID and o.reason]
    reason = told(reasons[0], report.window) if reasons else "it judged nothing and says no reason"
    return Failure(f"{report.instrument} {report.dataset}", report.window.label, reason, part.href)


def digest(
    parts: Sequence[Part], label: str, links: Links, settings: MailSettings, *, late: bool = False
) -> Message:
    """One mail about all the `parts`, those with news first; `late`: of days that were missed.

    Raises
    ------
    ValueError
        No parts: there is nothing to say.
    """
    if not parts:
        raise ValueError("a digest needs at least one report")
    ordered = sorted(parts, key=_urgency)
    words = _total(ordered)
    title = f"{shown(label, 40)} · {counted(len(parts), 'report')}"

    def sheet(lines: int) -> Sheet:
        return Sheet(
            title=title,
            subtitle=_LATE if late else "One mail for all the datasets that are yours.",
            verdict=words.words,
            tone=words.tone,
            sections=_news(ordered, lines),
            notes=_quiet(ordered),
            links=links,
            footer=("Times are local to each report. Made by OAF, which judges and never acts.",),
        )

    _, text, html = fitted(sheet, settings.lines)
    what = counted(len(parts), "late report" if late else "report")
    keys = "\n".join(sorted(f"{p.changes.report.id}|{p.changes.report.window.key}" for p in parts))
    return Message(
        key=f"digest|{label}|{_hash(keys)}",
        thread="digest",
        subject=f"{settings.prefix} {what} {label}: {words.words}".strip(),
        text=text,
        html=html,
        tags=(("Dataset", "digest"), ("Report", label)),
    )


def operator_mail(morning: Morning, links: Links, settings: MailSettings) -> Message:
    """The operator's page, also when all is well: that it does not come is an alarm in itself."""
    failures = morning.every_failure
    reports = counted(len(morning.parts), "report")
    parts = [reports]
    if failures:
        parts.append(f"{len(failures)} FAILED")
    if morning.undelivered:
        parts.append(counted(len(morning.undelivered), "mail undeliverable", "mails undeliverable"))
    if morning.problems:
        parts.append(counted(len(morning.problems), "problem"))
    if len(parts) == 1:
        parts.append("OAF itself is well")
    tone: Tone = "invalid" if failures else "warning" if len(parts) > 2 else "good"
    if not failures and (morning.undelivered or morning.problems):
        tone = "warning"
    words = ", ".join(parts)

    def sheet(lines: int) -> Sheet:
        return Sheet(
            title=f"OAF · {shown(morning.label, 40)}",
            subtitle="For OAF's operator.",
            verdict=words,
            tone=tone,
            sections=_troubles(morning, failures, lines),
            notes=_totals(morning),
            links=links,
            footer=("This mail comes after every morning. If it does not, OAF did not run.",),
        )

    _, text, html = fitted(sheet, settings.lines)
    news = (
        [(part.changes.report.id, part.changes.report.window.key) for part in morning.parts],
        failures,
        [letter.id for letter in morning.undelivered],
        morning.problems,
    )
    return Message(
        key=f"operator|{morning.label}|{_hash(repr(news))}",
        thread="operator",
        subject=f"{settings.prefix} operator {morning.label}: {words}".strip(),
        text=text,
        html=html,
        tags=(("Dataset", "operator"), ("Report", morning.label)),
    )


def _urgency(part: Part) -> tuple[int, int, str]:
    """News first, then what failed, then what goes on, then the rest."""
    counts, report = part.changes.counts, part.changes.report
    if counts["new"]:
        return (0, -counts["new"], report.id)
    if failed(report):
        return (1, 0, report.id)
    alarms = len(report.alarms) > len(part.changes.silenced)
    if alarms or counts["cleared"]:
        return (2 if alarms else 3, 0, report.id)
    return (4 if report.counts["warning"] else 5, 0, report.id)


def _total(parts: Sequence[Part]) -> Verdict:
    counted_all = [part.changes.counts for part in parts]
    said = []
    for key, word in (("new", "NEW"), ("ongoing", "ongoing"), ("cleared", "cleared")):
        count = sum(counts[key] for counts in counted_all)
        if count:
            said.append(f"{count} {word}")
    failures = sum(failed(part.changes.report) for part in parts)
    if failures:
        said.append(f"{failures} failed")
    alarms = [o for part in parts for o in part.changes.report.alarms if not o.silenced]
    if not alarms and not failures:
        warned = sum(part.changes.report.counts["warning"] for part in parts)
        if warned:
            return Verdict(", ".join([counted(warned, "warning"), *said]), "warning")
        return Verdict(", ".join(["OK", *said]), "good")
    tone: Tone = "alarm" if any(o.severity is Severity.ALARM for o in alarms) else "invalid"
    return Verdict(", ".join(said) or counted(len(alarms), "alarm"), tone)


def _news(parts: Sequence[Part], lines: int) -> tuple[Section, ...]:
    """A section per dataset with new alarms, one for all that goes on, one for what is gone."""
    silent = silences_of(parts)
    parts = [part for part in parts if not silent_source(part.changes.report)]
    rest = [_standing_line(part) for part in parts if not part.changes.counts["new"]]
    rest = [line for line in rest if line.value]
    rest += [_failure_line(_silence(source, held)) for source, held in silent.items()]
    room = lines - min(lines // 3, cost(rest))
    sections = []
    unsaid = []
    for part in parts:
        new = found_lines(
            part.changes.marked(Change.NEW), part.changes.report.window, part.changes.ages
        )
        if not new:
            continue
        kept, more = cut(new, min(room, max(6, lines // 4)))
        if not kept:
            unsaid.append(_standing_line(part))
            continue
        if part.href:
            kept = (replace(kept[0], href=kept[0].href or part.href), *kept[1:])
        room -= cost(kept)
        title = f"{part.name} {shown(part.changes.report.window.label, 30)}: "
        sections.append(Section(title + verdict(part.changes).words, kept, more, "on its page"))
    if unsaid or rest:
        kept, more = _first([*unsaid, *rest], max(1, lines - sum(cost(s.lines) for s in sections)))
        sections.append(Section("OTHER REPORTS", kept, more, "in the repository"))
    return tuple(sections)


def _first(lines: Sequence[Line], count: int) -> tuple[tuple[Line, ...], int]:
    return tuple(lines[:count]), max(0, len(lines) - count)


def _standing_line(part: Part) -> Line:
    """A dataset in one line; without value when there is nothing to say of it."""
    report, words = part.changes.report, verdict(part.changes)
    changes = part.changes
    warned = report.counts["warning"]
    busy = bool(
        warned
        or len(report.alarms) > len(changes.silenced)
        or changes.cleared
        or changes.silence_ends
        or failed(report)
    )
    return Line(
        head=f"{part.name} {shown(report.window.label, 30)}",
        tag=str(report.severity) if report.severity.alarming or warned else "",
        tone=words.tone,
        value=words.words if busy else "",
        href=part.href if busy else "",
    )


def _quiet(parts: Sequence[Part]) -> tuple[str, ...]:
    """The datasets of which there is nothing to say, by name."""
    ends = [sentence for part in parts for sentence in part.changes.silence_ends]
    notes = [f"A silence has ended: {shown(sentence, 400)}." for sentence in ends[:_ENDS]]
    silenced = sum(len(part.changes.silenced) for part in parts)
    if silenced:
        notes.append(f"{silenced} silenced (on the pages).")
    quiet = [
        part for part in parts if not part.changes.report.alarms and not _standing_line(part).value
    ]
    if not quiet:
        return tuple(notes)
    names = ", ".join(part.name for part in quiet[:_NAMES])
    more = f" and {len(quiet) - _NAMES} more" if len(quiet) > _NAMES else ""
    return (*notes, f"Without alarms: {names}{more}.")


def _troubles(morning: Morning, failures: Sequence[Failure], lines: int) -> tuple[Section, ...]:
    sections = []
    named = (
        ("FAILED REPORTS", [_failure_line(failure) for failure in failures]),
        ("UNDELIVERABLE MAIL", [_letter_line(letter) for letter in morning.undelivered]),
        ("PROBLEMS", [Line(shown(p, 400), tone="warning") for p in morning.problems]),
    )
    busy = sum(bool(entries) for _, entries in named)
    for title, entries in named:
        if entries:
            kept, more = _first(entries, max(1, lines // busy))
            sections.append(Section(f"{title} ({len(entries)})", kept, more, "like these"))
    return tuple(sections)


def _failure_line(failure: Failure) -> Line:
    return Line(
        head=shown(f"{failure.task} {failure.label}", 100),
        tag="FAILED",
        tone="invalid",
        value=shown(failure.reason, 300),
        href=failure.href,
    )


def _letter_line(letter: Letter) -> Line:
    return Line(
        head=shown(letter.recipient, 100),
        tone="warning",
        value=f"{shown(letter.subject, 120)}: {shown(letter.reply, 200)}",
    )


def _totals(morning: Morning) -> tuple[str, ...]:
    reports: list[Report] = [part.changes.report for part in morning.parts]
    alarming = sum(report.severity.alarming for report in reports)
    notes = [
        f"{counted(len(reports), 'report')}: {alarming} with alarms, "
        f"{len(reports) - alarming} without."
    ]
    if morning.waiting:
        since = f", the oldest since {morning.oldest:%Y-%m-%d %H:%M %Z}" if morning.oldest else ""
        notes.append(f"{counted(morning.waiting, 'mail')} waiting to be sent{since}.")
    notes += [shown(note, 500) for note in morning.notes]
    if morning.seconds is not None:
        notes.append(f"The morning took {morning.seconds:.0f} s.")
    return tuple(notes)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
