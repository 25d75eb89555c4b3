"""Text to a checked tree: the small language of gates, computed variables and expression checks.

An allow-list over Python's grammar: what is not named here is refused. Nothing is ever executed.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from dataclasses import dataclass
from fractions import Fraction

from oaflib.errors import ExpressionError
from oaflib.expression.table import FUNCTIONS, Call
from oaflib.window import parse_duration

LONGEST = 500
NODES = 100
DEPTH = 20
POWER = 8
LARGEST = 1e300
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_UNARY = (ast.USub, ast.UAdd, ast.Not)
_HINTS = {
    ast.Attribute: "no dots; write a variable's full name in backquotes: `HX:BMODE`",
    ast.Subscript: "no brackets; write element(V, 3) for the element 3 of a vector",
    ast.IfExp: "write where(condition, A, B)",
    ast.NamedExpr: "nothing can be assigned",
    ast.Tuple: "a list may only stand after 'in'",
    ast.List: "a list may only stand after 'in'",
    ast.JoinedStr: "a text is written '...'",
    ast.Is: "write ==",
    ast.IsNot: "write !=",
    ast.FloorDiv: "write /",
    ast.BitAnd: "write and",
    ast.BitOr: "write or",
    ast.Invert: "write not",
}


@dataclass(frozen=True, eq=False)
class Expression:
    """A checked expression.

    `text` as written; `names` the variables it speaks of, in the order in which they appear;
    `quoted` those of them written in backquotes, which are full names; `tree` the checked tree.
    """

    text: str
    names: tuple[str, ...]
    quoted: frozenset[str]
    tree: ast.expr

    def error(self, node: ast.AST | None, cause: str, allowed: str = "") -> ExpressionError:
        """An error of this expression at `node`."""
        column = getattr(node, "col_offset", -1) + 1
        return refusal(self.text, column, cause, allowed)


def refusal(text: str, column: int, cause: str, allowed: str = "") -> ExpressionError:
    """An error that names the expression, the column (0 for none), the cause and what is right."""
    shown = text if len(text) <= 120 else f"{text[:117]}..."
    where = f", column {column}" if column > 0 else ""
    hint = f"; {allowed}" if allowed else ""
    return ExpressionError(f"expression {shown!a}{where}: {cause}{hint}")


def compile_expression(text: str) -> Expression:
    """Check `text` and keep its tree; cheap (well under a millisecond), so once per use.

    Raises
    ------
    ExpressionError
        Anything outside the language; names the column, the cause and what is allowed.
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is a text, not {type(text).__name__}")
    if len(text) > LONGEST:
        cause = f"it has {len(text)} characters"
        raise refusal(text, 0, cause, f"at most {LONGEST}; make a computed variable of a part")
    for column, character in enumerate(text, 1):
        if not " " <= character <= "~" or character == "\\":
            cause = f"the character {character!a} is not allowed"
            raise refusal(text, column, cause, "printable ASCII without backslash")
    if not text.strip():
        raise refusal(text, 0, "it is empty", "write a condition such as BMODE == 'STABLE'")
    bare, quoted = _without_backquotes(text)
    tree = _parsed(text, bare)
    checker = _Checker(text, quoted)
    checker.check(tree, 1)
    return Expression(text, tuple(checker.names), frozenset(quoted.values()), tree)


def _without_backquotes(text: str) -> tuple[str, dict[str, str]]:
    """Names in backquotes replaced by identifiers of the same length, so that columns stay."""
    quoted: dict[str, str] = {}
    out: list[str] = []
    position, quote = 0, ""
    while position < len(text):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "`":
            end = text.find("`", position + 1)
            name = text[position + 1 : end].strip() if end > 0 else ""
            if not name:
                cause = "a backquote is not closed" if end < 0 else "nothing between the backquotes"
                raise refusal(text, position + 1, cause, "write `DEVICE:FIELD`")
            stand_in = f"_{len(quoted)}".ljust(end + 1 - position, "_")
            quoted[stand_in] = name
            # Blanks keep 'a`b`c' three words and so a mistake, not one identifier.
            if _word_beside(text, position, end):
                raise refusal(text, position + 1, "a name in backquotes stands alone")
            out.append(stand_in)
            position = end + 1
            continue
        out.append(character)
        position += 1
    return "".join(out), quoted


