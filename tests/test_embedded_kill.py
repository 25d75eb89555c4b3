"""A real writer is killed at any instant, a reader reads all the while: nothing is ever torn."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from embedded_writer import SAMPLES, VARIABLES, batch

from oaflib.sources.embedded import Lake

WRITER = Path(__file__).with_name("embedded_writer.py")
ALL = (-(2**62), 2**62)
ROUNDS = 15

READER = """
import sys, time
from collections import Counter
from pathlib import Path
from oaflib.errors import SourceUnavailable
from oaflib.sources.embedded import Lake

seen = 0
with Lake(Path(sys.argv[1]), read_only=True) as lake:
    for reads in range(1_000_000):
        variables = lake.find("KILL.%")
        counts = [Counter() for _ in variables]
        places = {variable.name: i for i, variable in enumerate(variables)}
        for piece in lake.read(variables, -(2**62), 2**62):
            counts[places[piece.name]].update(piece.value.tolist())
        assert counts and all(count == counts[0] for count in counts), "torn between variables"
        assert set(counts[0].values()) == {int(sys.argv[2])}, f"torn batch: {counts[0]}"
        assert len(counts[0]) >= seen, "went backwards"
        seen = len(counts[0])
        print(reads + 1, flush=True)
"""


def start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_killed_at_any_instant(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Lake(store) as lake:
        lake.write(batch(0), origin="batch 0")
    acknowledged, next_batch = {0}, 1
    chance = random.Random(20261122)
    reader = start("-c", READER, str(store), str(SAMPLES))
    try:
        for _ in range(ROUNDS):
            writer = start(str(WRITER), str(store), str(next_batch))
            lines: list[str] = []
            assert writer.stdout is not None
            first = writer.stdout.readline()
            assert first, writer.stderr.read() if writer.stderr else ""
            lines.append(first)
            drain = threading.Thread(target=lines.extend, args=(writer.stdout,))
            drain.start()
            time.sleep(chance.uniform(0, 0.4))
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            drain.join()
            for stream in (writer.stdout, writer.stderr):
                if stream:
                    stream.close()
            acknowledged |= {int(line) for line in lines if line.endswith("\n")}
            next_batch = max(acknowledged) + 2  # one may be in the store though not acknowledged
        assert reader.poll() is None, reader.stderr.read() if reader.stderr else ""
    finally:
        reader.kill()
        said, complaint = reader.communicate()
    assert complaint == ""
    assert int(said.split()[-1]) > ROUNDS
    with Lake(store) as lake:
        variables = lake.find("KILL.%")
        assert len(variables) == VARIABLES
        found = Counter(
            (piece.name, value)
            for piece in lake.read(variables, *ALL)
            for value in piece.value.tolist()
        )
        assert set(found.values()) == {SAMPLES}
        batches = {int(value) for _, value in found}
        assert acknowledged <= batches
        assert len(batches - acknowledged) <= ROUNDS
        assert all(lake.holds(f"batch {number}") for number in batches)
        lake.write(batch(next_batch))  # sweeps what the dead have left
        about = dict(lake.manifest().rows("SELECT path, retired FROM file"))
    on_disk = {str(path.relative_to(store)) for path in store.rglob("*.parquet")}
    assert on_disk - set(about) == set(), "left behind by the dead"
    # A file that left the store may be gone before the manifest forgets it; a live one never.
    gone = set(about) - on_disk
    assert all(about[path] is not None for path in gone), f"lost: {gone}"
    assert [path.name for path in (store / "tmp").iterdir()] == ["door"]
    db = sqlite3.connect(store / "manifest.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
