"""A source whose optional packages are missing says which to install."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from oaflib.config.site import SourceSettings, faults_of_source
from oaflib.errors import ConfigurationError
from oaflib.sources.embedded import Lake
from oaflib.sources.hdbpp import HdbppSource
from oaflib.sources.live import record
from oaflib.sources.nxcals import NxcalsSource
from oaflib.sources.sql import SqlSource

TABLE = {"table": "t", "time": "a", "variable": "b", "value": "c"}


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_hdbpp_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "psycopg")
    source = HdbppSource(SourceSettings("H", "hdbpp", {"database": "d", "user": "u"}))
    with pytest.raises(ConfigurationError, match=r"pip install 'oaflib\[sql\]'"):
        source.__enter__()


def test_sql_without_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "sqlalchemy")
    with pytest.raises(ConfigurationError, match=r"SQLAlchemy.*pip install 'oaflib\[sql\]'"):
        SqlSource(SourceSettings("S", "sql", {"url": "sqlite:///x", **TABLE}))


@pytest.mark.parametrize(
    ("url", "hint"),
    [("postgresql://u@h/d", r"oaflib\[sql\]"), ("mysql://u@h/d", "install its driver"),
     ("nosuchbase://h/d", "install its driver")],
)  # fmt: skip
def test_sql_without_its_driver(url: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "psycopg", "pymysql")
    source = SqlSource(SourceSettings("S", "sql", {"url": url, **TABLE}))
    with pytest.raises(ConfigurationError, match=hint):
        source.__enter__()


def test_recording_without_caproto(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "caproto", "caproto.threading", "caproto.threading.client")
    with (
        Lake(tmp_path / "s") as lake,
        pytest.raises(ConfigurationError, match=r"pip install 'oaflib\[epics\]'"),
    ):
        record(["A:X"], lake, Event())


def test_nxcals_without_pyspark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "pyspark", "pyspark.sql")
    source = NxcalsSource(SourceSettings("N", "nxcals", {"lake": "lake"}, tmp_path))
    with pytest.raises(ConfigurationError, match=r"pip install 'oaflib\[nxcals\]'"):
        source.__enter__()


def test_nxcals_without_cern(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "nxcals", "nxcals.spark_session_builder")
    source = NxcalsSource(SourceSettings("N", "nxcals", {}))
    with pytest.raises(ConfigurationError, match="CERN's package nxcals.*or write lake"):
        source.__enter__()


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [("archiver", {}, "'url' is missing"), ("hdbpp", {"database": "d"}, "'user' is missing"),
     ("sql", {"url": "sqlite:///x"}, "'table' is missing"), ("files", {}, "'folder' is missing")],
)  # fmt: skip
def test_the_site_file_is_checked_without_entering(
    kind: str, options: dict[str, Any], said: str
) -> None:
    assert said in faults_of_source(SourceSettings("X", kind, options))
