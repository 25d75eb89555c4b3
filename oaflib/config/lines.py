"""On which line a key of a TOML text stands: `tomllib` does not say, and people ask first."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"[ \t]*(\[\[?)[ \t]*(.+?)[ \t]*\]\]?[ \t]*(?:#.*)?$")
_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"[ \t]*({_NAME}(?:[ \t]*\.[ \t]*{_NAME})*)[ \t]*=")
_PART = re.compile(_NAME)
# What matters inside a value: strings as a whole, brackets, commas, comments, ends of lines.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+|\'\'\'.*?\'\'\'+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|\#[^\n]*|[\[\]{},\n]',
    re.DOTALL,
)


def lines_of(text: str) -> dict[Path, int]:
    """Line (from 1) of each table, key and list entry of a TOML text that `tomllib` has read.

    Tables of arrays and entries of lists are counted from 0, as in what `tomllib` returns. Keys
    inside an inline table are not told apart: look for the nearest one above.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    position, line = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        row = text[position:end]
        if header := _HEADER.match(row):
            table = _table(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, line)
        elif key := _KEY.match(row):
            path = (*table, *_parts(key[1]))
            found[path] = line
            position, line = _value(text, position + key.end(), line, path, found)
            continue
        position, line = end + 1, line + 1
    return found


def line_at(found: dict[Path, int], path: Path) -> int:
    """The line of `path`, or of the nearest thing that holds it; 0 for the file itself."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return 0


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _table(parts: Path, many: bool, counts: dict[Path, int]) -> Path:
    """The path of a header, with the place in its array for each array on the way."""
    path: Path = ()
    for depth, part in enumerate(parts):
        path = (*path, part)
        if many and depth == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _value(
    text: str, position: int, line: int, path: Path, found: dict[Path, int]
) -> tuple[int, int]:
    """Skip a value, noting the entries of a list; where the next line starts, and its number."""
    depth = entry = 0
    is_list = text[position:].lstrip(" \t").startswith("[")
    fresh = False
    for token in _TOKEN.finditer(text, position):
        mark = token[0]
        gap = text[position : token.start()]
        if fresh and (mark[0] not in "\n#]" or gap.strip()):
            found[(*path, entry)] = line + gap.count("\n")
            fresh = False
        if mark == "\n" and depth == 0:
            return token.end(), line + 1
        if mark in ("[", "{"):
            depth += 1
            fresh = is_list and depth == 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "," and depth == 1 and is_list:
            entry += 1
            fresh = True
        line += mark.count("\n")
        position = token.end()
    return len(text), line
