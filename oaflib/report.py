"""The report document ``oaf-report/1``: what leaves a notebook, and all that others read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from oaflib.errors import ReportError
from oaflib.window import Window, instant, moment, nanoseconds, parse_instant

SCHEMA = "oaf-report/1"
_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


class Severity(StrEnum):
    """How bad an outcome is."""

    NOT_APPLICABLE = "NOT_APPLICABLE"
    OK = "OK"
    WARNING = "WARNING"
    ALARM = "ALARM"
    INVALID = "INVALID"

    @property
    def rank(self) -> int:
        """Order of severities; larger is worse, INVALID (could not be judged) the worst."""
        return _RANKS[self]

    @property
    def urgency(self) -> int:
        """Order in which people are told; larger comes first, and a real ALARM before all."""
        return _URGENCY.index(self)

    @property
    def alarming(self) -> bool:
        """Whether a report of this severity is one WITH_ALM."""
        return self in (Severity.ALARM, Severity.INVALID)


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_URGENCY = (
    Severity.NOT_APPLICABLE,
    Severity.OK,
    Severity.WARNING,
    Severity.INVALID,
    Severity.ALARM,
)


class Fault(StrEnum):
    """What an expert calls it."""

    NO_USAGE = "no usage"
    BAD_USAGE = "bad usage"
    OVER_USAGE = "over usage"
    BREAKAGE = "breakage"
    CALIBRATION = "calibration"
    AGEING = "ageing"


class Change(StrEnum):
    """An alarm against the previous report of its dataset."""

    NEW = "NEW"
    ONGOING = "ONGOING"
    CLEARED = "CLEARED"


_JSON_TYPES = frozenset({str, int, bool, type(None)})

Found = float | str | None
Limits = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one check says of one variable (or of several, when it folds a common cause).

    Attributes
    ----------
    check : the check's kind (``range``), or its configured name.
    fault : the operator's word for what is wrong, or would be.
    found : the value that decided, in `unit`; a text for texts; None when there is none.
    limit : what was allowed: ``low``, ``high``, ``expected`` … in `unit`.
    since : int64 ns UTC of the first bad sample, or None.
    reason : one sentence for an expert.
    guidance : what the dataset's author says to do.
    members : the devices or variables folded under this outcome.
    forecast : of ageing checks, when the limit will be crossed (`oaf-report/1`).
    silenced : who silenced it, until when and why; such an alarm is not mailed.
    silence_ended : the same of a silence that ran out while the alarm stayed.
    """

    check: str
    fault: Fault
    device: str
    variable: str
    severity: Severity
    found: Found = None
    limit: Limits = field(default_factory=dict)
    unit: str = ""
    since: int | None = None
    reason: str = ""
    guidance: str = ""
    members: tuple[str, ...] = ()
    change: Change | None = None
    forecast: Mapping[str, Any] | None = None
    silenced: str = ""
    silence_ended: str = ""

    @property
    def subject(self) -> str:
        """What it is about: the device, else the variable; many that share no name are counted."""
        name = self.device or self.variable
        return name if name.strip("%") or not self.members else f"{len(self.members)} variables"

    @property
    def advice(self) -> str:
        """What to do: the guidance, which is for a violation, not for what could not be judged."""
        return "" if self.severity is Severity.INVALID else self.guidance

    @property
    def identity(self) -> str:
        """The same for the same finding of another day."""
        return f"{self.check}|{self.device}|{self.variable}"

    def document(self) -> dict[str, Any]:
        """Plain JSON values of this outcome."""
        document: dict[str, Any] = {
            "check": self.check,
            "fault": str(self.fault),
            "device": self.device,
            "variable": self.variable,
            "severity": str(self.severity),
            "found": plain(self.found),
            "limit": plain(self.limit),
            "unit": self.unit,
            "since": None if self.since is None else instant(moment(self.since)),
            "reason": self.reason,
            "guidance": self.guidance,
            "change": None if self.change is None else str(self.change),
        }
        if self.members:
            document["members"] = list(self.members)
        if self.forecast is not None:
            document["forecast"] = plain(self.forecast)
        for key in ("silenced", "silence_ended"):
            if getattr(self, key):
                document[key] = getattr(self, key)
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Outcome:
        """The outcome that `document` says."""
        since = document["since"]
        change = document.get("change")
        return cls(
            check=document["check"],
            fault=Fault(document["fault"]),
            device=document["device"],
            variable=document["variable"],
            severity=Severity(document["severity"]),
            found=document["found"],
            limit=document["limit"],
            unit=document["unit"],
            since=None if since is None else nanoseconds(parse_instant(since)),
            reason=document["reason"],
            guidance=document["guidance"],
            members=tuple(document.get("members", ())),
            change=None if change is None else Change(change),
            forecast=document.get("forecast"),
            silenced=document.get("silenced", ""),
            silence_ended=document.get("silence_ended", ""),
        )


