"""The short forms of the fault campaign (``make faults``): each family once, nothing lost."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from faults.tried import Tried, table

from oaflib.publish import disk

pytestmark = [pytest.mark.kernel, pytest.mark.smtp, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("family", ["kernels", "hostile"])
def test_a_family_of_faults_loses_nothing(family: str, tmp_path: Path) -> None:
    rows = list(import_module(f"faults.{family}").faults(False, tmp_path / "site"))
    assert rows
    assert [row for row in rows if not row.held] == []


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    left = tmp_path / ".index.html.new"
    left.write_text("half a pa")
    disk.write(tmp_path / "index.html", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_what_was_lost_is_seen() -> None:
    """A table of faults that always says zero would be worth nothing."""
    assert Tried("x", 2, 2).held
    assert not Tried("x", 2, 1).held
    assert not Tried("x", 2, 2, lost=1).held
    assert not Tried("x", 2, 2, violations=["torn"]).held
    assert "| mail   | drop | 3     | 2        | 1    | 0      | 1.5 s | note |" in table(
        [("mail", Tried("drop", 3, 2, 1, 0, 1.5, "note"))]
    )
