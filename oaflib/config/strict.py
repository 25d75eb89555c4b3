"""TOML values against the types of a dataclass's fields: nothing is converted on the quiet."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from oaflib.config.lines import Path
from oaflib.config.words import described, listed, near, quoted, unseen
from oaflib.errors import ConfigurationError, OafError
from oaflib.window import parse_duration

Fault = tuple[Path, str]
Shape = dict[str, tuple[Field[Any], Any]]
_shapes: dict[Any, Shape] = {}
_PLAIN = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    date: "a date, as in 2026-11-22",
    datetime: "a date and time with its zone, as in 2026-11-22T08:00:00Z",
    timedelta: 'a duration in quotes, as in "15min"',
}


class Mismatch(Exception):
    """Values of the wrong type; never leaves this room."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


def construct(cls: type[Any], table: Mapping[str, Any]) -> Any:
    """The frozen dataclass `cls` that `table` says.

    Raises
    ------
    Mismatch
        With everything that is wrong: unknown and missing keys, wrong types, values that a field's
        annotation or the class itself refuses.
    """
    values, faults = values_of(cls, table)
    if faults:
        raise Mismatch(faults)
    try:
        return cls(**values)
    except Exception as error:  # a plug-in may raise whatever it likes about its own values
        shape = shape_of(cls)
        faults = [_blamed(key, message, shape) for key, message in _said(error)]
        raise Mismatch(faults) from error