@dataclass(frozen=True)
class Statistics:
    """One variable's numbers over the window, from its finite samples.

    For vectors and images `min`, `max`, `mean` and `std` are over all elements. `first` and `last`
    are samples (texts for TEXTUAL; None for vectors and images). `count` counts samples; `nan`,
    `inf` and `duplicates` what was set aside. Times are int64 ns UTC. `elements` holds ``mean`` and
    ``std`` of each element of vectors of one length, None where never finite; else None.
    """

    variable: str
    kind: str
    unit: str
    count: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    first: Found = None
    last: Found = None
    first_time: int | None = None
    last_time: int | None = None
    nan: int = 0
    inf: int = 0
    duplicates: int = 0
    title: str = ""
    shape: str = ""
    elements: Mapping[str, tuple[float | None, ...]] | None = None

    def document(self) -> dict[str, Any]:
        """Plain JSON values; without `elements` where there are none."""
        return {
            name: plain(getattr(self, name))
            for name in _STATISTICS
            if name != "elements" or self.elements is not None
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Statistics:
        """The statistics that `document` says; what this version does not know is left out."""
        known = {key: document[key] for key in _STATISTICS if key in document}
        if known.get("elements") is not None:
            known["elements"] = {key: tuple(row) for key, row in known["elements"].items()}
        return cls(**known)


_STATISTICS = tuple(entry.name for entry in fields(Statistics))


@dataclass(frozen=True, repr=False)
class Report:
    """One dataset judged over one window."""

    instrument: str
    dataset: str
    title: str
    window: Window
    made_at: datetime
    finished: bool
    outcomes: tuple[Outcome, ...]
    statistics: tuple[Statistics, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def __repr__(self) -> str:
        # short: every notebook ends with it
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        return f"<Report {self.id} {self.window.label}: {counts or 'no outcomes'}>"

    @property
    def id(self) -> str:
        """``<INST>_<dataset>``."""
        return f"{self.instrument}_{self.dataset}"

    @property
    def severity(self) -> Severity:
        """The worst of its outcomes; INVALID for a run that did not finish or judged nothing."""
        if not self.finished or not self.outcomes:
            return Severity.INVALID
        return max((o.severity for o in self.outcomes), key=lambda severity: severity.rank)

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes of each severity."""
        found = [outcome.severity for outcome in self.outcomes]
        order = ("OK", "WARNING", "ALARM", "INVALID", "NOT_APPLICABLE")
        return {name.lower(): found.count(Severity(name)) for name in order}

    @property
    def alarms(self) -> tuple[Outcome, ...]:
        """ALARM outcomes, then INVALID ones, each by device."""
        return tuple(
            sorted(
                (o for o in self.outcomes if o.severity.alarming),
                key=lambda o: (-o.severity.urgency, o.device, o.variable, o.check),
            )
        )

    def document(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        window = self.window
        return {
            "schema": SCHEMA,
            "dataset": {
                "instrument": self.instrument,
                "name": self.dataset,
                "title": self.title,
                "description": self.description,
            },
            "window": {
                "start": instant(window.start),
                "end": instant(window.end),
                "zone": window.zone,
                "label": window.label,
            },
            "made_at": instant(self.made_at),
            "finished": self.finished,
            "severity": str(self.severity),
            "counts": self.counts,
            "outcomes": [outcome.document() for outcome in self.outcomes],
            "statistics": [entry.document() for entry in self.statistics],
            "provenance": plain(dict(self.provenance)),
        }

    def with_outcomes(self, outcomes: Sequence[Outcome]) -> Report:
        """The same report with other outcomes."""
        return replace(self, outcomes=tuple(outcomes))


def plain(value: Any) -> Any:
    """`value` in strict JSON's own types; NaN and infinities become None.

    Raises
    ------
    ReportError
        A value JSON has no type for.
    """
    if type(value) in _JSON_TYPES:
        return value
    if value is None or isinstance(value, (bool, str)):
        return str(value) if isinstance(value, StrEnum) else value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "tolist"):
        entries = value.tolist() if hasattr(value, "tolist") else value
        return [plain(entry) for entry in entries]
    raise ReportError(f"a report cannot hold {value!r} of type {type(value).__name__}")


def write(report: Report) -> str:
    """The report as strict JSON text, a line for each outcome and each variable's statistics.

    Halves of characters, which a JSON source may bring and no file can hold, become ``?``.
    """
    parts = []
    for key, value in report.document().items():
        text = _JSON.encode(value)
        if isinstance(value, list) and value:
            # Cut where a row begins: no text within has this, its quotes are escaped.
            begins = _JSON.encode({next(iter(value[0])): 0})[:-2]
            rows = text[1:-1].replace(f"}}, {begins}", f"}},\n  {begins}")
            text = f"[\n  {rows}\n ]"
        parts.append(f" {_JSON.encode(key)}: {text}")
    text = "{\n" + ",\n".join(parts) + "\n}"
    return text.encode("utf-8", "replace").decode("utf-8")


def read(text: str | bytes, origin: str = "report.json") -> Report:
    """The report that JSON `text` says.

    Raises
    ------
    ReportError
        Not JSON, another schema, or a field missing or of the wrong type; names `origin`.
    """
    try:
        return of_document(json.loads(text))
    except (ValueError, RecursionError) as error:  # a text that is none, a number without end
        raise ReportError(f"{origin} is not JSON: {error}") from error
    except ReportError as error:
        raise ReportError(f"{origin}: {error}") from error


def of_document(document: Any) -> Report:
    """The report that a parsed document says; checked as `read`."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, Mapping) else type(document).__name__
        raise ReportError(f"schema is {found!r}, not '{SCHEMA}'")
    try:
        dataset, window = document["dataset"], document["window"]
        if not isinstance(document["finished"], bool):
            raise TypeError("'finished' must be true or false")
        return Report(
            instrument=dataset["instrument"],
            dataset=dataset["name"],
            title=dataset["title"],
            description=dataset.get("description", ""),
            window=Window(
                parse_instant(window["start"]),
                parse_instant(window["end"]),
                window["zone"],
                window["label"],
            ),
            made_at=parse_instant(document["made_at"]),
            finished=document["finished"],
            outcomes=tuple(Outcome.of(entry) for entry in document["outcomes"]),
            statistics=tuple(Statistics.of(entry) for entry in document["statistics"]),
            provenance=document["provenance"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ReportError(f"not a valid {SCHEMA} document: {error!r}") from error
