"""The page on sources names every option of theirs, and every kind there is."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from oaflib import registry
from oaflib.config.budget import Budget
from oaflib.sources.archiver.settings import ArchiverOptions
from oaflib.sources.files import FilesOptions
from oaflib.sources.hdbpp.source import HdbppOptions
from oaflib.sources.nxcals.options import NxcalsOptions
from oaflib.sources.sql import SqlOptions

PAGE = (Path(__file__).parents[1] / "docs" / "sources.md").read_text()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("archiver", ArchiverOptions), ("hdbpp", HdbppOptions), ("sql", SqlOptions),
     ("files", FilesOptions), ("nxcals", NxcalsOptions)],
)  # fmt: skip
def test_every_option_is_documented(kind: str, options: type) -> None:
    chapter = PAGE.split(f"\n## `{kind}`")[1].split("\n## ")[0]
    table = "".join(line for line in chapter.splitlines() if line.startswith("|"))
    missing = [entry.name for entry in fields(options) if f"`{entry.name}`" not in table]
    assert not missing


def test_every_kind_is_documented() -> None:
    missing = [name for name in registry.sources.names() if f"| `{name}` |" not in PAGE]
    assert not missing


def test_every_key_of_a_budget_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
    chapter = page.split("**`[sources.NAME.budget]`**")[1].split("\n**")[0]
    assert not [entry.name for entry in fields(Budget) if f"| `{entry.name}` |" not in chapter]
