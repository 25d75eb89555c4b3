"""Tango's HDB++ as a source, on a real PostgreSQL with the documented tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from postgres import Postgres, postgres

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

from hdbpp_archive import Archive, create  # noqa: E402

from oaflib.config.site import SourceSettings  # noqa: E402
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable  # noqa: E402
from oaflib.series import Kind, Series, Variable  # noqa: E402
from oaflib.sources.hdbpp import HdbppSource  # noqa: E402
from oaflib.testing import SourceContract, gathered  # noqa: E402
from oaflib.window import Window  # noqa: E402

pytestmark = pytest.mark.database

SECOND = 10**9
WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
T0 = WINDOW.start_ns
TYPES = {
    Kind.NUMERIC: ("DEV_DOUBLE", "SCALAR"),
    Kind.VECTORNUMERIC: ("DEV_DOUBLE", "SPECTRUM"),
    Kind.MATRIXNUMERIC: ("DEV_USHORT", "IMAGE"),
    Kind.TEXTUAL: ("DEV_STRING", "SCALAR"),
    Kind.VECTORSTRING: ("DEV_STRING", "SPECTRUM"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        with psycopg.connect(made.conninfo(), autocommit=True) as connection:
            connection.execute("create database archive_template")
            connection.execute("create role reader login password 'sesame'")
        with psycopg.connect(made.conninfo("archive_template"), autocommit=True) as connection:
            create(connection)
            connection.execute("grant select on all tables in schema public to reader")
        yield made


@pytest.fixture
def archive(server: Postgres, request: pytest.FixtureRequest) -> Iterator[Archive]:
    """A fresh archive, a copy of the template."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("drop database if exists archive with (force)")
        connection.execute("create database archive template archive_template")
    with psycopg.connect(server.conninfo("archive"), autocommit=True) as connection:
        yield Archive(connection)


def source(server: Postgres, **options: Any) -> HdbppSource:
    about = {"host": str(server.socket), "user": "oaf", "database": "archive", "pause": 0.01}
    return HdbppSource(SourceSettings("HDB", "hdbpp", {**about, **options}))


class TestHdbpp(SourceContract):
    resolution: ClassVar = 1000
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _serve(self, server: Postgres, archive: Archive) -> None:
        self.server, self.archive = server, archive

    def filled(self, series: Sequence[Series], folder: Path) -> HdbppSource:
        for entry in series:
            number = self.archive.attribute(entry.name, *TYPES[entry.kind])
            if entry.unit:
                self.archive.parameter(number, int(entry.time[0]), entry.unit)
            for time, value in zip(entry.time.tolist(), entry.value, strict=True):
                plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
                self.archive.add(number, time, plain)
        return source(self.server, **self.options)

    def unreachable(self, folder: Path) -> HdbppSource:
        return source(self.server, host=str(folder), attempts=2)


class TestHdbppInSmallParts(TestHdbpp):
    options: ClassVar = {"rows": 3}


def read(server: Postgres, pattern: str = "%", **options: Any) -> dict[str, Series]:
    with source(server, **options) as entered:
        return gathered(entered, entered.find(pattern), WINDOW)


@pytest.mark.parametrize(
    ("kind", "values"),
    [("DEV_BOOLEAN", [True, False]), ("DEV_SHORT", [-32768, 32767]), ("DEV_LONG", [-(2**31), 1]),
     ("DEV_FLOAT", [0.5, float("inf")]), ("DEV_USHORT", [0, 65535]), ("DEV_ULONG", [0, 2**32 - 1]),
     ("DEV_UCHAR", [0, 255]), ("DEV_LONG64", [-(2**62), 1]), ("DEV_ULONG64", [0, 2**64 - 2**11])],
)  # fmt: skip
def test_every_number(kind: str, values: list[Any], server: Postgres, archive: Archive) -> None:
    scalar, vector, image = (
        archive.attribute(f"a/b/c/{shape}", kind, shape)
        for shape in ("SCALAR", "SPECTRUM", "IMAGE")
    )
    for i, value in enumerate(values):
        archive.add(scalar, T0 + i * SECOND, value)
    archive.add(vector, T0, values)
    archive.add(image, T0, [list(values) for _ in range(3)])
    found = read(server)
    numbers = [float(value) for value in values]
    assert found["a/b/c/SCALAR"].value.tolist() == numbers
    assert found["a/b/c/SPECTRUM"].value[0].tolist() == numbers
    assert found["a/b/c/IMAGE"].value[0].tolist() == [values] * 3
    assert found["a/b/c/IMAGE"].value[0].dtype.kind == (
        "f" if kind == "DEV_FLOAT" else "i" if values[0] < 0 else "u"
    )


