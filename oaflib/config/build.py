"""From a table of a TOML file to the frozen dataclass it describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from oaflib.config.document import Document, spelled
from oaflib.config.lines import Path
from oaflib.config.strict import Mismatch, construct
from oaflib.config.words import described, legible
from oaflib.errors import ConfigurationError, Problem

T = TypeVar("T")


def build(cls: type[T], table: Mapping[str, Any], place: str, file: str) -> T:
    """The instance of the frozen dataclass `cls` whose fields are the keys of `table`.

    Strict: a text is no number, true is no number, a list is not one entry, an unknown key is
    refused. A field annotated ``Annotated[str, parse_duration]`` is also given to `parse_duration`.

    Raises
    ------
    ConfigurationError
        Everything that is wrong with the table, at `place` of `file`.
    """
    try:
        return construct(cls, table)  # type: ignore[no-any-return]
    except Mismatch as error:
        problems = []
        for path, message in error.faults:
            inside = spelled(path, {})
            where = ": ".join(filter(None, (place, inside)))
            problems.append(Problem(file, where, legible(message)))
        raise ConfigurationError(problems) from error


def build_at(cls: type[T], document: Document, path: Path, table: Any) -> T | None:
    """As `build`, for the table at `path` of `document`, which takes the complaints with lines."""
    if not isinstance(table, Mapping):
        document.at(path, f"must be a table, not {described(table)}")
        return None
    try:
        return construct(cls, table)  # type: ignore[no-any-return]
    except Mismatch as error:
        for inside, message in error.faults:
            document.at((*path, *inside), message)
    except ConfigurationError as error:
        document.at(path, error.problems[0].message)
    return None
