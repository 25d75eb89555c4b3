"""``oaf ingest`` of long CSV: every promise, every kind of bad line."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oaflib.errors import ConfigurationError, IngestError, SourceUnavailable
from oaflib.series import Kind, Series
from oaflib.sources.embedded import (
    BadLines,
    Ingested,
    IngestOptions,
    Lake,
    ingest,
    ingest_files,
)
from oaflib.sources.embedded.formats import csv as csv_format
from oaflib.window import nanoseconds

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
ALL = (-(2**63), 2**63 - 1)
HEADER = "timestamp,variable,value\n"
KEEP = IngestOptions(on_bad="keep")
T0 = nanoseconds(datetime(2026, 11, 22, tzinfo=UTC))
SECOND = 10**9


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "store")


def take(
    lake: Lake, text: str | bytes, options: IngestOptions | None = None, name: str = "in.csv"
) -> Ingested:
    path = lake.folder.parent / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return ingest(path, lake, options)


def series(lake: Lake, name: str) -> Series:
    """All of a variable, in order of time."""
    pieces = list(lake.read(lake.find(name), *ALL))
    time = np.concatenate([piece.time for piece in pieces])
    value = np.empty(len(time), dtype=object)
    for i, sample in enumerate(sample for piece in pieces for sample in piece.value):
        value[i] = sample
    order = np.argsort(time, kind="stable")
    return Series(name, pieces[0].kind, pieces[-1].unit, time[order], value[order])


def plain(lake: Lake, name: str) -> list[object]:
    """The values of a variable as plain lists and numbers."""
    return [np.asarray(v).tolist() for v in series(lake, name).value]


# What is right


def test_each_kind_is_what_it_looks_like(lake: Lake) -> None:
    rows = [
        "2026-11-22T00:00:00Z,A:N,1.5",
        "2026-11-22T00:00:00Z,A:T,STABLE BEAMS",
        '2026-11-22T00:00:00Z,A:V,"[1, 2.5, NaN, null]"',
        "2026-11-22T00:00:01Z,A:V,[]",
        '2026-11-22T00:00:00Z,A:M,"[[1, 2], [3, 4], [5, 6]]"',
        '2026-11-22T00:00:01Z,A:M,"[[0.5]]"',
        '2026-11-22T00:00:00Z,A:S,"[""one"", ""two, and"", """"]"',
    ]
    result = take(lake, HEADER + "\n".join(rows))
    assert (result.samples, result.variables, result.bad) == (7, 5, ())
    assert {variable.name: variable.kind for variable in lake.find()} == {
        "A:N": Kind.NUMERIC,
        "A:T": Kind.TEXTUAL,
        "A:V": Kind.VECTORNUMERIC,
        "A:M": Kind.MATRIXNUMERIC,
        "A:S": Kind.VECTORSTRING,
    }
    assert plain(lake, "A:N") == [1.5]
    assert plain(lake, "A:T") == ["STABLE BEAMS"]
    vectors = series(lake, "A:V").value
    assert np.array_equal(vectors[0], [1, 2.5, np.nan, np.nan], equal_nan=True)
    assert len(vectors[1]) == 0
    assert plain(lake, "A:M") == [[[1, 2], [3, 4], [5, 6]], [[0.5]]]
    assert plain(lake, "A:S") == [["one", "two, and", ""]]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-22T00:00:00Z", T0),
        ("2026-11-22 01:00:00+01:00", T0),
        ("2026-11-22T01:00+0100", T0),
        ("2026-11-21T19:00:00.000000001-05", T0 + 1),
        ("2026-11-22T00:00:00.123456789Z", T0 + 123_456_789),
        (str(T0), T0),
        ("-5", -5),
        ("2026-11-21T23:59:60Z", T0 - 1),
        ("2026-11-21T23:59:60.7Z", T0 - 1),
        ('"2026-11-22T00:00:00Z"', T0),
    ],
)
@pytest.mark.parametrize("careful", [False, True])
def test_times(lake: Lake, text: str, ns: int, careful: bool) -> None:
    """The fast and the careful way agree; a text in the same block makes the way careful."""
    extra = "\n0,A:T,text" if careful else ""
    result = take(lake, f"{HEADER}{text},A:B,1{extra}\n")
    assert series(lake, "A:B").time.tolist() == [ns]
    assert result.leap_seconds == (":60" in text)


