"""What Spark costs a report: a client of the morning's server against a session of its own.

    python benchmarks/spark.py [VARIABLES]

Each way opens the source, finds the variables, and reduces and reads a day of them, in a process
of its own, as a report's kernel does; its processor time and memory are those of that process
and all it started. Then what a longer window of the family brings back, once reduced.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from measure import Figure

from oaflib.config.site import SourceSettings
from oaflib.series import Kind, Series
from oaflib.sources.nxcals import NxcalsSource
from oaflib.sources.nxcals.server import found_server
from oaflib.testing.nxcals_lake import NxcalsLakeWriter
from oaflib.window import Window

START = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 7
SPARK = {"spark.driver.memory": "1g"}
SECOND = 10**9


def settings(root: Path) -> SourceSettings:
    options = {"lake": "lake", "system": "WINCCOA", "master": "local[2]", "spark": SPARK}
    return SourceSettings("NXC", "nxcals", options, root)


def fill(root: Path, variables: int) -> None:
    random = np.random.default_rng(1)
    with NxcalsLakeWriter(root / "lake", "WINCCOA") as lake:
        for day in range(DAYS):
            first = Window(START + timedelta(days=day), START + timedelta(days=day + 1)).start_ns
            time_ = first + np.arange(86_400) * SECOND
            for number in range(variables):
                value = random.normal(number, 1.0, len(time_))
                lake.add([Series(f"V{number:04}", Kind.NUMERIC, "A", time_, value)])


def ask(root: Path) -> None:
    """What a report asks; prints what it cost."""
    began = time.perf_counter()
    window = Window(START, START + timedelta(days=1))
    with NxcalsSource(settings(root)) as source:
        variables = source.find("%")
        source.statistics(variables, window)
        rows = sum(len(piece) for piece in source.read(variables[:2], window))
    wall = time.perf_counter() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used) + jvm_seconds()
    print(json.dumps({"cpu": cpu, "wall": wall, "rows": rows, "mb": used[0].ru_maxrss / 1000}))


def jvm_seconds() -> float:
    """Processor time of the JVM this process started, which lives as long as itself."""
    total = 0.0
    for child in Path("/proc/self/task").glob("*/children"):
        for pid in child.read_text().split():
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(words[11]) + int(words[12])) / 100
    return total


def measured(root: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--ask", str(root)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def figures(full: bool) -> Iterator[Figure]:
    """What a kernel pays with and without the morning's server, and a week reduced by Spark."""
    yield from told(40 if full else 10)


def told(variables: int) -> Iterator[Figure]:
    """The same, of so many variables."""
    with tempfile.TemporaryDirectory(prefix="oaf-spark-") as name:
        root = Path(name)
        fill(root, variables)
        own = measured(root)
        with NxcalsSource.serving(settings(root)):
            found_server(settings(root), 300)
            first = measured(root)
            shared = [measured(root) for _ in range(3)]
            cpu, wall, mb = (
                float(np.median([one[key] for one in shared])) for key in ("cpu", "wall", "mb")
            )
            note = f"{own['cpu']:.1f} s and {cpu:.1f} s, medians of 3"
            yield Figure("a session of its own against the server", own["cpu"] / cpu, note=note)
            note = f"a session of its own: {own['wall']:.1f} s; the server's first: "
            yield Figure("a day, by the clock", wall, "s", note=f"{note}{first['wall']:.1f} s")
            yield Figure("a kernel that asks the server", mb, "MB")
            yield from week(root)


def week(root: Path) -> Iterator[Figure]:
    """Seven days as statistics, and as envelopes of 500 columns."""
    window = Window(START, START + timedelta(days=DAYS))
    with NxcalsSource(settings(root)) as source:
        found = source.find("%")
        began = time.perf_counter()
        count = sum(entry.count for entry in source.statistics(found, window))
        brought = source.asked.nbytes
        samples = sum(map(len, source.envelope(found, window, 500)))
        seconds = time.perf_counter() - began
        drawn = source.asked.nbytes - brought
    what = f"{len(found)} variables over {DAYS} days"
    rate = count / seconds / 1e6
    yield Figure(f"{what}, reduced twice", rate, "M samples/s", note=f"{seconds:.1f} s")
    yield Figure(f"{what}, statistics brought", brought / 1e3, "kB")
    yield Figure(f"{what}, envelopes brought", drawn / 1e3, "kB", note=f"{samples:,} samples")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        ask(Path(sys.argv[2]))
    else:
        for figure in told(int(sys.argv[1]) if len(sys.argv) > 1 else 40):
            print(f"{figure.what:45} {figure.value:8.1f} {figure.unit:12} {figure.note}")
