"""NXCALS: the contract and what is its own, on a real Spark cluster, over a lake in its layout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nxcals_standin import Group, Nxcals, fill
from nxcals_world import SPARK, settings
from spark_cluster import Cluster, spark_cluster

from oaflib.compute.statistics import summarise
from oaflib.config.site import SourceSettings
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series, Variable
from oaflib.sources.base import Fill, Snapshot
from oaflib.sources.envelope import envelope_of
from oaflib.sources.extract import normalise
from oaflib.sources.nxcals import NxcalsSource
from oaflib.sources.nxcals.server import file_of
from oaflib.testing import SourceContract, gathered, made
from oaflib.testing.nxcals_lake import FOREVER, NxcalsLakeWriter, write_nxcals_lake
from oaflib.window import Window

pytestmark = [pytest.mark.spark, pytest.mark.java, pytest.mark.timeout(600)]

DAY = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), "UTC")
T0, SECOND = DAY.start_ns, 10**9


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark")) as made:
        yield made


@pytest.fixture(scope="session")
def root(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's folder whose sources have a server for the length of the tests."""
    root = tmp_path_factory.mktemp("project")
    with NxcalsSource.serving(settings(root, root, master=cluster.url)):
        yield root


class TestNxcals(SourceContract):
    @pytest.fixture(autouse=True)
    def _serve(self, root: Path) -> None:
        self.root = root

    def filled(self, series: Sequence[Series], folder: Path) -> NxcalsSource:
        write_nxcals_lake(folder / "lake", series, shuffle=1)
        return NxcalsSource(settings(self.root, folder / "lake"))

    def unreachable(self, folder: Path) -> NxcalsSource:
        return NxcalsSource(settings(folder, folder, remote="sc://localhost:1"))

    def test_the_unit_of_a_piece_is_that_of_its_time(self, tmp_path: Path) -> None:
        pytest.skip("NXCALS knows only the unit of today")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Series]]:
    """A lake of a family over three days, its rows in no order, and what it logged."""
    random = np.random.default_rng(4)
    logged = []
    for device in range(6):
        count = 4000
        time = np.unique(T0 - 86_400 * SECOND + random.integers(0, 3 * 86_400 * SECOND, count))
        value = random.normal(device, 1 + device, len(time))
        value[random.integers(0, len(time), 30)] = np.nan
        value[random.integers(0, len(time), 5)] = np.inf
        if device == 5:
            value[:] = 7.25  # stuck
        logged.append(Series(f"F{device}:X", Kind.NUMERIC, "A", time, value))
    hollow = T0 + np.arange(100) * 60 * SECOND
    logged.append(Series("G:ODD", Kind.NUMERIC, "A", hollow, np.full(100, np.nan)))
    folder = tmp_path_factory.mktemp("family") / "lake"
    write_nxcals_lake(folder, logged, "WINCCOA", shuffle=2)
    return folder, {entry.name: entry for entry in logged}


def plain(series: Series) -> tuple[Series, Any]:
    """What extraction makes of the samples of the day, and their statistics the plain way."""
    within, entry = normalise(Variable(series.name, series.kind, series.unit), [series], DAY)
    return within, summarise(within, entry)


def test_spark_reduces_to_the_numbers_of_the_samples(
    root: Path, family: tuple[Path, dict[str, Series]]
) -> None:
    folder, logged = family
    with NxcalsSource(settings(root, folder, system="WINCCOA")) as source:
        variables = source.find("%")
        statistics = {entry.variable: entry for entry in source.statistics(variables, DAY)}
        envelopes = {entry.name: entry for entry in source.envelope(variables, DAY, 40)}
        scaled = {
            way: {s.name: s for s in source.scaled(variables, DAY, timedelta(hours=1), way)}
            for way in ("AVG", "COUNT")
        }
        asked = source.asked
    assert asked.queries == 4
    assert asked.nbytes < 80_000
    assert {variable.name for variable in variables} == set(logged)
    for name, series in logged.items():
        within, expected = plain(series)
        found = statistics[name]
        for key in ("count", "nan", "inf", "min", "max", "first", "last", "first_time",
                    "last_time", "unit", "kind"):  # fmt: skip
            assert getattr(found, key) == pytest.approx(getattr(expected, key), nan_ok=True), key
        assert (found.mean is None) == (expected.mean is None)
        if expected.mean is not None:
            assert found.mean == pytest.approx(expected.mean, rel=1e-9)
            assert found.std == pytest.approx(expected.std, rel=1e-9, abs=1e-9)
        assert_same_picture(envelopes[name], within)
        hours = (within.time - T0) // (3600 * SECOND)
        good = np.isfinite(within.value)
        for hour in np.unique(hours[good]).tolist():
            mine = within.value[good & (hours == hour)]
            place = scaled["AVG"][name].time.tolist().index(T0 + hour * 3600 * SECOND)
            assert scaled["AVG"][name].value[place] == pytest.approx(mine.mean(), rel=1e-9)
            assert scaled["COUNT"][name].value[place] == len(mine)


