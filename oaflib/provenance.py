"""What a report says of where its data come from: what was asked, how good the answer was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oaflib.report import Report

SILENT = "source"
"""The check of the one outcome of a report whose source did not answer."""

_SUMMED = ("queries", "rows", "bytes", "seconds", "kept")


def silent_source(report: Report) -> str:
    """The source that did not answer, so that there is nothing else in the report; else nothing."""
    found = [outcome.device for outcome in report.outcomes if outcome.check == SILENT]
    return found[0] if found and not report.finished else ""


def low_resolution(report: Report) -> str:
    """What of the report is at low resolution, in a few words; nothing when nothing is."""
    about = _table(report, "quality")
    coarse = _number(about, "coarse")
    if coarse:
        return (
            f"{coarse:.0f} of {_number(about, 'variables'):.0f} variables came as the least and "
            f"the greatest sample of each {_number(about, 'resolution'):.3g} s"
        )
    if _table(report, "parameters").get("low_res") is True:
        return "the pictures only; all numbers are of all samples"
    return ""


def half_answered(report: Report) -> str:
    """That some variables could not be read, in a few words; nothing when all could."""
    about = _table(report, "quality")
    failed = _number(about, "failed")
    if not failed:
        return ""
    return f"{failed:.0f} of {_number(about, 'variables'):.0f} variables could not be read"


def asked_of(report: Report) -> dict[str, Any]:
    """``source``, ``kind`` and what was asked of it; empty when the report does not say."""
    about = _table(report, "asked")
    if not isinstance(about.get("source"), str):
        return {}
    numbers = {name: _number(about, name) for name in _SUMMED}
    return {"source": about["source"], "kind": str(about.get("kind", "")), **numbers}


def summed(every: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a source, by name: the ``reports`` and what they asked of it together."""
    rows: dict[str, dict[str, Any]] = {}
    for one in every:
        if not one:
            continue
        row = rows.setdefault(
            str(one["source"]),
            {"source": one["source"], "kind": one.get("kind", ""), "reports": 0}
            | dict.fromkeys(_SUMMED, 0),
        )
        row["reports"] += 1
        for name in _SUMMED:
            row[name] = round(row[name] + one.get(name, 0), 3)
    return [rows[name] for name in sorted(rows)]


def _table(report: Report, name: str) -> Mapping[str, Any]:
    found = report.provenance.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(table: Mapping[str, Any], name: str) -> float:
    found = table.get(name, 0)
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else 0
