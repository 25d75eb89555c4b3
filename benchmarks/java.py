"""How fast points come from Java into numpy: by the helper, and point by point.

    python benchmarks/java.py [--points N] [--rounds R]

Compiles the stand-in of the logging API, starts Java, lets the stand-in make sets of points, and
times the conversion of each set alone: what a database takes to answer is not in it. Prints numbers
a second, of the first round (Java has compiled nothing yet) and the median of all, and how much
quicker the helper is. Numbers of vectors are counted one by one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from oaflib.sources.base import SourceSettings
from oaflib.sources.java import JavaSource
from oaflib.sources.java.convert import InBulk, PointByPoint

STANDIN = Path(__file__).resolve().parents[1] / "tests" / "java_standin" / "build.py"
START = 1_790_000_000 * 10**9
STEP = 10**7
SLOW_SHARE = 20  # point by point is timed on that fraction of the points


def worlds(points: int) -> list[tuple[str, str, str, int]]:
    """Name, type, the stand-in's line for the points, and numbers a point."""
    few = max(points // 1000, 10)
    return [
        ("doubles", "NUMERIC", f"uniform\t{START}\t{STEP}\t{points}\tD", 1),
        ("longs", "NUMERIC", f"uniform\t{START}\t{STEP}\t{points}\tL", 1),
        ("vectors of 1000", "VECTORNUMERIC", f"rows\t{START}\t{STEP}\t{few}\t1000", 1000),
    ]


def rounds_of(rounds: int, work: Callable[[Any, str], Any], points: Any, kind: str) -> list[float]:
    """Seconds of each round of `work`."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work(points, kind)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--points", type=int, default=2_000_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(STANDIN), name], check=True)
        lines = [
            line
            for entry, kind, points, _ in worlds(given.points)
            for line in (f"variable\t{entry}\t{kind}\t\t", points)
        ]
        world = folder / "world.tsv"
        world.write_text("\n".join(lines) + "\n", encoding="utf-8")
        settings = SourceSettings(
            "LDB",
            "java",
            {"api": "nxcals", "classpath": ["nxcals.jar"], "service": str(world)}
            | {"jvm_options": ["-Xmx3g"]},
            folder,
        )
        with JavaSource(settings) as source:
            measure(source, given.points, given.rounds)


def measure(source: JavaSource, points: int, rounds: int) -> None:
    """Print one line for each world."""
    api, bulk = source._open()
    if not isinstance(bulk, InBulk):
        sys.exit("no javac here: the helper cannot be measured")
    slow = PointByPoint(api.jpype, api.type("domain.core.timeseriesdata.TimeseriesData"))
    print(f"{'':16} {'numbers':>10} {'first':>10} {'helper':>10} {'one by one':>11} {'ratio':>6}")
    for name, kind, _, numbers in worlds(points):
        variable = api.named([name])[name]
        count = points if numbers == 1 else max(points // 1000, 10)
        many = api.points(variable, START, START + (count - 1) * STEP)
        few = api.points(variable, START, START + count // SLOW_SHARE * STEP)
        seconds = rounds_of(rounds, bulk, many, kind)
        first, fast = (count * numbers / 1e6 / s for s in (seconds[0], median(seconds)))
        part = int(few.size()) * numbers / 1e6 / rounds_of(1, slow, few, kind)[0]
        print(
            f"{name:16} {count * numbers:10,} {first:6.2f} M/s {fast:6.2f} M/s {part:7.3f} M/s "
            f"{fast / part:6.0f}"
        )


if __name__ == "__main__":
    main()
