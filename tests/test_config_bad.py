"""One bad file a mistake, named after it, with the exact message expected beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_project import make_project

from oaflib import registry
from oaflib.config.project import check_config, load_project
from oaflib.config.strict import shape_of
from oaflib.config.words import listed
from oaflib.errors import ConfigurationError, Problem

CORPUS = Path(__file__).parent / "bad_config"
BAD = sorted(path for path in CORPUS.glob("*/*") if path.suffix in (".toml", ".csv"))
PLACES = {
    "site": "config/site.toml",
    "instruments": "config/instruments.toml",
    "tasks": "config/tasks.csv",
    "datasets": "config/datasets/BCT_LHC-B1-cmp.toml",
}


def spelled_out() -> dict[str, str]:
    """The lists in messages that grow with what OAF offers."""
    return {
        "range keys": listed(shape_of(registry.checks.load("range"))),
        "checks": listed(registry.checks.names()),
        "computations": listed(registry.computations.names()),
        "plots": listed(registry.plots.names()),
        "sources": listed(registry.sources.names()),
    }


def problems_of(bad: Path, root: Path) -> list[Problem]:
    """What is wrong with the good project once `bad` stands in for its file."""
    make_project(root)
    (root / PLACES[bad.parent.name]).write_bytes(bad.read_bytes())
    return check_config(root)


def test_the_corpus_is_there() -> None:
    assert len(BAD) >= 120


@pytest.mark.parametrize("bad", BAD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_mistake_gets_its_message(bad: Path, tmp_path: Path) -> None:
    expected = bad.with_suffix(bad.suffix + ".expected").read_text()
    for name, value in spelled_out().items():
        expected = expected.replace(f"{{{name}}}", value)
    problems = problems_of(bad, tmp_path)
    assert "\n".join(map(str, problems)) + "\n" == expected
    with pytest.raises(ConfigurationError) as caught:
        load_project(tmp_path)
    assert caught.value.problems == tuple(problems)
