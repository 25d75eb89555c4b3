"""Everything that reads what others wrote: with good examples, and the errors it may raise."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import nbformat
import numpy as np

from oaflib import report as reports
from oaflib import scraps, silences
from oaflib.changes import AlarmState, advance
from oaflib.config.aliases import read_aliases
from oaflib.config.document import Complaints, Document
from oaflib.config.interventions import read_interventions
from oaflib.config.table import read_rows
from oaflib.errors import ConfigurationError, IngestError, RecordsError, ReportError
from oaflib.publish import shelf
from oaflib.records import RecordsWriter, entry_of, open_records
from oaflib.report import Fault, Outcome, Report, Severity
from oaflib.series import Kind, Series
from oaflib.sources.archiver.printed import chunks_of
from oaflib.sources.archiver.wire import ChunkReader, DamagedStream
from oaflib.sources.embedded import Lake
from oaflib.sources.embedded.ingest import ingest
from oaflib.window import calendar_day, of_rule, parse_duration, parse_instant

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
_NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Parser:
    """One reader: `read` may return what it likes, and raise what is `allowed`, nothing else."""

    name: str
    examples: tuple[bytes, ...]
    read: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...]

    def tried(self, data: bytes) -> bool:
        """Whether the data were taken; False when they were refused as they should be."""
        try:
            self.read(data)
        except self.allowed:
            return False
        return True


@contextmanager
def parsers() -> Iterator[dict[str, Parser]]:
    """All of them by name, with a folder to work in while it is open."""
    with tempfile.TemporaryDirectory(prefix="oaf-parsers-") as name:
        folder = Path(name)
        yield {parser.name: parser for parser in _all(folder)}


def _all(folder: Path) -> Iterator[Parser]:
    (folder / "config").mkdir()
    report = _report()
    text = reports.write(report).encode()
    yield Parser("report.json", (text,), reports.read, (ReportError,))
    state, _ = advance(AlarmState("BWS_PS"), report)
    yield Parser("alarm-memory", (state.write().encode(),), AlarmState.read, (ReportError,))
    yield _file(
        "silences",
        folder / "config/silences.csv",
        b"device,check,from,until,reason,author\nBWS.1,range,2026-11-01,2026-12-01,known,jdoe\n"
        b"BWS.%,,2026-11-02,cleared,seen,jdoe\n",
        lambda path: silences.read(path),
    )
    yield _file(
        "interventions",
        folder / "config/interventions.csv",
        b"Date,Device,Done,By\n2026-11-01,BWS.1,wire changed,jdoe\n2026-11-02 10:00Z,%,cleaned,x\n",
        lambda path: read_interventions(path.parents[1], "Europe/Zurich"),
    )
    yield _file(
        "aliases",
        folder / "config/aliases.csv",
        b"Old,New\nBWS.OLD,BWS.1\nA:B,C:D\n",
        lambda path: read_aliases(path.parents[1]),
    )
    yield _file(
        "table",
        folder / "config/tasks.csv",
        b"\xef\xbb\xbfInstrument;Source;DataSet;UserId;email\nBCT;LDB;B1;jdoe;TRUE\n",
        _rows,
    )
    yield _file(
        "toml",
        folder / "config/any.toml",
        b'title = "x"\n[[check]]\nkind = "range"\nhigh = 1.0\nvariables = ["A", "B%"]\n',
        lambda path: Document(path.name, path.read_bytes()).problems,
    )
    yield Parser("windows", (b"day", b"last 15min", b"last 7d"), _window, (ValueError,))
    yield Parser("times", (b"2026-11-22T00:00:00Z", b"15min"), _time, (ValueError,))
    yield from _records(folder / "records")
    yield from _archiver()
    yield from _ingest(folder)
    yield _scrap(folder)
    yield _shelf(folder)


def _file(name: str, path: Path, example: bytes, read: Callable[[Path], object]) -> Parser:
    def written(data: bytes) -> object:
        path.write_bytes(data)
        try:
            return read(path)
        finally:
            path.unlink()

    return Parser(name, (example,), written, (ConfigurationError,))


def _rows(path: Path) -> object:
    return read_rows(path, Complaints(path.name), ("Instrument", "Source", "DataSet", "UserId"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _window(data: bytes) -> object:
    return of_rule(_text(data), _NOW, "Europe/Zurich")


def _time(data: bytes) -> object:
    try:
        return parse_instant(_text(data))
    except ValueError:
        return parse_duration(_text(data))


def _report() -> Report:
    outcome = Outcome(
        "range", Fault.BREAKAGE, "BWS.1", "BWS.1:X", Severity.ALARM, found=2.0,
        limit={"high": 1.0}, unit="mm", since=DAY.start_ns, reason="2 mm",
    )  # fmt: skip
    return Report("BWS", "PS", "Scanners", DAY, _NOW, True, (outcome,))


def _records(folder: Path) -> Iterator[Parser]:
    series = Series(
        "BWS.1:X", Kind.NUMERIC, "mm", DAY.start_ns + 10**9 * np.arange(3), np.arange(3.0)
    )
    with RecordsWriter(folder, DAY, "LDB") as writer:
        writer.add(series, entry_of(series))
    path = folder / "records.json"
    example = path.read_bytes()

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return [records.entries for records in [open_records(folder)]]

    yield Parser("records.json", (example,), read, (RecordsError,))


def _archiver() -> Iterator[Parser]:
    def wire(data: bytes) -> object:
        reader = ChunkReader()
        found = [*reader.feed(data[: len(data) // 2]), *reader.feed(data[len(data) // 2 :])]
        reader.close()
        return found

    # Header: type 6 (DOUBLE), PV "A", 2026, a field; then two samples: seconds, nanos, value.
    # ESC 2 is a line feed.
    header = b"\x08\x06\x12\x01A\x18\xea\x0f\x7a\x09\x1b\x02\x03EGU\x12\x02mm"
    sample = b"\x08\x0b\x10\x0c\x19\x00\x00\x00\x00\x00\x00\xf0?"
    example = header + b"\n" + sample + b"\n" + sample + b"\n\n"
    yield Parser("archiver-wire", (example,), wire, (DamagedStream,))
    answer = [
        {
            "meta": {"name": "A", "EGU": "mm"},
            "data": [
                {"secs": 1, "nanos": 2, "val": 1.5, "severity": 0, "fields": {"a": "b"}},
                {"secs": 2, "nanos": 2, "val": [1, 2], "severity": 0},
                {"secs": 3, "nanos": 2, "val": "x", "severity": 3},
            ],
        }
    ]
    text = json.dumps(answer).encode()
    yield Parser("archiver-json", (text,), lambda data: list(chunks_of(data)), (DamagedStream,))


def _ingest(folder: Path) -> Iterator[Parser]:
    lake = Lake(folder / "store").__enter__()

    def reader(name: str) -> Callable[[bytes], object]:
        path = folder / name

        def read(data: bytes) -> object:
            path.write_bytes(data)
            return ingest(path, lake)

        return read

    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["timestamp", "variable", "value"])
    writer.writerow(["2026-11-22T00:00:00Z", "A:X", "1.5"])
    writer.writerow(["1763769600000000001", "A:V", "[1, 2.5]"])
    writer.writerow(["2026-11-22T00:00:02+01:00", "A:T", "STABLE"])
    yield Parser("ingest-csv", (rows.getvalue().encode(),), reader("a.csv"), (IngestError,))
    tfs = b'@ TITLE %s "x"\n* TIME EMITTANCE NOTE\n$ %d %le %s\n 1763769600000000001 1.5 "a"\n'
    yield Parser("ingest-tfs", (tfs,), reader("a.tfs"), (IngestError,))
    yield Parser("ingest-parquet", (_parquet(folder),), reader("a.parquet"), (IngestError,))
    yield Parser("ingest-hdf5", (_hdf5(folder),), reader("a.h5"), (IngestError,))


def _parquet(folder: Path) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {"timestamp": pa.array([1763769600000000001, 1763769600000000002], pa.int64()),
         "variable": ["A:P", "A:P"], "value": [1.5, 2.5]}
    )  # fmt: skip
    path = folder / "example.parquet"
    pq.write_table(table, path)
    return path.read_bytes()


def _hdf5(folder: Path) -> bytes:
    import h5py

    path = folder / "example.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("A:H")
        group["time"] = np.array([1763769600000000001, 1763769600000000002], np.int64)
        group["value"] = np.array([1.5, 2.5])
    return path.read_bytes()


def _scrap(folder: Path) -> Parser:
    path = folder / "notebook.ipynb"
    cell = nbformat.v4.new_code_cell("x")
    document = json.loads(reports.write(_report()))
    held = {"token": "t", "report": document}
    payload = {"name": "oaf-report", "data": held, "encoder": "json", "version": 1}
    data = {"application/scrapbook.scrap.json+json": payload}
    metadata = {"scrapbook": {"name": "oaf-report", "data": True, "display": False}}
    cell["outputs"] = [nbformat.v4.new_output("display_data", data, metadata=metadata)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    example = path.read_bytes()

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return scraps.read(path, "t")

    return Parser("scrap", (example,), read, (ReportError,))


def _shelf(folder: Path) -> Parser:
    """The repository's own index of a dataset: made again whatever is in it."""
    place = folder / "reports/BWS/PS"
    day = place / "2026-11-22"
    day.mkdir(parents=True)
    (day / "report.json").write_text(reports.write(_report()))
    shelf.rebuilt(place)
    example = (place / "index.json").read_bytes()

    def read(data: bytes) -> object:
        (place / "index.json").write_bytes(data)
        return shelf.load(place).recent[0]

    return Parser("shelf", (example,), read, (IndexError,))
