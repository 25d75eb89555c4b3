"""What a run may use: each limit broken by a real kernel, and named in what is said of it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Notebook

from oaflib.run import limits
from oaflib.run.execution import execute
from oaflib.run.isolation import disarm
from oaflib.run.request import Request


def asked(template: Path, folder: Path, **bounds: float) -> Request:
    request = Request(template, folder / "run", folder, folder / "records", {"day": "2026-11-22"})
    return replace(request, **bounds)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("code", "bounds", "said"),
    [
        (
            "while True: print('x' * 1000, flush=True)",
            {"output": 1_000_000, "seconds": 120},
            "output limit of 1 MB, in cell 5 'Step 2'",
        ),
        (
            "open('big', 'wb').write(bytes(3_000_000))",
            {"files": 1_000_000},
            "files limit of 1 MB: OSError: [Errno 27] File too large, in cell 5",
        ),
        (
            "import subprocess, time\n"
            "for _ in range(30): subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
            "time.sleep(600)",
            {"processes": 12, "seconds": 120},
            "processes limit of 12: there were ",
        ),
        ("while True: pass", {"cpu_seconds": 3, "seconds": 200}, "cpu_seconds limit of 3: the"),
        (
            "import os, time\nos.closerange(3, 512)\ntime.sleep(600)",
            {"seconds": 12},
            "the ",  # its time is up, or it died of it: by whatever it lost first
        ),
    ],
    ids=["prints without end", "writes a large file", "starts processes", "burns", "closes all"],
)
def test_a_broken_limit_is_named(
    notebook: Notebook, tmp_path: Path, code: str, bounds: dict[str, float], said: str
) -> None:
    request = asked(notebook("x = 1", code, "print('never')"), tmp_path, **bounds)
    assert execute(request).startswith(said)
    assert limits.started_by(request.token) == []
    assert limits.used_by(request.folder) < 20_000_000


def test_what_the_folder_of_expert_code_holds_is_counted(tmp_path: Path) -> None:
    request = replace(asked(tmp_path / "t.ipynb", tmp_path, files=100_000), role="expert")
    request.folder.mkdir()
    assert limits.Watch(request).look() == ""
    for number in range(3):
        (request.folder / f"{number}").write_bytes(bytes(50_000))
    assert limits.Watch(request).look().startswith("files limit of 100 kB: 1")


def test_what_a_killed_runner_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    mine, other = {"OAF_ROOT": str(tmp_path)}, {"OAF_ROOT": str(tmp_path / "other")}
    marks = (
        mine | {"OAF_RUNNER": f"{gone.pid}:1"},
        mine | {"OAF_RUNNER": f"{os.getpid()}:1"},  # a number used again
        mine | {"OAF_RUNNER": limits.runner_mark()},
        other | {"OAF_RUNNER": f"{gone.pid}:1"},
        mine,
    )
    words = ["sleep", "600"]
    running = [subprocess.Popen(words, env=env, start_new_session=True) for env in marks]
    try:
        time.sleep(0.2)  # until they are what they were started for
        assert limits.reap(tmp_path) == 2
        assert [process.wait(10) for process in running[:2]] == [-9, -9]
        assert [process.poll() for process in running[2:]] == [None] * 3
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_only_files_and_folders_are_left(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    folder = tmp_path / "expert"
    (folder / "shut").mkdir(parents=True)
    (folder / "log.txt").symlink_to(secret)
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "shut" / "failure.json")
    (folder / "kept").write_text("mine")
    (folder / "shut").chmod(0o000)
    disarm(folder)
    assert sorted(path.name for path in folder.rglob("*")) == ["kept", "shut"]
    assert secret.read_text() == "canary"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1_500, "1.5 kB"), (25_000_000, "25 MB"), (4e9, "4 GB")]
)
def test_sizes_read_as_the_site_file_writes_them(count: float, text: str) -> None:
    assert limits.size(count) == text
