"""What people mistype is refused before anything runs, with the place and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import MadeProject, made_project, numeric

from oaflib.cli import main
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded import Lake

DAY = ("--day", "2026-11-22")


@pytest.fixture
def project(tmp_path: Path) -> MadeProject:
    made = made_project(tmp_path)
    made.dataset("BCT_ring", 'variables = ["R.BCT:I"]\n')
    made.tasks("BCT,LDB,ring,jdoe,TRUE,TRUE,None,daily,day,")
    made.fill(numeric("R.BCT:I"))
    return made


def oaf(project: MadeProject, *words: str) -> int:
    try:
        return main([words[0], "--root", str(project.root), *words[1:]])
    except SystemExit as left:
        return int(left.code or 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "BCT_rnig", *DAY], "no dataset is called 'BCT_rnig': it has no task, no file"),
        (["run", "BCT_rnig", *DAY], "LDB keeps no snapshot 'BI_BCT_rnig'. Did you mean 'BCT_ring'"),
        (["run", "BTC_ring", *DAY], "no instrument is called 'BTC'. Did you mean 'BCT'"),
        (["run", "BCT", *DAY], "write <INST>_<dataset>"),
        (["run", "BCT_ring", *DAY, "--source", "LBD"], "Did you mean 'LDB'? There are: LDB"),
        (["run", "BCT_ring", *DAY, "--template", "bcct"], "Did you mean 'bct'? There are: ageing"),
        (["run", "BCT_ring", *DAY, "--expert", "mine"], "no notebook is called 'mine' in experts/"),
        (["run", "BCT_ring", *DAY, "--expert", "a:b:c"], "is not module:function"),
        (["watch", "BCT_rnig"], "Did you mean 'BCT_ring'"),
        (["replay", "BCT_rnig"], "Did you mean 'BCT_ring'"),
        (["snapshot", "save", "BCT_rnig", "--name", "MD1"], "Did you mean 'BCT_ring'"),
        (["run", "BCT_ring", "--day", "22.11.2026"], "'22.11.2026' is not a day like 2026-11-22\n"),
        (["run", "BCT_ring", "--day", "2026-11-31"], "2026-11-22: day is out of range for month"),
        (["run", "BCT_ring", "--last", "15"], "'15' is not a duration: write a number and s, min"),
        (["daily", *DAY, "--only", "BSRT*"], "no task of the task table is like 'BSRT*'"),
    ],
)
def test_it_is_refused_before_anything_runs(
    project: MadeProject, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, *words) == 2
    assert told in capsys.readouterr().err
    assert not (project.root / "publish").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["history", "show", "R.BCT:L"], "the history has nothing of 'R.BCT:L'.\n"),
        (["run", "--snapshot", "MD9"], "no snapshot is called 'MD9'. There are none in"),
        (["snapshot", "save", "BCT_ring", *DAY, "--name", "a/b"], "is a path; write it alone"),
    ],
)
def test_what_is_not_there_is_named(
    project: MadeProject, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert oaf(project, *words) == 1
    assert told in capsys.readouterr().err


def test_a_dataset_that_only_its_source_knows_is_none(project: MadeProject) -> None:
    with Lake(project.root / "runs/store") as lake:
        lake.save_snapshot(Snapshot("BI_BCT_saved", ("R.%",), "saved"))
    assert oaf(project, "replay", "BCT_saved", *DAY) == 0
