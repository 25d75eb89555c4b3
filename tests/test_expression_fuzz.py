"""Any text at all, and a slow second opinion."""

from __future__ import annotations

import ast
import math
from datetime import date
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oaflib.errors import ExpressionError
from oaflib.expression import (
    FUNCTIONS,
    Frame,
    Result,
    Sort,
    compile_expression,
    evaluate,
    open_intervals,
)
from oaflib.records import records_of
from oaflib.series import Kind, Series
from oaflib.window import Window, calendar_day, moment

DAY = calendar_day(date(2026, 11, 22))
TIME = DAY.start_ns + np.arange(12, dtype=np.int64) * 10**9
NAN = math.nan
A = [1.0, NAN, -1.0, 0.0, 3.5, np.inf, 1e300, 2.0, NAN, -2.0, 5.0, 1.0]
B = [0.0, 2.0, NAN, 1.0, 3.5, 1.0, 1e300, -2.0, NAN, -2.0, 0.5, 1.0]
T = ["on", "off", None, "", "on", "STABLE", "on", "off", None, "x", "on", "on"]
SERIES = {
    "A": Series("X:A", Kind.NUMERIC, "", TIME, np.array(A)),
    "B": Series("X:B", Kind.NUMERIC, "", TIME, np.array(B)),
    "T": Series("X:T", Kind.TEXTUAL, "", TIME, np.array(T, dtype=object)),
    "V": Series("X:V", Kind.VECTORNUMERIC, "", TIME, np.outer(A, [1.0, 2.0, 3.0])),
    "E": Series("X:E", Kind.NUMERIC, "", TIME[:0], np.empty(0)),
}
quiet = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def result_or_refusal(text: str, base: str) -> Result | None:
    try:
        found = evaluate(text, SERIES, Frame.of(DAY, base))
    except ExpressionError:
        return None
    assert len(found.time) == len(found.until) == len(found.value)
    assert (found.until > found.time).all()
    if found.sort is Sort.NUMBER:
        assert not np.isinf(found.value).any()
    if found.sort is Sort.TRUTH:
        assert set(np.unique(found.value)) <= {-1, 0, 1}
    return found


ALPHABET = "ABTVE 0123456789.+-*/%()[]{},'\"`<>=!&|~^@:;_\\#$?abcdefnotrlmi\n\x00é"


@quiet
@given(st.text(max_size=60) | st.text(ALPHABET, max_size=60))
def test_any_text_is_a_result_or_a_refusal(text: str) -> None:
    result_or_refusal(text, "finest")


atoms = st.sampled_from(
    ["A", "B", "T", "V", "E", "`A`", "1", "0", "-2.5", "1e300", "'on'", "''", "True", "False"]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = ["+", "-", "*", "/", "%", "<", "<=", "==", "!=", ">", ">=", "and", "or"]
    calls = st.sampled_from([*FUNCTIONS, "eval", "A"])
    last = st.sampled_from(["'3s'", "'1d'", "'on'", "2", "-1", "50", "A"])
    return (
        st.builds("({} {} {})".format, inner, st.sampled_from(signs), inner)
        | st.builds("{}({})".format, calls, inner)
        | st.builds("{}({}, {})".format, calls, inner, last)
        | st.builds("where({}, {}, {})".format, inner, inner, inner)
        | st.builds("(not {})".format, inner)
        | st.builds("(-{})".format, inner)
        | st.builds("({})**{}".format, inner, st.sampled_from(["2", "-0.5", "8", "9", "A"]))
        | st.builds("({} in (1, 2))".format, inner)
        | st.builds("({} not in ['on'])".format, inner)
    )


@settings(quiet, max_examples=400)
@given(
    st.recursive(atoms, grown, max_leaves=8), st.sampled_from(["finest", "union", "A", "nobody"])
)
def test_anything_in_the_grammar_is_a_result_or_a_refusal(text: str, base: str) -> None:
    result_or_refusal(text, base)


# A second evaluator: one sample at a time, plain Python, written from the documentation.


def slowly(node: ast.expr, row: dict[str, Any]) -> Any:
    """None is unknown."""
    if isinstance(node, ast.Constant):
        return float(node.value) if not isinstance(node.value, (bool, str)) else node.value
    if isinstance(node, ast.Name):
        value = row[node.id]
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(node, ast.UnaryOp):
        value = slowly(node.operand, row)
        if value is None:
            return None
        return (not value) if isinstance(node.op, ast.Not) else -value
    if isinstance(node, ast.BoolOp):
        parts = [slowly(entry, row) for entry in node.values]
        decisive = isinstance(node.op, ast.Or)
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if isinstance(node, ast.Compare):
        pieces = []
        left = slowly(node.left, row)
        for op, entry in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                among = [slowly(part, row) for part in entry.elts]  # type: ignore[attr-defined]
                inside = None if left is None else left in among
                pieces.append(inside if isinstance(op, ast.In) or inside is None else not inside)
                continue
            right = slowly(entry, row)
            pieces.append(compared(op, left, right))
            left = right
        return False if False in pieces else None if None in pieces else True
    if isinstance(node, ast.Call):
        parts = [slowly(entry, row) for entry in node.args]
        return called(node.func.id, parts)  # type: ignore[attr-defined]
    assert isinstance(node, ast.BinOp)
    left, right = slowly(node.left, row), slowly(node.right, row)
    if left is None or right is None:
        return None
    return finite(lambda: arithmetic(node.op, float(left), float(right)))


def compared(op: ast.cmpop, left: Any, right: Any) -> bool | None:
    if left is None or right is None:
        return None
    if isinstance(op, ast.Eq):
        return bool(left == right)
    if isinstance(op, ast.NotEq):
        return bool(left != right)
    if isinstance(op, ast.Lt):
        return bool(left < right)
    if isinstance(op, ast.LtE):
        return bool(left <= right)
    return bool(left > right) if isinstance(op, ast.Gt) else bool(left >= right)


def arithmetic(op: ast.operator, left: float, right: float) -> float:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(op, ast.Mod):
        return left % right
    return left / right if isinstance(op, ast.Div) else left**right


def called(name: str, parts: list[Any]) -> Any:
    if name == "absent":
        return parts[0] is None
    if name == "coalesce":
        return parts[1] if parts[0] is None else parts[0]
    if name == "where":
        return None if parts[0] is None else parts[1] if parts[0] else parts[2]
    if None in parts:
        return None
    if name in ("min", "max"):
        return min(parts) if name == "min" else max(parts)
    functions = {"abs": abs, "sqrt": math.sqrt, "log": math.log, "exp": math.exp}
    return finite(lambda: functions[name](parts[0]))


def finite(make: Any) -> float | None:
    try:
        value = make()
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


numbers = st.recursive(
    st.sampled_from(["A", "B", "2", "0.5", "-3"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner)
        | st.builds("{}({})".format, st.sampled_from(["abs", "sqrt", "log", "exp"]), inner)
        | st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner)
        | st.builds("coalesce({}, {})".format, inner, inner)
        | st.builds("(({})**2)".format, inner)
        | st.builds("(-({}))".format, inner)
    ),
    max_leaves=5,
)
conditions = st.recursive(
    st.builds(
        "({} {} {})".format, numbers, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), numbers
    )
    | st.builds("({} <= {} < {})".format, numbers, numbers, numbers)
    | st.builds("({} {} (1, 2, -2))".format, numbers, st.sampled_from(["in", "not in"]))
    | st.builds("(T {} 'on')".format, st.sampled_from(["==", "!="]))
    | st.sampled_from(["T in ('on', 'off')", "absent(T)", "absent(A)", "T not in ('x',)"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("(not {})".format, inner)
        | st.builds("(where({}, {}, {}) > 0)".format, inner, numbers, numbers)
    ),
    max_leaves=5,
)


