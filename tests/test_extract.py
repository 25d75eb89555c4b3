"""Extraction: every variable asked for is a key; order, duplicates and units are seen to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oaflib.checks.range import Range
from oaflib.config.dataset import Dataset, VariableChoice
from oaflib.errors import ConfigurationError, QueryRefused
from oaflib.records import State
from oaflib.series import Kind, Series, Variable, nothing, stack
from oaflib.sources.base import Snapshot
from oaflib.sources.extract import extract, normalise
from oaflib.window import Window, calendar_day

DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")


def series(name: str, seconds: Sequence[float], values: Sequence[float], unit: str = "A") -> Series:
    time = DAY.start_ns + (np.asarray(seconds) * 1e9).astype(np.int64)
    return Series(name, Kind.NUMERIC, unit, time, np.asarray(values, float))


class Made:
    """A source of given pieces, as strict or as careless as a test wants it."""

    def __init__(self, *pieces: Series, most: int = 100) -> None:
        self.pieces, self.most, self.asked = pieces, most, 0

    def find(self, pattern: str) -> list[Variable]:
        head, _, tail = pattern.partition("%")
        names = sorted({piece.name for piece in self.pieces})
        return [
            Variable(name, Kind.NUMERIC, "A")
            for name in names
            if name == pattern or ("%" in pattern and name.startswith(head) and name.endswith(tail))
        ]

    def count(self, variables: Sequence[Variable], window: Window) -> dict[str, int]:
        return {variable.name: 0 for variable in variables}

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        self.asked += 1
        if len(variables) > self.most:
            raise QueryRefused(f"{len(variables)} variables are too many")
        for variable in variables:
            mine = [piece for piece in self.pieces if piece.name == variable.name]
            yield from mine or [nothing(variable)]

    def snapshots(self, pattern: str = "%") -> list[Snapshot]:
        return [Snapshot("BI_BCT_B1", ("A:%",))] if pattern == "BI_BCT_B1" else []


def dataset(*names: str, **more: object) -> Dataset:
    made = Dataset("BCT", "B1", "B1", variables=tuple(VariableChoice(name) for name in names))
    return replace(made, **more)


def test_pieces_in_any_order_become_one_series(tmp_path: Path) -> None:
    source = Made(
        series("A:X", [20, 10], [2, 1]), series("A:X", [10, 30, 90_000], [1, 3, 9]),
        series("A:X", [20], [7]),
    )  # fmt: skip
    records = extract(dataset("A:X"), DAY, source, tmp_path)
    assert records["A:X"].value.tolist() == [1, 2, 7, 3]
    entry = records.entries["A:X"]
    assert (entry.count, entry.duplicates, entry.conflicts) == (4, 1, 1)
    assert entry.unordered > 0


def test_absent_empty_and_refused_are_three_things(tmp_path: Path) -> None:
    source = Made(series("A:X", [], []), series("B:X", [1], [1]), most=0)
    records = extract(dataset("A:X", "B:X", "C:X", "D%"), DAY, source, tmp_path)
    states = {name: entry.state for name, entry in records.entries.items()}
    assert states == {
        "C:X": State.ABSENT, "D%": State.ABSENT, "A:X": State.FAILED, "B:X": State.FAILED,
    }  # fmt: skip
    assert "too many" in records.entries["A:X"].reason
    source.most = 1
    records = extract(dataset("A:X", "B:X"), DAY, source, tmp_path)
    assert records.entries["A:X"].state is State.EMPTY
    assert records.entries["B:X"].state is State.LOGGED


def test_a_refused_query_is_halved_until_it_passes(tmp_path: Path) -> None:
    source = Made(*(series(f"A:{i}", [1], [i]) for i in range(40)), most=7)
    records = extract(dataset("A:%"), DAY, source, tmp_path)
    assert len(records) == 40
    assert all(records[f"A:{i}"].value.tolist() == [i] for i in range(40))


def test_units_that_change_are_all_told(tmp_path: Path) -> None:
    source = Made(series("A:X", [1], [1], "mm"), series("A:X", [2], [1000], "um"))
    entry = extract(dataset("A:X"), DAY, source, tmp_path).entries["A:X"]
    assert entry.units == ("mm", "um")
    assert entry.variable.unit == "um"


def test_without_variables_the_snapshot_is_asked(tmp_path: Path) -> None:
    source = Made(series("A:X", [1], [1]))
    assert list(extract(dataset(snapshot="BI_BCT_B1"), DAY, source, tmp_path)) == ["A:X"]
    with pytest.raises(ConfigurationError, match="keeps no snapshot 'BI_BCT_B2'"):
        extract(dataset(snapshot="BI_BCT_B2"), DAY, source, tmp_path)


def test_what_a_gate_names_is_extracted_too(tmp_path: Path) -> None:
    source = Made(
        series("A:X", [1], [1]), series("HX:BMODE", [1], [1]), series("HX:OTHER", [1], [1])
    )
    gated = dataset("A:X", checks=(Range(low=0, gate="BMODE > 0 and NOWHERE > 1"),))
    assert list(extract(gated, DAY, source, tmp_path)) == ["A:X", "HX:BMODE"]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from([0.0, 1.0, float("nan")]))))
def test_any_order_and_any_repetition_give_the_same(samples: list[tuple[int, float]]) -> None:
    variable = Variable("A:X", Kind.NUMERIC, "A")
    once = sorted({(second, str(value)) for second, value in samples})
    made, entry = normalise(
        variable, [series("A:X", [s], [v]) for s, v in reversed(samples)], DAY
    )  # fmt: skip
    found = sorted(
        (int(t - DAY.start_ns) // 10**9, str(v)) for t, v in zip(made.time, made.value, strict=True)
    )
    assert found == once
    assert entry.duplicates == len(samples) - len(once)
    assert (np.diff(made.time) >= 0).all()


def test_repeated_vectors_are_one() -> None:
    variable = Variable("A:V", Kind.VECTORNUMERIC)
    time = DAY.start_ns + np.array([1, 1, 1, 2])
    value = stack([np.ones(2), np.ones(3), np.ones(2), np.ones(2)], 1)
    piece = Series("A:V", Kind.VECTORNUMERIC, "", time, value)
    made, entry = normalise(variable, [piece], DAY)
    assert [len(row) for row in made.value] == [2, 3, 2]
    assert (entry.duplicates, entry.conflicts) == (1, 1)


class TooMuch(Made):
    """Refuses one variable only when its turn comes, after pieces of it or of others."""

    def read(self, variables: Sequence[Variable], window: Window) -> Iterator[Series]:
        for piece in super().read(variables, window):
            yield piece
            if piece.name == "A:BAD":
                raise QueryRefused("A:BAD is too much")


def test_a_refusal_in_the_middle_loses_no_variable(tmp_path: Path) -> None:
    names = ("A:0", "A:1", "A:BAD", "A:C", "A:D")
    source = TooMuch(*(series(name, [1], [1]) for name in names))
    records = extract(dataset(*names), DAY, source, tmp_path)
    states = {name: records.entries[name].state for name in names}
    assert states.pop("A:BAD") is State.FAILED
    assert set(states.values()) == {State.LOGGED}
