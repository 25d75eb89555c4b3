"""The campaign: ``make faults``, or ``PYTHONPATH=tests python -m faults [FAMILY…]``.

Quick (minutes) unless ``OAF_FAULTS=full``. Prints the table and keeps it as JSON in
``benchmarks/results/faults.json``; exit code 1 when something was lost or did not hold.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from faults.tried import Tried, summary, table

FAMILIES = (
    *("kernels", "starts", "kills", "syscalls", "power", "torn", "mail", "days", "hostile", "soak"),
    *("stories", "fuzz"),
)
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks/results"


def main() -> int:
    """Try the families named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__.splitlines()[0])
    parser.add_argument("family", nargs="*", help=", ".join(FAMILIES))
    parser.add_argument("--json", type=Path, default=RESULTS / "faults.json")
    given = parser.parse_args()
    unknown = set(given.family) - set(FAMILIES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
    full = os.environ.get("OAF_FAULTS", "quick") == "full"
    rows: list[tuple[str, Tried]] = []
    commit, took = _commit(), dict[str, float]()
    for name in given.family or FAMILIES:
        module = importlib.import_module(f"faults.{name}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="oaf-faults-") as folder:
            for number, row in enumerate(module.faults(full, Path(folder, "site"))):
                rows.append((name, row))
                print(f"{name} {number + 1}: {row.what}: {row.survived}/{row.tried}", flush=True)
                for said in row.violations:
                    print(f"    {said}", flush=True)
                _keep(given.json, rows, full, commit)
        took[name] = time.monotonic() - began
        print(f"{name}: {took[name]:.0f} s", flush=True)
    print(f"\n{table(rows)}\n\n{summary(rows, took)}\nThe code is {commit or 'of no commit'}.")
    return 0 if all(row.held for _, row in rows) else 1


def _commit() -> str:
    """The state of the code, as git calls it; nothing where there is no git."""
    words = ["git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _keep(path: Path, rows: list[tuple[str, Tried]], full: bool, commit: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": "oaf-faults/1",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "size": "full" if full else "quick",
        "rows": [{"family": family, **dataclasses.asdict(row)} for family, row in rows],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