def test_a_zone_for_times_without_one(lake: Lake) -> None:
    options = IngestOptions(zone="Europe/Zurich")
    take(lake, f"{HEADER}2026-11-22 01:00:00,A:B,1\n2026-07-01T02:00:00,A:B,2\n", options)
    take(lake, f"{HEADER}2026-11-22 01:00:00,A:C,1\n2026-11-22T00:00:00Z,A:C,2\n", options, "b.csv")
    summer = nanoseconds(datetime(2026, 7, 1, tzinfo=UTC))
    assert series(lake, "A:B").time.tolist() == [summer, T0]
    assert series(lake, "A:C").time.tolist() == [T0, T0]


def test_a_header_that_says_utc(lake: Lake) -> None:
    take(lake, "timestamp_utc,variable,value_json\n2026-11-22 00:00:00.5,A:B,[1]\n")
    assert series(lake, "A:B").time.tolist() == [T0 + SECOND // 2]


def test_bom_crlf_gzip_blank_lines_and_no_last_newline(lake: Lake) -> None:
    text = "\ufeffTimestamp, Variable ,VALUE\r\n\r\n0,A:B,1\r\n   \r\n1,A:B,2"
    result = take(lake, gzip.compress(text.encode()), name="in.csv.gz")
    assert result.samples == 2
    assert plain(lake, "A:B") == [1, 2]


@pytest.mark.parametrize("careful", [False, True])
def test_numbers_that_are_none(lake: Lake, careful: bool) -> None:
    rows = ["0,A:B,NaN", "1,A:B,inf", "2,A:B,-inf", "3,A:B, 1e3 ", '4,A:B,"+5."']
    take(lake, HEADER + "\n".join([*rows, "0,A:T,text"] if careful else rows))
    assert np.array_equal(
        series(lake, "A:B").value.astype(float), [np.nan, np.inf, -np.inf, 1000, 5], equal_nan=True
    )


def test_units_and_kinds_of_their_own_columns(lake: Lake) -> None:
    text = (
        "timestamp,variable,value,unit,kind\n"
        "2,A:B,3,mm,NUMERIC\n0,A:B,1,um,\n1,A:B,2,um,numeric\n0,A:T,17,,TEXTUAL\n0,A:L,[],,VECTORSTRING\n"
    )
    take(lake, text)
    assert [(piece.unit, piece.value.tolist()) for piece in lake.read(lake.find("A:B"), *ALL)] == [
        ("um", [1, 2]),
        ("mm", [3]),
    ]
    assert plain(lake, "A:T") == ["17"]
    assert lake.find("A:L")[0].kind is Kind.VECTORSTRING


def test_units_on_the_fast_way(lake: Lake) -> None:
    rows = "".join(f"{i},A:{i % 3},{i},{'um' if i < 50 else 'mm'}\n" for i in range(99, -1, -1))
    take(lake, f"timestamp,variable,value,unit\n{rows}")
    assert [span.unit for span in lake.units("A:1")] == ["um", "mm"]
    assert plain(lake, "A:1") == [i for i in range(100) if i % 3 == 1]


def test_order_and_repetitions_do_not_matter(lake: Lake) -> None:
    rows = ["3,A:B,3", "1,A:B,1", "2,A:B,2", "1,A:B,1", "1,A:B,1.5", "1,A:T,x", "1,A:T,x"]
    result = take(lake, HEADER + "\n".join(rows))
    assert (result.samples, result.duplicates) == (5, 2)
    assert plain(lake, "A:B") == [1, 1.5, 2, 3]
    assert "2 repetitions left out" in str(result)


def test_repetitions_are_found_across_blocks(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_format, "_BLOCK", 200)
    small = Lake(lake.folder, memory=2000)
    rows = [f"{i},A:B,{i}" for i in range(300)] + [f"{i},A:B,{i}" for i in range(300)]
    result = take(small, HEADER + "\n".join(rows))
    assert (result.samples, result.duplicates) == (300, 300)
    assert plain(lake, "A:B") == list(range(300))


def test_the_same_content_changes_nothing(lake: Lake) -> None:
    assert take(lake, HEADER + "0,A:B,1\n").samples == 1
    for name in ("in.csv", "copy.csv"):
        again = take(lake, HEADER + "0,A:B,1\n", name=name)
        assert again.already_there
        assert "nothing changed" in str(again)
    assert len(series(lake, "A:B")) == 1
    assert len(list(lake.folder.rglob("*.parquet"))) == 1


def test_a_known_kind_wins(lake: Lake) -> None:
    take(lake, "timestamp,variable,value,kind\n0,A:T,x,TEXTUAL\n0,A:S,[],VECTORSTRING\n")
    take(lake, HEADER + '1,A:T,12\n2,A:T,[3]\n3,A:T,\n1,A:S,"[""y""]"\n', name="b.csv")
    assert plain(lake, "A:T") == ["x", "12", "[3]", ""]
    assert plain(lake, "A:S") == [[], ["y"]]


def test_a_device_for_fields(lake: Lake) -> None:
    take(lake, HEADER + "0,CURRENT,1\n0,B:CURRENT,2\n", IngestOptions(device="A"))
    assert [variable.name for variable in lake.find()] == ["A:CURRENT", "B:CURRENT"]


def test_a_text_with_a_newline(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_format, "_BLOCK", 20)
    rows = "".join(f'{i},A:T,"line {i}\nand ""more"", too"\n' for i in range(20))
    take(lake, HEADER + rows)
    assert plain(lake, "A:T") == [f'line {i}\nand "more", too' for i in range(20)]


# What is wrong with a line

BAD = {
    "2026-11-22T00:00:00,A:B,1": "has no zone; write 2026-11-22T00:00:00Z or",
    "yesterday,A:B,1": "'yesterday' is not a time",
    "2026-02-30T00:00:00Z,A:B,1": "'2026-02-30' is no day",
    "2026-11-22T25:00:00Z,A:B,1": "is no time of day",
    "1500-01-01T00:00:00Z,A:B,1": "outside the years 1677 to 2262",
    "99999999999999999999,A:B,1": "is not a time",
    "5,,1": "a variable's name is empty",
    "5,A%,1": "holds '%'",
    "5,A:B,OPEN": "A:B is NUMERIC: 'OPEN' is not a number",
    "5,A:B,": "A:B is NUMERIC: there is no value",
    "5,A:B,1_000": "'1_000' is not a number",
    '5,A:B,"1,5"': "'1,5' is not a number",
    "5,A:B,[1]": "A:B is NUMERIC: '[1]' is not a number",
    "5,A:C,": "there is no value; a number that is none is written NaN",
    "5,A:B": "2 columns where the header has 3",
    "5,A:B,1,2": "4 columns where the header has 3",
    "5,A:V,[1, 2]": 'a list needs quotation marks around it: "[1, 2]"',
    '5,A:V,"[1, 2"': "is not a JSON list",
    '5,A:V,"[1, true]"': "a list of numbers holds 'true'",
    '5,A:V,"[1, ""x""]"': "a list of numbers holds '\"x\"'",
    '5,A:S,"[""x"", 1]"': "a list of texts holds '1'",
    '5,A:M,"[[1, 2], [3]]"': "the rows of an image have 1 to 2 columns",
    '5,A:M,"[[1, ""x""]]"': "a list of numbers holds '\"x\"'",
    '5,A:M,"[[1], 2]"': "an image is a list of lists",
    '5,A:T,"open': "a quotation mark is opened and not closed",
    '5,A:T,"a"b': "not CSV",
    b"5,A:T,\xff": "not UTF-8: byte 0xff",
}


@pytest.mark.parametrize("line", BAD, ids=str)
def test_a_bad_line_is_named(lake: Lake, line: str | bytes) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    text = HEADER.encode() + b"1,A:B,1\n\n" + raw + b"\n2,A:B,2\n3,A:D,x\n"
    with pytest.raises(BadLines) as caught:
        take(lake, text)
    assert "in.csv: line 4: " in str(caught.value)
    assert BAD[line] in str(caught.value)
    assert lake.find() == []
    kept = take(lake, text, KEEP)
    assert [bad.line for bad in kept.bad] == [4]
    assert kept.bad_count == 1
    assert kept.samples == 3
    assert plain(lake, "A:B") == [1, 2]
    assert plain(lake, "A:D") == ["x"]


def test_a_doubtful_hour_is_bad(lake: Lake) -> None:
    text = (
        HEADER + "2026-10-25 02:30:00,A:B,1\n2026-03-29 02:30:00,A:B,2\n2026-10-25 03:00:00,A:B,3\n"
    )
    kept = take(lake, text, IngestOptions(on_bad="keep", zone="Europe/Zurich"))
    assert [bad.reason for bad in kept.bad] == [
        "2026-10-25 02:30 comes twice in Europe/Zurich; write it with a zone",
        "2026-03-29 02:30 does not exist in Europe/Zurich: clocks went ahead",
    ]
    assert kept.samples == 1


def test_another_kind_than_the_stores(lake: Lake) -> None:
    take(lake, HEADER + "0,A:B,on\n")
    text = "timestamp,variable,value,kind\n1,A:B,2,NUMERIC\n"
    with pytest.raises(BadLines, match="A:B is TEXTUAL and cannot become NUMERIC"):
        take(lake, text, name="b.csv")
    with pytest.raises(BadLines, match="'NUMBER' is no kind; there are NUMERIC, VECTORNUMERIC"):
        take(lake, text.replace("NUMERIC", "NUMBER"), name="b.csv")


def test_line_numbers_hold_across_blocks(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_format, "_BLOCK", 64)
    rows = [f"{i},A:B,{i}" for i in range(200)]
    rows[150] = "150,A:B,x"
    rows[20] = '20,A:T,"two\nlines"'
    kept = take(lake, HEADER + "\n".join(rows), KEEP)
    assert [bad.line for bad in kept.bad] == [153]
    assert kept.samples == 199


def test_very_many_bad_lines_are_counted(lake: Lake) -> None:
    text = HEADER + "x,A:B,1\n" * 5000 + "1,A:B,1\n"
    with pytest.raises(BadLines, match="1,001 bad lines") as caught:
        take(lake, text)
    assert str(caught.value).count("\n") < 30
    kept = take(lake, text, KEEP)
    assert (kept.bad_count, len(kept.bad), kept.samples) == (5000, 1000, 1)
    assert "4,980 more" in str(kept)


# What is wrong with a file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty; its first line should be timestamp,variable,value"),
        (b"a,b\n1,2\n", "line 1: 'a' is no column of a long CSV"),
        (b"timestamp;variable;value\n", "with commas between"),
        (b"timestamp,variable\n", "has no value"),
        (b"timestamp,time,variable,value\n", "names a column twice"),
        (b"\x00\x01\x02" * 300, "is no header of a CSV"),
        (b"PK\x03\x04xxxx", "is a zip or Excel file"),
        (gzip.compress(HEADER.encode() + b"0,A:B,1\n" * 9000)[:-40], "cannot be read to its end"),
    ],
)
def test_a_file_that_is_none(lake: Lake, text: bytes, message: str) -> None:
    with pytest.raises(IngestError, match=message):
        take(lake, text)
    assert not (lake.folder / "manifest.sqlite").exists() or lake.find() == []


