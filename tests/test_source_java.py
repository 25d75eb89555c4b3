"""The Java source against the stand-in of the API, in a real Java machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from java_world import World, java_source, needs_jdk, world_of

from oaflib.series import Series
from oaflib.sources.base import Source
from oaflib.sources.java.convert import PointByPoint
from oaflib.testing import SourceContract

pytestmark = [pytest.mark.java, needs_jdk]


class JavaContract(SourceContract):
    """The contract, under one of the package roots."""

    api: ClassVar[str]

    def filled(self, series: Sequence[Series], folder: Path) -> Source:
        return java_source(self.api, world_of(series).write(folder / "world.tsv"))

    def unreachable(self, folder: Path) -> Source:
        return java_source(self.api, World().add("down", "no route").write(folder / "world.tsv"))

    def test_the_unit_of_a_piece_is_that_of_its_time(self, tmp_path: Path) -> None:
        pytest.skip("the API knows only the unit of today")


class TestCals(JavaContract):
    api = "cals"


class TestNxcals(JavaContract):
    api = "nxcals"


class TestWithoutCompiler(JavaContract):
    """Point by point, as where there is no javac."""

    api = "nxcals"

    @pytest.fixture(autouse=True)
    def _no_helper(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("oaflib.sources.java.source.helper", lambda *_: None)

    def test_it_is_the_slow_way(self, tmp_path: Path) -> None:
        with java_source("nxcals", World().write(tmp_path / "world.tsv")) as source:
            assert isinstance(source._convert, PointByPoint)
