"""Which variable of the records a name in an expression means, and its series."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from oaflib.expression.grammar import Expression, constant
from oaflib.expression.table import FUNCTIONS
from oaflib.records import Records, State
from oaflib.series import Kind, Series, Variable, nothing


def field_of(variable: str) -> str:
    """The field of ``DEVICE:FIELD`` or ``DEVICE/Property#field``; the whole of any other name."""
    return re.split(r"[:#]", variable)[-1]


def resolve(
    expression: Expression,
    variables: Iterable[str],
    inputs: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Each name of `expression` to a variable of `variables`.

    A name of `inputs` means the variable bound there. Another is the whole name of a variable, or
    the field of exactly one: ``BMODE`` means ``HX:BMODE``. In backquotes it is a whole name.

    Raises
    ------
    ExpressionError
        A name that is no variable's or several's (the candidates are listed), a bound variable
        that the records have not, an input called like a function.
    """
    there = dict.fromkeys(variables)
    bound = dict(inputs or {})
    for name in bound:
        if name in FUNCTIONS:
            raise expression.error(None, f"the input '{name}' has the name of a function")
    found: dict[str, str] = {}
    for name in expression.names:
        variable = bound.get(name, name)
        if variable in there:
            found[name] = variable
        elif name in bound:
            raise expression.error(
                None,
                f"its input {name} is '{variable}', which is not extracted",
                _near(variable, there),
            )
        elif name in expression.quoted:
            raise expression.error(None, f"no variable is called '{name}'", _near(name, there))
        else:
            found[name] = _by_field(expression, name, there)
    return found


def bind(
    expression: Expression, records: Records, inputs: Mapping[str, str] | None = None
) -> dict[str, Series]:
    """Each name of `expression` to its series in `records`.

    Of a variable that is absent or whose request failed nobody knows the kind: it gets an empty
    series of the kind that the expression takes it for, so that it is unknown and not an error.

    Raises
    ------
    ExpressionError
        As `resolve`.
    """
    bound = resolve(expression, records, inputs)
    lost = {
        name
        for name, variable in bound.items()
        if records.entries[variable].state in (State.ABSENT, State.FAILED)
    }
    series = {name: _with_before(records, variable) for name, variable in bound.items()}
    kinds = {name: series[name].kind for name in series if name not in lost}
    for name in expression.names:
        if name in lost:
            variable = replace(
                Variable(series[name].name), kind=_kind_meant(expression, name, kinds)
            )
            series[name] = nothing(variable)
    return series


def _with_before(records: Records, variable: str) -> Series:
    """The series, behind the last sample before the window where the source knew it."""
    series, before = records[variable], records.entries[variable].before
    if before is None or (len(series) and series.time[0] <= before[0]):
        return series
    text = series.kind is Kind.TEXTUAL
    first = np.array([before[1]], dtype=object if text else np.float64)
    return replace(
        series,
        time=np.concatenate([np.array([before[0]], np.int64), series.time]),
        value=np.concatenate([first, series.value]),
    )


def notes(records: Records, variables: Iterable[str]) -> tuple[str, ...]:
    """A sentence for each of `variables` of which nothing is known in the window."""
    said = []
    for name in dict.fromkeys(variables):
        entry = records.entries[name]
        why = f" ({entry.reason})" if entry.reason else ""
        if entry.state is State.ABSENT:
            said.append(f"{name} does not exist{why}")
        elif entry.state is State.FAILED:
            said.append(f"nothing is known of {name}{why}")
        elif entry.state is State.EMPTY:
            said.append(f"{name} was not logged")
    return tuple(said)


def _kind_meant(expression: Expression, name: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind for which `expression` takes `name`: what it is compared with, or passed to."""
    for node in ast.walk(expression.tree):
        beside: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            beside = [node.left, *node.comparators]
            beside += [entry for part in beside if isinstance(part, ast.Tuple | ast.List)
                       for entry in part.elts]  # fmt: skip
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            beside = node.args if node.func.id in ("where", "coalesce") else node.args[:1]
            if _is(name, beside) and node.func.id in ("contains", "starts"):
                return Kind.TEXTUAL
            if _is(name, beside) and node.func.id.startswith("element"):
                return Kind.VECTORNUMERIC
        if _is(name, beside):
            others = [kinds.get(entry.id) for entry in beside if isinstance(entry, ast.Name)]
            if Kind.TEXTUAL in others or any(isinstance(constant(e), str) for e in beside):
                return Kind.TEXTUAL
    return Kind.NUMERIC


def _is(name: str, nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in nodes)


def _by_field(expression: Expression, name: str, there: Mapping[str, None]) -> str:
    candidates = [variable for variable in there if field_of(variable) == name]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        listed = ", ".join(f"`{variable}`" for variable in _few(candidates))
        hint = f"write the full name of one in backquotes: {listed}"
        raise expression.error(None, f"'{name}' is the field of {len(candidates)} variables", hint)
    near = _near(name, there)
    near += " A" if near.endswith("?") else "; a"
    hint = f"{near} text is written in quotes: '{name}'"
    raise expression.error(None, f"no variable or field is called '{name}'", hint)


def _near(name: str, there: Mapping[str, None]) -> str:
    if not there:
        return "nothing is extracted"
    lowered = {field_of(variable).lower(): variable for variable in there}
    near = difflib.get_close_matches(name, there, 3, 0.5)
    near += [lowered[key] for key in difflib.get_close_matches(name.lower(), lowered, 3, 0.6)]
    near = list(dict.fromkeys(near))
    if near:
        return f"did you mean {' or '.join(f'`{variable}`' for variable in near[:3])}?"
    return f"there are: {', '.join(_few(list(there)))}"


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= 8 else [*names[:7], f"and {len(names) - 7} more"]
