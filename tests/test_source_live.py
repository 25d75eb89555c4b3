"""Recording a real soft IOC on loopback into the embedded store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from oaflib.errors import ConfigurationError
from oaflib.series import Kind, Series, Variable
from oaflib.sources.embedded import Lake
from oaflib.sources.live import Recorded, RecordOptions, channels_of, record

pytest.importorskip("caproto", reason="caproto is not installed")

NAMES = [f"OAF:{name}" for name in ("X", "BAD", "WAVE", "TEXT", "MODE")]
FOREVER = (0, 2**62)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    found = free_port()
    monkeypatch.setenv("EPICS_CA_ADDR_LIST", "127.0.0.1")
    monkeypatch.setenv("EPICS_CA_AUTO_ADDR_LIST", "NO")
    monkeypatch.setenv("EPICS_CA_SERVER_PORT", str(found))
    return found


@contextmanager
def ioc(port: int, first: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A real IOC (EPICS Base, in the softioc package) in a process of its own."""
    pytest.importorskip("softioc", reason="softioc is not installed")
    about = {**os.environ, "EPICS_CA_SERVER_PORT": str(port),
             "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1", "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
             "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO", "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
             "EPICS_PVAS_SERVER_PORT": "0",
             "EPICS_PVAS_BROADCAST_PORT": str(free_port())}  # fmt: skip
    program = str(Path(__file__).with_name("soft_ioc.py"))
    with subprocess.Popen(
        [sys.executable, program, str(first)], env=about, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            while (line := process.stdout.readline()) and line != "ready\n":
                pass
            yield process
        finally:
            process.kill()


class Recording:
    """`record` in a thread; `result` when it is over."""

    def __init__(self, folder: Path, channels: list[str]) -> None:
        self.stop = threading.Event()
        self.words: list[str] = []
        self.result = Recorded()
        self.folder, self.channels = folder, channels
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with Lake(self.folder) as lake:
            options = RecordOptions(every=0.3)
            self.result = record(self.channels, lake, self.stop, options, self.words.append)

    def __enter__(self) -> Recording:
        with Lake(self.folder) as lake:
            lake.write([])  # so that the tests find a store from the first moment
        self._thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.stop.set()
        self._thread.join()


def stored(folder: Path, name: str) -> Series | None:
    if not (folder / "manifest.sqlite").exists():
        return None
    with Lake(folder, read_only=True) as lake:
        variables = lake.find(name)
        pieces = [piece for piece in lake.read(variables, *FOREVER) if len(piece)]
    if not pieces:
        return None
    time = np.concatenate([piece.time for piece in pieces])
    order = np.argsort(time, kind="stable")
    values = np.empty(len(time), object)
    for place, value in enumerate(value for piece in pieces for value in piece.value):
        values[place] = value
    return Series(name, pieces[0].kind, pieces[0].unit, time[order], values[order])


def until(what: Callable[[], bool], seconds: float = 40) -> None:
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.1)


def long_enough(folder: Path, name: str, count: int) -> Callable[[], bool]:
    return lambda: (found := stored(folder, name)) is not None and len(found) >= count


def test_every_kind_is_recorded(port: int, tmp_path: Path) -> None:
    with ioc(port), Recording(tmp_path / "s", [*NAMES, "OAF:NOBODY"]) as recording:
        until(long_enough(tmp_path / "s", "OAF:X", 15))
        began = time.time_ns()
    found = {name: stored(tmp_path / "s", name) for name in NAMES}
    assert all(found.values())
    number, bad, wave, text, mode = (entry for entry in found.values() if entry)
    assert (number.kind, number.unit) == (Kind.NUMERIC, "mA")
    assert set(np.diff(number.value.astype(float))) == {1.0}, "no tick is missed"
    assert abs(began - number.time[-1]) < 20 * 10**9, "its times are those of this moment"
    assert np.isnan(bad.value.astype(float)).sum() == pytest.approx(len(bad) / 2, abs=2)
    assert wave.kind is Kind.VECTORNUMERIC
    assert len(wave.value[-1]) == 8
    assert text.kind is Kind.TEXTUAL
    assert str(text.value[-1]).startswith("tick ")
    assert set(mode.value) == {"OFF", "RAMP", "FLAT"}
    assert recording.result.silent == ("OAF:NOBODY",)
    assert recording.result.samples >= len(number) * 5 - 5
    assert (recording.result.dropped, recording.result.refused) == (0, {})


