"""What a family looks for in records: variables by their field, beam modes, local times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from oaflib.records import Records, State
from oaflib.series import Kind, Series, Times, Values, device_of
from oaflib.window import moment

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_MODES = ("BMODE", "BEAM_MODE", "MACHINE_MODE")
_WITHOUT = {"NOBEAM", "CYCLING", "RAMPDOWN", "RECOVERY"}


def field_of(name: str) -> str:
    """What of a variable's name is not its device: ``LOSS_RS09``, ``Acquisition#intensity``."""
    return name[len(device_of(name)) + 1 :]


def names_of(records: Records, field: str, *kinds: Kind) -> list[str]:
    """The logged variables whose field matches the expression `field`, whole, whatever its case."""
    whole = re.compile(field, re.IGNORECASE)
    return [
        name
        for name, entry in records.entries.items()
        if entry.state is State.LOGGED
        and not entry.computed
        and entry.count
        and (not kinds or entry.variable.kind in kinds)
        and whole.fullmatch(field_of(name))
    ]


def devices_of(records: Records, field: str, *kinds: Kind) -> list[str]:
    """The devices of all variables of that field that were asked for and exist."""
    whole = re.compile(field, re.IGNORECASE)
    found = [
        device_of(name)
        for name, entry in records.entries.items()
        if entry.state is not State.ABSENT
        and not entry.computed
        and (not kinds or entry.variable.kind in kinds)
        and whole.fullmatch(field_of(name))
    ]
    return list(dict.fromkeys(found))


def numbers(records: Records, field: str) -> dict[str, Series]:
    """The numbers logged under that field, by device."""
    return {device_of(name): records[name] for name in names_of(records, field, Kind.NUMERIC)}


def labels(records: Records, name: str, count: int) -> list[str]:
    """What the `count` elements of a vector are called: by a list of names, else by their index.

    A list counts when it is as long; one of the same device and plane comes first.
    """
    lists = names_of(records, r".*NAMES.*", Kind.VECTORSTRING)
    lists.sort(key=lambda other: (device_of(other) != device_of(name), other[-2:] != name[-2:]))
    for other in lists:
        told = records[other].value[-1]
        if len(told) == count:
            return [str(entry) for entry in told]
    return [f"{device_of(name)}[{i}]" for i in range(count)]


def arrays(series: Series) -> Iterator[Floats]:
    """The vectors of a series one by one, flat, as float64."""
    for sample in series.value:
        yield np.asarray(sample, dtype=np.float64).ravel()


def matrix(series: Series) -> Floats:
    """The vectors of a series as rows; of several lengths only those of the commonest."""
    if not len(series):
        return np.empty((0, 0))
    if series.value.dtype != object and series.value.ndim == 2:
        return np.asarray(series.value, dtype=np.float64)
    rows = list(arrays(series))
    sizes, counts = np.unique([row.size for row in rows], return_counts=True)
    size = int(sizes[np.argmax(counts)])
    return np.array([row for row in rows if row.size == size]).reshape(-1, size)


def finite(values: Values) -> Floats:
    """The finite ones."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def middle(values: Values) -> float:
    """The median of the finite ones; NaN of nothing."""
    kept = finite(values)
    return float(np.median(kept)) if kept.size else float("nan")


def average(values: Values) -> float:
    """The mean of the finite ones; NaN of nothing."""
    kept = finite(values)
    return float(kept.mean()) if kept.size else float("nan")


def spread(values: Values) -> float:
    """Noise: the robust deviation of the steps between finite ones, over √2; NaN of under three."""
    steps = np.diff(finite(values))
    if steps.size < 2:
        return float("nan")
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))


def nearest(series: Series, time: Times) -> Floats:
    """The sample next in time to each of `time`; NaN where it is further off than two steps."""
    if not len(series) or not len(time):
        return np.full(len(time), np.nan)
    order = np.argsort(series.time, kind="stable")
    times, values = series.time[order], np.asarray(series.value, dtype=np.float64)[order]
    after = np.clip(np.searchsorted(times, time), 0, len(times) - 1)
    before = np.clip(after - 1, 0, None)
    at = np.where(np.abs(times[before] - time) <= np.abs(times[after] - time), before, after)
    reach = 2 * float(np.median(np.diff(times))) if len(times) > 1 else 1e9
    return np.where(np.abs(times[at] - time) <= max(reach, 1e9), values[at], np.nan)


@dataclass(frozen=True)
class Modes:
    """The beam mode over the window: what is said at `time` holds until the next."""

    time: Times
    text: NDArray[np.object_]

    def at(self, time: Times) -> NDArray[np.object_]:
        """The mode at each time; empty where none is known."""
        if not len(self.time):
            return np.full(len(time), "", dtype=object)
        index = np.searchsorted(self.time, time, side="right") - 1
        return np.where(index < 0, "", self.text[np.clip(index, 0, None)])

    def stable(self, time: Times) -> Mask:
        """Whether beams were stable; never where no mode is known."""
        return np.array([mode.startswith("STABLE") for mode in self.at(time)], dtype=bool)

    def without(self, time: Times) -> Mask:
        """Whether there was no beam; never where no mode is known."""
        return np.array([mode.replace(" ", "") in _WITHOUT for mode in self.at(time)], dtype=bool)

    def spans(self, end: int) -> list[tuple[int, int, str]]:
        """Start, end (ns UTC) and text of each mode, repetitions joined, until `end`."""
        found: list[tuple[int, int, str]] = []
        stops = np.append(self.time[1:], end)[: len(self.time)]
        for start, stop, text in zip(self.time, stops, self.text, strict=True):
            if found and found[-1][2] == text:
                found[-1] = (found[-1][0], int(stop), text)
            else:
                found.append((int(start), int(stop), text))
        return found


NOTHING = Modes(np.empty(0, np.int64), np.empty(0, object))


def modes_of(records: Records) -> Modes:
    """The beam mode, from the first text variable that is called so; with none, never known."""
    for name, entry in records.entries.items():
        last = field_of(name) or name
        if entry.variable.kind is Kind.TEXTUAL and last.upper().endswith(_MODES):
            return states(records, name)
    return NOTHING


def states(records: Records, name: str) -> Modes:
    """A text or number that holds until the next, from what it was when the window began."""
    series, before = records[name], records.entries[name].before
    order = np.argsort(series.time, kind="stable")
    time = series.time[order]
    text = [_state(series.value[i]) for i in order]
    if before is not None:
        time = np.concatenate([[records.window.start_ns], time])
        text = [_state(before[1]), *text]
    return Modes(time.astype(np.int64), np.array(text, dtype=object))


def _state(value: object) -> str:
    if isinstance(value, str):
        return value.strip().upper()
    if isinstance(value, (int, float, np.number)):
        return f"{value:g}" if value == value else "unknown"
    return str(value)


def clock(records: Records, ns: int | np.integer) -> str:
    """A time of the window as people of the site say it; with the date where that is not clear."""
    zone = ZoneInfo(records.window.zone)
    local = moment(int(ns)).astimezone(zone)
    first, last = records.window.start, records.window.end
    same = (last - first).total_seconds() <= 25 * 3_600 and local.date() == first.astimezone(
        zone
    ).date()
    return f"{local:%H:%M:%S}" if same else f"{local:%Y-%m-%d %H:%M:%S}"


def lasted(ns: float) -> str:
    """A length of time in words of two units."""
    seconds = round(ns / 1e9)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
