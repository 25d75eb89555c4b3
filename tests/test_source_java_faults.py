"""What Java throws, in the words of a source; and that the stand-in is as strict as the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from java_world import World, java_source, needs_jdk

from oaflib.errors import ConfigurationError, QueryRefused, SourceError, SourceUnavailable
from oaflib.sources.java.faults import told

pytestmark = [pytest.mark.java, needs_jdk]

START = 1_780_000_000 * 10**9
ACCESS = "cern.nxcals.api.backport.domain.exceptions.DataAccessException"


@pytest.fixture
def api(tmp_path: Path) -> Any:
    world = World().add("lookback", 10).variable("A:N", "NUMERIC").point(START, "D", 1.0)
    world.variable("A:L", "NUMERIC").point(START, "L", 1)
    world.variable("A:V", "VECTORNUMERIC").point(START, "VL", 1)
    world.variable("A:T", "TEXTUAL").point(START, "S", "on")
    world.variable("A:M", "MATRIXNUMERIC").point(START, "MD", 1, 1.0)
    world.variable("A:S", "VECTORSTRING").point(START, "VS", "a")
    with java_source("nxcals", world.write(tmp_path / "w.tsv")) as source:
        yield source._api


def thrown(api: Any, *chain: tuple[str, str | None]) -> Any:
    """The Java exception whose causes are `chain`, the innermost last."""
    cause = None
    for name, message in reversed(chain):
        error = api.jpype.JClass(name)(message)
        if cause is not None:
            error.initCause(cause)
        cause = error
    return cause


@pytest.mark.parametrize(
    ("chain", "kind", "text"),
    [
        (
            [(ACCESS, "Could not get data"), ("java.net.ConnectException", "Connection refused")],
            SourceUnavailable,
            "A:B: Could not get data; Connection refused",
        ),
        (
            [(ACCESS, "x"), ("java.net.UnknownHostException", "host")],
            SourceUnavailable,
            "A:B: x; h",
        ),
        ([(ACCESS, "x"), ("java.net.SocketTimeoutException", None)], SourceUnavailable, "A:B: x"),
        ([("java.io.EOFException", None)], SourceUnavailable, "A:B: java.io.EOFException"),
        ([(ACCESS, "Connection limit exceeded")], SourceUnavailable, "A:B: Connection limit"),
        ([(ACCESS, "No Kerberos ticket")], SourceUnavailable, "A:B: No Kerberos"),
        ([(ACCESS, "javax.security.auth.login.LoginException")], QueryRefused, "A:B: javax"),
        (
            [(ACCESS, "x"), ("javax.security.auth.login.LoginException", "no keytab")],
            SourceUnavailable,
            "A:B: x; no keytab",
        ),
        ([(ACCESS, "more than the maximum number of records")], QueryRefused, "A:B: more than"),
        ([(ACCESS, None)], QueryRefused, f"A:B: {ACCESS} ({ACCESS})"),
        ([("java.lang.OutOfMemoryError", "Java heap space")], QueryRefused, "-Xmx in jvm_options"),
        (
            [("java.lang.NoClassDefFoundError", "org/x/Y")],
            ConfigurationError,
            "A:B: org/x/Y (java.lang.NoClassDefFoundError). A jar is missing in classpath",
        ),
        ([(ACCESS, "Query timed out, window too wide")], QueryRefused, "A:B: Query timed out"),
        ([(ACCESS, "Query refused")], QueryRefused, "A:B: Query refused"),
        ([("java.lang.IllegalStateException", "odd")], QueryRefused, "A:B: odd (java.lang.Illegal"),
    ],
)
def test_what_java_throws(
    api: Any, chain: list[tuple[str, str | None]], kind: type[SourceError], text: str
) -> None:
    error = told("A:B", thrown(api, *chain))
    assert type(error) is kind
    assert text in str(error)


GETTERS = {
    "A:N": "getDoubleValue",
    "A:L": "getLongValue",
    "A:V": "getLongValues",
    "A:T": "getVarcharValue",
    "A:M": "getMatrixDoubleValues",
    "A:S": "getStringValues",
}
ALL = (*GETTERS.values(), "getDoubleValues", "getMatrixLongValues")


@pytest.mark.parametrize("name", GETTERS)
def test_the_standin_has_no_getter_of_another_type(api: Any, name: str) -> None:
    variable = api.named([name])[name]
    (point,) = api.points(variable, START, START)
    wrong = api.jpype.JClass("java.lang.NoSuchMethodException")
    for getter in ALL:
        if getter == GETTERS[name]:
            getattr(point, getter)()
        else:
            with pytest.raises(wrong):
                getattr(point, getter)()


def test_the_standin_answers_null_and_closes_its_windows(api: Any) -> None:
    variable = api.named(["A:N"])["A:N"]
    assert api.last(variable, START) is None
    assert api.last(variable, START + 1) is not None
    assert api.last(variable, START + 11) is None  # longer ago than it looks back
    assert api.fundamentals("%", START, START) is None
    assert api.fill(1) is None
    assert api.points(variable, START - 5, START).size() == 1
    assert api.points(variable, START, START + 5).size() == 1
    assert api.points(variable, START - 5, START - 1).size() == 0


def test_the_standin_takes_java_lists_only(api: Any) -> None:
    with pytest.raises(TypeError):
        api._meta.getVariablesWithNameInListofStrings(["A:N"])
    with pytest.raises(TypeError):
        api._data.getDataInTimeWindow("A:N", api.stamp(START), api.stamp(START))
