"""A checked expression on series: three-valued, with units, on a common base of times."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

import numpy as np

from oaflib.errors import ExpressionError
from oaflib.expression import functions
from oaflib.expression.align import FOREVER, Base, Signal, finest, signal_of, union
from oaflib.expression.grammar import Expression, compile_expression, constant, exponent
from oaflib.expression.table import FUNCTIONS
from oaflib.expression.units import agree, raised, spell_unit, times, unit_of
from oaflib.expression.value import (
    Array,
    Sort,
    Value,
    as_numbers,
    both,
    conjunction,
    disjunction,
    known,
    negation,
    number,
    text,
    truth,
)
from oaflib.series import Kind, Series, Times
from oaflib.window import Window, parse_duration

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%", ast.Pow: "**"}
_TRUTHS = {"where": 0, "share": 0, "lasting": 0}


@dataclass(frozen=True)
class Frame:
    """How to put series on common times.

    Attributes
    ----------
    start, end : the window, int64 ns UTC, half-open. Samples before it only say what held at its
        start.
    base : ``finest``, the times of the series that has most samples in the window (the first one
        when equal); ``union``, every time at which anything changes; or a name, its times.
    max_hold : ns for which a number holds; None for the default of `longest_hold`.
    """

    start: int
    end: int
    base: str = "finest"
    max_hold: int | None = None

    @classmethod
    def of(cls, window: Window, base: str = "finest", max_hold: int | None = None) -> Frame:
        """The frame of `window`."""
        return cls(window.start_ns, window.end_ns, base, max_hold)


@dataclass(frozen=True, eq=False)
class Result:
    """What an expression says at each time.

    `value` is float64 [n] or [n, m] (NaN unknown), int8 truths (1, 0, -1 unknown), or object texts
    (None unknown), by `sort`; each holds in ``[time, until)``. `unit` is empty when it has none.
    """

    sort: Sort
    time: Times
    until: Times
    value: Array
    unit: str

    def series(self, name: str, title: str = "") -> Series:
        """A logged-like series: truths as 1, 0 and NaN; texts only where known."""
        if self.sort is Sort.TEXT:
            there = known(Value(self.sort, self.value))
            return Series(name, Kind.TEXTUAL, "", self.time[there], self.value[there], title)
        value = as_numbers(Value(self.sort, self.value))
        kind = Kind.VECTORNUMERIC if value.ndim == 2 else Kind.NUMERIC
        return Series(name, kind, self.unit, self.time, value, title)


def evaluate(
    expression: Expression | str, series: Mapping[str, Series], frame: Frame | None = None
) -> Result:
    """What `expression` says of `series` (name in the expression to series).

    Without `frame` the window is from the first sample to just after the last. An expression that
    depends on no time (``mean(A) > 3``) gives one sample, at the start of the window.

    Raises
    ------
    ExpressionError
        A name without series, values that do not go together (a text and a number, two units), a
        kind of data an expression cannot take, vectors too large.
    """
    if isinstance(expression, str):
        expression = compile_expression(expression)
    missing = [name for name in expression.names if name not in series]
    if missing:
        among = ", ".join(sorted(series)) or "none"
        raise expression.error(None, f"no series for {', '.join(missing)}", f"there are: {among}")
    if frame is None:
        edges = [series[name].time for name in expression.names if len(series[name])]
        start = min((int(time.min()) for time in edges), default=0)
        frame = Frame(start, max((int(time.max()) for time in edges), default=start) + 1)
    try:
        with np.errstate(all="ignore"):
            return _Evaluation(expression, series, frame).result()
    except (ValueError, OverflowError, MemoryError) as error:
        raise expression.error(None, str(error) or "too large for the memory") from None


class _Evaluation:
    def __init__(self, expression: Expression, series: Mapping[str, Series], frame: Frame) -> None:
        self.expression = expression
        self.series = series
        self.frame = frame
        self.signals = {name: signal_of(series[name], frame.max_hold) for name in expression.names}
        self._made: dict[int, Signal] = {}
        self._constants: dict[int, Value] = {}

    def result(self) -> Result:
        base = self._base(self.expression.tree)
        value = self.value(self.expression.tree, base)
        data = np.broadcast_to(value.data, base.time.shape) if value.constant else value.data
        return Result(value.sort, base.time, base.until, data, spell_unit(value.unit))

    def _base(self, tree: ast.expr) -> Base:
        frame = self.frame
        leaves = self._leaves(tree)
        if frame.base == "union":
            return union(leaves, frame.start, frame.end)
        if frame.base != "finest":
            if frame.base not in self.signals:
                among = ", ".join(self.signals) or "none"
                cause = f"its times should be those of '{frame.base}', which it does not name"
                raise self.expression.error(None, cause, f"names: {among}, finest, union")
            leaves = [self.signals[frame.base]]
        if not leaves:
            return Base(np.array([frame.start], np.int64), np.array([frame.end], np.int64))
        return finest(leaves, frame.start, frame.end)

    def _leaves(self, node: ast.expr) -> list[Signal]:
        """The signals that `node` needs at each time, in the order in which they are written."""
        if isinstance(node, ast.Name):
            return [self.signals[node.id]]
        if isinstance(node, ast.Call):
            mode = _mode(node)
            if mode == "window":
                return []
            if mode == "series":
                return [self._signal(node)]
            return [leaf for entry in node.args for leaf in self._leaves(entry)]
        children = [entry for entry in ast.iter_child_nodes(node) if isinstance(entry, ast.expr)]
        return [leaf for entry in children for leaf in self._leaves(entry)]

    def value(self, node: ast.expr, base: Base) -> Value:
        """What `node` says at each time of `base`."""
        if isinstance(node, ast.Constant):
            return _constant(node)
        if isinstance(node, ast.Name):
            return self.signals[node.id].at(base)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node, base)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(node, base)
        if isinstance(node, ast.BoolOp):
            combine = conjunction if isinstance(node.op, ast.And) else disjunction
            made = self._truth(node.values[0], base)
            for entry in node.values[1:]:
                made = self._combined(node, combine, made, self._truth(entry, base))
            return Value(Sort.TRUTH, made)
        if isinstance(node, ast.Compare):
            return self._comparison(node, base)
        return self._call(cast(ast.Call, node), base)

    def _unary(self, node: ast.UnaryOp, base: Base) -> Value:
        if isinstance(node.op, ast.Not):
            return Value(Sort.TRUTH, negation(self._truth(node.operand, base)))
        value = self._number(node.operand, base)
        return value if isinstance(node.op, ast.UAdd) else number(-value.data, value.unit)

    def _arithmetic(self, node: ast.BinOp, base: Base) -> Value:
        left, right = self._number(node.left, base), self._number(node.right, base)
        sign = _SIGNS[type(node.op)]
        if sign in "+-%":
            self._same_unit(node, left, right, sign)
        a, b = self._paired(node, left, right)
        unit = left.unit if left.unit is not None else right.unit
        if sign == "+":
            return number(a + b, unit)
        if sign == "-":
            return number(a - b, unit)
        if sign == "%":
            return number(np.mod(a, b), unit)
        if sign == "*":
            return number(a * b, times(left.unit, right.unit))
        if sign == "/":
            quotient = number(a / b)  # by zero: infinite or NaN, unknown either way
            return Value(
                Sort.NUMBER, quotient.data, times(left.unit, raised(right.unit, Fraction(-1)))
            )
        return number(np.power(a, b), raised(left.unit, exponent(node.right)))

    def _comparison(self, node: ast.Compare, base: Base) -> Value:
        left = self.value(node.left, base)
        made: Array | None = None
        for op, entry in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, (ast.In, ast.NotIn)):
                piece = self._membership(node, left, cast(ast.Tuple, entry))
                piece = negation(piece) if isinstance(op, ast.NotIn) else piece
            else:
                right = self.value(entry, base)
                piece = self._compared(node, op, left, right)
                left = right
            made = piece if made is None else self._combined(node, conjunction, made, piece)
        return Value(Sort.TRUTH, cast(Array, made))

    def _compared(self, node: ast.Compare, op: ast.cmpop, left: Value, right: Value) -> Array:
        if left.sort is not right.sort:
            raise self.expression.error(
                node,
                f"a {left.sort} cannot be compared with a {right.sort}",
                "a text in quotes with a text, a number with a number, a condition with True",
            )
        if left.sort is not Sort.NUMBER and not isinstance(op, (ast.Eq, ast.NotEq)):
            raise self.expression.error(node, f"a {left.sort} has no order", "== != in, not in")
        self._same_unit(node, left, right, "a comparison")
        a, b = self._paired(node, left, right)
        there = np.logical_and(*both(known(left), known(right)))
        return truth(np.asarray(_COMPARED[type(op)](a, b), dtype=bool), there).data

    def _membership(self, node: ast.Compare, left: Value, among: ast.Tuple) -> Array:
        there = known(left)
        inside = np.zeros(left.data.shape, dtype=bool)
        for entry in among.elts:
            member = constant(entry)
            sort = {str: Sort.TEXT, bool: Sort.TRUTH}.get(type(member), Sort.NUMBER)
            if sort is not left.sort:
                cause = f"a {left.sort} is never in a list that holds a {sort}"
                raise self.expression.error(node, cause, "a list of one sort")
            inside |= np.asarray(left.data == member, dtype=bool)
        return truth(inside, there).data

    def _call(self, node: ast.Call, base: Base) -> Value:
        name, mode = cast(ast.Name, node.func).id, _mode(node)
        if mode == "series":
            return self._signal(node).at(base)
        if mode == "window":
            if id(node) not in self._constants:
                self._constants[id(node)] = self._statistic(name, node)
            return self._constants[id(node)]
        if name in functions.POINTWISE:
            decimals = constant(node.args[1]) if len(node.args) > 1 else 0
            value = self._number(node.args[0], base)
            return functions.pointwise(name, value, int(max(-300, min(300, _float(decimals)))))
        if name in ("min", "max"):
            values = [self._number(entry, base) for entry in node.args]
            for value in values[1:]:
                self._same_unit(node, values[0], value, name)
                self._paired(node, values[0], value)
            return functions.extreme(name, values)
        if name == "where":
            condition = self._truth(node.args[0], base)
            left, right = (self.value(entry, base) for entry in node.args[1:])
            return self._choice(node, condition, left, right)
        value = self.value(node.args[0], base)
        if name == "coalesce":
            return self._choice(node, known(value).astype(np.int8), value,
                                self.value(node.args[1], base))  # fmt: skip
        if name == "absent":
            return truth(~known(value), np.ones(value.data.shape, bool))
        if name == "unit":
            stated = unit_of(str(constant(node.args[1])))
            return Value(Sort.NUMBER, self._number(node.args[0], base).data, stated)
        if value.sort is not Sort.TEXT:
            raise self.expression.error(
                node, f"{name} takes a text, not a {value.sort}", FUNCTIONS[name].usage
            )
        wanted = str(constant(node.args[1]))
        test = (lambda t: wanted in t) if name == "contains" else (lambda t: t.startswith(wanted))
        there = known(value)
        flat = [bool(test(entry)) if isinstance(entry, str) else False for entry in value.data.flat]
        return truth(np.array(flat, dtype=bool).reshape(value.data.shape), there)

    def _choice(self, node: ast.Call, condition: Array, left: Value, right: Value) -> Value:
        if left.sort is not right.sort:
            raise self.expression.error(
                node, f"one branch is a {left.sort}, the other a {right.sort}"
            )
        self._same_unit(node, left, right, cast(ast.Name, node.func).id)
        for one in (left, right):
            self._paired(node, Value(Sort.TRUTH, condition), one)
        self._paired(node, left, right)
        unit = left.unit if left.unit is not None else right.unit
        return Value(left.sort, functions.chosen(condition, left, right), unit)

    def _statistic(self, name: str, node: ast.Call) -> Value:
        argument = node.args[0]
        frame = self.frame
        leaves = self._leaves(argument)
        if not leaves:
            raise self._needs_variable(node, name)
        if name in ("coverage", "share"):
            base = union(leaves, frame.start, frame.end)
            return functions.time_share(name, self._taken(name, argument, base), base)
        base = finest(leaves, frame.start, frame.end)
        value = self._taken(name, argument, base)
        if value.sort is Sort.TEXT and name not in ("count", "first", "last"):
            cause = f"{name} takes numbers, not texts"
            raise self.expression.error(node, cause, "count, first, last and coverage take texts")
        percent = _float(constant(node.args[1])) if name == "percentile" else 0.0
        if not 0 <= percent <= 100:
            raise self.expression.error(node, "not a percentile", "from 0 to 100")
        return functions.statistic(name, value, percent)

    def _signal(self, node: ast.Call) -> Signal:
        if id(node) not in self._made:
            self._made[id(node)] = self._signal_made(cast(ast.Name, node.func).id, node)
        return self._made[id(node)]

    def _signal_made(self, name: str, node: ast.Call) -> Signal:
        argument = node.args[0]
        length = 0
        if FUNCTIONS[name].constants.get(1) == "duration":
            length = round(parse_duration(str(constant(node.args[1]))).total_seconds() * 1e9)
        if name == "hold":
            if not isinstance(argument, ast.Name):
                cause = "hold takes a variable"
                raise self.expression.error(node, cause, FUNCTIONS[name].usage)
            return signal_of(self.series[argument.id], length)
        leaves = self._leaves(argument)
        if not leaves:
            raise self._needs_variable(node, name)
        if name == "lasting":
            starts = [int(leaf.time[0]) for leaf in leaves if leaf.time.size]
            base = union(leaves, min([self.frame.start, *starts]), self.frame.end)
            condition = Value(Sort.TRUTH, self._taken(name, argument, base).data)
            self._flat(node, condition, name)
            return functions.lasting(condition, base, length)
        base = finest(leaves, -int(FOREVER), int(FOREVER))
        value = self._number(argument, base) if name != "delay" else self.value(argument, base)
        time, until = base.time, base.until
        if name == "delay":
            time, until = time + np.int64(length), until + np.int64(length)
        elif name in functions.ELEMENTS:
            if value.data.ndim != 2:
                cause = f"{name} takes vectors, and this is one number a time"
                raise self.expression.error(node, cause, FUNCTIONS[name].usage)
            index = _float(constant(node.args[1])) if name == "element" else 0
            if index < 0 or index % 1 or index > 2**31:
                raise self.expression.error(node, "not an element", "0, 1, 2 ...")
            value = functions.elements(name, value, int(index))
        elif name in ("diff", "rate"):
            value = functions.change(name, value, base)
        else:
            self._flat(node, value, name)
            value = functions.rolling(name.removeprefix("rolling_"), value, time, length)
        return Signal(name, value.sort, value.unit, time, until, value.data)

    def _taken(self, name: str, node: ast.expr, base: Base) -> Value:
        """The argument of a function, of the sort it takes and with one value a time of `base`."""
        if name in _TRUTHS:
            value = Value(Sort.TRUTH, self._truth(node, base))
            self._flat(node, value, name)
        else:
            value = self.value(node, base)
        if value.constant:
            data = np.broadcast_to(value.data, base.time.shape)
            value = Value(value.sort, data, value.unit)
        return value

    def _number(self, node: ast.expr, base: Base) -> Value:
        value = self.value(node, base)
        if value.sort is Sort.TEXT:
            raise self.expression.error(
                node, "this is a text; a number is needed here", "compare texts with == and in"
            )
        return Value(Sort.NUMBER, as_numbers(value), value.unit)

    def _truth(self, node: ast.expr, base: Base) -> Array:
        value = self.value(node, base)
        if value.sort is not Sort.TRUTH:
            hint = "A != 0" if value.sort is Sort.NUMBER else "A == 'TEXT'"
            raise self.expression.error(
                node, f"this is a {value.sort}; a condition is needed here", f"write {hint}"
            )
        return value.data

    def _combined(
        self, node: ast.expr, combine: Callable[[Array, Array], Array], left: Array, right: Array
    ) -> Array:
        self._paired(node, Value(Sort.TRUTH, left), Value(Sort.TRUTH, right))
        return combine(left, right)

    def _paired(self, node: ast.expr, left: Value, right: Value) -> tuple[Array, Array]:
        if left.data.ndim == right.data.ndim == 2 and left.data.shape[1] != right.data.shape[1]:
            widths = f"{left.data.shape[1]} and {right.data.shape[1]}"
            raise self.expression.error(node, f"vectors of {widths} elements do not go together")
        return both(left.data, right.data)

    def _same_unit(self, node: ast.expr, left: Value, right: Value, doing: str) -> None:
        if not agree(left.unit, right.unit):
            a, b = (spell_unit(unit) or "no unit (a ratio)" for unit in (left.unit, right.unit))
            raise self.expression.error(
                node,
                f"{doing} of values in {a} and in {b}",
                "convert one and say so: unit(A * 1000, 'mm')",
            )

    def _flat(self, node: ast.expr, value: Value, name: str) -> None:
        if value.data.ndim == 2:
            hint = "reduce them first: element_mean(V), element(V, 3), ..."
            raise self.expression.error(node, f"{name} does not take vectors", hint)

    def _needs_variable(self, node: ast.expr, name: str) -> ExpressionError:
        return self.expression.error(node, f"{name} of a constant", FUNCTIONS[name].usage)


def _mode(node: ast.Call) -> Literal["point", "series", "window"]:
    name = cast(ast.Name, node.func).id
    if name in ("min", "max") and len(node.args) > 1:
        return "point"
    return FUNCTIONS[name].mode


def _constant(node: ast.Constant) -> Value:
    if isinstance(node.value, bool):
        return Value(Sort.TRUTH, np.asarray(int(node.value), dtype=np.int8))
    if isinstance(node.value, str):
        return text(np.asarray(node.value, dtype=object))
    return number(np.asarray(float(cast(float, node.value))))


def _float(value: object) -> float:
    return float(cast(float, value))
