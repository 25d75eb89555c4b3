"""One row of the task table written back; every other line stays as it was."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from oaflib.config.document import Complaints
from oaflib.config.project import TASKS, check_config
from oaflib.config.table import Row, dialect_of, read_rows
from oaflib.config.tasks import COLUMNS, REQUIRED
from oaflib.errors import ConfigurationError, Problem


def table_of(root: Path) -> Path:
    """The task table of the project in `root`.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    for name in TASKS:
        if (root / name).is_file():
            return root / name
    raise ConfigurationError(f"there is no {TASKS[0]} in {root}")


def rows_of(root: Path) -> list[Row]:
    """The rows of the task table, as they are written."""
    path = table_of(root)
    return read_rows(path, Complaints(path.name), COLUMNS)


def faults_of_row(root: Path, line: int, cells: Mapping[str, str]) -> list[Problem]:
    """What would be wrong with the row at `line`, and newly so elsewhere, if it were `cells`.

    `line` is its number in the file; 0 is a new row at the end.
    """
    path = table_of(root)
    before = check_config(root)
    about = f"{cells.get('Instrument', '')}_{cells.get('DataSet', '')}"
    with tempfile.TemporaryDirectory(prefix="oaf-row-") as folder:
        shadow = Path(folder)
        for entry in root.iterdir():
            if entry.name != "config":
                (shadow / entry.name).symlink_to(entry)
        shutil.copytree(root / "config", shadow / "config")
        (shadow / "config" / path.name).write_bytes(_rewritten(path, line, cells))
        after = check_config(shadow)
    return [problem for problem in after if problem not in before or problem.stops(about)]


def write_row(root: Path, line: int, cells: Mapping[str, str]) -> Path:
    """Write the row into the task table, whole or not at all; the table's path.

    Raises
    ------
    ConfigurationError
        It would be wrong, or make something else so.
    """
    problems = faults_of_row(root, line, cells)
    if problems:
        raise ConfigurationError(problems)
    path = table_of(root)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(_rewritten(path, line, cells))
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)
    return path


def _rewritten(path: Path, line: int, cells: Mapping[str, str]) -> bytes:
    return (_workbook if path.suffix == ".xlsx" else _text)(path, line, cells)


def _text(path: Path, line: int, cells: Mapping[str, str]) -> bytes:
    """The CSV with that line; encoding, delimiter and line ends as they are."""
    dialect = dialect_of(path.read_bytes(), COLUMNS)
    lines = dialect.text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    header = _filled(dialect.header, cells)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=end)
    writer.writerow([cells.get(name, "") for name in header])
    if line:
        lines[line - 1] = out.getvalue()
    else:
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += end
        lines.append(out.getvalue())
    return "".join(lines).encode(dialect.encoding)


def _workbook(path: Path, line: int, cells: Mapping[str, str]) -> bytes:
    import openpyxl

    book = openpyxl.load_workbook(path)
    names = {name.casefold(): name for name in book.sheetnames}
    sheet = book[names.get("tasks", book.sheetnames[0])]
    rows = read_rows(path, Complaints(path.name), COLUMNS)
    head = next(
        row for row in sheet.iter_rows() if any(str(cell.value).strip() in REQUIRED for cell in row)
    )
    places = {str(cell.value).strip().casefold(): cell.column for cell in head if cell.value}
    _filled([name for name in COLUMNS if name.casefold() in places], cells)
    last = rows[-1].line if rows else int(head[0].row or 1)
    at = line or last + 1
    for name in COLUMNS:
        if name.casefold() in places:
            sheet.cell(at, places[name.casefold()]).value = cells.get(name, "") or None
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _filled(header: list[str], cells: Mapping[str, str]) -> list[str]:
    """`header`; a cell that says something must have its column."""
    missing = [name for name, text in cells.items() if text and name not in header]
    if missing:
        raise ConfigurationError(
            f"the task table has no column {', '.join(missing)}; add it to its header first"
        )
    return header
