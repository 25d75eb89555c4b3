"""PB/HTTP and .pb files: chunks of one sample a line, decoded into arrays as they arrive."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oaflib.series import Kind, Times

_SCALARS = ("STRING", "SHORT", "FLOAT", "ENUM", "BYTE", "INT", "DOUBLE")
TYPES = (
    *(f"DBR_SCALAR_{name}" for name in _SCALARS),
    *(f"DBR_WAVEFORM_{name}" for name in _SCALARS),
    "DBR_V4_GENERIC_BYTES",
)
_PACKED = {9: "<f4", 12: "<i4", 13: "<f8"}
_FIXED = {2: "<f4", 5: "<i4", 6: "<f8"}
_SECOND = 10**9
Bytes = NDArray[np.uint8]


class DamagedStream(Exception):
    """Bytes that are not the protocol; never leaves this room."""


def kind_of(type_name: str) -> Kind | None:
    """The kind of an archiver's type; None for those that are neither numbers nor texts."""
    if type_name not in TYPES[:-1]:
        return None
    if type_name.endswith("_STRING"):
        return Kind.TEXTUAL if "_SCALAR_" in type_name else Kind.VECTORSTRING
    return Kind.NUMERIC if "_SCALAR_" in type_name else Kind.VECTORNUMERIC


@dataclass(frozen=True)
class Chunk:
    """Samples of one PV under one header; many may follow each other.

    Attributes
    ----------
    type_name : of `TYPES`, or empty where the format does not say.
    headers : fields of the record, as ``EGU``, valid for the chunk.
    value : float64[n] for numbers; a list of float64 arrays, texts or lists of texts.
    fields : by the sample's number, the fields logged with it.
    """

    pv: str
    type_name: str
    headers: dict[str, str]
    time: Times
    value: Any
    severity: NDArray[np.int64]
    fields: dict[int, dict[str, str]] = field(default_factory=dict)


class ChunkReader:
    """Decodes a stream fed in blocks of any size.

    Raises
    ------
    DamagedStream
        From `feed` and `close`: bytes outside the protocol, or an end inside a sample.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._info: dict[int, list[Any]] | None = None

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The samples that are complete now."""
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        data, self._rest = data[:cut], data[cut:]
        place = 0
        while place < len(data):
            if self._info is None:
                end = data.index(b"\n", place)
                if end > place:
                    self._info = _message(_plain(data[place:end]))
                    # A header without samples still says that the PV is known.
                    yield self._chunk(np.empty(0, np.int64), _none(self._type), _no_severity())
                place = end + 1
            elif data[place : place + 1] == b"\n":
                self._info, place = None, place + 1
            else:
                end = data.find(b"\n\n", place)
                end = len(data) if end < 0 else end + 1
                yield self._samples(data[place:end])
                place = end

    def close(self) -> None:
        """Say that the stream is over."""
        if self._rest:
            raise DamagedStream("it ends inside a sample")

    @property
    def _type(self) -> int:
        assert self._info is not None
        return _whole(_first(self._info, 1, 0))

    def _chunk(self, time: Times, value: Any, severity: NDArray[np.int64], **more: Any) -> Chunk:
        assert self._info is not None
        if not 0 <= self._type < len(TYPES):
            raise DamagedStream(f"its header says type {self._type}, which there is not")
        headers = dict(_field(entry) for entry in self._info.get(15, []))
        pv = _text(_first(self._info, 2, b""))
        return Chunk(pv, TYPES[self._type], headers, time, value, severity, **more)

    def _samples(self, data: bytes) -> Chunk:
        assert self._info is not None
        year = _whole(_first(self._info, 3, 0))
        if not 1970 <= year <= 2261:
            raise DamagedStream(f"its header says year {year}")
        start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * _SECOND
        raw, starts, ends = _lines(data)
        if self._type in (1, 2, 3, 5, 6):
            columns, odd = _columns(raw, starts, ends, self._type)
        else:
            columns, odd = _Columns(len(starts)), np.arange(len(starts))
        fields: dict[int, dict[str, str]] = {}
        values: Any = columns.value if self._type in range(1, 7) else [None] * len(starts)
        for number in odd.tolist():
            message = _message(raw[starts[number] : ends[number]].tobytes())
            for key in (1, 2, 3):
                if key not in message and not (key == 3 and self._type >= 7):
                    raise DamagedStream(f"a sample has no field {key}")
            columns.seconds[number] = _whole(message[1][-1])
            columns.nanos[number] = _whole(message[2][-1])
            # There are 0 to 3; whatever else stands there says nothing good.
            severity = _first(message, 4, 0)
            columns.severity[number] = severity if severity in (0, 1, 2) else 3
            values[number] = _value(self._type, message.get(3, []))
            if 7 in message:
                fields[number] = dict(_field(entry) for entry in message[7])
        if (columns.seconds > 366 * 86_400).any() or (columns.nanos >= _SECOND).any():
            raise DamagedStream("a sample has a time outside its year")
        time = start + columns.seconds * _SECOND + columns.nanos
        return self._chunk(time, values, columns.severity, fields=fields)


