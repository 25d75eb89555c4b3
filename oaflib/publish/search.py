"""What the pages' search reads: reports month by month, and the names each dataset is about.

Plain scripts that call one function, since a page opened from a disk may load scripts but not data.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from oaflib.folders import make
from oaflib.publish.disk import write_changed
from oaflib.publish.entry import Entry
from oaflib.publish.shelf import LETTERS
from oaflib.publish.words import tidy
from oaflib.report import Report

_LOUD = 40
"""Alarming devices and variables kept with a report's line."""


def add(repository: Path, reports: Sequence[Report]) -> None:
    """Put lines of `reports` into the search; those of the same dataset and label are replaced."""
    folder = repository / "search"
    make(folder)
    vocabulary = _load(folder / "names.js")
    lines: dict[str, dict[str, Any]] = {}
    for report in reports:
        entry = Entry.of_report(report)
        names = _names(report)
        key = f"{entry.id}:{sha256(' '.join(names).encode('utf-8', 'replace')).hexdigest()[:8]}"
        vocabulary[key] = [tidy(entry.title), *names]
        loud = dict.fromkeys(
            tidy(name) for o in report.alarms[:_LOUD] for name in (o.device, o.variable) if name
        )
        line = [key, LETTERS[entry.mark], entry.day, *list(loud)[:_LOUD]]
        lines.setdefault(entry.month, {})[f"{entry.instrument}/{entry.dataset}/{entry.label}"] = (
            line
        )
    for month, new in lines.items():
        path = folder / f"{month}.js"
        _save(path, month, {**_load(path), **new})
    _save(folder / "names.js", "names", vocabulary)
    months = sorted((path.stem for path in folder.glob("2*.js")), reverse=True)
    _save(folder / "months.js", "months", months)


def clear(repository: Path) -> None:
    """Forget all; for making it again."""
    shutil.rmtree(repository / "search", ignore_errors=True)


def places(repository: Path, month: str) -> frozenset[str]:
    """The reports (``<INST>/<dataset>/<label>``) that the search knows of a month."""
    return frozenset(_load(repository / "search" / f"{month}.js"))


def _names(report: Report) -> list[str]:
    devices = {outcome.device for outcome in report.outcomes}
    variables = {outcome.variable for outcome in report.outcomes}
    variables |= {entry.variable for entry in report.statistics}
    return sorted({tidy(name) for name in devices | variables if name})


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text[text.index("\n") + 1 : text.rindex(")")])
    except (OSError, ValueError):
        return {}


def _save(path: Path, key: str, content: Any) -> None:
    if isinstance(content, dict):
        inside = ",\n".join(
            f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}"
            for k, v in sorted(content.items())
        )
        text = f"{{\n{inside}\n}}"
    else:
        text = json.dumps(content)
    text = text.replace("<", "\\u003c")
    write_changed(path, f"oafSearch({json.dumps(key)},\n{text});\n")
