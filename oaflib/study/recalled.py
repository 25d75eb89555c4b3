"""What history knows: the records of a study that asks no logging system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from oaflib.records import Entry, Records, State
from oaflib.series import Kind, Variable
from oaflib.study.study import Study
from oaflib.study.words import history_of, ledger_of
from oaflib.trend import Trend
from oaflib.window import moment


class Recalled(Records):
    """Variables of history: every series is empty, `past` holds their years."""


def recall(study: Study) -> Recalled:
    """What the reports of the dataset's family, and imports, say of its variables until the window.

    The dataset's variables are names or ``%`` patterns of the history's own: logged variables,
    computed ones, and ``<INST>_<dataset>:<name>`` for what several datasets compute by one name. A
    dataset without variables has all that its family's reports know. The source is asked nothing.
    """
    from oaflib.history import HistoryPast

    history = history_of(study.project)
    past = HistoryPast(history, study.window, ledger_of(study.project))
    family = study.dataset.instrument
    past.expect(history.scalars(family, study.window))
    entries: dict[str, Entry] = {}
    if study.dataset.variables:
        known = history.known(family)
        for choice in study.dataset.variables:
            names = _matching(choice.name, known)
            if not names:
                reason = _unknown(choice.name, known)
                entries[choice.name] = Entry(Variable(choice.name), State.ABSENT, reason=reason)
            for name in names:
                entries.setdefault(name, _entry(past.trend(name), study.window.zone))
    else:
        for name in history.known(family, imported=False):
            entries[name] = _entry(past.trend(name), study.window.zone)
    records = Recalled(study.window, entries, source="the history")
    records.past = past
    return records


def _entry(trend: Trend, zone: str) -> Entry:
    """An entry without samples, that says how much history there is."""
    kind = Kind.NUMERIC if trend.elements is None else Kind.VECTORNUMERIC
    if not len(trend):
        said = "no history until this window"
    else:
        tz = ZoneInfo(zone)
        first, last = (
            moment(int(at)).astimezone(tz).date() for at in (trend.start[0], trend.time[-1])
        )
        said = f"{len(trend):,} windows from {first} to {last}"
        if trend.imported.any():
            said += f", {int(trend.imported.sum()):,} of them imported"
    return Entry(Variable(trend.variable, kind, trend.unit), State.EMPTY, reason=said)


def _matching(wanted: str, known: Sequence[str]) -> list[str]:
    if wanted in known:
        return [wanted]
    whole = re.compile(".*".join(map(re.escape, wanted.split("%"))), re.DOTALL)
    return [name for name in known if whole.fullmatch(name)]


def _unknown(wanted: str, known: Sequence[str]) -> str:
    several = [name for name in known if name.endswith(f":{wanted}")]
    if several:
        return f"several datasets compute a '{wanted}'; write one of {', '.join(several[:6])}"
    return "no report of this family knows it yet"
