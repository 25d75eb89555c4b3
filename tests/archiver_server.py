"""An Archiver Appliance of our own for tests: the documented protocol over real HTTP, and faults.

Written from the appliance's public documentation: PB/HTTP and JSON answers, the first-sample rule,
post-processors, name search. It is not the appliance; an independent client reads it in
``test_source_archiver_independent.py``.
"""

from __future__ import annotations

import json
import math
import re
import ssl
import statistics
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECOND = 10**9
NAMES = ("STRING", "SHORT", "FLOAT", "ENUM", "BYTE", "INT", "DOUBLE")
TYPES = [f"DBR_{form}_{name}" for form in ("SCALAR", "WAVEFORM") for name in NAMES]
TYPES.append("DBR_V4_GENERIC_BYTES")


@dataclass
class Sample:
    ns: int
    value: Any
    severity: int = 0
    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    type_name: str = ""
    unit: str | None = None


@dataclass
class Pv:
    name: str
    type_name: str = "DBR_SCALAR_DOUBLE"
    unit: str = ""
    samples: list[Sample] = field(default_factory=list)

    def add(self, ns: int, value: Any, severity: int = 0, **more: Any) -> Pv:
        self.samples.append(Sample(ns, value, severity, **more))
        return self


@dataclass
class Moods:
    """What goes wrong: each entry of a list is used up by one data request."""

    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    silent: bool = False
    delay: float = 0.0
    drip: float = 0.0
    framing: str = "chunked"
    bare: bool = False  # no metadata calls, as behind a narrow proxy
    spoil: bytes = b""
    password: str = ""


