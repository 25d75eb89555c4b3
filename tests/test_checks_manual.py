"""The page on checks says what there is, and its examples hold."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from test_checks_first import DAY, numbers

from oaflib.checks import SeriesCheck, Verdict, run_checks
from oaflib.checks.base import Check
from oaflib.checks.manual import parsed, rewritten
from oaflib.config.build import build
from oaflib.errors import ConfigurationError
from oaflib.records import records_of
from oaflib.registry import checks
from oaflib.report import Fault, Severity
from oaflib.series import Kind

PAGE = (Path(__file__).resolve().parents[1] / "docs/checks.md").read_text(encoding="utf-8")
NEEDED = {
    "range": {"high": 1.0},
    "text": {"allowed": ["A"]},
    "over_usage": {"budget": 3},
    "noise": {"high": 2.0},
    "agreement": {"variables": ["A", "B"], "percent": 1.0},
    "expression": {"expression": "A > 0"},
    "wear": {"budget": 10.0},
    "calibration": {"reference": 1.0},
}


def test_the_page_is_as_the_docstrings_are() -> None:
    assert rewritten(PAGE) == PAGE, "run python -m oaflib.checks.manual docs/checks.md"


@pytest.mark.parametrize("kind", checks.names())
def test_every_key_is_explained(kind: str) -> None:
    cls = checks.load(kind)
    assert cls.kind == kind
    assert isinstance(cls.fault, Fault)
    _, attributes = parsed(inspect.getdoc(cls))
    own = {entry.name for entry in fields(cls)} - {entry.name for entry in fields(Check)}
    assert own == set(attributes) - {""}
    assert f"### {kind}\n" in PAGE


@pytest.mark.parametrize("kind", checks.names())
def test_the_configuration_takes_every_kind(kind: str) -> None:
    cls = checks.load(kind)
    table = {"severity": "warning", "gate": "A > 0", "guidance": "Look.", "means": "ageing"}
    made = build(cls, {**table, **NEEDED.get(kind, {})}, f"[[check]] 1 '{kind}'", "x.toml")
    assert made.violated is Severity.WARNING
    assert made.word is Fault.AGEING
    with pytest.raises(ConfigurationError, match="severity"):
        build(cls, {**NEEDED.get(kind, {}), "severity": "fatal"}, "", "x.toml")
    with pytest.raises(ConfigurationError, match="no such key"):
        build(cls, {**NEEDED.get(kind, {}), "hihg": 1}, "", "x.toml")


def test_configured_values_arrive() -> None:
    table = {"on": ["ready", 4], "bits": {"ready": 0}, "min_duration": "30s", "variables": ["S:%"]}
    made = build(checks.load("text"), table, "", "x.toml")
    assert made.on == ("ready", 4)
    assert build(checks.load("setting"), {"expected": [1.0, "A"]}, "", "").expected == (1.0, "A")
    assert build(checks.load("gap"), {"max_gap": 90}, "", "").max_gap == 90
    assert build(checks.load("image"), {"shape": [300, 400]}, "", "").shape == (300, 400)
    with pytest.raises(ConfigurationError, match="'soon' is not a duration"):
        build(checks.load("gap"), {"max_gap": "soon"}, "", "x.toml")


def test_the_pages_toml_is_what_the_configuration_takes() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (table,) = tomllib.loads(block)["check"]
    made = build(checks.load(table.pop("kind")), table, "", "x.toml")
    assert made.high == 3.2e14


def test_the_pages_own_check_judges() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {
        "dataclass": dataclass,
        "SeriesCheck": SeriesCheck,
        "Verdict": Verdict,
        "Severity": Severity,
        "Fault": Fault,
        "Kind": Kind,
    }
    exec(compile(block, "docs/checks.md", "exec"), names)  # noqa: S102
    records = records_of([numbers([2, 3, 4])], DAY)
    (found,) = run_checks([names["Parity"]()], records)
    assert found.severity is Severity.ALARM
    assert found.reason == "odd in 1 samples"
