"""The embedded store as a source, and what it promises beyond one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from oaflib.config.site import SourceSettings
from oaflib.errors import ConfigurationError, IngestError, SourceUnavailable
from oaflib.series import Kind, Series, Variable
from oaflib.sources.base import Snapshot
from oaflib.sources.embedded import EmbeddedSource, Lake
from oaflib.sources.embedded.units import Span
from oaflib.testing import SourceContract, gathered, same
from oaflib.window import Window

SECOND = 10**9
DAY = 86_400 * SECOND
WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
T0 = WINDOW.start_ns


def source(folder: Path, **options: object) -> EmbeddedSource:
    return EmbeddedSource(SourceSettings("LDB", "embedded", {"folder": str(folder), **options}))


def numeric(name: str, times: Sequence[int], first: float = 0.0, unit: str = "") -> Series:
    return Series(name, Kind.NUMERIC, unit, np.array(times), first + np.arange(float(len(times))))


def test_a_bound_is_no_less_than_the_count(tmp_path: Path) -> None:
    times = [T0 - SECOND, T0, T0 + SECOND, T0 + DAY]
    with Lake(tmp_path / "store") as lake:
        lake.write([numeric("A:X", times)])
        lake.write([numeric("A:X", [T0 + 5 * SECOND])])
    with source(tmp_path / "store") as opened:
        variables = [*opened.find("A:X"), Variable("A:GONE")]
        assert opened.count(variables, WINDOW) == {"A:X": 3, "A:GONE": 0}
        found = opened.bound(variables, WINDOW)
        assert found["A:X"] >= 3
        assert found["A:GONE"] == 0


class TestEmbedded(SourceContract):
    def filled(self, series: Sequence[Series], folder: Path) -> EmbeddedSource:
        with Lake(folder / "store") as lake:
            lake.write(series)
        return source(folder / "store")

    def unreachable(self, folder: Path) -> EmbeddedSource:
        return source(folder / "absent")


class TestEmbeddedInSmallBatches(TestEmbedded):
    """The same when memory is scarce and every series comes alone."""

    def filled(self, series: Sequence[Series], folder: Path) -> EmbeddedSource:
        with Lake(folder / "store", memory=1000) as lake:
            for entry in series:
                half = len(entry) // 2
                lake.write([entry.where(slice(half, None)), entry.where(slice(0, half))])
        return source(folder / "store")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "store")


def read(lake: Lake, *names: str, window: Window = WINDOW) -> dict[str, Series]:
    with source(lake.folder) as opened:
        variables = [variable for name in names for variable in opened.find(name)]
        return gathered(opened, variables, window)


# Round trips

finite_times = st.lists(
    st.integers(T0 - 2 * DAY, T0 + 2 * DAY), min_size=1, max_size=20, unique=True
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
samples = {
    Kind.NUMERIC: st.floats(width=64),
    Kind.VECTORNUMERIC: hnp.arrays(np.float64, st.integers(0, 5)),
    Kind.MATRIXNUMERIC: hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.int64, np.float32, np.float64]),
        st.tuples(st.integers(0, 3), st.integers(0, 3)),
    ),
    Kind.TEXTUAL: texts,
    Kind.VECTORSTRING: st.lists(texts, max_size=3).map(lambda row: np.array(row, dtype=object)),
}


@pytest.mark.parametrize("kind", Kind)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), times=finite_times)
def test_any_series_comes_back(
    kind: Kind, data: st.DataObject, times: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    value = np.empty(len(times), dtype=object)
    for i in range(len(times)):
        value[i] = data.draw(samples[kind])
    if kind is Kind.NUMERIC:
        value = value.astype(np.float64)
    series = Series("A:B", kind, "mm", np.array(times), value)
    wide = Window(datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 26, tzinfo=UTC))
    with Lake(tmp_path_factory.mktemp("lake") / "store", memory=500) as lake:
        lake.write([series])
        found = read(lake, "A:B", window=wide)["A:B"]
    assert same(found, series.where(np.argsort(series.time)))


def test_equal_sizes_come_back_as_one_array(lake: Lake) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    vectors = np.arange(6.0).reshape(2, 3)
    time = np.array([T0, T0 + 1])
    lake.write(
        [
            Series("A:IMAGE", Kind.MATRIXNUMERIC, "", time, images),
            Series("A:VECTOR", Kind.VECTORNUMERIC, "", time, vectors),
        ]
    )
    pieces = {piece.name: piece for piece in lake.read(lake.find("%"), T0, T0 + DAY)}
    assert pieces["A:IMAGE"].value.dtype == np.uint8
    assert np.array_equal(pieces["A:IMAGE"].value, images)
    assert np.array_equal(pieces["A:VECTOR"].value, vectors)


# Batches


def test_a_batch_is_there_whole_or_not_at_all(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])

    def fail() -> None:
        with lake.writing("half") as batch:
            batch.add(numeric("A:B", [T0 + 1]))
            batch.add(numeric("A:C", [T0 + 1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert read(lake, "A:%")["A:B"].time.tolist() == [T0]
    assert lake.find("A:C") == []
    assert not lake.holds("half")
    assert len(list(lake.folder.rglob("*.parquet"))) == 1
    assert [path.name for path in (lake.folder / "tmp").iterdir()] == ["door"]


def test_a_reader_does_not_see_an_open_batch(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])
    with Lake(lake.folder, memory=10).writing("second") as batch:
        batch.add(numeric("A:B", [T0 + 1, T0 + 2]))
        assert len(read(lake, "A:B")["A:B"]) == 1
    assert len(read(lake, "A:B")["A:B"]) == 3


def test_origins_are_remembered(lake: Lake) -> None:
    assert not lake.holds("day 1")
    with lake.writing("day 1") as batch:
        batch.add(numeric("A:B", [T0]))
    assert lake.holds("day 1")
    assert not lake.holds("day 2")


def test_little_memory_makes_few_files(tmp_path: Path) -> None:
    with Lake(tmp_path / "store", memory=20_000) as lake:
        with lake.writing("") as batch:
            for i in range(50):
                batch.add(numeric("A:B", range(T0 + i * 1000, T0 + i * 1000 + 500)))
                batch.add(numeric("A:C", range(T0 + i, T0 + 500 + i)))
        assert len(list(lake.folder.rglob("*.parquet"))) == 1
        found = read(lake, "A:%")
    assert len(found["A:B"]) == len(found["A:C"]) == 25_000
    assert (np.diff(found["A:B"].time) > 0).all()


def test_a_variable_known_before_it_logs(lake: Lake) -> None:
    lake.write([Series("A:B", Kind.TEXTUAL, "", np.empty(0, np.int64), np.empty(0, object), "T")])
    assert lake.find("A:B") == [Variable("A:B", Kind.TEXTUAL, "", "T")]
    assert len(read(lake, "A:B")["A:B"]) == 0


def test_a_variable_keeps_its_kind(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])
    text = Series("A:B", Kind.TEXTUAL, "", np.array([T0]), np.array(["on"], dtype=object))
    with pytest.raises(IngestError, match="A:B is NUMERIC in the store and cannot become TEXTUAL"):
        lake.write([numeric("A:C", [T0]), text])
    assert lake.find("A:C") == []


def test_two_writers_disagree_on_a_kind(lake: Lake) -> None:
    """The first to commit is right, though the other had begun before."""
    text = Series("A:B", Kind.TEXTUAL, "", np.array([T0]), np.array(["on"], dtype=object))
    batch = lake.writing("one").__enter__()
    batch.add(numeric("A:B", [T0]))
    Lake(lake.folder).write([text])
    with pytest.raises(IngestError, match="cannot become NUMERIC"):
        batch.__exit__(None, None, None)
    assert lake.find("A:B") == [Variable("A:B", Kind.TEXTUAL)]


@pytest.mark.parametrize("name", ["", " A:B", "A\n:B", "A%:B", "A*B", "X" * 400])
def test_a_name_that_cannot_be_asked_for_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(IngestError):
        lake.write([numeric(name, [T0])])


# Units


def test_a_unit_changes(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0, T0 + 10], unit="um")])
    lake.write([numeric("A:B", [T0 + 20, T0 + 30], unit="mm")])
    lake.write([numeric("A:B", [T0 + 25, T0 + 40])])  # says nothing of the unit
    assert lake.units("A:B") == [Span(T0, T0 + 10, "um"), Span(T0 + 20, T0 + 30, "mm")]
    assert lake.find("A:B")[0].unit == "mm"
    pieces = [
        (piece.unit, piece.time.tolist()) for piece in lake.read(lake.find("A:B"), T0, T0 + DAY)
    ]
    assert pieces[0] == ("um", [T0, T0 + 10])
    assert {unit for unit, _ in pieces[1:]} == {"mm"}


def test_an_older_day_in_another_unit_fits_in(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0, T0 + 100], unit="mm")])
    lake.write([numeric("A:B", [T0 + 50], unit="um")])  # between two samples, none in it
    units = [span.unit for span in lake.units("A:B")]
    assert units == ["mm", "um", "mm"]
    assert lake.find("A:B")[0].unit == "mm"


def test_one_time_has_one_unit(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0, T0 + 10, T0 + 20], unit="mm")])
    with pytest.raises(IngestError, match="A:B comes in 'um', but its samples from .* in 'mm'"):
        lake.write([numeric("A:B", [T0 + 5, T0 + 15], unit="um")])


# Snapshots, options, states of the folder


def test_snapshots_are_saved_and_replaced(lake: Lake) -> None:
    one = Snapshot("BI_BCT_one", ("A:%", "B:C"), "first", WINDOW)
    two = Snapshot("BI_BCT_two", ("A:B",))
    for snapshot in (one, two, Snapshot("BI_BCT_one", ("X:Y",)), one):
        lake.save_snapshot(snapshot)
    with source(lake.folder) as opened:
        assert opened.snapshots() == [one, two]
        assert opened.snapshots("BI_BCT_o%") == [one]
        assert opened.snapshots("BI_BCT_one")[0].window == WINDOW


def test_options_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="folder: is missing"):
        EmbeddedSource(SourceSettings("LDB", "embedded", {}))
    with pytest.raises(ConfigurationError, match="path: is no option"):
        EmbeddedSource(SourceSettings("LDB", "embedded", {"folder": "x", "path": "y"}))


def test_a_relative_folder_is_the_projects(tmp_path: Path) -> None:
    Lake(tmp_path / "runs/store").write([numeric("A:B", [T0])])
    settings = SourceSettings("LDB", "embedded", {"folder": "runs/store"}, tmp_path)
    with EmbeddedSource(settings) as opened:
        assert len(opened.find("A:B")) == 1


def test_no_store_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        with (
            pytest.raises(SourceUnavailable, match=f"no store in .*{name}; 'oaf ingest FILE'"),
            source(tmp_path / name),
        ):
            pass
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (tmp_path / "absent").exists()


def test_a_damaged_manifest_is_named(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])
    lake.close()
    (lake.folder / "manifest.sqlite").write_bytes(b"not a database" * 1000)
    with (
        pytest.raises(SourceUnavailable, match=r"manifest.sqlite.*it is damaged"),
        source(lake.folder),
    ):
        pass


def test_a_damaged_file_is_named(lake: Lake) -> None:
    lake.write([numeric("A:B", range(T0, T0 + 1000))])
    (path,) = lake.folder.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceUnavailable, match=f"{path.name} is damaged"):
        read(lake, "A:B")
    path.unlink()
    with pytest.raises(SourceUnavailable, match=f"{path.name} went"):
        read(lake, "A:B")


def test_another_version_is_refused(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])
    with lake.manifest().transaction() as db:
        db.execute("UPDATE meta SET value = 'oaf-store/9'")
    with pytest.raises(SourceUnavailable, match="is oaf-store/9, and this OAF knows oaf-store/1"):
        Lake(lake.folder).find()


def test_reading_writes_nothing(lake: Lake) -> None:
    lake.write([numeric("A:B", [T0])])
    lake.close()
    reader = Lake(lake.folder, read_only=True)
    assert len(reader.find()) == 1
    with pytest.raises(SourceUnavailable, match="reading only"):
        reader.write([numeric("A:B", [T0])])
