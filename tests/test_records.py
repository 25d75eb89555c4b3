"""Records on disk: every kind comes back as it went in, one series at a time."""

import errno
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from oaflib import columnar
from oaflib.errors import RecordsError
from oaflib.records import Entry, RecordsWriter, State, entry_of, open_records, records_of
from oaflib.series import Kind, Series, Variable, device_of, stack
from oaflib.sources.embedded import Lake
from oaflib.sources.embedded.files import DAY_NS
from oaflib.sources.ordered import normalise
from oaflib.window import calendar_day

DAY = calendar_day(date(2026, 10, 25), "Europe/Zurich")
T0 = DAY.start_ns


def times(n: int) -> np.ndarray:
    return T0 + np.arange(n, dtype=np.int64) * 10**9


def every_kind() -> list[Series]:
    ragged = stack([np.ones(3), np.empty(0), np.array([np.nan, 1.0])], 1)
    images = stack([np.eye(3, dtype="u2"), np.ones((2, 5), "u2")], 2)
    return [
        Series("A:N", Kind.NUMERIC, "mA", times(4), np.array([1.0, np.nan, np.inf, -2.0])),
        Series("A:V", Kind.VECTORNUMERIC, "um", times(2), np.arange(6.0).reshape(2, 3)),
        Series("A:R", Kind.VECTORNUMERIC, "um", times(3), ragged),
        Series("A:M", Kind.MATRIXNUMERIC, "", times(2), np.zeros((2, 3, 4), "f4")),
        Series("A:I", Kind.MATRIXNUMERIC, "", times(2), images),
        Series("A:T", Kind.TEXTUAL, "", times(2), np.array(["STABLE", "é\0\n"], object)),
        Series("A:S", Kind.VECTORSTRING, "", times(2), columnar.stack_texts([["a", "b"], []])),
        Series("A:E", Kind.NUMERIC, "A", times(0), np.empty(0)),
    ]


def same(one: Series, other: Series) -> bool:
    if (one.name, one.kind, one.unit) != (other.name, other.kind, other.unit):
        return False
    if not np.array_equal(one.time, other.time) or len(one) != len(other):
        return False
    numbers = one.kind.numeric
    return all(
        np.array_equal(a, b, equal_nan=numbers and np.asarray(a).dtype.kind == "f")
        and np.asarray(a).dtype == np.asarray(b).dtype
        for a, b in zip(one.value, other.value, strict=True)
    )


def kept(folder: Path, series: list[Series]) -> None:
    with RecordsWriter(folder, DAY, "LDB") as writer:
        for entry in series:
            writer.add(entry, entry_of(entry))
        writer.missing(Entry(Variable("A:GONE"), State.ABSENT, reason="no such variable"))


def test_every_kind_comes_back(tmp_path: Path) -> None:
    series = every_kind()
    kept(tmp_path, series)
    records = open_records(tmp_path)
    assert list(records) == [entry.name for entry in series] + ["A:GONE"]
    assert all(same(records[entry.name], entry) for entry in series)
    assert records.window == DAY
    assert records.entries["A:N"].nan == 1
    assert records.entries["A:N"].inf == 1
    assert records.entries["A:E"].state is State.EMPTY
    assert records.entries["A:GONE"].state is State.ABSENT
    assert len(records["A:GONE"]) == 0


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
@given(
    hnp.arrays(np.float64, st.integers(0, 50)),
    st.lists(hnp.arrays(np.float64, st.integers(0, 5)), max_size=10),
    st.lists(st.text(), max_size=10),
)
def test_any_values_come_back(
    tmp_path: Path, numbers: np.ndarray, vectors: list[np.ndarray], texts: list[str]
) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    series = [
        Series("N", Kind.NUMERIC, "", times(len(numbers)), numbers),
        Series("V", Kind.VECTORNUMERIC, "", times(len(vectors)), stack(vectors, 1)),
        Series("T", Kind.TEXTUAL, "", times(len(texts)), np.array(texts, object)),
    ]
    kept(tmp_path, series)
    records = open_records(tmp_path)
    assert all(same(records[entry.name], entry) for entry in series)


def test_arrays_are_read_only(tmp_path: Path) -> None:
    kept(tmp_path, every_kind())
    with pytest.raises(ValueError, match="read-only"):
        open_records(tmp_path)["A:N"].value[0] = 1.0


