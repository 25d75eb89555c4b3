"""``config/tasks.csv`` or ``tasks.xlsx``: the reports of every morning, one a line."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from oaflib.config.document import Complaints
from oaflib.config.ids import fault_of_id, fault_of_instrument
from oaflib.config.notebook import Shelf
from oaflib.config.rules import fault_of_user, parse_notebook
from oaflib.config.table import Row, read_rows
from oaflib.config.words import listed, near, quoted
from oaflib.window import of_rule

REQUIRED = ("Instrument", "Source", "DataSet", "UserId", "email", "DftPlot", "ExpCode")
COLUMNS = (*REQUIRED, "Schedule", "Window", "Template")
SCHEDULES = ("daily", "hourly", "weekly")
WHEN = ("always", "alarms", "changes")
# What Excel writes in English, French and German, and what people type.
TRUE = ("true", "1", "yes", "vrai", "wahr")
FALSE = ("false", "0", "no", "faux", "falsch")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
Reader = Callable[[str], Any]
_ANY_TIME = datetime(2026, 1, 15, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Task:
    """One line of the table.

    Attributes
    ----------
    user_id : logins and addresses with blanks between them; empty when nobody is mailed.
    expert_code : a notebook's name without ``.ipynb``, or ``module:function``; empty for none.
    window : a rule for `oaflib.window.of_rule`, in lower case.
    template : a notebook's name without ``.ipynb``; empty for the dataset's or instrument's.
    when : of which reports mail goes out, as in the site's ``[mail]``; empty: as said there.
    line : of the file, from 1.
    """

    instrument: str
    source: str
    dataset: str
    user_id: str
    email: bool
    default_plots: bool
    expert_code: str = ""
    schedule: str = "daily"
    window: str = "day"
    template: str = ""
    when: str = ""
    line: int = 0

    @property
    def id(self) -> str:
        """``<INST>_<dataset>``."""
        return f"{self.instrument}_{self.dataset}"


@dataclass(frozen=True)
class Surroundings:
    """What a task may name; None where the file that would say so is wrong itself."""

    zone: str
    domain: str | None
    sources: tuple[str, ...] | None
    instruments: tuple[str, ...] | None
    experts: Shelf
    templates: Shelf


def read_tasks(path: Path, complaints: Complaints, around: Surroundings) -> tuple[Task, ...]:
    """The tasks of the table at `path`, in its order; what is wrong is noted in `complaints`."""
    rows = read_rows(path, complaints, COLUMNS)
    if complaints.problems and not rows:
        return ()
    present = set(rows[0].cells) if rows else set()
    missing = [name for name in REQUIRED if rows and name not in present]
    if missing:
        complaints.add("", f"lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
        return ()
    readers = {name: reader for name, reader in _readers(around).items() if name in present}
    tasks = [task for row in rows if (task := _task(row, complaints, readers, around))]
    _check_twice(tasks, complaints, around.zone)
    return tuple(tasks)


def _task(
    row: Row, complaints: Complaints, readers: Mapping[str, Reader], around: Surroundings
) -> Task | None:
    values: dict[str, Any] = {}
    about = f"{row.cells['Instrument']}_{row.cells['DataSet']}"  # a bad line stops no other
    for number, cell in row.stray.items():
        message = f"{quoted(cell)} stands in a column without a header"
        complaints.add(f"line {row.line}, column {number}", message, about)
    for column, reader in readers.items():
        try:
            values[_FIELDS[column]] = reader(row.cells[column])
        except (ValueError, ArithmeticError) as error:
            complaints.add(f"line {row.line}, {column}", str(error), about)
    if len(values) < len(readers):
        return None
    word = values["email"]
    values["email"], values["when"] = bool(word), word if word in WHEN else ""
    task = Task(line=row.line, **values)
    if task.email and not task.user_id:
        message = "is empty, but email is TRUE: who is mailed?"
        complaints.add(f"line {row.line}, UserId", message, about)
    for word in task.user_id.split() if task.email else ():
        if fault := fault_of_user(word, "-" if around.domain is None else around.domain):
            complaints.add(f"line {row.line}, UserId", fault, about)
    return task


def _check_twice(tasks: list[Task], complaints: Complaints, zone: str) -> None:
    """One report a dataset and window; and no two datasets that some file systems mix up."""
    seen: dict[tuple[str, str], Task] = {}
    folded: dict[str, Task] = {}
    for task in tasks:
        key = (task.id, of_rule(task.window, _ANY_TIME, zone).key)
        first = seen.setdefault(key, task)
        if first is not task:
            complaints.add(
                f"line {task.line}",
                f"{task.id} with Window {task.window} is on line {first.line} already",
                task.id,
            )
        other = folded.setdefault(task.id.casefold(), task)
        if other.id != task.id:
            complaints.add(
                f"line {task.line}, DataSet",
                f"{task.id} and {other.id} of line {other.line} differ only in case",
                task.id,
            )


def _instrument(known: Sequence[str] | None, text: str) -> str:
    fault = fault_of_instrument(text, known) if text else "is empty"
    if fault:
        raise ValueError(fault)
    return text


def _source(known: Sequence[str] | None, text: str) -> str:
    if not text:
        raise ValueError("is empty")
    if known is not None and text not in known:
        hint = f"{near(text, known)} There are: {listed(known)}"
        raise ValueError(f"no source is called {quoted(text)}.{hint}")
    return text


def _dataset(text: str) -> str:
    if fault := fault_of_id(text, "a dataset"):
        raise ValueError(fault)
    return text


def _users(text: str) -> str:
    for word in text.split():
        if fault := fault_of_user(word):
            raise ValueError(fault)
    return " ".join(text.split())


def _boolean(text: str) -> bool:
    if text.casefold() in TRUE:
        return True
    if text.casefold() in FALSE:
        return False
    found = f"{quoted(text)} is neither true nor false" if text else "is empty"
    allowed = f"{', '.join(TRUE)} or {', '.join(FALSE)}"
    raise ValueError(f"{found}. Allowed, in any case: {allowed}")


def _email(text: str) -> str:
    """One of `WHEN`; ``true`` for as the site says; empty for no mail."""
    if text.casefold() in WHEN:
        return text.casefold()
    try:
        return "true" if _boolean(text) else ""
    except ValueError as error:
        raise ValueError(f"{error}; or, of which reports: {', '.join(WHEN)}") from None


def parse_expert_code(experts: Shelf, text: str) -> str:
    """A notebook of `experts` without ``.ipynb``, or ``module:function``; empty for none.

    Raises
    ------
    ValueError
        There is no such notebook or function.
    """
    if text.casefold() in ("", "none"):
        return ""
    if ":" in text:
        return _function(text, experts.folder)
    return _notebook(text, experts)


def _function(text: str, experts: Path) -> str:
    """``module:function``, never imported here; read when it is a file of the experts' folder."""
    if not _FUNCTION.fullmatch(text) or any(map(keyword.iskeyword, re.split("[.:]", text))):
        raise ValueError(f"{quoted(text)} is not module:function, as in bct_experts:compare")
    module, _, function = text.partition(":")
    file = experts.joinpath(*module.split(".")).with_suffix(".py")
    if not file.is_file():
        return text
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ValueError(f"{file.name}{where} is not Python: {error}") from None
    known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assigned = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if function not in known and function not in assigned:
        hint = f"{near(function, known)} It has: {listed(known)}"
        raise ValueError(f"{file.name} has no function {quoted(function)}.{hint}")
    return text


