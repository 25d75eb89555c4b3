"""What the readers of all formats hand their samples to, and what came of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from oaflib.errors import ConfigurationError, IngestError
from oaflib.series import Kind, Series, Times, Values
from oaflib.sources.embedded.batch import Batch
from oaflib.sources.embedded.names import fault_of_name
from oaflib.sources.embedded.times import Reader
from oaflib.window import zone_named

_LISTED = 1000
_SHOWN = 20

Codes = NDArray[np.integer]


@dataclass(frozen=True)
class IngestOptions:
    """How to read files.

    Attributes
    ----------
    on_bad : ``refuse`` a file with bad lines whole, or ``keep`` its good ones.
    device : device of names without one: ``device`` and ``FIELD`` make ``device:FIELD``. Tables
        with a column a variable take the file's name when it is empty.
    zone : IANA zone of times written without one; empty: they are bad.
    """

    on_bad: Literal["refuse", "keep"] = "refuse"
    device: str = ""
    zone: str = ""

    def __post_init__(self) -> None:
        if self.on_bad not in ("refuse", "keep"):
            raise ConfigurationError(f"on_bad is '{self.on_bad}'; allowed: refuse, keep")
        if self.zone:
            zone_named(self.zone)


@dataclass(frozen=True)
class BadLine:
    """One line (or row, counted from 1 without the header) that cannot be taken, and why."""

    file: str
    line: int
    reason: str
    word: str = "line"

    def __str__(self) -> str:
        return f"{self.file}: {self.word} {self.line}: {self.reason}"


@dataclass(frozen=True)
class Ingested:
    """What came of one file.

    Attributes
    ----------
    samples, variables : what is in the store now that was not before.
    duplicates : exact repetitions inside the file, left out.
    bad : the first 1,000 bad lines; `bad_count` is how many there are.
    already_there : the same content was taken before; nothing changed.
    refused : why nothing of the file was taken; empty when it was.
    leap_seconds : times ``…:60``, moved to the nanosecond before.
    notes : what a person may want to know.
    """

    path: Path
    samples: int = 0
    variables: int = 0
    duplicates: int = 0
    bad: tuple[BadLine, ...] = ()
    bad_count: int = 0
    already_there: bool = False
    refused: str = ""
    leap_seconds: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        if self.already_there:
            return f"{self.path}: is in the store already; nothing changed"
        words = [f"{_many(self.samples, 'sample')} of {_many(self.variables, 'variable')}"]
        if self.duplicates:
            words.append(f"{_many(self.duplicates, 'repetition')} left out")
        if self.leap_seconds:
            words.append(f"{_many(self.leap_seconds, 'leap second')} moved")
        if self.bad_count:
            words.append(f"{_many(self.bad_count, 'bad line')} left out")
        lines = [f"{self.path}: {', '.join(words)}", *listed(self.bad, self.bad_count)]
        return "\n  ".join([*lines, *self.notes])


class BadLines(IngestError):
    """A file with bad lines, refused whole; `bad` are the first ones."""

    def __init__(self, path: Path, bad: Sequence[BadLine], count: int) -> None:
        self.bad = tuple(bad)
        self.count = count
        lines = listed(bad, count)
        super().__init__(
            f"{path} has {_many(count, 'bad line')}, so nothing of it was "
            "taken; mend it, or keep its good lines with --on-bad keep\n  " + "\n  ".join(lines)
        )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(bad: Sequence[BadLine], count: int) -> list[str]:
    """The first bad lines in words, and how many more there are."""
    more = [f"… and {count - _SHOWN:,} more"] if count > _SHOWN else []
    return [*(str(line) for line in bad[:_SHOWN]), *more]


class Intake:
    """One file on its way into a batch: checks names and kinds, counts what is bad."""

    def __init__(self, path: Path, batch: Batch, options: IngestOptions) -> None:
        self.path = path
        self.batch = batch
        self.options = options
        self.times = Reader(ZoneInfo(options.zone) if options.zone else None)
        self.bad: list[BadLine] = []
        self.bad_count = 0
        self.notes: list[str] = []
        self._names: dict[str, str] = {}

    def name(self, name: str, device: str = "") -> str:
        """The variable's full name.

        Raises
        ------
        ValueError
            It cannot be a variable's name.
        """
        if name not in self._names:
            full = name.strip()
            device = self.options.device or device
            if device and not any(mark in full for mark in ":/#"):
                full = f"{device}:{full}"
            if fault := fault_of_name(full):
                raise ValueError(fault)
            self._names[name] = full
        return self._names[name]

    def refuse(self, line: int, reason: str, word: str = "line", count: int = 1) -> None:
        """Note a bad line, or `count` of them with the same reason from that one on.

        Raises
        ------
        BadLines
            There are 1,000 of them, and the file is to be refused anyway.
        """
        self.bad_count += count
        if len(self.bad) < _LISTED:
            self.bad.append(BadLine(self.path.name, line, reason, word))
        elif self.options.on_bad == "refuse":
            raise BadLines(self.path, self.bad, self.bad_count)

    def done(self) -> Ingested:
        """What came of the file, its batch not yet in the store.

        Raises
        ------
        BadLines
            There are bad lines, and the file is to be refused for them.
        """
        if self.bad and self.options.on_bad == "refuse":
            raise BadLines(self.path, self.bad, self.bad_count)
        return Ingested(
            self.path,
            bad=tuple(self.bad),
            bad_count=self.bad_count,
            leap_seconds=self.times.leaps,
            notes=tuple(self.notes),
        )

    def add_rows(
        self,
        names: Sequence[str],
        codes: Codes,
        rows: tuple[Times, Values],
        units: tuple[Sequence[str], Codes] | None = None,
    ) -> None:
        """Add NUMERIC samples of many variables, as times and values of as many rows.

        `codes` say which of `names` each row is of; `units`, likewise, in which unit it is.
        """
        time, value = rows
        for which, mine in grouped(codes):
            series = Series(names[which], Kind.NUMERIC, "", time[mine], value[mine])
            if units:
                self.add_with_units(series, units[0], units[1][mine])
            else:
                self.batch.add(series)

    def add_with_units(self, series: Series, units: Sequence[str], codes: Codes) -> None:
        """Add a series whose samples each have one of `units`, by their `codes`."""
        if (codes == codes[0]).all():
            self.batch.add(replace(series, unit=units[int(codes[0])]))
            return
        order = np.argsort(series.time, kind="stable")
        codes = codes[order]
        for first, stop in pairwise(
            [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
        ):
            part = series.where(order[first:stop])
            self.batch.add(replace(part, unit=units[int(codes[first])]))


def grouped(codes: Codes) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each code and the rows that have it, in their order."""
    if not len(codes):
        return
    small = codes.astype(np.uint16) if int(codes.max()) < 2**16 else codes  # 16 bits: radix sort
    order = np.argsort(small, kind="stable")
    ordered = codes[order]
    for first, stop in pairwise([0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(codes)]):
        yield int(ordered[first]), order[first:stop]
