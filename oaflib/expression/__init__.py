"""The small language of gates, computed variables and expression checks."""

from oaflib.expression.evaluate import Frame, Result, evaluate
from oaflib.expression.gate import GateIntervals, open_intervals
from oaflib.expression.grammar import Expression, compile_expression
from oaflib.expression.names import bind, field_of, notes, resolve
from oaflib.expression.table import FUNCTIONS
from oaflib.expression.value import Sort

__all__ = [
    "FUNCTIONS",
    "Expression",
    "Frame",
    "GateIntervals",
    "Result",
    "Sort",
    "bind",
    "compile_expression",
    "evaluate",
    "field_of",
    "notes",
    "open_intervals",
    "resolve",
]
