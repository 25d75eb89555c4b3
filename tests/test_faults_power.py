"""The model of a disk whose power fails: it sees what was not synced, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from faults.disk_model import KEPT, LOST, TORN, ZEROS, Disk
from faults.power import Databases, Judge, cuts
from faults.traced import calls, tracer

from oaflib import folders
from oaflib.publish import disk
from oaflib.report import Report
from oaflib.run.runner import save_report
from oaflib.state import State
from oaflib.window import calendar_day

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

_WRITE = """
import os, sys
publish = os.path.join(sys.argv[1], "publish")
new, page = os.path.join(publish, ".new"), os.path.join(publish, "page.txt")
with open(new, "wb") as file:
    file.write(b"whole" * 2000)
"""
_SYNCED = "    file.flush()\n    os.fsync(file.fileno())\n"
_RENAMED = "os.rename(new, page)\n"
_FOLDER = "os.fsync(os.open(publish, os.O_RDONLY))\n"


def found(root: Path, log: Path, program: str) -> tuple[list[str], list[bytes | None]]:
    """What is said of each state that a disk may be in after a program, and what the page holds."""
    (root / "publish").mkdir(parents=True)
    (root / "publish/page.txt").write_bytes(b"old")
    model, judge = Disk(root), Judge()
    subprocess.run([*tracer(log), sys.executable, "-c", program, str(root)], check=True)
    told = list(calls(log))
    for call in told:
        model.apply(call)
    judge.whole = {node.number: bytes(node.now) for node in model.made}
    judge.runs = dict(model.view(model.pending).walk("runs/reports"))
    ways = cuts(model, random.Random(8))
    said = [fault for cut in ways for fault in judge.faults(model, cut, [])]
    held = []
    for cut in ways:
        page = dict(model.view(cut.chosen).walk("publish")).get("publish/page.txt")
        held.append(None if page is None else page.found(cut.data))
    return said, held


def test_a_file_that_is_renamed_and_not_synced_is_torn(tmp_path: Path) -> None:
    said, held = found(tmp_path / "site", tmp_path / "log", _WRITE + _RENAMED)
    assert {"publish/page.txt is torn: 0 of 10000 bytes"} < set(said)
    assert {b"old", b"", b"whole" * 2000, bytes(10_000)} < set(held)


def test_a_file_that_is_synced_before_it_is_renamed_is_whole(tmp_path: Path) -> None:
    said, held = found(tmp_path / "site", tmp_path / "log", _WRITE + _SYNCED + _RENAMED)
    assert said == []
    assert set(held) == {b"old", b"whole" * 2000}  # the new name may be lost


def test_a_name_is_safe_when_its_folder_was_synced(tmp_path: Path) -> None:
    program = _WRITE + _SYNCED + _RENAMED + _FOLDER
    said, held = found(tmp_path / "site", tmp_path / "log", program)
    assert said == []
    assert set(held) == {b"whole" * 2000}


def test_a_link_to_what_was_lost_is_seen(tmp_path: Path) -> None:
    program = """
import os, sys
os.mkdir(f"{sys.argv[1]}/publish/there")
os.symlink("there", f"{sys.argv[1]}/publish/link")
"""
    said, _ = found(tmp_path / "site", tmp_path / "log", program)
    assert "publish/link leads nowhere" in said


def test_a_run_whose_report_is_there_and_whose_notebook_was_torn_is_seen(tmp_path: Path) -> None:
    program = """
import os, sys
run = f"{sys.argv[1]}/runs/reports/BCT_B1/2026-01-05"
os.makedirs(run)
open(f"{run}/notebook.ipynb", "wb").write(b"whole" * 2000)
with open(f"{run}/report.json", "wb") as file:
    file.write(b"{}")
    file.flush()
    os.fsync(file.fileno())
"""
    said, _ = found(tmp_path / "site", tmp_path / "log", program)
    place = "runs/reports/BCT_B1/2026-01-05/notebook.ipynb"
    assert {f"{place} is {how}, and its run's report is there" for how in ("torn", "gone")} <= {
        *said
    }


def test_blocks_are_torn_and_zeros_stand_for_what_was_never_written(tmp_path: Path) -> None:
    model = Disk(tmp_path)
    node = model._node("file")
    node.write(0, b"x" * 4096)
    node.sync()
    node.write(4096, b"y" * 4096 * 20)
    assert node.found(LOST) == b"x" * 4096
    assert node.found(KEPT) == b"x" * 4096 + b"y" * 4096 * 20
    assert node.found(ZEROS) == b"x" * 4096 + bytes(4096 * 20)
    torn = node.found(TORN)
    assert torn == node.found(TORN)
    assert {torn[start : start + 4096] for start in range(4096, len(torn), 4096)} == {
        b"y" * 4096,
        bytes(4096),
    }


def test_a_commit_that_is_missing_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "site"
    with State(root / "runs/state.sqlite") as state:
        state.keep("one", "1")
    old = Disk(root)
    with State(root / "runs/state.sqlite") as state:
        state.keep("two", "2")
    new = Disk(root)
    databases = Databases()
    databases.note(old.view(()), synced=True)
    databases.note(new.view(()), synced=False)
    assert list(databases.faults(old.view(()), LOST, [])) == []
    databases.note(new.view(()), synced=True)
    assert list(databases.faults(new.view(()), LOST, [])) == []
    assert "not what was committed" in next(iter(databases.faults(old.view(()), LOST, [])))


def test_what_a_killed_morning_did_not_sync_is_safe_before_the_next_builds_on_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "site/runs").mkdir(parents=True)
    (tmp_path / "site/runs/lock").write_text("4711")
    lock = "from oaflib.run.lock import held\nfrom pathlib import Path\n"
    lock += "with held(Path(sys.argv[1], 'runs/lock')): pass\n"
    said, held = found(tmp_path / "site", tmp_path / "log", _WRITE + _RENAMED + lock)
    assert said == []
    assert set(held) == {b"whole" * 2000}
    assert (tmp_path / "site/runs/lock").read_text() == ""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced, in order."""
    seen: list[str] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return seen


def test_each_folder_that_is_made_is_synced_into_the_one_above(
    tmp_path: Path, synced: list[str]
) -> None:
    folders.make(tmp_path / "a/b")
    assert synced == [str(tmp_path), str(tmp_path / "a")]
    folders.make(tmp_path / "a/b")
    assert len(synced) == 2


def test_where_a_run_has_its_report_it_has_what_it_rests_on(
    tmp_path: Path, synced: list[str]
) -> None:
    made = ["notebook.ipynb", "expert/notebook.ipynb", "records/numeric.parquet"]
    for name in made:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "linked").write_text("of the source")
    os.link(tmp_path / "linked", tmp_path / "records/linked-0.parquet")
    window = calendar_day(date(2026, 1, 5), "Europe/Zurich")
    made_at = datetime(2026, 1, 6, 8, tzinfo=UTC)
    save_report(Report("BCT", "B2", "", window, made_at, False, ()), tmp_path)
    folder = str(tmp_path)
    places = [f"{folder}/{name}" for name in (*made, "records", "expert")]
    assert synced == [*places, folder, f"{folder}/report.json.tmp"]


def test_what_is_taken_away_stays_away(tmp_path: Path, synced: list[str]) -> None:
    (tmp_path / "link").symlink_to("x")
    (tmp_path / "folder").mkdir()
    disk.remove(tmp_path / "link")
    disk.remove(tmp_path / "folder")
    disk.remove(tmp_path / "none")
    assert synced == [str(tmp_path)] * 2
