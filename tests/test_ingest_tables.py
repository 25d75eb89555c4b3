"""``oaf ingest`` of Parquet, HDF5 and TFS."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from oaflib import columnar
from oaflib.errors import IngestError
from oaflib.series import Kind, Series
from oaflib.sources.embedded import BadLines, Ingested, IngestOptions, Lake, ingest, ingest_files
from oaflib.testing import made, same
from oaflib.window import nanoseconds

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
ALL = (-(2**63), 2**63 - 1)
KEEP = IngestOptions(on_bad="keep")
T0 = nanoseconds(datetime(2026, 11, 22, tzinfo=UTC))
TIMES = [T0 + i * 10**9 for i in range(30)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "store")


def only(lake: Lake, name: str) -> Series:
    (piece,) = lake.read(lake.find(name), *ALL)
    return piece


def parquet(
    lake: Lake, columns: Any, options: IngestOptions | None = None, name: str = "in.parquet"
) -> Ingested:
    path = lake.folder.parent / name
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return ingest(path, lake, options)


# Parquet


@pytest.mark.parametrize("kind", Kind)
def test_what_the_store_writes_it_reads(lake: Lake, tmp_path: Path, kind: Kind) -> None:
    series = made("A:B", kind, TIMES)
    with Lake(tmp_path / "other") as other:
        other.write([series])
        (path,) = other.folder.rglob("*.parquet")
        assert ingest(path, lake).samples == 30
    assert same(only(lake, "A:B"), series)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MATRIXNUMERIC])
def test_wide(lake: Lake, kind: Kind) -> None:
    series = made("A:B", kind, TIMES)
    value = columnar.table(series)["value"]
    result = parquet(lake, {"time": TIMES, "A:B": value, "C:D": value})
    assert (result.samples, result.variables) == (60, 2)
    assert same(only(lake, "A:B"), series)


def test_wide_leaves_out_empty_cells_and_names_fields(lake: Lake) -> None:
    columns = {
        "time": pa.array([T0, T0 + 1, T0 + 2], pa.timestamp("ns", "Europe/Zurich")),
        "CURRENT": pa.array([1.5, None, float("nan")]),
        "ON": pa.array([True, None, False]),
        "STEP": pa.array([None, None, None], pa.int16()),
    }
    result = parquet(lake, columns, name="PSU7.parquet")
    assert result.samples == 4
    assert np.array_equal(only(lake, "PSU7:CURRENT").value, [1.5, np.nan], equal_nan=True)
    assert only(lake, "PSU7:CURRENT").time.tolist() == [T0, T0 + 2]
    assert only(lake, "PSU7:ON").value.tolist() == [1.0, 0.0]
    assert len(only(lake, "PSU7:STEP")) == 0
    parquet(lake, columns, IngestOptions(device="PSU8"))
    assert [variable.name for variable in lake.find("%ON")] == ["PSU7:ON", "PSU8:ON"]


def test_long_with_units_and_categories(lake: Lake) -> None:
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(TIMES, utc=True),
            "variable": pd.Categorical(["A:B", "A:C", "A:D"] * 10),
            "value": np.arange(30, dtype=np.int32),
            "unit": ["um"] * 15 + ["mm"] * 15,
        }
    )
    parquet(lake, pa.Table.from_pandas(frame))
    assert [span.unit for span in lake.units("A:C")] == ["um", "mm"]
    assert sum(len(piece) for piece in lake.read(lake.find("A:C"), *ALL)) == 10


def test_lists_of_lists_are_images(lake: Lake) -> None:
    images = [[[1, 2], [3, 4]], [[5, 6, 7]], []]
    value = pa.array(images, pa.list_(pa.list_(pa.uint8())))
    parquet(lake, {"time": TIMES[:3], "variable": ["A:B"] * 3, "value": value})
    found = only(lake, "A:B").value
    assert [image.shape for image in found] == [(2, 2), (1, 3), (0, 0)]
    assert {image.dtype for image in found} == {np.dtype(np.uint8)}
    assert found[1].tolist() == [[5, 6, 7]]


def test_bad_rows_are_named(lake: Lake) -> None:
    columns = {
        "time": pa.array([T0, None, T0 + 2, T0 + 3, T0 + 4]),
        "variable": pa.array(["A:B", "A:B", None, "A:B", "A%"]),
        "value": pa.array([1.0, 2.0, 3.0, None, 5.0]),
    }
    with pytest.raises(BadLines, match="in.parquet: row 2: there is no time"):
        parquet(lake, columns)
    kept = parquet(lake, columns, KEEP)
    assert {bad.line: bad.reason.split(",")[0] for bad in kept.bad} == {
        2: "there is no time",
        3: "there is no variable",
        4: "there is no value",
        5: "'A%' holds '%'",
    }
    assert only(lake, "A:B").value.tolist() == [1.0]


def test_another_kind_than_the_stores(lake: Lake) -> None:
    lake.write([made("A:B", Kind.TEXTUAL, TIMES[:1])])
    for columns in (
        {"time": TIMES, "variable": ["A:B"] * 30, "value": [1.0] * 30},
        {"time": TIMES, "A:B": [1.0] * 30},
    ):
        with pytest.raises(BadLines, match="A:B is TEXTUAL and cannot become NUMERIC"):
            parquet(lake, columns)


def test_naive_times_need_a_zone(lake: Lake) -> None:
    columns = {"time": pa.array([T0 // 1000], pa.timestamp("us")), "A:B": [1.0]}
    with pytest.raises(IngestError, match="the times of the column time have no zone"):
        parquet(lake, columns)
    parquet(lake, columns, IngestOptions(zone="Europe/Zurich"))
    assert only(lake, "A:B").time.tolist() == [T0 - 3600 * 10**9]
    parquet(lake, {"time_utc": columns["time"], "A:C": [1.0]})
    assert only(lake, "A:C").time.tolist() == [T0]


def test_an_hour_that_comes_twice_is_refused(lake: Lake) -> None:
    twice = nanoseconds(datetime(2026, 10, 25, 2, 30, tzinfo=UTC)) // 1000
    columns = {"time": pa.array([twice], pa.timestamp("us")), "A:B": [1.0]}
    with pytest.raises(IngestError, match="comes twice in Europe/Zurich"):
        parquet(lake, columns, IngestOptions(zone="Europe/Zurich"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"A:B": [1.0]}, "has no time columns"),
        ({"time": [1], "timestamp": [1], "A:B": [1.0]}, "has 2 time columns"),
        ({"time": [1.5], "A:B": [1.0]}, "the column time is double; times must be timestamps"),
        ({"time": [1]}, "has a time column and nothing else"),
        ({"time": [1], "A:B": [{"x": 1}]}, "the column A:B is struct.*allowed are numbers"),
        (
            {"time": [1], "variable": ["A"], "value": [1.0], "quality": [1]},
            "'quality' is no column of a long table",
        ),
        ({"time": [1], "variable": ["A"], "value": [b"x"]}, "images as bytes need their rows"),
    ],
)
def test_a_table_that_is_none(lake: Lake, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(IngestError, match=message):
        parquet(lake, columns)


def test_damaged_files_are_named(lake: Lake, tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"time": TIMES, "A:B": [1.0] * 30}), good)
    for name, content, message in (
        ("cut.parquet", good.read_bytes()[:200], "cannot be read as Parquet"),
        ("not.parquet", b"something else", "is no Parquet file, in spite of its name"),
        ("cut.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "cannot be read as HDF5"),
        ("cut.tfs", b"* TIME A\n 1 2\n", "cannot be read as TFS"),
    ):
        (tmp_path / name).write_bytes(content)
        (result,) = ingest_files([tmp_path / name], lake)
        assert message in result.refused
        assert name in result.refused


def test_a_parquet_whose_names_are_no_text_is_named(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"timestamp": pa.array([1], pa.int64()), "variable": ["A:P"], "value": [1.5]})
    pq.write_table(table, path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"variable", b"vari\x90ble"))
    with pytest.raises(IngestError, match=r"a\.parquet cannot be read as Parquet: .*utf-8"):
        ingest(path, lake)


# HDF5


def hdf5(lake: Lake, fill: Any, name: str = "in.h5") -> Ingested:
    path = lake.folder.parent / name
    with h5py.File(path, "w") as file:
        fill(file)
    return ingest(path, lake)


def group(file: Any, name: str, value: Any, **more: Any) -> Any:
    made = file.create_group(name)
    made["time"] = np.array(TIMES[: len(value)])
    made["value"] = value
    for key, data in more.items():
        made[key] = data
    return made


def test_hdf5_of_every_kind(lake: Lake) -> None:
    floats, texts = h5py.vlen_dtype(np.float32), h5py.string_dtype()

    def fill(file: Any) -> None:
        scalar = group(file, "A:N", np.arange(3, dtype=np.int16))
        scalar.attrs["unit"] = "mm"
        scalar.attrs["title"] = np.bytes_("a title")
        group(file, "A:V", np.arange(6.0).reshape(3, 2))
        group(
            file,
            "A:R",
            np.array([np.zeros(2, "f4"), np.ones(0, "f4")], dtype=object).astype(floats),
        )
        group(file, "A:M", np.arange(12, dtype=np.uint8).reshape(2, 3, 2))
        group(file, "A:T", np.array(["on", "größer"], dtype=texts))
        group(file, "A:S", np.array([["a", "b"], ["", "c"]], dtype=texts))
        pixels = np.empty(2, dtype=object)
        pixels[0], pixels[1] = np.arange(6, dtype=np.uint16), np.arange(2, dtype=np.uint16)
        group(
            file,
            "deep/er",
            pixels.astype(h5py.vlen_dtype(np.uint16)),
            rows=np.array([2, 1]),
            columns=np.array([3, 2]),
        ).attrs["name"] = "A:I"

    result = hdf5(lake, fill)
    assert (result.samples, result.variables) == (16, 7)
    scalar = only(lake, "A:N")
    assert (scalar.unit, scalar.title, scalar.value.tolist()) == ("mm", "a title", [0, 1, 2])
    assert only(lake, "A:V").value.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert [row.tolist() for row in only(lake, "A:R").value] == [[0, 0], []]
    assert only(lake, "A:M").value.dtype == np.uint8
    assert only(lake, "A:M").value[1].tolist() == [[6, 7], [8, 9], [10, 11]]
    assert only(lake, "A:T").value.tolist() == ["on", "größer"]
    assert [row.tolist() for row in only(lake, "A:S").value] == [["a", "b"], ["", "c"]]
    images = only(lake, "A:I").value
    assert [image.tolist() for image in images] == [[[0, 1, 2], [3, 4, 5]], [[0, 1]]]
    assert images[0].dtype == np.uint16


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda file: file.create_dataset("x", data=[1]), "holds no variable"),
        (
            lambda file: (
                group(file, "A:B", [1.0]),
                file["A:B"].pop("time"),
                file["A:B"].update(time=[1.5]),
            ),
            "A:B/time is float64.*it must be int64",
        ),
        (
            lambda file: (
                group(file, "A:B", [1.0, 2.0]),
                file["A:B"].pop("time"),
                file["A:B"].update(time=[1]),
            ),
            "has 1 times, and values of shape",
        ),
        (lambda file: group(file, "A:B", np.zeros((1, 1, 1, 1))), "of 4 dimensions; allowed are"),
        (lambda file: group(file, "A%", [1.0]), "holds '%'"),
    ],
)
def test_hdf5_that_is_none(lake: Lake, fill: Any, message: str) -> None:
    with pytest.raises(IngestError, match=message):
        hdf5(lake, fill)


def test_hdf5_of_another_kind(lake: Lake) -> None:
    lake.write([made("A:B", Kind.TEXTUAL, TIMES[:1])])
    with pytest.raises(IngestError, match="is NUMERIC, but A:B is TEXTUAL in the store"):
        hdf5(lake, lambda file: group(file, "A:B", [1.0]))


# TFS


def tfs(lake: Lake, text: str, options: IngestOptions | None = None) -> Ingested:
    path = lake.folder.parent / "BWS_scan.tfs"
    path.write_text(text)
    return ingest(path, lake, options)


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("%s", ('"2026_11_22@00_00_00_000000"', '"2026_11_22@00_00_01_500000"')),
        ("%d", (str(T0), str(T0 + 1_500_000_000))),
        ("%le", (f"{T0 / 1e9:.1f}", f"{T0 / 1e9 + 1.5:.1f}")),
    ],
)
def test_tfs(lake: Lake, kind: str, times: tuple[str, str]) -> None:
    rows = "".join(
        f' {time} {value} "text"\n' for time, value in zip(times, (1e-6, 2e-6), strict=True)
    )
    result = tfs(lake, f"* TIME EMITTANCE NOTE\n$ {kind} %le %s\n{rows}")
    assert result.notes == ("columns that are no numbers were left out: NOTE",)
    found = only(lake, "BWS_scan:EMITTANCE")
    assert found.time.tolist() == [T0, T0 + 1_500_000_000]
    assert found.value.tolist() == [1e-6, 2e-6]
    tfs(lake, f"* TIME EMITTANCE NOTE\n$ {kind} %le %s\n{rows}", IngestOptions(device="LHC.BWS"))
    assert lake.find("LHC.BWS:EMITTANCE")


def test_tfs_that_is_none(lake: Lake) -> None:
    with pytest.raises(IngestError, match="has no column TIME; its columns: S, X"):
        tfs(lake, "* S X\n$ %le %le\n 1 2\n")
    with pytest.raises(IngestError, match="has no column of numbers beside TIME"):
        tfs(lake, '* TIME X\n$ %d %s\n 1 "a"\n')
    with pytest.raises(BadLines, match="BWS_scan.tfs: row 2: 'noon' is not a time"):
        tfs(lake, '* TIME X\n$ %s %le\n "2026_11_22@00_00_00" 1\n "noon" 2\n')


# Real data


@pytest.mark.data
def test_the_cern_tables(lake: Lake) -> None:
    folder = DATA / "cern-lhc-logging"
    if not folder.exists():
        pytest.skip("cern-lhc-logging is not here")
    results = ingest_files(sorted(folder.glob("*.tfs")), lake)
    assert [result.refused for result in results] == [""] * 5
    found = only(lake, "MD3312_intensity:INTENSITY")
    assert len(found) == 2134
    assert found.value[0] == 8.38e9
    assert found.time[0] == nanoseconds(datetime(2018, 10, 30, 13, 57, 9, 77_000, tzinfo=UTC))
    assert len(lake.find("MD3312_kick_x:%")) == 14


@pytest.mark.data
def test_the_sns_images(lake: Lake) -> None:
    path = DATA / "sns-target-images/target_images_2021-09-07.npz"
    if not path.exists():
        pytest.skip("sns-target-images is not here")
    with np.load(path, allow_pickle=False) as file:
        images = file["images"]
        local = pd.to_datetime(file["timestamp_local"]).tz_localize("America/New_York")
    times = local.tz_convert("UTC").as_unit("ns").asi8
    order = np.argsort(times, kind="stable")

    def fill(file: Any) -> None:
        group = file.create_group("SNS.TGT:IMAGE")
        group["time"], group["value"] = times, images

    result = hdf5(lake, fill)
    found = only(lake, "SNS.TGT:IMAGE")
    assert result.samples + result.duplicates == len(images)
    if not result.duplicates:
        assert np.array_equal(found.value, images[order])
    assert found.value.dtype == np.uint8
    assert found.value.shape[1:] == (200, 400)