def test_one_bad_file_stops_no_other(lake: Lake, tmp_path: Path) -> None:
    texts = {"a.csv": "0,A:B,1\n", "b.csv": "0,A:B,x\n", "c.csv": "1,A:B,2\n"}
    for name, rows in texts.items():
        (tmp_path / name).write_text(HEADER + rows)
    paths = [tmp_path / name for name in (*texts, "absent.csv")]
    good, bad, other, absent = ingest_files(paths, lake)
    assert (good.samples, other.samples, bad.samples, absent.samples) == (1, 1, 0, 0)
    assert bad.bad[0].line == 2
    assert str(bad).startswith("refused: ")
    assert "absent.csv cannot be read: No such file" in absent.refused
    assert plain(lake, "A:B") == [1, 2]


def test_options_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="allowed: refuse, keep"):
        IngestOptions(on_bad="ignore")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no time zone is called 'Zurich'"):
        IngestOptions(zone="Zurich")


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file in its place")
    (tmp_path / "in.csv").write_text(HEADER)
    with pytest.raises(SourceUnavailable, match="cannot be made"):
        ingest(tmp_path / "in.csv", Lake(tmp_path / "store"))


# Anything at all


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rest=st.binary(max_size=300), header=st.booleans())
def test_no_bytes_break_it(
    rest: bytes, header: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "in.csv").write_bytes((HEADER.encode() if header else b"") + rest)
    with Lake(folder / "store") as lake:
        (result,) = ingest_files([folder / "in.csv"], lake, KEEP)
        assert result.refused or result.samples + result.bad_count >= 0
        if header and not rest.strip():
            assert result.samples == 0


