"""The manual page of the checks, from their own docstrings.

``python -m oaflib.checks.manual docs/checks.md`` writes the second part of the page anew.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from oaflib.checks.base import Check
from oaflib.registry import checks

MARK = "<!-- from here on written by python -m oaflib.checks.manual -->"


def pages() -> str:
    """The second part: a table of all kinds, then a section each."""
    kinds = [checks.load(name) for name in checks.names()]
    rows = [
        f"| [`{kind.kind}`](#{kind.kind}) | {_summary(kind)} | {kind.fault} | {_takes(kind)} |"
        for kind in kinds
    ]
    head = ["| kind | a violation is | fault | of |", "|---|---|---|---|", *rows]
    page = "\n".join([*head, "", *(section(kind) for kind in kinds)])
    return page.replace("``", "`").rstrip() + "\n"


def section(kind: type[Check]) -> str:
    """One kind: its docstring, and its keys with what they are when left out."""
    text, attributes = parsed(inspect.getdoc(kind) or "")
    shared = {entry.name for entry in fields(Check)}
    own = [entry for entry in fields(kind) if entry.name not in shared]
    lines = [f"### {kind.kind}", "", text, ""]
    if own:
        lines += ["| key | when left out | |", "|---|---|---|"]
        lines += [f"| `{e.name}` | {_left_out(e)} | {attributes[e.name]} |" for e in own]
        lines += [""]
    return "\n".join(lines)


def parsed(doc: str) -> tuple[str, Mapping[str, str]]:
    """The text of a docstring, and what it says of each attribute."""
    text, _, rest = doc.partition("\nAttributes\n----------\n")
    said: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", rest.partition("\n\n")[0].strip()):
        names, _, meaning = block.partition(" : ")
        for name in names.split(","):
            said[name.strip()] = " ".join(meaning.split())
    return text.strip(), said


def rewritten(page: str) -> str:
    """`page` with its second part as the docstrings are now."""
    return f"{page.partition(MARK)[0]}{MARK}\n\n{pages()}"


def _summary(kind: type[Check]) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ").rstrip(".").lower()


def _takes(kind: type[Check]) -> str:
    return "anything" if len(kind.kinds) == 5 else ", ".join(kind.kinds)


def _left_out(entry: Field[Any]) -> str:
    value = entry.default
    if value is MISSING or value is None or value in ("", ()):
        return "–"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(rewritten(place.read_text(encoding="utf-8")), encoding="utf-8")
