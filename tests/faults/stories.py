"""The life of alarms as sequences of random steps, each held against a model.

The machine is that of ``tests/test_fuzz_alarms.py``: mornings, kills, full disks, mail away, days
off, silences and edits, everything real but the notebook. Pieces run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from faults.scene import elapsed
from faults.tried import Tried, budget

STEPS = 30
PIECE = 50  # sequences in one process


def faults(full: bool, folder: Path) -> Iterator[Tried]:
    """So many sequences (``OAF_STORIES``, else 2,000 or 50), or as many as the time allows."""
    wanted = int(os.environ.get("OAF_STORIES", "2000" if full else "50"))
    until = time.monotonic() + budget(3600.0 if full else 120.0)
    seed = 1000 * int(os.environ.get("OAF_SEED", "8"))
    folder.mkdir(parents=True)
    tried = bad = 0
    worst, steps, wrong = 0.0, Counter[str](), list[str]()
    while tried < wanted and time.monotonic() < until:
        seed, count, began = seed + 1, min(PIECE, wanted - tried), time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "faults.stories", str(seed), str(count)],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[1]),
                "TMPDIR": str(folder),
            },
        )
        worst = max(worst, elapsed(began) / count)
        tried += count
        if ended.returncode:
            bad += 1
            wrong.append(f"seed {seed}: {(ended.stdout + ended.stderr)[-4000:]}")
        else:
            steps.update(json.loads(ended.stdout.splitlines()[-1]))
        print(f"  {tried} sequences, seed {seed}, {bad} bad", flush=True)
    said = ", ".join(f"{name} {number:,}" for name, number in sorted(steps.items()))
    what = f"sequences of {STEPS} steps in the life of alarms"
    yield Tried(what, tried, tried - bad, bad, 0, worst, said, wrong)


def main() -> None:
    """Some sequences, in this process; the steps that were taken as a line of JSON."""
    import hypothesis
    from hypothesis.stateful import run_state_machine_as_test
    from test_fuzz_alarms import SETTINGS, Life

    seed, count = int(sys.argv[1]), int(sys.argv[2])
    steps = Counter[str]()

    class Told(Life):
        """The same machine; it says which steps it took."""

        def _hold(self, instant: int = 0, again: bool = False, full: bool = False) -> None:
            kind = ("full disks" if full else "kills") if instant else "mornings"
            steps[kind] += 1
            super()._hold(instant, again, full)

    run_state_machine_as_test(
        hypothesis.seed(seed)(Told),
        settings=hypothesis.settings(SETTINGS, max_examples=count, stateful_step_count=STEPS),
    )
    print(json.dumps(steps))


if __name__ == "__main__":
    main()
