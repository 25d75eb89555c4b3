"""The morning, through the command a user types: report, page, mail and exit code of each case."""

from __future__ import annotations

import email
import html
import json
import subprocess
import sys
import time
from email import policy
from pathlib import Path

import nbformat
import numpy as np
import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.run.isolation import best
from oaflib.window import moment

pytestmark = [pytest.mark.kernel]
A, B = "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", "LHC.BCTDC.B6R4.B1:BEAM_INTENSITY"
ROW = "BCT,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,"
DATASET = f'title = "Beam 1"\nvariables = ["{A}"]\n'


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.tasks(ROW)
    made.dataset("BCT_B1", DATASET)
    return made


def daily(project: MadeProject, *more: str, day: str = "2026-11-22") -> int:
    return main(["daily", "--root", str(project.root), "--day", day, *more])


def report_of(project: MadeProject, dataset: str = "B1", label: str = "2026-11-22") -> dict:
    return json.loads((project.report("BCT", dataset, label) / "report.json").read_text())


def mail_of(path: Path) -> email.message.EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=policy.default)


def view(project: MadeProject, name: str) -> set[str]:
    return {path.name for path in (project.root / "publish" / name).iterdir() if path.is_dir()}


def test_a_quiet_day(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.fill(numeric(A))
    assert daily(project) == 0
    report = report_of(project)
    assert report["finished"] is True
    assert report["severity"] == "OK"
    assert report["window"]["start"] == "2026-11-21T23:00:00Z"
    assert report["statistics"][0]["count"] == 1440
    assert report["provenance"]["rows"] == 1440
    page = project.report("BCT", "B1")
    assert (page / "index.html").exists()
    assert (page / "notebook.ipynb").exists()
    assert list((page / "figures").iterdir())
    assert view(project, "RECENT") == view(project, "RECENT_WITHOUT_ALM") == {"BCT_B1"}
    assert view(project, "RECENT_WITH_ALM") == set()
    (path,) = project.mails
    mail = mail_of(path)
    assert mail["To"] == "jdoe@example.org"
    assert mail["Subject"] == "[OAF] BCT B1 2026-11-22: OK"
    text = mail.get_body(("plain",)).get_content()
    order = ["reports/BCT/B1/2026-11-22/", "publish/index.html", "/RECENT/", "/RECENT_WITH_ALM/"]
    places = [text.index(link) for link in [*order, "/RECENT_WITHOUT_ALM/"]]
    assert places == sorted(places)
    assert "[1/1] BCT_B1 2026-11-22: OK" in capsys.readouterr().out


def test_an_alarm_is_told_with_value_limit_and_since(project: MadeProject) -> None:
    values = np.full(1440, 1.0) + 1e-3 * np.random.default_rng(2).standard_normal(1440)
    values[720:] += 0.2
    project.fill(numeric(A, values, unit="A"))
    project.dataset("BCT_B1", DATASET + '[[check]]\nkind = "range"\nhigh = 1.1\nguidance = "Look."')
    assert daily(project) == 0
    report = report_of(project)
    (alarm,) = [entry for entry in report["outcomes"] if entry["severity"] == "ALARM"]
    assert alarm["variable"] == A
    assert alarm["device"] == "LHC.BCTDC.A6R4.B1"
    assert alarm["limit"]["high"] == 1.1
    assert alarm["found"] > 1.1
    assert alarm["unit"] == "A"
    assert alarm["since"] == "2026-11-22T11:00:00Z"
    assert alarm["change"] == "NEW"
    assert view(project, "RECENT_WITH_ALM") == {"BCT_B1"}
    assert view(project, "RECENT_WITHOUT_ALM") == set()
    mail = mail_of(project.mails[0])
    assert mail["Subject"] == "[OAF] BCT B1 2026-11-22: 1 NEW"
    assert "Look." in mail.get_body(("plain",)).get_content()


def test_the_same_morning_again_makes_and_mails_nothing_twice(project: MadeProject) -> None:
    project.fill(numeric(A))
    assert daily(project) == 0
    made = (project.report("BCT", "B1") / "report.json").stat().st_mtime_ns
    assert daily(project) == 0
    assert (project.report("BCT", "B1") / "report.json").stat().st_mtime_ns == made
    assert len(project.mails) == 1
    assert daily(project, "--again") == 0
    assert (project.report("BCT", "B1") / "report.json").stat().st_mtime_ns > made
    assert len(project.mails) == 1


def test_no_data_that_day_is_no_usage(project: MadeProject) -> None:
    project.fill(numeric(A))
    assert daily(project, day="2026-11-20") == 0
    report = report_of(project, label="2026-11-20")
    assert report["severity"] in ("ALARM", "INVALID")
    assert "no usage" in {
        entry["fault"] for entry in report["outcomes"] if entry["severity"] == "ALARM"
    }


def test_an_absent_variable_is_not_an_empty_one(project: MadeProject) -> None:
    project.fill(numeric(A))
    project.dataset("BCT_B1", f'title = "B1"\nvariables = ["{A}", "LHC.NO.SUCH:THING"]\n')
    assert daily(project) == 0
    (outcome,) = [e for e in report_of(project)["outcomes"] if e["severity"] == "INVALID"]
    assert outcome["variable"] == "LHC.NO.SUCH:THING"
    assert "knows no variable" in outcome["reason"]


def test_a_source_that_is_away(project: MadeProject) -> None:
    assert daily(project) == 1
    report = report_of(project)
    assert report["finished"] is False
    assert report["severity"] == "INVALID"
    assert report["outcomes"][0]["reason"].startswith("LDB did not answer: ")
    assert view(project, "RECENT_WITH_ALM") == {"BCT_B1"}
    (mail,) = map(mail_of, project.mails)  # the operator reads it in the page of the morning
    assert mail["To"] == "jdoe@example.org"
    assert "1 failed" in mail["Subject"]
    assert "LDB did not answer" in project.pages[0].read_text()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import os; os.kill(os.getpid(), 9)", "the kernel died"),
        ("import sys; sys.exit(0)", "never concluded"),
        ("while True: pass", "was ended after 25 s"),
    ],
    ids=["raises", "is killed", "leaves early", "hangs"],
)
def test_a_notebook_that_breaks_is_a_page_and_the_morning_goes_on(
    project: MadeProject, cell: str, said: str
) -> None:
    project.fill(numeric(A))
    broken = project.root / "notebooks/templates/broken.ipynb"
    notebook = nbformat.read(project.root / "notebooks/templates/generic.ipynb", as_version=4)
    notebook.cells.insert(7, nbformat.v4.new_code_cell(cell))
    nbformat.write(notebook, broken)
    project.site("[limits]\nseconds = 25\n" if "while" in cell else "")
    project.tasks(f"{ROW}broken", ROW.replace("B1,", "B2,"))
    project.dataset("BCT_B2", DATASET)
    assert daily(project) == 1
    report = report_of(project)
    assert report["finished"] is False
    assert said in report["outcomes"][0]["reason"]
    page = (project.report("BCT", "B1") / "index.html").read_text()
    assert said in page.replace("\N{NO-BREAK SPACE}", " ")
    assert report_of(project, "B2")["finished"] is True
    assert view(project, "RECENT_WITH_ALM") == {"BCT_B1"}
    assert view(project, "RECENT_WITHOUT_ALM") == {"BCT_B2"}


