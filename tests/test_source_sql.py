"""Any table through SQLAlchemy: SQLite files and a real PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from postgres import Postgres, postgres

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

from oaflib.config.site import SourceSettings  # noqa: E402
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable  # noqa: E402
from oaflib.series import Kind, Series  # noqa: E402
from oaflib.sources.sql import SqlSource  # noqa: E402
from oaflib.testing import SourceContract, gathered  # noqa: E402
from oaflib.window import Window  # noqa: E402

SECOND = 10**9
WINDOW = Window(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
T0 = WINDOW.start_ns
# Names that would break a query they were pasted into.
TABLE, TIME, NAME, VALUE = 'log"; drop table x; --', "select", "va riable", "va%lue'"
MAPPING = {"table": TABLE, "time": TIME, "variable": NAME, "value": VALUE, "unit": "unit"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def created(types: tuple[str, str]) -> str:
    return (
        f"create table {quoted(TABLE)} ({quoted(TIME)} {types[0]}, {quoted(NAME)} text, "
        f"{quoted(VALUE)} {types[1]}, unit text)"
    )


def source(url: str, folder: Path = Path(), **options: Any) -> SqlSource:
    about = {"url": url, **MAPPING, "pause": 0.01, **options}
    return SqlSource(SourceSettings("DB", "sql", about, folder))


def plain(value: Any, *, text: bool) -> Any:
    """A sample as the database takes it."""
    if isinstance(value, np.ndarray):
        return json.dumps(value.tolist()) if text else value.tolist()
    value = value.item() if isinstance(value, np.generic) else value
    # SQLite has no NaN: it becomes NULL, which comes back as NaN.
    return None if text and isinstance(value, float) and np.isnan(value) else value


class TestSqlite(SourceContract):
    kinds: ClassVar = (Kind.NUMERIC,)
    types: ClassVar = ("integer", "real")
    options: ClassVar[dict[str, Any]] = {"time_format": "ns"}

    def written(self, time: int) -> Any:
        return time

    def filled(self, series: Sequence[Series], folder: Path) -> SqlSource:
        with sqlite3.connect(folder / "log.db") as base:
            base.execute(created(self.types))
            for entry in series:
                rows = [
                    (self.written(time), entry.name, plain(value, text=True), entry.unit)
                    for time, value in zip(entry.time.tolist(), entry.value, strict=True)
                ]
                names = ", ".join(map(quoted, (TIME, NAME, VALUE, "unit")))
                base.executemany(f"insert into {quoted(TABLE)} ({names}) values (?,?,?,?)", rows)
        base.close()
        return source("sqlite:///log.db", folder, **self.options)

    def unreachable(self, folder: Path) -> SqlSource:
        return source("sqlite:///absent/log.db", folder, attempts=2)


class TestSqliteSeconds(TestSqlite):
    resolution: ClassVar = 1000
    types: ClassVar = ("real", "real")
    options: ClassVar = {"time_format": "s", "rows": 3}

    def written(self, time: int) -> Any:
        return time / 1e9


class TestSqliteTexts(TestSqlite):
    """Times as ISO texts, in two spellings and two zones; vectors and texts as JSON."""

    resolution: ClassVar = 1000
    kinds: ClassVar = (Kind.VECTORNUMERIC,)
    types: ClassVar = ("timestamp", "text")
    options: ClassVar = {"holds": "VECTORNUMERIC"}

    def written(self, time: int) -> Any:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1000)
        return at.isoformat("T" if time // SECOND % 2 else " ")

    def filled(self, series: Sequence[Series], folder: Path) -> SqlSource:
        if {entry.kind for entry in series} != {Kind.VECTORNUMERIC}:
            self.options = {"holds": "NUMERIC"}  # type: ignore[misc]
        return super().filled(series, folder)


class TestSqliteWords(TestSqlite):
    kinds: ClassVar = (Kind.VECTORSTRING,)
    types: ClassVar = ("integer", "text")
    options: ClassVar = {"time_format": "ns", "holds": "VECTORSTRING"}

    def filled(self, series: Sequence[Series], folder: Path) -> SqlSource:
        if {entry.kind for entry in series} != {Kind.VECTORSTRING}:
            self.options = {"time_format": "ns", "holds": "NUMERIC"}  # type: ignore[misc]
        return super().filled(series, folder)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as made:
        with psycopg.connect(made.conninfo(), autocommit=True) as connection:
            connection.execute("create role reader login password 'sesame'")
        yield made


@pytest.mark.database
class TestPostgres(TestSqlite):
    resolution: ClassVar = 1000
    types: ClassVar = ("timestamptz", "double precision")
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _serve(self, server: Postgres) -> Iterator[None]:
        self.url = f"postgresql://oaf@/postgres?host={server.socket}"
        with psycopg.connect(server.conninfo(), autocommit=True) as self.connection:
            self.connection.execute(f"drop table if exists {quoted(TABLE)}")
            self.connection.execute(created(self.types))
            self.connection.execute("grant select on all tables in schema public to reader")
            yield

    def written(self, time: int) -> Any:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1000)

    def filled(self, series: Sequence[Series], folder: Path) -> SqlSource:
        with self.connection.cursor() as cursor:
            for entry in series:
                rows = [
                    (self.written(time), entry.name, plain(value, text=False), entry.unit)
                    for time, value in zip(entry.time.tolist(), entry.value, strict=True)
                ]
                names = ", ".join(map(quoted, (TIME, NAME, VALUE.replace("%", "%%"), "unit")))
                query = f"insert into {quoted(TABLE)} ({names}) values (%s,%s,%s,%s)"
                cursor.executemany(query.encode(), rows)
        return source(self.url, folder, **self.options)

    def unreachable(self, folder: Path) -> SqlSource:
        return source(f"postgresql://oaf@/postgres?host={folder}", attempts=2)

    def test_a_lost_connection_goes_on_where_it_was(self, tmp_path: Path) -> None:
        names = ", ".join(map(quoted, (TIME, NAME, VALUE)))
        self.connection.execute(
            f"insert into {quoted(TABLE)} ({names}) select {self.a_time()} + n * interval '1 s', "
            "'A:X', n from generate_series(0, 19999) n".encode()
        )
        kill = (
            b"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'oaf'"
        )
        pieces: list[Series] = []
        with source(self.url, tmp_path, **{**self.options, "rows": 2000}) as entered:
            for piece in entered.read(entered.find("A:X"), self.window):
                if len(pieces) == 3:
                    assert self.connection.execute(kill).fetchall()
                pieces.append(piece)
        assert len(np.unique(np.concatenate([piece.time for piece in pieces]))) == 20_000

    def a_time(self) -> str:
        return f"'{self.window.start:%Y-%m-%d %H:%M:%S}+00'::timestamptz"

    def test_the_password(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        url = self.url.replace("oaf@", "reader@")
        monkeypatch.setenv("DB_PASSWORD", "sesame")
        with source(url, tmp_path, password_env="DB_PASSWORD", **self.options) as entered:
            assert entered.find("%:%") == []
        monkeypatch.setenv("DB_PASSWORD", "wrong-secret")
        with (
            pytest.raises(SourceUnavailable) as told,
            source(url, tmp_path, password_env="DB_PASSWORD", attempts=1, **self.options),
        ):
            pass
        assert "wrong-secret" not in str(told.value)
        assert "authentication failed" in str(told.value)


@pytest.mark.database
class TestPostgresLocal(TestPostgres):
    """Timestamps without a zone, in Zurich's; not through the hour that comes twice."""

    types: ClassVar = ("timestamp", "double precision")
    options: ClassVar = {"zone": "Europe/Zurich"}
    window: ClassVar = Window(
        datetime(2026, 11, 21, 23, tzinfo=UTC), datetime(2026, 11, 22, 23, tzinfo=UTC)
    )

    def written(self, time: int) -> Any:
        from zoneinfo import ZoneInfo

        return super().written(time).astimezone(ZoneInfo("Europe/Zurich")).replace(tzinfo=None)

    def a_time(self) -> str:
        return f"'{self.written(self.window.start_ns):%Y-%m-%d %H:%M:%S}'::timestamp"


