"""Compaction, retention, sweeping, and many processes at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from oaflib import stored as stored_module
from oaflib.errors import IngestError, SourceUnavailable
from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake
from oaflib.sources.embedded import files as files_module
from oaflib.sources.embedded import merge as merge_module
from oaflib.sources.embedded.compact import Compaction, Tidied, clean, compact, forget
from oaflib.sources.embedded.workshop import Workshop
from oaflib.testing import made, same

SECOND = 10**9
DAY = 86_400 * SECOND
T0 = 1_795_305_600 * SECOND  # 2026-11-22
ALL = (-(2**62), 2**62)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "store")


def fill(lake: Lake, batches: int, kinds: tuple[Kind, ...] = tuple(Kind)) -> dict[str, Series]:
    """Interleaved batches; what each variable should then be."""
    whole = {}
    times = [T0 + i * SECOND for i in range(batches * 4)]
    for kind in kinds:
        whole[f"A:{kind}"] = made(f"A:{kind}", kind, times, "mm")
    for first in range(batches):
        lake.write([series.where(slice(first, None, batches)) for series in whole.values()])
    return whole


def gather(lake: Lake) -> Iterator[tuple[str, Series]]:
    for variable in lake.find():
        pieces = list(lake.read([variable], *ALL))
        time = np.concatenate([piece.time for piece in pieces])
        value = np.empty(len(time), dtype=object)
        for i, sample in enumerate(sample for piece in pieces for sample in piece.value):
            value[i] = sample
        order = np.argsort(time, kind="stable")
        value = value[order].astype(float) if variable.kind is Kind.NUMERIC else value[order]
        yield (
            variable.name,
            Series(variable.name, variable.kind, pieces[0].unit, time[order], value),
        )


def on_disk(lake: Lake) -> int:
    return len(list(lake.folder.rglob("*.parquet")))


def test_many_files_become_one_a_kind_and_day(lake: Lake) -> None:
    whole = fill(lake, 6)
    assert on_disk(lake) == 30
    assert compact(lake, NOW) == Tidied(merged=30, made=5, removed=0)
    assert on_disk(lake) == 35
    assert all(same(series, whole[name]) for name, series in gather(lake))
    assert compact(lake, LATER) == Tidied(merged=0, made=0, removed=30)
    assert on_disk(lake) == 5
    found = dict(gather(lake))
    assert found.keys() == whole.keys()
    assert all(same(series, whole[name]) for name, series in found.items())


def test_the_compacted_file_is_sorted(lake: Lake) -> None:
    for first in range(5):
        lake.write(
            Series(
                f"A:{i:02}", Kind.NUMERIC, "", np.array([T0 + first, T0 + 9 - first]), np.zeros(2)
            )
            for i in range(30)
        )
    compact(lake, NOW, Compaction(grace=timedelta(0)))
    (path,) = lake.folder.rglob("*.parquet")
    rows = pq.read_table(path).select(["variable", "time"]).to_pylist()
    pairs = [(row["variable"], row["time"]) for row in rows]
    assert pairs == sorted(pairs)
    assert len(pairs) == 300


def test_merging_in_little_memory(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fill(lake, 5)
    monkeypatch.setattr(merge_module, "_BYTES", 100)
    monkeypatch.setattr(stored_module, "_READ_BYTES", 100)
    monkeypatch.setattr(files_module, "_GROUP_ROWS", 3)
    compact(lake, NOW)
    compact(lake, NOW)
    assert all(same(series, whole[name]) for name, series in gather(lake))


def test_repetitions_stay(lake: Lake) -> None:
    """What was logged twice was logged twice: `extract` counts it."""
    for _ in range(3):
        lake.write([made("A:B", Kind.NUMERIC, [T0, T0 + 1])])
    compact(lake, NOW)
    assert lake.count(lake.find(), *ALL) == {"A:B": 6}


def test_large_files_are_left_alone(lake: Lake) -> None:
    fill(lake, 3, (Kind.NUMERIC,))
    assert compact(lake, NOW, Compaction(largest=10)).merged == 0
    assert compact(lake, NOW, Compaction(fewest=4)).merged == 0
    assert compact(lake, NOW, Compaction(fewest=3)).merged == 3


def test_a_reader_that_has_begun_is_not_disturbed(lake: Lake) -> None:
    fill(lake, 3, (Kind.NUMERIC,))
    reading = Lake(lake.folder, read_only=True).read(lake.find(), *ALL)
    first = next(reading)
    compact(lake, NOW)
    assert sum(len(piece) for piece in [first, *reading]) == 12


def test_a_reader_slower_than_the_grace_is_told(lake: Lake) -> None:
    names = [f"A:{i}" for i in range(3)]
    for first in range(2):
        lake.write([made(name, Kind.NUMERIC, [T0 + first]) for name in names])
    reading = Lake(lake.folder, read_only=True).read(lake.find(), *ALL)
    first = next(reading)
    compact(lake, NOW, Compaction(grace=timedelta(0)))
    # The files of the variable it is in are gone; nothing torn is given out as whole.
    try:
        pieces = [first, *reading]
    except SourceUnavailable as error:
        assert "Read again" in str(error)  # noqa: PT017
    else:
        counts = dict.fromkeys(names, 0)
        for piece in pieces:
            counts[piece.name] += len(piece)
        assert set(counts.values()) == {2}


def test_days_are_forgotten(lake: Lake) -> None:
    for day in range(4):
        with lake.writing(f"day {day}", content=f"content {day}") as batch:
            batch.add(made("A:B", Kind.NUMERIC, [T0 + day * DAY]))
            batch.add(made("A:T", Kind.TEXTUAL, [T0 + day * DAY]))
    assert forget(lake, date(2026, 11, 24), NOW) == 4
    assert lake.count(lake.find(), *ALL) == {"A:B": 2, "A:T": 2}
    assert on_disk(lake) == 8
    assert clean(lake, NOW + timedelta(minutes=59)) == 0
    assert clean(lake, LATER) == 4
    assert on_disk(lake) == 4
    assert [lake.holds(f"content {day}") for day in range(4)] == [False, False, True, True]
    assert forget(lake, date(2027, 1, 1), NOW, [Kind.TEXTUAL]) == 2
    assert lake.count(lake.find(), *ALL) == {"A:B": 2, "A:T": 0}


def test_killed_while_cleaning(lake: Lake) -> None:
    """Old files are gone, but the manifest still names them: the next `clean` forgets them."""
    fill(lake, 3, (Kind.NUMERIC,))
    compact(lake, NOW)
    (live,) = lake.manifest().rows("SELECT path FROM file WHERE retired IS NULL")
    for path in lake.folder.rglob("*.parquet"):
        if str(path.relative_to(lake.folder)) != live[0]:
            path.unlink()
    assert lake.count(lake.find(), *ALL) == {"A:NUMERIC": 12}
    assert clean(lake, LATER) == 3
    assert lake.manifest().rows("SELECT path FROM file") == [live]


def test_what_a_dead_writer_left_is_swept(lake: Lake) -> None:
    lake.write([made("A:B", Kind.NUMERIC, [T0])])
    (good,) = lake.folder.rglob("*.parquet")
    child = (
        "import os, sys, shutil\n"
        "from pathlib import Path\n"
        "from oaflib.sources.embedded.workshop import Workshop\n"
        "from oaflib.sources.embedded.files import StoreFile\n"
        "from oaflib.series import Kind\n"
        "shop = Workshop(Path(sys.argv[1])).__enter__()\n"
        "for i in range(3): shutil.copy(sys.argv[2], shop.fresh())\n"
        "file = StoreFile(shop.folder / '1.parquet', Kind.NUMERIC, 20779, (), 0)\n"
        "shop.place([file])\n"
        "os._exit(9)  # between the move and the commit\n"
    )
    died = subprocess.run([sys.executable, "-c", child, str(lake.folder), str(good)])
    assert died.returncode == 9
    assert on_disk(lake) == 4
    with Workshop(lake.folder) as living:
        Lake(lake.folder).write([made("A:B", Kind.NUMERIC, [T0 + 1])])
        assert living.folder.exists()
    assert on_disk(lake) == 2
    assert lake.count(lake.find(), *ALL) == {"A:B": 2}


def test_a_full_disk_is_the_stores_fault_and_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    """Files cannot grow beyond 100 kB in the child: as on a disk that is full."""
    lake.write([made("A:B", Kind.NUMERIC, [T0])])
    lake.close()
    noise = np.random.default_rng(1).random(60_000)
    rows = "".join(f"{T0 + i},A:B,{value}\n" for i, value in enumerate(noise))
    (tmp_path / "in.csv").write_text("timestamp,variable,value\n" + rows)
    child = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from oaflib.errors import SourceUnavailable\n"
        "from oaflib.sources.embedded import Lake, ingest\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: ingest(Path(sys.argv[2]), Lake(Path(sys.argv[1])))\n"
        "except SourceUnavailable as error: print(error)\n"
    )
    command = [sys.executable, "-c", child, str(lake.folder), str(tmp_path / "in.csv")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be written" in ran.stdout
    assert "nothing of this batch is in it" in ran.stdout
    assert lake.count(lake.find(), *ALL) == {"A:B": 1}
    lake.write([made("A:B", Kind.NUMERIC, [T0 + 1])])
    assert on_disk(lake) == 2


def test_two_writers_bring_the_same(lake: Lake) -> None:
    batch = lake.writing("one", content="same").__enter__()
    batch.add(made("A:B", Kind.NUMERIC, [T0]))
    with Lake(lake.folder).writing("two", content="same") as other:
        other.add(made("A:B", Kind.NUMERIC, [T0]))
    with pytest.raises(IngestError, match="the content of one is in the store"):
        batch.__exit__(None, None, None)
    assert lake.count(lake.find(), *ALL) == {"A:B": 1}
    assert on_disk(lake) == 1


@pytest.mark.slow
def test_writers_and_compactors_at_once(lake: Lake) -> None:
    """Four processes write, two compact, this one reads: everything is there, once."""
    lake.write([made("P:X", Kind.NUMERIC, [T0])])
    writer = (
        "import sys; from pathlib import Path\n"
        "from oaflib.series import Kind\n"
        "from oaflib.sources.embedded import Lake\n"
        "from oaflib.testing import made\n"
        "with Lake(Path(sys.argv[1])) as lake:\n"
        "    for i in range(25):\n"
        "        times = [int(sys.argv[2]) + i * 10 + j for j in range(10)]\n"
        "        lake.write([made(f'P:{k}', Kind.NUMERIC, times) for k in 'XY'])\n"
    )
    compactor = (
        "import sys; from pathlib import Path; from datetime import *\n"
        "from oaflib.sources.embedded import Lake\n"
        "from oaflib.sources.embedded.compact import compact, Compaction\n"
        "at = datetime(2026, 11, 24, tzinfo=UTC)\n"
        "with Lake(Path(sys.argv[1])) as lake:\n"
        "    for i in range(25): compact(lake, at + timedelta(minutes=i), Compaction(4))\n"
    )
    commands = [(writer, str(T0 + k * 1000)) for k in range(1, 5)] + [(compactor, "")] * 2
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(lake.folder), extra], stderr=subprocess.PIPE, text=True
        )
        for code, extra in commands
    ]
    seen = 0
    with Lake(lake.folder, read_only=True) as reader:
        while any(child.poll() is None for child in children):
            times = [t for piece in reader.read(reader.find("P:X"), *ALL) for t in piece.time]
            assert len(set(times)) == len(times)
            assert len(times) % 10 == 1
            assert len(times) >= seen
            seen = len(times)
    for child in children:
        assert child.communicate()[1] == ""
        assert child.returncode == 0
    assert lake.count(lake.find(), *ALL) == {"P:X": 1001, "P:Y": 1000}
