"""What is new: a report's alarms against the earlier reports of its dataset.

Pure. A dataset's memory is one small document, `AlarmState`; `advance` takes it one report further
and says of every alarm whether it is NEW, ONGOING or CLEARED. Replaying a dataset's reports in
order (`replay`) gives the same document again, so it may be lost.

No answer is never a good answer: an open alarm that a report could not judge (gate never open, run
failed) is neither confirmed nor cleared; it stays open and is listed as *unjudged*.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from oaflib.errors import ReportError
from oaflib.report import Change, Outcome, Report, Severity
from oaflib.window import instant, moment, nanoseconds, parse_instant

SCHEMA = "oaf-alarms/1"
_DAY = 86_400 * 10**9
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_WORDS = 240  # how much of a reason is remembered, to say what was cleared


@dataclass(frozen=True)
class Policy:
    """When an alarm counts as gone, and as flapping.

    `clear_reports`: good reports in a row before an alarm is CLEARED, and so before it can be NEW
    again. `memory`: judged reports remembered per alarm. `flapping`: onsets within `memory` reports
    from which an alarm is said to come and go.
    """

    clear_reports: int = 1
    memory: int = 10
    flapping: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.clear_reports <= self.memory:
            raise ValueError(
                f"clear_reports is {self.clear_reports}; allowed: 1 to memory ({self.memory})"
            )
        if self.flapping < 2:
            raise ValueError(f"flapping is {self.flapping}; allowed: 2 or more onsets")


@dataclass(frozen=True)
class PastAlarm:
    """One alarm, open or lately cleared, as the reports so far tell it.

    Attributes
    ----------
    identity : `Outcome.identity`.
    open : not (yet) cleared.
    alarmed : was once ALARM since it opened; else it only ever could not be judged (INVALID).
    severity : the last one that was alarming.
    since : int64 ns UTC of its onset: the first bad sample, or the start of that report's window.
    reports : reports that found it, since its onset.
    history : one character per judged report, the oldest first: ``1`` alarming, ``0`` not.
    reason : what the last report that found it said.
    """

    identity: str
    check: str
    device: str
    variable: str
    open: bool
    alarmed: bool
    severity: Severity
    since: int
    reports: int
    history: str
    reason: str

    def __post_init__(self) -> None:
        if set(self.history) - {"0", "1"}:
            raise ValueError(f"a history is written in 0 and 1, not {self.history!r}")

    @property
    def onsets(self) -> int:
        """How often it began, within its history."""
        return ("0" + self.history).count("01")

    @property
    def clear(self) -> int:
        """Good reports in a row, up to the last one."""
        return len(self.history) - len(self.history.rstrip("0"))


@dataclass(frozen=True)
class AlarmState:
    """A dataset's alarms after its latest report; empty before the first.

    `end` is the end (int64 ns UTC) of that report's window, `before` the alarms as they stood
    before it, so that making the same report again compares with the same past.
    """

    dataset: str
    end: int | None = None
    label: str = ""
    alarms: tuple[PastAlarm, ...] = ()
    before: tuple[PastAlarm, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "dataset": self.dataset,
            "end": None if self.end is None else instant(moment(self.end)),
            "label": self.label,
            "alarms": [_past_document(alarm) for alarm in self.alarms],
            "before": [_past_document(alarm) for alarm in self.before],
        }

    def write(self) -> str:
        """JSON text."""
        return json.dumps(self.document())

    @classmethod
    def read(cls, text: str | bytes) -> AlarmState:
        """The state that JSON `text` says.

        Raises
        ------
        ReportError
            Not such a document; replay the dataset's reports instead.
        """
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise ValueError(f"schema is {document['schema']!r}, not '{SCHEMA}'")
            end = document["end"]
            return cls(
                dataset=document["dataset"],
                end=None if end is None else nanoseconds(parse_instant(end)),
                label=document["label"],
                alarms=tuple(_past_of(entry) for entry in document["alarms"]),
                before=tuple(_past_of(entry) for entry in document["before"]),
            )
        except _UNREADABLE as error:
            raise ReportError(
                f"the alarm state is not an {SCHEMA} document ({error!r}); "
                "it can be made again by replaying the dataset's reports"
            ) from error


@dataclass(frozen=True)
class Age:
    """How long an open alarm has been there, and whether it comes and goes.

    `since` in int64 ns UTC; `days` whole days until the end of the report's window; `reports` that
    found it; `onsets` within the last `memory` judged reports.
    """

    since: int
    days: int
    reports: int
    onsets: int
    flapping: bool


@dataclass(frozen=True)
class Changes:
    """What a report changes.

    Attributes
    ----------
    report : the same report, each ALARM and INVALID outcome marked NEW or ONGOING, and the outcomes
        that cleared an alarm marked CLEARED.
    ages : by identity, of the alarms in the report.
    cleared : alarms that are gone, also those nobody checks any more.
    unjudged : open alarms that this report could not judge.
    silence_ends : one sentence for each silence that ran out since the report before and whose
        alarm is still there.
    compared : False when a later report was already there; then nothing is marked.
    """

    report: Report
    ages: Mapping[str, Age] = field(default_factory=dict)
    cleared: tuple[PastAlarm, ...] = ()
    unjudged: tuple[PastAlarm, ...] = ()
    silence_ends: tuple[str, ...] = ()
    compared: bool = True

    def marked(self, change: Change | None) -> tuple[Outcome, ...]:
        """The alarms of the report with that mark, the worst first; silenced ones left out."""
        return self._by_mark.get(change, ())

    @cached_property
    def _by_mark(self) -> Mapping[Change | None, tuple[Outcome, ...]]:
        """Sorted once: a storm has a hundred thousand."""
        found: dict[Change | None, list[Outcome]] = {}
        for outcome in self.report.alarms:
            if not outcome.silenced:
                found.setdefault(outcome.change, []).append(outcome)
        return {change: tuple(outcomes) for change, outcomes in found.items()}

    @cached_property
    def silenced(self) -> tuple[Outcome, ...]:
        """The alarms that somebody silenced: on the page, and in no mail."""
        return tuple(outcome for outcome in self.report.alarms if outcome.silenced)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each: ``new``, ``ongoing``, ``cleared``, ``unjudged``."""
        return {
            "new": len(self.marked(Change.NEW)),
            "ongoing": len(self.marked(Change.ONGOING)),
            "cleared": len(self.cleared),
            "unjudged": len(self.unjudged),
        }


