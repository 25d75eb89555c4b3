"""``oaf fsck``: a sound project is called sound, and each damage, done by hand, is named."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from project import MadeProject, made_project, numeric

from oaflib import report as documents
from oaflib.cli import main
from oaflib.config.project import load_project
from oaflib.fsck import fsck

A = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY"
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PAGE = "publish/reports/BCT/B1/2026-11-22"
RUN = "runs/reports/BCT_B1/2026-11-22"
pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> MadeProject:
    """A project after two mornings; the second alarms."""
    made = made_project(tmp_path_factory.mktemp("sound") / "site")
    made.tasks("BCT,LDB,B1,jdoe,TRUE,FALSE,None,daily,day,")
    made.dataset("BCT_B1", f'variables = ["{A}"]\n[[check]]\nkind = "range"\nhigh = 1.0\n')
    made.fill(numeric(A))
    for day in ("2026-11-21", "2026-11-22"):
        assert main(["daily", "--root", str(made.root), "--day", day]) == 0
    return made


@pytest.fixture
def project(held: MadeProject, tmp_path: Path) -> MadeProject:
    shutil.copytree(held.root, tmp_path / "site", symlinks=True)
    return MadeProject(tmp_path / "site")


def found(project: MadeProject, days: int | None = 30) -> list[str]:
    return [str(one) for one in fsck(load_project(project.root), AT, days).findings]


def state(*statements: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with sqlite3.connect(root / "runs/state.sqlite") as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    return change


def edited(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))

    return change


def gone(path: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        place = root / path
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()

    return change


def made(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).write_text("")


def cut(path: str) -> Callable[[Path], None]:
    return lambda root: os.truncate(root / path, 100)


def test_a_sound_project(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*") if path.is_file()}
    assert main(["fsck", "--root", str(project.root), "--at", "2026-11-23T09:00Z"]) == 0
    out = capsys.readouterr().out
    assert "All is sound." in out
    assert "The last 30 days: 1 alarm memories, 1 copies, 1 datasets" in out
    assert found(project, None) == []
    after = {path: path.stat().st_mtime_ns for path in project.root.rglob("*") if path.is_file()}
    new = {path for path in after if path not in before}
    assert {path.name for path in new} <= {"state.sqlite-shm", "state.sqlite-wal"}
    assert {path: after[path] for path in before if path in after} == before


REBUILT = "Type: oaf publish"
AGAIN = "Type: oaf daily --day 2026-11-22 --only BCT_B1 --again --no-mail"


@pytest.mark.parametrize(
    ("damage", "rule", "words", "cure"),
    [
        (gone(PAGE), "I1", "is made, and reports/BCT/B1/2026-11-22 is not there", AGAIN),
        (state("UPDATE run SET place = ''"), "I1", "has no place in the repository", AGAIN),
        (
            state("UPDATE run SET status = 'EXECUTED', window_end = window_end - 1000000000000000"),
            "I1",
            "was executed and never told, too long ago",
            AGAIN,
        ),
        (state("DELETE FROM outbox"), "I2", "new alarms no mail was ever queued", "by hand"),
        (state("UPDATE outbox SET ended = NULL"), "I3", "nobody wrote when", "Ask"),
        (
            state("UPDATE outbox SET state = 'queued', message = NULL"),
            "I3",
            "is queued and has no text",
            "oaf mail --list",
        ),
        (cut(f"{PAGE}/index.html"), "I4", "index.html is cut", AGAIN),
        (cut(f"{PAGE}/report.json"), "I4", "its report cannot be read", AGAIN),
        (cut(f"{PAGE}/notebook.ipynb"), "I4", "notebook.ipynb is not what was published", AGAIN),
        (gone(f"{PAGE}/notebook.ipynb"), "I4", "notebook.ipynb is gone", AGAIN),
        (made(f"{PAGE}/figures/x.svg"), "I4", "figures/x.svg came in later", AGAIN),
        (made(f"{PAGE}/manifest.json"), "I4", "manifest.json cannot be read", AGAIN),
        (edited(f"{PAGE}/report.json", '"ALARM"', '"OK"'), "I4", "not what was published", AGAIN),
        (edited(f"{PAGE}/report.json", '"ALARM"', '"OK"'), "I6", "is ALARM in the state", AGAIN),
        (gone("publish/RECENT/BCT_B1/index.html"), "I5", "cannot be read", REBUILT),
        (cut("publish/RECENT/BCT_B1/index.html"), "I5", "not the report of 2026-11-22", REBUILT),
        (gone("publish/RECENT_WITH_ALM/BCT_B1"), "I5", "stands in no half", REBUILT),
        (made("publish/RECENT_WITHOUT_ALM/BCT_B1"), "I5", "RECENT_WITHOUT_ALM, not", REBUILT),
        (made("publish/RECENT/BCT_gone"), "I5", "stands there without a report", REBUILT),
        (gone("publish/index.json"), "I5", "index.json: cannot be read", REBUILT),
        (edited("publish/index.json", "-22", "-20"), "I5", "the latest is 2026-11-22", REBUILT),
        (cut("publish/search.html"), "I5", "search.html: is cut", REBUILT),
        (gone("publish/search/2026-11.js"), "I5", "is not found by the search", REBUILT),
        (cut("publish/reports/BCT/B1/index.json"), "I5", "list of reports cannot be", REBUILT),
        (cut("publish/reports/BCT/B1/2026-11.json"), "I5", "list of 2026-11 cannot", REBUILT),
        (gone("publish/reports/BCT/B1/2026-11.html"), "I5", "2026-11.html is not there", REBUILT),
        (edited(f"{RUN}/notebook.ipynb", "token", "tokem"), "I6", "another run, or a", AGAIN),
        (made("publish/virus.exe"), "I8", "virus.exe: is of no kind", "take it away"),
        (made(f"{PAGE}/x.php"), "I8", "x.php: is of no kind", "take it away"),
        (made("publish/.index.html.new"), "I8", "was left over", REBUILT),
        (
            lambda root: (root / "publish/assets/x").symlink_to("/etc/passwd"),
            "I8",
            "is a link where none belongs",
            "take it away",
        ),
        (lambda root: os.mkfifo(root / "publish/pipe"), "I8", "neither file nor folder", "take"),
        (lambda root: (root / "publish/index.json").chmod(0o666), "I8", "by everybody", "chmod"),
        (gone(f"{RUN}/records/records.json"), "", "", ""),
        (cut(f"{RUN}/records/linked-0.parquet"), "records", "are torn: linked-0.parquet", AGAIN),
        (edited(f"{RUN}/records/records.json", "}", "]"), "records", "cannot be read", AGAIN),
        (gone("runs/history"), "history", "lacks the statistics of 2026-11-21", "rebuild"),
        (
            state("UPDATE kv SET value = '{' WHERE key LIKE 'alarms/%'"),
            "state",
            "alarms/BCT_B1/day: cannot be read",
            "restore",
        ),
        (cut("runs/state.sqlite"), "state", "runs/backup", "restore"),
        (gone("runs/state.sqlite"), "state", "is not there, and there are reports", "restore"),
    ],
)  # fmt: skip
def test_each_damage_is_named(
    project: MadeProject, damage: Callable[[Path], None], rule: str, words: str, cure: str
) -> None:
    for beside in ("-wal", "-shm"):
        (project.root / f"runs/state.sqlite{beside}").unlink(missing_ok=True)
    damage(project.root)
    for told in (found(project), found(project, None)):
        if not rule:
            assert told == []
            continue
        assert [line for line in told if line.startswith(f"{rule} ") and cure in line], told
        assert words in " ".join(told)


def test_what_it_says_to_type_mends(project: MadeProject) -> None:
    for damage in (
        gone("publish/RECENT"),
        cut("publish/index.json"),
        cut("publish/reports/BCT/B1/index.json"),
        made("publish/.index.html.new"),
        made("publish/search/.names.js.new"),
        made("publish/assets/.oaf.css.new"),
        gone("runs/history"),
    ):
        damage(project.root)
    assert len(found(project)) > 6
    assert main(["publish", "--root", str(project.root)]) == 0
    assert main(["history", "rebuild", "--root", str(project.root)]) == 0
    assert found(project) == []
    cut(f"{PAGE}/index.html")(project.root)
    (line,) = {line.partition("Type: oaf ")[2] for line in found(project) if line.startswith("I4")}
    assert main([*line.split(), "--root", str(project.root)]) == 0
    assert found(project) == []


def test_each_report_is_read_once(project: MadeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (project.root / "runs/reports").glob("*/*/report.json"):
        path.unlink()  # as of old reports: only the page is left
    read, texts = documents.read, []
    monkeypatch.setattr(documents, "read", lambda text: texts.append(text) or read(text))
    assert found(project, None) == []
    assert len(texts) == 2


def test_a_digest_tells_what_was_made_before_it(project: MadeProject) -> None:
    day = 86_400 * 10**9
    for later, lost in ((0, 0), (2 * day, 0), (4 * day, 2), (-day, 2)):
        words = f"queued = (SELECT max(ended) FROM run) + {later}"
        state(f"UPDATE outbox SET message_id = '<digest.' || id, subject = 'late', {words}")(
            project.root
        )
        for table_is_newer in (False, True):
            times = (2**33, 2**33) if table_is_newer else (0, 0)
            for name in ("config/site.toml", "config/tasks.csv"):
                os.utime(project.root / name, times)
            told = [line for line in found(project) if line.startswith("I2 ")]
            assert len(told) == lost, (later, table_is_newer, told)


def test_days_nobody_made_any_more(project: MadeProject) -> None:
    late = datetime(2026, 12, 20, 9, tzinfo=UTC)
    told = fsck(load_project(project.root), late, 60).findings
    (one,) = [finding for finding in told if finding.rule == "I1"]
    assert "19 reports never made: 2026-11-23, 2026-11-24" in one.what
    assert one.cure == "Type: oaf daily --from 2026-11-23 --to 2026-12-11 --only BCT_B1"


def test_for_programs_and_wrong_use(
    project: MadeProject, capsys: pytest.CaptureFixture[str]
) -> None:
    made("publish/virus.exe")(project.root)
    words = ["fsck", "--root", str(project.root), "--at", "2026-11-23T09:00Z"]
    assert main([*words, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "oaf-fsck/1"
    assert document["sound"] is False
    assert document["findings"][0]["rule"] == "I8"
    for name in "abcdef":
        made(f"publish/{name}.exe")(project.root)
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "I8 a.exe, b.exe, c.exe, d.exe and 3 more: is of no kind that a report has" in out
    assert out.endswith("7 findings.\n")
    with pytest.raises(SystemExit) as left:
        main([*words, "--days", "3", "--all"])
    assert left.value.code == 2


def test_a_morning_without_mail_is_no_lost_alarm(project: MadeProject) -> None:
    shutil.rmtree(project.root / "runs")
    shutil.rmtree(project.root / "publish")
    project.fill(numeric(A))
    day = ["daily", "--root", str(project.root), "--day", "2026-11-22", "--no-mail"]
    assert main(day) == 0
    assert found(project) == []