class Appliance:
    """Serves `pvs` on loopback while entered; `url` is the retrieval base."""

    def __init__(self) -> None:
        self.pvs: dict[str, Pv] = {}
        self.moods = Moods()
        self.log: list[str] = []
        appliance = self

        class Handler(_Handler):
            served = appliance

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/retrieval"
        self.host, self.port = "127.0.0.1", self._server.server_address[1]

    def over_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS, as ``https://localhost``."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http://127.0.0.1", "https://localhost")

    def pv(self, name: str, type_name: str = "DBR_SCALAR_DOUBLE", unit: str = "") -> Pv:
        return self.pvs.setdefault(name, Pv(name, type_name, unit))

    def __enter__(self) -> Appliance:
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: Appliance
    protocol_version = "HTTP/1.1"

    def log_message(self, *about: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(json.loads(body) if body else [])

    def do_GET(self) -> None:
        self._answer([])

    def _answer(self, posted: list[str]) -> None:
        moods = self.served.moods
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        self.served.log.append(f"{self.command} {self.path}")
        if moods.silent:
            self.close_connection = True
            return
        if moods.password and self.headers.get("Authorization") != f"Basic {moods.password}":
            self._send(401, b"who are you?\n", "text/plain")
            return
        path = parts.path.removeprefix("/retrieval")
        if path == "/bpl/getVersion":
            self._json({"retrieval_version": "Archiver Appliance (test)"})
        elif path == "/bpl/getMatchingPVs":
            self._json(self._matching(query))
        elif path == "/bpl/getMetadata" and not moods.bare:
            self._metadata(query["pv"][0])
        elif path.startswith(("/data/getData.", "/data/getDataForPVs.")):
            self._data(path.rsplit(".", 1)[1], query.get("pv", []) or posted, query)
        elif path == "/data/getDataAtTime":
            self._at_time(posted, query)
        else:
            self._send(404, b"not here\n", "text/plain")

    def _matching(self, query: dict[str, list[str]]) -> list[str]:
        limit = int(query.get("limit", ["500"])[0])
        if "regex" in query:
            pattern = re.compile(query["regex"][0], re.DOTALL)
            found = [name for name in self.served.pvs if pattern.fullmatch(name)]
        else:
            found = [name for name in self.served.pvs if fnmatchcase(name, query["pv"][0])]
        return found if limit < 0 else found[:limit]

    def _metadata(self, name: str) -> None:
        pv = self.served.pvs.get(name)
        if pv is None:
            self._send(404, b"", "text/plain")
            return
        count = "1" if "SCALAR" in pv.type_name else "8"
        self._json({"pvName": name, "DBRType": pv.type_name, "elementCount": count,
                    "units": pv.unit, "paused": "false"})  # fmt: skip

    def _at_time(self, names: list[str], query: dict[str, list[str]]) -> None:
        at = moment(query["at"][0])
        answer = {}
        for name in names:
            before = [entry for entry in self._samples(name) if entry.ns <= at]
            if before:
                last = before[-1]
                answer[name] = {"secs": last.ns // SECOND, "nanos": last.ns % SECOND,
                                "val": last.value, "severity": last.severity,
                                "status": last.status}  # fmt: skip
        self._json(answer)

    def _samples(self, name: str) -> list[Sample]:
        return self.served.pvs[name].samples if name in self.served.pvs else []

    def _data(self, form: str, names: list[str], query: dict[str, list[str]]) -> None:
        moods = self.served.moods
        if moods.statuses:
            self._send(moods.statuses.pop(0), b"the appliance is starting\n", "text/plain")
            return
        try:
            start, stop = moment(query["from"][0]), moment(query["to"][0])
        except ValueError:
            self._send(400, b"bad time\n", "text/plain")
            return
        if stop < start or not names:
            self._send(400, b"bad interval\n", "text/plain")
            return
        post = query.get("pp", [""])[0]
        if called := re.fullmatch(r"(\w+)\((.+)\)", names[0]):  # mean_60(PV)
            post, names = called[1], [called[2]]
        if any(name not in self.served.pvs for name in names):
            self._send(404, b"unknown PV\n", "text/plain")
            return
        streams = []
        for name in names:
            pv = self.served.pvs[name]
            streams.append((pv, processed(pv, windowed(pv, start, stop), (start, stop), post)))
        time.sleep(moods.delay)
        if form == "json":
            self._stream(printed(streams), "application/json")
        elif form == "raw":
            self._stream(binary(streams), "application/x-protobuf")
        else:
            self._send(404, b"", "text/plain")

    def _json(self, answer: Any) -> None:
        self._send(200, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, mime: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, body: Iterator[bytes], mime: str) -> None:
        moods = self.served.moods
        cut = moods.cuts.pop(0) if moods.cuts else None
        whole = b"".join(body) + moods.spoil
        self.send_response(200)
        self.send_header("Content-Type", mime)
        if moods.framing == "length":
            self.send_header("Content-Length", str(len(whole)))
        elif moods.framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        sent = whole if cut is None else whole[:cut]
        for first in range(0, len(sent), 65_536):
            block = sent[first : first + 65_536]
            if moods.framing == "chunked":
                block = b"%x\r\n%s\r\n" % (len(block), block)
            try:
                self.wfile.write(block)
            except OSError:
                return
            time.sleep(moods.drip)
        if cut is not None or moods.framing == "close":
            self.close_connection = True
        elif moods.framing == "chunked":
            self.wfile.write(b"0\r\n\r\n")


def moment(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round(at.timestamp() * 1000) * 10**6


def windowed(pv: Pv, start: int, stop: int) -> list[Sample]:
    """The first-sample rule: the last sample at or before `start`, then those up to `stop`."""
    before = [entry for entry in pv.samples if entry.ns <= start]
    return before[-1:] + [entry for entry in pv.samples if start < entry.ns <= stop]


def processed(pv: Pv, samples: list[Sample], window: tuple[int, int], post: str) -> list[Sample]:
    if not post:
        return samples
    start, stop = window
    if post.startswith("ncount"):
        inside = [
            entry for entry in samples if start // 10**6 <= entry.ns // 10**6 <= stop // 10**6
        ]
        return [Sample(start, len(inside), type_name="DBR_SCALAR_INT")]
    name, _, argument = post.partition("_")
    if name == "optimized":
        width = max(1, int((stop - start) / SECOND / int(argument)))
        if len(samples) < int(argument):
            return samples
        name = "statsSample"
    else:
        width = int(argument or 900)
    bins: dict[int, list[Sample]] = {}
    for entry in samples:
        number = entry.ns // SECOND // width if entry.ns >= start else start // SECOND // width - 1
        bins.setdefault(number, []).append(entry)
    made = []
    for number in sorted(bins):
        numbers = [float(entry.value) for entry in bins[number] if not math.isnan(entry.value)]
        at = (number * width + width // 2) * SECOND + (width % 2) * SECOND // 2
        severity = max(entry.severity for entry in bins[number])
        value, type_name = reduced(name.removesuffix("Sample"), numbers)
        made.append(Sample(at, value, severity, type_name=type_name))
    return made


def reduced(name: str, numbers: list[float]) -> tuple[Any, str]:
    nan = math.nan
    finite = all(math.isfinite(number) for number in numbers)
    mean = sum(numbers) / len(numbers) if numbers else nan
    deviation = nan if not numbers or not finite else 0.0
    if len(numbers) > 1 and finite:
        deviation = statistics.stdev(numbers)
    low, high = (min(numbers), max(numbers)) if numbers else (nan, nan)
    vector = [mean, deviation, low, high, float(len(numbers))]
    if name == "stats":
        return vector, "DBR_WAVEFORM_DOUBLE"
    place = ("mean", "std", "min", "max", "count").index(name)
    return vector[place], "DBR_SCALAR_DOUBLE"


def runs(pv: Pv, samples: list[Sample]) -> Iterator[tuple[str, str, int, list[Sample]]]:
    """Samples of one type, unit and year: what stands under one header."""
    run: list[Sample] = []
    unit = pv.unit
    key: Any = None
    for entry in samples:
        unit = pv.unit if entry.unit is None else entry.unit
        mine = (entry.type_name or pv.type_name, unit, year_of(entry.ns))
        if run and mine != key:
            yield (*key, run)
            run = []
        key = mine
        run.append(entry)
    if run:
        yield (*key, run)


def year_of(ns: int) -> int:
    return datetime.fromtimestamp(ns // SECOND, UTC).year


def binary(streams: list[tuple[Pv, list[Sample]]]) -> Iterator[bytes]:
    first = True
    for pv, samples in streams:
        for type_name, unit, year, run in runs(pv, samples):
            if not first:
                yield b"\n"
            first = False
            yield escaped(header(pv.name, type_name, year, unit)) + b"\n"
            start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * SECOND
            for entry in run:
                yield escaped(message(entry, type_name, entry.ns - start)) + b"\n"


def escaped(data: bytes) -> bytes:
    data = data.replace(b"\x1b", b"\x1b\x01")
    return data.replace(b"\n", b"\x1b\x02").replace(b"\r", b"\x1b\x03")


def header(name: str, type_name: str, year: int, unit: str) -> bytes:
    made = b"\x08" + varint(TYPES.index(type_name)) + text(2, name) + b"\x18" + varint(year)
    for key, value in (("PREC", "3"), *((("EGU", unit),) if unit else ())):
        made += block(15, text(1, key) + text(2, value))
    return made


def message(entry: Sample, type_name: str, into: int) -> bytes:
    made = b"\x08" + varint(into // SECOND) + b"\x10" + varint(into % SECOND)
    made += encoded(type_name, entry.value)
    if entry.severity:
        made += b"\x20" + varint(entry.severity)
    if entry.status:
        made += b"\x28" + varint(entry.status)
    for key, value in entry.fields.items():
        made += block(7, text(1, key) + text(2, value))
    return made


def encoded(type_name: str, value: Any) -> bytes:
    form, kind = type_name.removeprefix("DBR_").split("_", 1)
    if form == "V4":
        return block(3, bytes(value))
    many = form == "WAVEFORM"
    if kind == "STRING":
        return b"".join(text(3, one) for one in (value if many else [value]))
    if kind == "BYTE":
        return block(3, bytes(int(one) & 0xFF for one in (value if many else [value])))
    if kind in ("SHORT", "ENUM"):
        numbers = [varint(zigzag(int(one))) for one in (value if many else [value])]
        return block(3, b"".join(numbers)) if many else b"\x18" + numbers[0]
    code, tag = {"FLOAT": ("<f", b"\x1d"), "INT": ("<i", b"\x1d"), "DOUBLE": ("<d", b"\x19")}[kind]
    cast = int if kind == "INT" else float
    packed = [struct.pack(code, cast(one)) for one in (value if many else [value])]
    return block(3, b"".join(packed)) if many else tag + packed[0]


def zigzag(number: int) -> int:
    return (number << 1) ^ (number >> 31)


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def block(key: int, data: bytes) -> bytes:
    return varint(key << 3 | 2) + varint(len(data)) + data


def text(key: int, value: str) -> bytes:
    return block(key, value.encode())


def printed(streams: list[tuple[Pv, list[Sample]]]) -> Iterator[bytes]:
    yield b"[ \n"
    for number, (pv, samples) in enumerate(entry for entry in streams if entry[1]):
        meta = f'"name": {json.dumps(pv.name)} , "PREC": "3" '
        unit = next((entry.unit for entry in samples if entry.unit is not None), pv.unit)
        unit = samples[0].unit if samples[0].unit is not None else unit
        if unit:
            meta += f', "EGU": "{unit}" '
        yield f'{"," if number else ""}{{ "meta": {{ {meta}}},\n"data": [ \n'.encode()
        lines = []
        for entry in samples:
            fields = dict(entry.fields)
            if entry.unit is not None and entry.unit != unit:
                unit = fields["EGU"] = entry.unit
            line = (
                f'{{ "secs": {entry.ns // SECOND}, "val": {shown(entry.value)}, '
                f'"nanos": {entry.ns % SECOND}, "severity":{entry.severity}, '
                f'"status":{entry.status}'
            )
            lines.append(line + (f', "fields": {json.dumps(fields)}' if fields else "") + " }")
        yield ",\n".join(lines).encode()
        yield b"\n] }\n"
    yield b" ]\n"


def shown(value: Any) -> str:
    """As Java prints it: bare NaN and Infinity, empty texts of a waveform left out."""
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(shown(one) for one in value if one != "") + "]"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return repr(value)
