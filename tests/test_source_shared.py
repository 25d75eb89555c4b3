"""Through the command line, from a real database: asked once, counted, told when it is away."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import DAY, MadeProject, made_project
from test_cli import oaf

from oaflib.window import calendar_day

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
pytestmark = pytest.mark.kernel

SITE = """
[sources.SQL]
kind = "sql"
url = "sqlite:///log.db"
table = "samples"
time = "t"
variable = "name"
value = "v"
time_format = "ns"
attempts = 1
"""


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.site(SITE)
    made.tasks(
        "BCT,SQL,B1,jdoe,TRUE,TRUE,None,daily,day,", "BCT,SQL,B2,jdoe,TRUE,TRUE,None,daily,day,"
    )
    made.dataset("BCT_B1", 'variables = ["BCT.%:I"]\n')
    made.dataset("BCT_B2", 'variables = ["BCT.A:I", "BCT.B:I"]\n')
    window = calendar_day(DAY, "Europe/Zurich")
    noise = np.random.default_rng(3)
    with sqlite3.connect(made.root / "log.db") as base:
        base.execute("create table samples (t integer, name text, v real)")
        for name in ("BCT.A:I", "BCT.B:I"):
            rows = [
                (window.start_ns + i * 10**10, name, float(noise.standard_normal()))
                for i in range(8640)
            ]
            base.executemany("insert into samples values (?,?,?)", rows)
    base.close()
    return made


def document(project: MadeProject, dataset: str = "B1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (project.report("BCT", dataset) / "report.json").read_bytes()
    )
    return found


def test_a_run_again_asks_the_database_for_nothing(project: MadeProject) -> None:
    """Not even whether it is there: it is not any more."""
    assert oaf(project, "run", "BCT_B1", "--day", str(DAY)) == 0
    first = document(project)
    asked = first["provenance"]["asked"]
    assert (asked["source"], asked["kind"], asked["rows"]) == ("SQL", "sql", 17280 + 4)
    assert asked["queries"] >= 4
    assert asked["seconds"] > 0
    assert asked["bytes"] == 2 * 8640 * 16
    (project.root / "log.db").unlink()
    experts = project.root / "notebooks/experts/mine.py"
    experts.write_text("def look(study, records):\n    assert len(records['BCT.A:I']) == 8640\n")
    for words in (["BCT_B1"], ["BCT_B1", "--expert", "mine:look"], ["BCT_B2"]):
        assert oaf(project, "run", *words, "--day", str(DAY)) == 0
        again = document(project, words[0].removeprefix("BCT_"))
        about = again["provenance"]["asked"]
        assert (about["queries"], about["rows"], about["kept"]) == (0, 0, 2 * 8640)
        assert again["statistics"] == first["statistics"]
        assert not [o for o in again["outcomes"] if o["check"] == "expert code"]
