"""``oaf record --ca``: an EPICS IOC's channels into the embedded store, as they change."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event
from typing import Any

import numpy as np

from oaflib.config.patterns import fault_of_variable
from oaflib.errors import ConfigurationError, IngestError, Problem
from oaflib.series import Kind, Series, Variable, stack
from oaflib.sources.embedded.lake import Lake
from oaflib.sources.quality import LOST_TEXT, blank

_EPICS = 631_152_000  # seconds from 1970 to 1990, where EPICS counts from
_SECOND = 10**9
_INVALID = 3
_LARGEST = 200_000  # updates that may wait


@dataclass(frozen=True)
class RecordOptions:
    """How channels are recorded.

    Attributes
    ----------
    every : seconds between writings; what was not written yet is lost when the machine dies.
    timeout : seconds to wait for a channel's description.
    """

    every: float = 5.0
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if self.every <= 0 or self.timeout <= 0:
            raise ConfigurationError("every and timeout must be more than 0 seconds")


@dataclass
class Recorded:
    """What came of a recording.

    Attributes
    ----------
    samples : written. disconnects : of channels that had been connected. dropped : updates that
        came faster than they could be taken. refused : channels that cannot be recorded, and why.
    silent : channels that never answered.
    """

    samples: int = 0
    disconnects: int = 0
    dropped: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    silent: tuple[str, ...] = ()


def channels_of(words: Iterable[str]) -> list[str]:
    """The names that the command line's words mean, each once.

    ``BPM.{1..32}:X`` and ``BPM.{A,B}:X`` are several; ``@file`` is the lines of a file, where ``#``
    begins a comment. Channel Access itself cannot search by pattern.

    Raises
    ------
    ConfigurationError
        A ``%`` or ``*``, a name that can be none, a file that cannot be read; all of them.
    """
    names: dict[str, None] = {}
    problems: list[Problem] = []
    for word in _words(words, problems):
        for name in _expanded(word):
            if "%" in name or "*" in name:
                fault = (
                    f"'{name}' is a pattern, and Channel Access cannot search; write names, ranges "
                    "as BPM.{1..32}:X, or @FILE with a name on each line"
                )
            else:
                fault = fault_of_variable(name)
            if fault:
                problems.append(Problem("--ca", word, fault))
            names[name] = None
    if not names and not problems:
        problems.append(Problem("--ca", "", "no channel is named"))
    if problems:
        raise ConfigurationError(problems)
    return list(names)


def record(
    channels: Sequence[str],
    lake: Lake,
    stop: Event,
    options: RecordOptions | None = None,
    tell: Callable[[str], None] | None = None,
) -> Recorded:
    """Record `channels` into `lake` until `stop` is set; what is held then is written.

    Each update is a sample at the IOC's own time. A sample of severity INVALID is NaN (a text
    ``(invalid)``), and so is, at the clock's time, the moment a connection is lost. Enumerations
    are their labels. A channel that comes back goes on by itself. `tell` hears of connections.

    Raises
    ------
    ConfigurationError
        caproto is not installed.
    SourceUnavailable
        The store cannot be written.
    """
    try:
        from caproto.threading.client import Context
    except ImportError as error:
        raise ConfigurationError(
            "recording needs caproto, which is not installed: pip install 'oaflib[epics]'"
        ) from error
    recorder = _Recorder(lake, options or RecordOptions(), tell or (lambda _: None))
    context = Context()
    try:
        pvs = context.get_pvs(*channels, connection_state_callback=recorder.connection)
        recorder.run(stop)
        recorder.flush()
    finally:
        context.disconnect()  # after the last writing: that we leave is no loss of a connection
    silent = tuple(pv.name for pv in pvs if pv.name not in recorder.met)
    return Recorded(
        recorder.samples, recorder.disconnects, recorder.dropped, recorder.refused, silent
    )


@dataclass
class _Channel:
    variable: Variable
    labels: tuple[str, ...]
    latest: int
    last: Any = None


class _Recorder:
    """Takes updates from caproto's threads through a queue; all else is done in one thread."""

    def __init__(self, lake: Lake, options: RecordOptions, tell: Callable[[str], None]) -> None:
        self.lake = lake
        self.options = options
        self.tell = tell
        self.samples = self.disconnects = self.dropped = 0
        self.refused: dict[str, str] = {}
        self.met: dict[str, _Channel | None] = {}
        self._queue: Queue[tuple[str, Any, Any]] = Queue(_LARGEST)
        self._held: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        self._subscriptions: list[Any] = []

    # Called by caproto's threads

    def connection(self, pv: Any, state: str) -> None:
        """A channel was found or lost."""
        self._queue.put((state, pv, time.time_ns()))

    def update(self, subscription: Any, response: Any) -> None:
        """A channel has a new value."""
        try:
            self._queue.put_nowait(("update", subscription.pv, response))
        except Full:
            self.dropped += 1

    # In the recorder's own thread

    def run(self, stop: Event) -> None:
        """Until `stop`: take what comes, and write it every few seconds."""
        due = time.monotonic() + self.options.every
        while not stop.is_set():
            with suppress(Empty):
                self._take(*self._queue.get(timeout=0.1))
            if time.monotonic() >= due:
                self.flush()
                due = time.monotonic() + self.options.every

    def flush(self) -> None:
        """Write what is held, all or nothing."""
        while not self._queue.empty():
            self._take(*self._queue.get_nowait())
        series = [self._series(name, held) for name, held in self._held.items() if held]
        if not series:
            return
        self.lake.write(series, origin="Channel Access")
        self.samples += sum(len(entry) for entry in series)
        self._held.clear()

    def _take(self, what: str, pv: Any, about: Any) -> None:
        if what == "connected":
            self._connected(pv)
        elif what == "disconnected":
            self._lost(pv.name, about)
        elif what == "update":
            channel = self.met.get(pv.name)
            if channel is not None:
                self._sample(channel, about)

    def _connected(self, pv: Any) -> None:
        name = pv.name
        self.tell(f"{name} is connected")
        if name in self.met:
            return  # its subscription goes on by itself
        try:
            about = pv.read(data_type="control", timeout=self.options.timeout)
            self.met[name] = self._described(pv, about)
        except (TimeoutError, OSError, RuntimeError) as error:
            self.tell(f"{name} does not describe itself: {error!r}; waiting for it to come back")
            return
        except IngestError as error:
            self.met[name] = None
            self.refused[name] = str(error)
            self.tell(str(error))
            return
        subscription = pv.subscribe(data_type="time")
        subscription.add_callback(self.update)
        self._subscriptions.append(subscription)

    def _described(self, pv: Any, about: Any) -> _Channel:
        """What a channel is; its kind is for good."""
        metadata = about.metadata
        labels = tuple(_text(one) for one in getattr(metadata, "enum_strings", None) or ())
        native = pv.channel.native_data_type.name
        many = pv.channel.native_data_count > 1
        texts = native == "STRING" or bool(labels)
        kinds = {
            (False, False): Kind.NUMERIC,
            (True, False): Kind.VECTORNUMERIC,
            (False, True): Kind.TEXTUAL,
            (True, True): Kind.VECTORSTRING,
        }
        unit = _text(getattr(metadata, "units", b"") or b"")
        variable = Variable(pv.name, kinds[many, texts], unit)
        known = self._known(pv.name)
        if known is None:
            return _Channel(variable, labels, 0)
        if known.kind is not variable.kind:
            raise IngestError(
                f"{pv.name} is {variable.kind}, but the store knows it as {known.kind}; "
                "record it into another store, or rename it"
            )
        last = self.lake.last_before(known, 2**63 - 1)
        return _Channel(variable, labels, int(last.time[-1]) if len(last) else 0)

    def _known(self, name: str) -> Variable | None:
        if not (self.lake.folder / "manifest.sqlite").exists():
            return None
        return next((entry for entry in self.lake.find(name) if entry.name == name), None)

    def _sample(self, channel: _Channel, response: Any) -> None:
        stamp = response.metadata.stamp
        if not stamp.secondsSinceEpoch:
            return  # never processed: there is no sample yet
        at = (stamp.secondsSinceEpoch + _EPICS) * _SECOND + stamp.nanoSeconds
        if at <= channel.latest:
            return  # the same again, as after a reconnection
        kind = channel.variable.kind
        value = _value(kind, response.data, channel.labels)
        channel.latest, channel.last = at, value
        if response.metadata.severity >= _INVALID:
            value = blank(kind, value)
        self._held[channel.variable.name].append((at, value))

    def _lost(self, name: str, at: int) -> None:
        channel = self.met.get(name)
        self.tell(f"{name} is disconnected")
        if channel is None:
            return
        self.disconnects += 1
        if at > channel.latest:
            lost = blank(channel.variable.kind, channel.last, LOST_TEXT)
            self._held[name].append((at, lost))
            channel.latest = at

    def _series(self, name: str, held: list[tuple[int, Any]]) -> Series:
        channel = self.met[name]
        assert channel is not None
        about = channel.variable
        values: Any = [value for _, value in held]
        if about.kind is Kind.NUMERIC:
            values = np.array(values, np.float64)
        elif about.kind is Kind.VECTORNUMERIC:
            values = stack(values, ndim=1)
        else:
            texts = np.empty(len(values), object)
            for place, value in enumerate(values):
                texts[place] = value
            values = texts
        times = np.array([at for at, _ in held], np.int64)
        return Series(name, about.kind, about.unit, times, values)


