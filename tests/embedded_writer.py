"""A writer for the kill test: batches without end, each told when it is in the store.

Run as ``python embedded_writer.py STORE FIRST``. Batch n holds, of each of 20 variables, 50 samples
with the value n; ``n`` goes to stdout after its commit.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake
from oaflib.sources.embedded.compact import Compaction, compact

START = 1_795_305_600 * 10**9  # 2026-11-22
VARIABLES = 20
SAMPLES = 50


def batch(number: int) -> list[Series]:
    # Two days, so that a batch is of several files; memory is scarce, so it spills.
    times = START + number * 1000 + np.arange(SAMPLES) + (np.arange(SAMPLES) % 2) * 86_400 * 10**9
    value = np.full(SAMPLES, float(number))
    return [Series(f"KILL.{i:02}:X", Kind.NUMERIC, "V", times, value) for i in range(VARIABLES)]


def main(store: Path, first: int) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    with Lake(store, memory=6_000) as lake:
        for number in range(first, first + 100_000):
            lake.write(batch(number), origin=f"batch {number}")
            print(number, flush=True)  # noqa: T201
            if number % 10 == 9:
                compact(
                    lake, at + timedelta(seconds=number), Compaction(grace=timedelta(minutes=1))
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
