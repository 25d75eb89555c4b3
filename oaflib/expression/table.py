"""The functions of the expression language: names, arguments and what each says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["point", "series", "window"]


@dataclass(frozen=True)
class Call:
    """A function of the table.

    `mode` is where its argument is evaluated. ``point``: at each time of the result. ``series``: at
    the argument's own times, and the result holds from each to the next. ``window``: at the
    argument's own times within the window, giving one number. `constants` says which arguments must
    be written as constants, and of which sort.
    """

    usage: str
    says: str
    mode: Mode = "point"
    arguments: tuple[int, int] = (1, 1)
    constants: Mapping[int, str] = field(default_factory=dict)


def _rolling(name: str, what: str) -> Call:
    usage = f"rolling_{name}(A, '10min')"
    return Call(usage, f"{what} of the time before each sample", "series", (2, 2), {1: "duration"})


def _element(name: str, what: str) -> Call:
    return Call(f"element_{name}(V)", f"{what} of the elements of each vector", "series")


FUNCTIONS: dict[str, Call] = {
    "abs": Call("abs(A)", "absolute value"),
    "sign": Call("sign(A)", "-1, 0 or 1"),
    "round": Call("round(A, 2)", "rounded to that many decimals", "point", (1, 2), {1: "number"}),
    "sqrt": Call("sqrt(A)", "square root; unknown below zero"),
    "exp": Call("exp(A)", "exponential"),
    "log": Call("log(A)", "natural logarithm; unknown at zero and below"),
    "log10": Call("log10(A)", "decimal logarithm; unknown at zero and below"),
    "where": Call("where(C, A, B)", "A where C is true, B where it is false", "point", (3, 3)),
    "coalesce": Call("coalesce(A, B)", "A where it is known, else B", "point", (2, 2)),
    "absent": Call("absent(A)", "true where A is unknown; never unknown itself"),
    "contains": Call("contains(T, 'ABC')", "the text T holds 'ABC'", "point", (2, 2), {1: "text"}),
    "starts": Call(
        "starts(T, 'ABC')", "the text T begins with 'ABC'", "point", (2, 2), {1: "text"}
    ),
    "unit": Call(
        "unit(A, 'mm')", "A said to be in mm; nothing is converted", "point", (2, 2), {1: "text"}
    ),
    "min": Call(
        "min(A), min(A, B, ...)",
        "smallest sample of the window; of several, at each time",
        "window",
        (1, 8),
    ),
    "max": Call(
        "max(A), max(A, B, ...)",
        "largest sample of the window; of several, at each time",
        "window",
        (1, 8),
    ),
    "mean": Call("mean(A)", "mean of the window's samples", "window"),
    "median": Call("median(A)", "median of the window's samples", "window"),
    "std": Call("std(A)", "standard deviation of the window's samples", "window"),
    "sum": Call("sum(A)", "sum of the window's samples", "window"),
    "percentile": Call(
        "percentile(A, 95)",
        "that percentile of the window's samples",
        "window",
        (2, 2),
        {1: "number"},
    ),
    "count": Call(
        "count(A)", "how many samples of the window are known; of a condition, true", "window"
    ),
    "first": Call("first(A)", "first known sample of the window", "window"),
    "last": Call("last(A)", "last known sample of the window", "window"),
    "coverage": Call("coverage(A)", "share of the window's time, 0 to 1, with A known", "window"),
    "share": Call("share(C)", "share of the window's known time, 0 to 1, with C true", "window"),
    "hold": Call(
        "hold(A, '1h')",
        "the variable A, each sample valid for up to 1 h",
        "series",
        (2, 2),
        {1: "duration"},
    ),
    "diff": Call("diff(A)", "change since the sample before", "series"),
    "rate": Call("rate(A)", "change per second since the sample before", "series"),
    "delay": Call("delay(A, '5min')", "A as it was 5 min ago", "series", (2, 2), {1: "duration"}),
    "lasting": Call(
        "lasting(C, '5min')",
        "C has been true for at least 5 min",
        "series",
        (2, 2),
        {1: "duration"},
    ),
    "rolling_mean": _rolling("mean", "mean"),
    "rolling_median": _rolling("median", "median"),
    "rolling_std": _rolling("std", "standard deviation"),
    "rolling_min": _rolling("min", "smallest"),
    "rolling_max": _rolling("max", "largest"),
    "element": Call(
        "element(V, 3)",
        "the element 3 of each vector, counted from 0",
        "series",
        (2, 2),
        {1: "number"},
    ),
    "element_mean": _element("mean", "mean"),
    "element_std": _element("std", "standard deviation"),
    "element_min": _element("min", "smallest"),
    "element_max": _element("max", "largest"),
    "element_sum": _element("sum", "sum"),
    "element_count": _element("count", "number of known"),
}