@pytest.mark.slow
def test_an_ioc_that_dies_and_comes_back(port: int, tmp_path: Path) -> None:
    """The loss is a NaN at its moment; then it goes on by itself, and nothing comes twice."""
    folder = tmp_path / "s"
    with Recording(folder, ["OAF:X", "OAF:TEXT"]) as recording:
        with ioc(port) as process:
            until(long_enough(folder, "OAF:X", 5))
            process.kill()
            until(lambda: any("OAF:X is disconnected" in word for word in recording.words))
        with ioc(port, 100_000):
            count = len(stored(folder, "OAF:X") or ())
            until(long_enough(folder, "OAF:X", count + 8))
    series, text = stored(folder, "OAF:X"), stored(folder, "OAF:TEXT")
    assert series is not None
    assert text is not None
    assert recording.result.disconnects >= 2
    (lost,) = np.flatnonzero(np.isnan(series.value.astype(float)))[:1]
    assert list(text.value).count("(disconnected)") >= 1
    assert len(np.unique(series.time)) == len(series)
    assert series.value[lost - 1] < 100_000 <= series.value[lost + 1]


@pytest.mark.slow
def test_a_recorder_that_is_started_again(port: int, tmp_path: Path) -> None:
    """It goes on behind the last sample of the store, without repeating it."""
    folder = tmp_path / "s"
    with ioc(port):
        for count in (5, 12):
            with Recording(folder, ["OAF:X"]):
                until(long_enough(folder, "OAF:X", count))
    series = stored(folder, "OAF:X")
    assert series is not None
    assert len(np.unique(series.time)) == len(series)
    assert (np.diff(series.value.astype(float)) >= 1).all()


def test_a_channel_of_another_kind_than_the_store_knows(port: int, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    before = Series("OAF:TEXT", Kind.NUMERIC, "", np.array([1]), np.array([1.0]))
    with Lake(folder) as lake:
        lake.write([before])
    with ioc(port), Recording(folder, ["OAF:TEXT", "OAF:X"]) as recording:
        until(long_enough(folder, "OAF:X", 3))
    assert "the store knows it as NUMERIC" in recording.result.refused["OAF:TEXT"]
    with Lake(folder) as lake:
        assert lake.count([Variable("OAF:TEXT")], *FOREVER) == {"OAF:TEXT": 1}


def test_names(tmp_path: Path) -> None:
    listed = tmp_path / "channels.txt"
    listed.write_text("# of the ring\nA:X  # first\n\nB.{a,b}:X\n")
    assert channels_of(["BPM.{08..10}:{X,Y}", f"@{listed}", "A:X"]) == [
        "BPM.08:X", "BPM.08:Y", "BPM.09:X", "BPM.09:Y", "BPM.10:X", "BPM.10:Y",
        "A:X", "B.a:X", "B.b:X",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "message"),
    [("A:%", "Channel Access cannot search"), ("A:*", "cannot search"), (" ", "is empty"),
     ("@/no/such/file", "cannot be read")],
)  # fmt: skip
def test_wrong_names_are_refused_in_words(word: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        channels_of([word])
    with pytest.raises(ConfigurationError, match="no channel is named"):
        channels_of([])


def test_the_command_records_until_it_is_told_to_stop(port: int, tmp_path: Path) -> None:
    import signal

    from project import made_project, numeric

    made_project(tmp_path).fill(numeric("SEED:X"))
    code = (
        "import sys; from oaflib.cli import main; "
        f"sys.exit(main(['record', '--root', {str(tmp_path)!r}, "
        "'--every', '0.5', '--ca', 'OAF:X']))"
    )
    with ioc(port):
        running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        try:
            until = time.monotonic() + 30
            with Lake(tmp_path / "runs/store") as lake:
                while not lake.find("OAF:X") and time.monotonic() < until:
                    time.sleep(0.2)
            running.send_signal(signal.SIGTERM)
            told, _ = running.communicate(timeout=20)
        finally:
            running.kill()
    assert running.returncode == 0
    assert "sample" in told.splitlines()[-1]
    with Lake(tmp_path / "runs/store") as lake:
        assert sum(map(len, lake.read(lake.find("OAF:X"), *FOREVER))) >= 1