def assert_same_picture(found: Series, whole: Series) -> None:
    """Both envelopes have the same extremes in each part; of equal samples any is right."""
    expected = envelope_of(whole, DAY, 40)
    width = 86_400 * SECOND // 40
    assert np.array_equal((found.time - T0) // width, (expected.time - T0) // width)
    assert (np.diff(found.time) > 0).all()
    assert np.array_equal(np.sort(found.value), np.sort(expected.value), equal_nan=True)
    logged = set(zip(whole.time.tolist(), whole.value.tolist(), strict=True))
    samples = zip(found.time.tolist(), found.value.tolist(), strict=True)
    assert all(np.isnan(value) or (time, value) in logged for time, value in samples)


def test_no_algorithm_and_no_bucket(root: Path, family: tuple[Path, Any]) -> None:
    with NxcalsSource(settings(root, family[0], system="WINCCOA")) as source:
        for bucket, way in ((timedelta(hours=1), "MEDIAN"), (timedelta(microseconds=5), "AVG")):
            with pytest.raises(ValueError, match="MEDIAN|whole seconds"):
                list(source.scaled([], DAY, bucket, way))


def test_much_comes_back_in_parts(root: Path, family: tuple[Path, dict[str, Series]]) -> None:
    folder, logged = family
    with NxcalsSource(settings(root, folder, system="WINCCOA", rows=700)) as source:
        read = gathered(source, source.find("F%"), DAY)
        assert source.asked.queries > 8
    for name, series in read.items():
        assert np.array_equal(series.time, plain(logged[name])[0].time)


def test_rows_logged_twice_count_once_where_the_option_says_so(root: Path, tmp_path: Path) -> None:
    series = made("A:X", Kind.NUMERIC, [T0 + i * SECOND for i in range(9)])
    write_nxcals_lake(tmp_path / "lake", [series, series])
    numbers = {}
    for distinct in (False, True):
        with NxcalsSource(settings(root, tmp_path / "lake", distinct=distinct)) as source:
            numbers[distinct] = source.statistics(source.find("A:X"), DAY)[0].count
    assert numbers == {False: 18, True: 9}


def test_fields_that_were_renamed_and_change_their_type(root: Path, tmp_path: Path) -> None:
    """A mapping moves on; a field of an entity goes by its aliases; arrays get wider numbers."""
    early, late = [T0 + i * SECOND for i in range(3)], [T0 + (10 + i) * SECOND for i in range(3)]
    texts = [np.array(words, object) for words in (["a", "b", "c"], ["d", "e", "f"])]
    ints = [np.array([[1, 2, 3]] * 3, np.int32)[i] for i in range(3)]
    floats = [np.array([0.5, 1.5], np.float32) for _ in range(3)]
    with NxcalsLakeWriter(tmp_path / "lake") as lake:
        lake.add(
            [
                Series("D:LSA_CYCLE", Kind.TEXTUAL, "", np.array(early), texts[0]),
                Series("D:old", Kind.NUMERIC, "", np.array(early), np.arange(3.0)),
                Series("D:v", Kind.VECTORNUMERIC, "", np.array(early), np.stack(ints)),
            ]
        )
        lake.add(
            [
                Series("D:lsaCycleName", Kind.TEXTUAL, "", np.array(late), texts[1]),
                Series("D:new", Kind.NUMERIC, "", np.array(late), np.arange(3.0) + 10),
                Series("D:v", Kind.VECTORNUMERIC, "", np.array(late), np.stack(floats)),
            ]
        )
        lake.variable("D.MOVED", Kind.NUMERIC, "A")
        lake.mapping("D.MOVED", "D", "old", 0, early[2])  # its last sample is another's already
        lake.mapping("D.MOVED", "D", "new", early[2], FOREVER)
    aliases = {"lsaCycleName": ["LSA_CYCLE"]}
    with NxcalsSource(settings(root, tmp_path / "lake", aliases=aliases)) as source:
        names = ["D.MOVED", "D:v", "D/Acquisition#lsaCycleName", "D/Acquisition#v"]
        variables = [variable for name in names for variable in source.find(name)]
        assert [variable.kind for variable in variables] == [
            Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.TEXTUAL, Kind.VECTORNUMERIC]  # fmt: skip
        read = gathered(source, variables, DAY)
        last = source.last_before(variables[:1], late[1])
        assert [entry.name for entry in source.find("D/Acq%#o%")] == ["D/Acquisition#old"]
        assert source.find("D/Acquisition#other") == []
    assert read["D.MOVED"].value.tolist() == [0, 1, 10, 11, 12]
    assert last["D.MOVED"].value.tolist() == [10]
    assert read["D/Acquisition#lsaCycleName"].value.tolist() == list("abcdef")
    for name in ("D:v", "D/Acquisition#v"):
        assert [row.tolist() for row in read[name].value] == [[1, 2, 3]] * 3 + [[0.5, 1.5]] * 3


def test_arrays_nested_without_need_nulls_and_images(root: Path, tmp_path: Path) -> None:
    """What uploads got wrong, put into a file of the lake by hand."""
    time = np.array([T0 + i * SECOND for i in range(3)])
    image = np.arange(6, dtype=np.uint16).reshape(1, 2, 3)
    with NxcalsLakeWriter(tmp_path / "lake") as lake:
        lake.add([Series("C:img", Kind.MATRIXNUMERIC, "", time[:1], image),
                  Series("C:row", Kind.VECTORNUMERIC, "", time[:1], np.ones((1, 2))),
                  Series("C:n", Kind.NUMERIC, "", time[1:2], np.array([5.0]))])  # fmt: skip
    (file,) = (tmp_path / "lake/data").rglob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    assert (rows[0]["n"], rows[1]["img"]) == (None, None)  # fields of a row of their own
    rows[0]["row"]["dimensions"] = [1, 2]
    rows += [{**rows[0], "nxcals_timestamp": int(time[1]),
              "img": {"elements": [1, None, 3, 4], "dimensions": [1, 2, 2]},
              "row": {"elements": [1.0, None], "dimensions": None}}]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, table.schema), file)
    with NxcalsSource(settings(root, tmp_path / "lake")) as source:
        assert source.find("C/Acquisition#img")[0].kind is Kind.MATRIXNUMERIC
        read = gathered(source, source.find("C:row") + source.find("C:n"), DAY)
        known = gathered(source, source.find("C:img"), DAY)["C:img"].value
        whole = gathered(source, source.find("C/Acquisition#img"), DAY)
    assert [frame.dtype.str for frame in known] == ["<u2", "<f8"]  # a null is no pixel
    assert read["C:n"].value.tolist() == [5.0]
    assert np.array_equal(np.stack(read["C:row"].value), [[1, 1], [1, np.nan]], equal_nan=True)
    frames = whole["C/Acquisition#img"].value
    assert frames[0].tolist() == image[0].tolist()
    assert np.array_equal(frames[1], [[1, np.nan], [3, 4]], equal_nan=True)


