"""So that we do not only talk to ourselves: a client and a codec that others wrote.

The ESS client reads our server; what its protobuf classes write, our decoder reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from archiver_server import Appliance
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oaflib.sources.archiver.wire import TYPES, Chunk, ChunkReader, DamagedStream

pytest.importorskip("epicsarchiver", reason="epicsarchiver-retrieval-client is not installed")
pytest.importorskip("requests", reason="requests, which the client needs, is not installed")

from epicsarchiver.retrieval import EPICSEvent_pb2 as pb
from epicsarchiver.retrieval.client.archiver_retrieval import ArchiverRetrieval
from epicsarchiver.retrieval.client.processor import Processor, ProcessorName
from epicsarchiver.retrieval.pb import escape_bytes

START = datetime(2025, 12, 31, 12, tzinfo=UTC)
T0 = int(START.timestamp()) * 10**9
SECOND = 10**9
MESSAGES = [
    getattr(pb, f"{form}{name}")
    for form, names in (
        ("Scalar", ("String", "Short", "Float", "Enum", "Byte", "Int", "Double")),
        ("Vector", ("String", "Short", "Float", "Enum", "Char", "Int", "Double")),
    )
    for name in names
]


@pytest.fixture
def appliance() -> Iterator[Appliance]:
    with Appliance() as made:
        yield made


@pytest.fixture
def client(appliance: Appliance) -> Iterator[ArchiverRetrieval]:
    made = ArchiverRetrieval(appliance.host, appliance.port)
    yield made
    made.session.close()


def test_the_client_reads_our_server(appliance: Appliance, client: ArchiverRetrieval) -> None:
    """A day of seconds across new year, with units that change and a sample from before."""
    pv = appliance.pv("A:X", unit="mA")
    pv.add(T0 - 90 * 86_400 * SECOND, 5.0)
    for i in range(43_201):
        pv.add(T0 + i * 2 * SECOND + 0x0A0D1B, np.sin(i), severity=i % 4, status=i % 22)
    _, events = client.get_events("A:X", START, START + timedelta(days=1))
    assert len(events) == 43_201
    assert events[0].timestamp_ns == T0 - 90 * 86_400 * SECOND
    sent = pv.samples[: len(events)]
    assert [event.timestamp_ns for event in events] == [entry.ns for entry in sent]
    assert [event.val for event in events] == [entry.value for entry in sent]
    assert [event.severity for event in events] == [entry.severity for entry in sent]


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("DBR_SCALAR_STRING", "a\nb\r\x1bc"), ("DBR_SCALAR_SHORT", -7), ("DBR_SCALAR_ENUM", 3),
        ("DBR_SCALAR_INT", -(2**31)), ("DBR_SCALAR_FLOAT", 0.5),
        ("DBR_WAVEFORM_DOUBLE", [1.5, -0.0, 2e300]), ("DBR_WAVEFORM_STRING", ["a", "", "b\n"]),
        ("DBR_WAVEFORM_SHORT", [-1, 0, 300]), ("DBR_WAVEFORM_INT", [10, 13, 27]),
    ],
)  # fmt: skip
def test_the_client_reads_every_type(
    type_name: str, value: Any, appliance: Appliance, client: ArchiverRetrieval
) -> None:
    told = {"cnxlostepsecs": "17", "EGU": "mA"}
    appliance.pv("A:X", type_name).add(T0 + 10, value, 2, fields=told)
    _, (event,) = client.get_events("A:X", START, START + timedelta(hours=1))
    found = list(event.val) if isinstance(value, list) else event.val
    assert found == value
    assert event.field_values_dict == told


def test_the_client_searches_and_reduces(appliance: Appliance, client: ArchiverRetrieval) -> None:
    for i in range(3600):
        appliance.pv("A:X").add(T0 + i * SECOND, float(i))
    appliance.pv("B:X")
    assert client.search("A.*") == ["A:X"]
    _, events = client.get_events(
        "A:X", START, START + timedelta(hours=1), Processor(ProcessorName.MEAN, 60)
    )
    assert [event.val for event in events] == [29.5 + 60 * i for i in range(60)]
    _, events = client.get_events(
        "A:X", START, START + timedelta(hours=1), Processor(ProcessorName.NCOUNT, None)
    )
    assert [event.val for event in events] == [3600]


def stream(type_number: int, samples: list[dict[str, Any]], **header: Any) -> bytes:
    """One chunk, as the other side's protobuf and escaping write it."""
    info = pb.PayloadInfo(type=type_number, pvname="A:X", year=2026, **header)
    messages = [info, *(MESSAGES[type_number](**sample) for sample in samples)]
    return b"".join(escape_bytes(entry.SerializeToString()) + b"\n" for entry in messages)