def _word_beside(text: str, start: int, end: int) -> bool:
    around = text[max(0, start - 1) : start] + text[end + 1 : end + 2]
    return bool(re.search(r"[\w`'\".]", around))


def _parsed(text: str, bare: str) -> ast.expr:
    """The tree of `bare`, unchecked."""
    leading = len(bare) - len(bare.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # '1or 2' is only a warning to Python
            tree = ast.parse(bare.strip(), mode="eval").body
    except SyntaxError as error:
        column = (error.offset or 0) + leading
        raise refusal(text, column, "not understood", _likely(bare)) from None
    except (ValueError, RecursionError, MemoryError, Warning):
        raise refusal(text, 0, "not understood", _likely(bare)) from None
    for node in ast.walk(tree):
        if hasattr(node, "col_offset"):
            node.col_offset += leading
    return tree


def _likely(text: str) -> str:
    for sign, hint in (("&&", "write and"), ("||", "write or"), ("!", "write not, or !=")):
        if sign in text and (sign != "!" or not re.search(r"!=", text)):
            return hint
    if re.search(r"(?<![<>=!])=(?!=)", text):
        return "equality is written =="
    if re.search(r"\w:\w", text):
        return "write a variable's full name in backquotes: `HX:BMODE`"
    if text.count("(") != text.count(")"):
        return "the brackets do not pair"
    if text.count("'") % 2 or text.count('"') % 2:
        return "a text is not closed"
    return "an example: BMODE == 'STABLE' and A / B > 0.98"


class _Checker:
    """Walks a tree, refuses what is not in the language, and collects the names."""

    def __init__(self, text: str, quoted: dict[str, str]) -> None:
        self.text = text
        self.quoted = quoted
        self.names: dict[str, None] = {}
        self.nodes = 0

    def check(self, node: ast.expr, depth: int) -> None:
        """Refuse `node` and what is below it, or accept it."""
        self.nodes += 1
        if self.nodes > NODES:
            hint = f"at most {NODES}; make a computed variable of a part"
            raise self._error(node, "it has too many parts", hint)
        if depth > DEPTH:
            hint = f"at most {DEPTH} levels; make a computed variable of a part"
            raise self._error(node, "it is nested too deeply", hint)
        if isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Name):
            self._name(node)
        elif isinstance(node, ast.BinOp):
            self._allowed(node, node.op, _OPERATORS, "+ - * / % **")
            self.check(node.left, depth + 1)
            if isinstance(node.op, ast.Pow):
                self._power(node.right)
            self.check(node.right, depth + 1)
        elif isinstance(node, ast.UnaryOp):
            self._allowed(node, node.op, _UNARY, "- + not")
            self.check(node.operand, depth + 1)
        elif isinstance(node, ast.BoolOp):
            for operand in node.values:
                self.check(operand, depth + 1)
        elif isinstance(node, ast.Compare):
            self._comparison(node, depth)
        elif isinstance(node, ast.Call):
            self._call(node, depth)
        else:
            raise self._refused(node, node)

    def _comparison(self, node: ast.Compare, depth: int) -> None:
        self.check(node.left, depth + 1)
        for op, right in zip(node.ops, node.comparators, strict=True):
            self._allowed(node, op, _COMPARISONS, "== != < <= > >= in, not in")
            if not isinstance(op, (ast.In, ast.NotIn)):
                self.check(right, depth + 1)
                continue
            if not isinstance(right, (ast.Tuple, ast.List)) or not right.elts:
                hint = "write BMODE in ('STABLE', 'ADJUST')"
                raise self._error(right, "after 'in' stands a list of constants", hint)
            for entry in right.elts:
                if constant(entry) is None:
                    raise self._error(entry, "only constants may stand in a list")
                self.check(entry, depth + 1)

    def _call(self, node: ast.Call, depth: int) -> None:
        if not isinstance(node.func, ast.Name):
            raise self._error(node, "only functions of the table can be called")
        name = node.func.id
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            shown = self.quoted.get(name, name)
            raise self._error(
                node, f"no function is called '{shown}'", f"{hint}there are: {', '.join(FUNCTIONS)}"
            )
        function = FUNCTIONS[name]
        if node.keywords or any(isinstance(entry, ast.Starred) for entry in node.args):
            raise self._error(node, "arguments have no names and no stars", function.usage)
        least, most = function.arguments
        if not least <= len(node.args) <= most:
            raise self._error(node, f"{name} has {len(node.args)} arguments", function.usage)
        for entry in node.args:
            self.check(entry, depth + 1)
        for position, what in function.constants.items():
            if position < len(node.args):
                self._argument(function, node.args[position], what)

    def _argument(self, function: Call, node: ast.expr, what: str) -> None:
        """A constant argument: a duration, a text or a number."""
        value = constant(node)
        if what == "duration":
            try:
                if not isinstance(value, str) or parse_duration(value).days > 366:
                    raise ValueError
            except (ValueError, OverflowError):
                hint = f"{function.usage}, a duration such as '10min', at most 366 days"
                raise self._error(node, "not a duration", hint) from None
        elif what == "text" and not isinstance(value, str):
            raise self._error(node, "not a text", function.usage)
        elif what == "number" and not isinstance(value, float):
            raise self._error(node, "not a number", function.usage)

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, (bool, str)):
            return
        if not isinstance(value, (int, float)):
            shown = type(value).__name__
            raise self._error(node, f"a constant of type {shown}", "numbers, texts, True and False")
        try:
            finite = math.isfinite(value) and abs(value) <= LARGEST
        except OverflowError:
            finite = False
        if not finite:
            raise self._error(node, "a number too large", f"at most {LARGEST:g}")

    def _name(self, node: ast.Name) -> None:
        if node.id in self.quoted:
            node.id = self.quoted[node.id]
        elif node.id.startswith("_"):
            raise self._error(node, f"the name '{node.id}' begins with an underscore")
        elif node.id in FUNCTIONS:
            usage = FUNCTIONS[node.id].usage
            raise self._error(node, f"'{node.id}' is a function", f"write {usage}")
        self.names[node.id] = None

    def _power(self, node: ast.expr) -> None:
        value = constant(node)
        if not isinstance(value, float) or abs(value) > POWER or (value * 2) % 1:
            hint = f"a constant from -{POWER} to {POWER} in steps of 0.5: A**2, A**-0.5"
            raise self._error(node, "not an exponent", hint)

    def _allowed(
        self, node: ast.expr, op: ast.AST, among: tuple[type[ast.AST], ...], words: str
    ) -> None:
        if not isinstance(op, among):
            raise self._refused(node, op, words)

    def _refused(self, node: ast.AST, what: ast.AST, words: str = "") -> ExpressionError:
        hint = _HINTS.get(type(what)) or (f"allowed: {words}" if words else "")
        return self._error(
            node,
            f"{_spelled(what)} is not allowed",
            hint or "numbers, texts, names, arithmetic, comparisons, and/or/not and functions",
        )

    def _error(self, node: ast.AST, cause: str, allowed: str = "") -> ExpressionError:
        return refusal(self.text, getattr(node, "col_offset", -1) + 1, cause, allowed)


def constant(node: ast.expr) -> float | str | bool | None:
    """The constant that `node` is, with its sign; None for anything else."""
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -sign if isinstance(node.op, ast.USub) else sign
        node = node.operand
    if not isinstance(node, ast.Constant):
        return None
    value = node.value
    if isinstance(value, (bool, str)):
        return value if sign == 1 else None
    if isinstance(value, (int, float)):
        try:
            return sign * float(value)
        except OverflowError:
            return None
    return None


def exponent(node: ast.expr) -> Fraction:
    """The checked exponent of a power."""
    value = constant(node)
    return Fraction(value) if isinstance(value, float) else Fraction(1)


def _spelled(node: ast.AST) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
    return f"'{words}'"