def test_a_template_without_its_parameters_cell_is_refused(project: MadeProject) -> None:
    project.fill(numeric(A))
    path = project.root / "notebooks/templates/bct.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata["tags"] = []
    nbformat.write(notebook, path)
    assert daily(project) == 1
    report = report_of(project)
    assert "tagged 'parameters'" in report["outcomes"][0]["reason"]
    assert report["finished"] is False


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("BCX,LDB,B1,jdoe,TRUE,TRUE,None,daily,day,", "Did you mean 'BCT'?"),
        ("BCT,LDB,B_1,jdoe,TRUE,TRUE,None,daily,day,", "B_1"),
        ("BCT,LDB,../B1,jdoe,TRUE,TRUE,None,daily,day,", "../B1"),
        ("BCT,MDB,B1,jdoe,TRUE,TRUE,None,daily,day,", "MDB"),
        ("BCT,LDB,B1,jdoe,maybe,TRUE,None,daily,day,", "maybe"),
    ],
)
def test_a_wrong_table_stops_everything_and_is_explained(
    project: MadeProject, row: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project.tasks(row)
    assert daily(project) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "config/tasks.csv" in told
    assert not (project.root / "publish").exists()


def test_a_dataset_without_a_file_uses_the_saved_snapshot(project: MadeProject) -> None:
    from oaflib.sources.base import Snapshot
    from oaflib.sources.embedded import Lake

    project.fill(numeric(A), numeric(B))
    with Lake(project.root / "runs/store") as lake:
        lake.save_snapshot(Snapshot("BI_BCT_L2", ("LHC.BCTDC.%",), "all DC transformers"))
    project.tasks("BCT,LDB,L2,jdoe,FALSE,TRUE,None,daily,day,")
    assert daily(project) == 0
    report = report_of(project, "L2")
    assert [entry["variable"] for entry in report["statistics"]] == [A, B]
    assert report["severity"] == "OK"
    assert project.mails == []


def test_expert_code_adds_alarms_and_its_failure_is_contained(project: MadeProject) -> None:
    project.fill(numeric(A))
    experts = project.root / "notebooks/experts"
    (experts / "mine.py").write_text(
        "import oaflib as oaf\n"
        "def good(study, records):\n"
        f"    return [oaf.alarm('{A}', 'Told by the expert.', found=len(records['{A}']))]\n"
        "def bad(study, records):\n"
        "    raise RuntimeError('my own mistake')\n"
    )
    project.tasks(
        "BCT,LDB,B1,jdoe,FALSE,FALSE,mine:good,daily,day,",
        "BCT,LDB,B2,jdoe,FALSE,FALSE,mine:bad,daily,day,",
    )
    project.dataset("BCT_B2", DATASET)
    assert daily(project) == 0
    (alarm,) = [e for e in report_of(project)["outcomes"] if e["severity"] == "ALARM"]
    assert alarm["reason"] == "Told by the expert."
    assert alarm["found"] == 1440
    level = best()
    said = f"prlimit; the expert's code {level.name}" + (f" ({level.lack})" if level.lack else "")
    assert report_of(project)["provenance"]["isolation"] == said
    page = (project.report("BCT", "B1") / "index.html").read_text()
    assert f"Isolation: {said}." in html.unescape(page)
    assert "Report(instrument=" not in page
    bad = report_of(project, "B2")
    assert bad["finished"] is True
    (invalid,) = [e for e in bad["outcomes"] if e["severity"] == "INVALID"]
    assert "mine:bad failed: RuntimeError: my own mistake" in invalid["reason"]


def test_two_mornings_at_once(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    from oaflib.run.lock import held

    with held(project.root / "runs/lock"):
        assert daily(project) == 3
    assert "another run works on this project" in capsys.readouterr().err


def test_a_dry_run_makes_nothing(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert daily(project, "--dry-run") == 0
    assert capsys.readouterr().out == "BCT_B1 2026-11-22 from LDB\n"
    assert not (project.root / "runs").exists()


def test_run_daily_is_crons_address(project: MadeProject) -> None:
    project.fill(numeric(A))
    script = Path(__file__).resolve().parents[1] / "run_daily.py"
    ran = subprocess.run(
        [sys.executable, script, "--root", project.root, "--day", "2026-11-22", "--no-mail"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert project.mails == []
    assert "[1/1] BCT_B1 2026-11-22: OK" in ran.stdout


def test_one_report_by_hand(project: MadeProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.fill(numeric(A))
    root = ["--root", str(project.root)]
    assert main(["run", "BCT_B1", *root, "--day", "2026-11-22", "--name", "MD2162"]) == 0
    assert report_of(project, label="MD2162")["window"]["label"] == "MD2162"
    series = numeric(A)
    begin, end = (moment(int(series.time[i])).isoformat() for i in (600, 615))
    assert main(["run", "BCT_B1", *root, "--from", begin, "--to", end, "--low-res"]) == 0
    assert report_of(project, label="2026-11-22T1000_15min")["statistics"][0]["count"] == 15


def test_an_experts_notebook_is_a_template_like_any_other(project: MadeProject) -> None:
    project.fill(numeric(A))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        nbformat.v4.new_code_cell(
            "dataset = start = end = source = name = run = ''\nlow_res = False",
            metadata={"tags": ["parameters"]},
        ),
        nbformat.v4.new_markdown_cell("## My own look"),
        nbformat.v4.new_code_cell(
            "import oaflib as oaf\n"
            "study = oaf.open_study(dataset, start, end, source, run, name=name)\n"
            "records = oaf.extract(study)\n"
            f"print('samples seen:', len(records['{A}']))"
        ),
        nbformat.v4.new_code_cell(
            f"oaf.conclude(study, outcomes=[oaf.alarm('{A}', 'Mine.', fault='ageing')])"
        ),
    ]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(made, project.root / "notebooks/experts/mine.ipynb")
    project.tasks("BCT,LDB,B1,jdoe,FALSE,FALSE,mine,daily,day,")
    assert daily(project) == 0
    (alarm,) = [e for e in report_of(project)["outcomes"] if e["severity"] == "ALARM"]
    assert (alarm["reason"], alarm["fault"]) == ("Mine.", "ageing")
    page = (project.report("BCT", "B1") / "index.html").read_text()
    assert "samples seen: 1440" in page
    assert "My own look" in page


def test_without_default_plots_only_the_datasets_own_are_drawn(project: MadeProject) -> None:
    project.fill(numeric(A), numeric(B))
    project.tasks(ROW, "BCT,LDB,B2,jdoe,TRUE,FALSE,None,daily,day,")
    plot = f'variables = ["{A}", "{B}"]\n[[plot]]\nkind = "histogram"\nvariables = ["{A}"]\n'
    project.dataset("BCT_B1", f'title = "B1"\n{plot}')
    project.dataset("BCT_B2", f'title = "B2"\n{plot}')
    assert daily(project) == 0
    figures = [len(list((project.report("BCT", d) / "figures").iterdir())) for d in ("B1", "B2")]
    assert figures[0] > figures[1] == 1


@pytest.mark.smtp
def test_mails_leave_through_a_real_server(project: MadeProject) -> None:
    from mailserver import Mailbox, serving

    project.fill(numeric(A))
    project.tasks(ROW.replace("jdoe", "jdoe asmith@lab.example"))
    mailbox = Mailbox()
    with serving(mailbox) as server:
        site = project.root / "config/site.toml"
        where = f'[mail]\nserver = "127.0.0.1"\nport = {server.port}\nsecurity = "plain"'
        site.write_text(site.read_text().replace("[mail]", where))
        assert daily(project) == 0
        assert daily(project) == 0
    reports = [(to, mail["Subject"]) for to, mail in mailbox.taken if not to.startswith("operator")]
    assert sorted(reports) == [
        ("asmith@lab.example", "[OAF] BCT B1 2026-11-22: OK"),
        ("jdoe@example.org", "[OAF] BCT B1 2026-11-22: OK"),
    ]
    assert project.mails == []


@pytest.mark.parametrize("half", ["put_away", "show"])
def test_a_page_that_cannot_be_published_stops_no_other(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch, half: str
) -> None:
    from oaflib.daily import morning

    three(project)
    done = getattr(morning, half)

    def full(what: object, *rest: object) -> object:
        reports = [what] if half == "put_away" else [one.report for one in what]
        if any(report.dataset == "B1" for report in reports):
            raise OSError(28, "No space left on device")
        return done(what, *rest)

    monkeypatch.setattr(morning, half, full)
    assert daily(project) == 1
    assert not (project.root / "publish/RECENT_WITHOUT_ALM/BCT_B1").exists()
    assert report_of(project, "B2")["finished"] is True
    # a front page made from nothing finds B1 in its folder, if that was there first
    assert [name for name in shown(project) if half == "put_away" or name != "B1"] == ["B2", "B3"]
    monkeypatch.undo()
    assert daily(project) == 0
    assert report_of(project)["finished"] is True
    assert shown(project) == ["B1", "B2", "B3"]
    assert len([path for path in project.mails if mail_of(path)["To"] == "jdoe@example.org"]) == 3


def test_a_morning_that_ends_between_folder_and_front_page_is_finished_by_the_next(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oaflib.daily import morning

    three(project)

    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(morning, "show", killed)
    assert daily(project) == 1
    monkeypatch.undo()
    assert project.mails == []
    assert daily(project) == 0
    assert shown(project) == ["B1", "B2", "B3"]
    assert len([path for path in project.mails if mail_of(path)["To"] == "jdoe@example.org"]) == 3


def test_views_that_take_long_are_made_for_several_reports_at_once(
    project: MadeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oaflib.daily import morning

    three(project)
    show = morning.show
    counts: list[int] = []

    def slow(shelved: list[object], *rest: object) -> None:
        counts.append(len(shelved))
        time.sleep(2)  # so they rest for twenty
        show(shelved, *rest)

    monkeypatch.setattr(morning, "show", slow)
    assert daily(project) == 0
    assert sum(counts) == 3
    assert len(counts) <= 2
    assert shown(project) == ["B1", "B2", "B3"]


def three(project: MadeProject) -> None:
    """Three datasets of the same variable."""
    project.fill(numeric(A))
    project.tasks(ROW, ROW.replace("B1,", "B2,"), ROW.replace("B1,", "B3,"))
    for name in ("B2", "B3"):
        project.dataset(f"BCT_{name}", DATASET)


def shown(project: MadeProject) -> list[str]:
    """The datasets on the front page."""
    index = json.loads((project.root / "publish/index.json").read_bytes())
    return [card["name"] for card in index["datasets"]]
