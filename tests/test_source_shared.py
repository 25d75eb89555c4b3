"""Through the command line, from a real database: asked once, counted, told when it is away."""

from __future__ import annotations

import json
import sqlite3
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import DAY, MadeProject, made_project, numeric
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
    for words in (["BCT_B1", "--expert", "mine:look"], ["BCT_B2"]):
        assert oaf(project, "run", *words, "--day", str(DAY)) == 0
        again = document(project, words[0].removeprefix("BCT_"))
        about = again["provenance"]["asked"]
        assert (about["queries"], about["rows"], about["kept"]) == (0, 0, 2 * 8640)
        assert again["statistics"] == first["statistics"]
        assert not [o for o in again["outcomes"] if o["check"] == "expert code"]
    assert oaf(project, "run", "BCT_B2", "--day", str(DAY), "--fresh") == 1
    assert document(project, "B2")["outcomes"][0]["reason"].startswith("SQL did not answer")


def test_a_source_that_is_away_is_told_once_and_the_morning_goes_on(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two reports of it INVALID, each reader one mail, the operator one line; others are made."""
    project.tasks(
        "BCT,SQL,B1,jdoe,TRUE,TRUE,None,daily,day,", "BCT,SQL,B2,jdoe,TRUE,TRUE,None,daily,day,",
        "BWS,LDB,ok,jdoe,FALSE,TRUE,None,daily,day,",
    )  # fmt: skip
    project.dataset("BWS_ok", 'variables = ["BWS.A:I"]\n')
    project.fill(numeric("BWS.A:I"))
    base = project.root / "log.db"
    away = base.rename(project.root / "away.db")
    assert oaf(project, "daily", "--day", str(DAY), "--jobs", "1") == 1
    for name in ("B1", "B2"):
        (outcome,) = document(project, name)["outcomes"]
        assert (outcome["check"], outcome["device"], outcome["severity"]) == (
            "source", "SQL", "INVALID",
        )  # fmt: skip
        assert outcome["reason"].startswith("SQL did not answer: sqlite:///log.db was asked 1 ti")
    # the second was not tried: the first had found out
    assert "found at" not in document(project, "B1")["outcomes"][0]["reason"]
    assert "by another report; not asked again before" in str(document(project, "B2"))
    ok = json.loads((project.report("BWS", "ok") / "report.json").read_bytes())
    assert ok["finished"] is True
    (mail,) = project.mails
    text = written(mail)
    assert text.count("SQL did not answer") == 1
    assert "2 reports INVALID: BCT B1, BCT B2" in text
    (page,) = project.pages
    assert written(page).count("SQL did not answer") == 1
    front = (project.root / "publish/index.html").read_text()
    assert front.count("did not answer") == 1
    assert "So 2 datasets could not be judged:" in front
    # it comes back
    away.rename(base)
    (project.root / "runs/sources/SQL/down.json").unlink()
    assert oaf(project, "daily", "--day", str(DAY), "--only", "BCT_B1") == 0
    assert document(project, "B1")["finished"] is True
    index = json.loads((project.root / "publish/index.json").read_bytes())
    (row,) = [row for row in index["asked"] if row["source"] == "SQL"]
    assert (row["reports"], row["rows"], row["kept"]) == (1, 17280 + 4, 0)
    assert (
        "What the logging systems were asked" in (project.root / "publish/index.html").read_text()
    )


def test_low_resolution_is_seen_everywhere(project: MadeProject) -> None:
    """In the report, on its page, on the front page and in the mail."""
    project.dataset("BCT_B1", 'variables = ["BCT.%:I"]\n[budget]\npoints = 10000\nbuckets = 240\n')
    project.tasks("BCT,SQL,B1,jdoe,TRUE,TRUE,None,daily,day,")
    assert oaf(project, "daily", "--day", str(DAY)) == 0
    report = document(project)
    assert report["provenance"]["quality"]["coarse"] == 1
    assert report["provenance"]["quality"]["resolution"] == 360.0
    assert any("(at low resolution, in parts of 360 s)" in o["reason"] for o in report["outcomes"])
    assert {entry["count"] for entry in report["statistics"]} == {8640}
    words = "1 of 2 variables came as the least and the greatest sample of each 360 s"
    page = (project.report("BCT", "B1") / "index.html").read_text()
    assert "low resolution</span>" in page
    assert words in page
    assert "low resolution</span>" in (project.root / "publish/index.html").read_text()
    (mail,) = project.mails
    assert "LOW RESOLUTION" in written(mail)
    assert f"Low resolution: {words}" in written(mail)


def written(path: Path) -> str:
    """The text of a mail, on one line."""
    mail = message_from_bytes(path.read_bytes(), policy=default)
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())