def test_records_that_were_not_completed_are_not_records(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RecordsWriter(tmp_path, DAY) as writer:
        writer.add(every_kind()[0], Entry(Variable("A:N"), State.LOGGED, count=1 // 0))
    with pytest.raises(RecordsError, match="the extraction did not end"):
        open_records(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    kept(tmp_path, every_kind())
    (tmp_path / "numeric.parquet").write_bytes(b"PAR1 not any more")
    with pytest.raises(RecordsError, match=r"numeric\.parquet cannot be read for A:N"):
        open_records(tmp_path)["A:N"]


def test_records_in_memory_take_computed_ones(tmp_path: Path) -> None:
    kept(tmp_path, every_kind())
    made = Series("ratio", Kind.NUMERIC, "", times(2), np.array([1.0, 2.0]))
    both = open_records(tmp_path).with_series([made])
    assert both["ratio"] is made
    assert both.entries["ratio"].computed
    assert not records_of(every_kind(), DAY).entries["A:N"].computed


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", "LHC.BCTDC.A6R4.B1"),
        ("SPS.BCTDC24.51454/Acquisition#totalIntensity", "SPS.BCTDC24.51454"),
        ("ratio", "ratio"),
    ],
)
def test_the_device_of_a_name(name: str, device: str) -> None:
    assert device_of(name) == device


# What lies in files that never change is linked


def in_store(folder: Path, series: list[Series]) -> list[Series]:
    """The series as a store gives them, which says where they lie."""
    with Lake(folder) as lake:
        lake.write(series)
        variables = [lake.find(entry.name)[0] for entry in series]
        return list(lake.read(variables, DAY.start_ns, DAY.end_ns))


def readings(count: int, n: int = 200) -> list[Series]:
    rng = np.random.default_rng(count)
    return [
        Series(f"D{i:02}:V", Kind.NUMERIC, "A", times(n), rng.normal(size=n)) for i in range(count)
    ]


def test_what_a_store_holds_is_linked_and_outlives_it(tmp_path: Path) -> None:
    made = [*readings(3), *every_kind()]
    read = in_store(tmp_path / "store", made)
    kept(tmp_path / "run", [entry for entry in read if len(entry)])
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"records.json", *(f"linked-{i}.parquet" for i in range(5))}
    for path in (tmp_path / "store").rglob("*.parquet"):
        path.unlink()  # as compaction and retention do
    records = open_records(tmp_path / "run")
    for entry in made:
        if len(entry):
            assert same(records[entry.name], entry), entry.name


def test_a_file_is_not_kept_for_a_little_of_it(tmp_path: Path) -> None:
    made = readings(9)
    read = in_store(tmp_path / "store", made)
    kept(tmp_path / "run", read[2:4])  # two of nine
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "records.json",
        "numeric.parquet",
    }
    records = open_records(tmp_path / "run")
    assert same(records["D02:V"], made[2])
    assert same(records["D03:V"], made[3])


def test_a_part_is_linked_and_the_rest_copied(tmp_path: Path) -> None:
    """A local day begins in one UTC day and ends in the next."""
    n = 200
    hours = np.linspace(-22, 22, n) * 3600e9
    midnight = -(-DAY.start_ns // DAY_NS) * DAY_NS
    made = [
        Series(f"D{i}:V", Kind.NUMERIC, "A", midnight + hours.astype(np.int64), np.arange(n) + 0.5)
        for i in range(3)
    ]
    read = in_store(tmp_path / "store", made)
    by_name: dict[str, list[Series]] = {}
    for entry in read:
        by_name.setdefault(entry.name, []).append(entry)
    with RecordsWriter(tmp_path / "run", DAY, "LDB") as writer:
        for name, pieces in by_name.items():
            writer.add(*normalise(Variable(name, unit="A"), pieces, DAY))
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {"records.json", "numeric.parquet", "linked-1.parquet"}
    records = open_records(tmp_path / "run")
    for entry in made:
        assert same(records[entry.name], entry.between(DAY.start_ns, DAY.end_ns))


def test_where_no_link_can_be_made_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("oaflib.records.os.link", refused)
    made = readings(2)
    kept(tmp_path / "run", in_store(tmp_path / "store", made))
    assert not list((tmp_path / "run").glob("linked-*"))
    records = open_records(tmp_path / "run")
    assert all(same(records[entry.name], entry) for entry in made)


def test_records_made_anew_let_go_of_old_links(tmp_path: Path) -> None:
    made = readings(2)
    kept(tmp_path / "run", in_store(tmp_path / "store", made))
    kept(tmp_path / "run", made)
    assert not list((tmp_path / "run").glob("linked-*"))
    assert same(open_records(tmp_path / "run")["D00:V"], made[0])


def test_samples_chosen_or_merged_are_written_not_linked(tmp_path: Path) -> None:
    [read] = in_store(tmp_path / "store", readings(1))
    assert read.lies
    assert read.where(slice(0, 5)).lies == ()
    twice, _ = normalise(Variable("D00:V", unit="A"), [read, read], DAY)
    assert len(twice) == len(read)
    assert twice.lies == ()


def test_half_a_character_costs_no_records(tmp_path: Path) -> None:
    """A JSON source may bring one, and no file can hold it."""
    time = np.arange(2) + calendar_day(date(2026, 11, 22), "UTC").start_ns
    texts = Series("A:S", Kind.TEXTUAL, "", time, np.array(["a\ud800b", "c"], dtype=object))
    rows = np.empty(2, dtype=object)
    rows[:] = [np.array(["\udfff"], dtype=object), np.array([], dtype=object)]
    lists = Series("A:L", Kind.VECTORSTRING, "", time, rows)
    with RecordsWriter(tmp_path, calendar_day(date(2026, 11, 22), "UTC")) as writer:
        for series in (texts, lists):
            writer.add(series, entry_of(series))
    kept = open_records(tmp_path)
    assert list(kept["A:S"].value) == ["a?b", "c"]
    assert list(kept["A:L"].value[0]) == ["?"]
