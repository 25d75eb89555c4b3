"""What every source must do: inherit `SourceContract` and say how to fill yours.

::

    class TestMySource(SourceContract):
        def filled(self, series, folder):
            return my_source_that_logged(series)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from oaflib.errors import SourceUnavailable
from oaflib.series import Kind, Series, Variable
from oaflib.sources.base import (
    Envelopes,
    KeepsSnapshots,
    KnowsLast,
    ReducesStatistics,
    Scales,
    Snapshot,
    Source,
)
from oaflib.sources.envelope import envelope_of
from oaflib.testing.made import gathered, made, same
from oaflib.window import Window

_SECOND = 10**9
_NAMES = ("A.BCT:INTENSITY", "A.BCT:INTENSITY_MAX", "AXBCT:INTENSITY", "B.BWS:EMITTANCE", "a.bct:x")


class SourceContract:
    """The suite; a test class that inherits it overrides `filled`, and what differs below it.

    Attributes
    ----------
    kinds : the kinds the source can hold.
    resolution : the step of its times in ns.
    units : whether it knows units.
    """

    kinds: ClassVar[tuple[Kind, ...]] = tuple(Kind)
    resolution: ClassVar[int] = 1
    units: ClassVar[bool] = True
    window: ClassVar[Window] = Window(
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),  # the day of 25 hours in Zurich
        "Europe/Zurich",
    )

    def filled(self, series: Sequence[Series], folder: Path) -> Source:
        """A source that has logged exactly `series`, not entered yet.

        Several series may be of one variable. `folder` is empty and may be used.
        """
        raise NotImplementedError("override `filled` to say how your source gets its series")

    def unreachable(self, folder: Path) -> Source:
        """A source of this kind that does not answer; skipped when not overridden."""
        pytest.skip(f"the test does not say how this source is out of reach of {folder.name}")

    def times(self, count: int, step: int = 60 * _SECOND) -> list[int]:
        """`count` times, the first at the window's very start."""
        odd = 123_456_789 // self.resolution * self.resolution
        return [self.window.start_ns + i * step + (odd if i else 0) for i in range(count)]

    def unit(self, text: str) -> str:
        """What the source says of a unit."""
        return text if self.units else ""

    # The protocol

    def test_it_is_a_source(self, tmp_path: Path) -> None:
        source = self.filled([made("A:B", Kind.NUMERIC, self.times(3))], tmp_path)
        assert isinstance(source, Source)
        with source as entered:
            assert isinstance(entered, Source)

    def test_out_of_reach_is_no_empty_answer(self, tmp_path: Path) -> None:
        source = self.unreachable(tmp_path)
        with pytest.raises(SourceUnavailable), source as entered:
            entered.find("%")

    # find

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("A.BCT:INTENSITY", ("A.BCT:INTENSITY",)),
            ("A.BCT:INTENSITY%", ("A.BCT:INTENSITY", "A.BCT:INTENSITY_MAX")),
            ("%INTENSITY", ("A.BCT:INTENSITY", "AXBCT:INTENSITY")),
            ("%:%", _NAMES),
            ("A_BCT:INTENSITY", ()),
            ("A?BCT:INTENSITY", ()),
            ("A.BCT:INTENSIT[Y]", ()),
            ("A.BCT", ()),
            ("nothing%", ()),
        ],
    )
    def test_find(self, pattern: str, found: tuple[str, ...], tmp_path: Path) -> None:
        """The whole name; ``%`` is any characters and nothing else is special; by name."""
        series = [made(name, Kind.NUMERIC, self.times(2)) for name in _NAMES]
        with self.filled(series, tmp_path) as source:
            assert [variable.name for variable in source.find(pattern)] == sorted(found)

    def test_find_knows_kind_and_unit(self, tmp_path: Path) -> None:
        series = [made(f"A:{kind}", kind, self.times(2), "mm") for kind in self.kinds]
        with self.filled(series, tmp_path) as source:
            found = {variable.name: variable for variable in source.find("A:%")}
        for kind in self.kinds:
            assert found[f"A:{kind}"].kind is kind
            assert found[f"A:{kind}"].unit == self.unit("mm")

    # read

    def test_every_kind_comes_back_as_it_was(self, tmp_path: Path) -> None:
        series = [made(f"A:{kind}", kind, self.times(40), self.unit("mm")) for kind in self.kinds]
        with self.filled(series, tmp_path) as source:
            read = gathered(source, source.find("A:%"), self.window)
        for entry in series:
            assert same(read[entry.name], entry), entry.name

    def test_the_window_is_half_open(self, tmp_path: Path) -> None:
        start, end, step = self.window.start_ns, self.window.end_ns, self.resolution
        times = [start - step, start, start + step, end - step, end, end + step]
        with self.filled([made("A:B", Kind.NUMERIC, times)], tmp_path) as source:
            variables = source.find("A:B")
            assert gathered(source, variables, self.window)["A:B"].time.tolist() == times[1:4]
            assert source.count(variables, self.window)["A:B"] >= 3

    def test_nothing_logged_is_an_empty_series(self, tmp_path: Path) -> None:
        before = [self.window.start_ns - 10 * _SECOND]
        series = [made(f"A:{kind}", kind, before) for kind in self.kinds]
        with self.filled(series, tmp_path) as source:
            variables = source.find("A:%")
            assert len(variables) == len(self.kinds)
            read = gathered(source, variables, self.window)
            for kind in self.kinds:
                assert len(read[f"A:{kind}"]) == 0
                assert read[f"A:{kind}"].kind is kind
                assert source.count(variables, self.window)[f"A:{kind}"] == 0

    def test_a_variable_that_went_meanwhile(self, tmp_path: Path) -> None:
        """Asked for by an old list: an empty series, as for one with nothing logged."""
        with self.filled([made("A:B", Kind.NUMERIC, self.times(2))], tmp_path) as source:
            gone = Variable("A:GONE")
            assert len(gathered(source, [gone], self.window)["A:GONE"]) == 0

    def test_many_variables_at_once(self, tmp_path: Path) -> None:
        series = [made(f"D{i:03}:X", Kind.NUMERIC, self.times(1 + i % 7)) for i in range(100)]
        with self.filled(series, tmp_path) as source:
            variables = source.find("D%:X")[::-1]
            read = gathered(source, variables, self.window)
            counts = source.count(variables, self.window)
        assert {name: len(entry) for name, entry in read.items()} == {
            entry.name: len(entry) for entry in series
        }
        assert all(counts[entry.name] >= len(entry) for entry in series)

    def test_nothing_asked_is_nothing_read(self, tmp_path: Path) -> None:
        with self.filled([made("A:B", Kind.NUMERIC, self.times(2))], tmp_path) as source:
            assert list(source.read([], self.window)) == []
            assert source.count([], self.window) == {}

    def test_reading_twice_gives_the_same(self, tmp_path: Path) -> None:
        with self.filled([made("A:B", Kind.NUMERIC, self.times(50))], tmp_path) as source:
            variables = source.find("A:B")
            first, second = (gathered(source, variables, self.window) for _ in range(2))
        assert same(first["A:B"], second["A:B"])

    def test_the_unit_of_a_piece_is_that_of_its_time(self, tmp_path: Path) -> None:
        if not self.units:
            pytest.skip("this source knows no units")
        times = self.times(10)
        older = made("A:B", Kind.NUMERIC, times[:4], "um")
        newer = made("A:B", Kind.NUMERIC, times[4:], "mm")
        with self.filled([older, newer], tmp_path) as source:
            units = {
                int(time): piece.unit
                for piece in source.read(source.find("A:B"), self.window)
                for time in piece.time
            }
        assert units == {**dict.fromkeys(times[:4], "um"), **dict.fromkeys(times[4:], "mm")}

    # What a source may offer

    def test_last_before(self, tmp_path: Path) -> None:
        series = made("A:B", Kind.NUMERIC, self.times(5))
        other = made("A:C", Kind.NUMERIC, [self.window.end_ns])
        with self.filled([series, other], tmp_path) as source:
            if not isinstance(source, KnowsLast):
                pytest.skip("this source does not offer the last sample before a time")
            variables = source.find("A:%")
            for time, expected in ((int(series.time[3]), 2), (self.window.end_ns, 4)):
                last = source.last_before(variables, time)
                assert last["A:B"].time.tolist() == [series.time[expected]]
                assert same(last["A:B"], series.where(slice(expected, expected + 1)))
                assert len(last["A:C"]) == 0

    def test_statistics(self, tmp_path: Path) -> None:
        times = self.times(300)
        value = np.sin(np.arange(300.0))
        value[7], value[8] = np.nan, np.inf
        series = Series("A:B", Kind.NUMERIC, "mm", np.array(times), value)
        empty = made("A:C", Kind.NUMERIC, [self.window.end_ns])
        with self.filled([series, empty], tmp_path) as source:
            if not isinstance(source, ReducesStatistics):
                pytest.skip("this source does not compute statistics")
            found = {s.variable: s for s in source.statistics(source.find("A:%"), self.window)}
        good = value[np.isfinite(value)]
        numbers = found["A:B"]
        assert (numbers.count, numbers.nan, numbers.inf) == (300, 1, 1)
        assert numbers.min == pytest.approx(good.min())
        assert numbers.max == pytest.approx(good.max())
        assert numbers.mean == pytest.approx(good.mean())
        assert numbers.std == pytest.approx(good.std())
        assert (found["A:C"].count, found["A:C"].mean) == (0, None)

    @pytest.mark.parametrize("algorithm", ["AVG", "MIN", "MAX", "COUNT"])
    def test_scaled(self, algorithm: str, tmp_path: Path) -> None:
        """By the hour: one sample an hour that has some, at its start."""
        times = self.times(300)
        value = np.sin(np.arange(300.0))
        series = Series("A:B", Kind.NUMERIC, "mm", np.array(times), value)
        empty = made("A:C", Kind.NUMERIC, [self.window.end_ns])
        with self.filled([series, empty], tmp_path) as source:
            if not isinstance(source, Scales):
                pytest.skip("this source does not scale")
            variables = source.find("A:%")
            hour = timedelta(hours=1)
            found = {s.name: s for s in source.scaled(variables, self.window, hour, algorithm)}
        starts = self.window.start_ns + 3600 * _SECOND * np.arange(5)
        parts = value.reshape(5, 60)
        expected = {
            "AVG": parts.mean(axis=1), "MIN": parts.min(axis=1), "MAX": parts.max(axis=1),
            "COUNT": np.full(5, 60.0),
        }[algorithm]  # fmt: skip
        assert found["A:B"].time.tolist() == starts.tolist()
        assert found["A:B"].value == pytest.approx(expected)
        assert len(found["A:C"]) == 0

    def test_envelope(self, tmp_path: Path) -> None:
        series = Series(
            "A:B", Kind.NUMERIC, "mm", np.array(self.times(300)), np.sin(np.arange(300.0))
        )
        with self.filled([series], tmp_path) as source:
            if not isinstance(source, Envelopes):
                pytest.skip("this source does not make envelopes")
            variables = source.find("A:B")
            (found,) = source.envelope(variables, self.window, 50)
        expected = envelope_of(series, self.window, 50)
        assert found.time.tolist() == expected.time.tolist()
        assert found.value == pytest.approx(expected.value)

    def test_snapshots(self, tmp_path: Path) -> None:
        with self.filled([made("A:B", Kind.NUMERIC, self.times(2))], tmp_path) as source:
            if not isinstance(source, KeepsSnapshots):
                pytest.skip("this source keeps no snapshots")
            assert all(isinstance(entry, Snapshot) for entry in source.snapshots())
            assert source.snapshots("BI_NO_such") == []
