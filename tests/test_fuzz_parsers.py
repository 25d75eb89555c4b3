"""Whatever others wrote is read or refused in the reader's own words; nothing else is raised."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from faults.parsers import Parser, parsers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("OAF_EXAMPLES", "25"))
NAMES = (
    *("report.json", "alarm-memory", "silences", "interventions", "aliases", "table", "toml"),
    *("windows", "times", "records.json", "archiver-wire", "archiver-json", "scrap", "shelf"),
    *("ingest-csv", "ingest-tfs", "ingest-parquet", "ingest-hdf5"),
)
HOSTILE = (
    *(b"\x00", b"\xff", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"=", b"[", b"{", b"}"),
    *(b"NaN", b"Infinity", b"-1e999", b"9" * 40, b"9" * 5000, b"null", b"true", b"[" * 3000),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"%", b"../", b"0001-01-01", b"9999-12-31", b"\x1b"),
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["ALARM", "2026-11-22T00:00:00Z", "0001-01-01T00:00:00Z", "Europe/Zurich"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, Parser]]:
    with parsers() as found:
        yield found


def test_each_reads_its_examples(readers: dict[str, Parser]) -> None:
    assert set(NAMES) == set(readers)
    for parser in readers.values():
        for example in parser.examples:
            parser.read(example)


#: What fuzzing found, and what is like it.
ONCE_FOUND = (
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"\x00{", b"\xff\xfe{\x00", b"null", b"5"),
    *(b"9" * 60 + b"min", b"last " + b"9" * 60 + b"min", b"last 900000d", b"last 99999999h"),
    # A field 3 that is a number where bytes should be, in a sample of the last type.
    b"\x08\x0e\x12\x01A\x18\xea\x0f\n\x08\x0b\x10\x0c\x18\x01\x18\x02\n",
    *(b'{"schema": "oaf-records/2"}', b'"' + b"x" * 200_000, b"[]", b'""', b"nan"),
)
REPLACED = (
    *((b"1.0", b"9" * 5000), (b"2026", b"9999"), (b"2026", b"0001"), (b"Zurich", b"\\u0000")),
    *((b'"source"', b'"sourc"'), (b'"Europe/Zurich"', b"5"), (b'"Europe/Zurich"', b'"../x"')),
)


def test_what_fuzzing_once_found_is_refused(readers: dict[str, Parser]) -> None:
    for parser in readers.values():
        for data in ONCE_FOUND:
            parser.tried(data)
        for old, new in REPLACED:
            parser.tried(parser.examples[0].replace(old, new))


def test_a_time_that_is_a_group_is_refused(readers: dict[str, Parser], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("A:X/time")
        file["A:X/value"] = [1.0]
    assert readers["ingest-hdf5"].tried((tmp_path / "a.h5").read_bytes()) is False


@st.composite
def damaged(draw: st.DrawFn, example: bytes) -> bytes:
    """The example with a few bytes gone, doubled, changed or put in."""
    data = bytearray(example)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        new = draw(
            st.sampled_from(HOSTILE) | st.binary(max_size=6) | st.just(bytes(data[at:end]) * 2)
        )
        data[at:end] = new
    return bytes(data)


@st.composite
def twisted(draw: st.DrawFn, example: bytes) -> bytes:
    """The JSON example with one of its values another, or gone."""
    document = json.loads(example)
    places = list(_places(document, ()))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places))
        inner = document
        try:
            for key in place[:-1]:
                inner = inner[key]
            if draw(st.booleans()) and isinstance(inner, dict):
                inner.pop(place[-1])
            else:
                inner[place[-1]] = draw(JUNK)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier twist took it away
    return json.dumps(document).encode()


def _places(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield (*above, key)
        if isinstance(inner, (dict, list)):
            yield from _places(inner, (*above, key))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_the_readers_own_error(readers: dict[str, Parser], name: str) -> None:
    parser = readers[name]
    example = parser.examples[0]
    kinds = [damaged(example), st.sampled_from(parser.examples).flatmap(damaged)]
    if example[:1] in b"[{":
        kinds += [twisted(example), twisted(example)]

    @settings(
        deadline=None,
        max_examples=EXAMPLES if "ingest" not in name else max(10, EXAMPLES // 3),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.one_of(kinds))
    def tried(data: bytes) -> None:
        parser.tried(data)

    tried()
