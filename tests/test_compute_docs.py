"""The pages on expressions and computations say what there is, and their examples hold."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from oaflib.compute.base import Computation
from oaflib.config.build import build
from oaflib.expression import FUNCTIONS, compile_expression
from oaflib.registry import computations

DOCS = Path(__file__).resolve().parents[1] / "docs"
EXPRESSIONS = (DOCS / "expressions.md").read_text(encoding="utf-8")
COMPUTATIONS = (DOCS / "computations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_on_the_page(name: str) -> None:
    function = FUNCTIONS[name]
    assert f"| `{function.usage}` | {function.says} |" in EXPRESSIONS
    for usage in re.findall(r"\w+\([^()]*\)", function.usage):
        if "..." not in usage:
            assert compile_expression(usage).names


def test_the_examples_compile() -> None:
    block = EXPRESSIONS.split("```")[1].strip().splitlines()
    assert len(block) >= 6
    for line in block:
        assert compile_expression(line).names
    with pytest.raises(KeyError):
        FUNCTIONS["eval"]


@pytest.mark.parametrize("kind", computations.names())
def test_every_computation_and_key_is_on_the_page(kind: str) -> None:
    cls = computations.load(kind)
    (row,) = re.findall(rf"^\| `{kind}` \|.*$", COMPUTATIONS, re.MULTILINE)
    shared = {entry.name for entry in fields(Computation)} | {"variable"}
    for entry in fields(cls):
        if entry.name not in shared:
            assert f"`{entry.name}`" in row, entry.name
    for part in cls.parts:
        assert f"`{part}`" in row, part


def test_the_pages_toml_is_what_the_configuration_takes() -> None:
    tables = [
        table
        for block in re.findall(r"```toml\n(.*?)```", COMPUTATIONS, re.DOTALL)
        for table in tomllib.loads(block)["compute"]
    ]
    assert len(tables) >= 10
    for table in tables:
        cls = computations.load(table.pop("kind", "expression"))
        assert isinstance(build(cls, table, "[[compute]]", "page"), cls)
