"""What a check is: a frozen dataclass of limits that judges records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np

from oaflib.checks.words import between, ns_of, span
from oaflib.config.interventions import Intervention
from oaflib.expression import GateIntervals
from oaflib.records import Entry, Records, State
from oaflib.report import Fault, Found, Limits, Outcome, Severity, Statistics
from oaflib.series import Kind, Series, Times, Variable
from oaflib.trend import Trend
from oaflib.window import Window, zone_named

Duration = float | str
Note = TypeVar("Note")


class Past(Protocol):
    """History, as checks see it."""

    def statistics(self, variable: str) -> list[Statistics]:
        """Statistics of earlier windows with samples, the oldest first; empty without any."""
        ...

    def counts(self, variable: str) -> Times:
        """The samples of each earlier window, int64[n], the oldest first; zero if silent."""
        ...

    def trend(self, variable: str) -> Trend:
        """The same in columns, and with the elements of vectors."""
        ...

    def unit(self, variable: str) -> str:
        """The last unit of its earlier windows that had samples; empty when none had a unit."""
        ...

    def interventions(self, variable: str) -> tuple[Intervention, ...]:
        """What was done to the variable's device before the window ended, in order of time."""
        ...


@dataclass(frozen=True)
class Context:
    """What a check knows beside the series: the window, its gate (None: always open), the past."""

    window: Window
    gate: GateIntervals | None = None
    past: Past | None = None
    source: str = ""

    def earlier(self, variable: str) -> list[Statistics]:
        """The variable's statistics in earlier windows that had samples, the oldest first."""
        if self.past is None:
            return []
        return self.past.statistics(variable)

    def earlier_unit(self, variable: str) -> str:
        """The unit the variable had in earlier windows, last of all; empty without any."""
        return "" if self.past is None else self.past.unit(variable)

    def open_spans(self) -> tuple[Times, Times]:
        """Starts and stops (int64 ns UTC) of the time that counts."""
        if self.gate is None:
            return np.array([self.window.start_ns]), np.array([self.window.end_ns])
        return self.gate.open[:, 0], self.gate.open[:, 1]


@dataclass(frozen=True)
class Verdict:
    """What a check concluded on one variable; an `Outcome` once the check put its name to it."""

    severity: Severity
    reason: str
    found: Found = None
    limit: Limits = field(default_factory=dict)
    since: int | None = None
    unit: str | None = None  # None: the variable's own

    def but(self, severity: Severity, reason: str, since: int | None = None) -> Verdict:
        """The same value and limit, another conclusion."""
        return replace(self, severity=severity, reason=reason, since=since)


