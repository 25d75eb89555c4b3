"""What ``[sources.NAME]`` of kind java may say."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from oaflib.errors import ConfigurationError, Problem
from oaflib.sources.base import SourceSettings

ROOTS = {"cals": "cern.accsoft.cals.extr", "nxcals": "cern.nxcals.api.backport"}
LOCATIONS = ("MDB_PRO", "LDB_PRO", "MDB_AND_LDB_PRO")


@dataclass(frozen=True)
class Options:
    """The keys of the table, beside ``kind``.

    Attributes
    ----------
    classpath : jars and folders of the client, with ``*`` and ``**``; relative to the project's
        folder. Empty: those of the JVM that runs already.
    api : which of the two package roots.
    jvm_options : as on Java's command line. java_home : the folder of the Java to use.
    service : addresses for the system property ``service.url``.
    application, client, location : what the older root is told about who asks and what to ask.
    fundamental : pattern of fundamentals; only data of cycles that match are read.
    look_back : days in which `last_before` looks for a sample.
    snapshot_owner : whose public snapshots count; empty: anybody's.
    attempts : of a question that nobody answers; pause : seconds before the second.
    """

    classpath: tuple[str, ...]
    api: str = "nxcals"
    jvm_options: tuple[str, ...] = ()
    java_home: str = ""
    service: str = ""
    application: str = "OAF"
    client: str = "OAF"
    location: str = "LDB_PRO"
    fundamental: str = ""
    look_back: int = 30
    snapshot_owner: str = ""
    attempts: int = 3
    pause: float = 0.5

    @property
    def root(self) -> str:
        """The package under which the API lives."""
        return ROOTS[self.api]


def read_options(settings: SourceSettings) -> Options:
    """The options of `settings`.

    Raises
    ------
    ConfigurationError
        All that is wrong, each with its key.
    """
    allowed = {field.name: field for field in fields(Options)}
    faults = [
        (key, f"is no option of a java source. Allowed: {', '.join(allowed)}")
        for key in settings.options
        if key not in allowed
    ]
    values: dict[str, Any] = {}
    for key, field in allowed.items():
        if key not in settings.options:
            if field.default is MISSING:
                faults.append((key, 'is missing: the jars of the client, as ["jars/*.jar"]'))
            continue
        value = settings.options[key]
        fault = _fault(key, value)
        if fault:
            faults.append((key, fault))
        values[key] = tuple(value) if isinstance(value, list) else value
    if faults:
        place = f"[sources.{settings.name}]"
        raise ConfigurationError([Problem("site.toml", f"{place} {key}", f) for key, f in faults])
    return Options(**values)


def jars(settings: SourceSettings, options: Options) -> tuple[Path, ...]:
    """The files and folders that `classpath` stands for, in its order, each once.

    Raises
    ------
    ConfigurationError
        A pattern that nothing matches.
    """
    found: dict[Path, None] = {}
    problems = []
    for pattern in options.classpath:
        matches = _matches(settings.root.absolute(), pattern)
        if not matches:
            message = f"nothing matches '{pattern}' in {settings.root.absolute()}"
            problems.append(Problem("site.toml", f"[sources.{settings.name}] classpath", message))
        found.update(dict.fromkeys(matches))
    if problems:
        raise ConfigurationError(problems)
    return tuple(found)


def _matches(root: Path, pattern: str) -> list[Path]:
    path = root / Path(pattern).expanduser()
    if not any(letter in pattern for letter in "*?["):
        return [path.resolve()] if path.exists() else []
    relative = path.relative_to(path.anchor)
    return sorted(match.resolve() for match in Path(path.anchor).glob(str(relative)))


def _fault(key: str, value: Any) -> str:
    if key in ("classpath", "jvm_options"):
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
            return 'must be a list of texts, as ["jars/*.jar"]'
        return ""
    if key == "look_back":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and 0 <= value <= 366 else "must be a number of days from 0 to 366"
    if key == "attempts":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and 1 <= value <= 20 else "must be a number from 1 to 20"
    if key == "pause":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number and 0 <= value <= 60 else "must be a number of seconds from 0 to 60"
    if not isinstance(value, str):
        return "must be a text in quotes"
    choices = {"api": tuple(ROOTS), "location": LOCATIONS}.get(key)
    if choices and value not in choices:
        return f"is '{value}'. Allowed: {', '.join(choices)}"
    return ""
