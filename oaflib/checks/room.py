"""The runner: every series is loaded once and judged by all checks that want it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from oaflib.checks.base import Check, Context, GroupCheck, Past, SeriesCheck, Verdict, while_open
from oaflib.checks.inhibit import inhibit
from oaflib.checks.lowres import at_low_resolution
from oaflib.checks.words import some
from oaflib.errors import OafError
from oaflib.expression import open_intervals
from oaflib.records import Entry, Records
from oaflib.report import Outcome, Severity
from oaflib.series import Series, Variable, nothing
from oaflib.window import Window


@dataclass(frozen=True)
class Noted:
    """What a check that compares variables noted of one."""

    note: Any


Look = Outcome | Noted


@dataclass
class _Plan:
    """One check and what it has said so far; `seen` is what it saw early of some variables."""

    check: SeriesCheck
    names: frozenset[str]
    context: Context
    seen: Mapping[str, Look]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    extra: list[Outcome] = field(default_factory=list)


def run_checks(
    checks: Sequence[Check], records: Records, past: Past | None = None
) -> list[Outcome]:
    """The outcomes of all `checks`, in their order, then in the order of the records.

    A check that raises becomes an INVALID outcome with its name and the reason; others go on.
    """
    return [outcome for each in judge_each(checks, records, past) for outcome in each]


def judge_each(
    checks: Sequence[Check], records: Records, past: Past | None = None
) -> list[list[Outcome]]:
    """As `run_checks`, a list for each of `checks`."""
    with np.errstate(all="ignore"):  # absurd numbers are for the checks to judge
        said = _run(checks, records, past)
    if records.coarse:
        pairs = zip(checks, said, strict=True)
        said = [at_low_resolution(check, each, records) for check, each in pairs]
    told = iter(inhibit(zip(checks, said, strict=True), records))
    return [list(islice(told, len(each))) for each in said]


def _run(checks: Sequence[Check], records: Records, past: Past | None) -> list[list[Outcome]]:
    gates: dict[str, Context | str] = {}
    plans: dict[int, _Plan] = {}
    said: dict[int, list[Outcome]] = {}
    for i, check in enumerate(checks):
        if not check.applies(records.window):
            said[i] = [_other_days(check, records.window)]
            continue
        if check.gate not in gates:
            gates[check.gate] = context_of(check.gate, records, past)
        context = gates[check.gate]
        if not isinstance(check, SeriesCheck):
            said[i] = _whole(check, records, past)
        elif isinstance(context, str):
            said[i] = _ungated(check, records, context)
        else:
            names, extra = selected(check, records.entries)
            seen = _seen(check, records)
            plans[i] = _Plan(check, frozenset(names), context, seen, extra=extra)
    for plan in plans.values():
        if not plan.names and not plan.extra:
            plan.extra.append(_idle(plan.check))
    _judge_all(list(plans.values()), records)
    places = {name: place for place, name in enumerate(records.entries)}
    for i, plan in plans.items():
        if isinstance(plan.check, GroupCheck):
            _compare(plan, plan.check, records.entries)
        in_order = sorted(plan.outcomes.items(), key=lambda said: places[said[0]])
        said[i] = plan.extra + [outcome for _, outcome in in_order]
    return [said[i] for i in range(len(checks))]


def selected(check: Check, entries: Mapping[str, Entry]) -> tuple[list[str], list[Outcome]]:
    """The variables `check` judges, and an INVALID outcome for each name that finds none."""
    if not check.variables:
        return [name for name, entry in entries.items() if check.takes(entry.variable)], []
    names: dict[str, None] = {}
    lost: list[Outcome] = []
    for wanted in check.variables:
        found = matching(wanted, entries)
        if not found:
            reason = f"no variable of the records is called {wanted}"
            if "%" in wanted:
                reason = f"no variable of the records matches {wanted}"
            verdict = Verdict(Severity.INVALID, f"{reason}; there are {some(list(entries), 8)}")
            lost.append(check.outcome(Variable(wanted), verdict))
        takes = [name for name in found if entries[name].variable.kind in check.kinds]
        if found and not takes and "%" not in wanted:
            variable = entries[wanted].variable
            allowed = ", ".join(check.kinds)
            reason = f"{wanted} is {variable.kind}; {check.label} judges {allowed}"
            lost.append(check.outcome(variable, Verdict(Severity.INVALID, reason)))
        names.update(dict.fromkeys(takes))
    return list(names), lost


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that equal `pattern`, or match it where it holds a ``%``."""
    if "%" not in pattern:
        return [pattern] if pattern in names else []
    whole = re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)
    return [name for name in names if whole.fullmatch(name)]


def tidy(series: Series, window: Window) -> Series:
    """The samples of `window` in order of time, with the last of several samples of one time."""
    if not (series.time[1:] > series.time[:-1]).all():
        series = series.where(np.argsort(series.time, kind="stable"))
        series = series.where(np.append(np.diff(series.time) > 0, True))
    if not len(series):
        return series
    if series.time[0] >= window.start_ns and series.time[-1] < window.end_ns:
        return series
    return series.between(window.start_ns, window.end_ns)


