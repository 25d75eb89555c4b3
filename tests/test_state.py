"""What OAF remembers survives kills, says when it cannot, and is never half written."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from oaflib import state as state_module
from oaflib.errors import ConfigurationError, StateError
from oaflib.state import NETWORK, RunRow, RunStatus, State, file_system, mounted

RUN = RunRow("BWS_PS", 1, 2, "2026-11-22", RunStatus.DONE, 2, "ALARM", "reports/x", "µ", 3, 4)


def test_what_is_kept_is_there_when_opened_again(tmp_path):
    path = tmp_path / "runs" / "state.sqlite"
    with State(path) as state:
        state.keep("alarms/BWS_PS", "{}")
        state.keep("gone", "x")
        state.keep("gone", None)
        state.put_run(RUN)
    with State(path) as state:
        assert state.value("alarms/BWS_PS") == "{}"
        assert state.value("gone") is None
        assert state.run(*RUN.key) == RUN
        assert state.run("BWS_PS", 1, 3) is None
        assert state.rows("PRAGMA journal_mode")[0][0] == "wal"
        assert state.rows("PRAGMA synchronous")[0][0] == 2


def test_runs_come_by_status_and_window(tmp_path):
    with State(tmp_path / "s.sqlite") as state:
        for task, end, status in (("B", 9, "DONE"), ("A", 9, "FAILED"), ("A", 5, "DONE")):
            state.put_run(RunRow(task, end - 1, end, status=RunStatus(status)))
        assert [(run.task, run.window_end) for run in state.runs()] == [
            ("A", 5),
            ("A", 9),
            ("B", 9),
        ]
        assert [run.task for run in state.runs(RunStatus.DONE, since=6)] == ["B"]


def half_a_step(state: State, fails: Callable[[], object]) -> None:
    with state.transaction():
        state.put_run(RUN)
        state.keep("a", "2")
        fails()


def test_a_transaction_is_all_or_nothing(tmp_path):
    with State(tmp_path / "s.sqlite") as state:
        with pytest.raises(ZeroDivisionError):
            half_a_step(state, lambda: 1 / 0)
        assert state.runs() == []
        assert state.value("a") is None
        with state.transaction():
            state.put_run(RUN)
            with state.transaction():
                state.keep("a", "1")
        assert (state.runs(), state.value("a")) == ([RUN], "1")


def test_the_version_is_not_for_others_to_change(tmp_path):
    with State(tmp_path / "s.sqlite") as state, pytest.raises(ValueError, match="own"):
        state.keep("schema_version", "2")


def test_a_database_of_another_version_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    State(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE kv SET value = '7' WHERE key = 'schema_version'")
    db.close()
    with pytest.raises(StateError, match=r"schema version '7', this OAF knows 1"):
        State(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"Instrument;Source;DataSet\n" * 100)
    with pytest.raises(StateError, match="not a database; move it away"):
        State(path)


def test_a_damaged_database_is_said_to_be(tmp_path):
    path = tmp_path / "s.sqlite"
    with State(path) as state:
        for index in range(2000):
            state.put_run(RunRow(f"T{index}", index, index + 1, detail="x" * 100))
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"malformed; move it away"), State(path) as state:
        state.runs()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StateError, match="cannot be made"):
        State(tmp_path / "runs" / "state.sqlite")


def test_a_full_disk_undoes_the_step_and_says_so(tmp_path):
    with State(tmp_path / "s.sqlite") as state:
        state.keep("a", "1")
        pages = state.rows("PRAGMA page_count")[0][0]
        state.rows(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StateError, match="the disk is full"):
            half_a_step(state, lambda: state.keep("b", "x" * 100_000))
        assert state.value("a") == "1"
        state.rows(f"PRAGMA max_page_count = {pages + 100}")
        state.keep("b", "x" * 100_000)


def test_whoever_waits_too_long_is_told_why(tmp_path, monkeypatch):
    monkeypatch.setattr(state_module, "_BUSY_SECONDS", 0.1)
    path = tmp_path / "s.sqlite"
    held = pytest.raises(StateError, match="another process has held it")
    with State(path) as one, State(path) as other, one.transaction(), held:
        other.keep("a", "1")


def test_many_open_it_at_once_the_first_time(tmp_path):
    path = tmp_path / "runs" / "s.sqlite"
    errors: list[Exception] = []

    def work(number: int) -> None:
        try:
            with State(path) as state:
                state.keep(f"k{number}", "x")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with State(path) as state:
        assert state.rows("SELECT count(*) FROM kv")[0][0] == 9


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /afs rw - afs AFS rw
31 22 0:41 / /data rw shared:2 master:1 - nfs4 server:/x rw
32 31 8:2 / /data/local\\040disk rw - xfs /dev/sdb rw
33 22 0:42 / /mnt rw - ext4 /dev/sdc rw
34 33 0:43 / /mnt rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/oaf", "ext4"),
        ("/afs/cern.ch/user", "afs"),
        ("/afsx", "ext4"),
        ("/data", "nfs4"),
        ("/data/local disk/runs", "xfs"),
        ("/mnt/runs", "cifs"),
    ],
)
def test_the_file_system_is_the_nearest_mount(path, kind):
    assert mounted(path, MOUNTS) == kind


def test_a_network_file_system_is_refused_or_gets_the_rollback_journal(tmp_path, monkeypatch):
    assert file_system(tmp_path) not in NETWORK
    monkeypatch.setattr(state_module, "file_system", lambda path: "nfs4")
    with pytest.raises(ConfigurationError, match=r"network file system \(nfs4\)"):
        State(tmp_path / "s.sqlite")
    with State(tmp_path / "s.sqlite", network=True) as state:
        assert state.rows("PRAGMA journal_mode")[0][0] == "delete"


def test_backups_are_whole_and_only_the_last_stay(tmp_path):
    folder = tmp_path / "backups"
    with State(tmp_path / "s.sqlite") as state:
        for day in range(1, 6):
            state.keep("day", str(day))
            made = state.backup(folder, f"2026-11-{day:02}", keep=3)
        state.backup(folder, "2026-11-05", keep=3)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"2026-11-0{day}.sqlite" for day in (3, 4, 5)
    ]
    with State(made) as copy:
        assert copy.value("day") == "5"


WRITER = """
import sys
from oaflib.state import RunRow, State
with State(sys.argv[1]) as state:
    number = int(state.value("count") or 0)
    while True:
        number += 1
        with state.transaction():
            state.put_run(RunRow(f"T{number}", number, number + 1))
            state.keep("count", str(number))
        print(number, flush=True)
"""


def test_a_kill_at_any_instant_loses_nothing_and_halves_nothing(tmp_path):
    path = tmp_path / "s.sqlite"
    for turn in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.013 * turn)
        child.send_signal(signal.SIGKILL)
        said = child.communicate()[0].splitlines()
        with State(path) as state:
            count = int(state.value("count") or 0)
            assert len(state.runs()) == count
            assert state.rows("PRAGMA integrity_check")[0][0] == "ok"
            if said:
                assert count >= int(said[-1])


def test_paths_may_be_texts(tmp_path):
    with State(str(tmp_path / "s.sqlite")) as state:
        assert state.path == Path(tmp_path / "s.sqlite")
