"""All benches, each in a process of its own: a table of figures and their aims, and a JSON of it.

    python benchmarks/bench.py [NAME…] [--full] [--json FILE]        or: make bench [BENCH=full]

A bench is a module of this folder with a function ``figures(full: bool) -> Iterable[Figure]``:
quick (seconds, a minute at most) unless `full`. It prints what it likes; what it yields is
the table. Ratios are medians of pairs measured in one run, never numbers from another day.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measure import Figure

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def benches() -> list[str]:
    """The modules of this folder that have figures, in alphabetic order."""
    return sorted(
        path.stem for path in HERE.glob("*.py") if "\ndef figures(full: bool" in path.read_text()
    )


def measured(name: str, full: bool) -> dict[str, Any]:
    """One bench in a process of its own: its figures, seconds, and why it broke, if so."""
    print(f"\n== {name}", flush=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="oaf-bench-") as folder:
        kept = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / "bench.py"), "--one", name, "--json", str(kept)]
        ended = subprocess.run([*command, *(["--full"] if full else [])], check=False)
        figures = json.loads(kept.read_text()) if kept.exists() else []
    failure = f"ended with {ended.returncode}" if ended.returncode else ""
    seconds = round(time.perf_counter() - began, 1)
    return {"bench": name, "figures": figures, "seconds": seconds, "failure": failure}


def one(name: str, full: bool, into: Path) -> None:
    """The figures of one bench into a file, as they come: one that breaks keeps those before."""
    figures = []
    for figure in importlib.import_module(name).figures(full):
        figures.append({**dataclasses.asdict(figure), "reached": figure.reached})
        into.write_text(json.dumps(figures))


def table(results: list[dict[str, Any]]) -> str:
    """What, figure, aim, reached?"""
    rows = [("what", "figure", "to reach", "", "")]
    for result in results:
        rows.append((f"{result['bench']} ({result['seconds']:.0f} s)", "", "", "", ""))
        for entry in result["figures"]:
            reached = entry.pop("reached")
            figure = Figure(**entry)
            aim = "" if figure.reach is None else f"{'≤' if figure.most else '≥'} {figure.reach:g}"
            word = {True: "yes", False: "NO", None: ""}[reached]
            value = f"{figure.value:.3g} {figure.unit}".rstrip()
            rows.append((f"  {figure.what}", value, aim, word, figure.note))
            entry["reached"] = reached
        if result["failure"]:
            rows.append((f"  {result['failure']}", "", "", "NO", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ("  ".join([*map(str.ljust, row[:4], widths), row[4]]).rstrip() for row in rows)
    return "\n".join(lines)


def main() -> int:
    """Run the benches asked for; 1 when one broke. A figure that falls short is told, no more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(benches()))
    parser.add_argument("--full", action="store_true", help="the long variants too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument("--one", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.one, given.full, given.json)
        return 0
    unknown = set(given.names) - set(benches())
    if unknown:
        parser.error(f"no bench {', '.join(sorted(unknown))}; there are: {', '.join(benches())}")
    at = datetime.now(UTC)
    results = [measured(name, given.full) for name in given.names or benches()]
    print("\n" + table(results))
    into = given.json or RESULTS / f"{at:%Y-%m-%dT%H%M%SZ}.json"
    into.parent.mkdir(parents=True, exist_ok=True)
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load": os.getloadavg(),
    }
    document = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "full": given.full, "machine": machine}
    into.write_text(json.dumps({**document, "results": results}, indent=1, ensure_ascii=False))
    print(f"\n{into}")
    return int(any(result["failure"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
