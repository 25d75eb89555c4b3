"""Changed limits written back into a dataset's file: only those, every comment stays."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomlkit

from oaflib.checks import Check
from oaflib.config.dataset import Dataset, read_dataset
from oaflib.config.document import Document, in_order
from oaflib.config.lines import line_at, lines_of
from oaflib.errors import ConfigurationError
from oaflib.player.limits import Value

Changes = Mapping[int, Mapping[str, Value | None]]


def rewritten(text: str, checks: Sequence[Check], changes: Changes, path: Path) -> str:
    """The dataset's file `text` with the changed limits; comments, order and all else as it was.

    Parameters
    ----------
    checks : as they were; how those in the file are found, which may have moved meanwhile.
    changes : number of a check to its changed keys.
    path : the dataset's file, which gives it its name.

    Raises
    ------
    ConfigurationError
        A check is not in the file any more, or the changed file would be wrong.
    """
    document = tomlkit.parse(text)
    dataset = _read(text, path)
    added: dict[int, Mapping[str, Value | None]] = {}
    if not dataset.checks and changes:
        return _checked(_with_all(text, checks, changes), path)
    for number, keys in changes.items():
        place = _place(dataset.checks, checks[number], number, path)
        table: Any = document["check"][place]
        for key, value in keys.items():
            if key in table and value is None:
                del table[key]
            elif key in table:
                table[key] = tomlkit.value(spelled(value))
            elif value is not None:
                added[place] = {**added.get(place, {}), key: value}
    return _checked(_inserted(tomlkit.dumps(document), added), path)


def diff(before: str, after: str, name: str) -> str:
    """The change as a unified diff that `patch` and `git apply` take; empty when there is none."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def spelled(value: Any) -> str:
    """A value as TOML, numbers as people write them: ``8e12``, ``0.985``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:.12g}"
        text = short if float(short) == value else repr(value)
        return text.replace("e+", "e") if any(mark in text for mark in ".en") else f"{text}.0"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(spelled(entry) for entry in value)}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(key)} = {spelled(entry)}" for key, entry in value.items())
        return f"{{ {inside} }}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _place(found: Sequence[Check], wanted: Check, number: int, path: Path) -> int:
    """Where in the file the check is now."""
    if number < len(found) and found[number] == wanted:
        return number
    same = [i for i, check in enumerate(found) if check == wanted]
    if not same:
        alike = [
            i
            for i, check in enumerate(found)
            if (check.kind, check.label, check.variables, check.gate)
            == (wanted.kind, wanted.label, wanted.variables, wanted.gate)
        ]
        same = alike
    if len(same) != 1:
        what = "is not in" if not same else f"is {len(same)} times in"
        raise ConfigurationError(
            f"the check '{wanted.label}' {what} {path.name} as it is now; take the diff instead"
        )
    return same[0]


def _inserted(text: str, added: Changes) -> str:
    """`text` with keys that were not there, below the `kind` of their checks."""
    for place, keys in added.items():
        lines = text.splitlines(keepends=True)
        where = line_at(lines_of(text), ("check", place, "kind"))
        new = [f"{key} = {spelled(value)}\n" for key, value in keys.items()]
        text = "".join([*lines[:where], *new, *lines[where:]])
    return text


def _with_all(text: str, checks: Sequence[Check], changes: Changes) -> str:
    """A dataset that had the default checks gets them as its own, with what is changed."""
    parts = [text.rstrip("\n") + "\n" if text.strip() else ""]
    for number, check in enumerate(checks):
        rows = [f"kind = {spelled(check.kind)}"]
        values = {entry.name: getattr(check, entry.name) for entry in fields(check)}
        usual = {entry.name: entry.default for entry in fields(check)}
        for key, value in {**values, **changes.get(number, {})}.items():
            if value is not None and value != usual[key] and value != ():
                rows.append(f"{key} = {spelled(value)}")
        parts.append("\n[[check]]\n" + "\n".join(rows) + "\n")
    return "".join(parts)


def _read(text: str, path: Path) -> Dataset:
    document = Document(path.name, text.encode())
    dataset = read_dataset(document, path)
    if document.problems:
        raise ConfigurationError(in_order(document.every()))
    return dataset


def _checked(text: str, path: Path) -> str:
    _read(text, path)
    return text
