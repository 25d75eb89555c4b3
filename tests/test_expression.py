"""The expression language: what it says, and in which words it refuses."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from oaflib.errors import ExpressionError
from oaflib.expression import Frame, Result, compile_expression, evaluate
from oaflib.series import Kind, Series
from oaflib.window import calendar_day

SECOND = 10**9
DAY = calendar_day(date(2026, 11, 22), "Europe/Zurich")
T0 = DAY.start_ns


def numbers(values: list[float], name: str = "A:X", unit: str = "", step: float = 1.0) -> Series:
    time = T0 + (np.arange(len(values)) * step * SECOND).astype(np.int64)
    return Series(name, Kind.NUMERIC, unit, time, np.array(values, dtype=np.float64))


def texts(values: list[object], name: str = "HX:BMODE", step: float = 1.0) -> Series:
    time = T0 + (np.arange(len(values)) * step * SECOND).astype(np.int64)
    return Series(name, Kind.TEXTUAL, "", time, np.array(values, dtype=object))


def vectors(rows: list[list[float]], name: str = "V:X", unit: str = "") -> Series:
    value: np.ndarray = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        value[i] = np.array(row, dtype=np.float64)
    if len({len(row) for row in rows}) == 1:
        value = np.array(rows, dtype=np.float64)
    time = T0 + np.arange(len(rows), dtype=np.int64) * SECOND
    return Series(name, Kind.VECTORNUMERIC, unit, time, value)


def of(expression: str, base: str = "finest", **series: Series) -> Result:
    return evaluate(expression, series, Frame.of(DAY, base))


def values(expression: str, **series: Series) -> list[object]:
    return of(expression, **series).value.tolist()


NAN = float("nan")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("A + B * 2", [9.0, 12.0, 15.0]),
        ("A / B", [0.25, 0.4, 0.5]),
        ("-A ** 2", [-1.0, -4.0, -9.0]),
        ("A % 2", [1.0, 0.0, 1.0]),
        ("+A - -B", [5.0, 7.0, 9.0]),
        ("A > 1", [0, 1, 1]),
        ("1 < A <= 2", [0, 1, 0]),
        ("A in (1, 3)", [1, 0, 1]),
        ("A not in (1, 3)", [0, 1, 0]),
        ("not A == 2", [1, 0, 1]),
        ("A == 1 or B == 6 and A > 0", [1, 0, 1]),
        ("where(A > 1, A, B)", [4.0, 2.0, 3.0]),
        ("max(A, 2)", [2.0, 2.0, 3.0]),
        ("min(A, B, 2)", [1.0, 2.0, 2.0]),
        ("A - mean(A)", [-1.0, 0.0, 1.0]),
        ("sqrt(A ** 2) + abs(-A)", [2.0, 4.0, 6.0]),
        ("round(A / 3, 2)", [0.33, 0.67, 1.0]),
        ("diff(A) > 0.5", [-1, 1, 1]),
        ("(A > 1) + (B > 4) * 2", [0.0, 3.0, 3.0]),
        ("True and A > 2", [0, 0, 1]),
        ("(A > 1) == False", [1, 0, 0]),
    ],
)
def test_arithmetic_and_conditions(expression: str, expected: list[float]) -> None:
    assert values(expression, A=numbers([1, 2, 3]), B=numbers([4, 5, 6])) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("A > 0", [1, -1, 0]),
        ("A <= 0", [0, -1, 1]),
        ("A == A", [1, -1, 1]),
        ("A != A", [0, -1, 0]),
        ("not A > 0", [0, -1, 1]),
        ("A in (1,)", [1, -1, 0]),
        ("A not in (7,)", [1, -1, 1]),
        ("A > 0 and B > 0", [1, -1, 0]),
        ("A > 0 or B > 0", [1, 1, 1]),
        ("A > 0 and B < 0", [0, 0, 0]),
        ("absent(A)", [0, 1, 0]),
        ("absent(A > 0)", [0, 1, 0]),
        ("coalesce(A, 9) > 5", [0, 1, 0]),
        ("1 / (A - A) > 0", [-1, -1, -1]),
        ("log(0 * B) < 0", [-1, -1, -1]),
        ("sqrt(-B) == 0", [-1, -1, -1]),
        ("exp(B * 1e9) > 0", [-1, -1, -1]),
        ("A % 0 == 0", [-1, -1, -1]),
        ("max(A, 0) >= 0", [1, -1, 1]),
        ("where(A > 0, 1, 2) > 0", [1, -1, 1]),
    ],
)
def test_unknown_is_never_ok(expression: str, expected: list[int]) -> None:
    a, b = numbers([1, NAN, -1]), numbers([1, 1, 1])
    assert values(expression, A=a, B=b) == expected


def test_infinite_samples_are_unknown() -> None:
    assert values("A > 0", A=numbers([np.inf, -np.inf, 1])) == [-1, -1, 1]


def test_texts() -> None:
    mode = texts(["STABLE", "STABLE BEAMS", None, ""])
    assert values("M == 'STABLE'", M=mode) == [1, 0, -1, 0]
    assert values("M != 'STABLE'", M=mode) == [0, 1, -1, 1]
    assert values("M in ('STABLE', '')", M=mode) == [1, 0, -1, 1]
    assert values("contains(M, 'BEAM')", M=mode) == [0, 1, -1, 0]
    assert values("starts(M, 'STABLE')", M=mode) == [1, 1, -1, 0]
    assert values("where(M == 'STABLE', 'physics', 'other')", M=mode) == [
        "physics",
        "other",
        None,
        "other",
    ]
    assert of("M", M=mode).series("copy").value.tolist() == ["STABLE", "STABLE BEAMS", ""]


def test_statistics_of_the_window() -> None:
    a = numbers([5, NAN, 1, 3])
    before = Series("A:X", Kind.NUMERIC, "", np.append(T0 - SECOND, a.time), [99.0, *a.value])
    for expression, expected in {
        "mean(A)": 3.0,
        "median(A)": 3.0,
        "std(A)": np.std([5, 1, 3]),
        "sum(A)": 9.0,
        "min(A)": 1.0,
        "max(A)": 5.0,
        "count(A)": 3.0,
        "count(A > 2)": 2.0,
        "first(A)": 5.0,
        "last(A)": 3.0,
        "percentile(A, 50)": 3.0,
    }.items():
        assert values(expression, A=before) == [expected], expression
    result = of("mean(A) > 2", A=before)
    assert (result.time.tolist(), result.until.tolist()) == ([T0], [DAY.end_ns])


def test_shares_of_the_time() -> None:
    mode = texts(["NOBEAM", "STABLE"], step=21_600)
    assert values("share(M == 'STABLE')", M=mode) == [0.75]
    late = Series("B:X", Kind.NUMERIC, "", mode.time[1:], [1.0])
    assert values("coverage(B)", B=late) == [0.75]
    assert values("coverage(B)", B=late.where(slice(0, 0))) == [0.0]
    assert values("mean(B) > 0", B=late.where(slice(0, 0))) == [-1]


def test_change_and_rate_are_unknown_across_a_silence() -> None:
    time = T0 + np.append(np.arange(20), np.arange(100, 120)) * SECOND
    a = Series("A:X", Kind.NUMERIC, "m", time, np.arange(40) * 2.0)
    result = of("rate(A)", A=a)
    assert result.unit == "m/s"
    assert np.flatnonzero(np.isnan(result.value)).tolist() == [0, 20]
    assert set(result.value[1:20]) == {2.0}


def test_rolling_and_delay() -> None:
    a = numbers([1, 2, NAN, 4, 5])
    assert values("rolling_mean(A, '2s')", A=a) == [1.0, 1.5, 2.0, 4.0, 4.5]
    assert values("rolling_max(A, '3s')", A=a) == [1.0, 2.0, 2.0, 4.0, 5.0]
    assert values("rolling_std(A, '2s')", A=a) == [0.0, 0.5, 0.0, 0.0, 0.5]
    assert values("A - delay(A, '1s') == 1", A=a) == [-1, 1, -1, -1, 1]


def test_vectors() -> None:
    v = vectors([[1, 2, NAN], [4, 5, 6]], unit="mm")
    result = of("V * 2", V=v)
    assert result.unit == "mm"
    np.testing.assert_array_equal(result.value, [[2, 4, NAN], [8, 10, 12]])
    assert values("element_mean(V)", V=v) == [1.5, 5.0]
    assert values("element_sum(V)", V=v) == [3.0, 15.0]
    assert values("element_std(V)", V=v) == [0.5, np.std([4, 5, 6])]
    assert values("element_count(V)", V=v) == [2.0, 3.0]
    assert values("element(V, 2) > 0", V=v) == [-1, 1]
    assert values("element(V, 7) > 0", V=v) == [-1, -1]
    np.testing.assert_array_equal(of("V - A", V=v, A=numbers([1, 1])).value[1], [3, 4, 5])
    ragged = vectors([[1, 2], [3], []])
    assert values("element_sum(V) > 0", V=ragged) == [1, 1, -1]
    assert of("V", V=ragged).series("copy").kind is Kind.VECTORNUMERIC
    empty = vectors([]).where(slice(0, 0))
    assert values("element_mean(V)", V=empty) == []


def test_units_are_carried() -> None:
    a, b, c = numbers([1], unit="charges"), numbers([2], unit="charges"), numbers([3], unit="s")
    plain = numbers([1])
    for expression, unit in {
        "A + B": "charges",
        "A + 1": "charges",
        "A / B": "",
        "A / C": "charges/s",
        "A / C / C": "charges/s^2",
        "A * C": "charges s",
        "A ** 2": "charges^2",
        "sqrt(A)": "charges^0.5",
        "sqrt(A * A)": "charges",
        "A / (B * C)": "1/s",
        "A * P": "charges",
        "P + A": "charges",
        "max(A, 3)": "charges",
        "mean(A)": "charges",
        "unit(A * 1000, 'mm')": "mm",
        "rate(A)": "charges/s",
        "log(A)": "",
    }.items():
        assert of(expression, A=a, B=b, C=c, P=plain).unit == unit, expression


def test_the_times_are_those_of_the_finest_series() -> None:
    slow = numbers([1, 2], step=10)
    fast = numbers(list(range(20)))
    assert len(of("A + B", A=slow, B=fast).time) == 20
    assert len(of("A + B", base="A", A=slow, B=fast).time) == 2
    assert len(of("A + B", A=fast, B=fast).time) == 20
    mode = texts(["NOBEAM", "STABLE"], step=5)
    assert values("where(M == 'STABLE', A, 0)", M=mode, A=numbers([1.0] * 8)) == [0.0] * 5 + [1] * 3


def test_before_the_first_sample_nothing_is_known() -> None:
    late = Series("B:X", Kind.NUMERIC, "", T0 + np.array([2, 3]) * SECOND, [1.0, 1.0])
    assert values("A > 0 and B > 0", A=numbers([1, 1, 1, 1]), B=late) == [-1, -1, 1, 1]


def test_a_silent_number_is_not_held_for_ever() -> None:
    a = numbers([1.0] * 100)
    b = numbers([1.0] * 30)
    found = np.array(values("A + B == 2", A=a, B=b))
    assert (found[:34] == 1).all()
    assert (found[34:] == -1).all()
    assert set(values("A + hold(B, '1h') == 2", A=a, B=b)) == {1}
    result = evaluate("A + B == 2", {"A": a, "B": b}, Frame(T0, DAY.end_ns, max_hold=2 * SECOND))
    assert (np.flatnonzero(result.value == -1)[0]) == 31


def test_samples_out_of_order_are_sorted() -> None:
    a = Series("A:X", Kind.NUMERIC, "", T0 + np.array([2, 0, 1]) * SECOND, [3.0, 1.0, 2.0])
    assert values("A", A=a) == [1.0, 2.0, 3.0]


REFUSED = {
    "": "it is empty",
    "A.b": "no dots",
    "A.__class__": "no dots",
    "A[0]": "element(V, 3)",
    "A[::2]": "element(V, 3)",
    "lambda: 1": "'lambda' is not allowed",
    "(lambda x: x)(1)": "only functions of the table",
    "__import__('os')": "no function is called '__import__'",
    "open('/etc/passwd')": "no function is called 'open'",
    "eval('1')": "no function is called 'eval'",
    "exec('1')": "no function is called",
    "getattr(A, 'b')": "no function is called",
    "abs.__globals__": "no dots",
    "abs": "'abs' is a function",
    "abs(*A)": "no names and no stars",
    "abs(A, B)": "abs has 2 arguments",
    "abs(x=A)": "no names and no stars",
    "round(A, ndigits=2)": "no names and no stars",
    "().__class__.__bases__": "no dots",
    "[x for x in A]": "'list comp' is not allowed",
    "{A}": "'set' is not allowed",
    "{1: A}": "'dict' is not allowed",
    "(A, B)": "a list may only stand after 'in'",
    "f'{A}'": "a text is written",
    "b'A' == A": "a constant of type bytes",
    "A == None": "a constant of type NoneType",
    "A == 1j": "a constant of type complex",
    "A == ...": "a constant of type ellipsis",
    "A if B else 1": "write where(condition, A, B)",
    "(A := 1)": "nothing can be assigned",
    "A = 1": "equality is written ==",
    "A; B": "not understood",
    "A\nB": "printable ASCII",
    "A == 'é'": "printable ASCII",
    "A == '\\x41'": "printable ASCII",
    "A\x00": "printable ASCII",
    "ｅval('1')": "printable ASCII",
    "A is 1": "write ==",
    "A is not 1": "write !=",
    "A & B": "write and",
    "A && B": "write and",
    "A | B": "write or",
    "!A": "write not",
    "~A": "write not",
    "A ^ B": "'bit xor' is not allowed",
    "A << 2": "'lshift' is not allowed",
    "A @ B": "'mat mult' is not allowed",
    "A // 2": "write /",
    "A ** B": "not an exponent",
    "A ** 9": "not an exponent",
    "A ** 0.3": "not an exponent",
    "9**9**9": "not an exponent",
    "1e999": "a number too large",
    "9" * 400: "a number too large",
    "A in B": "a list of constants",
    "A in ()": "a list of constants",
    "A in (B,)": "only constants",
    "await A": "'await' is not allowed",
    "yield A": "not understood",
    "1or 2": "not understood",
    "_A": "begins with an underscore",
    "HX:BMODE == 'A'": "in backquotes",
    "`A": "a backquote is not closed",
    "``": "nothing between the backquotes",
    "a`b`": "stands alone",
    "A == 'STABLE": "a text is not closed",
    "(A": "the brackets do not pair",
    "(" * 300: "not understood",
    "-" * 300 + "A": "nested too deeply",
    "+".join(["A"] * 60): "nested too deeply",
    "A" * 501: "it has 501 characters",
    "min(" + ",".join(["A"] * 8) + ")+min(" + ",".join(["A"] * 9) + ")": "min has 9 arguments",
    "A in (" + ",".join(["1"] * 120) + ")": "too many parts",
    "delay(A, B)": "not a duration",
    "delay(A, '5 minutes')": "not a duration",
    "delay(A, '999999999999w')": "not a duration",
    "delay(A, '999w')": "not a duration",
    "contains(A, 3)": "not a text",
    "percentile(A, B)": "not a number",
}


@pytest.mark.parametrize("expression", REFUSED, ids=range(len(REFUSED)))
def test_hostile_text_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(expression)
    assert REFUSED[expression] in str(error.value)
    assert str(error.value).startswith("expression ")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("M > 'A'", "a text has no order"),
        ("M == 1", "a text cannot be compared with a number"),
        ("A == True", "a number cannot be compared with a truth"),
        ("M + 1", "this is a text; a number is needed here"),
        ("-M", "this is a text"),
        ("not A", "this is a number; a condition is needed here; write A != 0"),
        ("A and A > 1", "this is a number"),
        ("M and A > 1", "write A == 'TEXT'"),
        ("A in ('x',)", "a number is never in a list that holds a text"),
        ("M in (1,)", "a text is never in a list that holds a number"),
        ("mean(M)", "mean takes numbers, not texts"),
        ("contains(A, 'x')", "contains takes a text, not a number"),
        ("where(A > 1, A, M)", "one branch is a number, the other a text"),
        ("A + C", "+ of values in mm and in s; convert one and say so"),
        ("A > C", "a comparison of values in mm and in s"),
        ("max(A, C)", "max of values in mm and in s"),
        ("A / A > C", "no unit (a ratio) and in s"),
        ("V + W", "vectors of 2 and 3 elements do not go together"),
        ("V > 1 and W > 1", "vectors of 2 and 3 elements"),
        ("element_mean(A)", "element_mean takes vectors"),
        ("lasting(V > 1, '5s')", "lasting does not take vectors"),
        ("rolling_mean(V, '5s')", "rolling_mean does not take vectors"),
        ("mean(1)", "mean of a constant"),
        ("rate(mean(A))", "rate of a constant"),
        ("hold(A + 1, '5s')", "hold takes a variable"),
        ("percentile(A, 101)", "not a percentile"),
        ("element(V, -1)", "not an element"),
        ("element(V, 0.5)", "not an element"),
        ("I > 1", "A:IMAGE is MATRIXNUMERIC"),
        ("Z > 1", "no series for Z"),
    ],
)
def test_what_does_not_go_together_is_an_error(expression: str, said: str) -> None:
    series = {
        "A": numbers([1, 2], unit="mm"),
        "C": numbers([1, 2], unit="s"),
        "M": texts(["x", "y"]),
        "V": vectors([[1, 2], [3, 4]]),
        "W": vectors([[1, 2, 3], [3, 4, 5]]),
        "I": Series("A:IMAGE", Kind.MATRIXNUMERIC, "", np.array([T0]), np.zeros((1, 2, 2))),
    }
    with pytest.raises(ExpressionError) as error:
        evaluate(expression, series, Frame.of(DAY))
    assert said in str(error.value)
    assert repr(expression) in str(error.value) or expression in str(error.value)


def test_an_error_names_the_column() -> None:
    with pytest.raises(ExpressionError, match=r"expression 'A > 1 and foo\(B\)', column 11: "):
        compile_expression("A > 1 and foo(B)")
    with pytest.raises(ExpressionError, match=r"column 14: .*did you mean rate"):
        compile_expression("  `HX:A` and rat(B)")


def test_names_in_order_and_backquotes() -> None:
    expression = compile_expression("`HX:BMODE` == '`x`' and B > A and `HX:BMODE` != 'y'")
    assert expression.names == ("HX:BMODE", "B", "A")
    assert expression.quoted == {"HX:BMODE"}


def test_vectors_too_large_to_repeat() -> None:
    wide = vectors([[0.0] * 5000] * 2)
    fast = numbers([0.0] * 30_000)
    with pytest.raises(ExpressionError, match="too many to repeat at 30000 times"):
        of("V + A", V=wide, A=fast)
    assert len(of("element_mean(V) + A", V=wide, A=fast).time) == 30_000
