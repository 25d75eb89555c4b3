"""The rows of a table as a spreadsheet saved it: CSV in its many dialects, or ``.xlsx``."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path

from oaflib.config.document import Complaints, Unreadable, read_bytes
from oaflib.config.words import listed, near, quoted

_ROWS = 50_000
# What Excel shows where a formula failed; begins like a comment and is none.
_ERRORS = ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#NV", "#BEZUG!")
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True)
class Row:
    """One line of the table: its number in the file, and its cells by column as texts.

    `stray` are the cells in columns without a header, by their number from 1.
    """

    line: int
    cells: dict[str, str]
    stray: Mapping[int, str] = field(default_factory=dict)


def read_rows(path: Path, complaints: Complaints, columns: tuple[str, ...]) -> list[Row]:
    """The rows of the table at `path`; what is wrong is noted in `complaints`.

    The header names some of `columns`, in any order and any case; an empty cell is the empty text.
    Blank lines and lines that begin with ``#`` are left out.
    """
    try:
        lines = _sheet(path) if path.suffix == ".xlsx" else _csv(_decoded(read_bytes(path)))
        return _rows(lines, complaints, columns)
    except Unreadable as error:
        complaints.add(error.place, str(error))
        return []


@dataclass(frozen=True)
class Dialect:
    """How a CSV was saved: its text and encoding, what stands between cells, its columns."""

    text: str
    encoding: str
    delimiter: str
    header: list[str]


def dialect_of(data: bytes, columns: tuple[str, ...]) -> Dialect:
    """How the table in `data` was saved; its header as `columns` spells it, where known."""
    text = _decoded(data)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:2]:
        encoding = "utf-16"
    elif data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    else:
        encoding = "utf-8" if text.encode() == data else "cp1252"
    known = {name.casefold(): name for name in columns}
    for _, cells in _csv(text):
        names = [_tidy(cell) for cell in cells]
        if any(names) and not names[0].startswith("#"):
            header = [known.get(name.casefold(), name) for name in names]
            return Dialect(text, encoding, _delimiter(text)[0], header)
    return Dialect(text, encoding, ",", [])


def _rows(
    lines: Iterable[tuple[int, list[str]]], complaints: Complaints, columns: tuple[str, ...]
) -> list[Row]:
    header: dict[int, str] | None = None
    rows: list[Row] = []
    for line, raw in lines:
        cells = [_tidy(cell) for cell in raw]
        if not any(cell.strip(",;") for cell in cells) or (
            cells[0].startswith("#") and cells[0] not in _ERRORS
        ):
            continue
        if header is None:
            header = _header(line, cells, complaints, columns)
            if not header:
                return []
            continue
        found = dict(enumerate(cells))
        stray = {i + 1: cell for i, cell in found.items() if cell and i not in header}
        rows.append(Row(line, {name: found.get(i, "") for i, name in header.items()}, stray))
    if header is None:
        complaints.add("", f"is empty; its first line must be {','.join(columns[:7])}")
    return rows


def _header(
    line: int, cells: list[str], complaints: Complaints, columns: tuple[str, ...]
) -> dict[int, str]:
    """Each column's place and name; nothing when the line is no header at all."""
    folded = {column.casefold(): column for column in columns}
    if not any(cell.casefold() in folded for cell in cells):
        complaints.add(
            f"line {line}",
            f"is not the header; the first line must be {','.join(columns[:7])}",
        )
        return {}
    found: dict[int, str] = {}
    for i, cell in enumerate(cells):
        name = folded.get(cell.casefold())
        place = f"line {line}, column {i + 1}"
        if not cell:
            continue
        if name is None:
            hint = f"{near(cell, columns)} Allowed: {listed(columns)}"
            complaints.add(place, f"no column is called {quoted(cell)}.{hint}")
        elif name in found.values():
            complaints.add(place, f"the column {name} is there twice")
        else:
            found[i] = name
            continue
        found[i] = f"?{i}"  # its cells are read, and not complained of again
    return found


def _tidy(cell: str) -> str:
    """Without blanks around, of whatever kind, and without what has no width."""
    return cell.translate(_INVISIBLE).strip()


def _decoded(data: bytes) -> str:
    """The text, in the encoding that the bytes betray: UTF-8, UTF-16, or Windows-1252."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in data[1:2]:
        encoding = "utf-16-le"
    elif b"\0" in data[:1]:
        encoding = "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8-sig":
            raise Unreadable("is damaged UTF-16; save it as 'CSV UTF-8'") from None
        return data.decode("cp1252", errors="replace")


def _csv(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each record."""
    stream = io.StringIO(text, newline="")
    delimiter, skipped = _delimiter(text)
    for _ in range(skipped):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, strict=True, skipinitialspace=True)
    line = skipped + 1
    try:
        for count, cells in enumerate(reader):
            if count > _ROWS:
                raise Unreadable(f"has more than {_ROWS} lines")
            yield line, cells
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        message = f"is not CSV: {error}. Is a quote left open?"
        raise Unreadable(message, f"line {line}") from None


def _delimiter(text: str) -> tuple[str, int]:
    """What stands between the cells of the header, and how many lines to skip before it."""
    for count, line in enumerate(text.splitlines()):
        if found := re.fullmatch(r'"?sep=(.)"?[,;\t]*', line.strip(" "), re.IGNORECASE):
            return found[1], count + 1
        if line.strip(' \t,;\xa0"') and not line.lstrip(' \t\xa0"').startswith("#"):
            return max(",;\t", key=line.count), 0
    return ",", 0


def _sheet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row of the workbook's sheet ``tasks``, or of its first."""
    import openpyxl  # 0.2 s that most mornings need not pay

    data = read_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Excel knows and openpyxl does not draw
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            names = {name.casefold(): name for name in book.sheetnames}
            sheet = book[names.get("tasks", book.sheetnames[0])]
            for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
                if line > _ROWS:
                    raise Unreadable(f"has more than {_ROWS} rows; delete the empty ones")
                yield line, [_text(value) for value in values]
    except Unreadable:
        raise
    except Exception as error:  # a damaged workbook makes openpyxl raise almost anything
        raise Unreadable(
            f"is not a workbook that can be read ({type(error).__name__}: {error}); "
            "save it as .xlsx without a password, or as CSV"
        ) from error


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (datetime, date, time)):
        return f"{value} (a date: format the cells as text)"
    return str(value)