def test_an_image_without_its_size_is_refused_by_name(root: Path, tmp_path: Path) -> None:
    with NxcalsLakeWriter(tmp_path / "lake") as lake:
        frame = np.zeros((1, 2, 3), np.int32)
        lake.add([Series("C:img", Kind.MATRIXNUMERIC, "", np.array([T0]), frame)])
    (file,) = (tmp_path / "lake/data").rglob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[0]["img"]["dimensions"] = [2, 2]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), file)
    with (
        NxcalsSource(settings(root, tmp_path / "lake")) as source,
        pytest.raises(QueryRefused, match=r"C:img at 2026-11-22T00:00:00Z: 6 elements are no"),
    ):
        gathered(source, source.find("C:img"), DAY)


def test_snapshots_and_fills(root: Path, tmp_path: Path) -> None:
    fill = Fill(9000, T0, T0 + 3600 * SECOND, (("INJPHYS", T0, T0 + SECOND),))
    with NxcalsLakeWriter(tmp_path / "lake") as lake:
        lake.add([made("A:X", Kind.NUMERIC, [T0])])
        lake.snapshot(Snapshot("BI_BCT_LHC", ("A:X",), "currents"))
        lake.fill(fill)
        lake.fill(Fill(8999, T0 - 2 * SECOND, T0, ()))
    with NxcalsSource(settings(root, tmp_path / "lake")) as source:
        assert source.snapshots("BI_BCT%") == [Snapshot("BI_BCT_LHC", ("A:X",), "currents")]
        assert source.snapshots("BI_BWS%") == []
        assert source.fills(DAY) == [fill]
    with NxcalsSource(settings(root, tmp_path / "lake", owner="jjgras")) as source:
        assert source.snapshots("%") == []


