"""What Spark computes itself, so that a year of a family comes back as kilobytes.

Each takes a frame of samples of NUMERIC variables (`lake.COLUMNS`) and gives a small frame, a row a
variable or a row a variable and bucket. Odd samples (NaN, infinities) are counted or left out as
everywhere in OAF.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from oaflib.report import Statistics
from oaflib.series import Variable

NAME, TIME, VALUE = "nxcals_variable_name", "nxcals_timestamp", "nxcals_value"
ALGORITHMS = {"AVG": "avg(g)", "MIN": "min(g)", "MAX": "max(g)", "COUNT": "count(g)",
              "SUM": "sum(g)"}  # fmt: skip

Expr = Callable[[str], Any]


@dataclass(frozen=True)
class Reducer:
    """Reductions in Spark; `distinct` takes rows that repeat another out before."""

    expr: Expr
    distinct: bool = False

    def counts(self, rows: Any) -> Any:
        """name, n: how many rows each variable has; repetitions count."""
        return rows.selectExpr(f"{NAME} as name").groupBy("name").agg(self.expr("count(*) as n"))

    def last(self, rows: Any) -> Any:
        """name, time, value of the last sample."""
        return self._grouped(
            rows.selectExpr(f"{NAME} as name", f"{TIME} as t", f"{VALUE} as v"),
            ("name",),
            f"max(t) as {TIME}",
            f"max_by(v, t) as {VALUE}",
        )

    def statistics(self, rows: Any) -> Any:
        """name, and the numbers of `statistics_of`."""
        return self._grouped(
            self._split(rows), ("name",),
            "count(*) as n", "count_if(isnan(v)) as nan", "count_if(abs(v) = double('inf')) as inf",
            "min(g) as low", "max(g) as high", "avg(g) as mean", "stddev_pop(g) as std",
            "min(t) as first_time", "max(t) as last_time",
            "min_by(v, t) as first", "max_by(v, t) as last",
        )  # fmt: skip

    def envelope(self, rows: Any, start: int, width: int) -> Any:
        """name, bucket, the least and the greatest finite sample and when, the first time."""
        return self._grouped(
            self._split(rows, f"(t - {start}) div {width} as bucket"), ("name", "bucket"),
            "min(g) as low", "max(g) as high", "min_by(t, g) as low_time",
            "max_by(t, g) as high_time", "min(t) as first_time",
        )  # fmt: skip

    def scaled(self, rows: Any, start: int, width: int, algorithm: str) -> Any:
        """name, bucket, value; of finite samples, buckets without one are left out."""
        split = self._split(rows, f"(t - {start}) div {width} as bucket").where("g is not null")
        value = f"cast({ALGORITHMS[algorithm]} as double) as value"
        return self._grouped(split, ("name", "bucket"), value)

    def _split(self, rows: Any, *more: str) -> Any:
        """name, t, v as logged, g where finite."""
        frame = rows.selectExpr(f"{NAME} as name", f"{TIME} as t", f"cast({VALUE} as double) as v")
        if self.distinct:
            frame = frame.distinct()
        good = "case when isnan(v) or abs(v) = double('inf') then null else v end as g"
        return frame.selectExpr("name", "t", "v", good, *more)

    def _grouped(self, frame: Any, keys: tuple[str, ...], *numbers: str) -> Any:
        return frame.groupBy(*keys).agg(*(self.expr(number) for number in numbers))


def statistics_of(variable: Variable, row: dict[str, Any] | None) -> Statistics:
    """The statistics that a row of `Reducer.statistics` says; none: nothing was logged."""
    about = Statistics(
        variable.name, str(variable.kind), variable.unit, count=0, title=variable.title
    )
    if row is None:
        return about
    return replace(
        about,
        count=row["n"],
        nan=row["nan"],
        inf=row["inf"],
        min=row["low"],
        max=row["high"],
        mean=row["mean"],
        std=row["std"],
        first=row["first"],
        last=row["last"],
        first_time=row["first_time"],
        last_time=row["last_time"],
    )