def _none(type_number: int) -> Any:
    return np.empty(0) if type_number in range(1, 7) else []


def _no_severity() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


class _Columns:
    def __init__(self, count: int) -> None:
        self.seconds, self.nanos, self.severity = (np.zeros(count, np.int64) for _ in range(3))
        self.value = np.zeros(count)


def _lines(data: bytes) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64]]:
    """The bytes without escapes, and where each line starts and ends in them."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == 0x0A)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if b"\x1b" not in data:
        return raw, starts, ends
    escapes = np.flatnonzero(raw == 0x1B)
    raw = raw.copy()
    if escapes[-1] + 1 >= len(raw):
        raise DamagedStream("it ends in an escape")
    codes = raw[escapes + 1]
    if not ((codes >= 1) & (codes <= 3)).all():
        raise DamagedStream("an escape is followed by something else than 1, 2 or 3")
    raw[escapes + 1] = np.array([0, 0x1B, 0x0A, 0x0D], np.uint8)[codes]
    kept = np.ones(len(raw), bool)
    kept[escapes] = False
    return (
        raw[kept],
        starts - np.searchsorted(escapes, starts),
        ends - np.searchsorted(escapes, ends),
    )


def _plain(line: bytes) -> bytes:
    raw, starts, ends = _lines(line + b"\n")
    return raw[starts[0] : ends[0]].tobytes()


def _columns(
    raw: Bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], type_number: int
) -> tuple[_Columns, NDArray[np.int64]]:
    """All samples of a chunk of numbers in step, field by field; and which need a closer look.

    Those are the samples with fields of the record, and whatever is not as expected.
    """
    out = _Columns(len(starts))
    raw = np.concatenate([raw, np.zeros(16, np.uint8)])
    place = starts.copy()
    odd = np.zeros(len(starts), bool)
    seen = np.zeros(len(starts), np.int64)
    active = np.flatnonzero(place < ends)
    odd[place >= ends] = True
    value_tag, width = {6: (0x19, 8), 2: (0x1D, 4), 5: (0x1D, 4)}.get(type_number, (0x18, 0))
    while len(active):
        tags = raw[place[active]]
        for tag in np.unique(tags).tolist():
            mine = active[tags == tag]
            at = place[mine] + 1
            if tag == value_tag and width:
                bits = raw[at[:, None] + np.arange(width)]
                out.value[mine] = bits.view(_FIXED[type_number])[:, 0]
                place[mine] = at + width
                seen[mine] |= 4
            elif tag in (0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x40) and (
                tag != 0x18 or value_tag == 0x18
            ):
                number, after = _varints(raw, at)
                place[mine] = after
                odd[mine[number < 0]] = True
                if tag == 0x08:
                    out.seconds[mine] = number
                    seen[mine] |= 1
                elif tag == 0x10:
                    out.nanos[mine] = number
                    seen[mine] |= 2
                elif tag == 0x18:
                    out.value[mine] = (number >> 1) ^ -(number & 1)
                    seen[mine] |= 4
                elif tag == 0x20:
                    out.severity[mine] = np.minimum(number, 3)
            else:
                odd[mine] = True
                place[mine] = ends[mine]
        active = active[(place[active] < ends[active]) & ~odd[active]]
    odd |= (seen != 7) | (place != ends)
    return out, np.flatnonzero(odd)


def _varints(raw: Bytes, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers that begin at `at`, and where they end; -1 where one is longer than 5 bytes."""
    number = np.zeros(len(at), np.int64)
    going = np.ones(len(at), bool)
    after = at.copy()
    for shift in range(0, 35, 7):
        byte = raw[np.minimum(after, len(raw) - 1)].astype(np.int64)
        number = np.where(going, number | ((byte & 0x7F) << shift), number)
        after = after + going
        going = going & (byte >= 0x80)
        if not going.any():
            return number, after
    number[going] = -1
    return number, after