cell = st.one_of(
    st.floats().map(repr),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(json.dumps),
    st.lists(st.text(max_size=3).filter(lambda t: t.isascii()), min_size=1, max_size=3).map(
        json.dumps
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(st.integers(0, 50), st.sampled_from("XYZ"), cell), max_size=12))
def test_every_line_is_taken_or_named(
    rows: list[tuple[int, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    lines = [f'{t},{name},"{text.replace(chr(34), chr(34) * 2)}"' for t, name, text in rows]
    (folder / "in.csv").write_text(HEADER + "\n".join(lines) + "\n", newline="")
    with Lake(folder / "store") as lake:
        result = ingest(folder / "in.csv", lake, KEEP)
        assert result.samples + result.bad_count + result.duplicates == len(rows)
        assert sum(lake.count(lake.find(), *ALL).values()) == result.samples


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(st.integers(0, 50), st.sampled_from("XYZ"), cell), max_size=12))
def test_the_fast_ways_and_the_careful_one_agree(
    rows: list[tuple[int, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("ways")
    quoted = [(t, name, text.replace('"', '""')) for t, name, text in rows]
    lines = [f'{t},{name},"{text}"' if '"' in text or "," in text else f"{t},{name},{text}"
             for t, name, text in quoted]  # fmt: skip
    (folder / "in.csv").write_text(HEADER + "\n".join(lines) + "\n", newline="")
    found = []
    for way in ("fast", "careful"):
        with pytest.MonkeyPatch.context() as patch, Lake(folder / way) as lake:
            if way == "careful":
                patch.setattr(csv_format, "_fast", lambda *_: False)
                patch.setattr(csv_format, "_mixed", lambda *_: False)
            result = ingest(folder / "in.csv", lake, KEEP)
            contents = [
                (v.name, v.kind, series(lake, v.name).time.tolist(), repr(plain(lake, v.name)))
                for v in lake.find()
            ]
            found.append((result, contents))
    assert found[0] == found[1]


# Real data


@pytest.mark.data
def test_the_cern_extracts(lake: Lake) -> None:
    folder = DATA / "cern-lhc-logging"
    if not folder.exists():
        pytest.skip("cern-lhc-logging is not here")
    intensity, index, vectors = ingest_files(sorted(folder.glob("*.csv*")), lake)
    assert intensity.samples + intensity.duplicates == 35_931
    assert "'vector_length' is no column" in index.refused
    assert vectors.samples + vectors.duplicates == 38
    found = series(lake, "LHC.BWS.5R4.B1H.APP.IN:EMITTANCE_NORM")
    assert {len(sample) for sample in found.value} == {1, 2}
    assert found.value[0].tolist() == [7.1545]
    first = nanoseconds(datetime(2017, 9, 13, 18, 4, 55, 850_000, tzinfo=UTC))
    assert series(lake, "LHC.BCTFR.A6R4.B1:BEAM_INTENSITY").time[0] == first
