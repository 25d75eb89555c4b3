"""One report of very many variables × 1 Hz × 24 h, by the command a user types.

``python benchmarks/scale.py`` takes 100 and 400 variables; ``--full`` 1,000 and 4,000 (346 million
samples judged, of a store of 691 million: a local day lies in two UTC days). Printed are time,
memory of the largest process, and what was left on the disk.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import Cost, Figure, cost

from oaflib.report import read
from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake

SECOND = 10**9
DAY = "2026-11-22"
MIDNIGHT = 1_795_219_200 * SECOND  # of 2026-11-21, UTC
BLOCK = 50  # variables of one pattern; sizes are multiples of it
UNITS = ("A", "V", "mm", "degC")


@dataclass(frozen=True)
class Measured:
    """What one report took."""

    variables: int
    samples: int
    took: Cost
    page: int
    document: int
    figures: int
    records: int  # bytes on the disk that the store does not have anyway
    counts: dict[str, int]

    @property
    def a_sample(self) -> float:
        """Processor time a sample, ns."""
        return self.took.cpu / self.samples * 1e9


def one(number: int, rng: np.random.Generator) -> Series:
    """Two days of a variable: most are noisy readings, some of full precision, some settings."""
    n, sort = 2 * 86_400, number % 10
    time_ = MIDNIGHT + np.arange(n, dtype=np.int64) * SECOND
    slow = np.sin(np.arange(n) / 86_400 * 2 * np.pi)
    if sort < 6:
        value = np.round(5 * slow + rng.normal(0, 0.5, n) + number % 7, 3)
    elif sort < 8:
        value = rng.normal(number % 11, 1.0, n)
        time_ = time_ + rng.integers(0, 10**6, n)
    elif sort == 8:
        value = np.round(np.cumsum(rng.normal(0, 0.01, n)), 4)
    else:
        value = np.full(n, float(number % 13))
    if number % 97 == 50:
        value[n // 2 + 30_000 :] = value[n // 2 + 30_000]  # stuck
    if number % 101 == 50:
        value[n // 2 + 40_000] += 80  # a spike
    name = f"SR.B{number // BLOCK:03}.{'ABCDEFGHIJ'[sort]}{number:05}:VALUE"
    return Series(name, Kind.NUMERIC, UNITS[number % len(UNITS)], time_, value)


def made(root: Path, variables: int) -> None:
    """A project with a store of that many variables."""
    (root / "config" / "datasets").mkdir(parents=True)
    templates = Path(__file__).parents[1] / "notebooks"
    shutil.copytree(templates, root / "notebooks")
    (root / "config" / "instruments.toml").write_text('[SCALE]\ntitle = "Very many"\n')
    (root / "config" / "site.toml").write_text(
        'title = "Scale"\nmachine = "X"\nzone = "Europe/Zurich"\n'
        '[sources.LDB]\nkind = "embedded"\nfolder = "runs/store"\n'
        '[mail]\nsender = "OAF <oaf@example.org>"\ndomain = "example.org"\n'
        'operator = "oaf@example.org"\n'
    )
    columns = "Instrument,Source,DataSet,UserId,email,DftPlot,ExpCode"
    (root / "config" / "tasks.csv").write_text(f"{columns}\n")
    rng = np.random.default_rng(22)
    with Lake(root / "runs" / "store") as lake:
        for first in range(0, variables, 40 * BLOCK):
            with lake.writing(f"block {first}") as batch:
                for number in range(first, min(variables, first + 40 * BLOCK)):
                    batch.add(one(number, rng))


def named(root: Path, variables: int) -> str:
    """A dataset of the first variables; its ID."""
    patterns = ", ".join(f'"SR.B{block:03}.%"' for block in range(-(-variables // BLOCK)))
    path = root / "config" / "datasets" / f"SCALE_{variables}.toml"
    path.write_text(f'title = "{variables} variables"\nvariables = [{patterns}]\n')
    return f"SCALE_{variables}"


def ran(root: Path, variables: int) -> Measured:
    """``oaf run`` of the dataset."""
    dataset = named(root, variables)
    oaf = str(Path(sys.executable).with_name("oaf"))
    took = cost([oaf, "run", dataset, "--day", DAY, "--root", str(root)], root)
    place = root / "publish" / "reports" / "SCALE" / str(variables) / DAY
    report = read((place / "report.json").read_bytes())
    kept = root / "runs" / "reports" / dataset / DAY / "records"
    return Measured(
        variables=variables,
        samples=sum(entry.count for entry in report.statistics),
        took=took,
        page=(place / "index.html").stat().st_size,
        document=(place / "report.json").stat().st_size,
        figures=sum(path.stat().st_size for path in (place / "figures").glob("*")),
        records=sum(path.stat().st_size for path in kept.iterdir() if path.stat().st_nlink == 1),
        counts=report.counts,
    )


def say(found: Measured) -> None:
    """What one report took and weighs."""
    took = found.took
    print(
        f"{found.variables:>6} variables {found.samples / 1e6:>7.1f} M samples {took.wall:7.1f} s "
        f"{took.cpu:7.1f} s CPU {found.a_sample:6.1f} ns a sample, largest process "
        f"{took.largest:5.0f} MB\n{'':17} page {found.page / 1e6:.2f} MB, figures "
        f"{found.figures / 1e6:.2f} MB, report.json {found.document / 1e6:.2f} MB, records "
        f"{found.records / 1e6:.1f} MB beside the store; {found.counts}",
        flush=True,
    )


def figures(full: bool) -> Iterator[Figure]:
    """The rows of the table."""
    yield from measured([1000, 4000] if full else [100, 400])


def measured(sizes: list[int], folder: str | None = None) -> Iterator[Figure]:
    """Reports of all sizes, of one store."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        root = Path(name)
        made(root, max(sizes))
        ran(root, min(sizes))  # what a first run caches
        found = [ran(root, size) for size in sizes]
    for line in found:
        say(line)
    small, large = found[0], found[-1]
    yield from told(small, large)


