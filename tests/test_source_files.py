"""A folder of files as a source."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oaflib import columnar
from oaflib.config.site import SourceSettings
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series
from oaflib.sources.files import FilesSource
from oaflib.testing import SourceContract, gathered
from oaflib.window import Window

SECOND = 10**9
WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
T0 = WINDOW.start_ns


def source(root: Path, **options: Any) -> FilesSource:
    about = {"folder": "data", **options}
    return FilesSource(SourceSettings("FILES", "files", about, root))


def shown(value: Any) -> str:
    return json.dumps(value.tolist()) if isinstance(value, np.ndarray) else str(value)


class TestCsv(SourceContract):
    """Each series in two files."""

    kinds: ClassVar = (Kind.NUMERIC, Kind.VECTORNUMERIC)

    def filled(self, series: Sequence[Series], folder: Path) -> FilesSource:
        (folder / "data" / "deep").mkdir(parents=True)
        for part in (0, 1):
            path = folder / "data" / ("deep" if part else ".") / f"part{part}.csv"
            with path.open("w", newline="") as file:
                out = csv.writer(file)
                out.writerow(["timestamp", "variable", "value", "unit", "kind"])
                for entry in series:
                    half = len(entry) // 2
                    mine = entry.where(slice(half, None) if part else slice(0, half))
                    for time, value in zip(mine.time.tolist(), mine.value, strict=True):
                        out.writerow([time, entry.name, shown(value), entry.unit, entry.kind])
        return source(folder)

    def unreachable(self, folder: Path) -> FilesSource:
        return source(folder)


class TestParquet(TestCsv):
    """As the store and records write them, one file a series."""

    kinds: ClassVar = tuple(Kind)
    units: ClassVar = False

    def filled(self, series: Sequence[Series], folder: Path) -> FilesSource:
        (folder / "data").mkdir()
        for number, entry in enumerate(series):
            rows = columnar.table(entry)
            pq.write_table(rows, folder / "data" / f"{number}.parquet", store_schema=False)
        return source(folder)


class TestHdf5(TestCsv):
    kinds: ClassVar = (Kind.NUMERIC,)

    def filled(self, series: Sequence[Series], folder: Path) -> FilesSource:
        (folder / "data").mkdir()
        for number, entry in enumerate(series):
            with h5py.File(folder / "data" / f"{number}.h5", "w") as file:
                group = file.create_group(entry.name)
                group["time"], group["value"] = entry.time, entry.value
                group.attrs["unit"] = entry.unit
        return source(folder)


def written(folder: Path, name: str, *rows: str) -> Path:
    path = folder / "data" / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join(["timestamp,variable,value", *rows, ""]))
    return path


def values(folder: Path, **options: Any) -> dict[str, list[Any]]:
    with source(folder, **options) as entered:
        found = gathered(entered, entered.find("%:%"), WINDOW)
    return {name: series.value.tolist() for name, series in found.items()}


def test_new_changed_and_removed_files_are_noticed(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", f"{T0},A:X,1", f"{T0},A:Y,5")
    assert values(tmp_path) == {"A:X": [1.0], "A:Y": [5.0]}
    written(tmp_path, "b.csv", f"{T0 + 1},A:X,2")
    assert values(tmp_path) == {"A:X": [1.0, 2.0], "A:Y": [5.0]}
    written(tmp_path, "a.csv", f"{T0},A:X,77")
    assert values(tmp_path) == {"A:X": [77.0, 2.0]}
    first.unlink()
    assert values(tmp_path) == {"A:X": [2.0]}


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", f"{T0},A:X,1")
    assert values(tmp_path) == {"A:X": [1.0]}
    about = path.stat()
    path.write_text(path.read_text().replace(",1", ",2"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert values(tmp_path) == {"A:X": [1.0]}, "same size and time: taken as the same"
    path.touch()
    assert values(tmp_path) == {"A:X": [2.0]}


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", f"{T0},A:X,1")
    values(tmp_path)
    cache = tmp_path / "runs/files/FILES"
    (cache / "catalogue.json").write_text("{ half")
    assert values(tmp_path) == {"A:X": [1.0]}


def test_one_bad_file_is_no_silence(tmp_path: Path) -> None:
    """What it would have said is unknown, so nothing is concluded; or its good lines are kept."""
    written(tmp_path, "a.csv", f"{T0},A:X,1")
    written(tmp_path, "b.csv", f"{T0},A:Y,1", "yesterday,A:Y,2")
    (tmp_path / "data" / "c.parquet").write_bytes(b"no parquet")
    with pytest.raises(
        SourceUnavailable, match=r"2 of the files.*(?s:.*)b\.csv.*(?s:.*)c\.parquet"
    ):
        values(tmp_path)
    (tmp_path / "data" / "c.parquet").unlink()
    assert values(tmp_path, on_bad="keep") == {"A:X": [1.0], "A:Y": [1.0]}


def test_hidden_files_links_and_the_cache_are_left_alone(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", f"{T0},A:X,1")
    written(tmp_path, ".b.csv.swp", "half a li")
    outside = written(tmp_path, "../secret.csv", f"{T0},A:SECRET,1")
    (tmp_path / "data" / "link.csv").symlink_to(outside)
    for _ in range(2):
        assert values(tmp_path, cache="data/cache") == {"A:X": [1.0]}


def test_pattern_and_device(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", f"{T0},X,1")
    written(tmp_path, "notes.txt", "nothing to see")
    assert values(tmp_path, pattern="*.csv", device="DEV.1") == {"DEV.1:X": [1.0]}


def test_files_that_disagree_on_a_kind_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", f"{T0},A:X,1", f"{T0},A:Y,1")
    written(tmp_path, "b.csv", f'{T0 + 1},A:X,"[1, 2]"')
    with source(tmp_path) as entered:
        variables = entered.find("A:X")
        with pytest.raises(QueryRefused, match=r"A:X is VECTORNUMERIC in one file and NUMERIC"):
            gathered(entered, variables, WINDOW)
        assert len(gathered(entered, entered.find("A:Y"), WINDOW)["A:Y"]) == 1


def test_many_files_stay_few_open_ones(tmp_path: Path) -> None:
    for i in range(60):
        written(tmp_path, f"{i:02}.csv", f"{T0 + i},A:X,{i}")
    with source(tmp_path) as entered:
        series = gathered(entered, entered.find("A:X"), WINDOW)["A:X"]
        assert series.value.tolist() == list(range(60))
        assert len(entered._lakes) <= 32
        assert entered.last_before(entered.find("A:X"), T0 + 30)["A:X"].value.tolist() == [29.0]


def test_readers_at_once_read_the_folder_once(tmp_path: Path) -> None:
    for i in range(10):
        written(tmp_path, f"{i}.csv", *(f"{T0 + j},A:{i},1" for j in range(100)))
    found: list[dict[str, list[Any]]] = []
    threads = [threading.Thread(target=lambda: found.append(values(tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert {len(entry) for entry in found} == {10}
    stores = [path for path in (tmp_path / "runs/files/FILES").iterdir() if path.is_dir()]
    assert len(stores) == 10


def test_no_times_without_a_zone(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "2026-11-22T08:00:00,A:X,1")
    with pytest.raises(SourceUnavailable, match="has no zone"):
        values(tmp_path)
    assert values(tmp_path, zone="Europe/Zurich") == {"A:X": [1.0]}


def test_wide_parquet(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = pa.table({"time": pa.array([T0, T0 + 1]), "A:X": [1.0, 2.0], "A:T": ["a", None]})
    pq.write_table(rows, tmp_path / "data" / "wide.parquet")
    assert values(tmp_path) == {"A:X": [1.0, 2.0], "A:T": ["a"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folder": ""}, "is empty"),
        ({"pattern": "../*.csv"}, "must stay inside"),
        ({"zone": "Zurich"}, "no time zone is called"),
        ({"onbad": "keep"}, "onbad.*Did you mean.*on_bad"),
    ],
)
def test_wrong_options_are_refused_in_words(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        source(tmp_path, **options)
