"""Whatever is in the files, a configuration is read or refused: nothing else is ever raised."""

from __future__ import annotations

import itertools
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from config_project import DATASET, INSTRUMENTS, SITE, TASKS, make_project, write
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from oaflib import registry
from oaflib.config.build import build
from oaflib.config.lines import lines_of
from oaflib.config.patterns import overlap
from oaflib.config.project import check_config, load_project
from oaflib.config.strict import shape_of
from oaflib.errors import ConfigurationError, Problem

CHECKS = """
[[compute]]
name = "ratio"
expression = "A / B"

[[check]]
kind = "range"
variables = ["LHC.BCTFR.A6R4.B1:BEAM_INTENSITY"]
low = 0.98
high = 1.02
severity = "alarm"
gate = "BMODE == 'STABLE'"
min_duration = "5min"

[[plot]]
kind = "trend"
"""
FILES = {
    "config/site.toml": SITE,
    "config/instruments.toml": INSTRUMENTS,
    "config/tasks.csv": TASKS,
    "config/datasets/BCT_LHC-B1-cmp.toml": DATASET + CHECKS,
}
HOSTILE = [
    *"[]{}\"'=,;.%#\\\n\r\t\0\u200b\u2028\ufeff\udcff",
    *('"""', "'''", "[[", "]]", "nan", "inf", "-0", "1e999", "0x", "True", "=", "{}", "[]"),
    *("../", "$(id)", "{0.__class__}", "%s", "<script>", "\u202e", "😀", "9" * 5000, "[" * 3000),
    *("1979-05-27", "07:32:00", "[check]", "[[check]]", "kind", "password", "a.b.c", "sep=;"),
]
quick = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def root() -> Any:
    """A good project, spoiled by one example after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_project(Path(folder))


def read_or_refused(root: Path, name: str, data: bytes) -> None:
    """The project with `data` in that file is either right, or refused with places and words."""
    make_project(root)
    write(root, name, data)
    problems: tuple[Problem, ...] = ()
    try:
        load_project(root)
    except ConfigurationError as error:
        problems = error.problems
    assert tuple(check_config(root)) == problems
    for problem in problems:
        assert problem.message.strip()
        assert len(str(problem)) < 2000
        assert str(problem).isprintable()


@given(name=st.sampled_from(sorted(FILES)), data=st.binary(max_size=400))
@quick
def test_any_bytes(root: Path, name: str, data: bytes) -> None:
    read_or_refused(root, name, data)


edits = st.lists(
    st.tuples(
        st.integers(0, 2000), st.integers(0, 30), st.sampled_from(HOSTILE) | st.text(max_size=8)
    ),
    min_size=1,
    max_size=6,
)


@given(name=st.sampled_from(sorted(FILES)), edits=edits)
@example("config/tasks.csv", [(60, 0, '"')])
@example("config/tasks.csv", [(97, 2, "last " + "[" * 3000)])
@example("config/datasets/BCT_LHC-B1-cmp.toml", [(0, 1, "9" * 5000)])
@example("config/datasets/BCT_LHC-B1-cmp.toml", [(1, 0, '"²³" = 1\n')])
@quick
def test_any_slip_of_the_pen(root: Path, name: str, edits: list[tuple[int, int, str]]) -> None:
    text = FILES[name]
    for place, cut, put in edits:
        place %= len(text) + 1
        text = text[:place] + put + text[place + cut :]
    read_or_refused(root, name, text.encode(errors="surrogateescape"))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["5min", "alarm", "A:B", "A > 3", "low", "%", ""])
    | st.dates()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


def makers() -> list[Any]:
    """All checks, computations and plots that OAF offers."""
    every = (registry.checks, registry.computations, registry.plots)
    return [each.load(name) for each in every for name in each.names()]


@given(data=st.data())
@quick
def test_any_values_for_what_a_dataset_makes(data: st.DataObject) -> None:
    maker = data.draw(st.sampled_from(makers()))
    keys = st.sampled_from(sorted(shape_of(maker)))
    table = data.draw(st.dictionaries(keys | st.text(max_size=6), values, max_size=5))
    problems: tuple[Problem, ...] = ()
    try:
        made = build(maker, table, "[[check]] 1", "a.toml")
    except ConfigurationError as error:
        problems = error.problems
    else:
        assert isinstance(made, maker)
    assert all(problem.place.startswith("[[check]] 1") for problem in problems)
    assert all(problem.message.isprintable() for problem in problems)


@given(
    one=st.text("ab%", max_size=6),
    other=st.text("ab%", max_size=6),
)
@settings(deadline=None, max_examples=300)
def test_patterns_overlap_when_some_name_matches_both(one: str, other: str) -> None:
    shapes = [re.compile(".*".join(map(re.escape, pattern.split("%")))) for pattern in (one, other)]
    # Two patterns that share a name share one no longer than both together.
    longest = len(one.replace("%", "")) + len(other.replace("%", ""))
    names = itertools.chain.from_iterable(
        itertools.product("ab", repeat=size) for size in range(longest + 1)
    )
    expected = any(all(shape.fullmatch("".join(name)) for shape in shapes) for name in names)
    assert overlap(one, other) is expected


VALUES = [
    ("1", 0),
    ('"a # b = [x]"', 0),
    ("'''a\n[b]\nc = 1\n'''", 3),
    ('"""\n\\"""x = "3"\n"""', 2),
    ("{ a = 1, b = [1, 2] }", 0),
    ("2026-11-22T08:00:00Z # = [", 0),
    ("[\n  1, # one ]\n  2,\n]", 3),
    ("[[1, 2], [3]]", 0),
    ("[{ a = '[' }, { a = ']' }]", 0),
]


@given(
    st.lists(
        st.tuples(st.sampled_from(["table", "array", "key", "comment"]), st.sampled_from(VALUES)),
        max_size=20,
    )
)
@settings(deadline=None, max_examples=200)
def test_lines_are_where_the_keys_are(parts: list[tuple[str, tuple[str, int]]]) -> None:
    text, line, table, arrays = "", 1, (), 0
    expected: dict[tuple[str | int, ...], int] = {}
    for i, (what, (value, more)) in enumerate(parts):
        if what == "table":
            table = (f"t{i}", "inner table")
            text += f'[t{i}."inner table"] # [not.this]\n'
            expected[table] = line
        elif what == "array":
            table = ("check", arrays)
            arrays += 1
            text += " [[ check ]]\n"
            expected[table] = line
        elif what == "key":
            text += f"k{i} = {value}\n"
            expected[(*table, f"k{i}")] = line
            line += more
        else:
            text += "# k = 1\n"
        line += 1
    found = lines_of(text)
    assert {path: found.get(path) for path in expected} == expected


def test_entries_of_a_list_have_their_lines() -> None:
    text = 'a = 1\nv = [\n  "x",\n\n  # three\n  { name = "y" }, 3\n  , [4,\n 5]]\nb = 2\n'
    found = lines_of(text)
    assert [found[("v", i)] for i in range(4)] == [3, 6, 6, 7]
    assert found[("b",)] == 9