def _value(kind: Kind, data: Any, labels: Sequence[str]) -> Any:
    if kind is Kind.VECTORNUMERIC:
        return np.array(data, np.float64)
    if kind is Kind.NUMERIC:
        return float(data[0])
    texts = [_label(one, labels) if labels else _text(one) for one in data]
    return texts[0] if kind is Kind.TEXTUAL else np.array(texts, object)


def _label(number: Any, labels: Sequence[str]) -> str:
    return labels[int(number)] if 0 <= int(number) < len(labels) else f"state {int(number)}"


def _text(data: Any) -> str:
    raw = data.split(b"\0")[0] if isinstance(data, bytes) else data
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)


def _words(words: Iterable[str], problems: list[Problem]) -> Iterable[str]:
    for word in words:
        if not word.startswith("@"):
            yield word
            continue
        try:
            lines = Path(word[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem("--ca", word, f"cannot be read: {error}"))
            continue
        yield from filter(None, (line.split("#")[0].strip() for line in lines))


def _expanded(word: str) -> list[str]:
    found = re.search(r"\{(?:(\d+)\.\.(\d+)|([^{}]*))\}", word)
    if not found:
        return [word]
    first, last, parts = found.groups()
    if parts is None:
        width = len(first) if first.startswith("0") else 0
        middle = [f"{number:0{width}}" for number in range(int(first), int(last) + 1)[:10_000]]
    else:
        middle = parts.split(",")
    head, tail = word[: found.start()], word[found.end() :]
    return [name for part in middle for name in _expanded(head + part + tail)]