def changes(
    report: Report, previous: Sequence[PastAlarm] = (), policy: Policy | None = None
) -> Changes:
    """`report` against the alarms that stood before it."""
    return _step(report, previous, policy or Policy())[1]


def advance(
    state: AlarmState, report: Report, policy: Policy | None = None
) -> tuple[AlarmState, Changes]:
    """`state` one report further, and what that report changes.

    The same window again replaces its earlier report. An older window leaves `state` as it is, and
    its report unmarked: what came before it is no longer known here (replay to know).

    Raises
    ------
    ValueError
        A report of another dataset.
    """
    if report.id != state.dataset:
        raise ValueError(f"a report of {report.id} cannot advance the alarms of {state.dataset}")
    end = report.window.end_ns
    if state.end is not None and end < state.end:
        unmarked = [replace(outcome, change=None) for outcome in report.outcomes]
        return state, Changes(report.with_outcomes(unmarked), compared=False)
    previous = state.before if end == state.end else state.alarms
    alarms, changed = _step(report, previous, policy or Policy())
    return AlarmState(report.id, end, report.window.label, alarms, previous), changed


def replay(dataset: str, reports: Iterable[Report], policy: Policy | None = None) -> AlarmState:
    """The state after `reports`, which are put in the order of their windows."""
    state = AlarmState(dataset)
    for report in sorted(reports, key=lambda report: (report.window.end, report.made_at)):
        state, _ = advance(state, report, policy)
    return state