@pytest.mark.database
class TestPostgresVectors(TestPostgres):
    types: ClassVar = ("timestamptz", "double precision[]")
    kinds: ClassVar = (Kind.VECTORNUMERIC,)

    def filled(self, series: Sequence[Series], folder: Path) -> SqlSource:
        if {entry.kind for entry in series} != {Kind.VECTORNUMERIC}:
            pytest.skip("this table holds vectors only")
        return super().filled(series, folder)

    def test_a_lost_connection_goes_on_where_it_was(self, tmp_path: Path) -> None:
        pytest.skip("this table holds vectors only")


# What is peculiar


@pytest.fixture
def base(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(tmp_path / "log.db") as made:
        made.execute("create table log (t, name text, v, note text)")
        yield made
    made.close()


def read(folder: Path, pattern: str = "%:%", **options: Any) -> dict[str, Series]:
    about = {"table": "log", "time": "t", "variable": "name", "value": "v", "unit": ""}
    with source("sqlite:///log.db", folder, **{**about, "time_format": "ns", **options}) as entered:
        return gathered(entered, entered.find(pattern), WINDOW)


def test_null_is_nan_and_counted(base: sqlite3.Connection, tmp_path: Path) -> None:
    base.executemany("insert into log values (?, 'A:X', ?, '')", [(T0, 1.0), (T0 + 1, None)])
    base.commit()
    about = {"table": "log", "time": "t", "variable": "name", "value": "v", "unit": ""}
    with source("sqlite:///log.db", tmp_path, **about, time_format="ns") as entered:
        series = gathered(entered, entered.find("A:X"), WINDOW)["A:X"]
        assert entered.quality["A:X"].invalid == 1
    assert np.isnan(series.value).tolist() == [False, True]


def test_a_text_among_numbers_is_refused_with_its_time(
    base: sqlite3.Connection, tmp_path: Path
) -> None:
    base.executemany("insert into log values (?, 'A:X', ?, '')", [(T0, 1.0), (T0 + 10**9, "oops")])
    base.commit()
    with pytest.raises(QueryRefused, match=r"A:X at 2026-11-22T00:00:01Z: 'oops' is not NUMERIC"):
        read(tmp_path, holds="NUMERIC")


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("2026-11-22 08:00:00", {"time_format": "timestamp"}, "has no zone"),
        ("2026-11-22 soon", {"time_format": "timestamp"}, "is not a time"),
    ],
)
def test_doubtful_times_are_refused(
    cell: Any, options: dict[str, Any], message: str, base: sqlite3.Connection, tmp_path: Path
) -> None:
    base.execute("insert into log values (?, 'A:X', 1.0, '')", (cell,))
    base.execute("create view noted as select t || '' as t, name, v from log")
    base.commit()
    with pytest.raises(QueryRefused, match=message):
        read(tmp_path, table="noted", **options)