def test_no_lake_and_a_damaged_one(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no lake in the NXCALS layout"):
        NxcalsSource(settings(root, tmp_path / "nothing")).__enter__()
    write_nxcals_lake(tmp_path / "lake", [made("A:X", Kind.NUMERIC, [T0])])
    (file,) = (tmp_path / "lake/data").rglob("*.parquet")
    file.write_bytes(b"PAR1 no more")
    (file.parent / f".{file.name}.crc").unlink(missing_ok=True)
    with (
        NxcalsSource(settings(root, tmp_path / "lake")) as source,
        pytest.raises(QueryRefused, match="refuses the query"),
    ):
        gathered(source, source.find("A:X"), DAY)


def test_a_query_has_a_deadline(root: Path, family: tuple[Path, Any]) -> None:
    def ask() -> None:
        for _ in range(20):  # the first may be there before the clock
            source.statistics(variables, DAY)

    with NxcalsSource(settings(root, family[0], system="WINCCOA", deadline=0.05)) as source:
        variables = source.find("F%")
        with pytest.raises(QueryRefused, match=r"longer than 0.05 s, the deadline"):
            ask()


def test_only_who_has_the_token_is_let_in(root: Path, family: tuple[Path, Any]) -> None:
    file = file_of(settings(root, root))
    assert file.stat().st_mode & 0o077 == 0
    address = json.loads(file.read_bytes())["address"]
    with pytest.raises(SourceUnavailable, match="authentication token"):
        NxcalsSource(settings(root, family[0], remote=address)).__enter__()


def test_a_worker_dies_during_a_query(
    root: Path, cluster: Cluster, family: tuple[Path, dict[str, Series]]
) -> None:
    """A second of work for each executor, on purpose; one is killed in the middle of it."""
    folder, logged = family
    times = {}

    def kill() -> None:
        time.sleep(1.0)
        times["killed"] = time.monotonic()
        cluster.kill_worker()

    with NxcalsSource(settings(root, folder, system="WINCCOA")) as source:
        variables = source.find("F%")
        ask = source._access.rows
        nap = "java_method('java.lang.Thread', 'sleep', 20L) is not null"
        source._access.rows = lambda *what: ask(*what).where(
            f"case when nxcals_timestamp % 50 = 0 then {nap} else true end"
        )
        killer = threading.Thread(target=kill)
        times["asked"] = time.monotonic()
        killer.start()
        found = source.statistics(variables, DAY)
        times["answered"] = time.monotonic()
        killer.join()
    assert times["asked"] < times["killed"] < times["answered"]
    cluster.add_worker()
    cluster.await_workers(2)
    assert any(worker["state"] == "DEAD" for worker in cluster.said()["workers"])
    for entry in found:
        expected = plain(logged[entry.variable])[1]
        assert (entry.count, entry.min, entry.max) == (expected.count, expected.min, expected.max)
        assert entry.mean == pytest.approx(expected.mean, rel=1e-9)


# The server of a morning, without a cluster


def keeper(root: Path, spark: dict[str, str], master: str = "local[1]") -> subprocess.Popen[str]:
    """A process that keeps a server, as a morning does, until it is told or killed."""
    code = (
        "import sys, json, pathlib\n"
        "from oaflib.config.site import SourceSettings\n"
        "from oaflib.sources.nxcals import NxcalsSource\n"
        "root, options = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])\n"
        "with NxcalsSource.serving(SourceSettings('NXC', 'nxcals', options, root)):\n"
        "    print('kept', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    options = json.dumps({"lake": "lake", "master": master, "spark": spark})
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), options], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def gone(pid: int, seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # ended; whoever started it has not looked yet
            return True
        time.sleep(0.1)
    return False


def server_of(broker: int, seconds: float = 60) -> int:
    """The broker's only child: the server."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        children = Path(f"/proc/{broker}/task/{broker}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("the broker started nothing")


@pytest.mark.parametrize("how", ["ended", "killed", "broker killed"])
def test_the_server_ends_with_the_morning(how: str, tmp_path: Path) -> None:
    with keeper(tmp_path, {"spark.driver.memory": "512m"}) as morning:
        assert morning.stdout
        assert morning.stdin
        assert morning.stdout.readline() == "kept\n"
        file = file_of(settings(tmp_path, tmp_path))
        broker = json.loads(file.read_bytes())["broker"]
        server = server_of(broker)
        if how == "ended":
            morning.stdin.close()
        else:
            os.kill(morning.pid if how == "killed" else broker, signal.SIGKILL)
        assert gone(broker)
        assert gone(server)
        morning.stdin.close()
    assert not file.exists()


def test_a_server_that_cannot_start_is_no_empty_answer(tmp_path: Path) -> None:
    """Every run says why, and none waits for longer than it takes to know."""
    with keeper(tmp_path, {"spark.driver.memory": "nonsense"}) as morning:
        assert morning.stdout
        assert morning.stdin
        morning.stdout.readline()
        with pytest.raises(SourceUnavailable, match="Spark could not start.*nonsense"):
            NxcalsSource(settings(tmp_path, tmp_path)).__enter__()
        morning.stdin.close()


def test_one_server_is_shared(root: Path) -> None:
    said = file_of(settings(root, root)).read_bytes()
    with NxcalsSource.serving(settings(root, root)):
        assert file_of(settings(root, root)).read_bytes() == said
    assert file_of(settings(root, root)).read_bytes() == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"remote": "spark://host:7077", "lake": "x"}, "Spark Connect server, sc://"),
        ({"remote": "sc://host/;token=abc", "lake": "x"}, "holds a token"),
        ({"remote": "sc://host"}, "remote needs lake"),
        ({"lake": "x", "rows": 0}, "'rows': must be more than 0"),
        ({"lake": "x", "system": "C'M W"}, "'system': must be a name"),
        ({"lake": "x", "spark": {"driver": "1g"}}, "must be a setting spark"),
        ({"lake": "x", "aliases": {"a": "b"}}, "must be a list of names"),
        ({"lake": "x", "lakes": "y"}, "no such key"),
    ],
)
def test_options(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=said):
        NxcalsSource(SourceSettings("NXC", "nxcals", options, tmp_path))


# A whole report


def test_a_report_through_the_server_of_the_morning(root: Path, tmp_path: Path) -> None:
    """The kernel is a client of the server: no JVM of its own, and what it asked is counted."""
    from project import made_project, numeric

    from oaflib.cli import main
    from oaflib.report import read as read_report

    made_here = made_project(root)
    options = "\n".join(f'"{key}" = "{value}"' for key, value in SPARK.items())
    made_here.site(
        f'\n[sources.NXC]\nkind = "nxcals"\nlake = "{tmp_path / "lake"}"\n'
        f"[sources.NXC.spark]\n{options}\n"
    )
    made_here.tasks("BCT,NXC,ring,expert,TRUE,TRUE,None")
    made_here.dataset("BCT_ring", 'title = "Ring"\nvariables = ["R%:I"]\n')
    write_nxcals_lake(tmp_path / "lake", [numeric(f"R{i}:I") for i in range(3)], shuffle=3)
    assert main(["daily", "--root", str(root), "--day", "2026-11-22", "--no-mail"]) == 0
    report = read_report((made_here.report("BCT", "ring") / "report.json").read_bytes())
    assert report.finished
    assert [entry.count for entry in report.statistics] == [1440] * 3
    asked = report.provenance["asked"]
    assert asked["kind"] == "nxcals"
    assert asked["rows"] >= 3 * 1440
    assert 0 < asked["queries"] < 20


# CERN's own services, in the shape of a stand-in


@pytest.fixture
def cern(root: Path, family: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Nxcals]:
    """The stand-in, whose frames are computed on the cluster; rows at the window's end too."""
    with NxcalsSource(settings(root, family[0], system="WINCCOA")) as lent:
        spark = lent._session.spark

        def frame(name: str, *values: str) -> Any:
            rows = ", ".join(
                f"({value}, {T0 + i * 43_200 * SECOND}L, '{name}', 7)"
                for i, value in enumerate(values)
            )
            columns = "nxcals_value, nxcals_timestamp, nxcals_variable_name, nxcals_entity_id"
            return spark.sql(f"select * from values {rows} as t({columns})")

        image = "named_struct('elements', array(1, 2, 3, 4), 'dimensions', array(2, 2))"
        yield Nxcals(
            spark,
            variables={
                "A.BCT:I": ("NUMERIC", "A", "current"), "A.BCT:J": ("NUMERIC", None, None),
                "AXBCT:I": ("NUMERIC", "", ""), "A.BCT:MODE": ("TEXT", "", ""),
                "A.BCT:OLD": (None, "", ""),
            },
            frames={
                "A.BCT:I": frame("A.BCT:I", "1.5D", "double('NaN')", "9D"),
                "A.BCT:J": frame("A.BCT:J", "2D", "cast(null as double)", "9D"),
                "A.BCT:MODE": frame("A.BCT:MODE", "'RAMP'"),
                "A.BCT:OLD": frame("A.BCT:OLD", "'text'"),
                "CAM/Image": frame("x", image).withColumnRenamed("nxcals_value", "imageSet"),
            },
            groups=(Group(1, "BI_BCT_LHC", "jjgras", ("A.BCT:J", "A.BCT:I")),
                    Group(2, "BI_BCT_my", "me", ("A.BCT:I",), visibility="PROTECTED")),
            fills=(fill(9000, T0, T0 + 5 * SECOND, [("INJPHYS", T0, T0 + SECOND + 1)]),),
        )  # fmt: skip


def test_cern_is_asked_as_its_documentation_says(
    cern: Nxcals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cern.install(monkeypatch)
    options = {"flavor": "YARN_SMALL", "aliases": {"image": ["imageSet"]}}
    with NxcalsSource(SourceSettings("N", "nxcals", options, tmp_path)) as source:
        found = source.find("A.BCT:%")
        assert [(v.name, v.kind, v.unit) for v in found] == [
            ("A.BCT:I", Kind.NUMERIC, "A"), ("A.BCT:J", Kind.NUMERIC, ""),
            ("A.BCT:MODE", Kind.TEXTUAL, ""), ("A.BCT:OLD", Kind.NUMERIC, ""),
        ]  # fmt: skip
        assert [variable.name for variable in source.find("A_BCT:I")] == []
        read = gathered(source, found[:3], DAY)
        with pytest.raises(QueryRefused, match="A.BCT:OLD is NUMERIC, but.*TEXTUAL"):
            gathered(source, found[3:], DAY)
        (image,) = source.find("CAM/Image#image")
        frames = gathered(source, [image], DAY)
        assert source.find("CAM/Image#other") == []
        statistics = {entry.variable: entry for entry in source.statistics(found[:2], DAY)}
        snapshots = source.snapshots("BI_BCT%")
        fills = source.fills(DAY)
    assert read["A.BCT:I"].time.tolist() == [T0, T0 + 43_200 * SECOND]  # half-open
    assert read["A.BCT:J"].value.tolist() == [2]  # a null is no sample
    assert read["A.BCT:MODE"].value.tolist() == ["RAMP"]
    assert image.kind is Kind.MATRIXNUMERIC
    assert [frame.tolist() for frame in frames["CAM/Image#image"].value] == [[[1, 2], [3, 4]]]
    assert (statistics["A.BCT:I"].count, statistics["A.BCT:I"].nan) == (2, 1)
    assert snapshots == [Snapshot("BI_BCT_LHC", ("A.BCT:I", "A.BCT:J"))]
    assert fills == [Fill(9000, T0, T0 + 5 * SECOND, (("INJPHYS", T0, T0 + SECOND + 1),))]
    assert cern.asked[0] == ("session", "oaf", "small")
    assert ("variables", "A.BCT:I", "A.BCT:J") in cern.asked  # one type, one query
    assert ("fills", DAY.start_ns, DAY.end_ns) in cern.asked


def test_cern_that_refuses_and_cern_that_is_away(
    cern: Nxcals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cern.install(monkeypatch)
    with pytest.raises(ConfigurationError, match="no flavor 'HUGE'"):
        NxcalsSource(SourceSettings("N", "nxcals", {"flavor": "HUGE"}, tmp_path)).__enter__()
    with NxcalsSource(SourceSettings("N", "nxcals", {}, tmp_path)) as source:
        (variable,) = source.find("A.BCT:I")
        cern.frames = {}
        with pytest.raises(SourceUnavailable, match="does not answer about 'A.BCT:I'"):
            gathered(source, [variable], DAY)
        source._access._builders.DataQuery.builder = refusing
        with pytest.raises(QueryRefused, match="refuses 'A.BCT:I': .*IllegalArgument"):
            gathered(source, [variable], DAY)


def refusing(spark: Any) -> Any:
    raise RuntimeError("java.lang.IllegalArgumentException: too many variables")
