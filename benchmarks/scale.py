"""One report of very many variables × 1 Hz × 24 h, by the command a user types.

``python benchmarks/scale.py`` takes 200, 400 and 800 variables; ``--full`` 4,000 (346 million
samples judged, of a store of 691 million: two UTC days hold one local day). Printed are time,
samples a second, the memory of the largest process, and what was left on the disk.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from oaflib.report import read
from oaflib.series import Kind, Series
from oaflib.sources.embedded import Lake

SECOND = 10**9
DAY = "2026-11-22"
MIDNIGHT = 1_795_219_200 * SECOND  # of 2026-11-21, UTC
BLOCK = 200  # variables of one pattern
UNITS = ("A", "V", "mm", "degC")


@dataclass(frozen=True)
class Measured:
    """What one report took."""

    variables: int
    samples: int
    wall: float
    cpu: float
    largest: float  # MB, of the largest process
    page: int
    document: int
    figures: int
    records: int  # bytes on the disk that the store does not have anyway
    counts: dict[str, int]


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
        for first in range(0, variables, 10 * BLOCK):
            with lake.writing(f"block {first}") as batch:
                for number in range(first, min(variables, first + 10 * BLOCK)):
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
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    oaf = str(Path(sys.executable).with_name("oaf"))
    command = [oaf, "run", dataset, "--day", DAY]
    command += ["--root", str(root)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peaks: dict[int, int] = {}
    watch = threading.Thread(target=_watched, args=(child, peaks))
    watch.start()
    said, _ = child.communicate()
    wall = time.monotonic() - begun
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode:
        raise SystemExit(f"{dataset} has no report:\n{said}")
    place = root / "publish" / "reports" / "SCALE" / str(variables) / DAY
    report = read((place / "report.json").read_bytes())
    kept = root / "runs" / "reports" / dataset / DAY / "records"
    return Measured(
        variables=variables,
        samples=sum(entry.count for entry in report.statistics),
        wall=wall,
        cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        largest=max(peaks.values()) / 1e3,
        page=(place / "index.html").stat().st_size,
        document=(place / "report.json").stat().st_size,
        figures=sum(path.stat().st_size for path in (place / "figures").glob("*")),
        records=sum(path.stat().st_size for path in kept.iterdir() if path.stat().st_nlink == 1),
        counts=report.counts,
    )


def _watched(child: subprocess.Popen[str], peaks: dict[int, int]) -> None:
    """The greatest resident memory (kB) of each process begun by `child`."""
    while child.poll() is None:
        for pid in _family(child.pid):
            try:
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM"):
                        peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]))
            except OSError:
                continue
        time.sleep(0.1)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return
    for child in listed.split():
        yield from _family(int(child))


def say(found: Measured) -> None:
    """One line of the table, and what the report weighs."""
    rate = found.samples / found.wall / 1e6
    print(
        f"{found.variables:>6} variables {found.samples / 1e6:>7.1f} M samples {found.wall:7.1f} s "
        f"{found.cpu:7.1f} s CPU {rate:6.1f} M/s   largest process {found.largest:6.0f} MB",
        flush=True,
    )
    print(
        f"{'':17} page {found.page / 1e6:.2f} MB, figures {found.figures / 1e6:.2f} MB, "
        f"report.json {found.document / 1e6:.2f} MB, records {found.records / 1e6:.1f} MB beside "
        f"the store; {found.counts}"
    )


def main(sizes: list[int], folder: str | None = None) -> list[dict[str, object]]:
    """Run the reports of all sizes; what they took."""
    print(f"{os.cpu_count()} cores; 1 Hz × 24 h a variable, default checks, default plots")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        root = Path(name)
        begun = time.monotonic()
        made(root, max(sizes))
        print(
            f"a store of {max(sizes)} variables × 2 days made in {time.monotonic() - begun:.0f} s"
        )
        ran(root, min(sizes))  # what a first run caches
        found = [ran(root, size) for size in sizes]
        for line in found:
            say(line)
        small, large = found[0], found[-1]
        if large.samples > small.samples:
            more = (large.wall / small.wall) / (large.samples / small.samples)
            print(f"time a sample, {large.variables} against {small.variables}: {more:.2f} ×")
    return [asdict(line) for line in found]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[200, 400, 800])
    parser.add_argument("--full", action="store_true", help="4,000 variables, and 1,000")
    parser.add_argument("--folder", help="where to make the project (default: the system's)")
    chosen = parser.parse_args()
    main([1000, 4000] if chosen.full else chosen.sizes, chosen.folder)
