"""``config/instruments.toml``: the families of instruments that OAF knows."""

from __future__ import annotations

from dataclasses import dataclass

from oaflib.config.build import build_at
from oaflib.config.document import Document
from oaflib.config.ids import fault_of_id
from oaflib.config.rules import Notebook, parse_notebook


@dataclass(frozen=True)
class Instrument:
    """A family of instruments. `template` is the notebook of its reports; empty for the usual."""

    id: str
    title: str
    template: str = ""


@dataclass(frozen=True)
class _Table:
    """``[<ID>]``."""

    title: str
    template: Notebook = ""


def read_instruments(document: Document) -> dict[str, Instrument]:
    """The instruments that `document` says, by ID; what is wrong is noted there."""
    found: dict[str, Instrument] = {}
    folded: dict[str, str] = {}
    for name, table in document.table.items():
        if fault := fault_of_id(name, "an instrument"):
            document.at((name,), fault)
            continue
        if name.casefold() in folded:
            other = folded[name.casefold()]
            document.at((name,), f"'{other}' and '{name}' differ only in case; keep one")
            continue
        folded[name.casefold()] = name
        made = build_at(_Table, document, (name,), table)
        template = parse_notebook(made.template) if made else ""
        found[name] = Instrument(name, made.title if made else name, template)
    if not found and not document.problems:
        document.add("", "names no instrument; write [BCT] and below it its title")
    return found