def values_of(cls: type[Any], table: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The values of `table` that fit the keys of `cls`, and what is wrong with the others."""
    shape = shape_of(cls)
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in shape:
            hint = f"{near(key, shape)} Allowed: {listed(shape)}"
            faults.append(((key,), f"no such key.{hint}"))
            continue
        try:
            values[key] = checked(shape[key][1], value)
        except Mismatch as error:
            faults += [((key, *path), message) for path, message in error.faults]
    missing = [
        name
        for name, (entry, _) in shape.items()
        if name not in table and entry.default is MISSING and entry.default_factory is MISSING
    ]
    faults += [((), f"'{name}' is missing") for name in missing]
    return values, faults


def shape_of(cls: Any) -> Shape:
    """Each key a dataclass takes, with its field and its type.

    Raises
    ------
    ConfigurationError
        Not a dataclass, or its annotations cannot be read: the fault of who wrote it.
    """
    if not (isinstance(cls, type) and is_dataclass(cls)):
        raise ConfigurationError(f"{cls!r} is no dataclass: its fields would be its keys")
    if cls not in _shapes:
        _shapes[cls] = _shape(cls)
    return _shapes[cls]


def _shape(cls: Any) -> Shape:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"the annotations of {cls!r} cannot be read: {error}") from error
    return {entry.name: (entry, hints[entry.name]) for entry in fields(cls) if entry.init}


def checked(kind: Any, value: Any) -> Any:
    """`value`, when it is of type `kind`; lists become tuples, tables dataclasses.

    Raises
    ------
    Mismatch
        With the path inside `value` and what is wrong there.
    """
    if isinstance(kind, type) and kind in _PLAIN:
        return _plain(kind, value)
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is Annotated:
        return _annotated(args, value)
    if origin is Literal:
        return _one_of(list(args), value)
    if origin in (Union, types.UnionType):
        return _either([arg for arg in args if arg is not type(None)], value)
    if origin in (tuple, list, Sequence):
        return _items(args, value, exact=origin is tuple and args[-1] is not ...)
    if origin in (dict, Mapping):
        return _entries(args[1], value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_one_of([member.value for member in kind], value))
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, dict):
            raise _wrong(f"a table, as in {{ {next(iter(shape_of(kind)))} = … }}", value)
        return construct(kind, value)
    return _plain(kind, value)


def _plain(kind: Any, value: Any) -> Any:
    if kind is timedelta and isinstance(value, str):
        return _refined(parse_duration, value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**1000 else math.inf
    if kind not in _PLAIN:
        if kind in (dict, list, tuple):
            return checked(
                {dict: dict[str, Any], list: list[Any], tuple: tuple[Any, ...]}[kind], value
            )
        return value
    if type(value) is not kind:
        raise _wrong(_PLAIN[kind], value, numeric=kind in (int, float))
    if kind is float and not math.isfinite(value):
        raise Mismatch([((), "must be a finite number")])
    if kind is int and abs(value) >= 2**63:
        raise Mismatch([((), "is too large a number")])
    if kind is datetime and value.tzinfo is None:
        raise Mismatch([((), f"has no time zone; write {value.isoformat()}Z")])
    if kind is str and (fault := unseen(value, allowed="\r\n\t")):
        raise Mismatch([((), fault)])
    return value


def _annotated(args: tuple[Any, ...], value: Any) -> Any:
    """The type, then each callable of the annotation; what it returns is not used."""
    found = checked(args[0], value)
    for rule in args[1:]:
        if callable(rule):
            _refined(rule, found)
    return found


def _refined(rule: Callable[[Any], Any], value: Any) -> Any:
    try:
        return rule(value)
    except (ValueError, ArithmeticError, OafError) as error:
        raise Mismatch([((), message) for message in _messages(error)]) from error


def _one_of(allowed: list[Any], value: Any) -> Any:
    for known in allowed:
        if type(known) is type(value) and known == value:
            return known
    texts = [str(known) for known in allowed]
    hint = near(value, texts) if isinstance(value, str) else ""
    raise Mismatch([((), f"cannot be {described(value)}.{hint} Allowed: {listed(texts)}")])


def _either(kinds: list[Any], value: Any) -> Any:
    """The first type that takes the value as it is."""
    tried: list[tuple[Any, Mismatch]] = []
    for kind in sorted(kinds, key=lambda kind: kind is float):  # a whole number stays one
        try:
            return checked(kind, value)
        except Mismatch as error:
            tried.append((kind, error))
    for kind, mismatch in tried:
        if len(tried) == 1 or _resembles(kind, value):
            raise mismatch
    allowed = " or ".join(_PLAIN.get(kind) or _noun(kind) for kind in kinds)
    raise _wrong(allowed, value)


def _resembles(kind: Any, value: Any) -> bool:
    """Whether a complaint about `value` as a `kind` is the useful one."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(base) in (tuple, list, Sequence):
        return isinstance(value, list)
    if get_origin(base) in (dict, Mapping) or is_dataclass(base):
        return isinstance(value, dict)
    if get_origin(base) is Literal:
        return isinstance(value, str) and any(isinstance(one, str) for one in get_args(base))
    return type(value) is base


def _noun(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Annotated:
        return _PLAIN.get(get_args(kind)[0]) or _noun(get_args(kind)[0])
    if origin is Literal:
        return " or ".join(quoted(str(value)) for value in get_args(kind))
    return "a list" if origin in (tuple, list, Sequence) else "a table"


def _items(args: tuple[Any, ...], value: Any, *, exact: bool) -> tuple[Any, ...]:
    if not isinstance(value, list):
        hint = f"; write [{quoted(value)}]" if isinstance(value, str) and len(args) < 3 else ""
        raise Mismatch([((), f"must be a list, not {described(value)}{hint}")])
    if exact and len(value) != len(args):
        raise Mismatch([((), f"must have {len(args)} entries, not {len(value)}")])
    found, faults = [], []
    for i, entry in enumerate(value):
        try:
            found.append(checked(args[i] if exact else args[0], entry))
        except Mismatch as error:
            faults += [((i, *path), message) for path, message in error.faults]
    if faults:
        raise Mismatch(faults)
    return tuple(found)


def _entries(kind: Any, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong("a table, as in { A = … }", value)
    found, faults = {}, []
    for key, entry in value.items():
        try:
            found[key] = checked(kind, entry)
        except Mismatch as error:
            faults += [((key, *path), message) for path, message in error.faults]
        if fault := unseen(key):
            faults.append(((), f"the key {quoted(key)} {fault}"))
    if faults:
        raise Mismatch(faults)
    return found


def _wrong(expected: str, value: Any, *, numeric: bool = False) -> Mismatch:
    hint = "; leave the quotes off" if numeric and _reads_as_number(value) else ""
    return Mismatch([((), f"must be {expected}, not {described(value)}{hint}")])


def _reads_as_number(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _messages(error: Exception) -> list[str]:
    return [message for _, message in _said(error)]


def _said(error: Exception) -> list[tuple[str, str]]:
    """What an exception says: the key it blames, if it names one, and the message."""
    if isinstance(error, ConfigurationError):
        return [(problem.place, problem.message) for problem in error.problems]
    if isinstance(error, (ValueError, OafError)):
        return [("", str(error))]
    return [("", f"cannot be used: {type(error).__name__}: {error}")]


def _blamed(key: str, message: str, shape: Mapping[str, Any]) -> Fault:
    """The message at the key it blames or begins with the name of, else at the table."""
    if key not in shape:
        key = message.split(maxsplit=1)[0].strip("'\":,") if message.strip() else ""
        message = re.sub(rf"^{re.escape(key)}(: | (?=is |has |must |cannot ))", "", message)
    return ((key,), message) if key in shape else ((), message)
