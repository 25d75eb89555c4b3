"""Long CSV: ``timestamp,variable,value``, and perhaps ``unit`` and ``kind``.

Blocks of plain numbers are read by pyarrow at millions of rows a second, blocks with texts and
lists between them by variable; a block with a bad line is read row by row, to say which it is.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from oaflib.errors import IngestError
from oaflib.series import Kind, Series, Times, Values
from oaflib.sources.embedded.formats.sample import NUMBER, gathered, kind_named, parse
from oaflib.sources.embedded.intake import Intake, grouped

_BLOCK = 16_000_000
_LONGEST = 256_000_000
_RECORD_LINES = 1000
_COLUMNS = {
    "time": ("timestamp", "time", "timestamp_utc", "time_utc"),
    "variable": ("variable",),
    "value": ("value", "value_json"),
    "unit": ("unit",),
    "kind": ("kind",),
}
_NAME = pa.dictionary(pa.int32(), pa.string())
_FIELD = 2**31 - 1
_ODD_QUOTE = re.compile(rb'[^,\n"]"[^,\r\n"]')  # one that neither begins nor ends a field

Coded = tuple[list[str], Any]


@dataclass(frozen=True)
class Header:
    """What the columns mean, in their order; `utc`: the header says that times are in UTC."""

    columns: tuple[str, ...]
    utc: bool = False


@dataclass
class _Column:
    """The samples of one variable in a block."""

    kind: Kind
    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    units: list[str] = field(default_factory=list)


def read(path: Path, intake: Intake) -> None:
    """Hand every sample of the file, gzip or not, to `intake`, block by block.

    Raises
    ------
    IngestError
        Not a CSV of samples at all, or one that cannot be read to its end.
    """
    header, line = None, 1
    try:
        with ExitStack() as stack:
            for block in _blocks(path, _opened(path, stack)):
                body = block
                if header is None:
                    header, body = _header(path, block)
                    if header.utc and intake.times.zone is None:
                        intake.times.zone = ZoneInfo("UTC")
                    line += 1
                if not (_fast(body, header, intake) or _mixed(body, header, intake)):
                    _careful(body, line, header, intake)
                line += body.count(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise IngestError(f"{path} cannot be read to its end: {error}") from error
    if header is None:
        raise IngestError(f"{path} is empty; its first line should be timestamp,variable,value")


def _opened(path: Path, stack: ExitStack) -> IO[bytes]:
    file = stack.enter_context(path.open("rb"))
    zipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file))) if zipped else file


def _blocks(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    """The file in blocks of whole records."""
    rest = b""
    while chunk := file.read(_BLOCK):
        data = rest + chunk
        cut = _end_of_record(data)
        if not cut and len(data) > _LONGEST:
            # A quotation mark that is never closed, or no text at all.
            cut = data.rfind(b"\n") + 1
            if not cut:
                raise IngestError(f"{path} has a line of more than {_LONGEST:,} bytes")
        if cut:
            yield data[:cut]
        rest = data[cut:]
    if rest:
        yield rest


def _end_of_record(data: bytes) -> int:
    """Just behind the last newline that is not inside quotation marks; 0 when there is none."""
    cut = data.rfind(b"\n")
    while cut >= 0 and data.count(b'"', 0, cut) % 2:
        cut = data.rfind(b"\n", 0, data.rfind(b'"', 0, cut))
    return cut + 1


def _header(path: Path, block: bytes) -> tuple[Header, bytes]:
    """The header, and what follows it."""
    first, _, body = block.partition(b"\n")
    text = first.decode("utf-8-sig", errors="replace").strip()
    words = [word.strip(' "\t').lower() for word in text.split(",")]
    meaning = {name: column for column, names in _COLUMNS.items() for name in names}
    columns = tuple(meaning.get(word, "") for word in words)
    allowed = "timestamp,variable,value, and perhaps unit and kind"
    if len(text) > 200 or not text.isprintable():
        raise IngestError(f"{path}: line 1 is no header of a CSV; it should be {allowed}")
    for word, column in zip(words, columns, strict=True):
        if not column:
            hint = " (with commas between)" if len(words) == 1 else ""
            raise IngestError(
                f"{path}: line 1: '{word}' is no column of a long CSV; they are {allowed}{hint}"
            )
    for column in ("time", "variable", "value"):
        if column not in columns:
            raise IngestError(f"{path}: line 1 '{text}' has no {column}; it should be {allowed}")
    if len(set(columns)) < len(columns):
        raise IngestError(f"{path}: line 1 '{text}' names a column twice; it should be {allowed}")
    return Header(columns, words[columns.index("time")].endswith("_utc")), body


def _fast(block: bytes, header: Header, intake: Intake) -> bool:
    """Take a block of numbers; False, and nothing taken, when there is anything else in it."""
    if not block.strip():
        return True
    rows = _parsed(block, header, intake, pa.float64())
    if rows is None:
        return False
    if any(intake.batch.kind_of(name) not in (None, Kind.NUMERIC) for name in rows.names):
        return False
    if rows.kinds and rows.kinds[0] != ["NUMERIC"]:
        return False
    intake.add_rows(rows.names, rows.codes, (rows.time, rows.value.to_numpy()), rows.units)
    return True


def _mixed(block: bytes, header: Header, intake: Intake) -> bool:
    """Take a block of any kinds without a bad line; False, and nothing taken, when there is one."""
    rows = None if "kind" in header.columns else _parsed(block, header, intake, pa.string())
    if rows is None:
        return False
    taken = []
    try:
        for which, mine in grouped(rows.codes):
            name = rows.names[which]
            texts = rows.value.take(pa.array(mine))
            kind = intake.batch.kind_of(name) or parse(texts[0].as_py(), None)[0]
            series = Series(name, kind, "", rows.time[mine], _values(texts, kind))
            taken.append((series, mine))
    except ValueError:
        return False
    # Two spellings of a name may have been taken for two variables of two kinds.
    if len({series.name for series, _ in taken}) < len(taken):
        return False
    for series, mine in taken:
        if rows.units:
            intake.add_with_units(series, rows.units[0], rows.units[1][mine])
        else:
            intake.batch.add(series)
    return True


def _values(texts: Any, kind: Kind) -> Values:
    """Texts as samples of that kind; ValueError when one is none."""
    if kind is Kind.NUMERIC:
        texts = pc.utf8_trim_whitespace(texts)
        if not pc.all(pc.match_substring_regex(texts, f"^(?:{NUMBER})$")).as_py():
            raise ValueError("not a number")
        return np.asarray(pc.cast(texts, pa.float64()).to_numpy())
    written = texts.to_pylist()
    if kind is not Kind.TEXTUAL:
        written = [parse(text, kind)[1] for text in written]
    return gathered(kind, written)


@dataclass(frozen=True)
class _Parsed:
    """The columns of a block without a bad line: its names, times and values.

    `codes` say which name each row has; `units` and `kinds` are texts and codes likewise.
    """

    names: list[str]
    codes: Any
    time: Times
    value: Any
    units: Coded | None
    kinds: Coded | None


def _parsed(block: bytes, header: Header, intake: Intake, value: pa.DataType) -> _Parsed | None:
    """The block by pyarrow, its values of that type; None when it does not see it through."""
    quotes = block.count(b'"')
    if quotes % 2 or (quotes and _ODD_QUOTE.search(block)):
        return None  # pyarrow would make something of it
    types = {"variable": _NAME, "value": value, "unit": _NAME, "kind": _NAME}
    types["time"] = _time_type(block, header, intake)
    try:
        rows = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(
                column_names=list(header.columns), block_size=len(block) // 4 + 1_000_000
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=quotes > 0),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, null_values=[], strings_can_be_null=False
            ),
        )
        time = rows["time"]
        if types["time"] == pa.timestamp("ns"):
            assert intake.times.zone is not None
            time = pc.assume_timezone(time, intake.times.zone.key)
        names, codes = _coded(rows["variable"])
        return _Parsed(
            [intake.name(name) for name in names],
            codes,
            time.cast(pa.int64()).to_numpy(),
            rows["value"],
            _coded(rows["unit"]) if "unit" in header.columns else None,
            _coded(rows["kind"]) if "kind" in header.columns else None,
        )
    except (pa.ArrowException, ValueError):
        return None


def _time_type(block: bytes, header: Header, intake: Intake) -> pa.DataType:
    """What the times of a block are, by its first line."""
    words = block.lstrip().split(b"\n", 1)[0].split(b",")
    place = header.columns.index("time")
    text = words[place].strip(b' "\r').decode(errors="replace") if place < len(words) else ""
    if text.lstrip("-").isdecimal():
        return pa.int64()
    if intake.times.zone and not (text.endswith(("Z", "z")) or set("+-") & set(text[10:])):
        return pa.timestamp("ns")
    return pa.timestamp("ns", "UTC")


def _coded(column: Any) -> Coded:
    """The distinct texts of a dictionary column, and which each row has."""
    whole = column.unify_dictionaries().combine_chunks()
    return whole.dictionary.to_pylist(), whole.indices.to_numpy()


def _careful(block: bytes, first: int, header: Header, intake: Intake) -> None:
    """Take a block row by row, noting the bad lines; `first` is the number of its first line."""
    columns: dict[str, _Column] = {}
    for line, fields in _records(block, first):
        try:
            _take(fields, header, intake, columns)
        except ValueError as error:
            intake.refuse(line, str(error))
    for name, column in columns.items():
        value = gathered(column.kind, column.values)
        series = Series(name, column.kind, "", np.array(column.times, dtype=np.int64), value)
        if any(column.units):
            units, codes = np.unique(np.array(column.units, dtype=object), return_inverse=True)
            intake.add_with_units(series, list(units), codes)
        else:
            intake.batch.add(series)


def _take(
    fields: list[str] | str, header: Header, intake: Intake, columns: dict[str, _Column]
) -> None:
    """One record; ValueError when it is bad."""
    if isinstance(fields, str):
        raise ValueError(fields)
    if len(fields) != len(header.columns):
        raise ValueError(
            f"{len(fields)} columns where the header has {len(header.columns)}; a list needs "
            'quotation marks around it: "[1, 2]"'
        )
    row = dict(zip(header.columns, fields, strict=True))
    name = intake.name(row["variable"])
    known = columns[name].kind if name in columns else intake.batch.kind_of(name)
    wanted = kind_named(row["kind"]) if row.get("kind", "").strip() else known
    if known and wanted is not known:
        raise ValueError(f"{name} is {known} and cannot become {wanted}: a variable keeps its kind")
    time = intake.times.time(row["time"])
    try:
        kind, value = parse(row["value"], wanted)
    except ValueError as error:
        raise ValueError(f"{name} is {wanted}: {error}" if wanted else str(error)) from None
    column = columns.setdefault(name, _Column(kind))
    column.times.append(time)
    column.values.append(value)
    column.units.append(row.get("unit", "").strip())


def _records(block: bytes, first: int) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the number of its first line; what is wrong with it where it is none."""
    if csv.field_size_limit() < _FIELD:
        csv.field_size_limit(_FIELD)  # an image is a long field
    lines = block.split(b"\n")
    at = 0
    while at < len(lines):
        number, record = first + at, lines[at].rstrip(b"\r")
        at += 1
        if b'"' in record:
            behind = at
            while record.count(b'"') % 2 and behind < min(len(lines), at + _RECORD_LINES):
                record += b"\n" + lines[behind].rstrip(b"\r")
                behind += 1
            if record.count(b'"') % 2:
                yield number, "a quotation mark is opened and not closed"
                continue
            at = behind
        if record.strip():
            yield number, _fields(record)


def _fields(record: bytes) -> list[str] | str:
    try:
        text = record.decode()
        return next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{record[error.start]:02x}"
    except csv.Error as error:
        return f"not CSV: {error}"
