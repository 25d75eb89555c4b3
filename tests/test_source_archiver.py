"""The Archiver Appliance as a source, against a server of ours that speaks its protocol."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import trustme
from archiver_server import Appliance

from oaflib.config.site import SourceSettings
from oaflib.errors import ConfigurationError, QueryRefused, SourceUnavailable
from oaflib.series import Kind, Series, Variable
from oaflib.sources.archiver import ArchiverSource
from oaflib.testing import SourceContract, gathered
from oaflib.window import Window

SECOND = 10**9
WINDOW = Window(datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
T0 = WINDOW.start_ns
TYPES = {
    Kind.NUMERIC: "DBR_SCALAR_DOUBLE",
    Kind.VECTORNUMERIC: "DBR_WAVEFORM_DOUBLE",
    Kind.TEXTUAL: "DBR_SCALAR_STRING",
    Kind.VECTORSTRING: "DBR_WAVEFORM_STRING",
}


def source(url: str, **options: Any) -> ArchiverSource:
    options = {"pause": 0.01, "timeout": 5.0, **options}
    return ArchiverSource(SourceSettings("AA", "archiver", {"url": url, **options}))


@pytest.fixture
def appliance() -> Iterator[Appliance]:
    with Appliance() as made:
        yield made


class TestArchiver(SourceContract):
    kinds: ClassVar = tuple(TYPES)
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _serve(self, appliance: Appliance) -> None:
        self.appliance = appliance

    def filled(self, series: Sequence[Series], folder: Path) -> ArchiverSource:
        for entry in series:
            pv = self.appliance.pv(entry.name, TYPES[entry.kind])
            pv.unit = entry.unit
            for time, value in zip(entry.time.tolist(), entry.value, strict=True):
                plain = value.tolist() if isinstance(value, np.ndarray) else value
                plain = float(plain) if entry.kind is Kind.NUMERIC else plain
                pv.add(time, plain, unit=entry.unit)
            pv.samples.sort(key=lambda sample: sample.ns)
        return source(self.appliance.url, **self.options)

    def unreachable(self, folder: Path) -> ArchiverSource:
        self.appliance.moods.silent = True
        return source(self.appliance.url, attempts=2)


class TestArchiverAsJson(TestArchiver):
    # A waveform of texts loses its empty ones in the appliance's JSON: not a kind it can hold.
    kinds: ClassVar = (Kind.NUMERIC, Kind.VECTORNUMERIC, Kind.TEXTUAL)
    options: ClassVar = {"format": "json"}


class TestArchiverOneByOne(TestArchiver):
    """The same in spans of an hour, and without the calls about PVs."""

    options: ClassVar = {"hours": 1.0, "batch": 1}

    @pytest.fixture(autouse=True)
    def _bare(self, appliance: Appliance) -> None:
        appliance.moods.framing = "length"


def read(url: str, pattern: str = "%:%", **options: Any) -> dict[str, Series]:
    with source(url, **options) as entered:
        return gathered(entered, entered.find(pattern), WINDOW)


@pytest.fixture(params=["raw", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_years_and_escapes(appliance: Appliance) -> None:
    """Across new year, with the bytes that the protocol escapes in times, numbers and texts."""
    odd = [0x0A, 0x0D, 0x1B, 0x1B0A, 0x0D1B0A, 0x0A0A0A0A]
    times = [T0 + 86_000 * SECOND + i * 100 * SECOND + value for i, value in enumerate(odd)]
    numbers = np.frombuffer(np.array([0x0A0D1B0A0D1B0A0D + i for i in range(6)]).tobytes())
    whole, real, text = (
        appliance.pv(f"A:{name}", f"DBR_SCALAR_{name}") for name in ("INT", "DOUBLE", "STRING")
    )
    for i, time in enumerate(times):
        whole.add(time, odd[i])
        real.add(time, float(numbers[i]))
        text.add(time, f"a\nb\r\x1bc{i}\n")
    found = read(appliance.url)
    assert {tuple(entry.time) for entry in found.values()} == {tuple(times)}
    assert found["A:INT"].value.tolist() == odd
    assert found["A:DOUBLE"].value.tolist() == numbers.tolist()
    assert found["A:STRING"].value.tolist() == [f"a\nb\r\x1bc{i}\n" for i in range(6)]


@pytest.mark.parametrize(
    ("name", "values"),
    [("SHORT", [-32768, 0, 32767]), ("ENUM", [0, 1, 15]), ("BYTE", [-128, 0, 127]),
     ("INT", [-(2**31), 0, 2**31 - 1]), ("FLOAT", [-1.5, 0.0, 3e38])],
)  # fmt: skip
def test_every_type(name: str, values: list[float], appliance: Appliance, form: str) -> None:
    scalar = appliance.pv("A:S", f"DBR_SCALAR_{name}")
    vector = appliance.pv("A:V", f"DBR_WAVEFORM_{name}")
    for i, value in enumerate(values):
        scalar.add(T0 + i * SECOND, value)
        vector.add(T0 + i * SECOND, values[: i + 1])
    found = read(appliance.url, format=form)
    assert found["A:S"].kind is Kind.NUMERIC
    assert found["A:S"].value == pytest.approx(values)
    assert [list(row) for row in found["A:V"].value] == [
        pytest.approx(values[: i + 1]) for i in range(len(values))
    ]


def test_bare_nan_and_infinities(appliance: Appliance, form: str) -> None:
    pv = appliance.pv("A:X")
    odd = [float("nan"), float("inf"), float("-inf"), 1.0]
    for i, value in enumerate(odd):
        pv.add(T0 + i, value)
    assert read(appliance.url, format=form)["A:X"].value.tolist()[1:] == odd[1:]
    assert np.isnan(read(appliance.url, format=form)["A:X"].value[0])


def test_the_sample_before_the_window_is_told_apart(appliance: Appliance, form: str) -> None:
    """The first-sample rule: months old, it is no sample of this day, but known as the last one."""
    appliance.pv("A:X").add(T0 - 200 * 86_400 * SECOND, 7.0)
    with source(appliance.url, format=form) as entered:
        (variable,) = entered.find("A:X")
        assert len(gathered(entered, [variable], WINDOW)["A:X"]) == 0
        assert entered.count([variable], WINDOW) == {"A:X": 0}
        assert entered.last_before([variable], T0)["A:X"].value.tolist() == [7.0]
        assert len(entered.last_before([variable], T0 - 300 * 86_400 * SECOND)["A:X"]) == 0


def test_invalid_samples_never_look_good(appliance: Appliance, form: str) -> None:
    for name, type_name, value in (
        ("A:N", "DBR_SCALAR_DOUBLE", 5.0), ("A:T", "DBR_SCALAR_STRING", "ok"),
        ("A:V", "DBR_WAVEFORM_DOUBLE", [1.0, 2.0]),
    ):  # fmt: skip
        pv = appliance.pv(name, type_name)
        for i, severity in enumerate((0, 1, 2, 3)):
            pv.add(T0 + i * SECOND, value, severity, status=17)
    with source(appliance.url, format=form) as entered:
        found = gathered(entered, entered.find("A:%"), WINDOW)
        quality = entered.quality
    assert found["A:N"].value[:3].tolist() == [5.0] * 3
    assert np.isnan(found["A:N"].value[3])
    assert found["A:T"].value.tolist() == ["ok", "ok", "ok", "(invalid)"]
    assert np.isnan(found["A:V"].value[3]).tolist() == [True, True]
    assert {(entry.invalid, entry.warned) for entry in quality.values()} == {(1, 2)}
    kept = read(appliance.url, "A:N", format=form, invalid="keep")
    assert kept["A:N"].value.tolist() == [5.0] * 4


def test_a_lost_connection_is_in_the_data(appliance: Appliance, form: str) -> None:
    pv = appliance.pv("A:X")
    pv.add(T0 + 10 * SECOND, 1.0)
    lost, back = T0 // SECOND + 20, T0 // SECOND + 500
    told = {"cnxlostepsecs": str(lost), "cnxregainedepsecs": str(back)}
    pv.add(back * SECOND + 5, 1.0, fields=told)
    pv.add(back * SECOND + 9, 1.0, fields={"cnxlostepsecs": "0", "startup": "true"})
    with source(appliance.url, format=form) as entered:
        series = gathered(entered, entered.find("A:X"), WINDOW)["A:X"]
        assert entered.quality["A:X"].disconnects == 1
    order = np.argsort(series.time)
    assert series.time[order].tolist()[1] == lost * SECOND
    assert np.isnan(series.value[order]).tolist() == [False, True, False, False]


def test_one_unknown_name_harms_no_other(appliance: Appliance, form: str) -> None:
    for i in range(5):
        appliance.pv(f"A:{i}").add(T0, float(i))
    with source(appliance.url, format=form, hours=50.0) as entered:
        variables = [*entered.find("A:%"), Variable("A:GONE")]
        found = gathered(entered, variables, WINDOW)
        assert [len(found[variable.name]) for variable in variables] == [1] * 5 + [0]
        assert entered.count(variables, WINDOW)["A:GONE"] == 0
        assert len(entered.last_before(variables, T0 + 1)["A:0"]) == 1
    assert sum("getDataForPVs" in line for line in appliance.log) >= 3


def test_a_type_that_changed_is_refused_by_name(appliance: Appliance, form: str) -> None:
    pv = appliance.pv("A:X")
    pv.add(T0, 1.0).add(T0 + SECOND, "now a text", type_name="DBR_SCALAR_STRING")
    appliance.pv("A:Y").add(T0, 2.0)
    with source(appliance.url, format=form) as entered:
        variables = entered.find("A:%")
        with pytest.raises(QueryRefused, match=r"A:X is NUMERIC.*00:00:01Z.*changed its type"):
            list(entered.read(variables, WINDOW))
        assert len(gathered(entered, variables[1:], WINDOW)["A:Y"]) == 1


def test_a_change_of_number_type_is_none(appliance: Appliance) -> None:
    pv = appliance.pv("A:X")
    pv.add(T0, 1, type_name="DBR_SCALAR_INT").add(T0 + SECOND, 2.5)
    assert read(appliance.url)["A:X"].value.tolist() == [1.0, 2.5]


def test_structures_are_refused(appliance: Appliance) -> None:
    appliance.pv("A:X", "DBR_V4_GENERIC_BYTES").add(T0, b"\x00\x01")
    with (
        source(appliance.url) as entered,
        pytest.raises(QueryRefused, match="V4_GENERIC_BYTES"),
    ):
        list(entered.read(entered.find("A:X"), WINDOW))


def test_repeated_samples_are_left_to_extract(appliance: Appliance) -> None:
    appliance.pv("A:X").add(T0, 1.0).add(T0 + 5, 2.0).add(T0 + 5, 2.0).add(T0 + 5, 3.0)
    assert read(appliance.url)["A:X"].value.tolist() == [1.0, 2.0, 2.0, 3.0]


# When it goes wrong


def many(appliance: Appliance, count: int = 20_000) -> list[int]:
    pv = appliance.pv("A:X")
    times = [T0 + i * SECOND for i in range(count)]
    for i, time in enumerate(times):
        pv.add(time, float(i))
    return times


def test_starting_appliances_are_asked_again(appliance: Appliance) -> None:
    many(appliance, 10)
    appliance.moods.statuses = [503, 503]
    assert len(read(appliance.url)["A:X"]) == 10
    appliance.moods.statuses = [503] * 50
    with pytest.raises(SourceUnavailable, match=r"asked 3 times.*503"):
        read(appliance.url, attempts=3)


@pytest.mark.parametrize("framing", ["chunked", "length"])
@pytest.mark.parametrize("hours", [25.0, 50.0])
def test_a_cut_answer_is_never_half_a_day(
    framing: str, hours: float, appliance: Appliance, form: str
) -> None:
    """Streamed or whole: asked again where it broke off, and complete, or refused in words."""
    times = many(appliance)
    appliance.moods.framing = framing
    appliance.moods.cuts = [200_000, 40_001, 9]
    assert (
        read(appliance.url, format=form, hours=hours)["A:X"].time.tolist() == sorted(set(times))
        or hours == 25.0
    )
    appliance.moods.cuts = [200_000, 40_001, 9]
    with source(appliance.url, format=form, hours=hours) as entered:
        series = gathered(entered, entered.find("A:X"), WINDOW)["A:X"]
    assert np.unique(series.time).tolist() == times
    appliance.moods.cuts = [60_000] + [50] * 50
    with pytest.raises(SourceUnavailable, match=r"A:X.*asked 2 times"):
        read(appliance.url, format=form, hours=hours, attempts=2)


def test_a_cut_without_length_is_not_overlooked(appliance: Appliance) -> None:
    """Neither chunks nor length: the binary form is refused, the other one tells by itself."""
    times = many(appliance, 100)
    appliance.moods.framing = "close"
    with pytest.raises(QueryRefused, match='format = "json"'):
        read(appliance.url)
    assert read(appliance.url, format="json")["A:X"].time.tolist() == times
    appliance.moods.cuts = [3000] * 50
    with pytest.raises(SourceUnavailable, match="damaged"):
        read(appliance.url, format="json")


def test_slow_answers_end(appliance: Appliance) -> None:
    many(appliance, 10)
    appliance.moods.delay = 0.5
    with pytest.raises(SourceUnavailable, match="timed out"):
        read(appliance.url, timeout=0.1, attempts=2)
    appliance.moods.delay = 0
    many(appliance, 20_000)
    appliance.moods.drip = 0.1
    with pytest.raises(SourceUnavailable, match=r"took more than 0.2 s"):
        read(appliance.url, deadline=0.2, attempts=2)


def test_nobody_there(appliance: Appliance) -> None:
    appliance.moods.silent = True
    with pytest.raises(SourceUnavailable, match="asked 2 times"), source(appliance.url, attempts=2):
        pass
    with pytest.raises(SourceUnavailable, match="does not answer"):
        source("http://127.0.0.1:9/retrieval", attempts=1).__enter__()
    appliance.moods.silent = False
    with pytest.raises(SourceUnavailable, match="retrieval base"):
        source(f"{appliance.url}/data", attempts=1).__enter__()


@pytest.mark.parametrize(
    "spoil",
    [b"\x08", b"\n\n\x08\x63\n\x08\x01\n", b"\x1b\x09\n", b"\xff\xff\n", b"\x00\n", b"\n\n\x1b"],
)
def test_bytes_outside_the_protocol_are_no_data(spoil: bytes, appliance: Appliance) -> None:
    many(appliance, 10)
    appliance.moods.spoil = spoil
    with pytest.raises(SourceUnavailable, match="damaged"):
        read(appliance.url, attempts=2)


def test_a_narrow_proxy_shows_types_by_data_alone(appliance: Appliance) -> None:
    """Without calls about PVs the type is that of the latest sample; without any it is unknown."""
    appliance.moods.bare = True
    appliance.pv("A:V", "DBR_WAVEFORM_FLOAT").add(T0, [1.0])
    appliance.pv("A:EMPTY")
    with source(appliance.url) as entered:
        assert [(entry.name, entry.kind) for entry in entered.find("A:%")] == [
            ("A:V", Kind.VECTORNUMERIC)
        ]


def test_hostile_names(appliance: Appliance) -> None:
    names = ["A:B&to=1", "A:B C+D", "A:%41", "A:ä{}[]()$^|\\d", "A:'\"<script>", "A:b.HIHI"]
    for name in names:
        appliance.pv(name).add(T0, 1.0)
    with source(appliance.url) as entered:
        found = entered.find("A:%")
        assert [entry.name for entry in found] == sorted(names)
        assert all(len(entry) == 1 for entry in gathered(entered, found, WINDOW).values())
        assert [entry.name for entry in entered.find(names[3])] == [names[3]]


def test_what_was_asked_is_counted(appliance: Appliance) -> None:
    many(appliance, 100)
    with source(appliance.url) as entered:
        gathered(entered, entered.find("A:X"), WINDOW)
        asked = entered.asked
    assert asked.rows == 100
    assert asked.queries == len(appliance.log) == 5
    assert asked.nbytes > 1500
    assert asked.seconds > 0


def test_statistics_are_computed_there_when_they_can_be_trusted(appliance: Appliance) -> None:
    pv = appliance.pv("A:X")
    values = np.sin(np.arange(5000.0))
    pv.add(T0 - SECOND, 1e6)
    for i, value in enumerate(values):
        pv.add(T0 + i * 30 * SECOND, float(value))
    with source(appliance.url) as entered:
        (numbers,) = entered.statistics(entered.find("A:X"), WINDOW)
        sent = entered.asked.rows
        pv.add(T0 + 86_399 * SECOND + 7, 5.0, 3)
        pv.samples.sort(key=lambda sample: sample.ns)
        (wary,) = entered.statistics(entered.find("A:X"), WINDOW)
    assert sent == 0
    assert (numbers.count, numbers.min, numbers.max) == (5000, values.min(), values.max())
    assert numbers.mean == pytest.approx(values.mean())
    assert numbers.std == pytest.approx(values.std())
    assert (wary.count, wary.nan, wary.max) == (5001, 1, values.max())


# The site file


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "'url' is missing"),
        ({"url": "archiver:17668"}, "must be as http://host:17668/retrieval"),
        ({"url": "http://a/retrieval", "tiemout": 3}, "tiemout.*Did you mean.*timeout"),
        ({"url": "http://a/retrieval", "format": "csv"}, "Allowed: .*raw.*json"),
        ({"url": "http://me:pw@a/retrieval"}, "holds a password"),
        ({"url": "https://a/retrieval", "user": "me"}, "go together"),
        ({"url": "http://a/retrieval", "user": "me", "password_env": "PW"}, "readable"),
        ({"url": "http://a/retrieval", "timeout": 0}, "more than 0"),
    ],
)
def test_wrong_options_are_refused_in_words(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ArchiverSource(SourceSettings("AA", "archiver", options))


def test_a_login(appliance: Appliance, tmp_path: Path) -> None:
    many(appliance, 3)
    appliance.moods.password = base64.b64encode(b"oaf:sesame").decode()
    with pytest.raises(SourceUnavailable, match="does not let us in: 401"):
        read(appliance.url)
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    secret.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read(appliance.url, user="oaf", password_file=str(secret))
    secret.chmod(0o600)
    assert len(read(appliance.url, user="oaf", password_file=str(secret))["A:X"]) == 3


def test_certificates_are_verified(tmp_path: Path) -> None:
    """Only an appliance whose authority is trusted is believed, and told how when it is not."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    appliance = Appliance()
    appliance.over_tls(context)
    with appliance:
        many(appliance, 5)
        with pytest.raises(SourceUnavailable, match=r"not to be trusted.*ca_file"):
            read(appliance.url)
        found = read(appliance.url, ca_file=str(tmp_path / "ca.pem"))
        assert len(found["A:X"]) == 5
        with pytest.raises(SourceUnavailable, match="not to be trusted"):
            read(appliance.url.replace("localhost", "127.0.0.1"), ca_file=str(tmp_path / "ca.pem"))