def test_states_and_enumerations_are_words(server: Postgres, archive: Archive) -> None:
    state = archive.attribute("a/b/c/state", "DEV_STATE")
    states = archive.attribute("a/b/c/states", "DEV_STATE", "SPECTRUM")
    mode = archive.attribute("a/b/c/mode", "DEV_ENUM")
    modes = archive.attribute("a/b/c/modes", "DEV_ENUM", "SPECTRUM")
    for i, value in enumerate((0, 8, 13, 99)):
        archive.add(state, T0 + i * SECOND, value)
    archive.add(states, T0, [0, 11])
    archive.add(mode, T0, 2, value_r_label="RAMP")
    archive.add(mode, T0 + SECOND, 3)
    archive.add(modes, T0, [1, 2], value_r_label=["FLAT", "RAMP"])
    found = read(server)
    assert found["a/b/c/state"].value.tolist() == ["ON", "FAULT", "UNKNOWN", "state 99"]
    assert found["a/b/c/states"].value[0].tolist() == ["ON", "ALARM"]
    assert found["a/b/c/mode"].value.tolist() == ["RAMP", "3"]
    assert found["a/b/c/modes"].value[0].tolist() == ["FLAT", "RAMP"]


def test_invalid_rows_and_errors_are_not_lost(server: Postgres, archive: Archive) -> None:
    """Rows without a value, or of quality ATTR_INVALID, come as NaN and are counted."""
    for name, kind, shape, value in (
        ("n", "DEV_DOUBLE", "SCALAR", 1.0), ("v", "DEV_DOUBLE", "SPECTRUM", [1.0, 2.0]),
        ("t", "DEV_STRING", "SCALAR", "ok"), ("s", "DEV_STRING", "SPECTRUM", ["ok"]),
        ("i", "DEV_UCHAR", "IMAGE", [[1, 2]]),
    ):  # fmt: skip
        number = archive.attribute(f"a/b/c/{name}", kind, shape)
        archive.add(number, T0, value)
        archive.add(number, T0 + SECOND, None, quality=1, error="device a/b/c does not answer")
        archive.add(number, T0 + 2 * SECOND, value, quality=1)
        archive.add(number, T0 + 3 * SECOND, value, quality=2)
    with source(server) as entered:
        variables = entered.find("a/b/c/%")
        found = gathered(entered, variables, WINDOW)
        quality = entered.quality
        (numbers,) = entered.statistics(variables, WINDOW)
    assert {len(series) for series in found.values()} == {4}
    assert np.isnan(found["a/b/c/n"].value).tolist() == [False, True, True, False]
    assert [np.isnan(row).all() for row in found["a/b/c/v"].value] == [False, True, True, False]
    assert [np.isnan(row).all() for row in found["a/b/c/i"].value] == [False, True, True, False]
    assert found["a/b/c/t"].value.tolist() == ["ok", "(invalid)", "(invalid)", "ok"]
    assert {(entry.invalid, entry.warned) for entry in quality.values()} == {(2, 1)}
    assert quality["a/b/c/n"].reason == "device a/b/c does not answer"
    assert (numbers.count, numbers.nan, numbers.mean) == (4, 2, 1.0)
    assert (numbers.first_time, numbers.last_time) == (T0, T0 + 3 * SECOND)


