"""What a dataset's names stand for in its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.errors import ConfigurationError
from oaflib.expression import compile_expression, field_of
from oaflib.series import Variable
from oaflib.sources.connection import Connection
from oaflib.sources.pieces import SAVED, Span


@dataclass(frozen=True)
class Selection:
    """What a dataset's names stand for in a source: variables found, and names it does not know."""

    variables: tuple[Variable, ...]
    absent: Mapping[str, str]


@dataclass(frozen=True)
class Catalogue:
    """Looks up names in the source; what it found stays known for `span`, where there is one."""

    connection: Connection
    span: Span | None = None

    def find(self, pattern: str, *, keep_nothing: bool = False) -> list[Variable]:
        """As `Source.find`; that there is nothing is asked again, unless told to keep it."""
        known = self.span.found(pattern) if self.span else None
        if known is not None:
            return known
        found = self.connection.find(pattern)
        if self.span and (found or keep_nothing):
            self.span.remember(pattern, found)
        return found

    def snapshot(self, name: str) -> list[str] | None:
        """The variables of a saved snapshot; empty: no such one; None: the source keeps none."""
        known = self.span.found(SAVED + name) if self.span else None
        if known is not None:
            return [variable.name for variable in known]
        saved = self.connection.snapshots(name)
        if not saved:
            return None if saved is None else []
        names = list(saved[0].variables)
        if self.span and names:
            self.span.remember(SAVED + name, [Variable(name) for name in names])
        return names


def select(dataset: Dataset, catalogue: Catalogue) -> Selection:
    """The variables a dataset asks for, each once, in the dataset's order.

    Raises
    ------
    ConfigurationError
        No variables named, and no snapshot of that name in the source.
    """
    found: dict[str, Variable] = {}
    absent: dict[str, str] = {}
    for choice in _choices(dataset, catalogue):
        matches = catalogue.find(choice.name)
        if not matches:
            pattern = "%" in choice.name
            absent[choice.name] = (
                f"no variable matches '{choice.name}'"
                if pattern
                else "the source has no such variable"
            )
        for variable in matches:
            title = choice.title or variable.title
            found.setdefault(variable.name, replace(variable, title=title))
    for variable in _for_gates(dataset, list(found), catalogue):
        found.setdefault(variable.name, variable)
    return Selection(tuple(found.values()), absent)


def _for_gates(dataset: Dataset, names: Sequence[str], catalogue: Catalogue) -> Iterator[Variable]:
    """What gates name and the dataset does not list: the one variable of that name or field.

    ``BMODE`` is the field of ``HX:BMODE``. A name that no variable has, or several, is left to the
    gate, which says so.
    """
    parts = (*dataset.computations, *dataset.checks, *dataset.plots)
    for gate in dict.fromkeys(getattr(part, "gate", "") for part in parts):
        if not gate:
            continue
        expression = compile_expression(gate)
        for name in expression.names:
            if name in names or name in map(field_of, names):
                continue
            wanted = name if name in expression.quoted else f"%:{name}"
            found = catalogue.find(wanted, keep_nothing=True)
            if len(found) == 1:
                yield found[0]


def _choices(dataset: Dataset, catalogue: Catalogue) -> Sequence[VariableChoice]:
    if dataset.variables:
        return dataset.variables
    saved = catalogue.snapshot(dataset.snapshot)
    if saved is None:
        raise ConfigurationError(
            f"dataset {dataset.id} names no variables, and its source keeps no snapshots"
        )
    if not saved:
        raise ConfigurationError(
            f"dataset {dataset.id} has no file config/datasets/{dataset.id}.toml with variables, "
            f"and its source keeps no snapshot '{dataset.snapshot}'"
        )
    return [VariableChoice(name) for name in saved]
