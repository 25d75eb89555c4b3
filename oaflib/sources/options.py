"""A source's table in the site file as a frozen dataclass, and its password from outside it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any, TypeVar

from oaflib.config.strict import Mismatch, construct
from oaflib.errors import ConfigurationError, Problem
from oaflib.sources.base import SourceSettings

Options = TypeVar("Options")
_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]*@", re.I)


def options_of(cls: type[Options], settings: SourceSettings) -> Options:
    """The options of a source, as the dataclass `cls`; its fields are the keys of the table.

    Raises
    ------
    ConfigurationError
        Unknown and missing keys, wrong types, values that `cls` refuses: all of them.
    """
    try:
        made: Options = construct(cls, settings.options)
    except Mismatch as mismatch:
        raise ConfigurationError(
            [
                Problem("site.toml", f"[sources.{settings.name}]", _worded(path, message))
                for path, message in mismatch.faults
            ]
        ) from None
    return made


def refused(settings: SourceSettings, key: str, message: str) -> ConfigurationError:
    """The complaint about one option of a source."""
    return ConfigurationError(
        [Problem("site.toml", f"[sources.{settings.name}]", f"'{key}' {message}")]
    )


def fault_of_passwords(env: str, file: str) -> str:
    """What is wrong with where a password is said to be; nothing when it is right."""
    if env and file:
        return "password_file stands beside password_env; keep one of the two"
    if env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", env):
        return (
            "password_env is not the name of an environment variable; the password itself does "
            "not belong in this file"
        )
    return ""


def fault_of_address(url: str) -> str:
    """The complaint about a password inside an address; nothing when there is none."""
    if _IN_URL.search(url):
        return (
            "url holds a password, and the site file is shared; write the address without it, and "
            "password_env or password_file"
        )
    return ""


def password(settings: SourceSettings, env: str, file: str) -> str:
    """The password from the environment variable `env`, or from `file`; empty when neither is said.

    `file` is relative to the project's folder; only its owner may be able to read it.

    Raises
    ------
    ConfigurationError
        The variable is not set, or the file is missing, empty or open to others.
    """
    if env:
        found = os.environ.get(env, "")
        if not found:
            raise refused(settings, "password_env", f"names {env}, which is not set or empty")
        return found
    if not file:
        return ""
    path = settings.root / Path(file)
    try:
        with path.open("rb") as opened:
            # Of the open file, so that nobody can swap it between look and read.
            about = os.fstat(opened.fileno())
            fault = _fault_of_file(path, about)
            content = opened.read(4096) if not fault else b""
    except OSError as error:
        raise refused(
            settings, "password_file", f"{path} cannot be read: {error.strerror}"
        ) from error
    if fault:
        raise refused(settings, "password_file", fault)
    secret = content.decode("utf-8", "surrogateescape").strip("\r\n")
    if not secret or "\n" in secret:
        raise refused(settings, "password_file", f"{path} must hold the password, on one line")
    return secret


def _fault_of_file(path: Path, about: os.stat_result) -> str:
    if not stat.S_ISREG(about.st_mode):
        return f"{path} is not an ordinary file"
    if about.st_mode & 0o077:
        rights = f"{stat.S_IMODE(about.st_mode):04o}"
        return f"{path} can be read by others (its rights are {rights}); do: chmod 600 {path}"
    if about.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to another user (uid {about.st_uid})"
    return ""


def _worded(path: tuple[Any, ...], message: str) -> str:
    return f"'{'.'.join(str(part) for part in path)}': {message}" if path else message
