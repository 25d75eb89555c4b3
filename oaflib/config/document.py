"""One file of the configuration: reading it, and saying where in it something is wrong."""

from __future__ import annotations

import codecs
import re
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oaflib.config import lines
from oaflib.config.words import legible, quoted
from oaflib.errors import Problem

LARGEST = 4_000_000
_MOST = 200
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


class Unreadable(Exception):
    """A file that cannot be read at all; the text says why. Never leaves this room."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


@dataclass
class Complaints:
    """What is wrong with one file, collected; at most 200 are kept, the others counted.

    `about` is what the whole file is about: see `Problem`.
    """

    file: str
    about: str = ""
    problems: list[Problem] = field(default_factory=list)
    left: int = 0

    def add(self, place: str, message: str, about: str = "") -> None:
        """Something wrong at `place`; the empty place is the file as a whole."""
        if len(self.problems) < _MOST:
            problem = Problem(self.file, place, legible(message), about or self.about)
            self.problems.append(problem)
        else:
            self.left += 1

    def every(self) -> list[Problem]:
        """All that was kept, and how many were not."""
        if not self.left:
            return self.problems
        more = Problem(self.file, "…", f"{self.left} more problems", self.about)
        return [*self.problems, more]


class Document(Complaints):
    """A TOML file. `table` is empty when it could not be read; `problems` then says why.

    Places are named with the line, found only when something is wrong.
    """

    def __init__(self, file: str, data: bytes | Unreadable, about: str = "") -> None:
        super().__init__(file, about)
        self.data = b"" if isinstance(data, Unreadable) else data
        self.text = ""
        self.table: dict[str, Any] = {}
        self._lines: dict[lines.Path, int] | None = None
        if isinstance(data, Unreadable):
            self.add(data.place, str(data))
        else:
            self._parse(data)

    def at(self, path: lines.Path, message: str, about: str = "") -> None:
        """Something wrong at `path`: keys, and places in lists counted from 0."""
        if self._lines is None:
            self._lines = lines.lines_of(self.text)
        line = lines.line_at(self._lines, path)
        words = [f"line {line}"] if line else []
        words += [spelled(path, self.table)] if path else []
        self.add(", ".join(words), message, about)

    def _parse(self, data: bytes) -> None:
        try:
            self.text = _utf8(data)
            self.table = tomllib.loads(self.text)
        except Unreadable as error:
            self.add(error.place, str(error))
        except tomllib.TOMLDecodeError as error:
            self._syntax(str(error))
        except RecursionError:
            self.add("", "is nested too deeply to be read")
        except ValueError as error:
            self.add("", f"is not TOML that can be read: {error}")

    def _syntax(self, error: str) -> None:
        found = _SYNTAX.match(error)
        text = self.text.replace("\r\n", "\n")
        if not found or not found[2]:
            cause = found[1] if found else error
            place, row = f"line {text.count(chr(10)) + 1}", ""
        else:
            cause, place = found[1], f"line {found[2]}, column {found[3]}"
            row = text.split("\n")[int(found[2]) - 1]
        cause = re.sub(r"\('(.*?)',?\)", lambda found: f"[{found[1]}]".replace("', '", "."), cause)
        self.add(place, f"is not TOML: {cause}.{_advice(cause, row)}")


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises
    ------
    Unreadable
        Not there, no permission, no file, or larger than any configuration is.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("is not an ordinary file")  # a pipe would be waited for, for ever
        if status.st_size > LARGEST:
            megabytes = status.st_size / 1e6
            raise Unreadable(f"has {megabytes:.0f} MB; a configuration file has at most 4 MB")
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("is missing") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unreadable(f"cannot be read: {reason}") from error


def open_document(path: Path, file: str, about: str = "") -> Document:
    """The TOML file at `path`, called `file` in complaints."""
    try:
        return Document(file, read_bytes(path), about)
    except Unreadable as error:
        return Document(file, error, about)


def spelled(path: lines.Path, table: dict[str, Any]) -> str:
    """`path` as its reader knows it: ``[[check]] 2 'range': low``."""
    head, rest = [], list(path)
    first = table.get(str(rest[0])) if rest else None
    if len(rest) > 1 and isinstance(first, list) and isinstance(rest[1], int):
        entry = first[rest[1]] if rest[1] < len(first) else None
        if rest[0] in ("check", "compute", "plot"):
            head.append(f"[[{rest[0]}]] {rest[1] + 1}{_named(entry)}")
        else:
            head.append(f"{rest[0]} {rest[1] + 1}")
        rest = rest[2:]
    elif isinstance(first, dict):
        size = 2 if len(rest) > 2 and isinstance(first.get(str(rest[1])), dict) else 1
        if len(rest) == 2 and isinstance(first.get(str(rest[1])), dict):
            size = 2
        head.append("[" + ".".join(_key(part) for part in rest[:size]) + "]")
        rest = rest[size:]
    tail = ""
    for part in rest:
        tail += f" {part + 1}" if isinstance(part, int) else f"{'.' if tail else ''}{_key(part)}"
    return ": ".join([*head, tail] if tail else head)


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """By file, then by place, numbers as numbers."""

    def place(problem: Problem) -> tuple[str, list[tuple[int, str]], str]:
        parts = re.split(r"([0-9]{1,9})", problem.place)
        natural = [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)]
        return problem.file, natural, problem.message

    return sorted(set(problems), key=place)


def _named(entry: Any) -> str:
    name = entry.get("name") or entry.get("kind") if isinstance(entry, dict) else None
    return f" {quoted(name)}" if isinstance(name, str) else ""


def _key(part: str | int) -> str:
    text = str(part)
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text) else quoted(text)


def _utf8(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise Unreadable("is UTF-16; save it as UTF-8")
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"holds the byte 0x{data[error.start]:02X}, which is not UTF-8; save the file as UTF-8",
            f"line {line}",
        ) from None


def _advice(cause: str, row: str) -> str:
    """What usually lies behind a syntax error."""
    value = row.partition("=")[2].strip()
    if re.search("[‘’“”«»]", row):
        return " Typographic quotes: write straight ones"
    if re.match(r"(True|False|TRUE|FALSE|yes|no|on|off)\b", value):
        return " Write true or false"
    if re.match(r"-?\d+,\d", value):
        return " A decimal number is written with a point"
    if "Cannot overwrite" in cause or "Cannot declare" in cause or "Duplicate" in cause:
        return " The same key or table is there twice"
    if "Unescaped '\\'" in cause:
        return " Write a text with backslashes in single quotes"
    if "Illegal character '\\n'" in cause or "Unterminated" in cause:
        return " Is a quote missing at the end of the text?"
    if "Invalid value" in cause and re.match(r"[A-Za-z]", value):
        return " A text is written in quotes"
    return ""