def test_holes_in_vectors_are_nan(server: Postgres, archive: Archive) -> None:
    vector = archive.attribute("a/b/c/v", "DEV_USHORT", "SPECTRUM")
    image = archive.attribute("a/b/c/i", "DEV_USHORT", "IMAGE")
    archive.add(vector, T0, [1, None])
    archive.add(vector, T0 + SECOND, [])
    archive.add(image, T0, [[1, None]])
    found = read(server)
    assert np.isnan(found["a/b/c/v"].value[0]).tolist() == [False, True]
    assert len(found["a/b/c/v"].value[1]) == 0
    assert np.isnan(found["a/b/c/i"].value[0]).tolist() == [[False, True]]


def test_what_is_only_written_is_read_from_there(server: Postgres, archive: Archive) -> None:
    number = archive.attribute("a/b/c/set", "DEV_DOUBLE", write="WRITE")
    archive.add(number, T0, 3.5, column="value_w")
    assert read(server)["a/b/c/set"].value.tolist() == [3.5]


def test_tango_names(server: Postgres, archive: Archive) -> None:
    """Any case; the control system's prefix can be left out; other characters mean themselves."""
    host = "tango://SRhost.site:10000/"
    for name in (
        "sr/d-ct/1/Current",
        "sr/d_ct/1/current",
        "sr/d%ct/1/x\\y'\"; drop table att_conf",
    ):
        archive.add(archive.attribute(host + name, "DEV_DOUBLE"), T0, 1.0)
    with source(server) as entered:
        assert [entry.name for entry in entered.find("TANGO://%/D-CT/%")] == [
            host + "sr/d-ct/1/Current"
        ]
    with source(server, prefix="tango://srhost.site:10000/") as entered:
        found = entered.find("sr/d_ct/%")
        assert [entry.name for entry in found] == ["sr/d_ct/1/current"]
        every = entered.find("sr/%")
        assert len(every) == 3
        assert {len(entry) for entry in gathered(entered, every, WINDOW).values()} == {1}
        assert entered.count(every, WINDOW) == {entry.name: 1 for entry in every}


def test_hostile_table_names(server: Postgres, archive: Archive) -> None:
    number = archive.attribute("a/b/c/d", "DEV_DOUBLE")
    archive.connection.execute("update att_conf set table_name = 'x\"; drop table att_conf; --'")
    with source(server) as entered, pytest.raises(SourceUnavailable, match="lacks a table"):
        gathered(entered, entered.find("a/%"), WINDOW)
    assert archive.attribute("a/b/c/d", "DEV_DOUBLE") == number


def test_bytes_are_refused_by_name(server: Postgres, archive: Archive) -> None:
    archive.attribute("a/b/c/d", "DEV_ENCODED")
    with source(server) as entered, pytest.raises(QueryRefused, match="a/b/c/d.*DEV_ENCODED"):
        gathered(entered, entered.find("a/%"), WINDOW)


def test_hourly_aggregates_count_long_windows(server: Postgres, archive: Archive) -> None:
    """As TimescaleDB keeps them: they lag behind, and their first hour may be cut."""
    number = archive.attribute("a/b/c/d", "DEV_DOUBLE")
    week = Window(WINDOW.start, datetime(2026, 11, 29, tzinfo=UTC))
    archive.connection.execute(
        "insert into att_scalar_devdouble (att_conf_id, data_time, value_r, quality) "
        "select %s, t, 1, 0 from generate_series(%s::timestamptz, %s, '60 s') t",
        (number, week.start, week.end),
    )
    archive.connection.execute("""
        create table cagg_scalar_devdouble_1hour as
        select att_conf_id, date_trunc('hour', data_time) as data_time, count(*) as count_rows
        from att_scalar_devdouble
        where data_time between '2026-11-22 05:30Z' and '2026-11-28 01:30Z' group by 1, 2
    """)
    with source(server) as entered:
        variables = entered.find("a/%")
        assert entered.count(variables, week) == {"a/b/c/d": 7 * 1440}
        archive.connection.execute("update cagg_scalar_devdouble_1hour set count_rows = 1000")
        assert entered.count(variables, week) == {"a/b/c/d": 139 * 940 + 7 * 1440}
        archive.connection.execute("delete from cagg_scalar_devdouble_1hour")
        assert entered.count(variables, week) == {"a/b/c/d": 7 * 1440}