def decoded(data: bytes, size: int) -> list[Chunk]:
    reader = ChunkReader()
    chunks = [
        chunk
        for first in range(0, len(data), size)
        for chunk in reader.feed(data[first : first + size])
    ]
    reader.close()
    return [chunk for chunk in chunks if len(chunk.time)]


VALUES = {
    0: st.text(max_size=20), 1: st.integers(-(2**15), 2**15 - 1), 2: st.floats(width=32),
    3: st.integers(0, 2**15), 5: st.integers(-(2**31), 2**31 - 1), 6: st.floats(),
    7: st.lists(st.text(max_size=9), max_size=4),
    8: st.lists(st.integers(-(2**15), 2**15 - 1), max_size=9),
    9: st.lists(st.floats(width=32), max_size=9), 10: st.lists(st.integers(0, 99), max_size=9),
    12: st.lists(st.integers(-(2**31), 2**31 - 1), max_size=9),
    13: st.lists(st.floats(), max_size=9),
}  # fmt: skip


@st.composite
def chunks(draw: st.DrawFn) -> tuple[int, list[dict[str, Any]]]:
    type_number = draw(st.sampled_from(sorted(VALUES)))
    optional = {
        "severity": st.integers(-1, 3), "status": st.integers(0, 22),
        "repeatcount": st.integers(0, 2**32 - 1), "fieldactualchange": st.booleans(),
        "fieldvalues": st.lists(
            st.builds(pb.FieldValue, name=st.sampled_from("abc"), val=st.text(max_size=5)),
            max_size=2,
        ),
    }  # fmt: skip
    one = st.fixed_dictionaries(
        {"secondsintoyear": st.integers(0, 366 * 86_400 - 1), "nano": st.integers(0, 10**9 - 1),
         "val": VALUES[type_number]}, optional=optional,
    )  # fmt: skip
    return type_number, draw(st.lists(one, min_size=1, max_size=30))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chunk=chunks(), size=st.sampled_from([7, 64, 1000]))
def test_we_read_what_protobuf_writes(chunk: tuple[int, list[Any]], size: int) -> None:
    type_number, samples = chunk
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
    found = decoded(stream(type_number, samples), size)
    times = [int(time) for part in found for time in part.time]
    assert times == [start + one["secondsintoyear"] * SECOND + one["nano"] for one in samples]
    values = [value for part in found for value in part.value]
    for value, one in zip(values, samples, strict=True):
        same = value == one["val"] if type_number in (0, 7) else None
        assert same if same is not None else np.array_equal(value, one["val"], equal_nan=True)
    severities = [int(entry) for part in found for entry in part.severity]
    assert [entry >= 3 for entry in severities] == [
        one.get("severity", 0) in (-1, 3) for one in samples
    ]
    assert {part.type_name for part in found} == {TYPES[type_number]}


@settings(max_examples=80, deadline=None)
@given(
    chunk=chunks(),
    size=st.sampled_from([7, 64, 1000]),
    place=st.floats(0, 1),
    noise=st.binary(max_size=6),
)
def test_damage_is_told_and_nothing_else_raised(
    chunk: tuple[int, list[Any]], size: int, place: float, noise: bytes
) -> None:
    data = stream(*chunk)
    at = int(place * len(data))
    with suppress(DamagedStream):
        decoded(data[:at] + noise + data[at + len(noise) :], size)