def _message(data: bytes) -> dict[int, list[Any]]:
    """The fields of one protobuf message: whole numbers, or bytes."""
    found: dict[int, list[Any]] = {}
    entry: Any
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        wire = tag & 7
        if wire == 0:
            entry, place = _varint(data, place)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            entry, place = data[place : place + size], place + size
        elif wire == 2:
            size, place = _varint(data, place)
            entry, place = data[place : place + size], place + size
        else:
            raise DamagedStream(f"a message has a field of wire type {wire}")
        if place > len(data):
            raise DamagedStream("a message ends inside a field")
        found.setdefault(tag >> 3, []).append(entry)
    return found


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise DamagedStream("a message ends inside a number")
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise DamagedStream("a number in a message has more than 10 bytes")


def _value(type_number: int, entries: list[Any]) -> Any:
    """The value of a sample from its field 3, which waveforms may have many times, or packed."""
    try:
        if type_number == 0:
            return _text(entries[-1])
        if type_number == 7:
            return [_text(entry) for entry in entries]
        if type_number in (1, 3):
            return float(_unzigzag(_whole(entries[-1])))
        if type_number in (2, 5, 6):
            return float(np.frombuffer(entries[-1], _FIXED[type_number])[0])
        if type_number == 4:
            return float(struct.unpack("b", entries[-1][:1])[0])
        if type_number == 11:
            return np.frombuffer(b"".join(entries), np.int8).astype(np.float64)
        if type_number in _PACKED:
            return np.frombuffer(b"".join(entries), _PACKED[type_number]).astype(np.float64)
        if type_number in (8, 10):
            return np.array([_unzigzag(n) for entry in entries for n in _numbers(entry)], float)
        return b"".join(entries)
    except (TypeError, ValueError, IndexError, struct.error) as error:
        raise DamagedStream(f"a value is not of type {TYPES[type_number]}: {error}") from error


def _numbers(entry: Any) -> Iterator[int]:
    if isinstance(entry, int):
        yield _whole(entry)
        return
    place = 0
    while place < len(entry):
        number, place = _varint(entry, place)
        yield _whole(number)


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _first(message: dict[int, list[Any]], key: int, default: Any) -> Any:
    return message[key][-1] if key in message else default


def _whole(entry: Any) -> int:
    if not isinstance(entry, int) or entry >= 2**32:
        raise DamagedStream("a whole number is none, or too large")
    return entry


def _text(entry: Any) -> str:
    if not isinstance(entry, bytes):
        raise DamagedStream("a text is not bytes")
    return entry.decode("utf-8", "replace")


def _field(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, bytes):
        raise DamagedStream("a field of the record is not bytes")
    message = _message(entry)
    return _text(_first(message, 1, b"")), _text(_first(message, 2, b""))