@dataclass(frozen=True)
class Check:
    """Base of all checks. The fields are the keys of a dataset's ``[[check]]``.

    Attributes
    ----------
    variables : names or ``%`` patterns; empty means every variable of a kind the check takes.
    name : what the outcome is called on the page; the kind when empty.
    severity : of a violation.
    gate : expression; the check applies only while it is true.
    guidance : what the expert should do about a violation.
    means : the fault a violation stands for, when it is not the one the kind names: ``no usage``,
        ``bad usage``, ``over usage``, ``breakage``, ``calibration`` or ``ageing``.
    valid_from, valid_until : the first and the last day (in the window's zone) on
        which the check applies; a window counts by the day on which it begins.

    Raises
    ------
    ValueError
        Limits that contradict each other, or a check that could never find anything.
    """

    kind: ClassVar[str] = ""
    fault: ClassVar[Fault]
    kinds: ClassVar[tuple[Kind, ...]] = tuple(Kind)
    # Of variables at low resolution: judged by their extremes, invalid, or left out.
    coarse: ClassVar[Literal["judged", "invalid", "left out"]] = "judged"

    variables: tuple[str, ...] = ()
    name: str = ""
    severity: Literal["warning", "alarm"] = "alarm"
    gate: str = ""
    guidance: str = ""
    means: Literal[
        "", "no usage", "bad usage", "over usage", "breakage", "calibration", "ageing"
    ] = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, list):
                object.__setattr__(self, entry.name, tuple(value))
            if entry.name == "variables" and isinstance(value, str):
                object.__setattr__(self, entry.name, (value,))
        if self.severity not in ("warning", "alarm"):
            raise ValueError(f"severity is '{self.severity}'; allowed: warning, alarm")
        if self.means and self.means not in list(Fault):
            raise ValueError(f"means is '{self.means}'; allowed: {', '.join(Fault)}")
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(
                f"valid from {self.valid_from} until {self.valid_until} is no day at all"
            )

    @property
    def label(self) -> str:
        """What its outcomes are called."""
        return self.name or self.kind

    @property
    def violated(self) -> Severity:
        """The severity of a violation."""
        return Severity(self.severity.upper())

    @property
    def word(self) -> Fault:
        """The fault its outcomes name."""
        return Fault(self.means) if self.means else self.fault

    def applies(self, window: Window) -> bool:
        """Whether its limits are those of the day on which `window` begins."""
        day = window.start.astimezone(zone_named(window.zone)).date()
        return (self.valid_from or day) <= day <= (self.valid_until or day)

    def takes(self, variable: Variable) -> bool:
        """Whether the check judges `variable` when the dataset does not say which."""
        return variable.kind in self.kinds

    def outcome(self, variable: Variable, verdict: Verdict) -> Outcome:
        """`verdict` on `variable`, in this check's name."""
        return Outcome(
            check=self.label,
            fault=self.word,
            device=variable.device,
            variable=variable.name,
            severity=verdict.severity,
            found=verdict.found,
            limit=verdict.limit,
            unit=variable.unit if verdict.unit is None else verdict.unit,
            since=verdict.since,
            reason=verdict.reason,
            guidance=self.guidance,
        )

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        """One outcome a variable judged; never raises for what the data are like."""
        raise NotImplementedError

    def unable(self, entry: Entry, context: Context) -> Verdict | None:
        """Why there is nothing to judge: absent, request failed, gate never open; else None."""
        name = entry.variable.name
        if entry.state is State.ABSENT:
            source = context.source or "the source"
            return Verdict(
                Severity.INVALID,
                f"{source} knows no variable {name}: it was renamed, never existed or is misspelt",
            )
        if entry.state is State.FAILED:
            why = entry.reason or "no cause given"
            return Verdict(
                Severity.INVALID,
                f"the request for {name} failed ({why}): whether it logged is not known",
            )
        gate = context.gate
        if gate is not None and gate.never:
            return Verdict(
                Severity.NOT_APPLICABLE, f"the gate was never open: {self.gate} was never true"
            )
        if gate is not None and gate.undecided:
            return Verdict(
                Severity.INVALID,
                f"whether the gate {self.gate} was open cannot be told: {_causes(gate)}",
            )
        return None

    def _not_negative(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"{name} is {value}; it must be zero or more")

    def _fraction(self, *names: str) -> None:
        for name in names:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie between 0 and 1")

    def _durations(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is None:
                continue
            try:
                ns_of(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None


@dataclass(frozen=True)
class SeriesCheck(Check):
    """A check that judges each variable by itself: `weigh` is all it must have.

    A runner loads each series once and lets every such check judge it.
    """

    holds: ClassVar[bool] = False  # a sample holds until the next: what was before counts too
    alone: ClassVar[bool] = False  # what it sees in a series needs no past: it may look early
    reads: ClassVar[bool] = True  # it looks at samples, not only at the entry of the records

    def judge(self, records: Records, past: Past | None = None) -> list[Outcome]:
        """One outcome a variable."""
        from oaflib.checks.room import run_checks  # the runner knows all kinds of checks

        return run_checks([self], records, past)

    def judge_series(self, series: Series, entry: Entry, context: Context) -> Outcome:
        """The outcome on `series`, which is in order of time and not yet cut by the gate."""
        verdict = self.unable(entry, context)
        if verdict is None:
            if self.holds:
                series = carried(series, entry, context)
            series = while_open(series, context)
            if len(series):
                verdict = doubted(self.weigh(series, context), context)
            else:
                verdict = self.silent(entry, context)
        return self.outcome(entry.variable, verdict)

    def silent(self, entry: Entry, context: Context) -> Verdict:
        """The verdict on a variable without a sample in the time that counts."""
        return Verdict(Severity.INVALID, silence(self.label, entry, context))

    def weigh(self, series: Series, context: Context) -> Verdict:
        """The verdict on the samples of `series` while the gate was open; at least one."""
        raise NotImplementedError


@dataclass(frozen=True)
class GroupCheck(SeriesCheck, Generic[Note]):
    """A check that takes a note of each variable and judges the notes against each other.

    So siblings are compared without holding their series together in memory.
    """

    def note(self, series: Series, context: Context) -> Note:
        """What is worth keeping of `series`; small."""
        raise NotImplementedError

    def compare(
        self, notes: Mapping[str, Note], entries: Mapping[str, Entry], context: Context
    ) -> list[Outcome]:
        """One outcome a note (by name of variable)."""
        raise NotImplementedError


def doubted(verdict: Verdict, context: Context) -> Verdict:
    """`verdict`; INVALID where it says OK of a gate of which mostly nothing is known."""
    gate = context.gate
    if gate is None or verdict.severity is not Severity.OK or gate.total_unknown <= gate.total:
        return verdict
    return verdict.but(
        Severity.INVALID,
        f"for {span(gate.total_unknown)} it cannot be told whether the gate was open "
        f"({_causes(gate)}); for the {span(gate.total)} it was: {verdict.reason}",
    )


def _causes(gate: GateIntervals) -> str:
    return "; ".join(gate.notes) or "its variables say nothing then"


def while_open(series: Series, context: Context) -> Series:
    """The samples of the time that counts."""
    if context.gate is None or not len(series):
        return series
    return series.where(context.gate.mask(series.time))


def carried(series: Series, entry: Entry, context: Context) -> Series:
    """`series`, and a sample of what held already at the start of each time that counts."""
    time: Times = series.time
    value = series.value
    if entry.before is not None and series.kind in (Kind.NUMERIC, Kind.TEXTUAL):
        time = np.concatenate([[min(entry.before[0], context.window.start_ns - 1)], time])
        value = np.concatenate([np.array([entry.before[1]], dtype=value.dtype), value])
    starts = context.open_spans()[0]
    index = np.searchsorted(time, starts, side="right") - 1
    held = (index >= 0) & (time[index] < starts) if len(time) else np.zeros(len(starts), dtype=bool)
    every = np.concatenate([time, starts[held]])
    order = np.argsort(every, kind="stable")
    value = value[np.concatenate([np.arange(len(time)), index[held]])[order]]
    return replace(series, time=every[order], value=value).between(
        context.window.start_ns, context.window.end_ns
    )


def silence(label: str, entry: Entry, context: Context) -> str:
    """The sentence for a variable without a sample in the time that counts."""
    if entry.count and context.gate is not None:
        return (
            f"nothing was logged while the gate was open ({span(context.gate.total)}), "
            f"so {label} could not be judged"
        )
    return f"nothing was logged {between(context.window)}, so {label} could not be judged"