def _notebook(text: str, shelf: Shelf) -> str:
    name = parse_notebook(text)
    if fault := shelf.fault_of(name):
        raise ValueError(fault)
    return name


def _schedule(text: str) -> str:
    word = text.casefold() or "daily"
    if word not in SCHEDULES:
        hint = f"{near(word, SCHEDULES)} Allowed: {listed(SCHEDULES)}"
        raise ValueError(f"no schedule is called {quoted(text)}.{hint}")
    return word


def _window(zone: str, text: str) -> str:
    rule = " ".join(text.casefold().split()) or "day"
    of_rule(rule, _ANY_TIME, zone)
    return rule


def _template(templates: Shelf, text: str) -> str:
    return "" if text.casefold() in ("", "none") else _notebook(text, templates)


def _readers(around: Surroundings) -> dict[str, Reader]:
    """What reads each column."""
    return {
        "Instrument": partial(_instrument, around.instruments),
        "Source": partial(_source, around.sources),
        "DataSet": _dataset,
        "UserId": _users,
        "email": _email,
        "DftPlot": _boolean,
        "ExpCode": partial(parse_expert_code, around.experts),
        "Schedule": _schedule,
        "Window": partial(_window, around.zone),
        "Template": partial(_template, around.templates),
    }


_FIELDS = {
    "Instrument": "instrument",
    "Source": "source",
    "DataSet": "dataset",
    "UserId": "user_id",
    "email": "email",
    "DftPlot": "default_plots",
    "ExpCode": "expert_code",
    "Schedule": "schedule",
    "Window": "window",
    "Template": "template",
}
