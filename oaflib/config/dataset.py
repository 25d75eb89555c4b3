"""``config/datasets/<INST>_<dataset>.toml``: what is extracted, computed, checked and drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oaflib.config.budget import Share
from oaflib.config.build import build_at
from oaflib.config.document import Document
from oaflib.config.ids import split_id
from oaflib.config.names import check_names
from oaflib.config.patterns import fault_of_variable
from oaflib.config.rules import Notebook, parse_notebook
from oaflib.config.strict import Mismatch, checked, values_of
from oaflib.config.words import described, listed, near, quoted
from oaflib.errors import ConfigurationError, ExpressionError
from oaflib.registry import Registry, checks, computations, plots
from oaflib.series import Kind

PARTS: dict[str, tuple[Registry, str | None]] = {
    "compute": (computations, "expression"),
    "check": (checks, None),
    "plot": (plots, None),
}


@dataclass(frozen=True)
class VariableChoice:
    """A variable asked for, by name or ``%`` pattern; what is given here wins over the source."""

    name: str
    unit: str | None = None
    title: str = ""
    kind: Kind | None = None

    def __post_init__(self) -> None:
        if fault := fault_of_variable(self.name):
            raise ValueError(fault)


@dataclass(frozen=True)
class Dataset:
    """What, never when.

    Attributes
    ----------
    variables : what is asked of the source; empty when `snapshot` is used instead.
    snapshot : a query saved in the source; empty when there are variables.
    computations, checks, plots : made and ready, in the order of the file; empty: the defaults.
    template : the notebook, without ``.ipynb``; empty for the instrument's.
    budget : what its report may ask of the source, where it is not what the source's table says.
    file : where it is written; None for a dataset without a file.
    digest : SHA-256 of the file's bytes, hexadecimal; the same as long as nobody edits it.
    """

    instrument: str
    name: str
    title: str
    description: str = ""
    variables: tuple[VariableChoice, ...] = ()
    snapshot: str = ""
    computations: tuple[Any, ...] = ()
    checks: tuple[Any, ...] = ()
    plots: tuple[Any, ...] = ()
    template: str = ""
    file: Path | None = None
    digest: str = ""
    budget: Share | None = None

    @property
    def id(self) -> str:
        """``<INST>_<dataset>``."""
        return f"{self.instrument}_{self.name}"


@dataclass(frozen=True)
class _Table:
    """The keys of the file."""

    title: str = ""
    description: str = ""
    variables: tuple[Any, ...] = ()
    snapshot: str = ""
    template: Notebook = ""
    budget: Share | None = None
    compute: tuple[dict[str, Any], ...] = ()
    check: tuple[dict[str, Any], ...] = ()
    plot: tuple[dict[str, Any], ...] = ()


def without_file(dataset_id: str) -> Dataset:
    """The dataset of that (valid) ID that has no file: the source's snapshot, and the defaults."""
    instrument, name = split_id(dataset_id)
    digest = hashlib.sha256(b"").hexdigest()
    return Dataset(instrument, name, dataset_id, snapshot=f"BI_{dataset_id}", digest=digest)


def read_dataset(document: Document, path: Path) -> Dataset:
    """The dataset that `document` says, whose name is the file's; what is wrong is noted there."""
    values, faults = values_of(_Table, document.table)
    for place, message in faults:
        document.at(place, _explained(place, message))
    table = _Table(**values)
    snapshot = table.snapshot.strip()
    if table.variables and snapshot:
        document.at(("snapshot",), "stands beside 'variables'; keep one of the two")
    if "variables" in document.table and table.variables == () and "variables" in values:
        document.at(("variables",), "is empty; leave it out to use the source's snapshot")
    variables = _variables(document, table.variables)
    parts = {
        name: _made(document, name, getattr(table, name)) for name in ("compute", "check", "plot")
    }
    check_names(document, parts, [choice.name for choice in variables])
    instrument, name = split_id(path.name.removesuffix(".toml"))
    return Dataset(
        instrument,
        name,
        table.title or f"{instrument}_{name}",
        table.description,
        variables,
        snapshot if snapshot or variables else f"BI_{instrument}_{name}",
        computations=_whole(parts["compute"]),
        checks=_whole(parts["check"]),
        plots=_whole(parts["plot"]),
        template=parse_notebook(table.template),
        file=path,
        digest=hashlib.sha256(document.data).hexdigest(),
        budget=table.budget,
    )


def _whole(made: list[Any]) -> tuple[Any, ...]:
    return tuple(entry for entry in made if entry is not None)


def _explained(place: tuple[str | int, ...], message: str) -> str:
    """The usual slip: ``[check]`` for ``[[check]]``."""
    if len(place) == 1 and place[0] in PARTS and "must be a list, not a table" in message:
        return f"is written with two brackets: [[{place[0]}]]"
    return message


def _variables(document: Document, entries: tuple[Any, ...]) -> tuple[VariableChoice, ...]:
    found: dict[str, VariableChoice] = {}
    for i, entry in enumerate(entries):
        try:
            if not isinstance(entry, (str, dict)):
                fault = (
                    f"must be a name in quotes or a table {{ name = … }}, not {described(entry)}"
                )
                raise Mismatch([((), fault)])
            table = {"name": entry} if isinstance(entry, str) else entry
            choice = checked(VariableChoice, table)
        except Mismatch as error:
            for place, message in error.faults:
                keys = () if isinstance(entry, str) else place
                document.at(("variables", i, *keys), message)
            continue
        if choice.name in found:
            document.at(("variables", i), f"{quoted(choice.name)} is there twice")
        found[choice.name] = choice
    return tuple(found.values())


def _made(document: Document, part: str, tables: tuple[dict[str, Any], ...]) -> list[Any]:
    """The computations, checks or plots of the file; None for one that is wrong."""
    registry, usual = PARTS[part]
    made: list[Any] = []
    for i, table in enumerate(tables):
        kind = table.get("kind", usual)
        maker = _maker(document, registry, (part, i), kind)
        rest = {key: value for key, value in table.items() if key != "kind"}
        one = build_at(maker, document, (part, i), rest) if maker else None
        gate = rest.get("gate")
        if one is not None and isinstance(gate, str) and gate.strip():
            one = one if _compiles(document, (part, i, "gate"), gate) else None
        made.append(one)
    return made


def _maker(document: Document, registry: Registry, path: tuple[str | int, ...], kind: Any) -> Any:
    if kind is None:
        document.at(path, f"'kind' is missing. Allowed: {listed(registry.names())}")
    elif not isinstance(kind, str):
        document.at((*path, "kind"), f"must be a text in quotes, not {described(kind)}")
    elif kind not in registry.names():
        known = registry.names()
        noun = registry.noun
        message = (
            f"no {noun} is called {quoted(kind)}.{near(kind, known)} There are: {listed(known)}"
        )
        document.at((*path, "kind"), message)
    else:
        try:
            return registry.load(kind)
        except ConfigurationError as error:
            document.at((*path, "kind"), error.problems[0].message)
    return None


def _compiles(document: Document, path: tuple[str | int, ...], text: str) -> bool:
    """Whether a gate is an expression; what is wrong is noted."""
    from oaflib.expression import compile_expression  # only where there is a gate

    try:
        compile_expression(text)
    except ExpressionError as error:
        document.at(path, str(error))
        return False
    return True