def test_hostile_names_are_only_names(base: sqlite3.Connection, tmp_path: Path) -> None:
    names = ["A:'; drop table log; --", 'A:"', "A:\\", "A:_%x", "A:ü\n", "A::n"]
    base.executemany("insert into log values (?, ?, 1.0, '')", [(T0, name) for name in names])
    base.commit()
    found = read(tmp_path, "A:%")
    assert sorted(found) == sorted(names)
    assert {len(series) for series in found.values()} == {1}
    assert len(read(tmp_path, names[0])[names[0]]) == 1
    assert base.execute("select count(*) from log").fetchone() == (6,)


def test_nothing_is_ever_written(base: sqlite3.Connection, tmp_path: Path) -> None:
    about = {"table": "log", "time": "t", "variable": "name", "value": "v", "unit": ""}
    with (
        source("sqlite:///log.db", tmp_path, **about) as entered,
        pytest.raises(SourceUnavailable, match="readonly"),
    ):
        entered._door.rows(entered._door._sql.text("delete from log"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "lgo"}, "lgo is not in sqlite.*there are: log"),
        ({"value": "w"}, "is no column of log; there are: t, name, v, note"),
    ],
)
def test_a_wrong_mapping_is_told_with_what_there_is(
    options: dict[str, Any], message: str, base: sqlite3.Connection, tmp_path: Path
) -> None:
    base.commit()
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "postgresql://me:pw@host/db"}, "holds a password"),
        ({"url": "not an address"}, "is not an SQLAlchemy address"),
        ({"time_format": "hours"}, "Allowed: .*timestamp.*ns"),
        ({"zone": "Zurich"}, "no time zone is called"),
        ({"tabel": "x"}, "tabel.*Did you mean.*table"),
        ({"value": ""}, "is empty"),
    ],
)
def test_wrong_options_are_refused_in_words(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        source(**{"url": "sqlite:///x.db", **options})


def test_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(SourceUnavailable, match="not a database"):
        read(tmp_path)
    assert not (tmp_path / "other.db").exists()
    with pytest.raises(SourceUnavailable, match="unable to open"):
        source("sqlite:///other.db", tmp_path, attempts=1).__enter__()
    assert not (tmp_path / "other.db").exists()
