"""The table of tasks reads well however a spreadsheet saved it."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from config_project import TASKS, make_project, notebook, write

from oaflib.config.project import check_config, load_project
from oaflib.config.tasks import FALSE, TRUE, Task

HEADER = "Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode"
ROWS = [line.split(",") for line in TASKS.splitlines()]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A good project."""
    return make_project(tmp_path)


def tasks_of(root: Path, text: str | bytes) -> list[tuple[object, ...]]:
    """What the project's tasks are with that table, but for their lines."""
    write(root, "config/tasks.csv", text)
    return [plain(task) for task in load_project(root).tasks]


def plain(task: Task) -> tuple[object, ...]:
    """All of a task but its line."""
    return tuple(value for name, value in vars(task).items() if name != "line")


def workbook(root: Path, rows: list[list[object]], title: str = "Sheet1") -> openpyxl.Workbook:
    """A workbook with that sheet, in place of the CSV file."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    (root / "config/tasks.csv").unlink(missing_ok=True)
    book.save(root / "config/tasks.xlsx")
    return book


SAVED_AS: dict[str, Callable[[str], str | bytes]] = {
    "bom": lambda text: "\ufeff" + text,
    "windows lines": lambda text: text.replace("\n", "\r\n"),
    "old mac lines": lambda text: text.replace("\n", "\r"),
    "no last line end": lambda text: text.rstrip("\n"),
    "semicolons": lambda text: text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "utf-16": lambda text: text.replace(",", "\t").encode("utf-16"),
    "utf-16 big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16 without mark": lambda text: text.encode("utf-16-le"),
    "windows-1252 comment": lambda text: ("# tâches\n" + text).encode("cp1252"),
    "sep line": lambda text: "sep=;\r\n" + text.replace(",", ";"),
    "blank lines": lambda text: "\n \n" + text.replace("\n", "\n\n;;;;;;\n,,,,,,,\n"),
    "trailing columns": lambda text: text.replace("\n", ",,,\n"),
    "blanks": lambda text: text.replace(",", " ,\t "),
    "no-break spaces": lambda text: text.replace(",", "\u00a0,\u202f"),
    "zero width": lambda text: text.replace("BCT", "\u200bBCT\ufeff"),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ),
    "comments": lambda text: "# of every morning, for all\n" + text + "#BCT,LDB,off,,0,0,\n",
    "quoted comment": lambda text: '"# one, two"\n' + text,
    "header in capitals": lambda text: text.replace(HEADER, HEADER.upper()),
    "empty ExpCode": lambda text: text.replace(",None", ","),
    "none in any case": lambda text: text.replace(",None", ",NONE"),
    "ipynb": lambda text: text.replace(",compare", ",compare.ipynb"),
    "small booleans": lambda text: text.replace("TRUE", "true").replace("FALSE", "no"),
    "numbers": lambda text: text.replace("TRUE", "1").replace("FALSE", "0"),
    "french": lambda text: text.replace(",", ";").replace("TRUE", "VRAI").replace("FALSE", "FAUX"),
    "german": lambda text: text.replace("TRUE", "WAHR").replace("FALSE", "Falsch"),
    "other order": lambda text: "\n".join(
        ",".join(reversed(line.split(","))) for line in text.splitlines()
    ),
    "empty extra columns": lambda text: text.replace(
        HEADER, HEADER + ",Schedule,Window,Template"
    ).replace("None\n", "None,,,\n"),
}


@pytest.mark.parametrize("saved", SAVED_AS.values(), ids=SAVED_AS)
def test_however_it_was_saved(root: Path, saved: Callable[[str], str | bytes]) -> None:
    expected = tasks_of(root, TASKS)
    assert len(expected) == 3
    assert tasks_of(root, saved(TASKS)) == expected


def test_lines_are_those_of_the_file(root: Path) -> None:
    write(root, "config/tasks.csv", "# head\n\n" + TASKS.replace("jjgras ops", '"jjgras\n ops'))
    text = (root / "config/tasks.csv").read_text().replace("example.org,TRUE", 'example.org",TRUE')
    write(root, "config/tasks.csv", text)
    assert [task.line for task in load_project(root).tasks] == [4, 5, 7]


def test_optional_columns(root: Path) -> None:
    rows = (
        "BCT,LDB,L2,,0,1,,Daily,,generic.ipynb\n"
        "BCT,LDB,L2,,0,1,,hourly,Last  15min,\n"
        "BCT,LDB,L2,,0,1,,WEEKLY,last 7d,\n"
    )
    write(root, "config/tasks.csv", f"{HEADER},Schedule,Window,Template\n{rows}")
    tasks = load_project(root).tasks
    assert [task.schedule for task in tasks] == ["daily", "hourly", "weekly"]
    assert [task.window for task in tasks] == ["day", "last 15min", "last 7d"]
    assert [task.template for task in tasks] == ["generic", "", ""]


@pytest.mark.parametrize("word", [*TRUE, *FALSE])
def test_every_boolean(root: Path, word: str) -> None:
    for text in (word, word.upper(), f" {word.title()} "):
        write(root, "config/tasks.csv", f"{HEADER}\nBCT,LDB,L2,jjgras,{text},1,\n")
        assert load_project(root).tasks[0].email is (word in TRUE)


def test_a_workbook_is_the_same_table(root: Path) -> None:
    expected = tasks_of(root, TASKS)
    booleans = {"TRUE": True, "FALSE": False}
    rows = [[booleans.get(cell, cell) or None for cell in row] for row in ROWS]
    for row, original in zip(rows, ROWS, strict=True):
        row[:] = [booleans.get(cell, value) for value, cell in zip(row, original, strict=True)]
    workbook(root, rows)
    assert [plain(task) for task in load_project(root).tasks] == expected


def test_the_sheet_called_tasks_is_the_one(root: Path) -> None:
    book = workbook(root, [["notes"], ["of the shutdown"]])
    sheet = book.create_sheet("Tasks")
    for row in [[], ["# for all"], ROWS[0], [], *ROWS[1:]]:
        sheet.append(row)
    book.save(root / "config/tasks.xlsx")
    assert [task.line for task in load_project(root).tasks] == [5, 6, 7]


def test_numbers_in_a_workbook_are_read_as_shown(root: Path) -> None:
    workbook(root, [ROWS[0], ["BCT", "LDB", 414, "jjgras", 1, 0.0, None]])
    (task,) = load_project(root).tasks
    assert (task.dataset, task.email, task.default_plots) == ("414", True, False)


def test_a_date_made_of_an_id_is_refused(root: Path) -> None:
    workbook(root, [ROWS[0], ["BCT", "LDB", datetime.date(2026, 1, 2), "", 0, 0, None]])
    (problem,) = check_config(root)
    assert str(problem) == (
        "config/tasks.xlsx: line 2, DataSet: '2026-01-02 00:00:00 (a date: format the cells as "
        "text)' cannot be the ID of a dataset: it holds ' ' (U+0020); allowed are letters, digits, "
        "'.' and '-', at most 64, the first a letter or a digit"
    )


def test_both_tables_are_one_too_many(root: Path) -> None:
    workbook(root, ROWS)
    write(root, "config/tasks.csv", TASKS)
    (problem,) = check_config(root)
    assert str(problem) == ("config/tasks.csv: config/tasks.xlsx is there too; keep one of the two")


def test_no_table_at_all(root: Path) -> None:
    (root / "config/tasks.csv").unlink()
    (problem,) = check_config(root)
    assert str(problem) == "config/tasks.csv: is missing, and so is tasks.xlsx"
    write(root, "config/tasks.xls", b"\xd0\xcf\x11\xe0")
    (problem,) = check_config(root)
    assert problem.message.endswith("save tasks.xls as .xlsx or CSV")


@pytest.mark.parametrize("damage", ["text", "cut", "other zip", "old xls", "empty"])
def test_a_damaged_workbook_is_named(root: Path, damage: str) -> None:
    workbook(root, ROWS)
    path = root / "config/tasks.xlsx"
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    path.write_bytes(
        {
            "text": TASKS.encode(),
            "cut": path.read_bytes()[:900],
            "other zip": other.getvalue(),
            "old xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "empty": b"",
        }[damage]
    )
    (problem,) = check_config(root)
    assert (problem.file, problem.place) == ("config/tasks.xlsx", "")
    assert problem.message.startswith("is not a workbook that can be read (")
    assert problem.message.endswith("save it as .xlsx without a password, or as CSV")


def test_a_million_lines_are_refused_soon(root: Path) -> None:
    write(root, "config/tasks.csv", HEADER + "\n" + "BCT,LDB,L2,j,1,1,\n" * 1_000_000)
    (problem,) = check_config(root)
    assert str(problem) == ("config/tasks.csv: has 18 MB; a configuration file has at most 4 MB")


def test_many_mistakes_are_counted(root: Path) -> None:
    write(root, "config/tasks.csv", HEADER + "\n" + "BTC,LDB,L2,j,1,1,\n" * 1_000)
    problems = check_config(root)
    assert len(problems) == 201
    assert str(problems[-1]) == "config/tasks.csv: …: 800 more problems"


def test_expert_functions_are_read_but_never_run(root: Path) -> None:
    line = f"{HEADER}\nBCT,LDB,L2,,0,1,fits:width\n"
    write(root, "notebooks/experts/fits.py", "raise SystemExit\ndef width(study): ...\n")
    assert len(tasks_of(root, line)) == 1
    write(root, "notebooks/experts/fits.py", "def widths(study): ...\n")
    write(root, "config/tasks.csv", line)
    (problem,) = check_config(root)
    assert problem.message == (
        "fits.py has no function 'width'. Did you mean 'widths'? It has: widths"
    )
    write(root, "notebooks/experts/fits.py", "def width(study) ...\n")
    (problem,) = check_config(root)
    assert problem.message.startswith("fits.py, line 1 is not Python: ")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (notebook([]), "has no cells tagged 'parameters'"),
        ("{}", "is not a notebook: KeyError: 'nbformat'"),
        ("[1]", "is not a notebook: TypeError"),
        ("not json", "is not a notebook: JSONDecodeError"),
        (b"\xff\xfe\x00", "is not a notebook: UnicodeDecodeError"),
        (notebook().replace('"nbformat": 4', '"nbformat": 3'), "is a notebook of version 3"),
        (notebook().replace('"python"', '"julia"'), "is written in julia; OAF runs Python"),
    ],
)
def test_a_notebook_that_cannot_run_is_refused(root: Path, content: str, fault: str) -> None:
    write(root, "notebooks/experts/compare.ipynb", content)
    (problem,) = check_config(root)
    assert (problem.file, problem.place) == ("config/tasks.csv", "line 3, ExpCode")
    assert problem.message.startswith(f"compare.ipynb {fault}")