def context_of(gate: str, records: Records, past: Past | None) -> Context | str:
    """What checks with that gate know; or why the gate cannot be evaluated."""
    if not gate:
        return Context(records.window, None, past, records.source)
    try:
        return Context(records.window, open_intervals(gate, records), past, records.source)
    except (OafError, KeyError, ValueError) as error:
        return f"the gate {gate} could not be evaluated: {_words(error)}"


def _idle(check: Check) -> Outcome:
    """That a check found nothing of its kind to judge; so that nobody thinks it never ran."""
    kinds = " or ".join(check.kinds)
    reason = f"there is no {kinds} variable to judge by {check.label}"
    return check.outcome(Variable(""), Verdict(Severity.NOT_APPLICABLE, reason))


def _other_days(check: Check, window: Window) -> Outcome:
    """That a check's limits are those of other days."""
    begins = f"from {check.valid_from}" if check.valid_from else ""
    ends = f"until {check.valid_until}" if check.valid_until else ""
    days = " ".join(filter(None, (begins, ends)))
    reason = f"its limits apply {days}, not to {window.label}"
    name = ", ".join(check.variables)
    return check.outcome(Variable(name), Verdict(Severity.NOT_APPLICABLE, reason))


def _whole(check: Check, records: Records, past: Past | None) -> list[Outcome]:
    try:
        return check.judge(records, past)
    except Exception as error:
        return [check.outcome(Variable(""), _broken(check, error))]


def _ungated(check: Check, records: Records, reason: str) -> list[Outcome]:
    names, lost = selected(check, records.entries)
    verdict = Verdict(Severity.INVALID, reason)
    return lost + [check.outcome(records.entries[name].variable, verdict) for name in names]


def _judge_all(plans: list[_Plan], records: Records) -> None:
    takers: dict[str, list[_Plan]] = {}
    for plan in plans:
        for name in plan.names:
            takers.setdefault(name, []).append(plan)
    for name, entry in records.entries.items():
        waiting = []
        for plan in takers.get(name, ()):
            if name in plan.seen:
                _heard(plan, name, plan.seen[name])
            else:
                waiting.append(plan)
        if waiting:
            _judge_one(name, entry, waiting, records)


def _judge_one(name: str, entry: Entry, waiting: list[_Plan], records: Records) -> None:
    series = nothing(entry.variable)
    if any(plan.check.reads for plan in waiting):
        try:
            series = tidy(records[name], records.window)
        except Exception as error:
            verdict = Verdict(Severity.INVALID, f"{name} could not be read: {_words(error)}")
            for plan in waiting:
                plan.outcomes[name] = plan.check.outcome(entry.variable, verdict)
            return
    for plan in waiting:
        _heard(plan, name, look(plan.check, series, entry, plan.context))


def _heard(plan: _Plan, name: str, look: Look) -> None:
    if isinstance(look, Noted):
        plan.notes[name] = look.note
    else:
        plan.outcomes[name] = look


def look(check: SeriesCheck, series: Series, entry: Entry, context: Context) -> Look:
    """What `check` says of a tidied series or, when it compares variables, notes of it.

    Never raises: a check that fails is an INVALID outcome that says so.
    """
    try:
        if not isinstance(check, GroupCheck):
            return check.judge_series(series, entry, context)
        verdict = check.unable(entry, context)
        if verdict is None:
            series = while_open(series, context)
            if len(series):
                return Noted(check.note(series, context))
            verdict = check.silent(entry, context)
    except Exception as error:
        verdict = _broken(check, error)
    return check.outcome(entry.variable, verdict)


def takes(check: Check, entry: Entry) -> bool:
    """Whether `check` judges that variable of the records; as `selected` chooses."""
    if not check.variables:
        return check.takes(entry.variable)
    return bool(selected(check, {entry.variable.name: entry})[0])


def _seen(check: Check, records: Records) -> Mapping[str, Look]:
    """What `check` saw when the series passed by, while they were extracted."""
    if check.gate or not records.seen:
        return {}
    try:
        return records.seen.get(check, {})
    except TypeError:  # it has a table among its limits
        return {}


def _compare(plan: _Plan, check: GroupCheck[Any], entries: Mapping[str, Entry]) -> None:
    try:
        for outcome in check.compare(plan.notes, entries, plan.context):
            plan.outcomes[outcome.variable] = outcome
    except Exception as error:
        for name in plan.notes:
            plan.outcomes[name] = check.outcome(entries[name].variable, _broken(check, error))


def _broken(check: Check, error: Exception) -> Verdict:
    return Verdict(Severity.INVALID, f"the check {check.label} itself failed: {_words(error)}")


def _words(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