def told(small: Measured, large: Measured) -> Iterator[Figure]:
    """What a large report took, and against a small one."""
    took, what = large.took, f"{large.variables} variables"
    cores = min(2, os.cpu_count() or 1)
    busy = large.samples / took.cpu * cores / 1e6
    rate = large.samples / took.wall / 1e6
    more = (took.wall - small.took.wall) / (large.samples - small.samples) * 1e9
    yield Figure(f"{what}, by the clock", rate, "M samples/s", 15.0, note=f"{took.wall:.1f} s")
    note = f"{took.cpu:.1f} s of CPU, were the cores its own"
    yield Figure(
        f"{what}, by processor time on {cores} cores", busy, "M samples/s", 15.0, note=note
    )
    yield Figure(f"{what}, largest process", took.largest, "MB", 2000.0, most=True)
    note = f"{large.variables} against {small.variables}, processor time"
    yield Figure("time a sample", large.a_sample / small.a_sample, reach=1.1, most=True, note=note)
    yield Figure("each further sample, by the clock", more, "ns")
    weight = (large.page + large.figures) / 1e6
    yield Figure(f"{what}, page with figures", weight, "MB", 1.5, most=True)
    yield Figure(f"{what}, report.json", large.document / 1e6, "MB")
    yield Figure(f"{what}, records beside the store", large.records / 1e6, "MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[100, 400])
    parser.add_argument("--full", action="store_true", help="1,000 and 4,000 variables")
    parser.add_argument("--folder", help="where to make the project (default: the system's)")
    chosen = parser.parse_args()
    for figure in measured([1000, 4000] if chosen.full else chosen.sizes, chosen.folder):
        print(f"{figure.what:50} {figure.value:8.2f} {figure.unit:12} {figure.note}")