def test_a_lost_connection_goes_on_where_it_was(server: Postgres, archive: Archive) -> None:
    number = archive.attribute("a/b/c/d", "DEV_DOUBLE")
    archive.connection.execute(
        "insert into att_scalar_devdouble (att_conf_id, data_time, value_r, quality) "
        "select %s, %s::timestamptz + n * interval '1 s', n, 0 from generate_series(0, 49999) n",
        (number, WINDOW.start),
    )
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'oaf'"
    with source(server, rows=5000) as entered:
        pieces = []
        for piece in entered.read(entered.find("a/%"), WINDOW):
            if len(pieces) in (2, 6):
                assert archive.connection.execute(kill).fetchall()
            pieces.append(piece)
    times = np.unique(np.concatenate([piece.time for piece in pieces]))
    assert len(times) == 50_000
    assert np.concatenate([piece.value for piece in pieces]).max() == 49_999


def test_one_query_that_takes_too_long_is_refused(server: Postgres, archive: Archive) -> None:
    archive.attribute("a/b/c/d", "DEV_DOUBLE")
    archive.connection.execute("""
        create function stall() returns smallint language sql as
        'select pg_sleep(5); select 0::smallint';
        alter table att_scalar_devdouble rename to kept;
        create view att_scalar_devdouble as
        select att_conf_id, now() as data_time, 1.0::float8 as value_r, stall() as quality,
               null::int as att_error_desc_id from att_conf;
    """)
    archive.connection.execute("update att_conf set hide = hide")
    window = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    with source(server, deadline=0.3) as entered, pytest.raises(QueryRefused, match=r"0.3 s"):
        list(entered.read(entered.find("a/%"), window))


def test_the_password(
    server: Postgres, archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the environment or a private file; a wrong one is told, and never shown."""
    archive.add(archive.attribute("a/b/c/d", "DEV_DOUBLE"), T0, 1.0)
    monkeypatch.setenv("HDB_PASSWORD", "sesame")
    assert len(read(server, user="reader", password_env="HDB_PASSWORD")) == 1
    monkeypatch.setenv("HDB_PASSWORD", "a wrong secret")
    with pytest.raises(SourceUnavailable, match="does not let us in") as told:
        read(server, user="reader", password_env="HDB_PASSWORD")
    assert "wrong secret" not in str(told.value)
    with pytest.raises(ConfigurationError, match="not set"):
        read(server, user="reader", password_env="HDB_PASSWORD_NOT_SET")


def test_no_archive(server: Postgres, archive: Archive) -> None:
    with pytest.raises(SourceUnavailable, match="lacks a table of its schema"):
        read(server, database="postgres")
    with pytest.raises(SourceUnavailable, match="does not let us in.*no_such_db"):
        read(server, database="no_such_db")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"database": "hdb"}, "'user' is missing"),
        ({"database": "hdb", "user": "x", "hots": "a"}, "hots.*Did you mean.*host"),
        ({"database": "hdb", "user": "x", "port": "5432"}, "leave the quotes off"),
        ({"database": "hdb", "user": ""}, "is empty"),
        ({"database": "hdb", "user": "x", "password_env": "p w"}, "not the name of an env"),
    ],
)
def test_wrong_options_are_refused_in_words(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        HdbppSource(SourceSettings("HDB", "hdbpp", options))


def test_a_variable_of_another_archive_is_empty(server: Postgres, archive: Archive) -> None:
    with source(server) as entered:
        assert entered.statistics([Variable("a/b/c/gone")], WINDOW)[0].count == 0
        assert len(entered.last_before([Variable("a/b/c/gone")], T0)["a/b/c/gone"]) == 0