@settings(quiet, max_examples=400)
@given(numbers | conditions)
def test_the_same_as_one_sample_at_a_time(text: str) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return  # too deep, or too long
    found = evaluate(
        expression, SERIES, Frame.of(DAY, "A" if "A" in expression.names else "finest")
    )
    rows = [{"A": a, "B": b, "T": t} for a, b, t in zip(A, B, T, strict=True)]
    if not expression.names:
        rows = rows[:1]
    for row, value in zip(rows, found.value.tolist(), strict=True):
        expected = slowly(expression.tree, row)
        if found.sort is Sort.TRUTH:
            assert value == (-1 if expected is None else int(expected)), (text, row)
        elif expected is None:
            assert math.isnan(value), (text, row)
        else:
            assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12), (text, row)


@settings(quiet, max_examples=200)
@given(
    st.sampled_from(["<", "<=", "==", "!=", ">", ">="]),
    st.lists(st.floats(width=64), min_size=1, max_size=12),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
)
def test_what_is_not_a_number_is_never_compared(
    sign: str, values: list[float], limit: float
) -> None:
    series = Series("X:A", Kind.NUMERIC, "", TIME[: len(values)], np.array(values))
    for text in (f"A {sign} {limit!r}", f"not A {sign} {limit!r}", f"{limit!r} {sign} A"):
        found = evaluate(text, {"A": series}, Frame.of(DAY)).value
        assert ((found == -1) == ~np.isfinite(values)).all()


steps = st.lists(
    st.tuples(st.integers(-50, 150), st.sampled_from(["a", "b", None])), max_size=12
).map(lambda pairs: sorted(dict(pairs).items()))


@quiet
@given(steps, steps, st.sampled_from(["and", "or"]))
def test_a_gate_is_what_holds_at_each_moment(
    one: list[tuple[int, str | None]], other: list[tuple[int, str | None]], word: str
) -> None:
    window = Window(moment(0), moment(100 * 10**9))

    def series(name: str, pairs: list[tuple[int, str | None]]) -> Series:
        time = np.array([second for second, _ in pairs], dtype=np.int64) * 10**9
        return Series(name, Kind.TEXTUAL, "", time, np.array([text for _, text in pairs], object))

    gate = open_intervals(
        f"X == 'a' {word} Y != 'a'", records_of([series("X", one), series("Y", other)], window)
    )
    moments = np.arange(0, 100 * 10**9, 5 * 10**8, dtype=np.int64)
    found = list(zip(gate.mask(moments), gate.unknown_mask(moments), strict=True))

    def held(pairs: list[tuple[int, str | None]], at: float) -> str | None:
        return next((text for second, text in reversed(pairs) if second <= at), None)

    for when, (is_open, is_unknown) in zip(moments / 1e9, found, strict=True):
        x, y = held(one, when), held(other, when)
        parts = [None if x is None else x == "a", None if y is None else y != "a"]
        decisive = word == "or"
        truth = decisive if decisive in parts else None if None in parts else not decisive
        assert (is_open, is_unknown) == (truth is True, truth is None)
    edges = np.concatenate([gate.open, gate.unknown])
    assert (edges[:, 0] < edges[:, 1]).all()
    assert ((edges >= window.start_ns) & (edges <= window.end_ns)).all()
    assert gate.total + gate.total_unknown <= window.end_ns - window.start_ns
