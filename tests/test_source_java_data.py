"""What the logging API has of its own: types, nulls, limits, buckets, fills, snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from java_world import World, java_source, needs_jdk

from oaflib.config.budget import Budget
from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.registry import sources
from oaflib.series import Kind, Series, Variable
from oaflib.sources.base import Fill, SourceSettings
from oaflib.sources.connection import direct
from oaflib.sources.extract import Extraction, extract
from oaflib.sources.java import Header, JavaSource
from oaflib.testing import gathered
from oaflib.window import Window

pytestmark = [pytest.mark.java, needs_jdk]

SECOND = 10**9
HOUR = 3600 * SECOND
WINDOW = Window(datetime(2026, 11, 21, 23, tzinfo=UTC), datetime(2026, 11, 22, 23, tzinfo=UTC))
START, END = WINDOW.start_ns, WINDOW.end_ns


@pytest.fixture(params=["cals", "nxcals"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["helper", "one by one"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "one by one":
        monkeypatch.setattr("oaflib.sources.java.source.helper", lambda *_: None)
    return str(request.param)


def opened(world: World, folder: Path, **options: object) -> JavaSource:
    return java_source(str(options.pop("api", "nxcals")), world.write(folder / "w.tsv"), **options)


def one(source: JavaSource, name: str, window: Window = WINDOW) -> Series:
    (series,) = source.read(source.find(name), window)
    return series


# Types


def test_long_typed_numbers(api: str, way: str, tmp_path: Path) -> None:
    """getDoubleValue of data typed long throws; the type may change within a window."""
    world = World().variable("A:N", "NUMERIC")
    for i, (kind, value) in enumerate([("L", 3), ("L", 2**53 - 1), ("D", 0.5), ("L", -7)]):
        world.point(START + i, kind, value)
    with opened(world, tmp_path, api=api) as source:
        series = one(source, "A:N")
    assert series.value.tolist() == [3.0, 2.0**53 - 1, 0.5, -7.0]
    assert series.value.dtype == np.float64


def test_long_typed_vectors_and_images(api: str, way: str, tmp_path: Path) -> None:
    world = World().variable("A:V", "VECTORNUMERIC")
    world.point(START, "VL", 1, 2).point(START + 1, "VD", 0.5, 1.5)
    world.variable("A:SMALL", "MATRIXNUMERIC").point(START, "ML", 2, 0, 1, 2, 65535)
    world.variable("A:LARGE", "MATRIXNUMERIC").point(START, "ML", 2, 0, -1, 2, 3)
    world.variable("A:REAL", "MATRIXNUMERIC").point(START, "MD", 1, 0.5, 1.5)
    with opened(world, tmp_path, api=api) as source:
        vectors, small, large, real = (
            one(source, name) for name in ("A:V", "A:SMALL", "A:LARGE", "A:REAL")
        )
    assert vectors.value.tolist() == [[1.0, 2.0], [0.5, 1.5]]
    assert (small.value.dtype, small.value.tolist()) == (np.uint16, [[[0, 1], [2, 65535]]])
    assert (large.value.dtype, large.value.tolist()) == (np.int64, [[[0, -1], [2, 3]]])
    assert (real.value.dtype, real.value.tolist()) == (np.float64, [[[0.5], [1.5]]])


def test_vectors_of_one_length_are_one_array_and_others_ragged(way: str, tmp_path: Path) -> None:
    world = World().variable("A:EVEN", "VECTORNUMERIC")
    for i in range(5):
        world.point(START + i, "VD", *[float(i)] * 3)
    world.variable("A:RAGGED", "VECTORNUMERIC")
    for i in range(5):
        world.point(START + i, "VD", *[float(i)] * i)
    with opened(world, tmp_path) as source:
        even, ragged = one(source, "A:EVEN"), one(source, "A:RAGGED")
    assert even.value.shape == (5, 3)
    assert not even.ragged
    assert ragged.ragged
    assert [row.tolist() for row in ragged.value] == [[float(i)] * i for i in range(5)]


def test_status_and_fundamental_are_numbers(api: str, way: str, tmp_path: Path) -> None:
    world = World().variable("A:STATUS", "NUMERICSTATUS").point(START, "L", 4)
    world.variable("CPS:MD1:SFTPRO1", "FUNDAMENTAL").point(START, "N").point(START + 5, "N")
    with opened(world, tmp_path, api=api) as source:
        assert [v.kind for v in source.find("%")] == [Kind.NUMERIC, Kind.NUMERIC]
        assert one(source, "A:STATUS").value.tolist() == [4.0]
        occurred = one(source, "CPS:MD1:SFTPRO1")
        assert (occurred.time.tolist(), occurred.value.tolist()) == ([START, START + 5], [1.0, 1.0])
        assert source.count(source.find("%"), WINDOW) == {"A:STATUS": 1, "CPS:MD1:SFTPRO1": 2}


def test_nulls(way: str, tmp_path: Path) -> None:
    """A null number is NaN; what has no such value is left out, not made up."""
    world = World().variable("A:NUMERIC", "NUMERIC").point(START, "N").point(START + 1, "D", 2.0)
    for kind, words in (
        ("VECTORNUMERIC", ["VD", 1.0]),
        ("MATRIXNUMERIC", ["MD", 1, 1.0]),
        ("TEXTUAL", ["S", "on"]),
        ("VECTORSTRING", ["VS", "a", "b"]),
    ):
        world.variable(f"A:{kind}", kind).point(START, "N").point(START + 1, *words)
        world.variable(f"B:{kind}", kind).point(START, "N")
    with opened(world, tmp_path) as source:
        read = gathered(source, source.find("%"), WINDOW)
    assert np.isnan(read["A:NUMERIC"].value[0])
    assert read["A:NUMERIC"].value[1] == 2.0
    for kind in ("VECTORNUMERIC", "MATRIXNUMERIC", "TEXTUAL", "VECTORSTRING"):
        assert read[f"A:{kind}"].time.tolist() == [START + 1]
        assert len(read[f"B:{kind}"]) == 0


def test_a_null_text_of_the_older_root(way: str, tmp_path: Path) -> None:
    """There a point does not say that it is null; its text is."""
    world = World().variable("A:T", "TEXTUAL").point(START, "N").point(START + 1, "S", "on")
    with opened(world, tmp_path, api="cals") as source:
        assert one(source, "A:T").value.tolist() == ["on"]


def test_a_variable_logged_as_another_type_is_refused(tmp_path: Path) -> None:
    world = World().variable("A:V", "VECTORNUMERIC").point(START, "VD", 1.0)
    with opened(world, tmp_path) as source, pytest.raises(QueryRefused) as refused:
        list(source.read([Variable("A:V", Kind.NUMERIC)], WINDOW))
    assert str(refused.value) == ("A:V is NUMERIC, but was logged as VECTORNUMERIC in this window")


def test_find_by_kind(api: str, tmp_path: Path) -> None:
    world = World().variable("A:N", "NUMERIC", "mm", "a title").variable("A:T", "TEXTUAL")
    with opened(world, tmp_path, api=api) as source:
        assert source.find("A:%", Kind.NUMERIC) == [Variable("A:N", Kind.NUMERIC, "mm", "a title")]
        assert [v.name for v in source.find("A:%", Kind.TEXTUAL)] == ["A:T"]
        assert source.find("A:%", Kind.VECTORSTRING) == []


def test_times_to_the_nanosecond_before_and_after_1970(way: str, tmp_path: Path) -> None:
    window = Window(datetime(1969, 12, 31, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC))
    times = [-1_500_000_001, -1_000_000_000, -1, 0, 1, 999_999, 1_000_000, 1_999_999_999]
    world = World().variable("A:B", "NUMERIC")
    for time in times:
        world.point(time, "D", 1.0)
    with opened(world, tmp_path) as source:
        assert one(source, "A:B", window).time.tolist() == times


# Refusals and silence


def test_a_query_too_large_is_refused_and_a_smaller_one_is_not(api: str, tmp_path: Path) -> None:
    world = World().add("limit", 100).variable("A:B", "NUMERIC")
    world.add("uniform", START, SECOND, 250, "D")
    minute = Window(WINDOW.start, WINDOW.start + timedelta(minutes=1))
    with opened(world, tmp_path, api=api) as source:
        variables = source.find("A:B")
        with pytest.raises(QueryRefused) as refused:
            list(source.read(variables, WINDOW))
        assert str(refused.value) == (
            "A:B: The query would return 250 records, more than the maximum of 100: "
            "shorten the time window"
        )
        assert len(gathered(source, variables, minute)["A:B"]) == 60
        assert source.count(variables, WINDOW) == {"A:B": 250}


def test_a_service_that_goes_away_is_unavailable(api: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC").point(START, "D", 1.0)
    with opened(world, tmp_path, api=api, attempts=1) as source:
        variables = source.find("A:B")
        world.add("down", "no route to host").write(tmp_path / "w.tsv")
        for ask in (
            lambda: source.find("%"),
            lambda: source.count(variables, WINDOW),
            lambda: list(source.read(variables, WINDOW)),
            lambda: source.statistics(variables, WINDOW),
            lambda: source.last_before(variables, END),
            lambda: source.fills(WINDOW),
            lambda: source.snapshots(),
            lambda: list(source.scaled(variables, WINDOW, timedelta(minutes=1))),
        ):
            with pytest.raises(SourceUnavailable, match="no route to host"):
                ask()


def test_a_service_that_comes_back_is_asked_again(api: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC").point(START, "D", 1.0)
    up = world.write(tmp_path / "w.tsv").read_bytes()
    with opened(world, tmp_path, api=api, attempts=20, pause=0.1) as source:
        variables = source.find("A:B")
        world.add("down", "no route to host").write(tmp_path / "w.tsv")
        before = source.asked.queries
        beside = tmp_path / "up.tsv"
        beside.write_bytes(up)
        back = Timer(0.5, beside.replace, [tmp_path / "w.tsv"])
        back.start()
        (series,) = source.read(variables, WINDOW)
        back.join()
        assert series.value.tolist() == [1.0]
        assert source.asked.queries > before + 1


def test_beyond_the_budget_the_service_scales(tmp_path: Path) -> None:
    """The samples stay where they are; the numbers are those of all of them."""
    world = World().variable("A:B", "NUMERIC").add("uniform", START, SECOND, 3600, "D")
    hour = Window(WINDOW.start, WINDOW.start + timedelta(hours=1))
    whole = opened(world, tmp_path)
    with whole as source:
        samples = gathered(source, source.find("A:B"), hour)["A:B"]
    with opened(world, tmp_path) as source:
        about = Dataset("BCT", "B1", "B1", variables=(VariableChoice("A:B"),))
        connection = direct(source, Budget(points=1000, buckets=60))
        records = Extraction(about, hour, connection).into(tmp_path / "r")
        assert source.asked.rows <= 3 * 61  # its buckets are closed at both ends
        assert source.asked.queries < 12
    assert records.coarse == ("A:B",)
    assert records["A:B"].value.min() == samples.value.min()
    assert records["A:B"].value.max() == samples.value.max()
    assert len(records["A:B"]) == 120
    assert len(records.mean("A:B")) == 60
    reduced = records.entries["A:B"].reduced or {}
    assert reduced["count"] == 3600
    assert reduced["mean"] == pytest.approx(samples.value.mean())


def test_what_was_asked_is_counted(api: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC").add("uniform", START, SECOND, 250, "D")
    world.variable("A:V", "VECTORNUMERIC").add("rows", START, SECOND, 10, 8)
    with opened(world, tmp_path, api=api) as source:
        variables = source.find("A:%")
        assert (source.asked.queries, source.asked.rows) == (3, 0)  # all, and two types
        list(source.read(variables, WINDOW))
        assert (source.asked.queries, source.asked.rows) == (5, 260)
        assert source.asked.nbytes == 250 * 8 + 10 * 8 * 8
        assert source.asked.seconds > 0


def test_a_closed_source_says_so(tmp_path: Path) -> None:
    source = opened(World(), tmp_path)
    with pytest.raises(SourceUnavailable) as error:
        source.find("%")
    assert str(error.value) == "source LDB is not open: use it in a `with`"


# What the service reduces


def test_scaled_to_buckets(api: str, way: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC", "mm").add("uniform", START, SECOND, 7200, "D")
    world.variable("A:T", "TEXTUAL")
    window = Window(WINDOW.start, WINDOW.start + timedelta(hours=2))
    with opened(world, tmp_path, api=api) as source:
        variables = source.find("A:%")
        (mean,) = source.scaled(variables, window, timedelta(hours=1))
        (count,) = source.scaled(variables, window, timedelta(minutes=30), "COUNT")
        (gone,) = source.scaled([Variable("A:GONE")], window, timedelta(hours=1))
    assert mean.time.tolist() == [START, START + HOUR]  # the starts; none at the very end
    assert mean.value.tolist() == [(3599 / 2) * 0.5, (3600 + 3599 / 2) * 0.5]
    assert mean.unit == "mm"
    assert count.value.tolist() == [1800.0] * 4
    assert len(gone) == 0


@pytest.mark.parametrize(
    ("bucket", "algorithm", "message"),
    [
        (timedelta(milliseconds=1500), "AVG", "a bucket of 0:00:01.500000 is not one or more"),
        (timedelta(0), "AVG", "is not one or more whole seconds"),
        (timedelta(hours=1), "MEAN", "no algorithm is called 'MEAN': MAX, MIN, AVG, COUNT"),
    ],
)
def test_scaling_that_does_not_exist(
    bucket: timedelta, algorithm: str, message: str, tmp_path: Path
) -> None:
    with opened(World(), tmp_path) as source, pytest.raises(ValueError, match=message):
        list(source.scaled([], WINDOW, bucket, algorithm))


def test_statistics_are_the_services_where_they_are_finite(api: str, tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC", "mm")
    for i, value in enumerate([1.0, 2.0, 6.0]):
        world.point(START + i * SECOND, "D", value)
    world.point(END, "D", 1e9)  # not in the half-open window
    with opened(world, tmp_path, api=api) as source:
        (numbers,) = source.statistics(source.find("%"), WINDOW)
    assert (numbers.count, numbers.min, numbers.max, numbers.mean) == (3, 1.0, 6.0, 3.0)
    assert numbers.std == pytest.approx(np.std([1, 2, 6]))
    assert (numbers.first_time, numbers.last_time) == (START, START + 2 * SECOND)
    assert numbers.unit == "mm"


# Last samples


def test_last_before_looks_back_by_the_service_then_further(api: str, tmp_path: Path) -> None:
    """The service looks back one day only; what is logged on change is older."""
    day = 24 * HOUR
    world = World().variable("A:FRESH", "NUMERIC").point(START - HOUR, "L", 1)
    world.point(START, "L", 2)
    world.variable("A:OLD", "NUMERIC").point(START - 12 * day - 1, "D", 3.0)
    world.variable("A:TEXT", "TEXTUAL").point(START - 4 * day - HOUR, "S", "OFF")
    world.variable("A:ANCIENT", "NUMERIC").point(START - 40 * day, "D", 4.0)
    with opened(world, tmp_path, api=api) as source:
        last = source.last_before([*source.find("A:%"), Variable("A:GONE")], START)
    found = {name: (series.time.tolist(), series.value.tolist()) for name, series in last.items()}
    assert found == {
        "A:FRESH": ([START - HOUR], [1.0]),
        "A:OLD": ([START - 12 * day - 1], [3.0]),
        "A:TEXT": ([START - 4 * day - HOUR], ["OFF"]),
        "A:ANCIENT": ([], []),
        "A:GONE": ([], []),
    }


def test_look_back_is_an_option(tmp_path: Path) -> None:
    world = World().variable("A:B", "NUMERIC").point(START - 40 * 24 * HOUR, "D", 4.0)
    with opened(world, tmp_path, look_back=60) as source:
        assert source.last_before(source.find("%"), START)["A:B"].value.tolist() == [4.0]
    with opened(world, tmp_path, look_back=0) as source:
        assert len(source.last_before(source.find("%"), START)["A:B"]) == 0


# Fundamentals


@pytest.fixture
def cycles() -> World:
    """A value a cycle, every 10 s; each third cycle is of the user SFTPRO1."""
    world = World().variable("A:B", "NUMERIC")
    for i in range(-30, 30):
        world.point(START + i * 10 * SECOND, "D", float(i))
    world.variable("SPS:FT:SFTPRO1", "FUNDAMENTAL")
    for i in range(-30, 30, 3):
        world.point(START + i * 10 * SECOND, "N")
    world.variable("SPS:MD:MD1", "FUNDAMENTAL").point(START + 10 * SECOND, "N")
    return world


def test_only_data_of_some_cycles(api: str, cycles: World, tmp_path: Path) -> None:
    with opened(cycles, tmp_path, api=api, fundamental="SPS:%:SFTPRO%") as source:
        variables = source.find("A:B")
        series = gathered(source, variables, WINDOW)["A:B"]
        (numbers,) = source.statistics(variables, WINDOW)
        last = source.last_before(variables, START)["A:B"]
    assert series.value.tolist() == [float(i) for i in range(0, 30, 3)]
    assert (numbers.count, numbers.max) == (10, 27.0)  # not those of all cycles
    assert last.value.tolist() == [-3.0]


def test_cycles_that_were_not_played(api: str, cycles: World, tmp_path: Path) -> None:
    """The service answers null then, and not with all data."""
    with opened(cycles, tmp_path, api=api, fundamental="SPS:%:LHC%") as source:
        variables = source.find("A:B")
        assert len(gathered(source, variables, WINDOW)["A:B"]) == 0
        assert source.statistics(variables, WINDOW)[0].count == 0
        assert source.fundamentals(WINDOW, "SPS:%:LHC%") == []
        assert source.fundamentals(WINDOW, "SPS:%") == ["SPS:FT:SFTPRO1", "SPS:MD:MD1"]
        (series,) = source.filtered(variables, WINDOW, "SPS:MD:%")
        assert series.value.tolist() == [1.0]


# Fills


def test_fills_that_overlap_the_window(api: str, tmp_path: Path) -> None:
    world = World()
    world.add("fill", 1, START - 50 * HOUR, START - 30 * HOUR)
    world.add("fill", 2, START - 30 * HOUR, START + 2 * HOUR)  # began long before
    world.add("mode", "INJPHYS", START - 30 * HOUR, START - 28 * HOUR)
    world.add("mode", "STABLE", START - 28 * HOUR, START + 2 * HOUR)
    world.add("fill", 3, START + 2 * HOUR, "")  # still lasts
    world.add("mode", "SETUP", START + 2 * HOUR, START + 3 * HOUR)
    world.add("mode", "RAMP", START + 3 * HOUR, "")
    world.add("fill", 4, END, END + HOUR)
    with opened(world, tmp_path, api=api) as source:
        assert source.fills(WINDOW) == [
            Fill(
                2,
                START - 30 * HOUR,
                START + 2 * HOUR,
                (
                    ("INJPHYS", START - 30 * HOUR, START - 28 * HOUR),
                    ("STABLE", START - 28 * HOUR, START + 2 * HOUR),
                ),
            ),
            Fill(
                3,
                START + 2 * HOUR,
                END,
                (("SETUP", START + 2 * HOUR, START + 3 * HOUR), ("RAMP", START + 3 * HOUR, END)),
            ),
        ]


def test_no_fills(tmp_path: Path) -> None:
    with opened(World(), tmp_path) as source:
        assert source.fills(WINDOW) == []


# Headers


def test_headers_that_change_with_time(api: str, tmp_path: Path) -> None:
    world = World().variable("BLM:V", "VECTORNUMERIC").point(START, "VD", 1.0, 2.0)
    world.add("header", START - HOUR, "BLM.1", "BLM.2").add("header", START + HOUR, "BLM.1")
    world.point(START + HOUR, "VD", 1.0).variable("BLM:BARE", "VECTORNUMERIC")
    with opened(world, tmp_path, api=api) as source:
        vector = one(source, "BLM:V")
        (bare, named) = source.find("BLM:%")
        assert source.headers(named) == [
            Header(START - HOUR, ("BLM.1", "BLM.2")),
            Header(START + HOUR, ("BLM.1",)),
        ]
        assert source.headers(bare) == []
        assert source.headers(Variable("BLM:GONE")) == []
    assert [len(row) for row in vector.value] == [2, 1]


# Snapshots


@pytest.fixture
def saved() -> World:
    world = World().variable("LHC.BCT:A", "NUMERIC", "charges").point(START, "D", 1.0)
    world.variable("LHC.BCT:B", "NUMERIC").point(START, "D", 2.0).variable("X:C", "NUMERIC")
    for name, owner, access, variables in (
        ("BI_BCT_LHC", "jjgras", "public", "LHC.BCT:A,LHC.BCT:B"),
        ("BI_BCT_MINE", "jjgras", "private", "X:C"),
        ("BIxBCT_LHC", "jjgras", "public", "X:C"),  # as SQL reads the underscore
        ("BI_BWS_PS", "somebody", "public", "[X:C, LHC.BCT:A]"),
        ("BI_EMPTY_PS", "somebody", "public", ""),
    ):
        world.add("snapshot", name, owner, access)
        if variables:
            world.add("attribute", "getSelectedVariables", variables)
        world.add("attribute", "isEndTimeDynamic", "true")
    return world


def test_snapshots(api: str, saved: World, tmp_path: Path) -> None:
    with opened(saved, tmp_path, api=api) as source:
        found = {snapshot.name: snapshot for snapshot in source.snapshots("BI_%")}
        exact = source.snapshots("BI_BCT_LHC")
    assert {name: snapshot.variables for name, snapshot in found.items()} == {
        "BI_BCT_LHC": ("LHC.BCT:A", "LHC.BCT:B"),
        "BI_BWS_PS": ("X:C", "LHC.BCT:A"),
        "BI_EMPTY_PS": (),
    }
    assert found["BI_BCT_LHC"].description == "saved by jjgras: isEndTimeDynamic true"
    assert exact == [found["BI_BCT_LHC"]]


def test_snapshots_of_one_owner(saved: World, tmp_path: Path) -> None:
    with opened(saved, tmp_path, snapshot_owner="somebody") as source:
        names = [snapshot.name for snapshot in source.snapshots()]
    assert names == ["BI_BWS_PS", "BI_EMPTY_PS"]


def test_a_snapshot_is_reported_without_a_dataset_file(saved: World, tmp_path: Path) -> None:
    dataset = Dataset("BCT", "LHC", "of a snapshot", snapshot="BI_BCT_LHC")
    with opened(saved, tmp_path) as source:
        records = extract(dataset, WINDOW, source, tmp_path / "records")
    assert list(records) == ["LHC.BCT:A", "LHC.BCT:B"]
    assert records["LHC.BCT:A"].value.tolist() == [1.0]
    assert records["LHC.BCT:A"].unit == "charges"


# Options


def problems(options: dict[str, object], folder: Path) -> Iterator[str]:
    try:
        sources.load("java")(SourceSettings("LDB", "java", options, folder)).__enter__()
    except ConfigurationError as error:
        yield from map(str, error.problems)


def test_options_that_are_wrong_are_told_all_at_once(tmp_path: Path) -> None:
    given: dict[str, object] = {
        "api": "timber",
        "location": "LDB",
        "look_back": True,
        "jvm_options": "-Xmx1g",
        "service": 3,
        "jars": ["a.jar"],
    }
    assert list(problems(given, tmp_path)) == [
        "site.toml: [sources.LDB] jars: is no option of a java source. Allowed: classpath, api, "
        "jvm_options, java_home, service, application, client, location, fundamental, look_back, "
        "snapshot_owner, attempts, pause",
        'site.toml: [sources.LDB] classpath: is missing: the jars of the client, as ["jars/*.jar"]',
        "site.toml: [sources.LDB] api: is 'timber'. Allowed: cals, nxcals",
        'site.toml: [sources.LDB] jvm_options: must be a list of texts, as ["jars/*.jar"]',
        "site.toml: [sources.LDB] service: must be a text in quotes",
        "site.toml: [sources.LDB] location: is 'LDB'. Allowed: MDB_PRO, LDB_PRO, MDB_AND_LDB_PRO",
        "site.toml: [sources.LDB] look_back: must be a number of days from 0 to 366",
    ]


def test_jars_that_are_not_there(tmp_path: Path) -> None:
    assert list(problems({"classpath": ["jars/*.jar", "other.jar"]}, tmp_path)) == [
        f"site.toml: [sources.LDB] classpath: nothing matches 'jars/*.jar' in {tmp_path}",
        f"site.toml: [sources.LDB] classpath: nothing matches 'other.jar' in {tmp_path}",
    ]