def _step(
    report: Report, previous: Sequence[PastAlarm], policy: Policy
) -> tuple[tuple[PastAlarm, ...], Changes]:
    """The alarms after `report`, and what it changes."""
    known = {alarm.identity: alarm for alarm in previous}
    worst = _worst(report.outcomes)
    kept: list[PastAlarm] = []
    marks: dict[str, Change] = {}
    ages: dict[str, Age] = {}
    cleared: list[PastAlarm] = []
    unjudged: list[PastAlarm] = []

    for identity, outcome in worst.items():
        if outcome.severity.alarming:
            alarm, marks[identity] = _found(known.get(identity), outcome, report, policy)
            kept.append(alarm)
            ages[identity] = _age(alarm, report, policy)
    for identity, past in known.items():
        if identity in marks:
            continue
        seen = worst.get(identity)
        if not _judged(seen, report):
            kept.append(past)
            if past.open:
                unjudged.append(past)
            continue
        alarm = replace(past, history=(past.history + "0")[-policy.memory :])
        if past.open and alarm.clear >= policy.clear_reports:
            alarm = replace(alarm, open=False)
            cleared.append(past)
            marks[identity] = Change.CLEARED
        if "1" in alarm.history:
            kept.append(alarm)

    outcomes = [replace(o, change=_mark(o, marks.get(o.identity))) for o in report.outcomes]
    changed = Changes(report.with_outcomes(outcomes), ages, tuple(cleared), tuple(unjudged))
    return tuple(kept), changed


def _worst(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    """By identity; of two checks with the same identity the one that speaks louder."""
    worst: dict[str, Outcome] = {}
    for outcome in outcomes:
        held = worst.get(outcome.identity)
        if held is None or outcome.severity.rank > held.severity.rank:
            worst[outcome.identity] = outcome
    return worst


def _judged(outcome: Outcome | None, report: Report) -> bool:
    """Whether `report` says that a known alarm is not there.

    Absent from a finished report means nobody checks it any more; absent from an unfinished one
    means nothing.
    """
    if outcome is None:
        return report.finished
    return outcome.severity is not Severity.NOT_APPLICABLE


def _found(
    past: PastAlarm | None, outcome: Outcome, report: Report, policy: Policy
) -> tuple[PastAlarm, Change]:
    """The alarm after a report that found it, and its mark."""
    alarm = outcome.severity is Severity.ALARM
    since = outcome.since if outcome.since is not None else report.window.start_ns
    history = (past.history if past else "") + "1"
    # Yesterday nobody could judge it and today it is bad: that is news.
    if past is not None and not (past.open and (past.alarmed or not alarm)):
        past = None
    return (
        PastAlarm(
            identity=outcome.identity,
            check=outcome.check,
            device=outcome.device,
            variable=outcome.variable,
            open=True,
            alarmed=past.alarmed if past else alarm,
            severity=outcome.severity,
            since=min(past.since, since) if past else since,
            reports=past.reports + 1 if past else 1,
            history=history[-policy.memory :],
            reason=outcome.reason[:_WORDS],
        ),
        Change.ONGOING if past else Change.NEW,
    )


def _age(alarm: PastAlarm, report: Report, policy: Policy) -> Age:
    days = max(0, report.window.end_ns - alarm.since) // _DAY
    onsets = alarm.onsets
    return Age(alarm.since, days, alarm.reports, onsets, onsets >= policy.flapping)


def _mark(outcome: Outcome, mark: Change | None) -> Change | None:
    """The mark of the identity, where it fits this outcome of it."""
    return mark if mark is Change.CLEARED or outcome.severity.alarming else None


def _past_document(alarm: PastAlarm) -> dict[str, Any]:
    # Not asdict, which copies deeply: a storm has a hundred thousand.
    document = dict(vars(alarm))
    document["since"] = instant(moment(alarm.since))
    return document


def _past_of(document: Mapping[str, Any]) -> PastAlarm:
    values = dict(document)
    values["severity"] = Severity(values["severity"])
    values["since"] = nanoseconds(parse_instant(values["since"]))
    return PastAlarm(**values)
